"""Writes blocks in HCL, in the form that `terraform fmt` leaves alone.

python-hcl2 can write HCL too, but drops comments, and `terraform fmt` changes how it aligns.
https://developer.hashicorp.com/terraform/language/style
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from textwrap import wrap

from orgtrail.module.hcl import Attribute, Block, Comment, Item
from orgtrail.module.values import assignments, indented

_WIDTH = 96
"""Longest line of a comment, after its sign."""


def write(items: Sequence[Item]) -> str:
    """Return the text of a file with these items."""
    return "\n".join(_body(items, 0)) + "\n"


def _body(items: Sequence[Item], depth: int) -> list[str]:
    """Return the lines of what is in a block or file; a block stands between empty lines."""
    lines: list[str] = []
    after_block = False
    for is_attribute, group in groupby(items, lambda each: isinstance(each, Attribute)):
        if is_attribute:
            if after_block:
                lines.append("")
            pairs = ((each.name, each.value) for each in group if isinstance(each, Attribute))
            lines.extend(assignments(pairs, depth))
            after_block = False
            continue
        for item in group:
            is_block = isinstance(item, Block)
            if (after_block or is_block) and lines and lines[-1]:
                lines.append("")
            if isinstance(item, Block):
                lines.extend(_block(item, depth))
            elif isinstance(item, Comment) and (item.text or (lines and lines[-1])):
                lines.extend(_comment(item.text))
            after_block = is_block
    return lines


def _comment(text: str) -> list[str]:
    return [f"# {line}" for each in text.splitlines() for line in wrap(each, _WIDTH)] or [""]


def _block(block: Block, depth: int) -> Iterator[str]:
    if block.comment:
        yield from _comment(block.comment)
    head = " ".join((block.kind, *(f'"{each}"' for each in block.labels)))
    inner = _body(block.body, depth + 1)
    yield f"{head} {{" if inner else f"{head} {{}}"
    if inner:
        yield from indented(inner)
        yield "}"
