"""One digest file: parses it, and checks its location and signature.

CloudTrail documents the format at
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from orgtrail.verify.findings import Problem
from orgtrail.verify.keys import KeyRing
from orgtrail.verify.names import ChainId
from orgtrail.verify.storage.store import DigestMetadata, GzipError, Unpacker

ALGORITHM = "SHA256withRSA"
"""How CloudTrail signs digests: RSASSA-PKCS1-v1_5 with SHA-256."""
HASH = "SHA-256"
"""How CloudTrail hashes files."""

_MAX_UNVERIFIED = 1 << 20
"""Size up to which a digest is parsed before its signature is checked, for a precise finding."""
_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)Z", re.ASCII)


class MalformedError(Exception):
    """The bytes are not a valid digest; the message says why."""


@dataclass(frozen=True, slots=True)
class LogFileEntry:
    """An entry of `logFiles`: a log file, and the SHA-256 of its uncompressed content."""

    bucket: str
    key: str
    hash_value: str
    algorithm: str


@dataclass(frozen=True, slots=True)
class PreviousDigest:
    """The previous digest, as the next one names it."""

    bucket: str
    key: str
    hash_value: str
    algorithm: str
    signature: str


@dataclass(frozen=True, slots=True)
class DigestFile:
    """The fields of a digest file.

    Attributes:
        account: the account ID.
        start: start of the period.
        end: end of the period.
        end_text: the end as written in the file, which is what CloudTrail signs.
        bucket: the bucket CloudTrail wrote it to.
        key: the key CloudTrail wrote it to.
        fingerprint: fingerprint of the public key.
        algorithm: the signature algorithm.
        previous: the previous digest; None for the first of a chain.
        logs: the log files delivered in the period.

    """

    account: str
    start: datetime
    end: datetime
    end_text: str
    bucket: str
    key: str
    fingerprint: str
    algorithm: str
    previous: PreviousDigest | None
    logs: tuple[LogFileEntry, ...]


def find_signed_fields(body: bytes | bytearray) -> tuple[str, str, str, str] | None:
    """Find the signed fields of a large digest, without parsing it; None if one is missing.

    An attacker may have planted the fields found. That is safe: the signature covers the entire
    body, and each field occurs once in what CloudTrail signs.

    Returns:
        end of the period, bucket, fingerprint, and signature of the previous digest (or `null`),
        as written.

    """
    found = [_field(body, name) for name in _SIGNED_FIELDS]
    if None in found:
        return None
    end, bucket, fingerprint, previous_signature = (each or "null" for each in found)
    return end, bucket, fingerprint, previous_signature


_SIGNED_FIELDS = (
    "digestEndTime",
    "digestS3Bucket",
    "digestPublicKeyFingerprint",
    "previousDigestSignature",
)
_FIELD_PATTERNS = {
    name: re.compile(rb'"' + name.encode() + rb'"\s{0,9}:\s{0,9}(?:null|"([^"\\]{0,2048})")')
    for name in _SIGNED_FIELDS
}


def _field(body: bytes | bytearray, name: str) -> str | None:
    match = _FIELD_PATTERNS[name].search(body)
    return (match[1] or b"").decode("latin-1") if match else None


def parse(body: bytes | bytearray) -> DigestFile:
    """Parse the JSON of a digest.

    Raises:
        MalformedError: it is not JSON, or a field is missing or has the wrong type.

    """
    try:
        raw = json.loads(body)
    except (ValueError, RecursionError):
        raise MalformedError("is not JSON") from None
    if not isinstance(raw, dict):
        raise MalformedError("is not a JSON object")
    end = _text(raw, "digestEndTime")
    logs = raw.get("logFiles")
    if not isinstance(logs, list):
        raise MalformedError("logFiles is not a list")
    return DigestFile(
        account=_text(raw, "awsAccountId"),
        start=_parse_time(_text(raw, "digestStartTime")),
        end=_parse_time(end),
        end_text=end,
        bucket=_text(raw, "digestS3Bucket"),
        key=_text(raw, "digestS3Object"),
        fingerprint=_text(raw, "digestPublicKeyFingerprint"),
        algorithm=_text(raw, "digestSignatureAlgorithm"),
        previous=_previous(raw),
        logs=tuple(map(_log_file_entry, logs)),
    )


def data_to_sign(
    end: str, bucket: str, key: str, hash_value: str, previous_signature: str
) -> bytes:
    """Return the bytes CloudTrail signs: end, location, SHA-256 and previous signature."""
    return "\n".join((end, f"{bucket}/{key}", hash_value, previous_signature)).encode()


def is_signature_valid(key: rsa.RSAPublicKey, signature: str, data: bytes) -> bool:
    """Return whether a signature, in hexadecimal, is valid for some data."""
    try:
        key.verify(bytes.fromhex(signature), data, padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True


def _previous(raw: dict[str, Any]) -> PreviousDigest | None:
    names = ("S3Bucket", "S3Object", "HashValue", "HashAlgorithm", "Signature")
    fields = [f"previousDigest{name}" for name in names]
    for name in fields:
        if name not in raw:
            raise MalformedError(f"{name} is missing")
    if all(raw[name] is None for name in fields):
        return None
    return PreviousDigest(*(_text(raw, name) for name in fields))


def _log_file_entry(raw: object) -> LogFileEntry:
    if not isinstance(raw, dict):
        raise MalformedError("an entry of logFiles is no object")
    names = ("s3Bucket", "s3Object", "hashValue", "hashAlgorithm")
    return LogFileEntry(*(_text(raw, name) for name in names))


def _text(raw: dict[str, Any], name: str) -> str:
    value = raw.get(name)
    if not isinstance(value, str):
        raise MalformedError(f"{name} is missing or no text")
    if not value.isascii() and any("\ud800" <= each <= "\udfff" for each in value):
        raise MalformedError(f"{name} holds half a character")
    return value


def _parse_time(text: str) -> datetime:
    match = _TIME.fullmatch(text)
    try:
        # strptime takes ten times as long, and a run parses millions of timestamps.
        return datetime(*map(int, match.groups()), tzinfo=UTC)  # type: ignore[arg-type,misc,union-attr]
    except (AttributeError, ValueError):
        raise MalformedError(f"{text[:40]!r} is no time") from None


@dataclass(frozen=True, slots=True)
class DigestCheck:
    """The result of checking a digest.

    Attributes:
        problem: what is wrong; None for a valid digest.
        digest: the fields; None with a problem, unless an older version has a valid signature.
        sha256: SHA-256 of the uncompressed digest, in hexadecimal.
        signature: the signature, in hexadecimal.
        signer: SHA-256 of the public key that verifies the signature.

    """

    problem: Problem | None
    digest: DigestFile | None = None
    sha256: str = ""
    signature: str = ""
    signer: str = ""


def check_digest(
    unpacked: Unpacker,
    metadata: DigestMetadata,
    chain: ChainId,
    where: tuple[str, str],
    keys: KeyRing,
) -> DigestCheck:
    """Check the form, location and signature of one digest.

    Args:
        unpacked: the digest's bytes.
        metadata: the object's metadata.
        chain: the chain whose folder the digest is in.
        where: bucket and key; the bucket is empty for a copy that may merge several buckets.
        keys: public keys.

    """
    try:
        sha256 = unpacked.finish()
    except GzipError as error:
        return DigestCheck(Problem(f"digest-{error.flaw}", ""))
    # Megabytes of JSON can take gigabytes once parsed, so a large digest needs a signature first.
    if len(unpacked.body) > _MAX_UNVERIFIED and (
        problem := _check_unparsed(unpacked.body, sha256, metadata, chain, where, keys)
    ):
        return DigestCheck(problem)
    try:
        digest = parse(unpacked.body)
    except MalformedError as error:
        return DigestCheck(Problem("digest-malformed", str(error)))
    if problem := _check_location(digest, chain, where) or _check_algorithms(digest, metadata):
        return DigestCheck(problem)
    previous = digest.previous.signature if digest.previous else "null"
    signed = data_to_sign(digest.end_text, digest.bucket, digest.key, sha256, previous)
    problem = _check_signature(digest.fingerprint, signed, metadata.signature or "", chain, keys)
    if problem:
        return DigestCheck(problem)
    signer = keys.key_sha256(chain.region, digest.fingerprint)
    return DigestCheck(None, digest, sha256, metadata.signature or "", signer)


def _check_unparsed(
    body: bytearray,
    sha256: str,
    metadata: DigestMetadata,
    chain: ChainId,
    where: tuple[str, str],
    keys: KeyRing,
) -> Problem | None:
    """Check the signature of a large digest before it is parsed."""
    if problem := _check_metadata(metadata):
        return problem
    found = find_signed_fields(body)
    if found is None:
        return Problem("digest-malformed", "lacks a field, and is too large to be looked into")
    end, bucket, fingerprint, previous = found
    signed = data_to_sign(end, where[0] or bucket, where[1], sha256, previous)
    return _check_signature(fingerprint, signed, metadata.signature or "", chain, keys)


def _check_location(digest: DigestFile, chain: ChainId, where: tuple[str, str]) -> Problem | None:
    if (digest.bucket if where[0] else "", digest.key) != where:
        return Problem("digest-moved", f"was written to s3://{digest.bucket}/{digest.key}")
    if digest.account != chain.account:
        return Problem("digest-wrong-account", f"is of account {digest.account}")
    return None


def _check_metadata(metadata: DigestMetadata) -> Problem | None:
    if metadata.lost:
        return Problem("metadata-unavailable", "its metadata is not in the copy")
    if metadata.signature is None or metadata.algorithm is None:
        return Problem("digest-unsigned", "its metadata holds no signature")
    return None


def _check_algorithms(digest: DigestFile, metadata: DigestMetadata) -> Problem | None:
    if problem := _check_metadata(metadata):
        return problem
    for algorithm in (metadata.algorithm, digest.algorithm):
        if algorithm != ALGORITHM:
            return Problem("digest-algorithm", f"says {algorithm!r} where {ALGORITHM} is due")
    previous_algorithm = digest.previous.algorithm if digest.previous else HASH
    if previous_algorithm != HASH:
        return Problem(
            "digest-algorithm", f"hashes the one before by {previous_algorithm!r}, not {HASH}"
        )
    return None


def _check_signature(
    fingerprint: str, signed: bytes, signature: str, chain: ChainId, keys: KeyRing
) -> Problem | None:
    unavailable = keys.errors.get(chain.region)
    if chain.region not in keys:
        reason, step = unavailable or ("no key of this region", "")
        return Problem("keys-unavailable", reason, step)
    key = keys.find(chain.region, fingerprint)
    if key is None and unavailable:
        return Problem("keys-unavailable", *unavailable)
    if key is None:
        reason = f"key {fingerprint[:40]} is none of CloudTrail's in {chain.region}"
        return Problem("digest-unknown-key", reason)
    if not is_signature_valid(key, signature, signed):
        return Problem("digest-signature", "its signature is not CloudTrail's")
    return None
