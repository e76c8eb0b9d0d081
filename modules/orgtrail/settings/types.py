"""The types of setting values, such as ids, names and ARNs, each with its rule in words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, GetCoreSchemaHandler
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from orgtrail.regions import ARN, REGION

T = TypeVar("T")


class Section(BaseModel):
    """A group of settings: strictly typed, immutable, without unknown keys."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


@dataclass(frozen=True, slots=True)
class TextRule:
    """A test of a text, with the rule in words, such as `must be 12 digits in quotes`.

    Args:
        text: the rule in words.
        holds: the test.
        pattern: a pattern for the entire text, in Python and RE2 syntax; empty for other tests.
        never: patterns that no part of the text may match.

    """

    text: str
    holds: Callable[[str], bool]
    pattern: str = ""
    never: tuple[str, ...] = ()

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Run the test after pydantic has checked the type."""
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def _check(self, value: str) -> str:
        if not self.holds(value):
            raise PydanticCustomError("rule", "{rule}", {"rule": self.text})
        return value


def matches(pattern: str, text: str, *never: str) -> TextRule:
    """Build a rule from a pattern for the entire text, and patterns that no part of it may match.

    Patterns have no lookaround, because Terraform also uses them and RE2 has none. As in RE2
    (https://github.com/google/re2/wiki/Syntax), digits and letters are ASCII: AWS accepts no others
    in account ids and names.
    """

    def holds(value: str) -> bool:
        if re.fullmatch(pattern, value, re.ASCII) is None:
            return False
        return not any(re.search(each, value, re.ASCII) for each in never)

    return TextRule(text, holds, pattern, never)


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _as_tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


_NO_TEMPLATE = TextRule(
    "must be literal text, without ${ or %{",
    lambda value: "${" not in value and "%{" not in value,
)

Text = Annotated[str, _NO_TEMPLATE]
Many = Annotated[tuple[T, ...], BeforeValidator(_as_tuple)]
"""A list in the file, stored as a tuple."""

Name = Annotated[
    str,
    matches(
        r"[A-Za-z][A-Za-z0-9_-]{0,62}",
        "must be 1 to 63 letters, digits, - or _, beginning with a letter",
    ),
]
AccountId = Annotated[str, matches(r"\d{12}", "must be 12 digits in quotes")]
OrganizationId = Annotated[
    str, matches(r"o-[a-z0-9]{10,32}", "must be o- and 10 to 32 lower-case letters or digits")
]
RootId = Annotated[
    str, matches(r"r-[a-z0-9]{4,32}", "must be r- and 4 to 32 lower-case letters or digits")
]
Target = Annotated[
    str,
    matches(
        r"r-[a-z0-9]{4,32}|ou-[a-z0-9]{4,32}-[a-z0-9]{8,32}|\d{12}",
        "must be a root id (r-...), an organizational unit id (ou-...) or an account id",
    ),
]
UnitPath = Annotated[
    str,
    # As in aws:PrincipalOrgPaths, without the organization's id; units are at most five deep.
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_last-accessed-view-data-orgs.html#access_policies_access-advisor-viewing-orgs-entity-path
    # https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html
    matches(
        r"r-[a-z0-9]{4,32}(/ou-[a-z0-9]{4,32}-[a-z0-9]{8,32}){0,5}",
        "must be the ids from the root down to the account's unit, at most five units, such as "
        "r-ab12/ou-ab12-11111111/ou-ab12-22222222",
    ),
]
PolicyId = Annotated[
    str, matches(r"p-[A-Za-z0-9_]{8,128}", "must be p- and 8 to 128 letters, digits or _")
]
Region = Annotated[str, matches(REGION, "must be a region name such as us-east-1")]
_SSO = r":role/AWSReservedSSO_"
_WITH_PATH = matches(
    r"[ -~]*",
    "must have the path of IAM Identity Center, or it matches nobody: "
    "...:role/aws-reserved/sso.amazonaws.com/*AWSReservedSSO_<permission set>_*",
    _SSO,
)
"""A role of IAM Identity Center has a path, which includes the region unless it is us-east-1.
https://docs.aws.amazon.com/singlesignon/latest/userguide/referencingpermissionsets.html"""
_OF_ONE_SET = matches(
    r"[ -~]*",
    "must name the permission set: a pattern of all roles of IAM Identity Center is everybody who "
    "signs in there",
    r":role/aws-reserved/[^_]*$",
    r"AWSReservedSSO_[*?]",
    r":role/aws[*?]",
)

RoleArn = Annotated[
    str,
    matches(
        rf"{ARN}iam::\d{{12}}:role/[\w+=,.@/-]{{1,576}}",
        "must be a role's ARN: arn:aws:iam::<12 digits>:role/<name>",
    ),
    matches(
        r"[ -~]*",
        "must not be a role of IAM Identity Center: nobody can assume it but by signing in there; "
        "set profile and session_role",
        r"/AWSReservedSSO_",
    ),
]
RolePattern = Annotated[
    str,
    matches(
        rf"{ARN}iam::\d{{12}}:role/[\w+=,.@/*?-]{{1,576}}",
        "must be a role's ARN with its account id in digits (* is allowed in the role's name)",
    ),
    _WITH_PATH,
    _OF_ONE_SET,
]
ExemptRole = Annotated[
    str,
    matches(
        rf"{ARN}iam::(\d{{12}}:role/[\w+=,.@/*?-]{{1,576}}|\*:role/[\w+=,.@/-]{{8}}[\w+=,.@/*?-]*)",
        "must be a role's ARN; * is allowed in the role's name, and in place of the account "
        "id for a role of one name (8 characters of it at least) in every account",
    ),
    _WITH_PATH,
    _OF_ONE_SET,
]
PrincipalArn = Annotated[
    str,
    matches(
        rf"{ARN}iam::\d{{12}}:(root|(role|user)/[\w+=,.@/-]{{1,576}})",
        "must be the ARN of a role, a user or an account's root",
    ),
    matches(
        r"[ -~]*",
        "must have the path of IAM Identity Center, or the key refuses it: "
        "...:role/aws-reserved/sso.amazonaws.com/[<region>/]AWSReservedSSO_<permission set>_<id>",
        _SSO,
    ),
]
PrincipalPattern = Annotated[
    str,
    matches(
        rf"{ARN}iam::\d{{12}}:(root|(role|user)/[\w+=,.@/*?-]{{1,576}})",
        "must be the ARN of a role, a user or an account's root, "
        "with its account id in digits (* is allowed in the name)",
    ),
    _WITH_PATH,
]
SourceIdentity = Annotated[
    str,
    matches(
        r"[\w+=,.@*?-]{2,64}",
        "must be 2 to 64 letters, digits or + = , . @ - and not * alone (* is allowed in it)",
        r"^[*?]+$",
    ),
]
KeyArn = Annotated[
    str,
    matches(
        rf"{ARN}kms:[a-z0-9-]+:\d{{12}}:key/[\w-]+",
        "must be a KMS key's ARN: arn:aws:kms:<region>:<account>:key/<id>",
    ),
]
BucketName = Annotated[
    str,
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    matches(
        r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]",
        "must be a bucket name: 3 to 63 lower-case letters, digits, dots and hyphens",
        r"\.\.",
        r"^[\d.]+$",
        r"^(xn--|sthree-|amzn-s3-demo-)",
        r"(-s3alias|--ol-s3|\.mrap|--x-s3|--table-s3)$",
    ),
]
TrailName = Annotated[
    str,
    matches(
        r"[A-Za-z0-9][A-Za-z0-9._-]{1,126}[A-Za-z0-9]",
        "must be 3 to 128 letters, digits, single dots, - or _",
        r"[._-]{2}",
        r"^\d+\.\d+\.\d+\.\d+$",
    ),
]
KeyPrefix = Annotated[
    str,
    matches(
        r"|[\w!.*'()-][\w!.*'()/-]{0,199}",
        "must be up to 200 characters, with no slash at either end and not AWSLogs itself",
        r"//",
        r"^AWSLogs(/|$)",
        r"/$",
    ),
]
KeyAlias = Annotated[
    str,
    matches(
        r"alias/[A-Za-z0-9/_-]{1,250}",
        "must be alias/ and letters, digits, /, _ or -, and not begin with alias/aws/",
        r"^alias/aws/",
    ),
]
LogGroupName = Annotated[
    str, matches(r"[\w/.#-]{1,512}", "must be 1 to 512 letters, digits or _ - / . #")
]
RoleName = Annotated[
    str, matches(r"[\w+=,.@-]{1,64}", "must be 1 to 64 letters, digits or + = , . @ _ -")
]
PolicyName = Annotated[
    str, matches(r"[\w+=,.@-]{1,128}", "must be 1 to 128 letters, digits or + = , . @ _ -")
]
TopicName = Annotated[
    # Its key's alias is alias/ and the same name, within 256 characters.
    str, matches(r"[A-Za-z0-9_-]{1,250}", "must be 1 to 250 letters, digits, - or _")
]
TopicArn = Annotated[
    str,
    matches(
        rf"{ARN}sns:[a-z0-9-]+:[0-9]{{12}}:[A-Za-z0-9_-]{{1,256}}",
        "must be a topic's ARN: arn:aws:sns:<region>:<account>:<name>",
    ),
]
QueueName = Annotated[
    str, matches(r"[A-Za-z0-9_-]{1,75}", "must be 1 to 75 letters, digits, - or _")
]
CatalogName = Annotated[
    str, matches(r"[a-z0-9_]{1,255}", "must be lower-case letters, digits and _")
]
WorkgroupName = Annotated[
    str, matches(r"[A-Za-z0-9._-]{1,128}", "must be 1 to 128 letters, digits, dots, - or _")
]
Day = Annotated[str, TextRule("must be a day such as 2026-01-31", _is_day)]
Days = Annotated[int, Field(ge=1, le=36500)]
ExternalId = Annotated[
    str, matches(r"[\w+=,.@:/-]{2,1224}", "must be 2 to 1224 letters, digits or + = , . @ : / -")
]
SessionName = Annotated[
    str, matches(r"[\w+=,.@-]{2,64}", "must be 2 to 64 letters, digits or + = , . @ -")
]

