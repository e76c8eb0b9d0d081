"""A small archive behind the stand-in, made by the sample's own signer, to damage in tests."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from orgtrail.sample.files import DeliveredFile, SampleChain, SampleDigest, SigningKey
from orgtrail.verify.names import VerifiedTrail
from orgtrail.verify.request import VerifyRequest
from orgtrail.verify.result import ChainResult as Verified
from orgtrail.verify.result import Result
from orgtrail.verify.run import verify

from tests.standin import World

BEGIN = datetime(2026, 3, 10, 18, 20, 5, tzinfo=UTC)
"""The chains' first digest begins here, so that they cross midnight."""
HOUR = timedelta(hours=1)
BUCKET = "example-bank-archive"
ORGANIZATION = "o-examplebank"
ARN = "arn:aws:cloudtrail:us-east-1:111111111111:trail/organization"
ACCOUNT, OTHER = "111111111111", "333333333333"


def signing_key(region: str, number: int = 0) -> SigningKey:
    """Return a region's key; making one takes a while."""
    return _signing_key(region, number)


@cache
def _signing_key(region: str, number: int) -> SigningKey:
    del region, number
    return SigningKey(BEGIN)


@dataclass
class Archive:
    """Chains of some accounts and regions, of twelve hours with some log files each.

    Attributes:
        world: what the stand-in serves.
        prefix: the trail's key prefix.

    """

    world: World = field(default_factory=World)
    prefix: str = ""
    bucket: str = BUCKET

    @property
    def root(self) -> str:
        """The key prefix above the accounts."""
        return f"{self.prefix}/AWSLogs/{ORGANIZATION}/".lstrip("/")

    @property
    def trail(self) -> VerifiedTrail:
        """What is verified."""
        return VerifiedTrail.of(ARN, self.bucket, ORGANIZATION, self.prefix)

    def chain(self, account: str, region: str, suffix: str = "") -> SampleChain:
        """Return what makes a chain's digests."""
        return SampleChain(
            account, region, "organization", "us-east-1", self.bucket, self.root, suffix
        )

    def logs(
        self, account: str, region: str, start: datetime, until: datetime, salt: str = ""
    ) -> list[tuple[DeliveredFile, str]]:
        """Make three log files an hour, none in each fifth."""
        made = []
        number = 0
        at = start + timedelta(minutes=3)
        while at < until:
            number += 1
            if number // 3 % 5 != 4:
                body = json.dumps({"Records": [{"eventID": f"{account}{region}{at}{salt}" * 9}]})
                data = body.encode()
                unique = hashlib.sha256(data).hexdigest()[:16]
                name = (
                    f"{account}/CloudTrail/{region}/{at:%Y/%m/%d}/"
                    f"{account}_CloudTrail_{region}_{at:%Y%m%dT%H%MZ}_{unique}.json.gz"
                )
                packed = gzip.compress(data, mtime=0)
                self.world.put(self.bucket, f"{self.root}{name}", packed)
                file = DeliveredFile(at, account, region, name, [at, at], data)
                made.append((file, hashlib.sha256(data).hexdigest()))
            at += timedelta(minutes=19)
        return made

    def write(
        self,
        account: str = ACCOUNT,
        region: str = "us-east-1",
        start: datetime = BEGIN,
        hours: int = 12,
        before: SampleDigest | None = None,
        key: int = 0,
    ) -> list[SampleDigest]:
        """Write hours of a chain, log files and digests; return the digests.

        A new chain begins as CloudTrail begins one: its first digest is of the hour before, is
        empty, and is not among those that are returned.
        """
        until = start + hours * HOUR
        files = self.logs(account, region, start, until)
        signer = signing_key(region, key)
        chain = self.chain(account, region)
        if before is None:
            before = chain.starting(start, signer)
            self.put(before)
        digests = [*chain.digests(files, start, until, signer, before)]
        for each in digests:
            self.put(each)
        known = self.world.keys.setdefault(region, [])
        if signer.public not in known:
            known.append(signer.public)
        return digests

    def put(self, digest: SampleDigest, **metadata: str | None) -> None:
        """Write a digest object, with other metadata if given."""
        kept = {"signature": digest.signature, "signature-algorithm": "SHA256withRSA"}
        changed = {**kept, **{name.replace("_", "-"): text for name, text in metadata.items()}}
        self.world.put(
            digest.bucket,
            digest.key,
            digest.data,
            {name: text for name, text in changed.items() if text is not None},
        )

    def data(self, key: str) -> bytes:
        """Return the newest version of an object."""
        data = self.world.buckets[self.bucket][key][-1].data
        assert data is not None
        return data

    def rewrite(self, key: str, data: bytes) -> None:
        """Write other bytes over an object, metadata kept."""
        metadata = self.world.buckets[self.bucket][key][-1].metadata
        self.world.put(self.bucket, key, data, metadata)

    def request(self, **changes: Any) -> VerifyRequest:
        """Return what asks for the eleven hours that the digests wholly cover."""
        since = changes.pop("since", BEGIN + timedelta(minutes=10))
        until = changes.pop("until", BEGIN + 11 * HOUR + timedelta(minutes=30))
        return VerifyRequest(self.trail, since, until, **({"processes": 1} | changes))

    def verified(self, **changes: Any) -> Result:
        """Verify it."""
        result = Result()
        for event in verify(self.request(**changes)):
            result.add(event)
        return result

    def chains(self, **changes: Any) -> Iterator[Verified]:
        """Verify it, chain by chain."""
        return (each for each in verify(self.request(**changes)) if isinstance(each, Verified))


def named(digest: SampleDigest) -> list[str]:
    """Return the keys of the log files that a digest names."""
    body = json.loads(gzip.decompress(digest.data))
    return [each["s3Object"] for each in body["logFiles"]]


def kinds(result: Result) -> dict[str, int]:
    """Return how many findings there are of each kind."""
    return dict(Counter(each.kind for each in result.findings))
