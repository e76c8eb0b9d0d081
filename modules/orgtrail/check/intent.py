"""The intent: who is meant to be able to do what. Decisions are compared with it.

An environment file states it. For a stack it is derived from the exemptions in its policies, which
the report then shows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from orgtrail.check.choosing import is_global_choice
from orgtrail.check.exemptions import lone_exemptions
from orgtrail.check.model import Model
from orgtrail.iam.patterns import like
from orgtrail.iam.policy import Policy, Statement
from orgtrail.settings.environment import Environment
from orgtrail.trail.policy import administrators, patterns

_PRINCIPAL = "aws:principalarn"


@dataclass(frozen=True)
class Intent:
    """Roles by ARN or pattern, and what each of them is for."""

    exempt_roles: tuple[str, ...] = ()
    """May change what the SCP protects, like the deploying role of the logging account."""
    break_glass_roles: tuple[str, ...] = ()
    """May delete log files."""
    key_administrators: tuple[str, ...] = ()
    """May administer the key; if empty, IAM of the logging account decides."""
    member_reader: str = ""
    """The name of the role in each member account that reads the account's log files."""
    reader_accounts: tuple[str, ...] | None = None
    """The accounts that have a member reader; None means all."""
    delegated_administrator: str = ""
    """The account that administers CloudTrail for the organization; empty if there is none."""
    subscribers: tuple[str, ...] = ()
    """The accounts that may subscribe to the feed's topic."""


def intent_from_settings(env: Environment) -> Intent:
    """Return the intent that an environment file states."""
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
        delegated_administrator=env.accounts[delegate].id if delegate else "",
        subscribers=env.siem.subscriber_accounts if env.siem else (),
    )


def units_from_settings(env: Environment) -> dict[str, tuple[str, ...]]:
    """Return, by account, the root and the organizational units above it, if it names them."""
    return {each.id: tuple(each.ou.split("/")) for each in env.accounts.values() if each.ou}


def intent_from_policies(model: Model) -> Intent:
    """Return the intent that follows from the exemptions in the policies of a stack."""
    scps = [each.policy for each in model.scps]
    archive = [model.archive.policy] if model.archive and model.archive.policy else []
    # What one deny of many exempts is a mistake and no intent.
    odd = {name for _, _, name in lone_exemptions(model)}
    of_readers = [*archive, *([model.key.policy] if model.key else [])]
    return Intent(
        exempt_roles=_without(odd, _exempted(scps, "s3:PutBucketPolicy")),
        break_glass_roles=_without(odd, _break_glass(model, archive)),
        key_administrators=_administrators(model),
        member_reader=_usual(_member_readers(of_readers)) or "",
        reader_accounts=_usual(_reader_accounts(of_readers)),
        delegated_administrator=model.delegated_administrator,
    )


def _in_order(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(names)))


def _without(odd: set[str], names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(each for each in names if each not in odd and _is_whole(each))


def _is_whole(role: str) -> bool:
    """Return whether a role is a name or a whole ARN; AWS takes what is neither, and means none."""
    return not role.startswith("arn:") or role.count(":") >= 5


def _statements_about(policies: list[Policy], action: str, *, allows: bool) -> Iterator[Statement]:
    for policy in policies:
        for each in policy.statements:
            if each.allows is allows and not each.doubt and each.is_about(action):
                yield each


def _exempted(policies: list[Policy], action: str) -> tuple[str, ...]:
    """Return the roles exempt from every deny of an action that depends on the principal alone."""
    spared = [
        {
            role
            for condition in each.conditions
            if condition.key.lower() == _PRINCIPAL
            for role in condition.values
        }
        for each in _statements_about(policies, action, allows=False)
        if _hangs_on_principal(each)
    ]
    return _in_order(set.intersection(*spared)) if spared else ()


def _break_glass(model: Model, archive: list[Policy]) -> tuple[str, ...]:
    """Return the roles that most denies of deleting exempt, if the archive's own say so too.

    One of several that exempts nobody is a mistake and no intent.
    """
    act = "s3:DeleteObjectVersion"
    kept = [each.policy for each in model.buckets if each.policy]
    spared = [
        each
        for policy in (*archive, *(one for one in kept if one not in archive))
        if (each := _exempted([policy], act)) or _denies(policy, act)
    ]
    scps = [each.policy for each in model.scps if _denies(each.policy, act)]
    spared += [_exempted([each], act) for each in scps]
    return _usual(iter(spared)) or ()


def _denies(policy: Policy, act: str) -> bool:
    # A deny of calls without TLS, and the like, says nothing of roles.
    return any(_hangs_on_principal(each) for each in _statements_about([policy], act, allows=False))


def _hangs_on_principal(deny: Statement) -> bool:
    """Return whether a deny is about who asks; what the asker can choose beside changes nothing."""
    chosen = {key for key in deny.keys if is_global_choice(key)}
    return deny.keys - chosen <= {_PRINCIPAL} and (not chosen or _PRINCIPAL in deny.keys)


def _administrators(model: Model) -> tuple[str, ...]:
    policies = [model.key.policy] if model.key else []
    named: list[str] = []
    for each in _statements_about(policies, "kms:PutKeyPolicy", allows=True):
        by_pattern = [one for one in each.conditions if one.key.lower() == _PRINCIPAL]
        if by_pattern:
            named += [arn for one in by_pattern for arn in one.values]
        else:
            named += each.principals_of("AWS")
    # If some are named, a wider statement beside them is a mistake and no intent. A whole account
    # administers nothing: its own is the default, and another one is a mistake.
    return _in_order(each for each in named if each.count(":") >= 5 and not _is_account(each))


def _is_account(principal: str) -> bool:
    return principal.endswith(":root") or principal.isdigit()


_Named = TypeVar("_Named", bound=Hashable)


def _usual(named: Iterator[_Named]) -> _Named | None:
    """Return what most statements name: one that differs is a mistake and no intent."""
    found = Counter(named).most_common(1)
    return found[0][0] if found else None


def _of_readers(policies: list[Policy]) -> Iterator[Statement]:
    """Yield the statements that let a member's reader find, read and decrypt log files."""
    for action in ("s3:GetObject", "s3:ListBucket", "s3:GetBucketLocation", "kms:Decrypt"):
        yield from _statements_about(policies, action, allows=True)


def _member_readers(policies: list[Policy]) -> Iterator[str]:
    for each in _of_readers(policies):
        for condition in each.conditions:
            if condition.key.lower() == _PRINCIPAL:
                for arn in condition.values:
                    if like("arn:*:iam::*:role/*", arn) and not arn.endswith(":role/*"):
                        yield arn.rpartition(":role/")[2]


def _reader_accounts(policies: list[Policy]) -> Iterator[tuple[str, ...] | None]:
    """Yield the accounts of each statement for members' readers; None stands for all of them."""
    for each in _of_readers(policies):
        if "*" in each.principals_of("AWS"):
            accounts = [
                _in_order(condition.values)
                for condition in each.conditions
                if condition.key.lower() == "aws:principalaccount"
            ]
            if not accounts or all(map(str.isdigit, accounts[0])):
                yield accounts[0] if accounts else None
