"""What an audit trail writes per day, and what it stores and costs, month by month."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from orgtrail.alarms import SILENCE
from orgtrail.logs.bounds import EARLIER, LATER
from orgtrail.prices import Prices
from orgtrail.regions import partition_of
from orgtrail.settings.environment import Environment

BYTES_PER_EVENT = 261
"""Bytes of an event in a log file, compressed: 159 MB for 609,540 events, measured on real logs."""
RAW_BYTES_PER_EVENT = 1_454
"""Bytes of an event as JSON, which CloudWatch Logs ingests: 886 MB for the same events."""
EVENTS_PER_FILE = 5
"""The fewest events in a file of a quiet account: the median of the same logs."""
DELIVERIES = 288
"""Files per day of a busy account and region: one every five minutes.
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html"""
BUSY_REGIONS = 2
"""Busy regions of an account: its own, and that of the global services."""
DIGEST_BYTES = 1_000
LARGE = 128 * 1024
"""Bytes from which the archive's lifecycle moves a file; smaller ones stay in S3 Standard."""


@dataclass(frozen=True, slots=True)
class Volume:
    """The volume of a day.

    Args:
        events: events.
        data_events: those of them that are data events, which CloudTrail charges for.
        bytes: bytes of log files, compressed.
        files: log files.
        digests: digest files.
        measured: whether bytes and files were counted rather than estimated.
        large_share: the share of the bytes in files of 128 KB or more.

    """

    events: float
    data_events: float
    bytes: float
    files: float
    digests: float
    measured: bool
    large_share: float

    @property
    def mean_file(self) -> float:
        """Bytes of a log file on average."""
        return self.bytes / self.files if self.files else 0.0

    @property
    def mean_large_file(self) -> float:
        """Mean bytes of a file of 128 KB or more: by the distribution, 128 KB plus the mean."""
        return self.mean_file + LARGE


def estimate_volume(env: Environment, events: float, data_events: float = 0) -> Volume:
    """Estimate the volume of a day from its events.

    File sizes are assumed to be distributed exponentially. With a mean of m, the share of the bytes
    in files larger than t is (1 + t/m) e^(-t/m).
    """
    places = len(env.account_ids) * BUSY_REGIONS
    files = min(events / EVENTS_PER_FILE, places * DELIVERIES)
    size = events * BYTES_PER_EVENT
    ratio = LARGE * files / size if size else math.inf
    share = (1 + ratio) * math.exp(-ratio) if ratio < math.inf else 0.0
    return Volume(
        events, data_events, size, files, digests_per_day(env), measured=False, large_share=share
    )


def digests_per_day(env: Environment) -> float:
    """Return the number of digest files per day: one per hour, account and region."""
    if not env.trail.log_file_validation:
        return 0.0
    known = len(set(env.catalog.regions or ())) or partition_of(env.home_region).regions
    return float(len(env.account_ids) * known * 24)


MONTH = 30.4375
"""Days of a month on average."""
_AROUND_DAYS = (EARLIER + LATER).days
"""Days around a question's time range whose folders it reads too."""
FOREVER = 84
"""Months that are estimated if files are kept for ever."""
_GB = 1e9
_WRITES = 0.1
"""The share of management events that are writes; only these count for the call rate.
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/insights-events-costs.html"""
_OVERHEAD_STANDARD, _OVERHEAD_GLACIER = 8 * 1024, 32 * 1024
"""Bytes that S3 adds to each archived object, by the class in which they are billed.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html"""


@dataclass(frozen=True, slots=True)
class Stored:
    """GB by storage class at one time."""

    standard: float
    glacier: float
    deep_archive: float

    @property
    def total(self) -> float:
        """GB of all classes."""
        return self.standard + self.glacier + self.deep_archive


@dataclass(frozen=True, slots=True)
class Month:
    """One month: what is stored at its end, and what each part of it costs."""

    number: int
    stored: Stored
    parts: dict[str, float]

    @property
    def total(self) -> float:
        """The month's price."""
        return sum(self.parts.values())


