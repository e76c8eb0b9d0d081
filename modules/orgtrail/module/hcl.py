"""Writes values and blocks in HCL, in the form that `terraform fmt` leaves alone.

python-hcl2 can write HCL too, but drops comments and writes lists in objects in another form than
`terraform fmt`.
https://developer.hashicorp.com/terraform/language/style
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

_WIDTH = 100
"""Longest line that a list or a short object may have to stand on one line."""
_QUOTES = 4
"""From how many quotes on a text is better read in a heredoc, which escapes none."""
_INDENT = "  "
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_KEYWORDS = ("false", "for", "if", "in", "null", "true")
_ESCAPES = {'"': r"\"", "\\": r"\\", "\n": r"\n", "\r": r"\r", "\t": r"\t"}
_HEREDOC = "<<-"


class Expression(str):
    """An expression in HCL, which is written as it is; it may have several lines."""

    __slots__ = ()


@dataclass(frozen=True)
class Text:
    """A text with expressions in it, as HCL has it between quotes or in a heredoc.

    Attributes:
        parts: its parts in order; each literal part is text, each other an expression.

    """

    parts: tuple[str | Expression, ...]

    @property
    def ends_its_line(self) -> bool:
        """Whether it ends with a line end."""
        last = self.parts[-1] if self.parts else ""
        return not isinstance(last, Expression) and last.endswith("\n")


@dataclass(frozen=True)
class Call:
    """A function call, such as `jsonencode({...})`."""

    function: str
    arguments: tuple[Any, ...]


@dataclass(frozen=True)
class Attribute:
    """`name = value`."""

    name: str
    value: Any


@dataclass(frozen=True)
class Comment:
    """Lines that begin with `#`."""

    text: str


@dataclass(frozen=True)
class Block:
    """A block with its labels and what is in it."""

    kind: str
    labels: tuple[str, ...] = ()
    body: Sequence[Item] = field(default=())
    comment: str = ""


BLANK = Comment("")
"""An empty line."""
Item = Attribute | Block | Comment


def write(items: Sequence[Item]) -> str:
    """Return the text of a file with these items."""
    return "\n".join(_body(items, 0)) + "\n"


def is_long(value: Any) -> bool:
    """Return whether a value needs more than one line."""
    return _short(value) is None


def key(name: str) -> str:
    """Return a key of an object: without quotes where HCL needs none."""
    is_plain = _NAME.fullmatch(name) and name not in _KEYWORDS
    return name if is_plain else quoted(Text((name,)))


def quoted(text: Text) -> str:
    """Return a text between quotes."""
    parts = (
        f"${{{each}}}" if isinstance(each, Expression) else _escaped(each) for each in text.parts
    )
    return f'"{"".join(parts)}"'


def _escaped(literal: str) -> str:
    doubled = literal.replace("${", "$${").replace("%{", "%%{")
    return "".join(
        _ESCAPES.get(each, each if each.isprintable() else _unicode(each)) for each in doubled
    )


def _unicode(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _body(items: Sequence[Item], depth: int) -> list[str]:
    lines: list[str] = []
    aligned: list[tuple[str, list[str]]] = []

    def flush() -> None:
        width = max((len(name) for name, _ in aligned), default=0)
        for name, (first, *rest) in aligned:
            lines.append(f"{name:<{width}} = {first}")
            lines.extend(rest)
        aligned.clear()

    for number, item in enumerate(items):
        if isinstance(item, Attribute):
            name, value = item.name, _value(item.value, depth, len(item.name) + 3)
            if _is_whole(value):
                aligned.append((name, value))
            if not _is_whole(value) or len(value) > 1:
                flush()
            if not _is_whole(value):
                lines.extend([f"{name} = {value[0]}", *value[1:]])
            continue
        flush()
        if isinstance(item, Block):
            if number and lines[-1]:
                lines.append("")
            lines.extend(_block(item, depth))
            # A block stands apart from what follows.
            if number + 1 < len(items):
                lines.append("")
        elif item.text or (lines and lines[-1]):
            lines.extend(_comment(item.text))
    flush()
    return lines


def _comment(text: str) -> list[str]:
    return [f"# {line}".rstrip() for line in text.splitlines()] or [""]


def _block(block: Block, depth: int) -> Iterable[str]:
    if block.comment:
        yield from _comment(block.comment)
    head = " ".join((block.kind, *(f'"{each}"' for each in block.labels)))
    inner = _body(block.body, depth + 1)
    if not inner:
        yield f"{head} {{}}"
        return
    yield f"{head} {{"
    yield from _indented(inner)
    yield "}"


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"{_INDENT}{line}" if line else "" for line in lines]


def _is_whole(value: Sequence[str]) -> bool:
    """Return whether `terraform fmt` aligns the `=` of this value with its neighbours'."""
    return len(value) == 1 or value[0].startswith(_HEREDOC)


