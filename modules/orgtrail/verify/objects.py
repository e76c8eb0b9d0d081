"""Reads the digests and log files of one chain, and checks each of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from weakref import WeakKeyDictionary

from orgtrail.records import LARGEST_LOG
from orgtrail.verify.digest import HASH, DigestCheck, LogFileEntry, PreviousDigest, check_digest
from orgtrail.verify.findings import Problem
from orgtrail.verify.keys import KeyRing
from orgtrail.verify.names import ChainId
from orgtrail.verify.storage.store import (
    DigestMetadata,
    GzipError,
    GzipFlaw,
    ListedObject,
    ObjectMissingError,
    ObjectUnreadableError,
    Store,
    Unpacker,
)

LARGEST_DIGEST = 256 << 20
"""Size limit of an uncompressed digest, in bytes: enough for 500,000 log files."""
_LARGE_DIGEST = 1 << 20
"""Digests with more bytes are read one at a time, to limit memory."""
_MAX_LOOKUPS = 200
"""Damaged objects per chain and day for which older versions are searched."""
_MAX_VERSIONS = 50
"""Older versions of an object that are read."""


@dataclass(frozen=True, slots=True)
class ChainDigest:
    """The fields of a checked digest that its chain needs.

    Attributes:
        bucket: its bucket.
        key: its key.
        named_end: end of the period, from the name.
        backfill: whether CloudTrail delivered it later, outside the chain.
        problem: what is wrong with it; None for a valid digest.
        start: start of the period; None if it was not read.
        end: end of the period; None if it was not read.
        sha256: SHA-256 of the uncompressed digest, in hexadecimal.
        signature: the signature, in hexadecimal.
        previous: the previous digest; None for the first of a chain.
        log_count: number of log files it names.

    """

    bucket: str
    key: str
    named_end: datetime
    backfill: bool
    problem: Problem | None
    start: datetime | None = None
    end: datetime | None = None
    sha256: str = ""
    signature: str = ""
    previous: PreviousDigest | None = None
    log_count: int = 0

    @property
    def is_valid(self) -> bool:
        """Whether nothing is wrong with it."""
        return self.problem is None

    @property
    def period(self) -> tuple[datetime, datetime]:
        """Start and end of the time it covers, if it is valid.

        The first digest of a chain is for the hour before logging started, and does not list what
        was delivered then, so its period is empty.
        https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html
        """
        end = self.end or self.named_end
        if self.previous is None or self.start is None:
            return end, end
        return self.start, end

    @classmethod
    def of(
        cls, bucket: str, key: str, end: datetime, check: DigestCheck, *, backfill: bool
    ) -> ChainDigest:
        """Create it from signed fields only; nothing of a damaged digest is kept."""
        digest = check.digest
        if digest is None:
            return cls(bucket, key, end, backfill, check.problem)
        # A copy may not show which bucket it is of; the signed digest names it.
        return cls(
            digest.bucket, key, end, backfill, check.problem, digest.start, digest.end,
            check.sha256, check.signature, digest.previous, len(digest.logs),
        )  # fmt: skip


class ObjectChecker:
    """Reads and checks the objects of one chain.

    Attributes:
        plain: number of files that arrived uncompressed.

    """

    def __init__(self, store: Store, keys: KeyRing, chain: ChainId) -> None:
        self._store = store
        self._keys = keys
        self._chain = chain
        self._lookups = _MAX_LOOKUPS
        self.plain = 0

    def knows_key(self, signer: str) -> bool:
        """Return whether the region has the public key with a SHA-256."""
        return self._keys.has_key(self._chain.region, signer)

    async def check_digest(
        self, bucket: str, key: str, listed: ListedObject | None = None
    ) -> DigestCheck:
        """Read and check a digest; `listed` is its entry in a listing."""
        found = await self._check_digest_version(bucket, key, listed=listed)
        if not found.problem or found.problem.unread:
            return found

        signed = found

        async def is_signed_version(version: str) -> bool:
            nonlocal signed
            signed = await self._check_digest_version(bucket, key, version)
            return signed.problem is None

        problem = await self._with_signed_version(found.problem, bucket, key, is_signed_version)
        return replace(signed, problem=problem)

    async def check_log(
        self, entry: LogFileEntry, listed: ListedObject | None = None
    ) -> Problem | None:
        """Read and check a log file; `listed` is its entry in a listing."""
        if entry.algorithm != HASH:
            return Problem("log-algorithm", f"its digest hashes it by {entry.algorithm[:40]!r}")
        problem = await self._check_log_version(entry, listed=listed)
        if not problem or problem.unread:
            return problem

        async def is_signed_version(version: str) -> bool:
            return await self._check_log_version(entry, version) is None

        return await self._with_signed_version(problem, entry.bucket, entry.key, is_signed_version)

    async def _check_digest_version(
        self, bucket: str, key: str, version: str = "", listed: ListedObject | None = None
    ) -> DigestCheck:
        try:
            return await self._fetch_digest(bucket, key, version, _LARGE_DIGEST, listed)
        except GzipError as error:
            if error.flaw is not GzipFlaw.TOO_LARGE or LARGEST_DIGEST <= _LARGE_DIGEST:
                return DigestCheck(Problem(f"digest-{error.flaw}", ""))
        async with _large_digest_lock():
            try:
                return await self._fetch_digest(bucket, key, version, LARGEST_DIGEST, listed)
            except GzipError as error:
                return DigestCheck(Problem(f"digest-{error.flaw}", ""))

    async def _fetch_digest(
        self, bucket: str, key: str, version: str, max_bytes: int, listed: ListedObject | None
    ) -> DigestCheck:
        try:
            unpacked, metadata = await self._store.fetch(
                bucket,
                key,
                min(max_bytes, LARGEST_DIGEST),
                keep=True,
                json=max_bytes > _LARGE_DIGEST,
                version=version,
            )
        except ObjectMissingError:
            return DigestCheck(Problem("digest-missing", "is not there"))
        except ObjectUnreadableError as error:
            return DigestCheck(Problem(error.kind, error.reason, error.step))
        where = ("" if self._store.merges_buckets else bucket, key)
        found = check_digest(unpacked, metadata, self._chain, where, self._keys)
        if found.problem and (cut := _cut_short(unpacked, metadata, listed)):
            return DigestCheck(cut)
        self.plain += unpacked.was_plain
        return found

    async def _check_log_version(
        self, entry: LogFileEntry, version: str = "", listed: ListedObject | None = None
    ) -> Problem | None:
        try:
            unpacked, metadata = await self._store.fetch(
                entry.bucket, entry.key, LARGEST_LOG, version=version
            )
        except ObjectMissingError:
            return Problem("log-missing", "a digest names it, and it is not there")
        except ObjectUnreadableError as error:
            return Problem(error.kind, error.reason, error.step)
        except GzipError as error:
            return Problem(f"log-{error.flaw}", "")
        problem = _check_hash(unpacked, entry)
        if problem:
            return _cut_short(unpacked, metadata, listed) or problem
        self.plain += unpacked.was_plain
        return None

    async def _with_signed_version(
        self,
        problem: Problem,
        bucket: str,
        key: str,
        is_signed_version: Callable[[str], Awaitable[bool]],
    ) -> Problem:
        """Add to a problem which older version has the signed content, if any."""
        if self._lookups <= 0:
            return _with_detail(problem, "its versions were not checked, being one of many")
        self._lookups -= 1
        try:
            versions = await self._store.list_versions(bucket, key)
        except ObjectUnreadableError:
            return _with_detail(problem, "its versions could not be listed")
        older = [each.id for each in versions if not each.latest and not each.deleted]
        hidden = (
            "a delete marker hides it; " if any(v.latest and v.deleted for v in versions) else ""
        )
        for version in older[:_MAX_VERSIONS]:
            if await is_signed_version(version):
                return _with_detail(problem, f"{hidden}version {version} is the signed one")
        if len(older) > _MAX_VERSIONS:
            reason = (
                f"none of its {_MAX_VERSIONS} newest older versions is the signed one, and "
                f"{len(older) - _MAX_VERSIONS} more were not read"
            )
            return _with_detail(problem, f"{hidden}{reason}")
        return (
            _with_detail(problem, f"{hidden}no older version of it is the signed one")
            if older
            else problem
        )


def _check_hash(unpacked: Unpacker, entry: LogFileEntry) -> Problem | None:
    try:
        sha256 = unpacked.finish()
    except GzipError as error:
        return Problem(f"log-{error.flaw}", "")
    if sha256 != entry.hash_value.lower():
        return Problem("log-altered", "its hash is not the one that its digest names")
    return None


def _cut_short(
    unpacked: Unpacker, metadata: DigestMetadata, listed: ListedObject | None
) -> Problem | None:
    """Report a response with fewer bytes than listed, unless the object has changed."""
    if (
        listed is None
        or unpacked.was_plain
        or unpacked.packed >= listed.size
        or metadata.etag not in {"", listed.etag}
    ):
        return None
    reason = f"{unpacked.packed} bytes came of the {listed.size} that the listing says"
    return Problem("unreachable", f"{reason}: something between cut it off")


def _with_detail(problem: Problem, more: str) -> Problem:
    return replace(problem, reason=f"{problem.reason}; {more}" if problem.reason else more)


def _large_digest_lock() -> asyncio.Lock:
    """Return the lock of the current event loop for reading large digests."""
    loop = asyncio.get_running_loop()
    if loop not in _LOCKS:
        _LOCKS[loop] = asyncio.Lock()
    return _LOCKS[loop]


_LOCKS: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()
