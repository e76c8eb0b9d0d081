"""What the roles that Terraform deploys with may do: what the stack needs, and nothing beside it.

The end-to-end tests hold these against every call that the provider made. What no such call can
show stands in `services`, with its source.
"""

from __future__ import annotations

from orgtrail.policies.deployer.core import in_logging, in_management
from orgtrail.policies.deployer.services import administering, delegating
from orgtrail.policies.document import Document, document
from orgtrail.settings.environment import Environment


def deployer(env: Environment, name: str) -> Document:
    """Return the policy of the role that deploys to an account.

    Args:
        env: the settings.
        name: the account, by its name in `accounts`: one of `env.provider_accounts`.

    """
    statements = []
    if name == "management":
        statements += [*in_management(env), *delegating(env)]
    if name == "logging":
        statements += in_logging(env)
    return document(*statements, *administering(env, name))
