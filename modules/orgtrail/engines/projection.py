"""What a deployed table projects: the accounts and regions that Athena sees, and its partitions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from orgtrail.queries.bounds import Bounds

_DAYS = "%Y/%m/%d"


@dataclass(frozen=True, slots=True)
class Projection:
    """What a deployed table projects."""

    accounts: tuple[str, ...]
    regions: tuple[str, ...]

    @classmethod
    def of(cls, parameters: Mapping[str, str]) -> Projection:
        """Read it from a table's parameters."""

        def listed(column: str) -> tuple[str, ...]:
            return tuple(filter(None, parameters.get(f"projection.{column}.values", "").split(",")))

        return cls(listed("account"), listed("region"))

    def partitions(self, bounds: Bounds) -> list[tuple[str, str, str]]:
        """Return account, region and day of each partition within bounds."""
        days = _between(bounds.first_day, bounds.last_day)
        return [
            (account, region, day)
            for account in self.accounts
            if not bounds.accounts or account in bounds.accounts
            for region in self.regions
            if not bounds.regions or region in bounds.regions
            for day in days
        ]


def _between(first: str, last: str) -> list[str]:
    start = datetime.strptime(first, _DAYS)  # noqa: DTZ007  # a day, not a moment
    end = datetime.strptime(last, _DAYS)  # noqa: DTZ007
    return [(start + timedelta(days=n)).strftime(_DAYS) for n in range((end - start).days + 1)]
