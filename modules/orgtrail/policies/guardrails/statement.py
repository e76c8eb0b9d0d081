"""The shape of the statements: a denial to all but some roles, of a resource or of keys."""

from __future__ import annotations

from typing import Any

from orgtrail import naming
from orgtrail.policies.document import Statement, except_roles
from orgtrail.settings.environment import Environment

KEY = (
    "CreateGrant", "DeleteAlias", "DeleteImportedKeyMaterial", "DisableKey", "DisableKeyRotation",
    "PutKeyPolicy", "ScheduleKeyDeletion", "UpdateAlias",
)  # fmt: skip
"""The actions that make a key useless, let others use it, or take its name away."""
ROLE = (
    "AttachRolePolicy", "CreateRole", "DeleteRole", "DeleteRolePermissionsBoundary",
    "DeleteRolePolicy", "DetachRolePolicy", "PassRole", "PutRolePermissionsBoundary",
    "PutRolePolicy", "UpdateAssumeRolePolicy", "UpdateRole",
)  # fmt: skip
"""The IAM actions that make somebody as good as a role, or the role good for nothing.

Who hands a role to a service has the service act with it."""


def deny(
    sid: str,
    service: str,
    actions: tuple[str, ...],
    resource: str | list[str],
    exempt: tuple[str, ...],
    **conditions: dict[str, Any],
) -> Statement:
    """Deny some actions of a service to all but the exempt roles, on conditions if there are any.

    Without a service, each action names its own.
    """
    return {
        "Sid": sid,
        "Effect": "Deny",
        "Action": [f"{service}:{action}" if service else action for action in actions],
        "Resource": resource,
        **_on(except_roles(exempt), conditions),
    }


def deny_key(
    env: Environment, sid: str, actions: tuple[str, ...], alias: str, exempt: tuple[str, ...]
) -> Statement:
    """Deny actions on the key that has an alias: AWS makes up a key's id."""
    named = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": alias}}
    return deny(sid, "kms", actions, naming.any_key_arn(env), exempt, **named)


def deny_by_alias(
    env: Environment, sid: str, actions: tuple[str, ...], alias: str, exempt: tuple[str, ...]
) -> list[Statement]:
    """Deny actions on the key that has an alias, and on the alias.

    A key that lost its alias would be known by nothing, so the alias is protected like its key.
    """
    arn = naming.logging_arn(env, "kms", alias)
    return [
        deny_key(env, sid, actions, alias, exempt),
        deny(f"{sid}Alias", "kms", ("DeleteAlias", "UpdateAlias"), arn, exempt),
    ]


def _on(exempt: dict[str, Any], conditions: dict[str, dict[str, Any]]) -> dict[str, Any]:
    joined = {**exempt.get("Condition", {}), **conditions}
    return {"Condition": joined} if joined else {}
