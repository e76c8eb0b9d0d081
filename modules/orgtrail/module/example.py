"""An example of a root module that calls the module, as README and `examples/` show it."""

from __future__ import annotations

from collections.abc import Sequence

from orgtrail.module.expressions import value
from orgtrail.module.hcl import BLANK, Attribute, Block, Expression, Item
from orgtrail.module.variables import Variable
from orgtrail.module.writer import write
from orgtrail.regions import partition
from orgtrail.settings.environment import Environment
from orgtrail.trail.stack import PROVIDER, TERRAFORM_VERSIONS, provider_versions

_DEPLOYING_ROLE = "orgtrail-deploy"


def example(env: Environment, chosen: Sequence[Variable]) -> str:
    """Return the file of a root module that calls the module.

    Args:
        env: the settings that the module is built from.
        chosen: its variables.

    """
    required = {"source": PROVIDER, "version": provider_versions(env)}
    terraform = Block(
        "terraform",
        body=[
            Attribute("required_version", TERRAFORM_VERSIONS),
            Block("required_providers", body=[Attribute("aws", required)]),
        ],
    )
    arn = Attribute("value", Expression("module.audit_trail.trail_arn"))
    return write(
        [
            terraform,
            *(_provider(env, name) for name in env.provider_accounts),
            call(env, chosen, "../.."),
            Block("output", ("trail_arn",), [arn]),
        ]
    )


def call(env: Environment, chosen: Sequence[Variable], source: str) -> Block:
    """Return the block that calls the module.

    Args:
        env: the settings that the module is built from.
        chosen: its variables.
        source: the module's address.

    """
    aliases = {f"aws.{name}": Expression(f"aws.{name}") for name in env.provider_accounts}
    asked: list[Item] = [
        Attribute(each.name, value(each.value)) for each in chosen if each.is_asked
    ]
    body = [
        Attribute("source", source),
        BLANK,
        Attribute("providers", {Expression(name): each for name, each in aliases.items()}),
        *([BLANK, *asked] if asked else []),
    ]
    return Block("module", ("audit_trail",), body)


def _provider(env: Environment, name: str) -> Block:
    account, region = env.accounts[name].id, env.home_region
    role = f"arn:{partition(region)}:iam::{account}:role/{_DEPLOYING_ROLE}"
    return Block(
        "provider",
        ("aws",),
        [
            Attribute("alias", name),
            Attribute("region", region),
            Attribute("allowed_account_ids", [account]),
            Block("assume_role", body=[Attribute("role_arn", role)]),
        ],
    )
