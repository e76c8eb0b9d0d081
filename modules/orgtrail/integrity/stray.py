"""A log file that no digest names: which window it belongs to, and which digest may name it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from orgtrail.integrity.names import HOUR

SETTLED = timedelta(minutes=15)
"""A log file may be delivered this much after the minute in its name."""
LATEST = timedelta(hours=3)
"""For so long after its minute, digests are read for its name before a log file is reported."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Stray:
    """A log file that no digest of the window names.

    Attributes:
        bucket: where it lies.
        key: its key.
        at: the minute in its name; None where that is no name of this chain's files.
        day: the day of its folder; None where it lies in none.

    """

    bucket: str
    key: str
    at: datetime | None
    day: date | None

    @property
    def is_odd(self) -> bool:
        """Whether name and folder do not agree, or one of them tells no time."""
        return self.at is None or self.day is None or self.at.date() != self.day

    def lies_in(self, since: datetime, until: datetime) -> bool:
        """Tell whether it belongs to a window: by its name, or by its folder if they disagree."""
        if self.day is None:
            return True
        if self.at is not None and since <= self.at <= until:
            return True
        begin = datetime(self.day.year, self.day.month, self.day.day, tzinfo=UTC)
        return self.is_odd and begin <= until and since < begin + _DAY

    def may_be_named_by(self) -> tuple[datetime, datetime] | None:
        """Return between which ends lie the digests that may name it; None where none can."""
        if self.at is None or self.day is None or abs(self.at.date() - self.day) > _DAY:
            return None
        return self.at, self.at + LATEST + HOUR
