"""A configuration in Terraform's JSON as blocks of HCL.

The JSON has blocks and attributes alike; the provider's schema tells which are blocks.
https://developer.hashicorp.com/terraform/language/syntax/json#block-type-labels-expression-mapping
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from orgtrail.module.expressions import expression, value
from orgtrail.module.hcl import BLANK, Attribute, Block, Expression, Item
from orgtrail.module.values import is_long

Json = dict[str, Any]
Shape = Mapping[str, Any]
"""The blocks in a block, by name, each with its own."""

_CONDITION: Shape = {}
_LIFECYCLE: Shape = {"precondition": _CONDITION, "postcondition": _CONDITION}
_LONG_CONDITION = 80
_AND, _OR_NULL = " && ", " == null ? true : "
_OF_EACH = re.compile(r"alltrue\(\[(?P<head>for each in [\w.]+ :) (?P<tests>.*)\]\)")
_FIRST = ("for_each", "count", "provider")
_LAST = ("lifecycle", "depends_on")
"""Where Terraform's style guide wants the meta-arguments of a resource.
https://developer.hashicorp.com/terraform/language/style#resource-order"""


@cache
def shapes() -> Mapping[str, Shape]:
    """Return the blocks of each kind of resource; a data source's kind begins with `data.`.

    `make schema` derives them from the provider's schema.
    """
    text = (files(__package__) / "blocks.json").read_text(encoding="utf-8")
    found: Mapping[str, Shape] = json.loads(text)
    return found


def resource(
    kind: str, name: str, given: Json, *, numbers: Collection[str] = (), comment: str = ""
) -> Block:
    """Return the block of a resource, or of a data source if its kind begins with `data.`."""
    section, type_ = ("data", kind.removeprefix("data.")) if kind.startswith("data.") else (
        "resource", kind,
    )  # fmt: skip
    values = {each: one for each, one in given.items() if each not in (*_FIRST, *_LAST)}
    first = [Attribute(each, _meta(each, given[each], numbers)) for each in _FIRST if each in given]
    body = _body(values, shapes()[kind], numbers)
    last: list[Item] = []
    if "lifecycle" in given:
        last.append(Block("lifecycle", body=[*_lifecycle(given["lifecycle"])]))
    if "depends_on" in given:
        # What Terraform creates before it, in one line if it fits.
        last += [BLANK, Attribute("depends_on", [*map(Expression, given["depends_on"])])]
    parted = [BLANK] if first and body else []
    return Block(section, (type_, name), [*first, *parted, *body, *last], comment)


def block(kind: str, labels: tuple[str, ...], given: Json, shape: Shape) -> Block:
    """Return a block that Terraform itself knows, such as an output.

    Args:
        kind: its kind.
        labels: its labels.
        given: what is in it.
        shape: which of that are blocks.

    """
    return Block(kind, labels, _body(given, shape, (), in_order=True))


def variable(name: str, given: Json) -> Block:
    """Return the block of a variable."""
    given = {**given, "validation": [*map(_readable, given["validation"])]}
    typed = {"type": f"${{{given['type']}}}", **{n: v for n, v in given.items() if n != "type"}}
    return block("variable", (name,), typed, {"validation": _CONDITION})


def _readable(validation: Json) -> Json:
    """Return a validation whose long condition has a line for each of its tests."""
    condition: str = expression(validation["condition"].removeprefix("${").removesuffix("}"))
    if len(condition) <= _LONG_CONDITION or _AND not in condition:
        return validation
    opened, closed = ("(", ")")
    if found := _OF_EACH.fullmatch(condition):
        opened, condition, closed = f"alltrue([\n  {found['head']}", found["tests"], "])"
    lines = condition.replace(_OR_NULL, f"{_OR_NULL.rstrip()}\n  ").replace(_AND, " &&\n  ")
    return {**validation, "condition": Expression(f"{opened}\n  {lines}\n{closed}")}


def output(name: str, given: Json) -> Block:
    """Return the block of an output."""
    described = {"description": given["description"], **given}
    return block("output", (name,), described, {})


def _meta(name: str, given: Any, numbers: Collection[str]) -> Any:
    return Expression(given) if name == "provider" else value(given, numbers)


def _lifecycle(given: Json) -> Iterator[Item]:
    bare = {name: each for name, each in given.items() if name != "ignore_changes"}
    if "ignore_changes" in given:
        yield Attribute("ignore_changes", [*map(Expression, given["ignore_changes"])])
    yield from _body(bare, _LIFECYCLE, (), in_order=True)


def _body(
    given: Json, shape: Shape, numbers: Collection[str], *, in_order: bool = False
) -> list[Item]:
    """Return the attributes, then the blocks.

    Attributes of one line come first: what stands after a long policy is easily missed.
    """
    attributes = [
        Attribute(name, value(each, numbers)) for name, each in given.items() if name not in shape
    ]
    if not in_order:
        attributes.sort(key=lambda each: is_long(each.value))
    blocks = [
        Block(name, body=_body(each, shape[name], numbers, in_order=in_order))
        for name, several in given.items()
        if name in shape
        for each in _several(several)
    ]
    return [*attributes, *blocks]


def _several(given: Any) -> Iterable[Json]:
    return given if isinstance(given, list) else [given]
