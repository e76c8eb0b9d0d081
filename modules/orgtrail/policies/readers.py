"""Who may read: auditors by a role of the logging account, members for their own account."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from orgtrail import naming
from orgtrail.policies.document import CONTEXT, Document, Statement, allow, document
from orgtrail.settings.access import AuditorSettings, MemberReaders
from orgtrail.settings.environment import Environment

OWN = "${aws:PrincipalAccount}"
"""IAM puts the caller's account in its place.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html"""

_ASK = (
    "BatchGetNamedQuery", "BatchGetQueryExecution", "GetNamedQuery", "GetPreparedStatement",
    "GetQueryExecution", "GetQueryResults", "GetQueryResultsStream", "GetWorkGroup",
    "ListNamedQueries", "ListPreparedStatements", "ListQueryExecutions", "StartQueryExecution",
    "StopQueryExecution",
)  # fmt: skip
_BROWSE = (
    "GetDataCatalog", "GetDatabase", "GetTableMetadata", "ListDatabases", "ListTableMetadata",
)  # fmt: skip
_CATALOG = "datacatalog/AwsDataCatalog"
_SCHEMA = ("GetDatabase", "GetDatabases", "GetPartition", "GetPartitions", "GetTable", "GetTables")


def trust(
    trusted: tuple[str, ...],
    *,
    mfa: bool = False,
    external_id: str | None = None,
    source_identity: tuple[str, ...] = (),
) -> Document:
    """Return the trust policy of a role for principals by ARN or pattern.

    An account stands in `Principal`, the pattern in a condition, so that a role that is made
    again, or that IAM Identity Center names, is trusted as well. One statement an account.
    A session that brings a source identity along may only assume where it may set it too:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html
    """
    proof: dict[str, Any] = {}
    actions = ["sts:AssumeRole"]
    if mfa:
        proof["Bool"] = {"aws:MultiFactorAuthPresent": "true"}
    if external_id is not None:
        proof["StringEquals"] = {"sts:ExternalId": external_id}
    if source_identity:
        actions.append("sts:SetSourceIdentity")
        proof["StringLike"] = {"sts:SourceIdentity": list(source_identity)}
    return document(
        *(
            _assumed_by(number, root, list(arns), proof, actions)
            for number, (root, arns) in enumerate(
                groupby(sorted(trusted, key=_root), key=_root), start=1
            )
        )
    )


def auditor_trust(auditor: AuditorSettings) -> Document:
    """Return who may assume the auditors' role: with MFA, an external id, a source identity."""
    return trust(
        auditor.trusted,
        mfa=auditor.requires_mfa,
        external_id=auditor.external_id,
        source_identity=auditor.source_identity,
    )


def auditor(env: Environment) -> Document:
    """Return what an auditor may: ask the workgroup, read the archive and results.

    https://docs.aws.amazon.com/athena/latest/ug/workgroups-iam-policy.html
    """
    return document(
        allow("AskAthena", "athena", _ASK, naming.workgroup_arn(env)),
        allow("BrowseCatalog", "athena", _BROWSE, naming.logging_arn(env, "athena", _CATALOG)),
        # The console asks for these lists; they have names alone, and no resource to name.
        allow("OpenConsole", "athena", ("ListDataCatalogs", "ListWorkGroups"), "*"),
        allow(
            "ReadSchema",
            "glue",
            _SCHEMA,
            [
                naming.logging_arn(env, "glue", "catalog"),
                *naming.catalog_arns(env),
            ],
        ),
        list_bucket(env, "FindLogFiles", env.archive.bucket, "ListBucketVersions"),
        read_objects(env, "ReadLogFiles", f"{env.logs_prefix}*"),
        list_bucket(env, "FindResults", env.result_bucket, "ListBucketMultipartUploads"),
        allow(
            "KeepResults",
            "s3",
            ("AbortMultipartUpload", "GetObject", "ListMultipartUploadParts", "PutObject"),
            naming.bucket_arn(env, env.result_bucket, f"{naming.RESULT_PREFIX}*"),
        ),
        *_compacted(env),
        *decrypt(env, "DecryptLogFilesAndResults", ["s3"], [], "GenerateDataKey"),
        # The public keys that digests are signed with: the proof needs them, they tell nothing.
        allow("VerifyDigests", "cloudtrail", ("ListPublicKeys",), "*"),
    )


def _compacted(env: Environment) -> list[Statement]:
    if not env.compacted_bucket:
        return []
    keys = naming.bucket_arn(env, env.compacted_bucket, "*")
    return [
        list_bucket(env, "FindCompacted", env.compacted_bucket),
        allow("ReadCompacted", "s3", ("GetObject",), keys),
    ]


