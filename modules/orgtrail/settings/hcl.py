"""Reads environment files: HCL literals with their line numbers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import hcl2
from hcl2.utils import SerializationOptions
from lark import Token, Tree
from lark.exceptions import UnexpectedInput

from orgtrail.errors import Fault, OrgtrailError, SettingPath, SettingsSource

Node = Tree[Token]

_PLAIN_VALUES = SerializationOptions(
    with_comments=False,
    explicit_blocks=False,
    preserve_heredocs=False,
    preserve_scientific_notation=False,
    strip_string_quotes=True,
)
_NUMBERS = {"int_lit": int, "float_lit": float}
_WORDS = {"true": True, "false": False, "null": None}
_TEXTS = {"string", "heredoc_template", "heredoc_template_trim"}
_NAMES = {"identifier", "keyword", "literal_value", "int_lit"}
_NOT_A_VALUE = object()
_BOM = "\ufeff"
_CONTEXT_CHARACTERS = 60
"""Characters of a long line to show on either side of a syntax error."""


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """The values of an environment file, their lines, and the faults of its syntax."""

    values: dict[str, object]
    source: SettingsSource
    faults: tuple[Fault, ...]


def read_hcl(path: str | Path) -> ParsedFile:
    """Read an environment file.

    Only literals are allowed (as in a Terraform `.tfvars` file). Expressions, blocks and settings
    that are given twice are faults, because python-hcl2 would silently turn them into a string, a
    list or the last value.

    Returns:
        the settings as plain Python values, their lines, and the faults; a setting with a fault
        has no value.

    Raises:
        OrgtrailError: the file cannot be read as text, or is not HCL.

    """
    name = str(path)
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise OrgtrailError(f"{name}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise OrgtrailError(
            f"{name}: must be UTF-8 text; byte {error.start} is not; save it as UTF-8"
        ) from None
    return parse_hcl(text, name)


def parse_hcl(text: str, name: str) -> ParsedFile:
    """Parse HCL text; `name` is the file's name in errors."""
    reader = _Reader()
    if text.startswith(_BOM):
        reader.fault((), "must not begin with a byte order mark", hint="save it as plain UTF-8")
    try:
        tree = hcl2.parses_to_tree(text.removeprefix(_BOM))
        values = reader.body(_branch(tree, 0), ())
    except UnexpectedInput as error:
        raise OrgtrailError(_syntax_error(text.removeprefix(_BOM), name, error)) from None
    except RecursionError:
        raise OrgtrailError(f"{name}: must not be nested so deeply") from None
    return ParsedFile(values, SettingsSource(name, reader.lines), tuple(reader.faults))


def _syntax_error(text: str, name: str, error: UnexpectedInput) -> str:
    """Describe a syntax error, with a caret under its place in the text."""
    lines = text.split("\n")
    line = error.line if error.line > 0 else len(lines)
    column = max(error.column, 1)
    while line > 1 and (line > len(lines) or not lines[line - 1].strip()):
        line, column = line - 1, len(lines[line - 2]) + 1
    start = max(column - _CONTEXT_CHARACTERS, 0)
    shown = lines[line - 1].replace("\t", " ").rstrip("\r")[start : column + _CONTEXT_CHARACTERS]
    caret = " " * (column - 1 - start) + "^"
    return f"{name}:{line}:{column}: is not valid HCL here\n    {shown}\n    {caret}"


