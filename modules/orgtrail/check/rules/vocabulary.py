"""Rules on the words of policies: the actions and condition keys that AWS has.

AWS accepts a policy that names others, and what it was written for does not happen.
https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_validate.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from functools import cache

from orgtrail.check.findings import Violation
from orgtrail.check.model import Model
from orgtrail.check.rules.policies import policy_violation
from orgtrail.iam import reference
from orgtrail.iam.conditions import Condition, holds_without_key
from orgtrail.iam.patterns import Undecided
from orgtrail.iam.policy import Statement

_AS_OF = f"of AWS (as of {reference.DATE})"
_NEWER = "accept this finding if it is newer"


def unknown_action(model: Model) -> Iterator[Violation]:
    """A policy names actions that AWS has: any other allows, denies or exempts nothing."""
    for policy, statement in model.statements:
        for name in dict.fromkeys(statement.actions):
            if not _is_text(name) or _covers_any(name):
                continue
            service = name.partition(":")[0]
            is_pattern = "*" in name or "?" in name
            what = "which covers no action" if is_pattern else "which is no action"
            if not reference.has_service(service):
                what = f"and {service} is no service"
            yield policy_violation(
                policy,
                f"{statement.label} names {name}, {what} {_AS_OF}: it {_effect(statement)} "
                f"nothing. {_advice(_nearest_action(name))}",
            )


def unknown_condition_key(model: Model) -> Iterator[Violation]:
    """A policy sets conditions on keys that AWS has: no request has any other."""
    for policy, statement in model.statements:
        for condition in dict.fromkeys(statement.conditions):
            key = condition.key
            if not _is_text(key) or reference.is_condition_key(key):
                continue
            yield policy_violation(
                policy,
                f"{statement.label} has the condition {condition}, which is no condition key "
                f"{_AS_OF}: {_consequence(statement, condition)}. {_advice(_nearest_key(key))}",
            )


def _is_text(word: str) -> bool:
    """Return whether a word is literal, without an expression that Terraform will replace."""
    return "${" not in word


@cache
def _covers_any(pattern: str) -> bool:
    """Return whether AWS has an action that a pattern covers."""
    if pattern in ("*", "*:*") or reference.action(pattern):
        return True
    return bool(reference.matching(pattern))


def _effect(statement: Statement) -> str:
    if statement.all_actions_but:
        return "exempts"
    return "allows" if statement.allows else "denies"


def _consequence(statement: Statement, condition: Condition) -> str:
    """Return what a condition does that no request has the key of."""
    try:
        always = holds_without_key(condition)
    except Undecided:
        return "no request has it"
    verb = "allows" if statement.allows else "denies"
    if always:
        return f"it always holds, so the statement {verb} as if it were not there"
    return f"it never holds, so the statement {verb} nothing"


def _advice(nearest: str) -> str:
    return f"Write {nearest}, or {_NEWER}." if nearest else f"Remove it, or {_NEWER}."


def _nearest_action(name: str) -> str:
    """Return the action whose name is most like another name; empty if none is."""
    service, _, rest = name.lower().partition(":")
    if not reference.has_service(service):
        service = _nearest(service, reference.services())
    names = [each.name for each in reference.matching(f"{service}:*")] if service else []
    return _nearest(f"{service}:{rest.strip('*')}", names)


def _nearest_key(key: str) -> str:
    """Return the condition key whose name is most like another name; empty if none is."""
    return _nearest(key, reference.condition_keys(key.partition(":")[0]))


def _nearest(word: str, known: Sequence[str]) -> str:
    by_folded = {each.lower(): each for each in known}
    found = get_close_matches(word.lower(), by_folded, n=1)
    return by_folded[found[0]] if found else ""