@dataclass(frozen=True, slots=True)
class CostEstimate:
    """The estimate, for each month of the retention.

    Args:
        volume: the volume of a day.
        growth: its growth per year, such as 0.2.
        prices: the prices.
        kept_days: days that a file is kept, old versions included; None for ever.
        months: the months, the first one first.

    """

    volume: Volume
    growth: float
    prices: Prices
    kept_days: int | None
    months: tuple[Month, ...]

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values: amounts in the currency of the prices, sizes in GB."""
        volume = self.volume
        return {
            "currency": self.prices.currency,
            "prices": {"as_of": self.prices.as_of, "region": self.prices.region,
                       "sources": self.prices.sources},
            "day": {
                "events": round(volume.events),
                "data_events": round(volume.data_events),
                "bytes": round(volume.bytes),
                "files": round(volume.files),
                "digests": round(volume.digests),
                "measured": volume.measured,
                "share_in_large_files": round(volume.large_share, 4),
            },
            "growth_per_year": self.growth,
            "kept_days": self.kept_days,
            "months": [
                {
                    "month": each.number,
                    "standard_gb": round(each.stored.standard, 3),
                    "glacier_gb": round(each.stored.glacier, 3),
                    "deep_archive_gb": round(each.stored.deep_archive, 3),
                    "cost": {name: round(part, 2) for name, part in each.parts.items()},
                    "total": round(each.total, 2),
                }
                for each in self.months
            ],
            "total": round(sum(each.total for each in self.months), 2),
            "athena_one_month": round(
                self.prices.scan(volume.bytes * (MONTH + _AROUND_DAYS)), 2
            ),
        }  # fmt: skip


def estimate_cost(
    env: Environment, volume: Volume, prices: Prices, growth: float = 0.0
) -> CostEstimate:
    """Return what an environment stores and costs, from its first day on.

    Args:
        env: the settings.
        volume: the volume of a day at the start.
        prices: the prices.
        growth: its growth per year.

    """
    archive = env.archive
    kept = None
    if archive.expire_after_days is not None:
        kept = archive.expire_after_days + archive.noncurrent_expire_after_days
    count = FOREVER if kept is None else max(1, round(kept / MONTH))
    fixed = _fixed(env, prices)
    months = []
    for number in range(1, count + 1):
        stored = _stored(env, volume, growth, number, kept)
        parts = _parts(env, volume, prices, growth, number)
        store = {
            "S3 Standard": stored.standard * prices.s3_standard_gb_month,
            "S3 Glacier Flexible Retrieval": stored.glacier * prices.s3_glacier_gb_month,
            "S3 Glacier Deep Archive": stored.deep_archive * prices.s3_deep_archive_gb_month,
        }
        months.append(Month(number, stored, {**store, **parts, **fixed}))
    return CostEstimate(volume, growth, prices, kept, tuple(months))


def _stored(
    env: Environment, volume: Volume, growth: float, month: int, kept: int | None
) -> Stored:
    """Sum up what is stored at the end of a month, by the age of each month's files."""
    archive = env.archive
    standard = glacier = deep = 0.0
    for age in range(month):
        days = age * MONTH
        if kept is not None and days >= kept:
            continue
        brought = _brought(volume, growth, month - age)
        large = brought * volume.large_share
        digests = volume.digests * MONTH * DIGEST_BYTES
        standard += brought - large + digests
        moved = archive.glacier_after_days is not None and days >= archive.glacier_after_days
        deeper = (
            archive.deep_archive_after_days is not None and days >= archive.deep_archive_after_days
        )
        if not (moved or deeper):
            standard += large
            continue
        objects = large / volume.mean_large_file
        standard += objects * _OVERHEAD_STANDARD
        archived = large + objects * _OVERHEAD_GLACIER
        glacier, deep = (glacier, deep + archived) if deeper else (glacier + archived, deep)
    return Stored(standard / _GB, glacier / _GB, deep / _GB)


def _parts(
    env: Environment, volume: Volume, prices: Prices, growth: float, month: int
) -> dict[str, float]:
    """Return what a month's events cost, besides their storage."""
    factor = _growth_factor(growth, month)
    events = volume.events * MONTH * factor
    data = volume.data_events * MONTH * factor
    files = volume.files * MONTH * factor + volume.digests * MONTH
    moves = 0.0
    for after, price in (
        (env.archive.glacier_after_days, prices.s3_to_glacier_per_1000),
        (env.archive.deep_archive_after_days, prices.s3_to_deep_archive_per_1000),
    ):
        if after is not None:
            moves += _moved(volume, growth, month, after) / 1000 * price
    found = {
        "S3 requests": files / 1000 * prices.s3_put_per_1000 + moves,
        "CloudTrail data events": data / 100_000 * prices.cloudtrail_data_events_per_100000,
    }
    if env.trail.insights:
        shares = [1.0 if each == "ApiErrorRateInsight" else _WRITES for each in env.trail.insights]
        looked_at = sum(shares) * (events - data)
        found["CloudTrail Insights"] = looked_at / 1e5 * prices.cloudtrail_insights_per_100000
    if env.delivery.enabled:
        found["CloudWatch Logs"] = _streamed(env, volume, prices, growth, month)
    return found


def _moved(volume: Volume, growth: float, month: int, after: int) -> float:
    """Return how many files move to another class in a month: those of the month that comes of age.

    `after` is the age in days. A month's files are counted as of their youngest, as in `_stored`.
    """
    written = month - math.ceil(after / MONTH)
    if written < 1 or not volume.bytes:
        return 0.0
    return _brought(volume, growth, written) * volume.large_share / volume.mean_large_file


def _brought(volume: Volume, growth: float, month: int) -> float:
    """Return the bytes of a month's log files; months count from 1."""
    return volume.bytes * MONTH * _growth_factor(growth, month)


def _growth_factor(growth: float, month: int) -> float:
    return float((1 + growth) ** ((month - 1) / 12))


def _streamed(env: Environment, volume: Volume, prices: Prices, growth: float, month: int) -> float:
    raw = volume.events * MONTH * _growth_factor(growth, month) * RAW_BYTES_PER_EVENT / _GB
    kept = min(month, env.delivery.retention_days / MONTH)
    stored = sum(  # billed as compressed
        _brought(volume, growth, month - age) * min(1.0, kept - age) / _GB
        for age in range(math.ceil(kept))
    )
    return (
        raw * prices.cloudwatch_logs_ingested_gb + stored * prices.cloudwatch_logs_stored_gb_month
    )


def _fixed(env: Environment, prices: Prices) -> dict[str, float]:
    """Return the monthly costs that do not depend on events."""
    keys = bool(env.alarms) + bool(env.siem) + bool(env.findings_bucket) + bool(env.created_topic)
    keys += not env.adopt.referenced_key
    found = {"KMS keys": keys * prices.kms_key_month}
    if settings := env.alarms:
        watched = sum(each.name != SILENCE for each in settings.chosen)
        # An alarm by account evaluates one metric per account.
        metrics = watched * (settings.totals + settings.by_account * len(env.account_ids))
        metrics += len(settings.chosen) - watched
        found["CloudWatch alarms"] = metrics * prices.cloudwatch_alarm_metric_month
    return found


def year_ends(months: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the last of an estimate's months in each year, and the very last."""
    return [each for each in months if each["month"] % 12 == 0 or each is months[-1]]
