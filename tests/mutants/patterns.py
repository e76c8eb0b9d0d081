"""Patterns of policies, as far as it takes to find requests: whom and what a pattern could mean."""

from __future__ import annotations

import re
from functools import cache
from typing import Any


def listed(given: Any) -> list[str]:
    """Return what an element has, one or several, as a list."""
    return [given] if isinstance(given, str) else list(given)


@cache
def _compiled(pattern: str, any_case: bool) -> re.Pattern[str]:  # noqa: FBT001 - for the cache
    pattern = re.sub(r"\$\{[^}]*\}", "*", pattern)
    parts = (".*" if each == "*" else "." if each == "?" else re.escape(each) for each in pattern)
    return re.compile("".join(parts), re.DOTALL | (re.IGNORECASE if any_case else re.NOFLAG))


def meets(pattern: str, text: str, *, any_case: bool = False) -> bool:
    """Tell whether a pattern could mean a text: a variable stands for anything."""
    return _compiled(pattern, any_case).fullmatch(text) is not None


def example(pattern: str, account: str) -> str:
    """Return a text that a pattern means, for a caller of an account."""
    text = pattern.replace("${aws:PrincipalAccount}", account)
    return text.replace("*", "x").replace("?", "x")


@cache
def _type(arn: str) -> re.Pattern[str]:
    """Return what the ARN of a type of resource matches; only an object's key has slashes."""
    parts = re.split(r"\$\{(\w+)\}", arn)
    text = "".join(
        ("[^/]+" if part == "BucketName" else ".*") if n % 2 else re.escape(part)
        for n, part in enumerate(parts)
    )
    return re.compile(text)


def is_of_type(arn: str, resource: str) -> bool:
    return _type(arn).fullmatch(resource) is not None


def of_type(arn: str, region: str, account: str) -> str:
    """Return the ARN of a resource that nobody named, of a type such as that of a table."""
    known = {"Partition": "aws", "Region": region, "Account": account}
    return re.sub(r"\$\{(\w+)\}", lambda found: known.get(found[1], "unrelated"), arn)
