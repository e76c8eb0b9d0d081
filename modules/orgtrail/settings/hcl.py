"""Reads environment files: HCL literals with their line numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from unicodedata import normalize

from hcl2.parser import parser
from lark import Token, Tree
from lark.exceptions import UnexpectedToken

from orgtrail.errors import Fault, OrgtrailError, SettingPath, SettingsSource, printable
from orgtrail.settings.hcl_strings import MisplacedError, literal_text
from orgtrail.settings.hcl_tokens import tokens

Node = Tree[Token]

_WORDS = {"true": True, "false": False, "null": None}
_TEXTS = {"string", "heredoc_template"}
_NAMES = {"identifier", "literal_value"}
_LITERAL = "must be a literal"
_NO_EXPRESSION = "an expression is not supported here"
_NOT_A_VALUE = object()
_BOM = "\ufeff"
_CONTEXT_CHARACTERS = 60
"""Characters of a long line to show on either side of a syntax error."""
_MOST_GIVEN = 80
"""Most characters of an expression to show."""
_MOST_DIGITS = 100
"""Most digits of a whole number. HCL rounds those of more than 154, without a word."""


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """The values of an environment file, their lines, and the faults of its syntax."""

    values: dict[str, object]
    source: SettingsSource
    faults: tuple[Fault, ...]


def read_hcl(path: str | Path) -> ParsedFile:
    """Read an environment file.

    A literal is read as Terraform reads it in a `.tfvars` file. Expressions, blocks and settings
    that are given twice are faults.

    Returns:
        the settings as plain Python values, their lines, and the faults; a setting with a fault
        has no value.

    Raises:
        OrgtrailError: the file cannot be read as text, or is not HCL.

    """
    name = str(path)
    try:
        # Not read_text: it would make a line end of each carriage return.
        text = Path(path).read_bytes().decode()
    except OSError as error:
        raise OrgtrailError(f"{name}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise OrgtrailError(
            f"{name}: must be UTF-8 text; byte {error.start} is not; save it as UTF-8"
        ) from None
    return parse_hcl(text, name)


def parse_hcl(text: str, name: str) -> ParsedFile:
    """Parse HCL text; `name` is the file's name in errors."""
    body = text.removeprefix(_BOM)
    reader = _Reader(body)
    if text != body:
        reader.fault((), "must not begin with a byte order mark", hint="save it as plain UTF-8")
    try:
        values = reader.body(_tree(body), ())
    except MisplacedError as error:
        raise OrgtrailError(_syntax_error(body, name, error)) from None
    return ParsedFile(values, SettingsSource(name, reader.lines), tuple(reader.faults))


def _tree(text: str) -> Node:
    """Parse our tokens with python-hcl2's grammar."""
    parsing = parser().parse_interactive()
    last = None
    try:
        for last in tokens(text):
            parsing.feed_token(last)
        tree = parsing.feed_eof(last)  # type: ignore[no-untyped-call]
    except UnexpectedToken as error:
        end = error.token.type == "$END"
        raise MisplacedError(len(text) if end else error.token.start_pos) from None
    return _branch(tree, 0)


def _syntax_error(text: str, name: str, error: MisplacedError) -> str:
    """Describe a syntax error, with a caret under its place in the text."""
    # What is missing at the end is missing after the last word.
    place = min(error.place, len(text.rstrip()))
    begin = text.rfind("\n", 0, place) + 1
    line, column = text.count("\n", 0, place) + 1, place - begin
    start = max(column + 1 - _CONTEXT_CHARACTERS, 0)
    whole = text[begin:].partition("\n")[0].replace("\t", " ").rstrip("\r")
    shown = whole[start : column + 1 + _CONTEXT_CHARACTERS]
    # One character for each, so that the caret stays under its place.
    shown = "".join(each if each.isprintable() else "?" for each in shown)
    caret = " " * (column - start) + "^"
    return f"{name}:{line}:{column + 1}: {error.rule}\n    {shown}\n    {caret}"


