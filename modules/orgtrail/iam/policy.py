"""Parsed policies: their statements, and the requests that each statement applies to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Any

from orgtrail.iam.conditions import Condition, holds
from orgtrail.iam.patterns import Undecided, covers, like, resolved
from orgtrail.iam.request import WITHOUT_ACCOUNT, Caller, Kind, Request

_VERSION_WITH_VARIABLES = "2012-10-17"
"""The version of the policy language that has policy variables."""
_ELEMENTS = {
    "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource",
    "NotResource", "Condition",
}  # fmt: skip


class PolicyError(Exception):
    """A document that AWS would not accept as a policy."""


class PrincipalMatch(IntEnum):
    """How precisely a statement names a caller; the grant depends on it."""

    NONE = 0
    ACCOUNT = 1
    """By the account: IAM of that account decides."""
    ANYONE = 2
    """By `*`."""
    ROLE = 3
    """By the role, for all of its sessions."""
    EXACT = 4
    """By the user, the session or the service."""


@dataclass(frozen=True)
class Statement:
    """One statement. `label` names it in messages: `the archive's bucket policy: DenyDeletion`."""

    label: str
    allows: bool
    actions: tuple[str, ...]
    resources: tuple[str, ...] | None
    """None in a policy without resources, such as a trust policy."""
    principals: tuple[tuple[str, str], ...] | None
    """Pairs such as `("AWS", "*")`; None in an identity policy."""
    conditions: tuple[Condition, ...]
    all_actions_but: bool = False
    all_resources_but: bool = False
    all_principals_but: bool = False
    variables: bool = True
    doubt: str = ""
    """Why the statement cannot be evaluated; empty if it can."""
    _action_cache: dict[str, bool] = field(default_factory=dict, compare=False, repr=False)

    def is_about(self, action: str) -> bool:
        """Return whether the statement applies to an action."""
        known = self._action_cache.get(action)
        if known is None:
            met = any(like(pattern, action, fold=True) for pattern in self.actions)
            known = self._action_cache[action] = met != self.all_actions_but
        return known

    def covers(self, request: Request) -> bool:
        """Return whether the statement applies to the resource of a request."""
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

    def names(self, caller: Caller) -> PrincipalMatch:
        """Return how the statement names a caller."""
        if self.principals is None:
            return PrincipalMatch.EXACT
        found = [_named(kind, name, caller) for kind, name in self.principals]
        best = max(found, default=PrincipalMatch.NONE)
        if not self.all_principals_but:
            return best
        if best is PrincipalMatch.NONE:
            return PrincipalMatch.EXACT
        if PrincipalMatch.ANYONE in found or _is_fully_named(found, caller):
            return PrincipalMatch.NONE
        raise Undecided(f"{self.label} has a NotPrincipal without role, session and account")

    def meets_conditions(self, request: Request) -> bool:
        """Return whether a request meets all conditions of the statement."""
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

    def principals_of(self, kind: str) -> list[str]:
        """Return the names of the principals of a kind, such as `AWS` or `Service`."""
        return [name for each, name in self.principals or () if each == kind]

    @property
    def keys(self) -> set[str]:
        """The condition keys of the statement, in lower case."""
        return {each.key.lower() for each in self.conditions}


@dataclass(frozen=True)
class Policy:
    """A policy document, with the name that messages use for it."""

    name: str
    statements: tuple[Statement, ...]
    _by_action: dict[str, tuple[Statement, ...]] = field(
        default_factory=dict, compare=False, repr=False
    )

    def about(self, action: str) -> tuple[Statement, ...]:
        """Return the statements that apply to an action."""
        known = self._by_action.get(action)
        if known is None:
            known = tuple(each for each in self.statements if each.is_about(action))
            self._by_action[action] = known
        return known


def parse(name: str, document: Mapping[str, Any]) -> Policy:
    """Parse a policy document.

    Args:
        name: the name for messages, such as `the archive's bucket policy`.
        document: the document, decoded from JSON.

    Raises:
        PolicyError: AWS would not accept the document.

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
            _statement(name, number, each, variables=version == _VERSION_WITH_VARIABLES)
            for number, each in enumerate(statements, start=1)
        ),
    )


