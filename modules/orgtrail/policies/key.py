"""The policy of the key that encrypts log files and query results."""

from __future__ import annotations

from orgtrail import naming
from orgtrail.policies import readers, writers
from orgtrail.policies.document import CONTEXT, Document, Statement, acting_for, document
from orgtrail.settings.environment import Environment

_ADMINISTRATION = [
    f"kms:{action}"
    for action in (
        "CancelKeyDeletion", "CreateAlias", "DeleteAlias", "Describe*", "DisableKey*",
        "EnableKey*", "Get*", "List*", "PutKeyPolicy", "RevokeGrant", "RotateKeyOnDemand",
        "ScheduleKeyDeletion", "TagResource", "UntagResource", "UpdateAlias",
        "UpdateKeyDescription",
    )
]  # fmt: skip


def key(env: Environment) -> Document:
    """Return the key policy: CloudTrail encrypts for this trail, readers decrypt logs.

    Nobody gets `kms:*`; an administrator of the key cannot decrypt by being one.
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-kms-key-policy-for-cloudtrail.html
    """
    return document(
        administration(administrators(env)),
        by_pattern(env),
        _cloudtrail(
            env,
            "CloudTrailEncrypts",
            ["kms:GenerateDataKey*"],
            {"StringLike": {CONTEXT: naming.any_trail_arn(env)}},
        ),
        # An S3 Bucket Key is cached: the service has to read back the one that it uses.
        _cloudtrail(
            env,
            "CloudTrailUsesBucketKey",
            ["kms:Decrypt"],
            {"StringLike": {CONTEXT: naming.any_trail_arn(env)}},
        ),
        _cloudtrail(env, "CloudTrailDescribesKey", ["kms:DescribeKey"], {}),
        {
            "Sid": "ReadersDecryptLogs",
            "Effect": "Allow",
            "Principal": {"AWS": naming.account_root(env, env.logging.id)},
            "Action": "kms:Decrypt",
            "Resource": "*",
            "Condition": {"Null": {CONTEXT: "false"}},
        },
        {
            "Sid": "AthenaResults",
            "Effect": "Allow",
            "Principal": {"AWS": naming.account_root(env, env.logging.id)},
            "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
            "Resource": "*",
            "Condition": {
                "StringEquals": {"kms:ViaService": naming.via_service(env, "s3")},
                "StringLike": {
                    "kms:EncryptionContext:aws:s3:arn": [
                        naming.bucket_arn(env, bucket, key)
                        for bucket in filter(None, (env.result_bucket, env.compacted_bucket))
                        for key in ("", "*")
                    ]
                },
            },
        },
        *readers.members_decrypt(env),
        *writers.encrypt(env),
    )


def administration(principals: list[str]) -> Statement:
    """Return the statement for those who administer a key: they cannot decrypt by it."""
    return {
        "Sid": "AdministerKey",
        "Effect": "Allow",
        "Principal": {"AWS": principals},
        "Action": _ADMINISTRATION,
        "Resource": "*",
    }


def service(sid: str, name: str, account: str, source: str) -> Statement:
    """Let a service encrypt and decrypt for one resource of one account."""
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": name},
        "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
        "Resource": "*",
        "Condition": acting_for(account, source),
    }


def readers_decrypt(env: Environment, sid: str, name: str) -> Statement:
    """Leave it to IAM in the logging account who decrypts, through one service alone."""
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"AWS": naming.account_root(env, env.logging.id)},
        "Action": "kms:Decrypt",
        "Resource": "*",
        "Condition": {"StringEquals": {"kms:ViaService": naming.via_service(env, name)}},
    }


def administrators(env: Environment) -> list[str]:
    """Return who administers the key: those named and the deploy role, or the account's IAM."""
    named = list(env.key.administrators)
    if not named:
        return [naming.account_root(env, env.logging.id)]
    deploying = filter(_is_one, env.logging.deploy_roles)
    return list(dict.fromkeys([*named, *deploying]))


def by_pattern(env: Environment) -> Statement | None:
    """Let those administer a key that are known by a pattern: it is no principal."""
    roles = patterns(env)
    if not roles:
        return None
    root = [naming.account_root(env, env.logging.id)]
    condition = {"ArnLike": {"aws:PrincipalArn": roles}}
    return {**administration(root), "Sid": "AdministerKeyByPattern", "Condition": condition}


def patterns(env: Environment) -> list[str]:
    """Return who administers the key beside the principals: break-glass, and who deploys.

    Nobody where the key is left to IAM, which lets them anyway.
    """
    if not env.key.administrators:
        return []
    deploying = [each for each in env.logging.deploy_roles if not _is_one(each)]
    return list(dict.fromkeys((*env.archive.break_glass_roles, *deploying)))


def _is_one(role: str) -> bool:
    return "*" not in role and "?" not in role


def _cloudtrail(
    env: Environment, sid: str, actions: list[str], condition: dict[str, dict[str, str]]
) -> Statement:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": naming.CLOUDTRAIL},
        "Action": actions,
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:SourceArn": naming.trail_arn(env)}, **condition},
    }
