"""What goes with a module for its readers: its README and an example that calls it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from orgtrail.regions import partition

Json = dict[str, Any]

_EXAMPLES: dict[str, Any] = {
    "organization_id": "o-example1234",
    "organization_root_id": "r-exam",
    "management_account_id": "111111111111",
    "logging_account_id": "222222222222",
    "home_region": "us-east-1",
    "archive_bucket": "example-audit-trail",
    "exempt_roles": ["arn:aws:iam::222222222222:role/orgtrail-deploy"],
}
"""Values for what a caller has to say, made up."""
_DEPLOYING = "orgtrail-deploy"


def readme(variables: Json, outputs: Json, providers: list[Json]) -> str:
    """Return the module's README.

    Args:
        variables: its variables.
        outputs: its outputs.
        providers: the providers of the stack that it is made of.

    """
    rows = [
        f"| `{name}` | `{each['type']}` | {_default(each)} | {each['description']} |"
        for name, each in sorted(variables.items(), key=lambda one: "default" in one[1])
    ]
    aliases = ", ".join(f"`aws.{each['alias']}`" for each in providers)
    return f"""\
# The audit trail of an AWS Organization

A Terraform module, written by `orgtrail module`: organization trail, log archive and key, service
control policy, delivery to CloudWatch Logs, and the Athena table. Change it where it comes from:
in the environment file, or in orgtrail.

It takes one provider for each account and region: {aliases}.
A plan stops where one reaches another account; `allowed_account_ids` in yours refuse that sooner.
Tags of all resources are your `default_tags`. Import blocks for what exists already stand in your
own root module: Terraform takes them nowhere else.

{_block("hcl", example(variables, providers))}
## Variables

| name | type | default | meaning |
|---|---|---|---|
{chr(10).join(rows)}

## Outputs

| name | meaning |
|---|---|
{chr(10).join(f"| `{name}` | {each['description']} |" for name, each in outputs.items())}
"""


def example(variables: Json, providers: list[Json]) -> str:
    """Return a root module that calls the module, as `terraform fmt` has it."""
    required = {
        name: json.dumps(_EXAMPLES[name])
        for name, each in variables.items()
        if "default" not in each
    }
    passed = {f"aws.{each['alias']}": f"aws.{each['alias']}" for each in providers}
    return "\n".join(
        (
            'terraform {\n  required_version = ">= 1.10"\n\n  required_providers {',
            *_lines({"aws": '{ source = "hashicorp/aws", version = "~> 6.25" }'}, 4),
            "  }\n}\n",
            *(_provider(each, required) for each in providers),
            'module "audit_trail" {\n  source = "../.."\n',
            "  providers = {",
            *_lines(passed, 4),
            "  }\n" if required else "  }",
            *_lines(required, 2),
            "}\n",
            'output "trail_arn" {\n  value = module.audit_trail.trail_arn\n}\n',
        )
    )


def _provider(given: Json, required: Mapping[str, str]) -> str:
    """Return a provider of the example; where the caller names accounts, by what he says."""
    (account,) = given["allowed_account_ids"]
    region = given["region"]
    if required:
        name = given["alias"]
        account, region = _EXAMPLES[f"{name}_account_id"], _EXAMPLES["home_region"]
    role = f"arn:{partition(region)}:iam::{account}:role/{_DEPLOYING}"
    settings = {
        "alias": json.dumps(given["alias"]),
        "region": json.dumps(region),
        "allowed_account_ids": json.dumps([account]),
    }
    return "\n".join(
        (
            'provider "aws" {',
            *_lines(settings, 2),
            f'\n  assume_role {{\n    role_arn = "{role}"\n  }}\n}}\n',
        )
    )


def _lines(settings: Mapping[str, str], indent: int) -> Iterable[str]:
    width = max(map(len, settings), default=0)
    return [f"{' ' * indent}{name:<{width}} = {value}" for name, value in settings.items()]


def _default(variable: Json) -> str:
    return f"`{json.dumps(variable['default'])}`" if "default" in variable else "required"


def _block(language: str, text: str) -> str:
    return f"```{language}\n{text}```\n"