def opaque(name: str, reason: str) -> Policy:
    """Return a policy with unknown content: no request that it affects can be decided."""
    parts = [
        Statement(name, allows, ("*",), None, None, (), doubt=reason) for allows in (True, False)
    ]
    return Policy(name, tuple(parts))


def doubtful(policy: Policy, reason: str) -> Policy:
    """Return a copy of a policy for which it is unknown whether it applies."""
    return Policy(policy.name, tuple(replace(each, doubt=reason) for each in policy.statements))


def _statement(policy: str, number: int, given: Any, *, variables: bool) -> Statement:
    if not isinstance(given, Mapping):
        raise PolicyError(f"{policy}: statement {number} must be an object")
    label = f"{policy}: {given.get('Sid') or f'statement {number}'}"
    if unknown := sorted(set(given) - _ELEMENTS):
        raise PolicyError(f"{label} has {', '.join(unknown)}, which no policy has")
    if given.get("Effect") not in ("Allow", "Deny"):
        raise PolicyError(f"{label} must have the effect Allow or Deny")
    actions, all_actions_but = _text_element(label, given, "Action")
    if actions is None:
        raise PolicyError(f"{label} must have Action or NotAction")
    resources, all_resources_but = _text_element(label, given, "Resource")
    named, all_principals_but = _element(label, given, "Principal")
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


def _element(label: str, given: Mapping[str, Any], element: str) -> tuple[Any, bool]:
    """Return an element or its `Not...` form, and whether it is the latter."""
    opposite = f"Not{element}"
    if element in given and opposite in given:
        raise PolicyError(f"{label} has both {element} and {opposite}")
    return (given[opposite], True) if opposite in given else (given.get(element), False)


def _text_element(
    label: str, given: Mapping[str, Any], element: str
) -> tuple[tuple[str, ...] | None, bool]:
    values, opposite = _element(label, given, element)
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
    """Convert a value to text as IAM does, which accepts numbers and booleans too."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise PolicyError(f"{label} must have text where it has {value!r}")


def _named(kind: str, name: str, caller: Caller) -> PrincipalMatch:
    """Return how one principal of a statement names a caller.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
    """
    if kind == "Service":
        exactly = caller.kind is Kind.SERVICE and name == caller.arn
        return PrincipalMatch.EXACT if exactly else PrincipalMatch.NONE
    if kind == "Federated":
        exactly = caller.kind is Kind.FEDERATED and name == caller.arn
        return PrincipalMatch.EXACT if exactly else PrincipalMatch.NONE
    if kind != "AWS":
        return PrincipalMatch.NONE
    if name == "*":
        return PrincipalMatch.ANYONE
    if caller.kind in WITHOUT_ACCOUNT:
        return PrincipalMatch.NONE
    if name in (caller.account, caller.root):
        return PrincipalMatch.ACCOUNT
    if caller.kind is Kind.ROLE:
        if name == caller.session_arn:
            return PrincipalMatch.EXACT
        return PrincipalMatch.ROLE if name == caller.arn else PrincipalMatch.NONE
    return PrincipalMatch.EXACT if name == caller.arn else PrincipalMatch.NONE


def _is_fully_named(found: list[PrincipalMatch], caller: Caller) -> bool:
    """Return whether a NotPrincipal names all that AWS requires, including the account."""
    if caller.kind in WITHOUT_ACCOUNT:
        return PrincipalMatch.EXACT in found
    needed = {PrincipalMatch.ACCOUNT}
    if caller.kind is Kind.USER:
        needed.add(PrincipalMatch.EXACT)
    if caller.kind is Kind.ROLE:
        needed |= {PrincipalMatch.ROLE, PrincipalMatch.EXACT}
    return needed <= set(found)
