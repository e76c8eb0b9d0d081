"""Log files and digests of made-up records, as CloudTrail delivers them.

The format of digests is that of
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from orgtrail.logs.bounds import stamp
from orgtrail.sample.records import Event
from orgtrail.verify.digest import ALGORITHM, HASH

_SLOT = 300
"""Seconds that one file covers."""
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_TWICE = 0.01
"""Share of files that are delivered again under another name."""


@dataclass(frozen=True, slots=True)
class DeliveredFile:
    """A log file on its way into the archive.

    Attributes:
        at: when it is delivered.
        account: the account.
        region: where it was recorded.
        name: the end of its key, from the account's folder.
        events: its records' times, oldest first.
        body: its bytes, uncompressed.

    """

    at: datetime
    account: str
    region: str
    name: str
    events: list[datetime]
    body: bytes

    def packed(self) -> bytes:
        """Return the compressed bytes."""
        return gzip.compress(self.body, 6, mtime=0)


def deliver(
    events: Iterable[Event], rng: random.Random, until: datetime
) -> Iterator[DeliveredFile]:
    """Yield files of records in order of delivery; those delivered after the end are left out."""
    slots: dict[tuple[datetime, str, str], list[Event]] = defaultdict(list)
    for event in events:
        seconds = event.at.timestamp() + event.late
        slot = datetime.fromtimestamp(seconds // _SLOT * _SLOT + _SLOT, tz=until.tzinfo)
        slots[slot, event.account, event.region].append(event)
    for (slot, account, region), inside in sorted(slots.items(), key=lambda each: each[0]):
        inside.sort(key=lambda each: each.at)
        body = json.dumps(
            {"Records": [each.record for each in inside]}, separators=(",", ":")
        ).encode()
        copies = 2 if rng.random() < _TWICE else 1
        for copy in range(copies):
            at = slot + timedelta(seconds=rng.randrange(20, 280) + copy * 300)
            if at < until:
                name = _name(account, region, at, rng)
                times = [each.at for each in inside]
                yield DeliveredFile(at, account, region, name, times, body)


def _name(account: str, region: str, at: datetime, rng: random.Random) -> str:
    tail = "".join(rng.choices(_LETTERS, k=16))
    file = f"{account}_CloudTrail_{region}_{at:%Y%m%dT%H%MZ}_{tail}.json.gz"
    return f"{account}/CloudTrail/{region}/{at:%Y/%m/%d}/{file}"


_HOUR = timedelta(hours=1)


class SigningKey:
    """The key of one region.

    Args:
        begin: when it becomes valid.

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
class SampleDigest:
    """A digest file: bucket and key, its compressed bytes and its signature."""

    bucket: str
    key: str
    data: bytes
    signature: str

    @property
    def value(self) -> str:
        """The SHA-256 of its uncompressed content."""
        return hashlib.sha256(gzip.decompress(self.data)).hexdigest()


@dataclass(frozen=True, slots=True)
class SampleChain:
    """The digests of one account and region.

    Attributes:
        account: the account.
        region: the region.
        trail: the trail's name.
        home: its home region.
        bucket: the archive bucket.
        prefix: the key prefix up to the account.
        suffix: the end of the names, before `.json.gz`.

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
        files: list[tuple[DeliveredFile, str]],
        start: datetime,
        until: datetime,
        key: SigningKey,
        before: SampleDigest | None = None,
    ) -> Iterator[SampleDigest]:
        """Yield a digest for each hour.

        Args:
            files: log files and the SHA-256 of each, in order of delivery.
            start: when the first digest begins.
            until: when the last one has ended.
            key: signs them.
            before: the digest before the first of them; None to start a chain, whose first digest
                `starting` creates as CloudTrail does.

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
            before = SampleDigest(self.bucket, name, gzip.compress(body, 6, mtime=0), signature)
            yield before
            begin = end

    def starting(self, start: datetime, key: SigningKey) -> SampleDigest:
        """Create the first digest of a chain: empty, for the hour before logging started.

        Args:
            start: when logging started.
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
        files: list[tuple[DeliveredFile, str]],
        begin: datetime,
        end: datetime,
        name: str,
        before: SampleDigest | None,
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
