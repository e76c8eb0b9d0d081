"""Policies and requests of a small world, so that they meet often; most are odd on purpose."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache

from hypothesis import strategies as st
from orgtrail.iam.request import Caller, Kind, Request

from tests.conftest import Json

ORGANIZATION = "o-examplebank"
MANAGEMENT, LOGGING, MEMBER, STRANGER = (
    "111111111111", "222222222222", "333333333333", "999999999999",
)  # fmt: skip
ACCOUNTS = (LOGGING, MEMBER, STRANGER)
LOG = f"arn:aws:s3:::archive/AWSLogs/{ORGANIZATION}/{MEMBER}/CloudTrail/log.json.gz"
KEY = f"arn:aws:kms:us-east-1:{LOGGING}:key/0f1e2d3c"
ROLE = f"arn:aws:iam::{LOGGING}:role/team/reader"
TRAIL = f"arn:aws:cloudtrail:us-east-1:{MANAGEMENT}:trail/organization-trail"
STRANGERS_TRAIL = f"arn:aws:cloudtrail:us-east-1:{STRANGER}:trail/organization-trail"
ASKED = {
    "s3:GetObject": LOG,
    "s3:PutObject": LOG,
    "s3:ListBucket": "arn:aws:s3:::archive",
    "s3:PutBucketPolicy": "arn:aws:s3:::archive",
    "kms:Decrypt": KEY,
    "kms:DisableKey": KEY,
    "kms:DeleteAlias": f"arn:aws:kms:us-east-1:{LOGGING}:alias/audit",
    "sts:AssumeRole": ROLE,
    "iam:UpdateAssumeRolePolicy": ROLE,
    "sns:Publish": f"arn:aws:sns:us-east-1:{LOGGING}:alarms",
    "glue:DeleteTable": f"arn:aws:glue:us-east-1:{LOGGING}:table/audit/trail",
}
_ACTION_PATTERNS = (
    "*", "s3:*", "S3:getobject", "s3:*Object", "s3:?etObject", "s3:PutBucket*", "kms:*",
    "kms:D*", "sts:*", "iam:Update*", "sns:Publish", "glue:*", *ASKED,
)  # fmt: skip
_OF_RCP = tuple(each for each in _ACTION_PATTERNS if each.startswith(("s3:", "kms:", "sts:")))
_RESOURCE_PATTERNS = (
    "*", "arn:aws:s3:::archive", "arn:aws:s3:::archive/*", "arn:aws:s3:::*",
    "arn:aws:s3:::archive/AWSLogs/o-*/333333333333/*.gz",
    "arn:aws:s3:::archive/AWSLogs/o-examplebank/${aws:PrincipalAccount}/*",
    "arn:aws:s3:::archive/AWSLogs/o-examplebank/${s3:prefix, '333333333333'}/*",
    "arn:aws:s3:::other/*", "arn:aws:kms:*:222222222222:key/*", "arn:*:kms:*:*:alias/audi?",
    "arn:aws:iam::*:role/*", "arn:aws:iam::222222222222:role/team/read??",
    "arn:aws:sns:us-east-1:222222222222:*", *ASKED.values(),
)  # fmt: skip
_TEXTS = {
    "aws:PrincipalOrgID": (ORGANIZATION, "o-another", "o-*"),
    "aws:PrincipalAccount": (*ACCOUNTS, "anonymous", "2*", "${aws:ResourceAccount}"),
    "aws:PrincipalServiceName": ("cloudtrail.amazonaws.com", "s3.amazonaws.com"),
    "aws:PrincipalType": ("AssumedRole", "User", "assumedrole", "*ole"),
    "aws:SourceAccount": (MANAGEMENT, STRANGER),
    "aws:SourceOrgID": (ORGANIZATION, "o-another"),
    "aws:ResourceAccount": (LOGGING, MEMBER),
    "s3:x-amz-acl": ("bucket-owner-full-control", "private"),
    "s3:x-amz-server-side-encryption": ("aws:kms", "AES256"),
    "s3:prefix": ("AWSLogs/", "AWSLogs/${aws:PrincipalAccount}/", "AWS*", "${*}"),
    "kms:ViaService": ("s3.us-east-1.amazonaws.com", "s3.*"),
    "sts:ExternalId": ("audit", "AUDIT"),
}
_ARNS = {
    "aws:PrincipalArn": (ROLE, "arn:aws:iam::*:role/*", "arn:aws:iam::333333333333:user/ann", "*"),
    "aws:SourceArn": (TRAIL, STRANGERS_TRAIL, "arn:aws:cloudtrail:*:111111111111:trail/*"),
}
_FLAGS = (
    "aws:SecureTransport", "aws:MultiFactorAuthPresent", "aws:PrincipalIsAWSService",
    "aws:ViaAWSService",
)  # fmt: skip
_ALIASES = ("alias/audit", "alias/other", "alias/*")
_NUMBERS = ("10", "20.5", "3600")


@dataclass(frozen=True)
class Situation:
    """A request and every policy that bears on it, as documents."""

    request: Request
    identity: list[Json]
    resource: Json | None
    boundary: list[Json] | None
    service_control: list[Json]
    resource_control: list[Json]


@cache
def _some(values: tuple[str, ...]) -> st.SearchStrategy[str | list[str]]:
    one = st.sampled_from(values)
    return one | st.lists(one, min_size=1, max_size=3)


@st.composite
def _condition(draw: st.DrawFn) -> Json:
    kind = draw(st.sampled_from(["text", "text", "arn", "flag", "null", "set", "number"]))
    optional = draw(st.sampled_from(["", "", "IfExists"]))
    match kind:
        case "text":
            operator = draw(st.sampled_from([
                "StringEquals", "StringNotEquals", "StringLike", "StringNotLike",
                "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase",
            ]))  # fmt: skip
            key = draw(st.sampled_from(sorted(_TEXTS)))
            return {operator + optional: {key: draw(_some(_TEXTS[key]))}}
        case "arn":
            operator = draw(st.sampled_from(["ArnLike", "ArnNotLike", "ArnEquals", "ArnNotEquals"]))
            key = draw(st.sampled_from(sorted(_ARNS)))
            return {operator + optional: {key: draw(_some(_ARNS[key]))}}
        case "flag":
            value = draw(st.sampled_from(["true", "false"]))
            return {"Bool" + optional: {draw(st.sampled_from(_FLAGS)): value}}
        case "null":
            key = draw(st.sampled_from(sorted({**_TEXTS, **_ARNS})))
            return {"Null": {key: draw(st.sampled_from(["true", "false"]))}}
        case "number":
            operator = draw(st.sampled_from(["Equals", "LessThan", "GreaterThanEquals"]))
            return {f"Numeric{operator}": {"aws:MultiFactorAuthAge": draw(_some(_NUMBERS))}}
    sets = draw(st.sampled_from(["ForAnyValue", "ForAllValues"]))
    operator = draw(st.sampled_from(["StringEquals", "StringLike", "StringNotEquals"]))
    return {f"{sets}:{operator}": {"kms:ResourceAliases": draw(_some(_ALIASES))}}


@cache
def _near(patterns: tuple[str, ...], text: str) -> st.SearchStrategy[str | list[str]]:
    """Draw patterns, more often those that meet a text."""
    meeting = tuple(each for each in patterns if fnmatchcase(text.lower(), each.lower()))
    if not meeting:
        return _some(patterns)
    return _some(meeting) | _some(meeting) | _some(patterns)


@cache
def _principal() -> st.SearchStrategy[Json | str]:
    arns = [f"arn:aws:iam::{account}:root" for account in ACCOUNTS]
    arns += [*ACCOUNTS, *(caller.arn for caller in CALLERS if caller.account), "*"]
    arns += [caller.session_arn for caller in CALLERS if caller.kind is Kind.ROLE]
    services = ("cloudtrail.amazonaws.com", "s3.amazonaws.com")
    return (
        st.just("*")
        | st.just("*")
        | _some(tuple(arns)).map(lambda named: {"AWS": named})
        | _some(services).map(lambda named: {"Service": named})
    )


_CONDITIONS: st.SearchStrategy[list[Json]] = st.just([]) | st.lists(_condition(), max_size=2)
_ODDS = st.integers(0, 7)


@st.composite
def _statement(draw: st.DrawFn, kind: str, action: str) -> Json:
    if kind == "rcp":
        result: Json = {"Effect": "Deny", "Principal": "*", "Action": draw(_near(_OF_RCP, action))}
    else:
        result = {"Effect": "Deny" if draw(_ODDS) < 2 else "Allow"}
        name = "NotAction" if draw(_ODDS) == 0 else "Action"
        result[name] = draw(_near(_ACTION_PATTERNS, action))
    name = "NotResource" if draw(_ODDS) == 0 else "Resource"
    result[name] = draw(_near(_RESOURCE_PATTERNS, ASKED[action]))
    if kind == "resource":
        principal = draw(_principal())
        opposite = result["Effect"] == "Deny" and "*" not in str(principal) and draw(_ODDS) < 3
        result["NotPrincipal" if opposite else "Principal"] = principal
    merged: Json = {}
    for condition in draw(_CONDITIONS):
        for operator, keys in condition.items():
            merged[operator] = {**merged.get(operator, {}), **keys}
    return {**result, "Condition": merged} if merged else result


_VERSIONS = st.sampled_from(["2012-10-17", "2012-10-17", "2012-10-17", "2008-10-17"])


@cache
def _documents(kind: str, action: str, least: int, most: int) -> st.SearchStrategy[list[Json]]:
    statements = st.lists(_statement(kind, action), min_size=1, max_size=3)
    versions = st.just("2012-10-17") if kind == "rcp" else _VERSIONS
    document = st.fixed_dictionaries({"Version": versions, "Statement": statements})
    return st.lists(document, min_size=least, max_size=most)


def _role(account: str, name: str, organization: str = ORGANIZATION) -> Caller:
    arn = f"arn:aws:iam::{account}:role/{name}"
    return Caller(Kind.ROLE, arn, account, organization)


CALLERS = (
    _role(LOGGING, "team/reader"),
    _role(MEMBER, "reader"),
    Caller(Kind.USER, f"arn:aws:iam::{LOGGING}:user/ann", LOGGING, ORGANIZATION),
    Caller(Kind.USER, f"arn:aws:iam::{MEMBER}:user/ann", MEMBER, ORGANIZATION),
    _role(STRANGER, "reader", "o-another"),
    Caller(Kind.SERVICE, "cloudtrail.amazonaws.com"),
    Caller(Kind.ANONYMOUS),
)
_GIVEN = {
    "aws:SecureTransport": ("true", "false"),
    "aws:MultiFactorAuthPresent": ("true", "false"),
    "aws:MultiFactorAuthAge": ("10", "21", "4000"),
    "aws:ViaAWSService": ("true", "false"),
    "s3:x-amz-acl": ("bucket-owner-full-control", "private"),
    "s3:x-amz-server-side-encryption": ("aws:kms", "AES256"),
    "s3:prefix": ("AWSLogs/", "AWSLogs/333333333333/", "*"),
    "kms:ViaService": ("s3.us-east-1.amazonaws.com",),
    "sts:ExternalId": ("audit",),
}
_OF_SERVICES = {
    "aws:SourceArn": (TRAIL, STRANGERS_TRAIL),
    "aws:SourceAccount": (MANAGEMENT, STRANGER),
    "aws:SourceOrgID": (ORGANIZATION, "o-another"),
}


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    """Draw a request, and policies of every kind that may bear on it."""
    caller = draw(st.sampled_from(CALLERS))
    action = draw(st.sampled_from(sorted(ASKED)))
    given = {**_GIVEN, **(_OF_SERVICES if caller.kind is Kind.SERVICE else {})}
    context: dict[str, str | tuple[str, ...]] = {
        key: draw(st.sampled_from(given[key]))
        for key in draw(st.lists(st.sampled_from(sorted(given)), max_size=6, unique=True))
    }
    if draw(st.booleans()):
        aliases = st.lists(st.sampled_from(_ALIASES[:2]), max_size=2, unique=True)
        context["kms:ResourceAliases"] = tuple(draw(aliases))
    authenticated = caller.kind in (Kind.ROLE, Kind.USER)
    bounded = authenticated and draw(_ODDS) < 2
    # A key and a role always have a policy.
    least = 1 if action in ("kms:Decrypt", "kms:DisableKey", "sts:AssumeRole") else 0
    return Situation(
        Request(caller, action, ASKED[action], LOGGING, context),
        identity=draw(_documents("identity", action, 0, 2)) if authenticated else [],
        resource=next(iter(draw(_documents("resource", action, least, 1))), None),
        boundary=draw(_documents("identity", action, 1, 2)) if bounded else None,
        service_control=draw(_documents("identity", action, 0, 1)) if authenticated else [],
        resource_control=draw(_documents("rcp", action, 0, 1)),
    )
