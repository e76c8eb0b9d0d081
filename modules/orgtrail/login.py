"""Sessions in the accounts of an environment file: by its roles and profiles, or by options."""

from __future__ import annotations

from typing import Any

from orgtrail import aws, layout
from orgtrail.settings.environment import Environment


def role_in(env: Environment, name: str, role: str | None) -> str | None:
    """Return the ARN of the role to assume in an account; None for none.

    Args:
        env: the settings.
        name: the account's name in the file.
        role: a role's name or ARN in place of the file's.

    """
    account = env.accounts[name]
    if not role:
        return account.role_arn
    return role if role.startswith("arn:") else layout.role_arn(env, account.id, role)


def session_in(
    env: Environment, name: str, role: str | None = None, profile: str | None = None
) -> Any:
    """Return a boto3 session in an account: the credentials at hand, or those of its role.

    Args:
        env: the settings.
        name: the account's name in the file.
        role: a role's name or ARN in place of the file's.
        profile: a profile in place of the file's.

    Raises:
        OrgtrailError: there are no credentials for the account.

    """
    account = env.accounts[name]
    arn = role_in(env, name, role)
    try:
        return aws.session_in(account, env.home_region, arn, profile)
    except Exception as error:  # noqa: BLE001  # a provider of credentials may raise anything
        raise aws.unreachable(f"accounts.{name} ({account.id})", arn, error) from None
