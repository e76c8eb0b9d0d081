"""How a story is told: its records, some minutes apart, in the places of one organization."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from orgtrail.sample import identities as who
from orgtrail.sample.background import Places
from orgtrail.sample.events import Event, Recorder
from orgtrail.settings.environment import Environment

STRANGER = "192.0.2.66"
"""The address of whoever should not be here."""
OUTSIDE = "999999999999"
"""An account of nobody in the organization."""


@dataclass(frozen=True, slots=True)
class Story:
    """Something that happened.

    Attributes:
        name: what it is called.
        told: what happened, in a sentence.
        queries: the questions that find it.
        events: its records.

    """

    name: str
    told: str
    queries: tuple[str, ...]
    events: list[Event]


class Teller:
    """Writes the records of stories, each later than the one before.

    Args:
        recorder: writes a record.
        environment: the organization.
        places: where its work is done.
        begin: when the first story begins.

    """

    def __init__(
        self, recorder: Recorder, environment: Environment, places: Places, begin: datetime
    ) -> None:
        self.recorder = recorder
        self.environment = environment
        self.home = places.regions[0]
        self.data = places.data_account
        self.management = environment.management.id
        self.logging = environment.logging.id
        self._at = begin

    def later(self, minutes: int = 1) -> datetime:
        """Let some minutes pass; return the time."""
        self._at += timedelta(minutes=minutes)
        return self._at

    def do(
        self, caller: who.Caller, action: str, account: str, params: dict[str, Any] | None = None,
        *, region: str = "", error: str = "", reads: bool = False, **extra: Any,
    ) -> Event:  # fmt: skip
        """Record one call, a minute later."""
        return self.recorder.event(
            caller, action, account, region or self.home, self.later(), params=params, error=error,
            reads=reads, **extra,
        )  # fmt: skip

    def intruder(self, account: str, name: str = "deploy-legacy") -> who.Caller:
        """Return a stranger with the credentials of an IAM user."""
        known = who.user(account, name)
        return who.Caller(known.identity, STRANGER, "aws-cli/2.9.1 ua/2.0 os/linux#5.4.kali")
