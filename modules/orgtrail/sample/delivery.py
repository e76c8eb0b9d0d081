"""How CloudTrail would deliver made-up records: files, duplicates, late and misfiled events."""

from __future__ import annotations

import gzip
import json
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from orgtrail.sample.events import Event

_SLOT = 300
"""Seconds that one file covers."""
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_TWICE = 0.01
"""Share of files that are delivered again under another name."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """A log file on its way into the archive.

    Attributes:
        at: when it is delivered.
        account: whose it is.
        region: where it was recorded.
        name: the end of its key, from the account's folder.
        events: its records' times, oldest first.
        body: its bytes, not packed.

    """

    at: datetime
    account: str
    region: str
    name: str
    events: list[datetime]
    body: bytes

    def packed(self) -> bytes:
        """Return the bytes of the object."""
        return gzip.compress(self.body, 6, mtime=0)


def deliver(events: Iterable[Event], rng: random.Random, until: datetime) -> Iterator[Delivered]:
    """Put records into files, in order of delivery; what comes after the end is left out."""
    slots: dict[tuple[datetime, str, str], list[Event]] = defaultdict(list)
    for event in events:
        seconds = event.at.timestamp() + event.late
        slot = datetime.fromtimestamp(seconds // _SLOT * _SLOT + _SLOT, tz=until.tzinfo)
        slots[slot, event.account, event.region].append(event)
    for (slot, account, region), inside in sorted(slots.items(), key=lambda each: each[0]):
        inside.sort(key=lambda each: each.at)
        body = json.dumps(
            {"Records": [each.record for each in inside]}, separators=(",", ":")
        ).encode()
        copies = 2 if rng.random() < _TWICE else 1
        for copy in range(copies):
            at = slot + timedelta(seconds=rng.randrange(20, 280) + copy * 300)
            if at < until:
                name = _name(account, region, at, rng)
                times = [each.at for each in inside]
                yield Delivered(at, account, region, name, times, body)


def _name(account: str, region: str, at: datetime, rng: random.Random) -> str:
    tail = "".join(rng.choices(_LETTERS, k=16))
    file = f"{account}_CloudTrail_{region}_{at:%Y%m%dT%H%MZ}_{tail}.json.gz"
    return f"{account}/CloudTrail/{region}/{at:%Y/%m/%d}/{file}"
