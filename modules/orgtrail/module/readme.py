"""A module's README, with the sections that the pages of the Terraform registry have.

https://developer.hashicorp.com/terraform/registry/modules/publish
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from orgtrail.module.example import call
from orgtrail.module.template import Template
from orgtrail.module.writer import write
from orgtrail.settings.environment import Environment
from orgtrail.trail.stack import PROVIDER, TERRAFORM_VERSIONS, provider_versions

Json = dict[str, Any]

_PAGES = f"https://registry.terraform.io/providers/{PROVIDER}/latest/docs"


def readme(env: Environment, template: Template, variables: Json, example: str) -> str:
    """Return the module's README.

    Args:
        env: the settings that the module is built from.
        template: its configuration.
        variables: its variables.
        example: the path of the example.

    """
    aliases = [f"aws.{each}" for each in env.provider_accounts]
    usage = write([call(env, template.variables, "./modules/audit-trail")])
    inputs = sorted(variables.items(), key=lambda one: ("default" in one[1], one[0]))
    outputs = sorted(template.outputs.items())
    return f"""\
# The audit trail of an AWS Organization

This Terraform module makes an organization trail, the log archive and its key, the organization
policies that protect them, the delivery to CloudWatch Logs, and a table in Athena over the log
files. `orgtrail module` has written it: change it in the environment file or in orgtrail, and
write it again.

## Usage

```hcl
{usage}```

The module takes one provider for each account, in the home region: {_listed(aliases)}.
[{example}]({example}) has a whole root module with the providers.

- A plan stops where a provider reaches another account. `allowed_account_ids` in your providers
  stop it sooner.
- Tags of all resources are the `default_tags` of your providers.
- Import blocks for what exists already go into your root module: Terraform accepts them nowhere
  else.

`terraform test` in the folder of the module plans it with mocked providers, without credentials.
It needs Terraform 1.7 or newer, and the AWS provider.

## Requirements

{_table(("Name", "Version"), _requirements(env))}
## Providers

{_table(("Name", "Version"), ((f"`{each}`", f"`{provider_versions(env)}`") for each in aliases))}
## Modules

No modules.

## Resources

{_table(("Name", "Type"), map(_resource, sorted(template.order, key=_place)))}
## Inputs

{_table(("Name", "Description", "Type", "Default", "Required"), (_input(*one) for one in inputs))}
## Outputs

{_table(("Name", "Description"), ((f"`{name}`", one["description"]) for name, one in outputs))}"""


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{each}`" for each in names)


def _requirements(env: Environment) -> Iterable[tuple[str, str]]:
    yield "terraform", f"`{TERRAFORM_VERSIONS}`"
    yield "aws", f"`{provider_versions(env)}`"


def _place(address: str) -> tuple[bool, str]:
    return address.startswith("data."), address


def _resource(address: str) -> tuple[str, str]:
    kind, _, _ = address.removeprefix("data.").partition(".")
    is_read = address.startswith("data.")
    page = f"{_PAGES}/{'data-sources' if is_read else 'resources'}/{kind.removeprefix('aws_')}"
    return f"[`{address}`]({page})", "data source" if is_read else "resource"


def _input(name: str, given: Json) -> tuple[str, ...]:
    default = f"`{json.dumps(given['default'])}`" if "default" in given else "n/a"
    required = "no" if "default" in given else "yes"
    return f"`{name}`", given["description"], f"`{given['type']}`", default, required


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(each)} |\n" for each in lines)
