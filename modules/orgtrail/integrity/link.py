"""What the chain needs to know of a digest: its period, its hash, and the one before it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orgtrail.integrity.digest import Previous
from orgtrail.integrity.judging import Fault, ReadDigest


@dataclass(frozen=True, slots=True)
class Link:
    """One digest in its chain.

    Attributes:
        bucket: where it lies.
        key: its key.
        named_end: the end of its period as its name says.
        backfill: whether it was delivered afterwards, beside the chain.
        fault: what is wrong with it; None for a valid one.
        start: the begin of its period; None where it was not read.
        end: the end of its period.
        value: the SHA-256 of it unpacked.
        signature: its signature, in hexadecimal.
        previous: the digest before; None for the first of a chain.
        files: number of log files it names.

    """

    bucket: str
    key: str
    named_end: datetime
    backfill: bool
    fault: Fault | None
    start: datetime | None = None
    end: datetime | None = None
    value: str = ""
    signature: str = ""
    previous: Previous | None = None
    files: int = 0

    @property
    def is_valid(self) -> bool:
        """Whether it can be relied on."""
        return self.fault is None

    @property
    def period(self) -> tuple[datetime, datetime]:
        """The time that it vouches for, if it is valid.

        The first digest of a chain is of the hour before logging began, and says nothing of what
        was delivered then: its period is empty.
        https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html
        """
        end = self.end or self.named_end
        if self.previous is None or self.start is None:
            return end, end
        return self.start, end


def link(bucket: str, key: str, end: datetime, read: ReadDigest, *, backfill: bool) -> Link:
    """Keep what the chain needs: what CloudTrail signed, and nothing that a faulty digest says."""
    digest = read.digest
    if digest is None:
        return Link(bucket, key, end, backfill, read.fault)
    # A copy does not always tell the bucket; what CloudTrail signed does.
    return Link(
        digest.bucket, key, end, backfill, read.fault, digest.start, digest.end, read.value,
        read.signature, digest.previous, len(digest.logs),
    )  # fmt: skip


def link_fields(link: Link) -> list[object]:
    """Return a valid link in what JSON can hold."""
    before = link.previous
    times = (link.named_end, link.start, link.end)
    previous = before and (
        before.bucket, before.key, before.value, before.algorithm, before.signature
    )  # fmt: skip
    return [
        link.bucket, link.key, link.backfill, link.value, link.signature, link.files,
        *(each and each.isoformat() for each in times), previous,
    ]  # fmt: skip


def link_of(fields: list[Any]) -> Link:
    """Make it from that again."""
    bucket, key, backfill, value, signature, files, *times, before = fields
    named_end, start, end = map(datetime.fromisoformat, times)
    previous = Previous(*before) if before else None
    return Link(
        bucket, key, named_end, backfill, None, start, end, value, signature, previous, files
    )
