"""Policies of the three buckets in the logging account."""

from __future__ import annotations

from orgtrail import naming
from orgtrail.policies import readers, writers
from orgtrail.policies.document import (
    DELETION,
    HOLDING,
    REWRITING,
    Document,
    Statement,
    acting_for,
    document,
    except_roles,
    secure_transport,
)
from orgtrail.settings.environment import Environment

ARCHIVE_LOG_PREFIX = "archive/"
RESULTS_LOG_PREFIX = "athena-results/"
COMPACTED_LOG_PREFIX = "compacted/"
FINDINGS_LOG_PREFIX = "guardduty-findings/"


def archive(env: Environment) -> Document:
    """Return the archive's policy: CloudTrail writes for this one trail, nobody deletes.

    Source of the first three statements:
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html
    """
    bucket = env.archive.bucket
    return document(
        _from_trail(env, "AWSCloudTrailAclCheck20150319", "s3:GetBucketAcl", bucket, ""),
        # CreateTrail asks for the management account's own prefix too.
        _from_trail(env, "AWSCloudTrailWrite20150319", "s3:PutObject", bucket, env.management.id),
        _from_trail(
            env,
            "AWSCloudTrailOrganizationWrite20150319",
            "s3:PutObject",
            bucket,
            env.organization.id,
        ),
        transport(env, bucket),
        encrypted(naming.trail_object_arns(env), ["aws:kms", "AES256"]),
        no_deletion(env, bucket),
        _only_cloudtrail_writes(env),
        *readers.members_read(env),
        *writers.deliveries(env),
        *writers.kept(env),
    )


def access_logs(env: Environment) -> Document:
    """Return the policy of the access-log bucket: S3's log delivery writes, nobody deletes.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
    """
    bucket = env.archive.access_log_bucket
    sources = {ARCHIVE_LOG_PREFIX: env.archive.bucket, RESULTS_LOG_PREFIX: env.result_bucket}
    if env.compacted_bucket:
        sources[COMPACTED_LOG_PREFIX] = env.compacted_bucket
    if env.findings_bucket:
        sources[FINDINGS_LOG_PREFIX] = env.findings_bucket
    deliveries = [
        {
            "Sid": f"S3ServerAccessLogs{number}",
            "Effect": "Allow",
            "Principal": {"Service": "logging.s3.amazonaws.com"},
            "Action": "s3:PutObject",
            "Resource": naming.bucket_arn(env, bucket, f"{prefix}*"),
            "Condition": acting_for(env.logging.id, naming.bucket_arn(env, source)),
        }
        for number, (prefix, source) in enumerate(sources.items(), start=1)
    ]
    return document(*deliveries, transport(env, bucket), no_deletion(env, bucket))


def results(env: Environment) -> Document:
    """Return the result bucket's policy: encrypted transport only; IAM decides who reads."""
    return document(transport(env, env.result_bucket))


def _from_trail(env: Environment, sid: str, action: str, bucket: str, owner: str) -> Statement:
    """Allow CloudTrail one action, for this trail alone (no confused deputy)."""
    write = {"s3:x-amz-acl": "bucket-owner-full-control"} if owner else {}
    key = f"{env.logs_prefix}{owner}/*" if owner else ""
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": naming.CLOUDTRAIL},
        "Action": action,
        "Resource": naming.bucket_arn(env, bucket, key),
        "Condition": {"StringEquals": {**write, "aws:SourceArn": naming.trail_arn(env)}},
    }


def transport(env: Environment, bucket: str) -> Statement:
    """Deny reaching a bucket without TLS."""
    return secure_transport(
        "s3:*", [naming.bucket_arn(env, bucket), naming.bucket_arn(env, bucket, "*")]
    )


def encrypted(keys: list[str], algorithms: str | list[str]) -> Statement:
    """Deny other encryption than a service uses; CloudTrail: KMS for logs, SSE-S3 for digests.

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
    """Deny deleting objects and versions, passing a GOVERNANCE lock and changing its end.

    Lifecycle expiry is not a request, so no bucket policy stops it.
    """
    return {
        "Sid": "DenyDeletion",
        "Effect": "Deny",
        "Principal": "*",
        "Action": [f"s3:{action}" for action in (*DELETION, *HOLDING)],
        "Resource": naming.bucket_arn(env, bucket, "*"),
        **except_roles(env.archive.break_glass_roles),
    }


def _only_cloudtrail_writes(env: Environment) -> Statement:
    """Deny writing where this trail writes to everyone but CloudTrail, so that no log is forged.

    Elsewhere in a shared bucket other services write what is theirs. The key is absent where the
    caller is no service, and an absent key is not equal.
    """
    return {
        "Sid": "DenyForgedLogs",
        "Effect": "Deny",
        "Principal": "*",
        "Action": [f"s3:{action}" for action in (*REWRITING, "PutObjectAcl")],
        "Resource": naming.trail_object_arns(env),
        "Condition": {"StringNotEquals": {"aws:PrincipalServiceName": naming.CLOUDTRAIL}},
    }
