"""Findings: what is wrong, how severe it is, and what to change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How severe a finding is."""

    HIGH = "high"
    """The evidence can be stopped, changed, lost, or read by those who should not."""
    MEDIUM = "medium"
    """The deploy will fail, or a protection does not do what it seems to do."""
    LOW = "low"
    """It works, but costs more or shows less than it could."""
    ONE_LAYER = "one-layer"
    """It is denied, by one policy alone where two are to deny it."""
    UNPROVEN = "unproven"
    """It could not be decided."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    Args:
        severity: how severe it is.
        rule: the name of the rule or control.
        setting: what to change: a setting of the environment file, or an address in the stack.
        message: what is wrong and what to do, in a sentence or two.
        line: the line that the message begins with; 0 if it names none.

    """

    severity: Severity
    rule: str
    setting: str
    message: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class Violation:
    """What breaks a rule, located both in an environment file and in a stack.

    Args:
        setting: the setting of an environment file, such as `archive.object_lock`.
        address: the address in the stack.
        message: what is wrong and what to do.

    """

    setting: str
    address: str
    message: str


def listed(named: Sequence[str], most: int = 4) -> str:
    """Return the first of some names, and how many more there are.

    Args:
        named: the names.
        most: the number of names that a finding lists.

    """
    more = len(named) - most
    return ", ".join(named[:most]) + (f" and {more} more" if more > 0 else "")
