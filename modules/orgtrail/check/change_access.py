"""Accesses of two reports, side by side: each request is decided under both sides' policies.

What one side alone asks about, such as a role that only its policies name, the other side is asked
about too; only what the other side does not have at all (a bucket, a role of the stack) has no
decision there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from orgtrail.check.asking import key_arn
from orgtrail.check.attack import Attack
from orgtrail.check.grants import Grant
from orgtrail.check.matrix import Cell, cell_of
from orgtrail.check.model import Model
from orgtrail.check.principals import Principal
from orgtrail.check.run import Proof, Report
from orgtrail.check.trust import Assumption, assumptions
from orgtrail.iam.evaluator import Decision
from orgtrail.iam.request import RequestContext

Key = tuple[object, ...]


class AccessKind(StrEnum):
    """Where an access is asked about."""

    ACT = "act"
    """An act of the access matrix."""
    GRANT = "grant"
    """A class of callers that the policy of a bucket, key, topic or queue tells apart."""
    ASSUME = "assume"
    """A class of callers that the trust policy of a role tells apart."""


class Outcome(StrEnum):
    """What became of an access."""

    OPENED = "newly allowed"
    CLOSED = "no longer allowed"
    UNPROVEN = "became unproven"
    CAME = "new, as intended"
    """Allowed on something new to those who are meant to have it."""


@dataclass(frozen=True)
class Access:
    """One request, as both sides decide it.

    Args:
        kind: where it is asked about.
        principal: who asks: an id of the matrix, an ARN, a service's name, or empty for anybody.
        who: who asks, in words.
        act: what is done, in words; empty for a grant, whose action says it.
        action: the action.
        resource: the ARN of the resource.
        states: the condition keys that the caller states beyond who it is, without values.
        is_intended: whether it is meant to be allowed.
        before: what was decided; None if the old side does not have the resource or the role.
        after: what is decided; None if the new side does not have them.
        is_on_new: whether the old side does not have the resource.

    """

    kind: AccessKind
    principal: str
    who: str
    act: str
    action: str
    resource: str
    states: tuple[str, ...]
    is_intended: bool
    before: Decision | None
    after: Decision | None
    is_on_new: bool

    @property
    def outcome(self) -> Outcome | None:
        """What became of it; None if nothing that matters."""
        was, now = outcome(self.before), outcome(self.after)
        if was == now:
            return None
        if now == "cannot decide":
            return Outcome.UNPROVEN
        if now == "allow":
            return Outcome.CAME if self.is_on_new and self.is_intended else Outcome.OPENED
        return None if {was, now} <= {"deny", ""} else Outcome.CLOSED


def outcome(decision: Decision | None) -> str:
    """Return a decision in one word, however it is denied; empty if there is none."""
    if decision is None:
        return ""
    return "deny" if decision.is_denied else str(decision.verdict)


def accesses(old: Report, before: Proof, new: Report, after: Proof) -> Iterator[Access]:
    """Yield the accesses whose outcome differs between two reports."""
    for each in (
        *_acts(old, before, new, after),
        *_grants(before, after),
        *_assumptions(before, after),
    ):
        if each.outcome:
            yield each


def _acts(old: Report, before: Proof, new: Report, after: Proof) -> Iterator[Access]:
    was, now = _cells(old, before), _cells(new, after)
    known_before = {key[1:]: each.attack for key, each in was.items()}
    known_after = {key[1:]: each.attack for key, each in now.items()}
    for key in dict.fromkeys((*now, *was)):
        one = now.get(key) or was[key]
        principal = one.principal
        yield Access(
            AccessKind.ACT,
            principal.id,
            principal.title,
            one.attack.title,
            one.action,
            one.resource,
            (),
            one.is_intended,
            _decision(before, after, was.get(key), principal, known_before.get(key[1:])),
            _decision(after, before, now.get(key), principal, known_after.get(key[1:])),
            is_on_new=key[1:] not in known_before,
        )


def _decision(
    side: Proof, other: Proof, cell: Cell | None, principal: Principal, attack: Attack | None
) -> Decision | None:
    """Return what a side decides about an act; who is a role of the other's stack is not there."""
    if cell:
        return cell.decision
    is_made = other.asker.role(principal.caller.arn) is not None
    if attack is None or is_made or not attack.applies_to(principal):
        return None
    return cell_of(side.intent, side.asker, principal, attack).decision


