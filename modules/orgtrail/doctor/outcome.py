"""What a check of the doctor says: fine, a fault with its cause and next step, or not checked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from orgtrail.trail.resource import Resource

MAKE = "deploy: the plan shows it"
"""The next step where something is not there."""
DEPLOY = "deploy again: the plan shows the change"
"""The next step where something is not as the file says."""


class State(StrEnum):
    """How a check ended."""

    FINE = "fine"
    FAULT = "fault"
    UNCHECKED = "unchecked"
    """AWS did not say: this is never fine."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a check looks at.

    Args:
        account: the account's name in the environment file.
        name: what AWS calls the thing; empty where the check is about the account.
        region: its region; empty for the home region.
        resource: what the stack sets up there, if there is one.

    """

    account: str
    name: str = ""
    region: str = ""
    resource: Resource | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is not as the file says.

    Args:
        cause: what is wrong, in a sentence.
        step: what to do next.
        diff: how what runs differs from what the file says, line by line; empty where a
            sentence says it.

    """

    cause: str
    step: str
    diff: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer of one check about one subject.

    Args:
        check: the check's name.
        title: what should be so.
        subject: what was looked at.
        state: how it ended.
        faults: what is wrong, where it is a fault.
        reason: why it was not checked, where it was not.

    """

    check: str
    title: str
    subject: Subject
    state: State
    faults: tuple[Fault, ...] = ()
    reason: str = ""

    def told(self) -> dict[str, Any]:
        """Return it for programs."""
        return {
            "check": self.check,
            "title": self.title,
            "account": self.subject.account,
            "subject": self.subject.name,
            "region": self.subject.region,
            "state": self.state,
            "faults": [
                {"cause": each.cause, "step": each.step, "diff": each.diff} for each in self.faults
            ],
            "reason": self.reason,
        }


def verdict(outcomes: Iterable[Outcome]) -> State:
    """Sum up: a fault outweighs what was not checked, and that outweighs what is fine."""
    states = {each.state for each in outcomes}
    for state in (State.FAULT, State.UNCHECKED):
        if state in states:
            return state
    return State.FINE
