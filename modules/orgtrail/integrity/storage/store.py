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
        kind: the kind of finding, one of those of `findings.KINDS` that leave an object unread.
        reason: what was answered.
        step: what to do, where the kind's own advice does not fit; empty where it does.

    """

    def __init__(self, kind: str, reason: str, step: str = "") -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason
        self.step = step


@dataclass(frozen=True, slots=True)
class Listed:
    """An object as a listing names it; `etag` and `modified` change when it is written again."""

    key: str
    size: int
    etag: str
    modified: str


@dataclass(frozen=True, slots=True)
class Level:
    """What lies right below a prefix: names of folders, and objects.

    An object whose key is the prefix itself is one of the objects.
    """

    folders: tuple[str, ...]
    objects: tuple[Listed, ...]


@dataclass(frozen=True, slots=True)
class Version:
    """A version of an object; `deleted` for a delete marker."""

    id: str
    latest: bool
    deleted: bool


@dataclass(frozen=True, slots=True)
class Metadata:
    """What S3 keeps with a digest; None for what is absent, `lost` where the copy kept none.

    `etag` is that of the object as it was read; empty where it is not told.
    """

    signature: str | None
    algorithm: str | None
    lost: bool = False
    etag: str = ""


Listing = AsyncGenerator[Listed, None]


class Store(Protocol):
    """A bucket or a copy of one. Every method that reads may raise UnreadableError."""

    @property
    def merges_buckets(self) -> bool:
        """Whether files of several buckets may lie in one place, with nothing that tells them."""

    def bucket_of(self, bucket: str) -> str:
        """Return the name under which a bucket is listed here."""

    def objects(self, bucket: str, prefix: str, after: str = "") -> Listing:
        """List objects in the order of their keys, those after a key."""

    async def level(self, bucket: str, prefix: str) -> Level:
        """Return what lies right below a prefix."""

    async def hidden_folders(self, bucket: str, prefix: str) -> frozenset[str]:
        """Return the folders below a prefix that hold any version, also if it was deleted."""

    async def fetch(
        self,
        bucket: str,
        key: str,
        most: int,
        *,
        keep: bool = False,
        json: bool = False,
        version: str = "",
    ) -> tuple[Unpacker, Metadata]:
        """Read an object, all of it.

        Args:
            bucket: the bucket.
            key: the key.
            most: bytes it may hold once unpacked.
            keep: whether the body is wanted.
            json: whether to refuse at once what is no JSON object.
            version: a version of it; the newest by default.

        Raises:
            MissingError: it is not there.
            FlawedError: it is no gzip, or holds more than it may.

        """

    async def versions(self, bucket: str, key: str) -> list[Version]:
        """Return the versions of an object, the newest first; none where they are not kept."""
