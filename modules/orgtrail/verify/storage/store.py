"""The interface of stores, what they return, and the unpacking of gzip."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class ObjectMissingError(Exception):
    """There is no such object."""


class ObjectUnreadableError(Exception):
    """The object could not be read, but may exist.

    Attributes:
        kind: a kind of `findings.KINDS` with the effect `UNREAD` (or `unlisted`).
        reason: why, in the words of the store.
        step: what to do, in place of the kind's advice; empty for the kind's advice.

    """

    def __init__(self, kind: str, reason: str, step: str = "") -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason
        self.step = step


@dataclass(frozen=True, slots=True)
class ListedObject:
    """An object in a listing; `etag` or `modified` changes whenever the object is written."""

    key: str
    size: int
    etag: str
    modified: str


@dataclass(frozen=True, slots=True)
class FolderListing:
    """Names of the folders, and the objects, directly below a prefix.

    The objects include one with the prefix itself as its key.
    """

    folders: tuple[str, ...]
    objects: tuple[ListedObject, ...]


@dataclass(frozen=True, slots=True)
class ObjectVersion:
    """A version of an object, or a delete marker (`deleted`)."""

    id: str
    latest: bool
    deleted: bool


@dataclass(frozen=True, slots=True)
class DigestMetadata:
    """The S3 metadata of a digest.

    Attributes:
        signature: the signature, in hexadecimal; None if there is none.
        algorithm: the signature algorithm; None if there is none.
        lost: whether the store is a copy without metadata.
        etag: the ETag of the object as it was read; empty if unknown.

    """

    signature: str | None
    algorithm: str | None
    lost: bool = False
    etag: str = ""


_STEP = 1 << 20
"""Bytes that are unpacked at a time, so that a zip bomb does not fill the memory."""
_JSON = b"{"
"""The first byte of an uncompressed file of CloudTrail."""
_SPACE = b" \t\r\n"
"""White space that JSON allows before it."""


class GzipFlaw(StrEnum):
    """What can be wrong with a gzip stream."""

    MALFORMED = "malformed"
    TRUNCATED = "truncated"
    TRAILING = "trailing-data"
    TOO_LARGE = "too-large"


class GzipError(Exception):
    """The bytes are not exactly one gzip stream.

    Attributes:
        flaw: what is wrong.

    """

    def __init__(self, flaw: GzipFlaw) -> None:
        super().__init__(flaw.value)
        self.flaw = flaw


class Unpacker:
    """Unpacks one gzip stream as it arrives, and hashes its content.

    The stream has to end with the last byte of its trailer.

    Args:
        max_bytes: size limit of the content.
        keep: whether to keep the content.
        json: whether to reject content that is not a JSON object right away.
        plain: whether to accept JSON that is not compressed.

    Attributes:
        seen: whether any bytes arrived.
        packed: number of bytes that arrived.
        was_plain: whether the content arrived uncompressed.
        body: the content, if it is kept.

    """

    def __init__(
        self, max_bytes: int, *, keep: bool = False, json: bool = False, plain: bool = False
    ) -> None:
        self._stream = zlib.decompressobj(wbits=31)
        self._hash = hashlib.sha256()
        self._left = max_bytes
        self._keep = keep
        self._must_be_json = json
        self._may_be_plain = plain
        self.body = bytearray()
        self.seen = False
        self.packed = 0
        self.was_plain = False

    def feed(self, data: bytes) -> None:
        """Add the next bytes.

        Raises:
            GzipError: they are not part of one gzip stream, or have too much content.

        """
        self.packed += len(data)
        if not self.seen and data:
            self.seen = True
            self.was_plain = self._may_be_plain and data.startswith(_JSON)
        if self.was_plain:
            self._take(data)
            return
        if data and self._stream.eof:
            raise GzipError(GzipFlaw.TRAILING)
        while not self._stream.eof:
            try:
                part = self._stream.decompress(data, _STEP)
            except zlib.error:
                raise GzipError(GzipFlaw.MALFORMED) from None
            self._take(part)
            data = self._stream.unconsumed_tail
            if not data and len(part) < _STEP:
                break
        if self._stream.unused_data:
            raise GzipError(GzipFlaw.TRAILING)

    def _take(self, part: bytes) -> None:
        self._left -= len(part)
        if self._left < 0:
            self.body.clear()
            raise GzipError(GzipFlaw.TOO_LARGE)
        self._hash.update(part)
        if part and self._must_be_json:
            self._must_be_json = False
            if not part.lstrip(_SPACE).startswith(_JSON):
                raise GzipError(GzipFlaw.MALFORMED)
        if self._keep:
            self.body += part

    def finish(self) -> str:
        """Return the SHA-256 of the content, in hexadecimal.

        Raises:
            GzipError: the stream is incomplete, or not gzip.

        """
        if not self.was_plain and not self._stream.eof:
            raise GzipError(GzipFlaw.TRUNCATED if self.seen else GzipFlaw.MALFORMED)
        return self._hash.hexdigest()


Listing = AsyncGenerator[ListedObject, None]


class Store(Protocol):
    """Buckets, or a copy of them. Every method that reads may raise `ObjectUnreadableError`."""

    @property
    def merges_buckets(self) -> bool:
        """Whether files of several buckets may be in one folder, so that the bucket is unknown."""

    def listed_bucket(self, bucket: str) -> str:
        """Return the name under which the store lists a bucket."""

    def list_objects(self, bucket: str, prefix: str, after: str = "") -> Listing:
        """List the objects below a prefix, in the order of their keys, starting after a key."""

    async def list_folder(self, bucket: str, prefix: str) -> FolderListing:
        """List the folders and objects directly below a prefix."""

    async def version_folders(self, bucket: str, prefix: str) -> frozenset[str]:
        """Return the folders below a prefix that have any version, including deleted ones."""

    async def fetch(
        self,
        bucket: str,
        key: str,
        max_bytes: int,
        *,
        keep: bool = False,
        json: bool = False,
        version: str = "",
    ) -> tuple[Unpacker, DigestMetadata]:
        """Read a complete object.

        Args:
            bucket: the bucket.
            key: the key.
            max_bytes: size limit of the uncompressed content.
            keep: whether to keep the content.
            json: whether to reject content that is not a JSON object right away.
            version: the version ID; empty for the newest.

        Raises:
            ObjectMissingError: there is no such object.
            GzipError: it is not gzip, or has too much content.

        """

    async def list_versions(self, bucket: str, key: str) -> list[ObjectVersion]:
        """Return the versions of an object, newest first; none without versioning."""
