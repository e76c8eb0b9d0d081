"""SQL expressions that questions share, such as the caller, target, policy and outcome.

A question refers to one as `@name` or `@name(argument)`, which is expanded when the pack is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_TOKEN = re.compile(
    r"'(?:[^']|'')*'|--[^\n]*|@(?P<name>[a-z_]+)(?:\((?P<argument>[^()]*)\))?", re.ASCII
)

ACCOUNT = "coalesce(recipientaccountid, account)"
"""Records of eventVersion 1.0 and 1.01 have no recipient account; the folder names it."""

ERROR = "coalesce(errorcode, errormessage)"
"""A failed login has an error message but no error code."""

WHO = """coalesce(
      useridentity.arn,
      useridentity.username,
      useridentity.onbehalfof.userid,
      CASE WHEN useridentity.type = 'AWSAccount'
        THEN concat_ws('/', useridentity.accountid, nullif(useridentity.principalid, '')) END,
      nullif(useridentity.principalid, ''),
      useridentity.invokedby,
      useridentity.accountid,
      useridentity.type
    )"""
"""Only users, roles and root have an ARN. Federated callers have a name from their provider,
Identity Center users a user id, and callers of other accounts a principal id.
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
"""

REFUSED_ON = """regexp_extract(
      errormessage,
      'on resource: "?(?:(?:user|role|group|policy|instance profile|mfa) )?([^\\s",]+)', 1
    )"""
"""The resource from IAM's error message, for refused calls without parameters."""

NAMES = (
    "secretId", "keyId", "aliasName", "functionName", "layerName", "tableName", "tableArn",
    "streamArn", "bucketName", "Bucket", "roleArn", "roleName", "userName", "groupName",
    "policyArn", "policyName", "permissionSetArn", "targetPrincipal", "trailName",
    "eventDataStore", "trailARN", "detectorId", "logGroupName", "workGroup", "databaseName",
    "queryExecutionId", "instanceId", "snapshotId", "imageId", "volumeId", "groupId", "vpcId",
    "dBInstanceIdentifier", "dBSnapshotIdentifier", "dBClusterIdentifier",
    "dBClusterSnapshotIdentifier", "topicArn", "queueUrl", "stackName", "modelId", "clusterName",
    "documentName", "target", "accountId", "accountName", "organizationalUnitId", "policyId",
    "resourceArn", "resourceARN", "resourceId", "arn", "name", "path", "statement",
)  # fmt: skip
"""Parameters in which services name the target of a call, the most reliable first."""


def _parameter(name: str, of: str = "requestparameters") -> str:
    return f"json_extract_scalar({of}, '{_path(name)}')"


def _path(name: str) -> str:
    return f'$["{name}"]' if "-" in name else f"$.{name}"


def _text(name: str, of: str = "requestparameters") -> str:
    """Read a parameter of any type as text: policies appear as text and as objects."""
    found = f"json_extract({of}, '{_path(name)}')"
    return f"coalesce({_parameter(name, of)}, json_format({found}))"


def _list(name: str, of: str = "requestparameters") -> str:
    """Read a parameter that is a text or a list of texts as a list; empty if it is absent."""
    return f"""coalesce(
      TRY_CAST(json_extract({of}, '$.{name}') AS array(varchar)),
      filter(ARRAY[{_parameter(name, of)}], one -> one IS NOT NULL)
    )"""


def _keys(name: str) -> str:
    found = f"TRY_CAST(json_extract(requestparameters, '$.{name}') AS map(varchar, json))"
    return f"coalesce(map_keys({found}), {_NOTHING})"


_NOTHING = "CAST(ARRAY[] AS array(varchar))"
_ARNS = "transform(resources, each -> each.arn)"
_NAMED = f"""filter(
      transform(
        ARRAY[{", ".join(f"'{each}'" for each in NAMES)}],
        one -> json_extract_scalar(requestparameters, '$.' || one)
      ),
      one -> one IS NOT NULL
    )"""

ON_WHAT = f"""coalesce(
      nullif(array_join({_ARNS}, ','), ''),
      element_at({_NAMED}, 1),
      nullif(array_join({_keys("requestItems")}, ','), ''),
      json_format(json_extract(requestparameters, '$.names')),
      json_format(json_extract(requestparameters, '$.secretIdList')),
      {REFUSED_ON}
    )"""
