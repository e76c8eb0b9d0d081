"""A folder that is a copy of a bucket, or of several, with the metadata of its digests beside them.

Files lie below it at their keys, or below a folder for each bucket. Files that whoever made the
copy has unpacked are taken as they are: CloudTrail signs what is in them.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from json import loads
from pathlib import Path
from typing import Any

from orgtrail.errors import OrgtrailError
from orgtrail.integrity.storage.store import (
    Level,
    Listed,
    Listing,
    Metadata,
    MissingError,
    UnreadableError,
    Version,
)
from orgtrail.integrity.unpacking import Unpacker

SIGNATURES = "digest-metadata.json"
"""The metadata that S3 would keep with each digest, by key."""
PUBLIC_KEYS = "public-keys.json"
"""Answers of ListPublicKeys by region."""

_PIECE = 1 << 20
_DEEPEST = 100
"""Folders below a prefix, one in the other."""
_PACKED, _UNPACKED = ".json.gz", ".json"


class Folder:
    """A copy of the bucket of a trail, or of all the buckets that it wrote to.

    Args:
        root: the folder; below it each file lies at its key, or at its bucket's name and its key.
        bucket: the bucket that the trail writes to; empty where there is but one.
        prefix: the key prefix above the accounts.

    Raises:
        OrgtrailError: it is no folder, or its metadata cannot be read.

    """

    def __init__(self, root: Path, bucket: str = "", prefix: str = "") -> None:
        if not root.is_dir():
            raise OrgtrailError(f"{root}: is no folder; --logs takes a copy of the archive bucket")
        self._root = root
        self._bucket = bucket
        # A folder of the bucket's name may also be a key's in a copy of that bucket alone.
        whole = bool(prefix) and (root / prefix).is_dir()
        self._by_bucket = not whole and bool(bucket) and (root / bucket).is_dir()
        self._metadata = _metadata(root / SIGNATURES)
        self._metadata_of: dict[str, dict[str, Any]] = {}
        self._kept(bucket, "")

    @property
    def merges_buckets(self) -> bool:
        """Whether files of several buckets may lie in one place, with nothing that tells them."""
        return not self._by_bucket

    def bucket_of(self, bucket: str) -> str:
        """Return the name under which a bucket is listed here."""
        return self._bucket if self._bucket and not self._by_bucket else bucket

    async def objects(self, bucket: str, prefix: str, after: str = "") -> Listing:
        """List files in the order of their keys, those after a key."""
        for each in self._walk(bucket, prefix, after, set(), 0):
            yield each

    async def level(self, bucket: str, prefix: str) -> Level:
        """Return what lies right below a prefix."""
        folders, files = [], []
        for key, entry in self._entries(bucket, prefix):
            if _is_folder(entry):
                folders.append(entry.name)
            else:
                files.append(_listed(key, entry))
        return Level(tuple(folders), tuple(files))

    async def hidden_folders(self, bucket: str, prefix: str) -> frozenset[str]:
        """Return nothing: a copy has no versions."""
        del bucket, prefix
        return frozenset()

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
        """Read a file, all of it."""
        del version
        unpacked = Unpacker(most, keep=keep, json=json, plain=True)
        try:
            with _opened(self._path(bucket, key)) as file:
                while piece := file.read(_PIECE):
                    unpacked.feed(piece)
        except (FileNotFoundError, NotADirectoryError):
            if self._bucket and bucket != self._bucket:
                raise _not_copied(bucket) from None
            raise MissingError from None
        except OSError as error:
            raise _unreadable(error) from None
        return unpacked, self._kept(bucket, key)

    async def versions(self, bucket: str, key: str) -> list[Version]:
        """A copy has none."""
        del bucket, key
        return []

    def _base(self, bucket: str) -> Path:
        """Return the folder of a bucket.

        Raises:
            UnreadableError: the copy has no such bucket.

        """
        if not self._by_bucket:
            return self._root
        base = self._root / bucket
        if "/" in bucket or bucket in {"", ".", ".."} or not base.is_dir():
            raise _not_copied(bucket)
        return base

    def _path(self, bucket: str, key: str) -> Path:
        """Return the file of a key, as it was delivered or as somebody unpacked it."""
        if "\0" in key or key.startswith("/") or ".." in key.split("/"):
            raise FileNotFoundError(key)
        path = self._base(bucket) / key
        if key.endswith(_PACKED) and not path.exists():
            unpacked = path.with_name(path.name.removesuffix(".gz"))
            if unpacked.exists():
                return unpacked
        return path

    def _kept(self, bucket: str, key: str) -> Metadata:
        if self._by_bucket and bucket not in self._metadata_of:
            self._metadata_of[bucket] = _metadata(self._root / bucket / SIGNATURES)
        kept = self._metadata_of.get(bucket, {}).get(key, self._metadata.get(key))
        if not isinstance(kept, dict):
            return Metadata(None, None, lost=True)
        given = kept.get("signature"), kept.get("signature-algorithm")
        if any(each is not None and not isinstance(each, str) for each in given):
            return Metadata(None, None, lost=True)
        return Metadata(*given)

    def _walk(
        self, bucket: str, prefix: str, after: str, seen: set[tuple[int, int]], depth: int
    ) -> Iterator[Listed]:
        if depth > _DEEPEST:
            raise UnreadableError("unreachable", f"{prefix}: more than {_DEEPEST} folders deep")
        for key, entry in self._entries(bucket, prefix):
            if _is_folder(entry):
                if f"{key}/" > after or after.startswith(f"{key}/"):
                    here = _identity(entry)
                    if here in seen:
                        raise UnreadableError(
                            "unreachable", f"{key}: is a link to a folder that was listed before"
                        )
                    seen.add(here)
                    yield from self._walk(bucket, f"{key}/", after, seen, depth + 1)
            elif key > after:
                yield _listed(key, entry)

    def _entries(self, bucket: str, prefix: str) -> list[tuple[str, os.DirEntry[str]]]:
        """Return what lies in a folder, by the key that it has in the bucket, in their order."""
        try:
            with os.scandir(self._base(bucket) / prefix) as entries:
                found = [*entries]
        except (FileNotFoundError, NotADirectoryError):
            return []
        except UnreadableError:
            # Its files are asked for by name, and each is told.
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
    """Refuse what is no file in a copy: a pipe would wait for ever.

    Raises:
        OrgtrailError: it is there, and no file.

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


def _opened(path: Path) -> Any:
    """Open a file; what is no file (a pipe would wait for ever) is refused."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise UnreadableError("unreachable", "is no file: a folder, a pipe or a device")
    return path.open("rb")


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _identity(entry: os.DirEntry[str]) -> tuple[int, int]:
    try:
        about = entry.stat()
    except OSError as error:
        raise _unreadable(error) from None
    return about.st_dev, about.st_ino


def _listed(key: str, entry: os.DirEntry[str]) -> Listed:
    try:
        about = entry.stat()
    except OSError:
        # A link to nothing, or gone since it was listed: reading it tells.
        return Listed(key, 1, "", "")
    # Whoever sets back the time of a change cannot set back that of the setting.
    times = f"{about.st_mtime_ns} {about.st_ctime_ns}"
    return Listed(key, about.st_size, f"{about.st_dev}:{about.st_ino}", times)


def _unreadable(error: OSError) -> UnreadableError:
    reason = error.strerror or str(error)
    return UnreadableError("denied" if isinstance(error, PermissionError) else "unreachable",
                           reason, "see who may read the copy")  # fmt: skip


def _not_copied(bucket: str) -> UnreadableError:
    return UnreadableError("not-in-copy", f"the copy has nothing of the bucket {bucket}")
