"""What AWS takes for a tag, so that one set of tags fits every resource of the stack."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

from orgtrail.settings.types import Rule

MOST = 50
"""Tags of one resource. The stack adds none of its own to those of `tags`.
https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html"""
KEY_LENGTH = 128
VALUE_LENGTH = 256
_SIGNS = frozenset("_.:/=+-@")
_KINDS = ("L", "N", "Zs")
"""Letters, numbers and spaces of any script, by their category in Unicode.

AWS has `[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]`
(https://docs.aws.amazon.com/IAM/latest/APIReference/API_Tag.html, CloudTrail's AddTags alike); of
its spaces we leave out the separators of lines and paragraphs."""


def _is_plain(text: str) -> bool:
    return all(each in _SIGNS or unicodedata.category(each).startswith(_KINDS) for each in text)


def _is_reserved(text: str) -> bool:
    """Tell whether a text has the prefix that AWS keeps for itself, in any case of its letters."""
    return text.lower().startswith("aws:")


def _is_key(text: str) -> bool:
    return 1 <= len(text) <= KEY_LENGTH and _is_plain(text) and not _is_reserved(text)


def _is_value(text: str) -> bool:
    return len(text) <= VALUE_LENGTH and _is_plain(text) and not _is_reserved(text)


_FORM = "letters, digits, spaces or _ . : / = + - @, and not begin with aws:"
KEY = Rule(f"must have a key of 1 to {KEY_LENGTH} {_FORM}", _is_key)
VALUE = Rule(f"must have a value of at most {VALUE_LENGTH} {_FORM}", _is_value)
"""AWS keeps `aws:` in values for itself too, if only some of its services say so.
https://docs.aws.amazon.com/batch/latest/userguide/tag-restrictions.html"""

Tags = Annotated[dict[Annotated[str, KEY], Annotated[str, VALUE]], Field(max_length=MOST)]


def twins(keys: Iterable[str]) -> dict[str, str]:
    """Return each key that differs from an earlier one by case alone, with that one.

    IAM takes `Department` and `department` for one key, and refuses to make a role with both.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html
    """
    first: dict[str, str] = {}
    found = {key: first.setdefault(key.casefold(), key) for key in keys}
    return {key: earlier for key, earlier in found.items() if key != earlier}