def _cells(report: Report, proof: Proof) -> dict[Key, Cell]:
    """Return the cells by who, act and resource."""
    found: dict[Key, Cell] = {}
    seen: Counter[Key] = Counter()
    for each in report.access:
        resource = _base(proof.asker.model, each.attack.steps[0][1])
        key = (_row(each.principal), each.attack.title, each.action, resource)
        found[(*key, seen[key])] = each
        seen[key] += 1
    return found


def _row(principal: Principal) -> str:
    """Return what a row of the matrix is known by, whatever its number.

    A member stands for all of them, so that its account may change. Everybody else is another
    one in another account or by another name.
    """
    is_of_member = principal.id.startswith("member-")
    return principal.id if is_of_member or not principal.caller.account else principal.caller.arn


def _base(model: Model, arn: str) -> str:
    """Return what a resource is known by: a bucket without a file, a key by its alias."""
    if ":s3:::" in arn:
        return arn.partition("/")[0]
    return _aliases(model).get(arn, arn)


def _aliases(model: Model) -> dict[str, str]:
    return {
        key_arn(model, each): f"{each.account}:{each.region}:{each.alias or each.address}"
        for each in model.keys
    }


def _arn_in(model: Model, resource: str) -> str:
    """Return the ARN of what a name of `_base` stands for in a model."""
    return {name: arn for arn, name in _aliases(model).items()}.get(resource, resource)


def _grants(before: Proof, after: Proof) -> Iterator[Access]:
    was, now = _granted(before), _granted(after)
    for key in dict.fromkeys((*now, *was)):
        one, resource = now.get(key) or was[key], str(key[0])
        there = [_arn_in(each.asker.model, resource) for each in (before, after)]
        yield Access(
            AccessKind.GRANT,
            one.who.caller.arn,
            one.who.title,
            "",
            one.action,
            one.resource,
            _stated(one.context, one.who.context),
            one.is_intended,
            was[key].decision if key in was else _ask(before, one, there[0]),
            now[key].decision if key in now else _ask(after, one, there[1]),
            is_on_new=before.asker.target(there[0]) is None,
        )


def _granted(proof: Proof) -> dict[Key, Grant]:
    aliases = _aliases(proof.asker.model)
    found: dict[Key, Grant] = {}
    for each in proof.grants:
        context = tuple(sorted(each.context.items()))
        resource = aliases.get(each.resource, each.resource)
        found[(resource, each.who.caller, context, each.action)] = each
    return found


def _ask(side: Proof, grant: Grant, resource: str) -> Decision | None:
    if side.asker.target(resource) is None:
        return None
    who, account = grant.who, grant.attached.account
    return side.asker.ask(who.caller, who.policies, grant.action, resource, grant.context, account)


def _assumptions(before: Proof, after: Proof) -> Iterator[Access]:
    was, now = _assumed(before), _assumed(after)
    for key in dict.fromkeys((*now, *was)):
        one = now.get(key) or was[key]
        yield Access(
            AccessKind.ASSUME,
            one.who.caller.arn,
            one.who.title,
            f"assume role {one.role.arn.rpartition('/')[2]}",
            one.action,
            one.role.arn,
            _stated(one.context, one.who.context),
            one.is_intended,
            was[key].decision if key in was else _assume(before, one),
            now[key].decision if key in now else _assume(after, one),
            is_on_new=before.asker.role(one.role.arn) is None,
        )


def _assumed(proof: Proof) -> dict[Key, Assumption]:
    return {
        (each.role.arn, each.who.caller, tuple(sorted(each.context.items())), each.action): each
        for each in assumptions(proof.asker)
    }


def _assume(side: Proof, one: Assumption) -> Decision | None:
    if side.asker.role(one.role.arn) is None:
        return None
    who = one.who
    return side.asker.ask(who.caller, who.policies, one.action, one.role.arn, one.context)


def _stated(context: RequestContext, of_caller: RequestContext) -> tuple[str, ...]:
    return tuple(key for key in context if key not in of_caller)
