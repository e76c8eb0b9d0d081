"""Policy documents, and the statements that several parts share."""

from __future__ import annotations

import json
from itertools import groupby
from typing import Any

from orgtrail import naming
from orgtrail.settings.environment import Environment

DELETION = (
    "BypassGovernanceRetention", "DeleteObject", "DeleteObjectVersion", "ReplicateDelete",
)  # fmt: skip
"""The S3 actions that delete a log file, or make that possible."""
REWRITING = ("PutObject", "ReplicateObject", "UpdateObjectEncryption")
"""The S3 actions that replace a log file, or encrypt it with another key.

Replication writes without `s3:PutObject`."""
HOLDING = ("PutObjectLegalHold", "PutObjectRetention")
"""The S3 actions that change how long a log file is locked."""
CONTEXT = "kms:EncryptionContext:aws:cloudtrail:arn"
"""CloudTrail's encryption context, which only log files have."""
Statement = dict[str, Any]
Document = dict[str, Any]
_ADMINISTRATION = [
    f"kms:{action}"
    for action in (
        "CancelKeyDeletion", "CreateAlias", "DeleteAlias", "Describe*", "DisableKey*",
        "EnableKey*", "Get*", "List*", "PutKeyPolicy", "RevokeGrant", "RotateKeyOnDemand",
        "ScheduleKeyDeletion", "TagResource", "UntagResource", "UpdateAlias",
        "UpdateKeyDescription",
    )
]  # fmt: skip


def document(*statements: Statement | None) -> Document:
    """Join statements into a document, except those that are None."""
    return {"Version": "2012-10-17", "Statement": [each for each in statements if each]}


def text(policy: Document) -> str:
    """Write a document without spaces, which AWS counts against its size limits."""
    return json.dumps(policy, separators=(",", ":"), ensure_ascii=False)


def except_roles(roles: tuple[str, ...]) -> dict[str, Any]:
    """Return the condition that exempts roles from a deny; empty if there are no roles."""
    return {"Condition": {"ArnNotLike": {"aws:PrincipalArn": list(roles)}}} if roles else {}


def allow(sid: str, service: str, actions: tuple[str, ...], resource: str | list[str]) -> Statement:
    """Allow some actions of a service, in an identity-based policy."""
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Action": [f"{service}:{action}" for action in actions],
        "Resource": resource,
    }


def acting_for(account: str, source: str | list[str]) -> dict[str, Any]:
    """Return the condition that a service acts for one account's resource (no confused deputy)."""
    return {
        "StringEquals": {"aws:SourceAccount": account},
        "ArnLike": {"aws:SourceArn": source},
    }


def publish(sid: str, service: str, topic: str, account: str, source: str) -> Statement:
    """Allow a service to publish to a topic, for one resource of one account."""
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sns:Publish",
        "Resource": topic,
        "Condition": acting_for(account, source),
    }


def secure_transport(action: str, resources: list[str]) -> Statement:
    """Deny every call without TLS."""
    return {
        "Sid": "DenyInsecureTransport",
        "Effect": "Deny",
        "Principal": "*",
        "Action": action,
        "Resource": resources,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def transport(env: Environment, bucket: str) -> Statement:
    """Deny access to a bucket without TLS."""
    return secure_transport(
        "s3:*", [naming.bucket_arn(env, bucket), naming.bucket_arn(env, bucket, "*")]
    )


def encrypted(keys: list[str], algorithms: str | list[str]) -> Statement:
    """Deny encryption that the service does not use; CloudTrail uses KMS, and SSE-S3 for digests.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/best-practices-security.html
    """
    return {
        "Sid": "DenyWrongEncryption",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": keys if len(keys) > 1 else keys[0],
        "Condition": {"StringNotEquals": {"s3:x-amz-server-side-encryption": algorithms}},
    }


def no_deletion(env: Environment, bucket: str) -> Statement:
    """Deny deleting objects and versions, bypassing a GOVERNANCE lock and changing its end.

    Lifecycle expiry is not a request, so that no bucket policy stops it.
    """
    return {
        "Sid": "DenyDeletion",
        "Effect": "Deny",
        "Principal": "*",
        "Action": [f"s3:{action}" for action in (*DELETION, *HOLDING)],
        "Resource": naming.bucket_arn(env, bucket, "*"),
        **except_roles(env.archive.break_glass_roles),
    }


def administration(principals: list[str]) -> Statement:
    """Allow administering a key, which does not include decrypting."""
    return {
        "Sid": "AdministerKey",
        "Effect": "Allow",
        "Principal": {"AWS": principals},
        "Action": _ADMINISTRATION,
        "Resource": "*",
    }


def service(sid: str, name: str, account: str, source: str) -> Statement:
    """Allow a service to encrypt and decrypt for one resource of one account."""
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": name},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
        "Resource": "*",
        "Condition": acting_for(account, source),
    }


