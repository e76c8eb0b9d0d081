"""Patterns in policies: wildcards, ARNs compared by segment, and policy variables."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, lru_cache


class Undecided(Exception):  # noqa: N818 - a verdict on a policy, not a failure of this program
    """It cannot be determined how AWS would decide; the message gives the reason."""


Lookup = Callable[[str], "tuple[str, ...] | None"]
"""Returns the values of a condition key, or None if the request does not have the key."""
_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_DEFAULT = re.compile(r"(?P<key>[^,]*[^,\s])(?:, '(?P<default>[^']*)')?")
"""A key, and perhaps a default after a comma and one space; AWS documents no other form.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html"""
_STAND_INS = {"*": "\ue000", "?": "\ue001", "$": "$"}
"""Stand-ins for literal characters: those of `${*}` and of a variable's value."""
_PLAIN = {stand_in: plain for plain, stand_in in _STAND_INS.items()}


def like(pattern: str, text: str, *, fold: bool = False) -> bool:
    """Return whether a text matches a pattern in which `*` and `?` are wildcards."""
    return bool(_compiled(pattern, fold).fullmatch(text))


def equals(pattern: str, text: str, *, fold: bool = False) -> bool:
    """Return whether a text equals a resolved value; here wildcards are plain characters."""
    value = display(pattern)
    return value.casefold() == text.casefold() if fold else value == text


@lru_cache(maxsize=1 << 16)
def arn_like(pattern: str, text: str) -> bool:
    """Return whether an ARN matches a pattern; each of the six segments is compared separately.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html

    Raises:
        Undecided: the pattern is not an ARN.

    """
    wanted, given = pattern.split(":", 5), text.split(":", 5)
    if len(wanted) < 6:
        raise Undecided(f"{display(pattern)} is no ARN")
    return len(given) == 6 and all(
        like(one, other) for one, other in zip(wanted, given, strict=True)
    )


@lru_cache(maxsize=1 << 16)
def covers(pattern: str, resource: str) -> bool:
    """Return whether a `Resource` pattern covers a resource.

    IAM compares segments, but a `*` at the end of a segment may span the colons after it.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html

    Raises:
        Undecided: the two readings give different answers.

    """
    if pattern == "*":
        return True
    whole = like(pattern, resource)
    in_parts = pattern.count(":") >= 5 and arn_like(pattern, resource)
    if whole == in_parts:
        return whole
    raise Undecided(f"the wildcard in {display(pattern)} reaches over the parts of an ARN")


def resolved(text: str, lookup: Lookup) -> str | None:
    """Replace policy variables with their values.

    Returns:
        the text, or None if the request has no value for a variable that has no default.

    Raises:
        Undecided: a variable is unknown or has several values.

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


def display(pattern: str) -> str:
    """Return a resolved pattern as messages show it."""
    return "".join(_PLAIN.get(each, each) for each in pattern)


def _value(inside: str, lookup: Lookup) -> str | None:
    if inside in _STAND_INS:
        return _STAND_INS[inside]
    named = _DEFAULT.fullmatch(inside)
    if not named:
        raise Undecided(f"AWS documents no policy variable of the form ${{{inside}}}")
    values = lookup(named["key"])
    if values is None:
        default = named["default"]
        return None if default is None else _literal(default)
    if len(values) != 1:
        raise Undecided(f"the policy variable ${{{inside}}} has several values")
    return _literal(values[0])


def _literal(text: str) -> str:
    return "".join(_STAND_INS.get(each, each) for each in text)


@cache
def _compiled(pattern: str, fold: bool) -> re.Pattern[str]:  # noqa: FBT001 - cached by position
    wild = {"*": ".*", "?": "."}
    text = "".join(wild.get(each) or re.escape(_PLAIN.get(each, each)) for each in pattern)
    return re.compile(text, re.DOTALL | (re.IGNORECASE if fold else 0))


def sample(pattern: str) -> str:
    """Return a text that matches a pattern."""
    return pattern.replace("${*}", "*").replace("*", "any").replace("?", "x")
