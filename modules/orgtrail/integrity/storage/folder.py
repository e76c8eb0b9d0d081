"""A folder that is a copy of the bucket, with the metadata of its digests in a file beside them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

from orgtrail.integrity.storage.store import (
    Listed,
    Listing,
    Metadata,
    MissingError,
    UnreadableError,
    Version,
)
from orgtrail.integrity.unpacking import Unpacker
from orgtrail.settings.faults import OrgtrailError

SIGNATURES = "digest-metadata.json"
"""The metadata that S3 would keep with each digest, by key."""
PUBLIC_KEYS = "public-keys.json"
"""Answers of ListPublicKeys by region."""

_PIECE = 1 << 20


class Folder:
    """A copy of one bucket.

    Args:
        root: the folder; below it each file lies at its key.

    Raises:
        OrgtrailError: it is no folder, or its metadata cannot be read.

    """

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise OrgtrailError(f"{root}: is no folder; --logs takes a copy of the archive bucket")
        self._root = root
        path = root / SIGNATURES
        try:
            self._kept = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            self._kept = {}
        except (OSError, ValueError) as error:
            raise OrgtrailError(f"{path}: cannot be read: {error}") from None
        if not isinstance(self._kept, dict):
            raise OrgtrailError(f"{path}: must be an object of keys; see docs/integrity.md")

    async def objects(self, bucket: str, prefix: str, after: str = "") -> Listing:
        """List files in the order of their keys, those after a key."""
        del bucket
        for each in self._walk(prefix, after):
            yield each

    async def folders(self, bucket: str, prefix: str) -> list[str]:
        """Return the names of the folders right below a prefix."""
        del bucket
        return [each.name for each in self._entries(prefix) if each.is_dir()]

    async def fetch(
        self, bucket: str, key: str, most: int, *, keep: bool = False, version: str = ""
    ) -> tuple[Unpacker, Metadata]:
        """Read a file, all of it."""
        del bucket, version
        unpacked = Unpacker(most, keep=keep)
        try:
            with (self._root / key).open("rb") as file:
                while piece := file.read(_PIECE):
                    unpacked.feed(piece)
        except FileNotFoundError:
            raise MissingError from None
        except OSError as error:
            raise UnreadableError("denied", error.strerror or str(error)) from None
        kept = self._kept.get(key)
        if not isinstance(kept, dict):
            return unpacked, Metadata(None, None, lost=True)
        return unpacked, Metadata(kept.get("signature"), kept.get("signature-algorithm"))

    async def versions(self, bucket: str, key: str) -> list[Version]:
        """A copy has none."""
        del bucket, key
        return []

    def _walk(self, prefix: str, after: str) -> Iterator[Listed]:
        for each in self._entries(prefix):
            key = f"{prefix}{each.name}"
            if each.is_dir():
                if f"{key}/" > after or after.startswith(f"{key}/"):
                    yield from self._walk(f"{key}/", after)
            elif key > after:
                stat = each.stat()
                yield Listed(key, stat.st_size, str(stat.st_ino), str(stat.st_mtime_ns))

    def _entries(self, prefix: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(self._root / prefix) as entries:
                return sorted(entries, key=lambda each: each.name)
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise UnreadableError("denied", error.strerror or str(error)) from None
