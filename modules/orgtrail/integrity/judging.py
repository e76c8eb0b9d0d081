"""The verdict on one digest or one log file: valid, or what is wrong with it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

from orgtrail.integrity.digest import (
    ALGORITHM,
    HASH,
    Digest,
    MalformedError,
    Named,
    is_signed,
    parse,
    seal,
    sealed_text,
    signed_text,
)
from orgtrail.integrity.findings import KINDS, Effect
from orgtrail.integrity.keys import KeyRing
from orgtrail.integrity.names import ChainId
from orgtrail.integrity.storage.store import (
    Listed,
    Metadata,
    MissingError,
    Store,
    UnreadableError,
)
from orgtrail.integrity.unpacking import Flaw, FlawedError, Unpacker
from orgtrail.records import LARGEST_LOG

LARGEST_DIGEST = 256 << 20
"""Bytes of a digest, unpacked: it would name some 500,000 files."""
_LARGE = 1 << 20
"""Bytes from which on digests are read one after another, so that many of them fill no memory."""
_PARSED = 1 << 20
"""Bytes of a digest that are parsed, to tell what is wrong, before its signature holds."""

_LOOKUPS = 200
"""Objects whose versions are looked at, of one chain in one day."""
_VERSIONS = 50
"""Versions of an object that are read."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with an object; the kind is one of the findings'.

    Attributes:
        kind: the kind of finding.
        told: what was found.
        step: what to do, where the kind's own advice does not fit; empty where it does.

    """

    kind: str
    told: str
    step: str = ""

    @property
    def unread(self) -> bool:
        """Whether nothing is known of the object."""
        return KINDS[self.kind][0] is Effect.UNREAD


@dataclass(frozen=True, slots=True)
class ReadDigest:
    """A digest, and the SHA-256 of it unpacked.

    With a fault `digest` is None, unless an older version was found that CloudTrail signed.

    Attributes:
        fault: what is wrong; None for a valid one.
        digest: its fields.
        value: the SHA-256 of it unpacked.
        signature: its signature, in hexadecimal.
        signer: the SHA-256 of the public key that it verifies with.

    """

    fault: Fault | None
    digest: Digest | None = None
    value: str = ""
    signature: str = ""
    signer: str = ""


def judged(
    unpacked: Unpacker,
    metadata: Metadata,
    chain: ChainId,
    where: tuple[str, str],
    keys: KeyRing,
) -> ReadDigest:
    """Judge a digest by itself: its form, its place, its signature.

    Args:
        unpacked: its bytes.
        metadata: of the object.
        chain: the chain whose folder it lies in.
        where: its bucket and key; the bucket is empty where a copy does not tell it.
        keys: public keys.

    """
    try:
        value = unpacked.finish()
    except FlawedError as error:
        return ReadDigest(Fault(f"digest-{error.flaw}", ""))
    # A body of some megabytes can become gigabytes once parsed: only CloudTrail may do that.
    if len(unpacked.body) > _PARSED and (
        fault := _large(unpacked.body, value, metadata, chain, where, keys)
    ):
        return ReadDigest(fault)
    try:
        digest = parse(unpacked.body)
    except MalformedError as error:
        return ReadDigest(Fault("digest-malformed", str(error)))
    if fault := _misplaced(digest, chain, where) or _algorithms(digest, metadata):
        return ReadDigest(fault)
    text = signed_text(digest, value)
    fault = _unsigned(digest.fingerprint, text, metadata.signature or "", chain, keys)
    if fault:
        return ReadDigest(fault)
    signer = keys.identity(chain.region, digest.fingerprint)
    return ReadDigest(None, digest, value, metadata.signature or "", signer)


def _large(
    body: bytearray,
    value: str,
    metadata: Metadata,
    chain: ChainId,
    where: tuple[str, str],
    keys: KeyRing,
) -> Fault | None:
    """Check the signature of a large digest before it is parsed."""
    if fault := _metadata(metadata):
        return fault
    found = seal(body)
    if found is None:
        return Fault("digest-malformed", "lacks a field, and is too large to be looked into")
    text = sealed_text(found.end_text, where[0] or found.bucket, where[1], value, found.before)
    return _unsigned(found.fingerprint, text, metadata.signature or "", chain, keys)


def _misplaced(digest: Digest, chain: ChainId, where: tuple[str, str]) -> Fault | None:
    if (digest.bucket if where[0] else "", digest.key) != where:
        return Fault("digest-moved", f"was written to s3://{digest.bucket}/{digest.key}")
    if digest.account != chain.account:
        return Fault("digest-wrong-account", f"is of account {digest.account}")
    return None


def _metadata(metadata: Metadata) -> Fault | None:
    if metadata.lost:
        return Fault("metadata-unavailable", "its metadata is not in the copy")
    if metadata.signature is None or metadata.algorithm is None:
        return Fault("digest-unsigned", "its metadata holds no signature")
    return None


def _algorithms(digest: Digest, metadata: Metadata) -> Fault | None:
    if fault := _metadata(metadata):
        return fault
    for algorithm in (metadata.algorithm, digest.algorithm):
        if algorithm != ALGORITHM:
            return Fault("digest-algorithm", f"says {algorithm!r} where {ALGORITHM} is due")
    before = digest.previous.algorithm if digest.previous else HASH
    if before != HASH:
        return Fault("digest-algorithm", f"hashes the one before by {before!r}, not {HASH}")
    return None


def _unsigned(
    fingerprint: str, text: bytes, signature: str, chain: ChainId, keys: KeyRing
) -> Fault | None:
    denied = keys.denied.get(chain.region)
    if chain.region not in keys:
        reason, step = denied or ("no key of this region", "")
        return Fault("keys-unavailable", reason, step)
    key = keys.find(chain.region, fingerprint)
    if key is None and denied:
        return Fault("keys-unavailable", *denied)
    if key is None:
        told = f"key {fingerprint[:40]} is none of CloudTrail's in {chain.region}"
        return Fault("digest-unknown-key", told)
    if not is_signed(key, signature, text):
        return Fault("digest-signature", "its signature is not CloudTrail's")
    return None


class Judge:
    """Reads objects of one chain and judges them.

    Args:
        store: where they lie.
        keys: public keys.
        chain: the chain.

    Attributes:
        plain: files of a copy that came unpacked.

    """

    def __init__(self, store: Store, keys: KeyRing, chain: ChainId) -> None:
        self._store = store
        self._keys = keys
        self._chain = chain
        self._lookups = _LOOKUPS
        self.plain = 0

    def knows(self, signer: str) -> bool:
        """Tell whether a public key, by its SHA-256, is one of the region's."""
        return self._keys.has(self._chain.region, signer)

    async def digest(self, bucket: str, key: str, listed: Listed | None = None) -> ReadDigest:
        """Read and judge a digest; `listed` is what a listing says of it."""
        found = await self._digest(bucket, key, listed=listed)
        if not found.fault or found.fault.unread:
            return found

        signed = found

        async def is_sound(version: str) -> bool:
            nonlocal signed
            signed = await self._digest(bucket, key, version)
            return signed.fault is None

        fault = await self._explained(found.fault, bucket, key, is_sound)
        return replace(signed, fault=fault)

    async def log(self, named: Named, listed: Listed | None = None) -> Fault | None:
        """Read and judge a log file; `listed` is what a listing says of it."""
        if named.algorithm != HASH:
            return Fault("log-algorithm", f"its digest hashes it by {named.algorithm[:40]!r}")
        fault = await self._log(named, listed=listed)
        if not fault or fault.unread:
            return fault

        async def is_sound(version: str) -> bool:
            return await self._log(named, version) is None

        return await self._explained(fault, named.bucket, named.key, is_sound)

    async def _digest(
        self, bucket: str, key: str, version: str = "", listed: Listed | None = None
    ) -> ReadDigest:
        try:
            return await self._judged(bucket, key, version, _LARGE, listed)
        except FlawedError as error:
            if error.flaw is not Flaw.TOO_LARGE or LARGEST_DIGEST <= _LARGE:
                return ReadDigest(Fault(f"digest-{error.flaw}", ""))
        async with _one_at_a_time():
            try:
                return await self._judged(bucket, key, version, LARGEST_DIGEST, listed)
            except FlawedError as error:
                return ReadDigest(Fault(f"digest-{error.flaw}", ""))

    async def _judged(
        self, bucket: str, key: str, version: str, most: int, listed: Listed | None
    ) -> ReadDigest:
        try:
            unpacked, metadata = await self._store.fetch(
                bucket,
                key,
                min(most, LARGEST_DIGEST),
                keep=True,
                json=most > _LARGE,
                version=version,
            )
        except MissingError:
            return ReadDigest(Fault("digest-missing", "is not there"))
        except UnreadableError as error:
            return ReadDigest(Fault(error.kind, error.reason, error.step))
        where = ("" if self._store.merges_buckets else bucket, key)
        found = judged(unpacked, metadata, self._chain, where, self._keys)
        if found.fault and (cut := _cut(unpacked, metadata, listed)):
            return ReadDigest(cut)
        self.plain += unpacked.was_plain
        return found

    async def _log(
        self, named: Named, version: str = "", listed: Listed | None = None
    ) -> Fault | None:
        try:
            unpacked, metadata = await self._store.fetch(
                named.bucket, named.key, LARGEST_LOG, version=version
            )
        except MissingError:
            return Fault("log-missing", "a digest names it, and it is not there")
        except UnreadableError as error:
            return Fault(error.kind, error.reason, error.step)
        except FlawedError as error:
            return Fault(f"log-{error.flaw}", "")
        fault = _compared(unpacked, named)
        if fault:
            return _cut(unpacked, metadata, listed) or fault
        self.plain += unpacked.was_plain
        return None

    async def _explained(
        self, fault: Fault, bucket: str, key: str, is_sound: Callable[[str], Awaitable[bool]]
    ) -> Fault:
        """Say which older version is the signed one, if one is."""
        if self._lookups <= 0:
            return _told(fault, "its versions were not looked at, being one of many")
        self._lookups -= 1
        try:
            versions = await self._store.versions(bucket, key)
        except UnreadableError:
            return _told(fault, "its versions could not be listed")
        older = [each.id for each in versions if not each.latest and not each.deleted]
        hidden = (
            "a delete marker hides it; " if any(v.latest and v.deleted for v in versions) else ""
        )
        for version in older[:_VERSIONS]:
            if await is_sound(version):
                return _told(fault, f"{hidden}version {version} is the signed one")
        if len(older) > _VERSIONS:
            told = (
                f"none of its {_VERSIONS} newest older versions is the signed one, and "
                f"{len(older) - _VERSIONS} more were not read"
            )
            return _told(fault, f"{hidden}{told}")
        return _told(fault, f"{hidden}no older version of it is the signed one") if older else fault


def _compared(unpacked: Unpacker, named: Named) -> Fault | None:
    try:
        value = unpacked.finish()
    except FlawedError as error:
        return Fault(f"log-{error.flaw}", "")
    if value != named.value.lower():
        return Fault("log-altered", "its hash is not the one that its digest names")
    return None


def _cut(unpacked: Unpacker, metadata: Metadata, listed: Listed | None) -> Fault | None:
    """Tell bytes that are not those of the object that was listed, and nobody wrote it since."""
    if (
        listed is None
        or unpacked.was_plain
        or unpacked.packed >= listed.size
        or metadata.etag not in {"", listed.etag}
    ):
        return None
    told = f"{unpacked.packed} bytes came of the {listed.size} that the listing says"
    return Fault("unreachable", f"{told}: something between cut it off")


def _told(fault: Fault, more: str) -> Fault:
    return replace(fault, told=f"{fault.told}; {more}" if fault.told else more)


def _one_at_a_time() -> asyncio.Lock:
    """Return the lock of this event loop under which large digests are read."""
    loop = asyncio.get_running_loop()
    if loop not in _LOCKS:
        _LOCKS[loop] = asyncio.Lock()
    return _LOCKS[loop]


_LOCKS: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()
