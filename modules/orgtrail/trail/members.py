"""Readers in member accounts: each reads the log files of its own account."""

from __future__ import annotations

from typing import Any

from orgtrail import naming
from orgtrail.settings.access import MemberReaders
from orgtrail.settings.environment import Environment
from orgtrail.trail.policy import CONTEXT, Document, Statement, allow, document

OWN = "${aws:PrincipalAccount}"
"""IAM replaces it with the caller's account.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html"""


def bucket_statements(env: Environment) -> list[Statement]:
    """Return the archive policy's statements that let members' readers read their own logs."""
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


def key_statements(env: Environment) -> list[Statement]:
    """Return the key policy's statements that let them decrypt log files, only through S3."""
    readers = env.access.member_readers
    if not readers:
        return []
    conditions = {
        "StringEquals": {"kms:ViaService": naming.via_service(env, "s3")},
        "Null": {CONTEXT: "false"},
    }
    return [_members(env, readers, "MembersDecryptLogs", "kms:Decrypt", "*", conditions)]


def member_policy(env: Environment) -> Document:
    """Return the policy to attach to the reader in a member account."""
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


def _members(
    env: Environment,
    readers: MemberReaders,
    sid: str,
    action: str,
    resource: str,
    conditions: dict[str, dict[str, Any]],
) -> Statement:
    """Allow an action to the readers of the organization, or of the chosen accounts."""
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
