"""Settings of the Terraform state: a local file, S3 or HCP Terraform."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from orgtrail.settings.types import (
    BucketName,
    KeyArn,
    Name,
    Region,
    RoleArn,
    Section,
    Text,
    setting,
)


class LocalBackend(Section):
    """State in `terraform.<name>.tfstate` in the project's folder."""

    type: Literal["local"] = setting("`local`.", "local")


class S3Backend(Section):
    """State in an S3 bucket, with a lock file beside it."""

    type: Literal["s3"] = setting("`s3`.")
    bucket: BucketName = setting("The bucket with the state, made before the first run.")
    region: Region = setting("The bucket's region.")
    key: Text | None = setting("The state's key; by default `orgtrail/<name>.tfstate`.", None)
    kms_key_arn: KeyArn | None = setting("Key that encrypts the state.", None)
    profile: Text | None = setting("Profile that reaches the bucket.", None)
    role_arn: RoleArn | None = setting("Role that reaches the bucket.", None)


class CloudBackend(Section):
    """State and runs in HCP Terraform (or Terraform Enterprise)."""

    type: Literal["cloud"] = setting("`cloud`.")
    organization: Name = setting("The HCP Terraform organization.")
    workspace: Annotated[Name, Field(max_length=90)] = setting("The workspace.")
    project: Text | None = setting("The project that the workspace is in.", None)
    hostname: Text = setting("The host, for Terraform Enterprise.", "app.terraform.io")


Backend = Annotated[LocalBackend | S3Backend | CloudBackend, Field(discriminator="type")]
