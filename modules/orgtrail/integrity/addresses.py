"""Where S3 answers for a bucket: the address that boto3 would use, and the bucket's region."""

from __future__ import annotations

from dataclasses import dataclass, field
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
    def from_client(cls, session: object, region: str) -> Addresses:
        """Learn the patterns from a boto3 session, with all that its user configured."""
        asked = _ELSEWHERE.get(region, region)
        client = session.client("s3", region_name=asked)  # type: ignore[attr-defined]

        def pattern(bucket: str) -> tuple[str, str, str]:
            url = client.generate_presigned_url(
                "get_object", Params={"Bucket": bucket, "Key": _KEY}
            )
            parts = urlsplit(url)
            path = parts.path.removesuffix(_KEY)
            words = (parts.scheme, parts.netloc, path)
            return (
                words[0],
                words[1].replace(bucket, "{bucket}").replace(asked, "{region}"),
                words[2].replace(bucket, "{bucket}"),
            )

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
