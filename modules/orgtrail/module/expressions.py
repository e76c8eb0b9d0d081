"""Translates the strings of Terraform's JSON to expressions of HCL.

A string of Terraform's JSON is a template: `"${var.name}"` is what HCL writes as `var.name`.
https://developer.hashicorp.com/terraform/language/syntax/json#expression-mapping
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from typing import Any

from orgtrail.module.hcl import Call, Expression, Text

_FIRST_MARK = 0xE000
"""A private-use character for each expression, while a JSON text is parsed."""
_NEEDLESS = re.compile(r'"\$\{([A-Za-z_][\w.-]*)\}"')
"""A reference alone between quotes, in an expression."""
_SPLICED = re.compile(r'join\("\\",\\"", (?P<items>[\w.]+)\)')
"""Items of a list, joined to take the place of an item of a JSON text."""


def value(given: Any, numbers: Collection[str] = ()) -> Any:
    """Return a value of Terraform's JSON as a value of HCL.

    Args:
        given: the value; what is of HCL already stays as it is.
        numbers: references to numbers, such as `var.days`.

    """
    match given:
        case Expression():
            return given
        case dict():
            return {name: value(each, numbers) for name, each in given.items()}
        case list():
            return [value(each, numbers) for each in given]
        case str():
            return _string(given, numbers)
        case _:
            return given


def expression(text: str) -> Expression:
    """Return an expression without quotes around what is a reference anyway."""
    return Expression(_NEEDLESS.sub(r"\1", text))


def _string(text: str, numbers: Collection[str]) -> Any:
    parts = tuple(_parts(text))
    if len(parts) == 1 and isinstance(parts[0], Expression):
        return parts[0]
    if text.startswith("{") and (document := _document(parts, numbers)):
        return Call("jsonencode", (document,))
    return Text(parts)


def _parts(text: str) -> Iterator[str | Expression]:
    """Yield the literal parts of a template, without its escapes, and its expressions.

    Raises:
        ValueError: the template has a directive such as `%{ if }`.

    """
    literal, at = "", 0
    while at < len(text):
        if text.startswith(("$${", "%%{"), at):
            literal, at = literal + text[at] + "{", at + 3
        elif text.startswith("${", at):
            if literal:
                yield literal
            end = _end(text, at + 2)
            yield expression(text[at + 2 : end].strip())
            literal, at = "", end + 1
        elif text.startswith("%{", at):
            raise ValueError(f"a directive in a template: {text}")
        else:
            literal, at = literal + text[at], at + 1
    if literal:
        yield literal


def _end(text: str, at: int) -> int:
    """Return where the brace is that ends the expression which begins at a place."""
    depth = 0
    while text[at] != "}" or depth:
        if text[at] == '"':
            at = _end_of_string(text, at + 1)
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        at += 1
    return at


def _end_of_string(text: str, at: int) -> int:
    """Return where the quote is that ends the string which begins at a place."""
    while text[at] != '"':
        if text[at] == "\\" or text.startswith(("$${", "%%{"), at):
            at += 2
        elif text.startswith("${", at):
            at = _end(text, at + 2) + 1
        else:
            at += 1
    return at


def _document(parts: tuple[str | Expression, ...], numbers: Collection[str]) -> Any:
    """Return the object that a JSON text holds; None if it is no JSON."""
    marks: dict[str, Expression] = {}
    text = ""
    for each in parts:
        if isinstance(each, Expression):
            mark = chr(_FIRST_MARK + len(marks))
            marks[mark] = each
            text += mark
        else:
            text += each
    try:
        return _marked(json.loads(text), marks, numbers)
    except json.JSONDecodeError:
        return None


def _marked(given: Any, marks: dict[str, Expression], numbers: Collection[str]) -> Any:
    """Put the expressions of a parsed JSON text in the place of their marks."""
    match given:
        case dict():
            return {name: _marked(each, marks, numbers) for name, each in given.items()}
        case list():
            return _list(given, marks, numbers)
        case str():
            found = tuple(
                marks.get(each, each)
                for each in re.split(f"([{''.join(marks)}])" if marks else "(?!)", given)
                if each
            )
            if len(found) == 1 and isinstance(found[0], Expression):
                is_number = found[0] in numbers
                return Call("tostring", (found[0],)) if is_number else found[0]
            return Text(found)
        case _:
            return given


def _list(given: list[Any], marks: dict[str, Expression], numbers: Collection[str]) -> Any:
    """Return a list, with spliced items joined by `concat`."""
    lists: list[Any] = [[]]
    for each in given:
        spliced = (
            _SPLICED.fullmatch(marks[each]) if isinstance(each, str) and each in marks else None
        )
        if spliced:
            lists += [Expression(spliced["items"]), []]
        else:
            lists[-1].append(_marked(each, marks, numbers))
    kept = [each for each in lists if isinstance(each, Expression) or each]
    if len(kept) > 1:
        return Call("concat", tuple(kept))
    return kept[0] if kept else []