def readers_decrypt(env: Environment, sid: str, name: str) -> Statement:
    """Let IAM in the logging account decide who decrypts, through one service only."""
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"AWS": naming.account_root(env, env.logging.id)},
        "Action": "kms:Decrypt",
        "Resource": "*",
        "Condition": {"StringEquals": {"kms:ViaService": naming.via_service(env, name)}},
    }


def administrators(env: Environment) -> list[str]:
    """Return the key's administrators: those of the file and the deploying role, or the account."""
    named = list(env.key.administrators)
    if not named:
        return [naming.account_root(env, env.logging.id)]
    deploying = filter(_is_one, env.logging.deploy_roles)
    return list(dict.fromkeys([*named, *deploying]))


def by_pattern(env: Environment) -> Statement | None:
    """Allow administrators that match a pattern, which cannot be a principal."""
    roles = patterns(env)
    if not roles:
        return None
    root = [naming.account_root(env, env.logging.id)]
    condition = {"ArnLike": {"aws:PrincipalArn": roles}}
    return {**administration(root), "Sid": "AdministerKeyByPattern", "Condition": condition}


def patterns(env: Environment) -> list[str]:
    """Return the patterns of further administrators: break-glass roles and deploying roles.

    Empty if IAM decides who administers the key, since it can allow them anyway.
    """
    if not env.key.administrators:
        return []
    deploying = [each for each in env.logging.deploy_roles if not _is_one(each)]
    return list(dict.fromkeys((*env.archive.break_glass_roles, *deploying)))


def _is_one(role: str) -> bool:
    return "*" not in role and "?" not in role


def trust(
    trusted: tuple[str, ...],
    *,
    mfa: bool = False,
    external_id: str | None = None,
    source_identity: tuple[str, ...] = (),
) -> Document:
    """Return a role's trust policy for principals by ARN or pattern, one statement per account.

    `Principal` has the account and a condition the pattern, so that roles that are created again,
    or that IAM Identity Center names, are trusted as well.
    A session with a source identity may only assume roles that also allow setting it:
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


def list_bucket(env: Environment, sid: str, bucket: str, *more: str) -> Statement:
    """Allow locating a bucket and listing its objects."""
    actions = ("GetBucketLocation", "ListBucket", *more)
    return allow(sid, "s3", actions, naming.bucket_arn(env, bucket))


def read_objects(env: Environment, sid: str, keys: str) -> Statement:
    """Allow reading objects of the archive, including old versions."""
    actions = ("GetObject", "GetObjectVersion")
    return allow(sid, "s3", actions, naming.bucket_arn(env, env.archive.bucket, keys))


def decrypt(
    env: Environment, sid: str, services: list[str], others: list[str], *more: str
) -> list[Statement]:
    """Allow decrypting through services with the trail's key and the keys of other aliases.

    Our keys are identified by alias, since their ids are unknown before they exist. A key that is
    only referred to is identified by its ARN, whatever its aliases.
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


def boundary_arn(env: Environment, name: str) -> str | None:
    """Return the ARN of an account's boundary; None if the file sets none."""
    account = env.accounts[name]
    if not account.permissions_boundary:
        return None
    return naming.arn(env, "iam", account.id, f"policy/{account.permissions_boundary}")
