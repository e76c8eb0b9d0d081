"""The policy of the key that encrypts log files and query results."""

from __future__ import annotations

from orgtrail import layout
from orgtrail.policies.document import Document, Statement, document
from orgtrail.settings.environment import Environment

CONTEXT = "kms:EncryptionContext:aws:cloudtrail:arn"
"""CloudTrail's encryption context: present on log files, on nothing else."""

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
        {
            "Sid": "AdministerKey",
            "Effect": "Allow",
            "Principal": {"AWS": administrators(env)},
            "Action": _ADMINISTRATION,
            "Resource": "*",
        },
        _cloudtrail(
            env,
            "CloudTrailEncrypts",
            ["kms:GenerateDataKey*"],
            {"StringLike": {CONTEXT: layout.any_trail_arn(env)}},
        ),
        # An S3 Bucket Key is cached: the service has to read back the one that it uses.
        _cloudtrail(
            env,
            "CloudTrailUsesBucketKey",
            ["kms:Decrypt"],
            {"StringLike": {CONTEXT: layout.any_trail_arn(env)}},
        ),
        _cloudtrail(env, "CloudTrailDescribesKey", ["kms:DescribeKey"], {}),
        {
            "Sid": "ReadersDecryptLogs",
            "Effect": "Allow",
            "Principal": {"AWS": layout.account_root(env, env.logging.id)},
            "Action": "kms:Decrypt",
            "Resource": "*",
            "Condition": {"Null": {CONTEXT: "false"}},
        },
        {
            "Sid": "AthenaResults",
            "Effect": "Allow",
            "Principal": {"AWS": layout.account_root(env, env.logging.id)},
            "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
            "Resource": "*",
            "Condition": {
                "StringEquals": {"kms:ViaService": f"s3.{env.home_region}.{_domain(env)}"},
                "StringLike": {
                    "kms:EncryptionContext:aws:s3:arn": [
                        layout.bucket_arn(env, env.result_bucket),
                        layout.bucket_arn(env, env.result_bucket, "*"),
                    ]
                },
            },
        },
    )


def administrators(env: Environment) -> list[str]:
    """Return who administers the key: those named and the deploy role, or the account's IAM."""
    named = list(env.key.administrators)
    if not named:
        return [layout.account_root(env, env.logging.id)]
    deploy = env.logging.role_arn
    return named + ([deploy] if deploy and deploy not in named else [])


def _cloudtrail(
    env: Environment, sid: str, actions: list[str], condition: dict[str, dict[str, str]]
) -> Statement:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": layout.CLOUDTRAIL},
        "Action": actions,
        "Resource": "*",
        "Condition": {"StringEquals": {"aws:SourceArn": layout.trail_arn(env)}, **condition},
    }


def _domain(env: Environment) -> str:
    china = layout.partition(env.home_region) == "aws-cn"
    return "amazonaws.com.cn" if china else "amazonaws.com"
