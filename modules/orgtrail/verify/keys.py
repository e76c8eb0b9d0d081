"""The public keys of CloudTrail: by region, looked up by fingerprint."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from orgtrail.errors import OrgtrailError, reason

_MAX_BYTES = 32 << 20
"""Size limit for a file of public keys; all regions over ten years take less than 4 MB."""
_UPDATE_STEP = "look for a newer version of orgtrail, or give --public-keys"


@dataclass(slots=True)
class KeyRing:
    """Public keys by region.

    Attributes:
        regions: by region, the DER bytes of each key by fingerprint.
        errors: by region, why keys are missing, and what to do about it.

    """

    regions: dict[str, dict[str, bytes]] = field(default_factory=dict)
    errors: dict[str, tuple[str, str]] = field(default_factory=dict)

    def add(self, region: str, answer: Iterable[Any]) -> None:
        """Add the `PublicKeyList` of a region's ListPublicKeys response.

        The fingerprint (MD5 of the DER bytes) is computed here rather than taken from the response.
        Values that are not RSA keys are skipped and noted in `errors`; so is an empty list.
        https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_PublicKey.html
        """
        ring: dict[str, bytes] = {}
        invalid = []
        for number, each in enumerate(answer, start=1):
            value = each.get("Value") if isinstance(each, dict) else None
            try:
                der = (
                    value
                    if isinstance(value, bytes)
                    else base64.b64decode(value or "", validate=True)
                )
                key = load_public_key(der)
            except (TypeError, ValueError, binascii.Error, UnsupportedAlgorithm):
                name = each.get("Fingerprint") if isinstance(each, dict) else None
                invalid.append(str(name)[:40] if name else f"number {number}")
                continue
            ring[fingerprint(der)] = der
            # AWS's samples show keys in both encodings; the fingerprint is of PKCS#1.
            ring[fingerprint(_pkcs1(key))] = der
        if ring:
            self.regions.setdefault(region, {}).update(ring)
        if invalid:
            reason = f"of the public keys of {region}, {', '.join(invalid)}: a Value is no RSA key"
            self.errors[region] = (reason, _UPDATE_STEP)
        elif not ring:
            self.errors[region] = (
                f"ListPublicKeys names no key of {region}", "run again later, or give --public-keys"
            )  # fmt: skip

    def update(self, other: KeyRing) -> None:
        """Add the keys and errors of another ring."""
        self.regions |= other.regions
        self.errors |= other.errors

    def __contains__(self, region: str) -> bool:
        """Return whether there are keys of a region."""
        return region in self.regions

    def find(self, region: str, fingerprint: str) -> rsa.RSAPublicKey | None:
        """Return a region's key by fingerprint; None if there is none."""
        der = self.regions.get(region, {}).get(fingerprint)
        return load_public_key(der) if der is not None else None

    def key_sha256(self, region: str, fingerprint: str) -> str:
        """Return the SHA-256 of a key, which identifies it; empty for an unknown fingerprint."""
        der = self.regions.get(region, {}).get(fingerprint)
        return _key_sha256(der) if der is not None else ""

    def has_key(self, region: str, key_sha256: str) -> bool:
        """Return whether a region has the key with a SHA-256."""
        return any(_key_sha256(der) == key_sha256 for der in self.regions.get(region, {}).values())


def read_key_file(path: Path) -> KeyRing:
    """Read a file of ListPublicKeys responses by region.

    Args:
        path: JSON, `{"us-east-1": {"PublicKeyList": [{"Value": ...}]}}`.

    Raises:
        OrgtrailError: the file cannot be read, or does not have that form.

    """
    try:
        # The path may be a pipe that never ends.
        with path.open("rb") as file:
            text = file.read(_MAX_BYTES + 1)
        if len(text) > _MAX_BYTES:
            raise OrgtrailError(f"{path}: cannot be read: is larger than {_MAX_BYTES} bytes")
        raw = json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise OrgtrailError(f"{path}: cannot be read: {reason(error)}") from None
    ring = KeyRing()
    try:
        for region, answer in raw.items():
            ring.add(region, answer["PublicKeyList"])
            if region not in ring:
                raise OrgtrailError(f"{path}: {ring.errors[region][0]}")
    except (AttributeError, KeyError, TypeError):
        raise OrgtrailError(
            f'{path}: must be answers of ListPublicKeys by region, {{"us-east-1": '
            '{"PublicKeyList": [...]}}; see docs/integrity.md'
        ) from None
    return ring


@lru_cache(maxsize=1024)
def load_public_key(der: bytes) -> rsa.RSAPublicKey:
    """Load an RSA public key in PKCS#1 or SubjectPublicKeyInfo (DER).

    Raises:
        ValueError: it has neither encoding, or is not an RSA key.

    """
    key = serialization.load_der_public_key(der)
    if not isinstance(key, rsa.RSAPublicKey):
        raise ValueError("not RSA")  # noqa: TRY004
    return key


def fingerprint(der: bytes) -> str:
    """Return the fingerprint by which CloudTrail identifies a key."""
    return hashlib.md5(der, usedforsecurity=False).hexdigest()


@lru_cache(maxsize=1024)
def _key_sha256(der: bytes) -> str:
    return hashlib.sha256(_pkcs1(load_public_key(der))).hexdigest()


def _pkcs1(key: rsa.RSAPublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)
