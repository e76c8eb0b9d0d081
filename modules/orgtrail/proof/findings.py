"""Findings: what is wrong, how bad that is, and which setting to change."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from orgtrail.proof.estate import Estate


class Severity(StrEnum):
    """How bad a finding is."""

    HIGH = "high"
    """The evidence can be stopped, changed, lost, or read by those who should not."""
    MEDIUM = "medium"
    """The deploy will fail, or a guard does not do what it seems to."""
    LOW = "low"
    """It works, and costs or tells less than it could."""
    UNPROVEN = "unproven"
    """It could not be decided."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    Args:
        severity: how bad it is.
        rule: the name of the rule or control.
        setting: what to change: a setting of the environment file, or an address in the stack.
        message: what is wrong and what to do, in a sentence or two.

    """

    severity: Severity
    rule: str
    setting: str
    message: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """What a rule has found, before it is known whether the user has a file or a stack.

    Args:
        setting: the setting of an environment file, such as `archive.object_lock`.
        address: the address in the stack.
        message: what is wrong and what to do.

    """

    setting: str
    address: str
    message: str


Check = Callable[[Estate], Iterator[Trouble]]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of the proof: its name, how bad it is when broken, and its check."""

    name: str
    severity: Severity
    check: Check

    @property
    def meaning(self) -> str:
        """What it is for, in a sentence."""
        return " ".join((self.check.__doc__ or "").split())


RULES: list[Rule] = []


def rule(name: str, severity: Severity) -> Callable[[Check], Check]:
    """Register a rule; its docstring says what it is for."""

    def register(check: Check) -> Check:
        RULES.append(Rule(name, severity, check))
        return check

    return register


def broken(estate: Estate, *, by_setting: bool) -> Iterator[Finding]:
    """Yield what every rule finds.

    Args:
        estate: what the stack sets up.
        by_setting: name settings of an environment file; else addresses of the stack.

    """
    for each in RULES:
        for trouble in each.check(estate):
            place = trouble.setting if by_setting else trouble.address
            yield Finding(each.severity, each.name, place, trouble.message)