"""The target of a call as text; prefers the record's `resources`, which have ARNs."""

ELSE_ON = f"""nullif(array_join({_ARNS}, ','), ''),
      {REFUSED_ON}"""
"""The fallback in questions that read their own parameters first."""

TOUCHED = f"""filter(
      coalesce({_ARNS}, {_NOTHING})
        || {_NAMED}
        || ARRAY[{REFUSED_ON}]
        || {_keys("requestItems")}
        || {_list("names")}
        || {_list("secretIdList")}
        || coalesce(
      regexp_extract_all({_parameter("statement")}, '"([^"]+)"', 1), {_NOTHING}
    ),
      one -> one IS NOT NULL
    )"""
"""All resources that a call names, as a list of ARNs and names."""

BUCKET = f"""coalesce(
      CASE WHEN NOT regexp_like({_parameter("bucketName")}, '^arn:|-s3alias$')
        THEN {_parameter("bucketName")} END,
      {_parameter("Bucket")},
      {_parameter("CreateAccessPointRequest.Bucket")},
      regexp_extract(array_join({_ARNS}, ','), 'arn:aws[a-z-]*:s3:::([^/,]+)', 1),
      regexp_extract(errormessage, 'arn:aws[a-z-]*:s3:::([^/"\\s]+)', 1)
    )"""
"""The bucket of a call: S3 has two parameters for it, or the access point names it; refused calls
may name it only in the error message."""

UNSAID = """(
      (requestparameters IS NULL AND coalesce(errorcode, errormessage) IS NOT NULL)
      OR json_extract_scalar(requestparameters, '$.omitted') = 'true'
    )"""
"""Whether the record lacks the parameters. Services omit them from refused calls, and CloudTrail
omits them if they are too large, which an attacker can exploit. Conditions on parameters must
therefore not drop such calls.
"""


def _statements(document: str) -> str:
    """List a policy's Allow statements; a single statement may be written without a list."""
    found = f"json_extract({document}, '$.Statement')"
    return f"""filter(
      coalesce(TRY_CAST({found} AS array(json)), ARRAY[{found}]),
      one -> json_extract_scalar(one, '$.Effect') = 'Allow'
    )"""


def _has(name: str, pattern: str) -> str:
    """Test whether a member of the statement `s`, a text or a list, has a matching text."""
    listed = _list(name, "s")
    return f"regexp_like(',' || array_join({listed}, ',') || ',', '(?i),({pattern}),')"


_ANYONE = f"""(
        json_extract(s, '$.NotPrincipal') IS NOT NULL
        OR json_extract_scalar(s, '$.Principal') = '*'
        OR {_has("Principal.AWS", "[*]+")}
        OR {_has("Principal.Federated", "[*]|[^,]*:oidc-provider/[^,]*|[a-z.-]+")}
      )"""
"""Users of a public OpenID provider count as anyone, unless a condition restricts them."""
_FREE = f"""{_ANYONE}
        AND coalesce(json_format(json_extract(s, '$.Condition')), '{{}}') = '{{}}'"""


def _any(document: str, condition: str) -> str:
    return f"coalesce(cardinality(filter({_statements(document)}, s -> {condition})), 0) > 0"


def _administers(document: str) -> str:
    """Test whether a policy allows everything, or everything in IAM, which amounts to the same."""
    every = "[*]+|[*]+:[*]+|iam:[*]+"
    anywhere = "[*]+|arn:[^,:]+:[*]+(:[*]+)*|arn:[^,:]+:iam::([*]+|[0-9]{12}):[*]+(:[*]+)*"
    condition = f"""
      (
        {_has("Action", every + "|iam:(put|attach)[*]+")}
        OR (json_extract(s, '$.NotAction') IS NOT NULL AND NOT {_has("NotAction", every)})
      )
      AND (
        {_has("Resource", anywhere)}
        OR (json_extract(s, '$.NotResource') IS NOT NULL AND NOT {_has("NotResource", anywhere)})
      )
    """
    return _any(document, condition)


