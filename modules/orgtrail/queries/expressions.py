"""The expressions that questions share: who called, on what, of which policy, with what outcome.

A question's file names one as `@name` or `@name(argument)`; reading the pack puts it in.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_TOKEN = re.compile(
    r"'(?:[^']|'')*'|--[^\n]*|@(?P<name>[a-z_]+)(?:\((?P<given>[^()]*)\))?", re.ASCII
)

ACCOUNT = "coalesce(recipientaccountid, account)"
"""Records of eventVersion 1.0 and 1.01 name no recipient; the folder does."""

ERROR = "coalesce(errorcode, errormessage)"
"""A failed login has a message and no code."""

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
"""Only users, roles and root have an ARN: a federated caller is known by the name that its
provider gives, one of Identity Center by its user id, one of another account by its principal id.
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
"""

REFUSED_ON = """regexp_extract(
      errormessage,
      'on resource: "?(?:(?:user|role|group|policy|instance profile|mfa) )?([^\\s",]+)', 1
    )"""
"""IAM says in the message what a call was refused on, where the record has no parameters."""

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
"""Parameters in which services name what a call is about, the surest first."""


def _parameter(name: str, of: str = "requestparameters") -> str:
    return f"json_extract_scalar({of}, '{_path(name)}')"


def _path(name: str) -> str:
    return f'$["{name}"]' if "-" in name else f"$.{name}"


def _text(name: str, of: str = "requestparameters") -> str:
    """Whatever a parameter is, as text: policies are written as text and as objects."""
    found = f"json_extract({of}, '{_path(name)}')"
    return f"coalesce({_parameter(name, of)}, json_format({found}))"


def _list(name: str, of: str = "requestparameters") -> str:
    """A parameter that may be one text or a list of them, as a list; absent, an empty one."""
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
"""What a call is about, in words: the record's own list first, which has ARNs."""

ELSE_ON = f"""nullif(array_join({_ARNS}, ','), ''),
      {REFUSED_ON}"""
"""The same at the end of a list, where the question knows its own parameters."""

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
"""Everything that a call names, as a list of ARNs and names."""

BUCKET = f"""coalesce(
      CASE WHEN NOT regexp_like({_parameter("bucketName")}, '^arn:|-s3alias$')
        THEN {_parameter("bucketName")} END,
      {_parameter("Bucket")},
      {_parameter("CreateAccessPointRequest.Bucket")},
      regexp_extract(array_join({_ARNS}, ','), 'arn:aws[a-z-]*:s3:::([^/,]+)', 1),
      regexp_extract(errormessage, 'arn:aws[a-z-]*:s3:::([^/"\\s]+)', 1)
    )"""
"""Calls of S3 name the bucket in two ways, or its access point; refused ones do in the message."""

UNSAID = """(
      (requestparameters IS NULL AND coalesce(errorcode, errormessage) IS NOT NULL)
      OR json_extract_scalar(requestparameters, '$.omitted') = 'true'
    )"""
"""The record does not have what was asked for: services leave it out of refused calls, and
CloudTrail where it is too large, which can be used to hide. No condition on it may drop the call.
"""


def _statements(document: str) -> str:
    """A policy's statements that allow something, as a list; it may be one without a list."""
    found = f"json_extract({document}, '$.Statement')"
    return f"""filter(
      coalesce(TRY_CAST({found} AS array(json)), ARRAY[{found}]),
      one -> json_extract_scalar(one, '$.Effect') = 'Allow'
    )"""


def _has(name: str, pattern: str) -> str:
    """Whether an element of the statement `s`, one text or a list, has a text of a pattern."""
    listed = _list(name, "s")
    return f"regexp_like(',' || array_join({listed}, ',') || ',', '(?i),({pattern}),')"


_ANYONE = f"""(
        json_extract(s, '$.NotPrincipal') IS NOT NULL
        OR json_extract_scalar(s, '$.Principal') = '*'
        OR {_has("Principal.AWS", "[*]+")}
        OR {_has("Principal.Federated", "[*]|[^,]*:oidc-provider/[^,]*|[a-z.-]+")}
      )"""
"""Whoever an OpenID provider of the world knows is anyone, unless a condition says who."""
_FREE = f"""{_ANYONE}
        AND coalesce(json_format(json_extract(s, '$.Condition')), '{{}}') = '{{}}'"""


def _any(document: str, condition: str) -> str:
    return f"coalesce(cardinality(filter({_statements(document)}, s -> {condition})), 0) > 0"


def _administers(document: str) -> str:
    """Whether a policy allows everything, or everything in IAM, which comes to the same."""
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
    """Whom a policy of a resource lets in beside the account itself.

    `everyone`; `conditional` where only conditions keep everyone out; or account ids.
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
    """Whether a caller is a person, role, key or session, by whichever name it is known."""
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
"""What each call has, under the names that answers give it."""

_PLAIN: dict[str, str] = {
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

_GIVEN: dict[str, Callable[[str], str]] = {
    "administers": _administers,
    "called_by": _called_by,
    "list": _list,
    "opened_to": _opened_to,
    "param": _parameter,
    "text": _text,
}

EVIDENCE = "@evidence"
"""Where a question that counts puts the ids of what it counted, when they are asked for."""


def expanded(sql: str) -> str:
    """Put the shared expressions into a question; `@evidence` stays for whoever runs it.

    Args:
        sql: the text, with `@name` outside of strings and comments.

    """

    def put(match: re.Match[str]) -> str:
        name, given = match["name"], match["given"]
        if not name or name == "evidence":
            return match[0]
        return _GIVEN[name](given) if given is not None else _PLAIN[name]

    return _TOKEN.sub(put, sql)


def with_evidence(sql: str, *, told: bool) -> str:
    """Return a question that also gives, or does not give, the ids of what it counts."""
    if EVIDENCE not in sql:
        return sql
    ids = (
        ",\n  json_format(CAST(array_agg(DISTINCT event_id) AS json)) AS event_ids" if told else ""
    )
    return _TOKEN.sub(lambda each: ids if each["name"] == "evidence" else each[0], sql)
