"""Where digests and log files lie in the bucket, and what their names say.

The layout is that of
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from orgtrail.errors import OrgtrailError
from orgtrail.regions import ARN

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)

DIGESTS = "CloudTrail-Digest"
"""Folder of digests under each account's prefix."""
LOGS = "CloudTrail"
"""Folder of log files beside it."""

_ARN = re.compile(ARN + r"cloudtrail:([a-z0-9-]+):(\d{12}):trail/([\w.-]+)", re.ASCII)
_ACCOUNT = re.compile(r"\d{12}", re.ASCII)
_REGION = re.compile(r"[a-z]{2,4}(-[a-z]+)+-\d+", re.ASCII)
_DAY = r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)"
_END = re.compile(_DAY + r"(\d\d)Z(_backfill)?\.json\.gz", re.ASCII)
_LOG = re.compile(rf"/(\d{{12}})_CloudTrail_([a-z0-9-]+)_{_DAY}Z_[^/]+\.json\.gz$", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where one organization trail writes.

    Attributes:
        bucket: the bucket.
        root: the key prefix above the accounts, `[prefix/]AWSLogs/o-id/`.

    """

    bucket: str
    root: str

    def digests(self, chain: ChainId, day: date | None = None) -> str:
        """Return the prefix of a chain's digests, or of those of a day."""
        return self._folder(chain, DIGESTS, day)

    def logs(self, chain: ChainId, day: date | None = None) -> str:
        """Return the prefix of a chain's log files, or of those of a day."""
        return self._folder(chain, LOGS, day)

    def _folder(self, chain: ChainId, kind: str, day: date | None) -> str:
        folder = f"{self.root}{chain.account}/{kind}/{chain.region}/"
        return f"{folder}{day:%Y/%m/%d}/" if day else folder


@dataclass(frozen=True, slots=True, order=True)
class ChainId:
    """The account and the region that a chain of digests is of."""

    account: str
    region: str

    def __str__(self) -> str:
        """Name it as messages do."""
        return f"{self.account} {self.region}"


ALL = ChainId("", "")
"""No chain by itself: what a finding about all of them is about."""


@dataclass(frozen=True, slots=True)
class Trail:
    """The organization trail whose digests are asked for.

    Attributes:
        arn: its ARN.
        name: its name.
        home: its home region.
        organization: the id of the organization.
        place: where it writes now.

    """

    arn: str
    name: str
    home: str
    organization: str
    place: Place

    @classmethod
    def of(cls, arn: str, bucket: str, organization: str, prefix: str = "") -> Trail:
        """Make one from what a user gives.

        Args:
            arn: the trail's ARN.
            bucket: the bucket it writes to.
            organization: the organization's id.
            prefix: the trail's key prefix, if it has one; with or without `AWSLogs/o-id/`.

        Raises:
            OrgtrailError: the ARN is not that of a trail.

        """
        match = _ARN.fullmatch(arn)
        if not match:
            raise OrgtrailError(
                "--trail-arn: must be like "
                f"arn:aws:cloudtrail:us-east-1:111111111111:trail/organization; got {arn!r}"
            )
        folder = f"AWSLogs/{organization}"
        above = prefix.strip("/").removesuffix(folder).strip("/")
        place = Place(bucket, f"{above}/{folder}/".lstrip("/"))
        return cls(arn, match[3], match[1], organization, place)

    def digest_end(self, chain: ChainId, key: str) -> DigestName | None:
        """Return what the name of a digest says, or None where the key is not one of this trail."""
        stem = self._stem(chain)
        name = key.rpartition("/")[2]
        if not name.startswith(stem):
            return None
        match = _END.fullmatch(name, len(stem))
        end = _time(match.groups()[:6]) if match else None
        return DigestName(end, bool(match and match[7])) if end else None

    def digest_at(self, chain: ChainId, end: datetime) -> str:
        """Return what keys of a chain's digests that end at a time begin with."""
        return f"{self.place.digests(chain, end.date())}{self._stem(chain)}{end:%Y%m%dT%H%M%SZ}"

    def _stem(self, chain: ChainId) -> str:
        return f"{chain.account}_{DIGESTS}_{chain.region}_{self.name}_{self.home}_"


@dataclass(frozen=True, slots=True)
class DigestName:
    """What the name of a digest says: when it ends, and whether it was delivered afterwards."""

    end: datetime
    backfill: bool


def log_time(key: str, chain: ChainId | None = None) -> datetime | None:
    """Return the minute in the name of a log file, or None where the name is none.

    Args:
        key: its key.
        chain: the chain whose folder it lies in; the name of another's file is none.

    """
    match = _LOG.search(key)
    if not match or (chain and match.groups()[:2] != (chain.account, chain.region)):
        return None
    return _time(match.groups()[2:])


def years_below(names: Iterable[str], now: datetime) -> tuple[list[str], list[str]]:
    """Part the folders below a region's into years, and what is none or lies ahead."""
    return _parted(names, re.compile(r"\d{4}", re.ASCII), 1000, (now + _AHEAD).year)


def months_below(names: Iterable[str], year: int, now: datetime) -> tuple[list[str], list[str]]:
    """Part the folders below a year's into months, and what is none or lies ahead."""
    last = now + _AHEAD
    return _parted(names, _TWO_DIGITS, 1, last.month if year == last.year else 12)


def days_below(
    names: Iterable[str], year: int, month: int, now: datetime
) -> tuple[list[str], list[str]]:
    """Part the folders below a month's into days, and what is none or lies ahead."""
    last = now + _AHEAD
    most = last.day if (year, month) == (last.year, last.month) else monthrange(year, month)[1]
    return _parted(names, _TWO_DIGITS, 1, most)


_AHEAD = timedelta(days=1)
"""How far a folder may be ahead of this machine's clock."""
_TWO_DIGITS = re.compile(r"\d\d", re.ASCII)


def _parted(
    names: Iterable[str], form: re.Pattern[str], least: int, most: int
) -> tuple[list[str], list[str]]:
    good: list[str] = []
    odd: list[str] = []
    for each in names:
        is_good = form.fullmatch(each) and least <= int(each) <= most
        (good if is_good else odd).append(each)
    return good, odd


def place_of(bucket: str, key: str, chain: ChainId) -> Place | None:
    """Return where the trail wrote, from the key of one of its digests."""
    root, mark, _ = key.partition(f"{chain.account}/{DIGESTS}/{chain.region}/")
    return Place(bucket, root) if mark else None


def is_account(name: str) -> bool:
    """Tell whether a folder is an account's."""
    return bool(_ACCOUNT.fullmatch(name))


def is_region(name: str) -> bool:
    """Tell whether a folder is a region's."""
    return bool(_REGION.fullmatch(name))


def _time(parts: tuple[str, ...]) -> datetime | None:
    try:
        return datetime(*map(int, parts), tzinfo=UTC)  # type: ignore[arg-type,misc]
    except ValueError:
        return None
