"""Where S3 answers for a bucket: the address that boto3 would use, and the bucket's region."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

_BUCKET, _DOTTED, _KEY = "orgtrail-bucket", "orgtrail.bucket", "orgtrail-key"
_ELSEWHERE = {"us-east-1": "us-east-2"}
"""The host of us-east-1 may leave out the region; its neighbour's does not."""


@dataclass(frozen=True, slots=True)
class Address:
    """Scheme and host, the path up to the key, and the region to sign for."""

    scheme: str
    host: str
    path: str
    region: str


@dataclass(slots=True)
class Addresses:
    """Addresses of buckets by pattern, so that no client has to be made for each.

    Attributes:
        plain: scheme, host and path, with `{bucket}` and `{region}`.
        dotted: the same for names with dots, which no certificate covers as a host.
        region: of buckets of which nothing else is known.
        known: regions that S3 told.

    """

    plain: tuple[str, str, str]
    dotted: tuple[str, str, str]
    region: str
    known: dict[str, str] = field(default_factory=dict)

    @classmethod
    def from_session(cls, session: Any, region: str) -> Addresses:
        """Learn the patterns from a boto3 session, with all that its user configured."""
        asked = _ELSEWHERE.get(region, region)
        client = session.client("s3", region_name=asked)
        client.meta.events.register("before-sign.s3", _stop)

        def pattern(bucket: str) -> tuple[str, str, str]:
            parts = urlsplit(_url(client, bucket))
            host = parts.netloc.replace(bucket, "{bucket}").replace(asked, "{region}")
            path = parts.path.removesuffix(_KEY).replace(bucket, "{bucket}")
            return parts.scheme, host, path

        return cls(pattern(_BUCKET), pattern(_DOTTED), region)

    def of(self, bucket: str) -> Address:
        """Return the address of a bucket."""
        region = self.known.get(bucket, self.region)
        scheme, host, path = self.dotted if "." in bucket else self.plain
        return Address(
            scheme,
            host.format(bucket=bucket, region=region),
            path.format(bucket=bucket, region=region),
            region,
        )

    def learn(self, bucket: str, region: str) -> bool:
        """Note a bucket's region; tell whether that was news."""
        if not region or self.known.get(bucket, self.region) == region:
            return False
        self.known[bucket] = region
        return True


class _Stopped(Exception):  # noqa: N818  # it is how the address comes out
    """A request was made and not sent."""


def _stop(request: Any, **_: object) -> None:
    raise _Stopped(request.url)


def _url(client: Any, bucket: str) -> str:
    """Return where boto3 would look for an object, without asking."""
    try:
        client.head_object(Bucket=bucket, Key=_KEY)
    except _Stopped as stopped:
        return str(stopped)
    raise AssertionError("a request was sent")
