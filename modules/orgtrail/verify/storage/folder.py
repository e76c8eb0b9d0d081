"""A folder with a copy of one or several buckets, and the metadata of the digests.

Files are at their keys below the folder, or below a folder for each bucket. Files that were
decompressed when copied are accepted: CloudTrail signs the content.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from json import loads
from pathlib import Path
from typing import Any

from orgtrail.errors import OrgtrailError
from orgtrail.verify.storage.store import (
    DigestMetadata,
    FolderListing,
    ListedObject,
    Listing,
    ObjectMissingError,
    ObjectUnreadableError,
    ObjectVersion,
    Unpacker,
)

METADATA_FILE = "digest-metadata.json"
"""File with the S3 metadata of each digest, by key."""
PUBLIC_KEYS_FILE = "public-keys.json"
"""File with ListPublicKeys responses by region."""
_PIECE = 1 << 20
_MAX_DEPTH = 100
"""Levels of folders below a prefix."""
_PACKED, _UNPACKED = ".json.gz", ".json"


class FolderStore:
    """Reads a copy of a trail's bucket, or of all buckets the trail wrote to.

    Args:
        root: the folder; files are at their keys below it, or at `bucket/key`.
        bucket: the bucket the trail writes to; empty if there is only one.
        prefix: the key prefix above the accounts.

    Raises:
        OrgtrailError: it is not a folder, or its metadata cannot be read.

    """

    def __init__(self, root: Path, bucket: str = "", prefix: str = "") -> None:
        if not root.is_dir():
            raise OrgtrailError(f"{root}: is no folder; --logs takes a copy of the archive bucket")
        self._root = root
        self._bucket = bucket
        # In a copy of one bucket, a folder with the bucket's name may be part of a key.
        is_single_bucket = bool(prefix) and (root / prefix).is_dir()
        self._by_bucket = not is_single_bucket and bool(bucket) and (root / bucket).is_dir()
        self._metadata = _metadata(root / METADATA_FILE)
        self._metadata_of: dict[str, dict[str, Any]] = {}
        self._metadata_of_key(bucket, "")

    @property
    def merges_buckets(self) -> bool:
        """Whether files of several buckets may be in one folder."""
        return not self._by_bucket

    def listed_bucket(self, bucket: str) -> str:
        """Return the trail's bucket, if the copy does not separate buckets."""
        return self._bucket if self._bucket and not self._by_bucket else bucket

    async def list_objects(self, bucket: str, prefix: str, after: str = "") -> Listing:
        """List the files below a prefix, in the order of their keys, starting after a key."""
        for each in self._walk(bucket, prefix, after, set(), 0):
            yield each

    async def list_folder(self, bucket: str, prefix: str) -> FolderListing:
        """List the folders and files directly below a prefix."""
        folders, files = [], []
        for key, entry in self._entries(bucket, prefix):
            if _is_folder(entry):
                folders.append(entry.name)
            else:
                files.append(_listed(key, entry))
        return FolderListing(tuple(folders), tuple(files))

    async def version_folders(self, bucket: str, prefix: str) -> frozenset[str]:
        """Return an empty set: a copy has no versions."""
        del bucket, prefix
        return frozenset()

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
        """Read a complete file."""
        del version
        unpacked = Unpacker(max_bytes, keep=keep, json=json, plain=True)
        try:
            with _open(self._path(bucket, key)) as file:
                while piece := file.read(_PIECE):
                    unpacked.feed(piece)
        except (FileNotFoundError, NotADirectoryError):
            if self._bucket and bucket != self._bucket:
                raise _not_copied(bucket) from None
            raise ObjectMissingError from None
        except OSError as error:
            raise _unreadable(error) from None
        return unpacked, self._metadata_of_key(bucket, key)

    async def list_versions(self, bucket: str, key: str) -> list[ObjectVersion]:
        """Return an empty list: a copy has no versions."""
        del bucket, key
        return []

    def _base(self, bucket: str) -> Path:
        """Return the folder of a bucket.

        Raises:
            ObjectUnreadableError: the copy does not include the bucket.

        """
        if not self._by_bucket:
            return self._root
        base = self._root / bucket
        if "/" in bucket or bucket in {"", ".", ".."} or not base.is_dir():
            raise _not_copied(bucket)
        return base

    def _path(self, bucket: str, key: str) -> Path:
        """Return the file of a key, compressed or uncompressed."""
        if "\0" in key or key.startswith("/") or ".." in key.split("/"):
            raise FileNotFoundError(key)
        path = self._base(bucket) / key
        if key.endswith(_PACKED) and not path.exists():
            unpacked = path.with_name(path.name.removesuffix(".gz"))
            if unpacked.exists():
                return unpacked
        return path

    def _metadata_of_key(self, bucket: str, key: str) -> DigestMetadata:
        if self._by_bucket and bucket not in self._metadata_of:
            self._metadata_of[bucket] = _metadata(self._root / bucket / METADATA_FILE)
        kept = self._metadata_of.get(bucket, {}).get(key, self._metadata.get(key))
        if not isinstance(kept, dict):
            return DigestMetadata(None, None, lost=True)
        given = kept.get("signature"), kept.get("signature-algorithm")
        if any(each is not None and not isinstance(each, str) for each in given):
            return DigestMetadata(None, None, lost=True)
        return DigestMetadata(*given)

    def _walk(
        self, bucket: str, prefix: str, after: str, seen: set[tuple[int, int]], depth: int
    ) -> Iterator[ListedObject]:
        if depth > _MAX_DEPTH:
            raise ObjectUnreadableError(
                "unreachable", f"{prefix}: more than {_MAX_DEPTH} folders deep"
            )
        for key, entry in self._entries(bucket, prefix):
            if _is_folder(entry):
                if f"{key}/" > after or after.startswith(f"{key}/"):
                    here = _inode(entry)
                    if here in seen:
                        raise ObjectUnreadableError(
                            "unreachable", f"{key}: is a link to a folder that was listed before"
                        )
                    seen.add(here)
                    yield from self._walk(bucket, f"{key}/", after, seen, depth + 1)
            elif key > after:
                yield _listed(key, entry)

    def _entries(self, bucket: str, prefix: str) -> list[tuple[str, os.DirEntry[str]]]:
        """Return keys and entries of a folder, in the order of the keys."""
        try:
            with os.scandir(self._base(bucket) / prefix) as entries:
                found = [*entries]
        except (FileNotFoundError, NotADirectoryError):
            return []
        except ObjectUnreadableError:
            # Reading each of its files will report the error.
            return []
        except OSError as error:
            raise _unreadable(error) from None
        names = {each.name for each in found}

        def name_of(entry: os.DirEntry[str]) -> str:
            unpacked = entry.name.endswith(_UNPACKED) and f"{entry.name}.gz" not in names
            return f"{entry.name}.gz" if unpacked else entry.name

        return sorted(
            ((f"{prefix}{name_of(each)}", each) for each in found),
            key=lambda pair: f"{pair[0]}/" if _is_folder(pair[1]) else pair[0],
        )


