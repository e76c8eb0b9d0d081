"""The public keys that CloudTrail signs digests with: by region, found by their fingerprint."""

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

from orgtrail.settings.faults import OrgtrailError


@dataclass(slots=True)
class KeyRing:
    """Keys of all regions that were asked.

    Attributes:
        regions: DER bytes of each key by fingerprint, by region.
        denied: why a region's keys could not be had.

    """

    regions: dict[str, dict[str, bytes]] = field(default_factory=dict)
    denied: dict[str, str] = field(default_factory=dict)

    def add(self, region: str, answer: Iterable[dict[str, Any]]) -> None:
        """Take the `PublicKeyList` of a region's ListPublicKeys.

        The fingerprint is computed here (the MD5 of the DER bytes), never believed.

        Raises:
            OrgtrailError: a value is no RSA key.

        """
        ring = self.regions.setdefault(region, {})
        for each in answer:
            value = each.get("Value") if isinstance(each, dict) else None
            try:
                der = (
                    value
                    if isinstance(value, bytes)
                    else base64.b64decode(value or "", validate=True)
                )
                key = load(der)
            except (TypeError, ValueError, binascii.Error, UnsupportedAlgorithm):
                raise OrgtrailError(f"public keys of {region}: a Value is no RSA key") from None
            ring[fingerprint(der)] = der
            # AWS's own samples show keys in both encodings; the fingerprint is of PKCS#1.
            ring[fingerprint(_pkcs1(key))] = der

    def take(self, other: KeyRing) -> None:
        """Take the keys of another ring, too."""
        self.regions |= other.regions

    def __contains__(self, region: str) -> bool:
        """Tell whether a region's keys are known."""
        return region in self.regions

    def find(self, region: str, fingerprint: str) -> rsa.RSAPublicKey | None:
        """Return a key, or None where the region has none of this fingerprint."""
        der = self.regions.get(region, {}).get(fingerprint)
        return load(der) if der is not None else None


def read(path: Path) -> KeyRing:
    """Read a file of answers of ListPublicKeys by region.

    Args:
        path: JSON, `{"us-east-1": {"PublicKeyList": [{"Value": ...}]}}`.

    Raises:
        OrgtrailError: it cannot be read, or is not of that form.

    """
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise OrgtrailError(f"{path}: cannot be read: {error}") from None
    ring = KeyRing()
    try:
        for region, answer in raw.items():
            ring.add(region, answer["PublicKeyList"])
    except (AttributeError, KeyError, TypeError):
        raise OrgtrailError(
            f'{path}: must be answers of ListPublicKeys by region, {{"us-east-1": '
            '{"PublicKeyList": [...]}}; see docs/integrity.md'
        ) from None
    except OrgtrailError as error:
        raise OrgtrailError(f"{path}: {error}") from None
    return ring


@lru_cache(maxsize=1024)
def load(der: bytes) -> rsa.RSAPublicKey:
    """Read a key in PKCS#1 or SubjectPublicKeyInfo.

    Raises:
        ValueError: it is neither, or not RSA.

    """
    key = serialization.load_der_public_key(der)
    if not isinstance(key, rsa.RSAPublicKey):
        raise ValueError("not RSA")  # noqa: TRY004
    return key


def fingerprint(der: bytes) -> str:
    """Return CloudTrail's name of a key."""
    return hashlib.md5(der, usedforsecurity=False).hexdigest()


def _pkcs1(key: rsa.RSAPublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)
