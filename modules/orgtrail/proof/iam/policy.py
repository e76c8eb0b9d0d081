"""Policies as the evaluator reads them: statements, and which requests each one is about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Any

from orgtrail.proof.iam.conditions import Condition, holds
from orgtrail.proof.iam.patterns import covers, like, resolved
from orgtrail.proof.iam.request import Caller, Kind, Request
from orgtrail.proof.iam.undecided import Undecided

VARIABLES_SINCE = "2012-10-17"
"""The version of the policy language that knows policy variables."""

_ELEMENTS = {
    "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource",
    "NotResource", "Condition",
}  # fmt: skip


class PolicyError(Exception):
    """A document is no policy: AWS would refuse it."""


class Named(IntEnum):
    """How precisely a statement names a caller; what it grants depends on that."""

    NOT = 0
    ACCOUNT = 1
    """By the account: it leaves the decision to that account's IAM."""
    ANYBODY = 2
    """By `*`."""
    ROLE = 3
    """By the role, for all of its sessions."""
    EXACTLY = 4
    """By the user, the session or the service."""


@dataclass(frozen=True)
class Statement:
    """One statement; `label` tells people which, as `the archive's bucket policy: DenyDeletion`."""

    label: str
    allows: bool
    actions: tuple[str, ...]
    resources: tuple[str, ...] | None
    """None where the policy has no resources: a trust policy."""
    principals: tuple[tuple[str, str], ...] | None
    """Pairs such as `("AWS", "*")`; None in a policy that is attached to who asks."""
    conditions: tuple[Condition, ...]
    all_actions_but: bool = False
    all_resources_but: bool = False
    all_principals_but: bool = False
    variables: bool = True
    doubt: str = ""
    """Why nothing can be said of it, where that is so."""
    _actions_met: dict[str, bool] = field(default_factory=dict, compare=False, repr=False)

    def is_about(self, action: str) -> bool:
        """Tell whether it is about an action."""
        known = self._actions_met.get(action)
        if known is None:
            met = any(like(pattern, action, fold=True) for pattern in self.actions)
            known = self._actions_met[action] = met != self.all_actions_but
        return known

    def covers(self, request: Request) -> bool:
        """Tell whether it is about the resource of a request."""
        if self.resources is None:
            return True
        met = False
        doubt: Undecided | None = None
        for text in self.resources:
            pattern = resolved(text, request.value) if self.variables else text
            if pattern is None and self.all_resources_but:
                doubt = Undecided(f"a policy variable of {text} has no value in the request")
            try:
                met = met or (pattern is not None and covers(pattern, request.resource))
            except Undecided as reason:
                doubt = reason
        if doubt and not met:
            raise doubt
        return met != self.all_resources_but

    def names(self, caller: Caller) -> Named:
        """Tell how it names a caller."""
        if self.principals is None:
            return Named.EXACTLY
        found = [_named(kind, name, caller) for kind, name in self.principals]
        best = max(found, default=Named.NOT)
        if not self.all_principals_but:
            return best
        if best is Named.NOT:
            return Named.EXACTLY
        if Named.ANYBODY in found or _is_fully_named(found, caller):
            return Named.NOT
        raise Undecided(f"{self.label} has a NotPrincipal without role, session and account")

    def meets_conditions(self, request: Request) -> bool:
        """Tell whether a request meets all of its conditions."""
        doubt = Undecided(self.doubt) if self.doubt else None
        for condition in self.conditions:
            try:
                if not holds(condition, request, variables=self.variables):
                    return False
            except Undecided as reason:
                doubt = reason
        if doubt:
            raise doubt
        return True

    @property
    def keys(self) -> set[str]:
        """The condition keys that it names, in lower case."""
        return {each.key.lower() for each in self.conditions}


@dataclass(frozen=True)
class Policy:
    """A policy document under a name for people."""

    name: str
    statements: tuple[Statement, ...]


def parse(name: str, document: Mapping[str, Any]) -> Policy:
    """Read a policy document.

    Args:
        name: what people call it, such as `the archive's bucket policy`.
        document: the document, from JSON.

    Raises:
        PolicyError: it is no policy that AWS would take.

    """
    if not isinstance(document, Mapping):
        raise PolicyError(f"{name} must be an object")
    version = document.get("Version", "2008-10-17")
    statements = document.get("Statement")
    statements = [statements] if isinstance(statements, Mapping) else statements
    if not isinstance(statements, list) or not statements:
        raise PolicyError(f"{name} must have a list of statements")
    return Policy(
        name,
        tuple(
            _statement(name, number, each, variables=version == VARIABLES_SINCE)
            for number, each in enumerate(statements, start=1)
        ),
    )


