"""The place of a finding in its file: where its setting, or its resource's address, is written."""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from orgtrail.check.findings import Finding
from orgtrail.check.run import Report
from orgtrail.errors import SettingsSource, dotted

_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\],:]')
"""A text or a sign of JSON; nothing depends on where its numbers and words are."""
_INSTANCE = re.compile(r'\["(?:[^"\\]|\\.)*"\]|\[\d+\]')
"""The key of one instance of a resource or module."""


@dataclass(frozen=True, slots=True)
class Place:
    """A part of one line of a file.

    Args:
        line: the line, from 1.
        column: its first character, counted from 1.
        end: the column after its last character.

    """

    line: int = 1
    column: int = 1
    end: int = 1


@dataclass(frozen=True, slots=True)
class JsonKey:
    """A key of a JSON text: the keys that lead to it and it, where it is, and its value if text."""

    path: tuple[str, ...]
    start: int
    end: int
    value: str


def places(report: Report) -> Callable[[Finding], Place]:
    """Return a function that gives the place of each finding of a report.

    The place is the setting's line in an environment file, or the resource's address in JSON. If
    it is not written in the file, the place is what is nearest around it, at the least the first
    line.
    """
    try:
        text = report.path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        # It was there when it was checked.
        text = ""
    if report.source is not None:
        return _settings(text, report.source)
    return _addresses(text)


def _settings(text: str, source: SettingsSource) -> Callable[[Finding], Place]:
    lines = text.split("\n")
    known = {dotted(path): line for path, line in source.lines.items()}

    def place(finding: Finding) -> Place:
        line = finding.line or known.get(_nearest(finding.setting, known), 1)
        written = lines[line - 1] if line <= len(lines) else ""
        indent = len(written) - len(written.lstrip())
        return Place(line, indent + 1, len(written.rstrip()) + 1)

    return place


def _nearest(setting: str, known: dict[str, int]) -> str:
    """Return the setting, or the innermost known section around it; empty if there is none."""
    around = (each for each in known if setting.startswith(each))
    whole = (each for each in around if setting[len(each) : len(each) + 1] in ("", ".", "["))
    return max(whole, key=len, default="")


def _addresses(text: str) -> Callable[[Finding], Place]:
    ends = [each.start() for each in re.finditer("\n", text)]
    found: dict[str, JsonKey] = {}
    for key in json_keys(text):
        if (address := _address(key)) is not None:
            found.setdefault(address, key)

    def place(finding: Finding) -> Place:
        address = finding.setting
        if address not in found:
            address = _INSTANCE.sub("", address)
        while address not in found and address:
            address = address.rpartition(".")[0]
        if address not in found:
            return Place()
        key = found[address]
        line = bisect_right(ends, key.start)
        begin = ends[line - 1] + 1 if line else 0
        return Place(line + 1, key.start - begin + 1, key.end - begin + 1)

    return place


def _address(key: JsonKey) -> str | None:
    """Return the address, or the kind of resource, that a key of a stack or plan begins.

    A plan's resources are in a list, with their address and type in them.
    https://developer.hashicorp.com/terraform/internals/json-format#values-representation
    """
    match key.path:
        case ("resource" | "planned_values",):
            return ""
        case ("resource", *names) if len(names) <= 2:
            return ".".join(names)
        case ("data", *names) if 1 <= len(names) <= 2:
            return ".".join(key.path)
        case ("provider", "aws") | ("configuration", "provider_config", "aws"):
            return "provider.aws"
        case ("planned_values" | "prior_state", *_, "resources" | "child_modules", "address"):
            return key.value
        case ("planned_values" | "prior_state", *_, "resources", "type"):
            return key.value
    return None


def json_keys(text: str) -> Iterator[JsonKey]:
    """Yield every key of a valid JSON text; lists add nothing to a path."""
    around: list[str] = []
    key, last = "", None
    tokens = _TOKEN.finditer(text)
    for token in tokens:
        match token[0]:
            case "{" | "[":
                around.append(key)
                key = ""
            case "}" | "]":
                around.pop()
            case ",":
                key = ""
            case ":" if last is not None:
                key = _decoded(last[0])
                value = _TOKEN.match(text, _after_blanks(text, token.end()))
                said = _decoded(value[0]) if value and value[0].startswith('"') else ""
                path = (*(each for each in around if each), key)
                yield JsonKey(path, last.start(), last.end(), said)
            case _:
                last = token


def _after_blanks(text: str, start: int) -> int:
    while text[start : start + 1].isspace():
        start += 1
    return start


def _decoded(token: str) -> str:
    return str(json.loads(token)) if "\\" in token else token[1:-1]
