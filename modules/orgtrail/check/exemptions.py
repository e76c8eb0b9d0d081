"""Exemptions: the roles that statements of a stack leave out of what they deny."""

from __future__ import annotations

from collections import Counter

from orgtrail.check.model import AttachedPolicy, Model
from orgtrail.iam.patterns import like
from orgtrail.iam.policy import Statement

_EXEMPTING = ("arnnotlike", "arnnotequals", "stringnotlike", "stringnotequals")
_FEW = 3
"""With fewer exemptions than this, none is usual."""


def lone_exemptions(model: Model) -> list[tuple[AttachedPolicy, Statement, str]]:
    """Return each role that one deny of many exempts, with the policy and the statement.

    A role of the stack and one that deploys it are exempt for a purpose that the stack shows.
    """
    exempting = [
        (policy, statement, _exempted(statement))
        for policy, statement in model.statements
        if not statement.allows and not statement.doubt and _exempted(statement)
    ]
    if len(exempting) < _FEW:
        return []
    count = Counter(name for _, _, names in exempting for name in names)
    known = {each.arn for each in model.roles} | {each.role for each in model.providers}
    return [
        (policy, statement, name)
        for policy, statement, names in exempting
        for name in sorted(names)
        if count[name] == 1 and name not in known and not _is_usual(name, known)
    ]


def _is_usual(name: str, known: set[str]) -> bool:
    return any(like(name, each) for each in known) and not name.endswith("*")


def _exempted(statement: Statement) -> frozenset[str]:
    return frozenset(
        value
        for each in statement.conditions
        if each.operator.lower().rpartition(":")[2] in _EXEMPTING
        and each.key.lower() == "aws:principalarn"
        for value in each.values
    )