def opaque(name: str, reason: str) -> Policy:
    """Return a policy of which nothing is known: whatever it is about cannot be decided."""
    parts = [
        Statement(name, allows, ("*",), None, None, (), doubt=reason) for allows in (True, False)
    ]
    return Policy(name, tuple(parts))


def doubtful(policy: Policy, reason: str) -> Policy:
    """Return a policy that may or may not bind."""
    return Policy(policy.name, tuple(replace(each, doubt=reason) for each in policy.statements))


def _statement(policy: str, number: int, given: Any, *, variables: bool) -> Statement:
    if not isinstance(given, Mapping):
        raise PolicyError(f"{policy}: statement {number} must be an object")
    label = f"{policy}: {given.get('Sid') or f'statement {number}'}"
    if unknown := sorted(set(given) - _ELEMENTS):
        raise PolicyError(f"{label} has {', '.join(unknown)}, which no policy has")
    if given.get("Effect") not in ("Allow", "Deny"):
        raise PolicyError(f"{label} must have the effect Allow or Deny")
    actions, all_actions_but = _either(label, given, "Action")
    if actions is None:
        raise PolicyError(f"{label} must have Action or NotAction")
    resources, all_resources_but = _either(label, given, "Resource")
    named, all_principals_but = _either_given(label, given, "Principal")
    return Statement(
        label,
        given["Effect"] == "Allow",
        actions,
        resources,
        None if named is None else tuple(_principals(label, named)),
        tuple(_conditions(label, given.get("Condition", {}))),
        all_actions_but,
        all_resources_but,
        all_principals_but,
        variables,
    )


def _either_given(label: str, given: Mapping[str, Any], element: str) -> tuple[Any, bool]:
    """Return an element or its opposite, and which of the two it is."""
    opposite = f"Not{element}"
    if element in given and opposite in given:
        raise PolicyError(f"{label} has both {element} and {opposite}")
    return (given[opposite], True) if opposite in given else (given.get(element), False)


def _either(
    label: str, given: Mapping[str, Any], element: str
) -> tuple[tuple[str, ...] | None, bool]:
    values, opposite = _either_given(label, given, element)
    return (None if values is None else _texts(label, values)), opposite


def _texts(label: str, given: Any) -> tuple[str, ...]:
    values = given if isinstance(given, list) else [given]
    if not all(isinstance(each, str) for each in values):
        raise PolicyError(f"{label} must have text where it has {given!r}")
    return tuple(values)


def _principals(label: str, given: Any) -> Iterator[tuple[str, str]]:
    if given == "*":
        yield "AWS", "*"
        return
    if not isinstance(given, Mapping):
        raise PolicyError(f'{label} must have "*" or an object as its principal')
    for kind, names in given.items():
        for name in _texts(label, names):
            yield kind, name


def _conditions(label: str, given: Any) -> Iterator[Condition]:
    if not isinstance(given, Mapping):
        raise PolicyError(f"{label} must have an object as its condition")
    for operator, keys in given.items():
        if not isinstance(keys, Mapping):
            raise PolicyError(f"{label} must have an object under {operator}")
        for key, values in keys.items():
            listed = values if isinstance(values, list) else [values]
            yield Condition(operator, key, tuple(_plain(label, each) for each in listed))


def _plain(label: str, value: Any) -> str:
    """Write a value as text, as IAM does: it takes numbers and booleans too."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise PolicyError(f"{label} must have text where it has {value!r}")


def _named(kind: str, name: str, caller: Caller) -> Named:
    """Tell how one principal of a statement names a caller.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
    """
    if kind == "Service":
        exactly = caller.kind is Kind.SERVICE and name == caller.arn
        return Named.EXACTLY if exactly else Named.NOT
    if kind != "AWS":
        return Named.NOT
    if name == "*":
        return Named.ANYBODY
    if caller.kind in (Kind.SERVICE, Kind.ANONYMOUS):
        return Named.NOT
    if name in (caller.account, caller.root):
        return Named.ACCOUNT
    if caller.kind is Kind.ROLE:
        if name == caller.session_arn:
            return Named.EXACTLY
        return Named.ROLE if name == caller.arn else Named.NOT
    return Named.EXACTLY if name == caller.arn else Named.NOT


def _is_fully_named(found: list[Named], caller: Caller) -> bool:
    """Tell whether a NotPrincipal names a caller as AWS asks: the account too."""
    if caller.kind in (Kind.SERVICE, Kind.ANONYMOUS):
        return Named.EXACTLY in found
    needed = {Named.ACCOUNT}
    if caller.kind is Kind.USER:
        needed.add(Named.EXACTLY)
    if caller.kind is Kind.ROLE:
        needed |= {Named.ROLE, Named.EXACTLY}
    return needed <= set(found)
