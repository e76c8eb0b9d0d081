"""The CDKTF stack of one environment: its backend, providers, trail and outputs."""

from __future__ import annotations

import json
from typing import Any

from orgtrail.cdktf import bindings as aws
from orgtrail.cdktf.organization_trail import OrganizationTrail
from orgtrail.settings.environment import (
    Account,
    CloudBackend,
    Environment,
    LocalBackend,
    S3Backend,
)
from orgtrail.trail.stack import PROVIDER, TERRAFORM_VERSIONS, provider_versions

CREDENTIALS = "tfc_aws_dynamic_credentials"
"""The variable that HCP Terraform sets if a workspace has several AWS credentials.
https://developer.hashicorp.com/terraform/cloud-docs/workspaces/dynamic-provider-credentials/specifying-multiple-configurations"""


class EnvironmentStack(aws.TerraformStack):
    """The Terraform stack of an environment, named after it.

    Args:
        scope: the app.
        environment: the settings.

    """

    def __init__(self, scope: aws.Construct, environment: Environment) -> None:
        """Create everything that the environment enables."""
        super().__init__(scope, environment.name)
        # All resources of this stack are ours, so that their paths are unique addresses.
        self.home = self
        self.environment = environment
        self._set_versions_and_backend(environment)
        providers = {name: self._provider(name) for name in environment.provider_accounts}
        self.trail = OrganizationTrail(
            self,
            "Default",
            environment=environment,
            management=providers["management"],
            logging=providers["logging"],
            further=providers,
        )
        for name, output in self.trail.outputs.items():
            aws.TerraformOutput(self, name, value=output.value, description=output.meaning)

    def _set_versions_and_backend(self, environment: Environment) -> None:
        """Set the versions of Terraform and the provider, and the backend."""
        self.add_override("terraform.required_version", TERRAFORM_VERSIONS)
        self.add_override(
            "terraform.required_providers.aws",
            {"source": PROVIDER, "version": provider_versions(environment)},
        )
        match environment.backend:
            case LocalBackend():
                # Terraform runs in cdktf.out/stacks/<name>; the state belongs next to main.py.
                aws.LocalBackend(self, path=f"../../../terraform.{environment.name}.tfstate")
            case S3Backend() as s3:
                aws.S3Backend(
                    self,
                    bucket=s3.bucket,
                    key=s3.key_of(environment.name),
                    region=s3.region,
                    encrypt=True,
                    kms_key_id=s3.kms_key_arn,
                    profile=s3.profile,
                    assume_role=aws.S3BackendAssumeRoleConfig(role_arn=s3.role_arn)
                    if s3.role_arn
                    else None,
                )
                self.add_override("terraform.backend.s3.use_lockfile", True)
            case CloudBackend() as cloud:
                aws.CloudBackend(
                    self,
                    hostname=cloud.hostname,
                    organization=cloud.organization,
                    workspaces=aws.NamedCloudWorkspace(cloud.workspace, cloud.project),
                )
                aws.TerraformVariable(
                    self,
                    CREDENTIALS,
                    type=(
                        "object({ default = object({ shared_config_file = string }), "
                        "aliases = map(object({ shared_config_file = string })) })"
                    ),
                    default=aws.null(),
                    description="Filled by HCP Terraform; null where Terraform runs elsewhere",
                )

    def _provider(self, name: str) -> aws.AwsProvider:
        """Create the provider of one account, which refuses to act in any other.

        Its alias is the account's name. It serves all regions, so that after a region is removed
        from the file, Terraform can still reach the region's resources to delete them.
        """
        account = self.environment.accounts[name]
        role = _assume_role(account)
        provider = aws.AwsProvider(
            self,
            name,
            alias=name,
            region=self.environment.home_region,
            allowed_account_ids=[account.id],
            default_tags=[aws.AwsProviderDefaultTags(tags=dict(self.environment.tags))]
            if self.environment.tags
            else None,
            profile=account.profile,
            assume_role=[aws.AwsProviderAssumeRole(**role)] if role else None,
        )
        if isinstance(self.environment.backend, CloudBackend):
            for setting, value in _dynamic_credentials(name, account, role).items():
                provider.add_override(setting, value)
        return provider


def _assume_role(account: Account) -> dict[str, Any]:
    if not account.role_arn:
        return {}
    external = {"external_id": account.external_id} if account.external_id else {}
    return {"role_arn": account.role_arn, "session_name": account.session_name, **external}


def _dynamic_credentials(name: str, account: Account, role: dict[str, Any]) -> dict[str, Any]:
    """Return provider settings that work both in HCP Terraform and on a laptop.

    If HCP has credentials tagged with the account's name (`TFC_AWS_RUN_ROLE_ARN_LOGGING`), the
    provider uses them in every region. If it has only default ones, or none as on a laptop, the
    provider uses the role or profile of the file.
    """
    tag = json.dumps(name.upper().replace("-", "_"))
    tagged = f"var.{CREDENTIALS}.aliases[{tag}].shared_config_file"
    default = f"var.{CREDENTIALS}.default.shared_config_file"
    files = f"[coalesce(try({tagged}, null), try({default}, null))]"
    settings: dict[str, Any] = {"shared_config_files": f"${{try({files}, null)}}"}
    if account.profile:
        settings["profile"] = f"${{can({tagged}) ? null : {json.dumps(account.profile)}}}"
    if role:
        settings["assume_role"] = None
        settings["dynamic"] = {
            "assume_role": {"for_each": f"${{can({tagged}) ? [] : [1]}}", "content": role}
        }
    return settings