def _opened_to(document: str) -> str:
    """Find whom a resource policy gives access, apart from its own account.

    The value is `everyone`, `conditional` if only conditions keep everyone out, `canonical user`,
    or account ids.
    """
    accounts = f"""array_join(array_sort(array_distinct(filter(
        flatten(transform({_statements(document)}, s -> regexp_extract_all(
          coalesce(json_format(json_extract(s, '$.Principal')), ''),
          '(?:"|arn:aws[a-z-]*:(?:iam|sts)::)([0-9]{{12}})(?:"|:)', 1
        ))),
        one -> one <> account_id
      ))), ',')"""
    return f"""CASE
      WHEN {_any(document, _FREE)} THEN 'everyone'
      WHEN {_any(document, _ANYONE)} THEN 'conditional'
      WHEN {_any(document, "json_extract(s, '$.Principal.CanonicalUser') IS NOT NULL")}
        THEN 'canonical user'
      ELSE coalesce({accounts}, '')
    END"""


def _called_by(wanted: str) -> str:
    """Test whether the caller is a given person, role, key or session, by any of its names."""
    return f"""(
      useridentity.arn = {wanted}
      OR useridentity.accesskeyid = {wanted}
      OR useridentity.username = {wanted}
      OR useridentity.principalid = {wanted}
      OR useridentity.onbehalfof.userid = {wanted}
      OR useridentity.sessioncontext.sessionissuer.arn = {wanted}
      OR useridentity.sessioncontext.sourceidentity = {wanted}
      OR split_part(useridentity.principalid, ':', 2) = {wanted}
      OR {_parameter("sourceIdentity")} = {wanted}
    )"""


EVENT = f"""eventid AS event_id,
    eventtime AS event_time,
    {ACCOUNT} AS account_id,
    awsregion AS aws_region,
    {WHO} AS principal,
    sourceipaddress AS source_ip,
    eventsource AS event_source,
    eventname AS event_name,
    {ERROR} AS error_code"""
"""The columns of a call in answers."""

_WITHOUT_ARGUMENT: dict[str, str] = {
    "account": ACCOUNT,
    "bucket": BUCKET,
    "called": "coalesce(useridentity.type, '') <> 'AWSService'",
    "call": ("event_time, account_id, aws_region, principal, source_ip, event_source, event_name"),
    "else_on": ELSE_ON,
    "error": ERROR,
    "event": EVENT,
    "names": TOUCHED,
    "on_what": ON_WHAT,
    "omitted": "coalesce(json_extract_scalar(requestparameters, '$.omitted'), 'false') = 'true'",
    "outcome": (
        "CASE WHEN error_code IS NULL THEN 'success' ELSE 'attempt' END AS outcome,\n"
        "  error_code, event_id"
    ),
    "refused_on": REFUSED_ON,
    "request": "CAST(requestparameters AS varchar)",
    "unsaid": UNSAID,
    "who": WHO,
}

_WITH_ARGUMENT: dict[str, Callable[[str], str]] = {
    "administers": _administers,
    "called_by": _called_by,
    "list": _list,
    "opened_to": _opened_to,
    "param": _parameter,
    "text": _text,
}

EVIDENCE = "@evidence"
"""Marks where a question with counts can return the ids of the counted events."""


def expand(sql: str) -> str:
    """Expand the shared expressions in a question; `with_evidence` handles `@evidence`.

    Args:
        sql: the text; `@name` is left as it is in strings and comments.

    """

    def replacement(match: re.Match[str]) -> str:
        name, argument = match["name"], match["argument"]
        if not name or name == "evidence":
            return match[0]
        return _WITH_ARGUMENT[name](argument) if argument is not None else _WITHOUT_ARGUMENT[name]

    return _TOKEN.sub(replacement, sql)


def with_evidence(sql: str, *, included: bool) -> str:
    """Replace `@evidence` by a column with the ids of the counted events, or by nothing."""
    if EVIDENCE not in sql:
        return sql
    ids = ",\n  json_format(CAST(array_agg(DISTINCT event_id) AS json)) AS event_ids"
    column = ids if included else ""
    return _TOKEN.sub(lambda each: column if each["name"] == "evidence" else each[0], sql)
