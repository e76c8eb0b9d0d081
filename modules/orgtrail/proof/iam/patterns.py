"""Patterns in policies: wildcards, ARNs segment by segment, and policy variables."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

from orgtrail.proof.iam.undecided import Undecided

Lookup = Callable[[str], "tuple[str, ...] | None"]
"""Gives the values of a condition key, or None where a request has no such key."""

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_DEFAULT = re.compile(r"(?P<key>[^,]+?)\s*(?:,\s*'(?P<default>[^']*)')?")
_LITERAL = {"*": "\ue000", "?": "\ue001", "$": "$"}
"""Stand-ins for characters that `${*}` and a variable's value mean literally."""
_SPOKEN = {stand_in: plain for plain, stand_in in _LITERAL.items()}


def like(pattern: str, text: str, *, fold: bool = False) -> bool:
    """Tell whether a text meets a pattern in which `*` and `?` are wildcards."""
    return bool(_compiled(pattern, fold).fullmatch(text))


def same(pattern: str, text: str, *, fold: bool = False) -> bool:
    """Tell whether a text is a resolved value; wildcards are plain characters here."""
    value = "".join(_SPOKEN.get(each, each) for each in pattern)
    return value.casefold() == text.casefold() if fold else value == text


def arn_like(pattern: str, text: str) -> bool:
    """Tell whether an ARN meets a pattern, each of its six segments by itself.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html

    Raises:
        Undecided: the pattern is no ARN.

    """
    wanted, given = pattern.split(":", 5), text.split(":", 5)
    if len(wanted) < 6:
        raise Undecided(f"{spoken(pattern)} is no ARN")
    return len(given) == 6 and all(
        like(one, other) for one, other in zip(wanted, given, strict=True)
    )


def covers(pattern: str, resource: str) -> bool:
    """Tell whether a `Resource` pattern covers a resource.

    IAM matches segments, but lets a `*` at the end of one reach over the colons.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html

    Raises:
        Undecided: the two readings differ.

    """
    if pattern == "*":
        return True
    whole = like(pattern, resource)
    in_parts = pattern.count(":") >= 5 and arn_like(pattern, resource)
    if whole == in_parts:
        return whole
    raise Undecided(f"the wildcard in {spoken(pattern)} reaches over the parts of an ARN")


def resolved(text: str, lookup: Lookup) -> str | None:
    """Put values in the place of policy variables.

    Returns:
        the text, or None where the request has no value for a variable without a default.

    Raises:
        Undecided: a variable is not known here, or has several values.

    """
    if "${" not in text:
        return text
    parts, position = [], 0
    for found in _VARIABLE.finditer(text):
        value = _value(found[1], lookup)
        if value is None:
            return None
        parts += [text[position : found.start()], value]
        position = found.end()
    return "".join((*parts, text[position:]))


def spoken(pattern: str) -> str:
    """Write a resolved pattern for people."""
    return "".join(_SPOKEN.get(each, each) for each in pattern)


def _value(inside: str, lookup: Lookup) -> str | None:
    if inside in _LITERAL:
        return _LITERAL[inside]
    named = _DEFAULT.fullmatch(inside)
    if not named:
        raise Undecided(f"the policy variable ${{{inside}}} is not known here")
    values = lookup(named["key"])
    if values is None:
        default = named["default"]
        return None if default is None else _literal(default)
    if len(values) != 1:
        raise Undecided(f"the policy variable ${{{inside}}} has several values")
    return _literal(values[0])


def _literal(text: str) -> str:
    return "".join(_LITERAL.get(each, each) for each in text)


@cache
def _compiled(pattern: str, fold: bool) -> re.Pattern[str]:  # noqa: FBT001 - cached by position
    wild = {"*": ".*", "?": "."}
    text = "".join(wild.get(each) or re.escape(_SPOKEN.get(each, each)) for each in pattern)
    return re.compile(text, re.DOTALL | (re.IGNORECASE if fold else 0))
