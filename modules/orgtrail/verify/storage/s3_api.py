"""The S3 API: addresses of buckets, as boto3 would choose them, and XML responses."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_plus, urlsplit
from xml.etree import ElementTree as ET

from orgtrail.verify.storage.store import ListedObject, ObjectVersion

_BUCKET, _DOTTED, _KEY = "orgtrail-bucket", "orgtrail.bucket", "orgtrail-key"
_NEIGHBOUR = {"us-east-1": "us-east-2"}
"""Hosts of us-east-1 may omit the region, so the pattern is taken from another region."""


@dataclass(frozen=True, slots=True)
class S3Address:
    """Scheme, host, path before the key, and the region to sign for."""

    scheme: str
    host: str
    path: str
    region: str


@dataclass(slots=True)
class S3Addresses:
    """Patterns of bucket addresses, to avoid a boto3 client per bucket.

    Attributes:
        plain: scheme, host and path, with `{bucket}` and `{region}`.
        dotted: the same for names with dots, which certificates do not cover as host names.
        region: region of buckets that are not in `known`.
        known: regions of buckets, as S3 reported them.

    """

    plain: tuple[str, str, str]
    dotted: tuple[str, str, str]
    region: str
    known: dict[str, str] = field(default_factory=dict)

    @classmethod
    def from_session(cls, session: Any, region: str) -> S3Addresses:
        """Get the patterns from a boto3 session, including the endpoints the user configured."""
        pattern_region = _NEIGHBOUR.get(region, region)
        client = session.client("s3", region_name=pattern_region)
        client.meta.events.register("before-sign.s3", _stop)

        def pattern(bucket: str) -> tuple[str, str, str]:
            parts = urlsplit(_url(client, bucket))
            host = parts.netloc.replace(bucket, "{bucket}").replace(pattern_region, "{region}")
            path = parts.path.removesuffix(_KEY).replace(bucket, "{bucket}")
            return parts.scheme, host, path

        return cls(pattern(_BUCKET), pattern(_DOTTED), region)

    def of(self, bucket: str) -> S3Address:
        """Return the address of a bucket."""
        region = self.known.get(bucket, self.region)
        scheme, host, path = self.dotted if "." in bucket else self.plain
        return S3Address(
            scheme,
            host.format(bucket=bucket, region=region),
            path.format(bucket=bucket, region=region),
            region,
        )

    def learn(self, bucket: str, region: str) -> bool:
        """Remember a bucket's region; return whether it is new."""
        if not region or self.known.get(bucket, self.region) == region:
            return False
        self.known[bucket] = region
        return True


class _Stopped(Exception):  # noqa: N818  # it carries the address out of boto3
    """Stops a request before boto3 sends it."""


def _stop(request: Any, **_: object) -> None:
    raise _Stopped(request.url)


def _url(client: Any, bucket: str) -> str:
    """Return the URL boto3 would use for an object, without sending a request."""
    try:
        client.head_object(Bucket=bucket, Key=_KEY)
    except _Stopped as stopped:
        return str(stopped)
    raise AssertionError("a request was sent")


@dataclass(frozen=True, slots=True)
class ObjectsPage:
    """A page of a listing; `token` requests the next page, and is empty on the last."""

    objects: list[ListedObject]
    folders: list[str]
    token: str


class InvalidResponseError(Exception):
    """The response is not a valid S3 response."""


def parse_objects_page(text: bytes) -> ObjectsPage:
    """Parse a response of ListObjectsV2 with `encoding-type=url`.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html

    Raises:
        InvalidResponseError: it is not valid, or truncated without a token for the rest.

    """
    root = _root(text, "ListBucketResult")
    objects, folders = [], []
    for each in root:
        match _name(each):
            case "Contents":
                fields = _fields(each)
                objects.append(
                    ListedObject(
                        _key(fields, "Key"),
                        _size(fields.get("Size", "")),
                        fields.get("ETag", "").strip('"'),
                        fields.get("LastModified", ""),
                    )
                )
            case "CommonPrefixes":
                folders.append(_key(_fields(each), "Prefix"))
    return ObjectsPage(objects, folders, _next(root, "NextContinuationToken"))


def _key(fields: dict[str, str], name: str) -> str:
    """Return a decoded key; S3 encodes keys like form data, with a space as `+`."""
    if name not in fields:
        raise InvalidResponseError(f"an entry of the listing has no {name}")
    return unquote_plus(fields[name])


def _size(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise InvalidResponseError(f"a Size of the listing is no number: {text[:40]!r}")
    return int(text)


def _next(root: ET.Element, name: str) -> str:
    """Return the token for the next page; empty on the last page."""
    fields = _fields(root)
    truncated, token = fields.get("IsTruncated", ""), fields.get(name, "")
    if truncated not in {"true", "false"}:
        raise InvalidResponseError("the listing does not say whether it is whole")
    if truncated == "true" and not token:
        raise InvalidResponseError("the listing is cut off, with no token for the rest")
    return token if truncated == "true" else ""


def parse_version_folders(
    text: bytes, prefix: str
) -> tuple[frozenset[str], tuple[str, str] | None]:
    """Parse a response of ListObjectVersions with a delimiter.

    Returns the folders that have any version, and the markers for the next page, if there is one.
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html

    Raises:
        InvalidResponseError: it is not valid, or truncated without markers for the rest.

    """
    root = _root(text, "ListVersionsResult")
    found = set()
    for each in root:
        match _name(each):
            case "CommonPrefixes":
                key = _key(_fields(each), "Prefix")
            case "Version" | "DeleteMarker":
                key = _key(_fields(each), "Key")
            case _:
                continue
        folder, mark, _ = key.removeprefix(prefix).partition("/")
        if mark and key.startswith(prefix):
            found.add(folder)
    fields = _fields(root)
    if fields.get("IsTruncated", "false") != "true":
        return frozenset(found), None
    key, version = _next(root, "NextKeyMarker"), fields.get("NextVersionIdMarker", "")
    return frozenset(found), (unquote_plus(key), version)


def parse_versions(text: bytes, key: str) -> list[ObjectVersion]:
    """Parse a response of ListObjectVersions: the versions of one key.

    Raises:
        InvalidResponseError: it is not valid.

    """
    found = []
    for each in _root(text, "ListVersionsResult"):
        kind, fields = _name(each), _fields(each)
        if kind in {"Version", "DeleteMarker"} and unquote_plus(fields.get("Key", "")) == key:
            found.append(
                ObjectVersion(
                    fields.get("VersionId", ""),
                    fields.get("IsLatest") == "true",
                    kind == "DeleteMarker",
                )
            )
    return found


def parse_error(text: bytes) -> tuple[str, str]:
    """Return code and message of an error response; empty if the body is not from S3."""
    try:
        fields = _fields(_root(text, "Error"))
    except InvalidResponseError:
        return "", ""
    return fields.get("Code", ""), fields.get("Message", "")


def _root(text: bytes, name: str) -> ET.Element:
    try:
        root = ET.fromstring(text)  # noqa: S314  # expat limits entity expansion
    except (ET.ParseError, LookupError, ValueError):
        # `LookupError` and `ValueError` are raised for unknown encodings.
        raise InvalidResponseError(f"no XML where {name} was due") from None
    if _name(root) != name:
        raise InvalidResponseError(f"{_name(root)[:40]} where {name} was due")
    return root


def _name(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _fields(element: ET.Element) -> dict[str, str]:
    return {_name(each): each.text or "" for each in element}
