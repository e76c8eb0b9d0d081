"""Keys of digests and log files in the bucket, and how to parse them.

CloudTrail documents the layout at
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
DIGEST_FOLDER = "CloudTrail-Digest"
"""Folder of digests below each account's prefix."""
LOG_FOLDER = "CloudTrail"
"""Folder of log files below each account's prefix."""
_ARN = re.compile(ARN + r"cloudtrail:([a-z0-9-]+):(\d{12}):trail/([\w.-]+)", re.ASCII)
_ACCOUNT = re.compile(r"\d{12}", re.ASCII)
_REGION = re.compile(r"[a-z]{2,4}(-[a-z]+)+-\d+", re.ASCII)
_DAY = r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)"
_END = re.compile(_DAY + r"(\d\d)Z(_backfill)?\.json\.gz", re.ASCII)
_LOG = re.compile(rf"/(\d{{12}})_CloudTrail_([a-z0-9-]+)_{_DAY}Z_[^/]+\.json\.gz$", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A bucket and prefix that an organization trail writes to.

    Attributes:
        bucket: the bucket.
        root: the key prefix above the accounts, `[prefix/]AWSLogs/o-id/`.

    """

    bucket: str
    root: str

    def digests(self, chain: ChainId, day: date | None = None) -> str:
        """Return the key prefix of a chain's digests, of all days or of one."""
        return self._folder(chain, DIGEST_FOLDER, day)

    def logs(self, chain: ChainId, day: date | None = None) -> str:
        """Return the key prefix of a chain's log files, of all days or of one."""
        return self._folder(chain, LOG_FOLDER, day)

    def _folder(self, chain: ChainId, kind: str, day: date | None) -> str:
        folder = f"{self.root}{chain.account}/{kind}/{chain.region}/"
        return f"{folder}{day:%Y/%m/%d}/" if day else folder


@dataclass(frozen=True, slots=True, order=True)
class ChainId:
    """The account and region of a digest chain."""

    account: str
    region: str

    def __str__(self) -> str:
        """Return the account and region, as messages show them."""
        return f"{self.account} {self.region}"


ALL_CHAINS = ChainId("", "")
"""Every chain, for findings that are not about a single one."""


@dataclass(frozen=True, slots=True)
class VerifiedTrail:
    """The organization trail to verify.

    Attributes:
        arn: its ARN.
        name: its name.
        home: its home region.
        organization: the organization ID.
        location: where it writes today.

    """

    arn: str
    name: str
    home: str
    organization: str
    location: Location

    @classmethod
    def of(cls, arn: str, bucket: str, organization: str, prefix: str = "") -> VerifiedTrail:
        """Create the trail from user input.

        Args:
            arn: the trail's ARN.
            bucket: the bucket it writes to.
            organization: the organization ID.
            prefix: the trail's key prefix, with or without `AWSLogs/o-id/`; empty for none.

        Raises:
            OrgtrailError: the ARN is not a trail's.

        """
        match = _ARN.fullmatch(arn)
        if not match:
            raise OrgtrailError(
                "--trail-arn: must be like "
                f"arn:aws:cloudtrail:us-east-1:111111111111:trail/organization; got {arn!r}"
            )
        folder = f"AWSLogs/{organization}"
        above = prefix.strip("/").removesuffix(folder).strip("/")
        location = Location(bucket, f"{above}/{folder}/".lstrip("/"))
        return cls(arn, match[3], match[1], organization, location)

    def digest_name(self, chain: ChainId, key: str) -> DigestName | None:
        """Parse the key of a digest; None if it is not a digest of this trail and chain."""
        stem = self._stem(chain)
        name = key.rpartition("/")[2]
        if not name.startswith(stem):
            return None
        match = _END.fullmatch(name, len(stem))
        end = _time(match.groups()[:6]) if match else None
        return DigestName(end, bool(match and match[7])) if end else None

    def digest_prefix(self, chain: ChainId, end: datetime) -> str:
        """Return the key prefix of a chain's digests that end at a time."""
        return f"{self.location.digests(chain, end.date())}{self._stem(chain)}{end:%Y%m%dT%H%M%SZ}"

    def _stem(self, chain: ChainId) -> str:
        return f"{chain.account}_{DIGEST_FOLDER}_{chain.region}_{self.name}_{self.home}_"


@dataclass(frozen=True, slots=True)
class DigestName:
    """What the name of a digest contains: the end of its period, and whether it is a backfill."""

    end: datetime
    backfill: bool


def log_time(key: str, chain: ChainId | None = None) -> datetime | None:
    """Return the minute in the name of a log file; None if it is not a log file's name.

    Args:
        key: the object's key.
        chain: the chain whose folder the object is in; names of other chains give None.

    """
    match = _LOG.search(key)
    if not match or (chain and match.groups()[:2] != (chain.account, chain.region)):
        return None
    return _time(match.groups()[2:])


def split_years(names: Iterable[str], now: datetime) -> tuple[list[str], list[str]]:
    """Split the folders below a region into years, and names that are invalid or in the future."""
    return _split(names, re.compile(r"\d{4}", re.ASCII), 1000, (now + _AHEAD).year)


def split_months(names: Iterable[str], year: int, now: datetime) -> tuple[list[str], list[str]]:
    """Split the folders below a year into months, and names that are invalid or in the future."""
    last = now + _AHEAD
    return _split(names, _TWO_DIGITS, 1, last.month if year == last.year else 12)


def split_days(
    names: Iterable[str], year: int, month: int, now: datetime
) -> tuple[list[str], list[str]]:
    """Split the folders below a month into days, and names that are invalid or in the future."""
    last = now + _AHEAD
    highest = last.day if (year, month) == (last.year, last.month) else monthrange(year, month)[1]
    return _split(names, _TWO_DIGITS, 1, highest)


_AHEAD = timedelta(days=1)
"""How far a folder may be ahead of the local clock."""
_TWO_DIGITS = re.compile(r"\d\d", re.ASCII)


def _split(
    names: Iterable[str], form: re.Pattern[str], lowest: int, highest: int
) -> tuple[list[str], list[str]]:
    good: list[str] = []
    invalid: list[str] = []
    for each in names:
        is_valid = form.fullmatch(each) and lowest <= int(each) <= highest
        (good if is_valid else invalid).append(each)
    return good, invalid


def location_of_digest(bucket: str, key: str, chain: ChainId) -> Location | None:
    """Return where the trail wrote a digest, from its key; None if the key is not valid."""
    root, mark, _ = key.partition(f"{chain.account}/{DIGEST_FOLDER}/{chain.region}/")
    return Location(bucket, root) if mark else None


def is_account(name: str) -> bool:
    """Return whether a folder name is an account ID."""
    return bool(_ACCOUNT.fullmatch(name))


def is_region(name: str) -> bool:
    """Return whether a folder name is a region."""
    return bool(_REGION.fullmatch(name))


def _time(parts: tuple[str, ...]) -> datetime | None:
    try:
        return datetime(*map(int, parts), tzinfo=UTC)  # type: ignore[arg-type,misc]
    except ValueError:
        return None
