"""What S3 answers in XML."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote
from xml.etree import ElementTree as ET

from orgtrail.integrity.storage.store import Listed, Version


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a listing; `token` asks for the next one."""

    objects: list[Listed]
    folders: list[str]
    token: str


class OddAnswerError(Exception):
    """The answer is not what S3 gives."""


def page(text: bytes) -> Page:
    """Read an answer of ListObjectsV2 with `encoding-type=url`.

    Raises:
        OddAnswerError: it is none.

    """
    root = _root(text, "ListBucketResult")
    objects, folders, token = [], [], ""
    for each in root:
        match _name(each):
            case "Contents":
                fields = _fields(each)
                objects.append(
                    Listed(
                        unquote(fields.get("Key", "")),
                        int(fields.get("Size", "0")),
                        fields.get("ETag", "").strip('"'),
                        fields.get("LastModified", ""),
                    )
                )
            case "CommonPrefixes":
                folders.append(unquote(_fields(each).get("Prefix", "")))
            case "NextContinuationToken":
                token = each.text or ""
    return Page(objects, folders, token)


def versions(text: bytes, key: str) -> list[Version]:
    """Read an answer of ListObjectVersions: the versions of one key.

    Raises:
        OddAnswerError: it is none.

    """
    found = []
    for each in _root(text, "ListVersionsResult"):
        kind, fields = _name(each), _fields(each)
        if kind in {"Version", "DeleteMarker"} and unquote(fields.get("Key", "")) == key:
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
    except ET.ParseError:
        raise OddAnswerError(f"no XML where {name} was due") from None
    if _name(root) != name:
        raise OddAnswerError(f"{_name(root)} where {name} was due")
    return root


def _name(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _fields(element: ET.Element) -> dict[str, str]:
    return {_name(each): each.text or "" for each in element}
