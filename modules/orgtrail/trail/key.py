"""The key that encrypts log files and query results, in the logging account."""

from __future__ import annotations

from dataclasses import dataclass

from orgtrail import naming
from orgtrail.settings.environment import Environment
from orgtrail.settings.types import account_of
from orgtrail.trail import members, writers
from orgtrail.trail.common import others_key, service_key
from orgtrail.trail.part import Part
from orgtrail.trail.policy import (
    CONTEXT,
    Document,
    Statement,
    administration,
    administrators,
    by_pattern,
    document,
)
from orgtrail.trail.resource import Provider, Resource


@dataclass(frozen=True, slots=True)
class TrailKey:
    """The key, for other parts."""

    arn: str
    """Its ARN, or an expression for it."""
    ready: tuple[Resource, ...]
    """Resources that must exist before it is used."""


def key(part: Part) -> TrailKey:
    """Add the key and its alias."""
    env = part.environment
    if arn := env.adopt.referenced_key:
        # It may be in any account: Control Tower keeps it in the management account.
        owner = Provider(account_of(arn), env.home_region)
        made = others_key(part.inside("Default"), arn=arn, alias=env.key.alias, owner=owner)
        return TrailKey(arn, (made,))
    made = service_key(
        part.inside("Default"),
        alias=env.key.alias,
        description=f"Log files of the organization trail {env.trail.name}",
        policy=key_policy(env),
        protect=env.archive.destroy_protection,
        existing=env.adopt.key,
    )
    return TrailKey(made.attribute("arn"), (made,))


def key_policy(env: Environment) -> Document:
    """Return the key policy: CloudTrail encrypts for this trail, readers decrypt logs.

    Nobody gets `kms:*`, and administering the key does not allow decrypting.
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
        # S3 Bucket Keys are cached: the service has to decrypt the one that it reuses.
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
        *members.key_statements(env),
        *writers.key_statements(env),
    )


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
