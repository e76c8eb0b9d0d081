"""Settings of the Terraform state: a local file, S3 or HCP Terraform."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from orgtrail.settings.types import (
    BucketName,
    KeyArn,
    Region,
    RoleArn,
    Section,
    Text,
    matches,
    setting,
)

HcpOrganization = Annotated[
    str, matches(r"[A-Za-z0-9_-]{3,40}", "must be 3 to 40 letters, digits, - or _")
]
"""The length is that of HashiCorp's provider `tfmigrate`; its client `go-tfe` refuses spaces.
https://github.com/hashicorp/go-tfe/blob/main/validations.go"""
HcpWorkspace = Annotated[
    str, matches(r"[A-Za-z0-9_-]{1,90}", "must be 1 to 90 letters, digits, - or _")
]
"""https://developer.hashicorp.com/terraform/cloud-docs/api-docs/workspaces#create-a-workspace"""
HcpProject = Annotated[
    str,
    matches(
        r"[A-Za-z0-9_-][A-Za-z0-9_ -]{1,38}[A-Za-z0-9_-]",
        "must be 3 to 40 letters, digits, spaces, - or _, with no space at either end",
    ),
]
"""https://developer.hashicorp.com/terraform/cloud-docs/projects/manage#create-a-project"""


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

    def key_of(self, name: str) -> str:
        """Return the state's key of an environment."""
        return self.key or f"orgtrail/{name}.tfstate"


class CloudBackend(Section):
    """State and runs in HCP Terraform (or Terraform Enterprise)."""

    type: Literal["cloud"] = setting("`cloud`.")
    organization: HcpOrganization = setting("The HCP Terraform organization.")
    workspace: HcpWorkspace = setting("The workspace.")
    project: HcpProject | None = setting("The project that the workspace is in.", None)
    hostname: Text = setting("The host, for Terraform Enterprise.", "app.terraform.io")


Backend = Annotated[LocalBackend | S3Backend | CloudBackend, Field(discriminator="type")]