MAX_TAGS = 50
"""Most tags of one resource. The stack adds none to those in `tags`.
https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html"""
TAG_KEY_LENGTH = 128
TAG_VALUE_LENGTH = 256
_TAG_SIGNS = frozenset("_.:/=+-@")
_TAG_CATEGORIES = ("L", "N", "Zs")
"""Unicode categories of letters, numbers and spaces.

AWS allows `[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]`
(https://docs.aws.amazon.com/IAM/latest/APIReference/API_Tag.html, and CloudTrail's AddTags); we
omit its line and paragraph separators."""


def _has_tag_characters(text: str) -> bool:
    return all(
        each in _TAG_SIGNS or unicodedata.category(each).startswith(_TAG_CATEGORIES)
        for each in text
    )


def _is_reserved_tag(text: str) -> bool:
    """Return whether a text has AWS's reserved prefix, in any case."""
    return text.lower().startswith("aws:")


def _is_tag_key(text: str) -> bool:
    return (
        1 <= len(text) <= TAG_KEY_LENGTH
        and _has_tag_characters(text)
        and not _is_reserved_tag(text)
    )


def _is_tag_value(text: str) -> bool:
    return (
        len(text) <= TAG_VALUE_LENGTH and _has_tag_characters(text) and not _is_reserved_tag(text)
    )


