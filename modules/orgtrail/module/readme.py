"""A module's README, and an example that calls the module."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from orgtrail.module.variables import Variable
from orgtrail.regions import partition
from orgtrail.settings.environment import Environment
from orgtrail.trail.stack import PROVIDER, PROVIDER_VERSIONS, TERRAFORM_VERSIONS

Json = dict[str, Any]

_DEPLOYING_ROLE = "orgtrail-deploy"


def readme(variables: Json, outputs: Json, providers: Sequence[str], call: str) -> str:
    """Return the module's README.

    Args:
        variables: its variables.
        outputs: its outputs.
        providers: the accounts that it needs a provider for.
        call: the example that calls it.

    """
    rows = [
        f"| `{name}` | `{each['type']}` | {_default(each)} | {each['description']} |"
        for name, each in sorted(variables.items(), key=lambda one: "default" in one[1])
    ]
    aliases = ", ".join(f"`aws.{each}`" for each in providers)
    return f"""\
# The audit trail of an AWS Organization

A Terraform module, written by `orgtrail module`: organization trail, log archive and key, service
control policy, delivery to CloudWatch Logs, and the Athena table. Change it where it comes from:
in the environment file, or in orgtrail.

It takes one provider for each account, in the home region: {aliases}.
A plan stops where one reaches another account; `allowed_account_ids` in yours refuse that sooner.
Tags of all resources are your `default_tags`. Import blocks for what exists already go into your
own root module: Terraform accepts them nowhere else.

```hcl
{call}```

## Variables

| name | type | default | meaning |
|---|---|---|---|
{chr(10).join(rows)}

## Outputs

| name | meaning |
|---|---|
{chr(10).join(f"| `{name}` | {each['description']} |" for name, each in sorted(outputs.items()))}
"""


def example(env: Environment, chosen: Sequence[Variable]) -> str:
    """Return a root module that calls the module, formatted like `terraform fmt`.

    Args:
        env: the settings that the module is built from.
        chosen: its variables.

    """
    required = {each.name: json.dumps(each.value) for each in chosen if each.is_asked}
    passed = {f"aws.{name}": f"aws.{name}" for name in env.provider_accounts}
    wanted = f'{{ source = "{PROVIDER}", version = "{PROVIDER_VERSIONS}" }}'
    return "\n".join(
        (
            f'terraform {{\n  required_version = "{TERRAFORM_VERSIONS}"\n',
            "  required_providers {",
            *_lines({"aws": wanted}, 4),
            "  }\n}\n",
            *(_provider(env, name) for name in env.provider_accounts),
            'module "audit_trail" {\n  source = "../.."\n',
            "  providers = {",
            *_lines(passed, 4),
            "  }\n" if required else "  }",
            *_lines(required, 2),
            "}\n",
            'output "trail_arn" {\n  value = module.audit_trail.trail_arn\n}\n',
        )
    )


def _provider(env: Environment, name: str) -> str:
    account, region = env.accounts[name].id, env.home_region
    role = f"arn:{partition(region)}:iam::{account}:role/{_DEPLOYING_ROLE}"
    settings = {
        "alias": json.dumps(name),
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