def members_read(env: Environment) -> list[Statement]:
    """Return what the archive's policy lets a reader in a member account do: read its own."""
    readers = env.access.member_readers
    if not readers:
        return []
    bucket, own = env.archive.bucket, f"{env.organization_prefix}{OWN}/"
    whole, within = naming.bucket_arn(env, bucket), naming.bucket_arn(env, bucket, f"{own}*")
    return [
        _members(env, readers, "MembersLocateLogs", "s3:GetBucketLocation", whole, {}),
        _members(
            env,
            readers,
            "MembersListOwnLogs",
            "s3:ListBucket",
            whole,
            {"StringLike": {"s3:prefix": [own, f"{own}*"]}},
        ),
        _members(env, readers, "MembersReadOwnLogs", "s3:GetObject", within, {}),
    ]


def members_decrypt(env: Environment) -> list[Statement]:
    """Return what the key's policy adds for them: to decrypt log files, through S3 alone."""
    readers = env.access.member_readers
    if not readers:
        return []
    conditions = {
        "StringEquals": {"kms:ViaService": naming.via_service(env, "s3")},
        "Null": {CONTEXT: "false"},
    }
    return [_members(env, readers, "MembersDecryptLogs", "kms:Decrypt", "*", conditions)]


def member_reader(env: Environment) -> Document:
    """Return the policy of the reader in a member account: the half that the member attaches."""
    bucket, own = env.archive.bucket, f"{env.organization_prefix}{OWN}/"
    return document(
        allow(
            "FindOwnLogs", "s3", ("GetBucketLocation", "ListBucket"), naming.bucket_arn(env, bucket)
        ),
        allow("ReadOwnLogs", "s3", ("GetObject",), naming.bucket_arn(env, bucket, f"{own}*")),
        {
            **allow("DecryptOwnLogs", "kms", ("Decrypt",), naming.any_key_arn(env)),
            "Condition": {"StringEquals": {"kms:ViaService": naming.via_service(env, "s3")}},
        },
    )


def list_bucket(env: Environment, sid: str, bucket: str, *more: str) -> Statement:
    """Allow finding a bucket and what is in it."""
    actions = ("GetBucketLocation", "ListBucket", *more)
    return allow(sid, "s3", actions, naming.bucket_arn(env, bucket))


def read_objects(env: Environment, sid: str, keys: str) -> Statement:
    """Allow reading objects of the archive, old versions too."""
    actions = ("GetObject", "GetObjectVersion")
    return allow(sid, "s3", actions, naming.bucket_arn(env, env.archive.bucket, keys))


def decrypt(
    env: Environment, sid: str, services: list[str], others: list[str], *more: str
) -> list[Statement]:
    """Allow decrypting through services with the trail's key and the keys of other aliases.

    A key of ours is told by its alias: its id is not known before it exists. One that is only
    referred to is told by its ARN, whatever its aliases.
    """
    actions = ("Decrypt", *more)
    through = {
        "StringEquals": {"kms:ViaService": [naming.via_service(env, each) for each in services]}
    }

    def by_alias(aliases: list[str]) -> Statement:
        among = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": aliases}}
        allowed = allow(sid, "kms", actions, naming.any_key_arn(env))
        return {**allowed, "Condition": {**among, **through}}

    if arn := env.adopt.referenced_key:
        by_arn = {**allow(f"{sid}ByArn", "kms", actions, arn), "Condition": through}
        return [by_arn, *([by_alias(others)] if others else [])]
    return [by_alias([env.key.alias, *others])]


def _members(
    env: Environment,
    readers: MemberReaders,
    sid: str,
    action: str,
    resource: str,
    conditions: dict[str, dict[str, Any]],
) -> Statement:
    """Allow the readers of this organization, or of the accounts that are named."""
    named = [env.accounts[name].id for name in readers.accounts or ()]
    callers = {
        "aws:PrincipalOrgID": env.organization.id,
        **({"aws:PrincipalAccount": named} if readers.accounts is not None else {}),
    }
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": action,
        "Resource": resource,
        "Condition": {
            **conditions,
            "StringEquals": {**callers, **conditions.get("StringEquals", {})},
            "ArnLike": {"aws:PrincipalArn": naming.role_arn(env, "*", readers.role_name)},
        },
    }


def _root(principal: str) -> str:
    return ":".join((*principal.split(":")[:5], "root"))


def _assumed_by(
    number: int, root: str, arns: list[str], proof: dict[str, Any], actions: list[str]
) -> Statement:
    named = {} if root in arns else {"ArnLike": {"aws:PrincipalArn": sorted(arns)}}
    return {
        "Sid": f"Trusted{number}",
        "Effect": "Allow",
        "Principal": {"AWS": root},
        "Action": actions if len(actions) > 1 else actions[0],
        "Condition": {**proof, **named},
    }
