"""How much an audit trail writes: events, files and bytes of a day."""

from __future__ import annotations

import math
from dataclasses import dataclass

from orgtrail.regions import partition_of
from orgtrail.settings.environment import Environment

BYTES_PER_EVENT = 261
"""Bytes of an event in a log file, compressed: 159 MB for 609,540 events, measured on real logs."""
RAW_BYTES_PER_EVENT = 1_454
"""The same as JSON, as CloudWatch Logs takes it: 886 MB for 609,540."""
EVENTS_PER_FILE = 5
"""The least that files of a quiet account hold: the median of the same logs."""
DELIVERIES = 288
"""Files of a day for an account and region that is busy: one every five minutes.
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html"""
BUSY_REGIONS = 2
"""Regions of an account in which most happens: its own, and that of the global services."""
DIGEST_BYTES = 1_000
LARGE = 128 * 1024
"""Bytes from which the archive's lifecycle moves a file; smaller ones stay in S3 Standard."""


@dataclass(frozen=True, slots=True)
class Volume:
    """What a day brings.

    Args:
        events: events.
        data_events: those of them that are data events, which CloudTrail asks a price for.
        bytes: bytes of log files, compressed.
        files: log files.
        digests: digest files.
        measured: whether bytes and files were counted, and not estimated.
        large_share: the part of the bytes that lies in files of 128 KB and more.

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
        """Bytes of one of 128 KB and more: by the distribution, as much above that as the mean."""
        return self.mean_file + LARGE


def estimated(env: Environment, events: float, data_events: float = 0) -> Volume:
    """Estimate a day from its events.

    Sizes of files are taken to fall off exponentially around their mean, which gives the part of
    the bytes in large files as (1 + t/m) e^(-t/m).
    """
    places = len(env.account_ids) * BUSY_REGIONS
    files = min(events / EVENTS_PER_FILE, places * DELIVERIES)
    size = events * BYTES_PER_EVENT
    ratio = LARGE * files / size if size else math.inf
    share = (1 + ratio) * math.exp(-ratio) if ratio < math.inf else 0.0
    return Volume(events, data_events, size, files, digests(env), measured=False, large_share=share)


def digests(env: Environment) -> float:
    """Return the digest files of a day: one each hour for each account and region."""
    if not env.trail.log_file_validation:
        return 0.0
    known = len(set(env.catalog.regions or ())) or partition_of(env.home_region).regions
    return float(len(env.account_ids) * known * 24)
