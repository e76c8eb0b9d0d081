"""The intent: who is meant to do what, so that a decision can be held against it.

An environment file says it. A stack's JSON does not; there it is read from the exemptions that
the policies themselves name, which the report then shows as such.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from orgtrail.proof.estate import Estate
from orgtrail.proof.iam.patterns import like
from orgtrail.proof.iam.policy import Policy, Statement
from orgtrail.settings.environment import Environment
from orgtrail.trail.policy import administrators, patterns

_PRINCIPAL = "aws:principalarn"


@dataclass(frozen=True)
class Intent:
    """Roles by ARN or pattern, and what each kind is for."""

    exempt_roles: tuple[str, ...] = ()
    """May change what the SCP protects; the deploy role of the logging account always may."""
    break_glass_roles: tuple[str, ...] = ()
    """May delete log files."""
    key_administrators: tuple[str, ...] = ()
    """May administer the key; empty leaves it to IAM in the logging account."""
    member_reader: str = ""
    """Name of the role in member accounts that reads its own account's log files."""
    reader_accounts: tuple[str, ...] | None = None
    """The accounts whose reader is let in; None means all."""
    delegated: str = ""
    """The account that administers CloudTrail for the organization, if any."""


def of_settings(env: Environment) -> Intent:
    """Return what an environment file means."""
    readers = env.access.member_readers
    accounts = readers.accounts if readers else None
    delegate = env.trail.delegated_administrator
    return Intent(
        exempt_roles=_in_order(env.exempt_roles),
        break_glass_roles=_in_order(env.archive.break_glass_roles),
        key_administrators=_in_order([*administrators(env), *patterns(env)])
        if env.key.administrators
        else (),
        member_reader=readers.role_name if readers else "",
        reader_accounts=None
        if accounts is None
        else _in_order(env.accounts[name].id for name in accounts),
        delegated=env.accounts[delegate].id if delegate else "",
    )


def units_of(env: Environment) -> dict[str, tuple[str, ...]]:
    """Return the root and the units above each account that says where it lies."""
    return {each.id: tuple(each.ou.split("/")) for each in env.accounts.values() if each.ou}


def of_policies(estate: Estate) -> Intent:
    """Return what the policies of a stack name as their exemptions."""
    scps = [each.policy for each in estate.controls if each.kind == "SCP"]
    archive = [estate.archive.policy] if estate.archive and estate.archive.policy else []
    return Intent(
        exempt_roles=_exempted(scps, "s3:PutBucketPolicy"),
        break_glass_roles=_exempted(archive, "s3:DeleteObjectVersion"),
        key_administrators=_administrators(estate),
        member_reader=next(_member_readers(archive), ""),
        reader_accounts=next(_reader_accounts(archive), None),
        delegated=estate.delegated,
    )


def _in_order(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(names)))


def _about(policies: list[Policy], action: str, *, allows: bool) -> Iterator[Statement]:
    for policy in policies:
        for each in policy.statements:
            if each.allows is allows and not each.doubt and each.is_about(action):
                yield each


def _exempted(policies: list[Policy], action: str) -> tuple[str, ...]:
    """Return the roles that every deny of an action to people leaves out."""
    spared = [
        {role for condition in each.conditions for role in condition.values}
        for each in _about(policies, action, allows=False)
        if each.keys <= {_PRINCIPAL}
    ]
    return _in_order(set.intersection(*spared)) if spared else ()


def _administrators(estate: Estate) -> tuple[str, ...]:
    policies = [estate.key.policy] if estate.key else []
    named: list[str] = []
    for each in _about(policies, "kms:PutKeyPolicy", allows=True):
        by_pattern = [one for one in each.conditions if one.key.lower() == _PRINCIPAL]
        if by_pattern:
            named += [arn for one in by_pattern for arn in one.values]
        else:
            named += [arn for kind, arn in each.principals or () if kind == "AWS"]
    whole = {estate.logging, f"arn:{estate.partition}:iam::{estate.logging}:root"}
    return () if whole & set(named) else _in_order(named)


def _member_readers(policies: list[Policy]) -> Iterator[str]:
    for each in _about(policies, "s3:GetObject", allows=True):
        for condition in each.conditions:
            if condition.key.lower() == _PRINCIPAL:
                for arn in condition.values:
                    if like("arn:*:iam::*:role/*", arn):
                        yield arn.rpartition(":role/")[2]


def _reader_accounts(policies: list[Policy]) -> Iterator[tuple[str, ...]]:
    for each in _about(policies, "s3:GetObject", allows=True):
        for condition in each.conditions:
            if condition.key.lower() == "aws:principalaccount":
                yield _in_order(condition.values)
