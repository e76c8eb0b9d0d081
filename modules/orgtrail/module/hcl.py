"""HCL as data: values and blocks, before they are text.

A value is None, a bool, a number, a `str` (text without expressions), a list, a dict, or one of the
classes here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


class Expression(str):
    """An expression in HCL, which is written as it is; it may have several lines."""

    __slots__ = ()


@dataclass(frozen=True)
class Text:
    """A text with expressions in it, as HCL has it between quotes or in a heredoc.

    Attributes:
        parts: its parts in order: literal text without escapes, and expressions.

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
    """Lines that begin with `#`; an empty line if there is no text."""

    text: str = ""


@dataclass(frozen=True)
class Block:
    """A block with its labels, what is in it, and the comment before it."""

    kind: str
    labels: tuple[str, ...] = ()
    body: Sequence[Item] = ()
    comment: str = ""


BLANK = Comment()
Item = Attribute | Block | Comment
