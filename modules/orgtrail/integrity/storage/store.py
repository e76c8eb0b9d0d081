"""What verification asks of where the files lie: a bucket, or a folder that is a copy of one."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Protocol

from orgtrail.integrity.unpacking import Unpacker


class MissingError(Exception):
    """There is no such object (any more)."""


class UnreadableError(Exception):
    """The object may be there; it could not be read.

    Attributes:
        kind: the kind of finding: `denied`, `archived`, `throttled` or `unreachable`.
        reason: what was answered.

    """

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Listed:
    """An object as a listing names it; `etag` and `modified` change when it is written again."""

    key: str
    size: int
    etag: str
    modified: str


@dataclass(frozen=True, slots=True)
class Version:
    """A version of an object; `deleted` for a delete marker."""

    id: str
    latest: bool
    deleted: bool


@dataclass(frozen=True, slots=True)
class Metadata:
    """What S3 keeps with a digest; None for what is absent, `lost` where the copy kept none."""

    signature: str | None
    algorithm: str | None
    lost: bool = False


Listing = AsyncGenerator[Listed, None]


class Store(Protocol):
    """A bucket or a copy of one. Every method may raise UnreadableError."""

    def objects(self, bucket: str, prefix: str, after: str = "") -> Listing:
        """List objects in the order of their keys, those after a key."""

    async def folders(self, bucket: str, prefix: str) -> list[str]:
        """Return the names of the folders right below a prefix."""

    async def fetch(
        self, bucket: str, key: str, most: int, *, keep: bool = False, version: str = ""
    ) -> tuple[Unpacker, Metadata]:
        """Read an object, all of it.

        Args:
            bucket: the bucket.
            key: the key.
            most: bytes it may hold once unpacked.
            keep: whether the body is wanted.
            version: a version of it; the newest by default.

        Raises:
            MissingError: it is not there.
            FlawedError: it is no gzip, or holds more than it may.

        """

    async def versions(self, bucket: str, key: str) -> list[Version]:
        """Return the versions of an object, the newest first; none where they are not kept."""
