"""Policies side by side: what the file says and what runs, as text that can be read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from difflib import unified_diff
from typing import Any

from orgtrail.proof.iam.patterns import like

Json = dict[str, Any]


def parsed(policy: str | Mapping[str, Any]) -> Json:
    """Read a policy, with what AWS writes in several ways written in one.

    One value and a list of one are the same, and the order of values says nothing.
    """
    read: Json = json.loads(policy) if isinstance(policy, str) else dict(policy)
    given = read.get("Statement", [])
    statements = [given] if isinstance(given, dict) else given
    return {
        "Version": read.get("Version", "2008-10-17"),
        "Statement": sorted(map(_plain, statements), key=_order),
    }


def difference(expected: str, actual: str | Mapping[str, Any] | None) -> str:
    """Return how a policy that runs differs from the file's; empty where they say the same.

    Lines with `-` are lacking, those with `+` are there and not the file's.
    """
    return listed(_lines(parsed(expected)), _lines(parsed(actual or {})))


def statements(policy: str | Mapping[str, Any] | None) -> list[Json]:
    """Return the statements of a policy, all values in lists."""
    return list(parsed(policy or {})["Statement"])


def services(policy: str | Mapping[str, Any] | None) -> set[str]:
    """Return the service principals that a policy allows something."""
    return {
        name
        for each in statements(policy)
        if each.get("Effect") == "Allow" and isinstance(each.get("Principal"), dict)
        for name in each["Principal"].get("Service", ())
    }


def allowed(policy: str | Mapping[str, Any] | None, action: str) -> Iterator[Json]:
    """Yield the statements that allow an action by its name or a pattern."""
    for each in statements(policy):
        names = each.get("Action", ())
        if each.get("Effect") == "Allow" and any(like(n.lower(), action.lower()) for n in names):
            yield each


def _plain(value: Any, key: str = "") -> Any:
    match value:
        case dict():
            return {name: _plain(each, name) for name, each in sorted(value.items())}
        case list():
            return sorted(map(_scalar, value))
        case _ if key in {"Sid", "Effect"}:
            return value
        case _:
            return [_scalar(value)]


def _scalar(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _order(statement: Json) -> str:
    return str(statement.get("Sid", "")) + json.dumps(statement, sort_keys=True)


def _lines(policy: Json) -> list[str]:
    return json.dumps(policy, indent=2).splitlines()


def listed(expected: list[str], actual: list[str]) -> str:
    """Return how a list that runs differs from the file's; empty where they are the same."""
    if expected == actual:
        return ""
    return "\n".join(unified_diff(expected, actual, "the file", "what runs", lineterm=""))