class _Reader:
    """Converts the parser's tree into values, and collects lines and faults."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines: dict[SettingPath, int] = {(): 1}
        self.faults: list[Fault] = []

    def body(self, body: Node, place: SettingPath) -> dict[str, object]:
        """Read the top level of a file: lines of `name = value`."""
        entries = []
        for child in _trees(body):
            if child.data == "block":
                name = self._source(_branch(child, 0))
                self.lines.setdefault((*place, name), child.meta.line)
                self.fault((*place, name), f"must be written {name} = {{ ... }}, with a = sign")
            elif child.data == "attribute":
                entries.append((child, self._source(_branch(child, 0)), _branch(child, 2)))
        return self._entries(entries, place)

    def _entries(
        self, entries: list[tuple[Node, str, Node]], place: SettingPath
    ) -> dict[str, object]:
        values: dict[str, object] = {}
        for node, name, value in entries:
            here = (*place, name)
            if name in values:
                first = self.lines[here]
                self.lines[here] = node.meta.line
                self.fault(here, f"is set twice, first in line {first}; keep one of them")
                continue
            self.lines[here] = node.meta.line
            values[name] = self._value(value, here)
        return {name: value for name, value in values.items() if value is not _NOT_A_VALUE}

    def _value(self, node: Node, place: SettingPath) -> object:
        """Read one literal; add a fault for anything else."""
        node = _unwrapped(node)
        kind, source = str(node.data), self._source(node)
        if kind == "object":
            return self._object(node, place)
        if kind == "tuple":
            return self._list(node, place)
        if kind in _TEXTS and (text := literal_text(source)) is not None:
            if kind == "string" and _has_line_end(source):
                return self.fault(place, "must end with a quote in the line where it begins")
            return text
        if kind == "literal_value":
            return _WORDS[source]
        if kind == "identifier":
            return self.fault(place, _LITERAL, source, "write text in quotes")
        if kind == "int_lit" and source.isdigit() and source[0] == "0" and source != "0":
            # An account id without quotes would lose its leading zeros.
            return self.fault(place, _LITERAL, source, "write text in quotes")
        number = self._number(node)
        if number is None:
            return self.fault(place, _LITERAL, source, _NO_EXPRESSION)
        exact = _exact(number)
        if exact is None:
            hint = "a number of so many digits is not supported here"
            return self.fault(place, "must be a shorter number", source, hint)
        return exact

    def _number(self, node: Node) -> str | None:
        """Return a number with its sign; None if it is something else."""
        node = _unwrapped(node)
        if node.data == "int_lit":
            return self._source(node)
        if node.data == "unary_op" and not (signs := str(node.children[0])).strip("-"):
            number = self._number(_branch(node, 1))
            negative = number and number.startswith("-") != (len(signs) % 2 == 1)
            return number and f"{'-' if negative else ''}{number.removeprefix('-')}"
        return None

    def _object(self, node: Node, place: SettingPath) -> dict[str, object]:
        entries = []
        for child in _trees(node):
            if child.data != "object_elem":
                continue
            key, value = _branch(child, 0), _branch(child, 2)
            name = self._key(key)
            if name is None:
                self.lines.setdefault(place, child.meta.line)
                rule = "must have plain names as keys"
                self.fault(place, rule, self._source(key), _NO_EXPRESSION)
            else:
                entries.append((child, name, value))
        return self._entries(entries, place)

    def _key(self, node: Node) -> str | None:
        """Return the name that an object's key says; None if it is another expression."""
        inner = _unwrapped(node)
        source = self._source(inner)
        if inner.data in _NAMES and not self._source(node).startswith("("):
            return normalize("NFC", source)
        if inner.data == "literal_value" and source != "null":
            return source
        if inner.data in _TEXTS and not (inner.data == "string" and _has_line_end(source)):
            return literal_text(source)
        number = self._number(inner)
        if number is None or _exact(number) is None:
            return None
        plain = f"{Decimal(number):f}"
        return plain.rstrip("0").rstrip(".") if "." in plain else plain

    def _list(self, node: Node, place: SettingPath) -> list[object]:
        values = []
        for index, child in enumerate(_trees(node)):
            self.lines[*place, index] = child.meta.line
            values.append(self._value(child, (*place, index)))
        return [value for value in values if value is not _NOT_A_VALUE]

    def _source(self, node: Node) -> str:
        return self.text[node.meta.start_pos : node.meta.end_pos]

    def fault(self, place: SettingPath, rule: str, given: str = "", hint: str = "") -> object:
        """Add a fault, and return the marker of a missing value."""
        shown = printable(" ".join(given.split()))
        if len(shown) > _MOST_GIVEN:
            shown = f"{shown[: _MOST_GIVEN - 1]}…"
        self.faults.append(Fault(place, f"{rule}; got {shown}" if given else rule, hint=hint))
        return _NOT_A_VALUE


def _branch(node: Node, index: int) -> Node:
    child = node.children[index]
    assert isinstance(child, Tree), "the grammar has a rule here"
    return child


def _trees(node: Node) -> Iterator[Node]:
    return (child for child in node.children if isinstance(child, Tree))


def _unwrapped(node: Node) -> Node:
    """Descend through parentheses and nodes that wrap a single other node."""
    while node.data in {"expr_term", "object_elem_key"}:
        inner = [child for child in _trees(node) if child.data != "new_line_or_comment"]
        if len(inner) != 1:
            break
        node = inner[0]
    return node


def _has_line_end(source: str) -> bool:
    return "\n" in source or "\r" in source


def _exact(number: str) -> int | float | None:
    """Return the value of a number; None if Python cannot keep each of its digits."""
    if len(number) > _MOST_DIGITS:
        return None
    try:
        value = Decimal(number)
    except InvalidOperation:
        return None  # its exponent has twenty digits
    if not value:
        return 0
    if value.adjusted() > _MOST_DIGITS:
        return None
    if value == value.to_integral_value():
        return int(value)
    rounded = float(value)
    return rounded if Decimal(repr(rounded)) == value else None
