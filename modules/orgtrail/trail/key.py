"""The key that encrypts log files and query results, in the logging account."""

from __future__ import annotations

from dataclasses import dataclass

from orgtrail.policies import key as policies
from orgtrail.settings.types import account_of
from orgtrail.trail.common import others_key, service_key
from orgtrail.trail.part import Part
from orgtrail.trail.resource import Provider, Resource


@dataclass(frozen=True, slots=True)
class TrailKey:
    """The key, as other parts name it."""

    arn: str
    """Its ARN, or the expression of it."""
    ready: tuple[Resource, ...]
    """What must be there before it is used."""


def key(part: Part) -> TrailKey:
    """Add the key and its alias."""
    env = part.environment
    if arn := env.adopt.referenced_key:
        # It may be in any account: Control Tower keeps it in the management account.
        owner = Provider(account_of(arn), env.home_region)
        made = others_key(part.inside("Default"), arn=arn, alias=env.key.alias, owner=owner)
        return TrailKey(arn, (made,))
    made = service_key(
        part.inside("Default"),
        alias=env.key.alias,
        description=f"Log files of the organization trail {env.trail.name}",
        policy=policies.key(env),
        protect=env.archive.destroy_protection,
        existing=env.adopt.key,
    )
    return TrailKey(made.attribute("arn"), (made,))