def refuse_pipe(path: Path) -> None:
    """Refuse a path that exists and is not a file: reading a pipe could block forever.

    Raises:
        OrgtrailError: it is not a file.

    """
    if path.exists() and not path.is_file():
        raise OrgtrailError(f"{path}: cannot be read: is no file")


def _metadata(path: Path) -> dict[str, Any]:
    refuse_pipe(path)
    try:
        kept = loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise OrgtrailError(f"{path}: cannot be read: {error}") from None
    if not isinstance(kept, dict):
        raise OrgtrailError(f"{path}: must be an object of keys; see docs/integrity.md")
    return kept


def _open(path: Path) -> Any:
    """Open a file; refuse pipes and devices, which could block forever."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise ObjectUnreadableError("unreachable", "is no file: a folder, a pipe or a device")
    return path.open("rb")


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _inode(entry: os.DirEntry[str]) -> tuple[int, int]:
    try:
        about = entry.stat()
    except OSError as error:
        raise _unreadable(error) from None
    return about.st_dev, about.st_ino


def _listed(key: str, entry: os.DirEntry[str]) -> ListedObject:
    try:
        about = entry.stat()
    except OSError:
        # A dangling link, or deleted since it was listed: reading it will report that.
        return ListedObject(key, 1, "", "")
    # The modification time can be reset; the change time cannot.
    times = f"{about.st_mtime_ns} {about.st_ctime_ns}"
    return ListedObject(key, about.st_size, f"{about.st_dev}:{about.st_ino}", times)


def _unreadable(error: OSError) -> ObjectUnreadableError:
    reason = error.strerror or str(error)
    return ObjectUnreadableError("denied" if isinstance(error, PermissionError) else "unreachable",
                           reason, "see who may read the copy")  # fmt: skip


def _not_copied(bucket: str) -> ObjectUnreadableError:
    return ObjectUnreadableError("not-in-copy", f"the copy has nothing of the bucket {bucket}")
