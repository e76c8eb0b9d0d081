"""Digest files over made-up log files: hourly chains, signed with keys of their own.

The format is that of
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from orgtrail.integrity.digest import ALGORITHM, HASH
from orgtrail.queries.bounds import stamp
from orgtrail.sample.delivery import Delivered

_HOUR = timedelta(hours=1)


class SigningKey:
    """The key of one region.

    Args:
        begin: from when it is valid, for a month.

    """

    def __init__(self, begin: datetime) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        der = self._key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.PKCS1
        )
        # CloudTrail's fingerprint is an MD5; it protects nothing.
        self.fingerprint = hashlib.md5(der, usedforsecurity=False).hexdigest()
        self.public = {
            "Value": base64.b64encode(der).decode(),
            "ValidityStartTime": stamp(begin - timedelta(days=1)),
            "ValidityEndTime": stamp(begin + timedelta(days=400)),
            "Fingerprint": self.fingerprint,
        }

    def sign(self, text: str) -> str:
        """Return a signature in hexadecimal."""
        return self._key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()).hex()


@dataclass(frozen=True, slots=True)
class Digest:
    """A digest file: bucket and key, its packed bytes and its signature."""

    bucket: str
    key: str
    data: bytes
    signature: str

    @property
    def value(self) -> str:
        """The SHA-256 of it unpacked."""
        return hashlib.sha256(gzip.decompress(self.data)).hexdigest()


@dataclass(frozen=True, slots=True)
class Chain:
    """The digests of one account and region.

    Attributes:
        account: the account.
        region: the region.
        trail: the trail's name.
        home: its home region.
        bucket: the archive bucket.
        prefix: the key prefix up to the account.
        suffix: what ends the names, before `.json.gz`.

    """

    account: str
    region: str
    trail: str
    home: str
    bucket: str
    prefix: str
    suffix: str = ""

    def digests(
        self,
        files: list[tuple[Delivered, str]],
        start: datetime,
        until: datetime,
        key: SigningKey,
        before: Digest | None = None,
    ) -> Iterator[Digest]:
        """Make a digest for each hour.

        Args:
            files: log files and the SHA-256 of each, in order of delivery.
            start: when the first digest begins.
            until: when the last one has ended.
            key: signs them.
            before: the one that the first of them goes on from; None for the first of a chain,
                which `starting` makes as CloudTrail does.

        """
        at = 0
        begin = start
        while begin + _HOUR <= until:
            end = begin + _HOUR
            first = at
            while at < len(files) and files[at][0].at < end:
                at += 1
            name = self._key(end)
            body = self._body(files[first:at], begin, end, name, before, key)
            digest = hashlib.sha256(body).hexdigest()
            last = before.signature if before else "null"
            signed = "\n".join((stamp(end), f"{self.bucket}/{name}", digest, last))
            signature = key.sign(signed)
            before = Digest(self.bucket, name, gzip.compress(body, 6, mtime=0), signature)
            yield before
            begin = end

    def starting(self, start: datetime, key: SigningKey) -> Digest:
        """Make the first digest of a chain: of the hour before logging began, and empty.

        Args:
            start: when logging began.
            key: signs it.

        """
        return next(self.digests([], start - _HOUR, start, key))

    def _key(self, end: datetime) -> str:
        file = (
            f"{self.account}_CloudTrail-Digest_{self.region}_{self.trail}_{self.home}_"
            f"{end:%Y%m%dT%H%M%SZ}{self.suffix}.json.gz"
        )
        return f"{self.prefix}{self.account}/CloudTrail-Digest/{self.region}/{end:%Y/%m/%d}/{file}"

    def _body(
        self,
        files: list[tuple[Delivered, str]],
        begin: datetime,
        end: datetime,
        name: str,
        before: Digest | None,
        key: SigningKey,
    ) -> bytes:
        times = [time for file, _ in files for time in file.events]
        body: dict[str, Any] = {
            "awsAccountId": self.account,
            "digestStartTime": stamp(begin),
            "digestEndTime": stamp(end),
            "digestS3Bucket": self.bucket,
            "digestS3Object": name,
            "digestPublicKeyFingerprint": key.fingerprint,
            "digestSignatureAlgorithm": ALGORITHM,
            "newestEventTime": stamp(max(times)) if times else None,
            "oldestEventTime": stamp(min(times)) if times else None,
            "previousDigestS3Bucket": before.bucket if before else None,
            "previousDigestS3Object": before.key if before else None,
            "previousDigestHashValue": before.value if before else None,
            "previousDigestHashAlgorithm": HASH if before else None,
            "previousDigestSignature": before.signature if before else None,
            "logFiles": [
                {
                    "s3Bucket": self.bucket,
                    "s3Object": f"{self.prefix}{file.name}",
                    "hashValue": value,
                    "hashAlgorithm": HASH,
                    "newestEventTime": stamp(file.events[-1]),
                    "oldestEventTime": stamp(file.events[0]),
                }
                for file, value in files
            ],
        }
        return json.dumps(body, separators=(",", ":")).replace("/", "\\/").encode()
