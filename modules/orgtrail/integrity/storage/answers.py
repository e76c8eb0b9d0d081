"""What S3 answers in XML."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote_plus
from xml.etree import ElementTree as ET

from orgtrail.integrity.storage.store import Listed, Version


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a listing; `token` asks for the next one, and is empty on the last."""

    objects: list[Listed]
    folders: list[str]
    token: str


class OddAnswerError(Exception):
    """The answer is not what S3 gives."""


def page(text: bytes) -> Page:
    """Read an answer of ListObjectsV2 with `encoding-type=url`.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html

    Raises:
        OddAnswerError: it is none, or it is cut off: truncated, and nothing asks for the rest.

    """
    root = _root(text, "ListBucketResult")
    objects, folders = [], []
    for each in root:
        match _name(each):
            case "Contents":
                fields = _fields(each)
                objects.append(
                    Listed(
                        _key(fields, "Key"),
                        _size(fields.get("Size", "")),
                        fields.get("ETag", "").strip('"'),
                        fields.get("LastModified", ""),
                    )
                )
            case "CommonPrefixes":
                folders.append(_key(_fields(each), "Prefix"))
    return Page(objects, folders, _next(root, "NextContinuationToken"))


def _key(fields: dict[str, str], name: str) -> str:
    """Return a key as it is; S3 encodes it as a form does, a space as `+`."""
    if name not in fields:
        raise OddAnswerError(f"an entry of the listing has no {name}")
    return unquote_plus(fields[name])


def _size(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise OddAnswerError(f"a Size of the listing is no number: {text[:40]!r}")
    return int(text)


def _next(root: ET.Element, name: str) -> str:
    """Return what asks for the next page; empty where this is the last."""
    fields = _fields(root)
    truncated, token = fields.get("IsTruncated", ""), fields.get(name, "")
    if truncated not in {"true", "false"}:
        raise OddAnswerError("the listing does not say whether it is whole")
    if truncated == "true" and not token:
        raise OddAnswerError("the listing is cut off, with no token for the rest")
    return token if truncated == "true" else ""


@dataclass(frozen=True, slots=True)
class VersionsPage:
    """A page of the versions below a prefix: the folders it names, and what asks for the next."""

    folders: frozenset[str]
    next: tuple[str, str] | None


def version_folders(text: bytes, prefix: str) -> VersionsPage:
    """Read an answer of ListObjectVersions with a delimiter: folders that hold any version.

    Raises:
        OddAnswerError: it is none, or it is cut off.

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
        return VersionsPage(frozenset(found), None)
    key, version = _next(root, "NextKeyMarker"), fields.get("NextVersionIdMarker", "")
    return VersionsPage(frozenset(found), (unquote_plus(key), version))


def versions(text: bytes, key: str) -> list[Version]:
    """Read an answer of ListObjectVersions: the versions of one key.

    Raises:
        OddAnswerError: it is none.

    """
    found = []
    for each in _root(text, "ListVersionsResult"):
        kind, fields = _name(each), _fields(each)
        if kind in {"Version", "DeleteMarker"} and unquote_plus(fields.get("Key", "")) == key:
            found.append(
                Version(
                    fields.get("VersionId", ""),
                    fields.get("IsLatest") == "true",
                    kind == "DeleteMarker",
                )
            )
    return found


def error(text: bytes) -> tuple[str, str]:
    """Return code and message of a refusal; empty where the body is none of S3's."""
    try:
        fields = _fields(_root(text, "Error"))
    except OddAnswerError:
        return "", ""
    return fields.get("Code", ""), fields.get("Message", "")


def _root(text: bytes, name: str) -> ET.Element:
    try:
        root = ET.fromstring(text)  # noqa: S314  # expat bounds expansion by itself
    except (ET.ParseError, LookupError, ValueError):
        # The last two: an encoding that nobody knows.
        raise OddAnswerError(f"no XML where {name} was due") from None
    if _name(root) != name:
        raise OddAnswerError(f"{_name(root)[:40]} where {name} was due")
    return root


def _name(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _fields(element: ET.Element) -> dict[str, str]:
    return {_name(each): each.text or "" for each in element}
