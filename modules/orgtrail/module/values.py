"""Writes values in HCL, on one line where they fit.

Lines are without the indentation of the block that the value is in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from orgtrail.module.hcl import Call, Expression, Text

INDENT = "  "
_WIDTH = 100
"""Longest line that a list, a call or a short object may stand on."""
_QUOTES = 4
"""From how many quotes on a text is better read in a heredoc, which escapes none."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_KEYWORDS = ("false", "for", "if", "in", "null", "true")
_ESCAPES = {'"': r"\"", "\\": r"\\", "\n": r"\n", "\r": r"\r", "\t": r"\t"}
_HEREDOC = "<<-"


def is_long(value: Any) -> bool:
    """Return whether a value needs more than one line."""
    return _short(value) is None


def assignments(pairs: Iterable[tuple[str, Any]], depth: int) -> Iterator[str]:
    """Yield the lines of `name = value` pairs, aligned as `terraform fmt` aligns them.

    It aligns neighbours whose values end on their line, and those whose heredoc starts there.
    https://github.com/hashicorp/hcl/blob/v2.24.0/hclwrite/format.go

    Args:
        pairs: names as they are written, with their values.
        depth: how deep the lines will be indented.

    """
    group: list[tuple[str, list[str]]] = []
    for name, value in pairs:
        lines = lines_of(value, depth, len(name) + 3)
        if len(lines) > 1 and not lines[0].startswith(_HEREDOC):
            yield from _aligned(group)
            yield f"{name} = {lines[0]}"
            yield from lines[1:]
            group = []
            continue
        group.append((name, lines))
        if len(lines) > 1:
            yield from _aligned(group)
            group = []
    yield from _aligned(group)


def _aligned(group: Sequence[tuple[str, list[str]]]) -> Iterator[str]:
    width = max((len(name) for name, _ in group), default=0)
    for name, (first, *rest) in group:
        yield f"{name:<{width}} = {first}"
        yield from rest


def indented(lines: Iterable[str]) -> list[str]:
    """Return lines one step deeper."""
    return [f"{INDENT}{line}" if line else "" for line in lines]


def lines_of(value: Any, depth: int, used: int) -> list[str]:
    """Return the lines of a value.

    Args:
        value: the value.
        depth: how deep its first line will be indented.
        used: how many characters of that line are taken.

    """
    short = _short(value)
    room = _WIDTH - depth * len(INDENT) - used
    if short is not None and (len(short) <= room or not isinstance(value, dict | list | Call)):
        return [short]
    match value:
        case Text() if value.ends_its_line:
            return _heredoc(value)
        case Text():
            # A heredoc ends with a line end, which this text lacks.
            return _call("chomp", (Text((*value.parts, "\n")),), depth, used)
        case Call(function, arguments):
            return _call(function, arguments, depth, used)
        case Expression():
            return value.split("\n")
        case list():
            return ["[", *indented(_elements(value, depth + 1)), "]"]
        case dict():
            pairs = ((key(name), each) for name, each in value.items())
            return ["{", *indented(assignments(pairs, depth + 1)), "}"]
    # A literal text whose quotes are too many for one line.
    return lines_of(Text((value,)), depth, used)


def _call(function: str, arguments: tuple[Any, ...], depth: int, used: int) -> list[str]:
    if len(arguments) > 1:
        *lines, last = _elements(arguments, depth + 1)
        return [f"{function}(", *indented([*lines, last.removesuffix(",")]), ")"]
    first, *rest = lines_of(arguments[0], depth, used + len(function) + 1)
    if first.startswith(_HEREDOC):
        return [f"{function}({first}", *rest, ")"]
    *lines, last = f"{function}({first}", *rest
    return [*lines, f"{last})"]


def _elements(values: Sequence[Any], depth: int) -> Iterator[str]:
    for each in values:
        lines = lines_of(each, depth, 1)
        if lines[0].startswith(_HEREDOC):
            # No comma may follow a heredoc.
            lines = [_quoted(each)]
        yield from lines[:-1]
        yield f"{lines[-1]},"


def key(name: str) -> str:
    """Return a key of an object: without quotes where HCL needs none."""
    is_plain = isinstance(name, Expression) or (_NAME.fullmatch(name) and name not in _KEYWORDS)
    return str(name) if is_plain else _quoted(Text((name,)))


def _short(value: Any) -> str | None:
    """Return a value on one line; None if it needs more."""
    match value:
        case Expression():
            return None if "\n" in value else str(value)
        case str():
            return _short(Text((value,)))
        case Text():
            return None if _suits_heredoc(value) else _quoted(value)
        case Call(function, arguments):
            given = [*map(_short, arguments)]
            return None if None in given else f"{function}({', '.join(filter(None, given))})"
        case list():
            inside = [_short(each) for each in value if not isinstance(each, dict | list)]
            is_short = len(inside) == len(value) and None not in inside
            return f"[{', '.join(filter(None, inside))}]" if is_short else None
        case dict():
            return _short_object(value)
    return json.dumps(value)


def _short_object(value: dict[str, Any]) -> str | None:
    if len(value) > 1:
        return None
    for name, each in value.items():
        inner = _short(each)
        return None if inner is None else f"{{ {key(name)} = {inner} }}"
    return "{}"


def _quoted(text: Text) -> str:
    parts = (
        f"${{{each}}}" if isinstance(each, Expression) else _escaped(each) for each in text.parts
    )
    return f'"{"".join(parts)}"'


def _escaped(literal: str) -> str:
    return "".join(
        _ESCAPES.get(each, each if each.isprintable() else _unicode(each))
        for each in _doubled(literal)
    )


def _unicode(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _doubled(literal: str) -> str:
    return literal.replace("${", "$${").replace("%{", "%%{")


def _suits_heredoc(text: Text) -> bool:
    """Return whether a text is better read in a heredoc, and one can hold it.

    A heredoc has no escapes, and loses the indentation that all of its lines share. Terraform
    takes a combining mark that begins a line for a part of it, so that only ASCII is safe, and
    counts a line of spaces in another way.
    """
    literal = "".join("x" if isinstance(each, Expression) else each for each in text.parts)
    lines = literal.removesuffix("\n").split("\n")
    return (
        (len(lines) > 1 or literal.count('"') >= _QUOTES)
        and literal.isascii()
        and all(each.isprintable() and not each.isspace() for each in lines)
        and not all(each.startswith(" ") or not each for each in lines)
    )


def _heredoc(text: Text) -> list[str]:
    literal = "".join(
        f"${{{each}}}" if isinstance(each, Expression) else _doubled(each) for each in text.parts
    )
    lines = literal.removesuffix("\n").split("\n")
    marker = "EOT"
    while marker in map(str.strip, lines):
        marker += "_"
    return [f"{_HEREDOC}{marker}", *indented(lines), marker]
