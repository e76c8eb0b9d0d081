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

from orgtrail.errors import OrgtrailError

_LARGEST = 32 << 20
"""Bytes of a file of public keys; those of all regions over ten years take less than 4 MB."""
_NEWER = "look for a newer version of orgtrail, or give --public-keys"


@dataclass(slots=True)
class KeyRing:
    """Keys of all regions that were asked.

    Attributes:
        regions: DER bytes of each key by fingerprint, by region.
        denied: why a region's keys, or some of them, could not be had, and what to do.

    """

    regions: dict[str, dict[str, bytes]] = field(default_factory=dict)
    denied: dict[str, tuple[str, str]] = field(default_factory=dict)

    def add(self, region: str, answer: Iterable[Any]) -> None:
        """Take the `PublicKeyList` of a region's ListPublicKeys.

        The fingerprint is computed here (the MD5 of the DER bytes), never believed. What is no RSA
        key is left out and named in `denied`; so is a list without a key.
        """
        ring: dict[str, bytes] = {}
        odd = []
        for number, each in enumerate(answer, start=1):
            value = each.get("Value") if isinstance(each, dict) else None
            try:
                der = (
                    value
                    if isinstance(value, bytes)
                    else base64.b64decode(value or "", validate=True)
                )
                key = load(der)
            except (TypeError, ValueError, binascii.Error, UnsupportedAlgorithm):
                named = each.get("Fingerprint") if isinstance(each, dict) else None
                odd.append(str(named)[:40] if named else f"number {number}")
                continue
            ring[fingerprint(der)] = der
            # AWS's own samples show keys in both encodings; the fingerprint is of PKCS#1.
            ring[fingerprint(_pkcs1(key))] = der
        if ring:
            self.regions.setdefault(region, {}).update(ring)
        if odd:
            told = f"of the public keys of {region}, {', '.join(odd)}: a Value is no RSA key"
            self.denied[region] = (told, _NEWER)
        elif not ring:
            self.denied[region] = (
                f"ListPublicKeys names no key of {region}", "run again later, or give --public-keys"
            )  # fmt: skip

    def take(self, other: KeyRing) -> None:
        """Take the keys of another ring, too."""
        self.regions |= other.regions
        self.denied |= other.denied

    def __contains__(self, region: str) -> bool:
        """Tell whether a region's keys are known."""
        return region in self.regions

    def find(self, region: str, fingerprint: str) -> rsa.RSAPublicKey | None:
        """Return a key, or None where the region has none of this fingerprint."""
        der = self.regions.get(region, {}).get(fingerprint)
        return load(der) if der is not None else None

    def identity(self, region: str, fingerprint: str) -> str:
        """Return what no other key has: the SHA-256 of a key's bytes; empty for one not known."""
        der = self.regions.get(region, {}).get(fingerprint)
        return _identity(der) if der is not None else ""

    def has(self, region: str, identity: str) -> bool:
        """Tell whether a region has the key of an identity."""
        return any(_identity(der) == identity for der in self.regions.get(region, {}).values())


def read(path: Path) -> KeyRing:
    """Read a file of answers of ListPublicKeys by region.

    Args:
        path: JSON, `{"us-east-1": {"PublicKeyList": [{"Value": ...}]}}`.

    Raises:
        OrgtrailError: it cannot be read, or is not of that form.

    """
    try:
        # It may be a pipe, and one without an end.
        with path.open("rb") as file:
            text = file.read(_LARGEST + 1)
        if len(text) > _LARGEST:
            raise OrgtrailError(f"{path}: cannot be read: is larger than {_LARGEST} bytes")
        raw = json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise OrgtrailError(f"{path}: cannot be read: {error}") from None
    ring = KeyRing()
    try:
        for region, answer in raw.items():
            ring.add(region, answer["PublicKeyList"])
            if region not in ring:
                raise OrgtrailError(f"{path}: {ring.denied[region][0]}")
    except (AttributeError, KeyError, TypeError):
        raise OrgtrailError(
            f'{path}: must be answers of ListPublicKeys by region, {{"us-east-1": '
            '{"PublicKeyList": [...]}}; see docs/integrity.md'
        ) from None
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


@lru_cache(maxsize=1024)
def _identity(der: bytes) -> str:
    return hashlib.sha256(_pkcs1(load(der))).hexdigest()


def _pkcs1(key: rsa.RSAPublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)