def _value(value: Any, depth: int, used: int) -> list[str]:
    """Return the lines of a value.

    Args:
        value: the value.
        depth: how deep its first line is indented.
        used: how many characters of that line are taken.

    """
    short = _short(value)
    room = _WIDTH - depth * len(_INDENT) - used
    if short is not None and (len(short) <= room or not isinstance(value, dict | list | Call)):
        return [short]
    match value:
        case Text() if not value.ends_its_line:
            # A heredoc ends with a line end, which this text lacks.
            return _value(Call("chomp", (Text((*value.parts, "\n")),)), depth, used)
        case Text():
            return _heredoc(value)
        case Expression():
            return value.split("\n")
        case Call(function, (argument,)):
            first, *rest = _value(argument, depth, used + len(function) + 1)
            if first.startswith(_HEREDOC):
                return [f"{function}({first}", *rest, ")"]
            *inner, last = f"{function}({first}", *rest
            return [*inner, f"{last})"]
        case Call(function, arguments):
            lines = [*_elements(arguments, depth + 1)]
            return [f"{function}(", *_indented([*lines[:-1], lines[-1].removesuffix(",")]), ")"]
        case list():
            return ["[", *_indented(_elements(value, depth + 1)), "]"]
        case dict():
            body = _body([Attribute(key(name), each) for name, each in value.items()], depth + 1)
            return ["{", *_indented(body), "}"]
    raise TypeError(f"no value of HCL: {value!r}")


def _elements(values: Sequence[Any], depth: int) -> Iterable[str]:
    for each in values:
        lines = _value(each, depth, 1)
        if lines[0].startswith(_HEREDOC):
            # No comma may follow a heredoc.
            lines = [quoted(each)]
        yield from lines[:-1]
        yield f"{lines[-1]},"


def _short(value: Any) -> str | None:
    """Return a value on one line; None if it needs more."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case Expression():
            return None if "\n" in value else str(value)
        case str():
            return _short(Text((value,)))
        case Text():
            return None if _suits_heredoc(value) else quoted(value)
        case Call(function, arguments):
            given = [*map(_short, arguments)]
            return None if None in given else f"{function}({', '.join(filter(None, given))})"
        case list():
            inside = [_short(each) for each in value if not isinstance(each, dict | list)]
            if len(inside) < len(value) or None in inside:
                return None
            return f"[{', '.join(filter(None, inside))}]"
        case dict() if not value:
            return "{}"
        case dict() if len(value) == 1:
            name, only = next(iter(value.items()))
            inner = _short(only)
            return None if inner is None else f"{{ {key(name)} = {inner} }}"
    return None


def _suits_heredoc(text: Text) -> bool:
    """Return whether a text is better read in a heredoc, and one can hold it.

    A heredoc has no escapes, and loses the indentation that all of its lines share.
    """
    literal = "".join("x" if isinstance(each, Expression) else each for each in text.parts)
    lines = literal.removesuffix("\n").split("\n")
    return (
        (len(lines) > 1 or literal.count('"') >= _QUOTES)
        and all(each.isprintable() for each in lines)
        and not all(each.startswith(" ") or not each for each in lines)
    )


def _heredoc(text: Text) -> list[str]:
    literal = "".join(
        f"${{{each}}}"
        if isinstance(each, Expression)
        else each.replace("${", "$${").replace("%{", "%%{")
        for each in text.parts
    )
    lines = literal.removesuffix("\n").split("\n")
    marker = "EOT"
    while marker in map(str.strip, lines):
        marker += "_"
    return [f"{_HEREDOC}{marker}", *_indented(lines), marker]