_TAG_FORM = "letters, digits, spaces or _ . : / = + - @, and not begin with aws:"
TAG_KEY = TextRule(f"must have a key of 1 to {TAG_KEY_LENGTH} {_TAG_FORM}", _is_tag_key)
TAG_VALUE = TextRule(f"must have a value of at most {TAG_VALUE_LENGTH} {_TAG_FORM}", _is_tag_value)
"""AWS reserves `aws:` in values too, although only some services document it.
https://docs.aws.amazon.com/batch/latest/userguide/tag-restrictions.html"""

Tags = Annotated[
    dict[Annotated[str, TAG_KEY], Annotated[str, TAG_VALUE]], Field(max_length=MAX_TAGS)
]


def case_duplicates(keys: Iterable[str]) -> dict[str, str]:
    """Map each key that differs from an earlier one only by case to that earlier key.

    IAM treats `Department` and `department` as one key, and refuses to create a role with both.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html
    """
    first: dict[str, str] = {}
    found = {key: first.setdefault(key.casefold(), key) for key in keys}
    return {key: earlier for key, earlier in found.items() if key != earlier}


def models_in(annotation: object) -> Iterator[type[BaseModel]]:
    """Yield the models in an annotation, also inside lists and unions."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from models_in(inner)


def metadata_in(annotation: object) -> Iterator[object]:
    """Yield the metadata of an annotation, also inside lists and unions."""
    for each in getattr(annotation, "__metadata__", ()):
        yield from each.metadata if isinstance(each, FieldInfo) else [each]
    if get_origin(annotation) is not Literal:
        for inner in get_args(annotation):
            yield from metadata_in(inner)


def setting(meaning: str, default: Any = ..., **limits: Any) -> Any:
    """Declare a setting: its meaning, default (required if there is none) and limits."""
    return Field(default, description=meaning, **limits)


def account_of(arn: str) -> str:
    """Return the account id in an ARN."""
    return arn.split(":")[4]
