"""A digest file: its fields, and the text that CloudTrail signs.

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

ALGORITHM = "SHA256withRSA"
"""How digests are signed: RSASSA-PKCS1-v1_5 with SHA-256."""
HASH = "SHA-256"
"""How files are hashed."""

_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)Z", re.ASCII)


class MalformedError(Exception):
    """Why a text is no digest."""


@dataclass(frozen=True, slots=True)
class Named:
    """A log file that a digest names, and the SHA-256 of it unpacked."""

    bucket: str
    key: str
    value: str
    algorithm: str


@dataclass(frozen=True, slots=True)
class Previous:
    """The digest before, as a digest names it."""

    bucket: str
    key: str
    value: str
    algorithm: str
    signature: str


@dataclass(frozen=True, slots=True)
class Digest:
    """A digest's fields; `previous` is None for the first of a chain.

    `end_text` is its end as it is written, which is what was signed.
    """

    account: str
    start: datetime
    end: datetime
    end_text: str
    bucket: str
    key: str
    fingerprint: str
    algorithm: str
    previous: Previous | None
    logs: tuple[Named, ...]


@dataclass(frozen=True, slots=True)
class Seal:
    """What of a digest is needed to check its signature, read without parsing all of it.

    Attributes:
        end_text: its end as it is written.
        bucket: the bucket that it was written to.
        fingerprint: the key that signed it.
        before: the signature of the digest before, or `null`.

    """

    end_text: str
    bucket: str
    fingerprint: str
    before: str


def seal(body: bytes | bytearray) -> Seal | None:
    """Find the fields of a large digest that its signature is made of; None where one is missing.

    What is found is not believed: the signature tells whether the whole body is CloudTrail's, in
    which each of these fields stands once.
    """
    found = [_field(body, name) for name in _SEALED]
    if None in found:
        return None
    end, bucket, fingerprint, before = (each or "null" for each in found)
    return Seal(end, bucket, fingerprint, before)


_SEALED = (
    "digestEndTime",
    "digestS3Bucket",
    "digestPublicKeyFingerprint",
    "previousDigestSignature",
)
_FIELDS = {
    name: re.compile(rb'"' + name.encode() + rb'"\s{0,9}:\s{0,9}(?:null|"([^"\\]{0,2048})")')
    for name in _SEALED
}


def _field(body: bytes | bytearray, name: str) -> str | None:
    match = _FIELDS[name].search(body)
    return (match[1] or b"").decode("latin-1") if match else None


def parse(body: bytes | bytearray) -> Digest:
    """Read a digest.

    Raises:
        MalformedError: it is not JSON, or a field is missing or of another type.

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
    return Digest(
        account=_text(raw, "awsAccountId"),
        start=_time(_text(raw, "digestStartTime")),
        end=_time(end),
        end_text=end,
        bucket=_text(raw, "digestS3Bucket"),
        key=_text(raw, "digestS3Object"),
        fingerprint=_text(raw, "digestPublicKeyFingerprint"),
        algorithm=_text(raw, "digestSignatureAlgorithm"),
        previous=_previous(raw),
        logs=tuple(map(_named, logs)),
    )


def signed_text(digest: Digest, value: str) -> bytes:
    """Return what was signed.

    Args:
        digest: the fields.
        value: the SHA-256 of the digest unpacked, in hexadecimal.

    """
    before = digest.previous.signature if digest.previous else "null"
    return sealed_text(digest.end_text, digest.bucket, digest.key, value, before)


def sealed_text(end: str, bucket: str, key: str, value: str, before: str) -> bytes:
    """Return what is signed of a digest: end, place, SHA-256, and the signature before it."""
    return "\n".join((end, f"{bucket}/{key}", value, before)).encode()


def is_signed(key: rsa.RSAPublicKey, signature: str, text: bytes) -> bool:
    """Tell whether a signature (hexadecimal) is that of a text."""
    try:
        key.verify(bytes.fromhex(signature), text, padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True


def _previous(raw: dict[str, Any]) -> Previous | None:
    names = ("S3Bucket", "S3Object", "HashValue", "HashAlgorithm", "Signature")
    fields = [f"previousDigest{name}" for name in names]
    for name in fields:
        if name not in raw:
            raise MalformedError(f"{name} is missing")
    if all(raw[name] is None for name in fields):
        return None
    return Previous(*(_text(raw, name) for name in fields))


def _named(raw: object) -> Named:
    if not isinstance(raw, dict):
        raise MalformedError("an entry of logFiles is no object")
    names = ("s3Bucket", "s3Object", "hashValue", "hashAlgorithm")
    return Named(*(_text(raw, name) for name in names))


def _text(raw: dict[str, Any], name: str) -> str:
    value = raw.get(name)
    if not isinstance(value, str):
        raise MalformedError(f"{name} is missing or no text")
    if not value.isascii() and any("\ud800" <= each <= "\udfff" for each in value):
        raise MalformedError(f"{name} holds half a character")
    return value


def _time(text: str) -> datetime:
    match = _TIME.fullmatch(text)
    try:
        # strptime takes ten times as long, and there are millions.
        return datetime(*map(int, match.groups()), tzinfo=UTC)  # type: ignore[arg-type,misc,union-attr]
    except (AttributeError, ValueError):
        raise MalformedError(f"{text[:40]!r} is no time") from None
