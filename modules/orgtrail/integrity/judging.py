"""The verdict on one digest or one log file: valid, or what is wrong with it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from orgtrail.integrity.digest import (
    ALGORITHM,
    HASH,
    Digest,
    MalformedError,
    Named,
    is_signed,
    parse,
    signed_text,
)
from orgtrail.integrity.findings import KINDS, Effect
from orgtrail.integrity.keys import KeyRing
from orgtrail.integrity.names import ChainId
from orgtrail.integrity.storage.store import Metadata, MissingError, Store, UnreadableError
from orgtrail.integrity.unpacking import FlawedError, Unpacker

LARGEST_DIGEST = 256 << 20
"""Bytes of a digest, unpacked: it would name some 500,000 files."""
LARGEST_LOG = 512 << 20
"""Bytes of a log file, unpacked; CloudTrail's own end at 50 MB."""

_LOOKUPS = 200
"""Objects whose versions are looked at, of one chain in one day."""
_VERSIONS = 10
"""Versions of an object that are read."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with an object; the kind is one of the findings'."""

    kind: str
    told: str

    @property
    def unread(self) -> bool:
        """Whether nothing is known of the object."""
        return KINDS[self.kind][0] is Effect.UNREAD


@dataclass(frozen=True, slots=True)
class ReadDigest:
    """A digest, and the SHA-256 of it unpacked.

    With a fault `digest` is None, unless an older version was found that CloudTrail signed.
    """

    fault: Fault | None
    digest: Digest | None = None
    value: str = ""
    signature: str = ""


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
        where: its bucket and key.
        keys: public keys.

    """
    try:
        value = unpacked.finish()
        digest = parse(unpacked.body)
    except FlawedError as error:
        return ReadDigest(Fault(f"digest-{error.flaw}", ""))
    except MalformedError as error:
        return ReadDigest(Fault("digest-malformed", str(error)))
    fault = _misplaced(digest, chain, where) or _unsigned(digest, value, metadata, chain, keys)
    if fault:
        return ReadDigest(fault)
    return ReadDigest(None, digest, value, metadata.signature or "")


def _misplaced(digest: Digest, chain: ChainId, where: tuple[str, str]) -> Fault | None:
    if (digest.bucket, digest.key) != where:
        return Fault("digest-moved", f"was written to s3://{digest.bucket}/{digest.key}")
    if digest.account != chain.account:
        return Fault("digest-wrong-account", f"is of account {digest.account}")
    return None


def _unsigned(
    digest: Digest, value: str, metadata: Metadata, chain: ChainId, keys: KeyRing
) -> Fault | None:
    if metadata.lost:
        return Fault("metadata-unavailable", "its metadata is not in the copy")
    if metadata.signature is None or metadata.algorithm is None:
        return Fault("digest-unsigned", "its metadata holds no signature")
    for algorithm in (metadata.algorithm, digest.algorithm):
        if algorithm != ALGORITHM:
            return Fault("digest-algorithm", f"says {algorithm!r} where {ALGORITHM} is due")
    before = digest.previous.algorithm if digest.previous else HASH
    if before != HASH:
        return Fault("digest-algorithm", f"hashes the one before by {before!r}, not {HASH}")
    if chain.region not in keys:
        return Fault("keys-unavailable", keys.denied.get(chain.region, "no key of this region"))
    key = keys.find(chain.region, digest.fingerprint)
    if key is None:
        told = f"key {digest.fingerprint} is none of CloudTrail's in {chain.region}"
        return Fault("digest-unknown-key", told)
    if not is_signed(key, metadata.signature, signed_text(digest, value)):
        return Fault("digest-signature", "its signature is not CloudTrail's")
    return None


class Judge:
    """Reads objects of one chain and judges them.

    Args:
        store: where they lie.
        keys: public keys.
        chain: the chain.

    """

    def __init__(self, store: Store, keys: KeyRing, chain: ChainId) -> None:
        self._store = store
        self._keys = keys
        self._chain = chain
        self._lookups = _LOOKUPS

    async def digest(self, bucket: str, key: str) -> ReadDigest:
        """Read and judge a digest."""
        found = await self._digest(bucket, key)
        if not found.fault or found.fault.unread:
            return found

        signed = found

        async def is_sound(version: str) -> bool:
            nonlocal signed
            signed = await self._digest(bucket, key, version)
            return signed.fault is None

        fault = await self._explained(found.fault, bucket, key, is_sound)
        return replace(signed, fault=fault)

    async def log(self, named: Named) -> Fault | None:
        """Read and judge a log file."""
        if named.algorithm != HASH:
            return Fault("log-algorithm", f"its digest hashes it by {named.algorithm!r}")
        fault = await self._log(named)
        if not fault or fault.unread:
            return fault

        async def is_sound(version: str) -> bool:
            return await self._log(named, version) is None

        return await self._explained(fault, named.bucket, named.key, is_sound)

    async def _digest(self, bucket: str, key: str, version: str = "") -> ReadDigest:
        try:
            unpacked, metadata = await self._store.fetch(
                bucket, key, LARGEST_DIGEST, keep=True, version=version
            )
        except MissingError:
            return ReadDigest(Fault("digest-missing", "is not there"))
        except UnreadableError as error:
            return ReadDigest(Fault(error.kind, error.reason))
        except FlawedError as error:
            return ReadDigest(Fault(f"digest-{error.flaw}", ""))
        return judged(unpacked, metadata, self._chain, (bucket, key), self._keys)

    async def _log(self, named: Named, version: str = "") -> Fault | None:
        try:
            unpacked, _ = await self._store.fetch(
                named.bucket, named.key, LARGEST_LOG, version=version
            )
            value = unpacked.finish()
        except MissingError:
            return Fault("log-missing", "a digest names it, and it is not there")
        except UnreadableError as error:
            return Fault(error.kind, error.reason)
        except FlawedError as error:
            return Fault(f"log-{error.flaw}", "")
        if value != named.value.lower():
            return Fault("log-altered", "its hash is not the one that its digest names")
        return None

    async def _explained(
        self, fault: Fault, bucket: str, key: str, is_sound: Callable[[str], Awaitable[bool]]
    ) -> Fault:
        """Say which older version is the signed one, if one is."""
        if self._lookups <= 0:
            return fault
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
        return _told(fault, f"{hidden}no older version of it is the signed one") if older else fault


def _told(fault: Fault, more: str) -> Fault:
    return Fault(fault.kind, f"{fault.told}; {more}" if fault.told else more)
