"""What HCP Terraform lays out for a run, from the variables of a workspace.

A workspace's variables and the Terraform variable that HCP fills are as HashiCorp documents them:
https://developer.hashicorp.com/terraform/cloud-docs/workspaces/dynamic-provider-credentials/aws-configuration
https://developer.hashicorp.com/terraform/cloud-docs/workspaces/dynamic-provider-credentials/specifying-multiple-configurations

What is in a shared configuration file is not documented. The one here has what AWS documents for a
role that is assumed with a token from a file:
https://docs.aws.amazon.com/cli/latest/userguide/cli-configure-role.html#cli-configure-role-oidc
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

from tests.e2e.cloud import Cloud
from tests.e2e.terraform import Folder

AUTH = "TFC_AWS_PROVIDER_AUTH"
AUDIENCE = "aws.workload.identity"
RUN = "run-CKuwsxMGgMd3Z8sx"


def tags(variables: dict[str, str]) -> list[str]:
    """Return the tags of a workspace's AWS credentials; the default ones have an empty tag."""
    named = (re.fullmatch(rf"{AUTH}(?:_(\w+))?", each) for each in variables)
    return [each[1] or "" for each in named if each and variables[each[0]] == "true"]


def role(variables: dict[str, str], tag: str, phase: str) -> str:
    """Return the role of a run: the phase's, the workspace's, or the default of all tags."""
    end = f"_{tag}" if tag else ""
    names = (f"TFC_AWS_{phase}_ROLE_ARN{end}", f"TFC_AWS_RUN_ROLE_ARN{end}",
             f"TFC_DEFAULT_AWS_{phase}_ROLE_ARN", "TFC_DEFAULT_AWS_RUN_ROLE_ARN")  # fmt: skip
    return next(variables[each] for each in names if each in variables)


def token(tag: str) -> str:
    """Return what stands for the signed token of one of the credentials."""
    return f"{AUDIENCE}.{tag or 'default'}.signature"


def credentials(variables: dict[str, str], place: Path, phase: str) -> dict[str, Any] | None:
    """Write the files of a run's credentials; return the value of the variable that names them."""
    files = {}
    for tag in tags(variables):
        end = f"-{tag}" if tag else ""
        (place / f"tfc-aws-token{end}").write_text(token(tag))
        path = place / f"tfc-aws-shared-config{end}"
        path.write_text(
            "[default]\n"
            f"web_identity_token_file={place / f'tfc-aws-token{end}'}\n"
            f"role_arn={role(variables, tag, phase)}\n"
            f"role_session_name={RUN}\n"
        )
        files[tag] = {"shared_config_file": str(path)}
    default = files.pop("", {"shared_config_file": ""})
    return {"default": default, "aliases": files} if tags(variables) else None


def remote_run(
    stack: Folder, variables: dict[str, str], place: Path, here: Cloud, phase: str = "PLAN"
) -> Folder:
    """Lay out a run of a workspace: configuration, variables file, credentials and environment.

    The machine of a run has no AWS credentials of its own, keeps the state with HCP, and leaves
    the `cloud` block of the configuration out.
    """
    configuration = place / "config"
    shutil.copytree(stack.path, configuration)
    state = {"terraform": {"backend": {"local": {"path": str(place / "terraform.tfstate")}}}}
    (configuration / "zzz_backend_override.tf.json").write_text(json.dumps(state))
    lines = [f'TFC_RUN_ID = "{RUN}"']
    if value := credentials(variables, place, phase):
        lines.append(f"tfc_aws_dynamic_credentials = {json.dumps(value)}")
    (place / "terraform.tfvars").write_text("\n".join(lines) + "\n")
    environment = {
        **variables,
        "TFC_RUN_ID": RUN,
        "TF_CLI_ARGS_plan": f"-input=false -no-color -var-file={place / 'terraform.tfvars'}",
        "AWS_ACCESS_KEY_ID": "",
        "AWS_SECRET_ACCESS_KEY": "",
    }
    run = Folder(configuration, environment=environment)
    run.override(here, "management", "logging")
    run.must("init")
    return run