class _Reader:
    """Converts the parser's tree into values, and collects lines and faults."""

    def __init__(self) -> None:
        self.lines: dict[SettingPath, int] = {(): 1}
        self.faults: list[Fault] = []

    def body(self, body: Node, place: SettingPath) -> dict[str, object]:
        """Read the top level of a file: lines of `name = value`."""
        entries = []
        for child in _trees(body):
            if child.data == "block":
                name = _source(child.children[0])
                self.lines.setdefault((*place, name), child.meta.line)
                self.fault((*place, name), f"must be written {name} = {{ ... }}, with a = sign")
            elif child.data == "attribute":
                entries.append((child, _source(child.children[0]), _branch(child, 2)))
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
        if node.data == "expr_term" and len(node.children) == 1:
            return self._value(_branch(node, 0), place)
        kind = str(node.data)
        if kind == "unary_op":
            return self._negative(node, place)
        if kind in _NUMBERS:
            return self._number(node, place)
        if kind == "literal_value":
            return _WORDS[_source(node)]
        if kind == "string" and "\n" in _source(node):
            return self.fault(place, "must end with a quote in the line where it begins")
        if kind in _TEXTS and not _has_expression(node):
            return hcl2.transform(node).serialize(_PLAIN_VALUES)
        if kind == "object":
            return self._object(node, place)
        if kind == "tuple":
            return self._list(node, place)
        if kind == "identifier":
            return self.fault(place, "must be a literal", _source(node), "write text in quotes")
        return self._expression(node, place)

    def _expression(self, node: Node, place: SettingPath) -> object:
        return self.fault(
            place, "must be a literal", _source(node), "an environment file has no expressions"
        )

    def _negative(self, node: Node, place: SettingPath) -> object:
        number = _unwrapped(_branch(node, 1))
        if _source(node.children[0]) != "-" or number.data not in _NUMBERS:
            return self._expression(node, place)
        return -_NUMBERS[str(number.data)](_source(number))

    def _number(self, node: Node, place: SettingPath) -> object:
        text = _source(node)
        if text.startswith("0") and text.isdigit() and text != "0":
            # An account id without quotes would lose its leading zeros.
            return self.fault(place, "must be a literal", text, "write text in quotes")
        return _NUMBERS[str(node.data)](text)

    def _object(self, node: Node, place: SettingPath) -> dict[str, object]:
        entries = []
        for child in _trees(node):
            if child.data != "object_elem":
                continue
            key, value = _branch(child, 0), _branch(child, 2)
            name = _key(key)
            if name is None:
                self.lines.setdefault(place, child.meta.line)
                self.fault(place, "must have plain names as keys", _source(key))
            else:
                entries.append((child, name, value))
        return self._entries(entries, place)

    def _list(self, node: Node, place: SettingPath) -> list[object]:
        values = []
        items = [child for child in _trees(node) if child.data != "new_line_or_comment"]
        for index, child in enumerate(items):
            self.lines[*place, index] = child.meta.line
            values.append(self._value(child, (*place, index)))
        return [value for value in values if value is not _NOT_A_VALUE]

    def fault(self, place: SettingPath, rule: str, given: str = "", hint: str = "") -> object:
        """Add a fault, and return the marker of a missing value."""
        self.faults.append(Fault(place, f"{rule}; got {given}" if given else rule, hint=hint))
        return _NOT_A_VALUE


def _branch(node: Node, index: int) -> Node:
    child = node.children[index]
    assert isinstance(child, Tree), "the grammar has a rule here"
    return child


def _unwrapped(node: Node) -> Node:
    """Descend through nodes that wrap a single other node."""
    while len(node.children) == 1 and isinstance(node.children[0], Tree):
        node = _branch(node, 0)
    return node


def _trees(node: Node) -> Iterator[Node]:
    return (child for child in node.children if isinstance(child, Tree))


def _tokens(node: Node | Token) -> Iterator[str]:
    if isinstance(node, Tree):
        for child in node.children:
            yield from _tokens(child)
    elif node is not None:
        yield str(node)


def _source(node: Node | Token) -> str:
    return "".join(_tokens(node)).strip()


def _has_expression(node: Node) -> bool:
    """Return whether a string contains `${...}` or `%{...}`."""
    text = _source(node)
    return "${" in text or "%{" in text


def _key(node: Node) -> str | None:
    """Return the name of an object's key, or None if it is an expression."""
    node = _unwrapped(node)
    if node.data in _NAMES or node.data == "object_elem_key":
        return _source(node)
    if node.data == "string" and not _has_expression(node):
        return str(hcl2.transform(node).serialize(_PLAIN_VALUES))
    return None
