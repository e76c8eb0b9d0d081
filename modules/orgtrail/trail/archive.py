"""The log archive of the logging account: the archive bucket, and the one for its access logs."""

from __future__ import annotations

from dataclasses import dataclass

from orgtrail import naming
from orgtrail.settings.environment import Environment
from orgtrail.trail import members, writers
from orgtrail.trail.common import Bucket, LogTarget, Retention, private_bucket
from orgtrail.trail.part import Part
from orgtrail.trail.policy import (
    REWRITING,
    Document,
    Statement,
    acting_for,
    document,
    encrypted,
    no_deletion,
    transport,
)
from orgtrail.trail.resource import Resource

ARCHIVE_LOG_PREFIX = "archive/"
RESULTS_LOG_PREFIX = "athena-results/"
COMPACTED_LOG_PREFIX = "compacted/"
FINDINGS_LOG_PREFIX = "guardduty-findings/"


@dataclass(frozen=True, slots=True)
class Archive:
    """The archive's resources that other parts need."""

    access_logs: LogTarget
    bucket: Bucket
    ready: tuple[Resource, ...]
    """Resources that must exist before the first log file arrives."""


def archive(part: Part, key_arn: str) -> Archive:
    """Add the archive and the access-log bucket.

    Args:
        part: the part to add to.
        key_arn: ARN of the key that encrypts log files.

    """
    access_logs = _access_logs(part.inside("access_logs"))
    env, settings = part.environment, part.environment.archive
    made = private_bucket(
        part.inside("Default"),
        bucket=settings.bucket,
        policy=None if env.adopt.is_referenced("bucket") else archive_policy(env),
        retention=Retention(
            expire=settings.expire_after_days,
            noncurrent=settings.noncurrent_expire_after_days,
            glacier=settings.glacier_after_days,
            deep_archive=settings.deep_archive_after_days,
        ),
        kms_key_arn=key_arn if env.encrypts_by_default else None,
        logs_to=(access_logs, ARCHIVE_LOG_PREFIX),
        protect=settings.destroy_protection,
        existing=env.adopt.bucket,
    )
    ready = [made.policy, made.encryption]
    if lock := settings.object_lock:
        # A log file delivered before the lock would stay unlocked.
        ready.append(
            part.add(
                "aws_s3_bucket_object_lock_configuration",
                "lock",
                bucket=settings.bucket,
                rule={"default_retention": {"mode": lock.mode, "days": lock.days}},
                depends_on=[made.versioning],
                imported_as=made.imported("lock"),
                is_managed=made.policy.is_managed,
            )
        )
    return Archive(access_logs, made, tuple(ready))


def _access_logs(part: Part) -> LogTarget:
    env, settings = part.environment, part.environment.archive
    made = private_bucket(
        part,
        bucket=settings.access_log_bucket,
        policy=None if env.adopt.is_referenced("access_log_bucket") else access_log_policy(env),
        # S3 cannot deliver access logs to a bucket that is locked or encrypted with KMS.
        retention=Retention(settings.access_log_expire_after_days, 30),
        protect=settings.destroy_protection,
        existing=env.adopt.access_log_bucket,
    )
    return LogTarget(made.name, (made.policy,))


def archive_policy(env: Environment) -> Document:
    """Return the archive's policy: CloudTrail writes for this trail only, nobody deletes.

    Source of the first three statements:
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html
    """
    bucket = env.archive.bucket
    return document(
        _allow_cloudtrail(env, "AWSCloudTrailAclCheck20150319", "s3:GetBucketAcl", bucket, ""),
        # CreateTrail also requires access to the management account's own prefix.
        _allow_cloudtrail(
            env, "AWSCloudTrailWrite20150319", "s3:PutObject", bucket, env.management.id
        ),
        _allow_cloudtrail(
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
        *members.bucket_statements(env),
        *writers.bucket_statements(env),
        *writers.kept_statements(env),
    )


def access_log_policy(env: Environment) -> Document:
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


def _allow_cloudtrail(
    env: Environment, sid: str, action: str, bucket: str, owner: str
) -> Statement:
    """Allow CloudTrail one action, for this trail only (no confused deputy)."""
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


def _only_cloudtrail_writes(env: Environment) -> Statement:
    """Deny everyone but CloudTrail writing below this trail's prefixes, against forged logs.

    Other services may write to other prefixes of a shared bucket. The condition key is absent if
    the caller is not a service, and StringNotEquals matches an absent key.
    """
    return {
        "Sid": "DenyForgedLogs",
        "Effect": "Deny",
        "Principal": "*",
        "Action": [f"s3:{action}" for action in (*REWRITING, "PutObjectAcl")],
        "Resource": naming.trail_object_arns(env),
        "Condition": {"StringNotEquals": {"aws:PrincipalServiceName": naming.CLOUDTRAIL}},
    }
