"""The log archive of the logging account: the archive bucket, and the one for its access logs."""

from __future__ import annotations

from dataclasses import dataclass

from orgtrail.policies import archive as policies
from orgtrail.trail.common import Bucket, LogTarget, Retention, private_bucket
from orgtrail.trail.part import Part
from orgtrail.trail.resource import Resource


@dataclass(frozen=True, slots=True)
class Archive:
    """What other parts need of the archive."""

    access_logs: LogTarget
    bucket: Bucket
    ready: tuple[Resource, ...]
    """What must be there before the first log file comes."""


def archive(part: Part, key_arn: str) -> Archive:
    """Add both buckets.

    Args:
        part: the part that they become.
        key_arn: ARN of the key that encrypts log files.

    """
    access_logs = _access_logs(part.inside("access_logs"))
    env, settings = part.environment, part.environment.archive
    made = private_bucket(
        part.inside("Default"),
        bucket=settings.bucket,
        policy=None if env.adopt.is_referenced("bucket") else policies.archive(env),
        retention=Retention(
            expire=settings.expire_after_days,
            noncurrent=settings.noncurrent_expire_after_days,
            glacier=settings.glacier_after_days,
            deep_archive=settings.deep_archive_after_days,
        ),
        kms_key_arn=key_arn if env.encrypts_by_default else None,
        logs_to=(access_logs, policies.ARCHIVE_LOG_PREFIX),
        protect=settings.destroy_protection,
        existing=env.adopt.bucket,
    )
    ready = [made.policy, made.encryption]
    if lock := settings.object_lock:
        # A log file that came before the lock would stay unlocked.
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
        policy=None if env.adopt.is_referenced("access_log_bucket") else policies.access_logs(env),
        # S3 cannot deliver access logs to a bucket that is locked or encrypted with KMS.
        retention=Retention(settings.access_log_expire_after_days, 30),
        protect=settings.destroy_protection,
        existing=env.adopt.access_log_bucket,
    )
    return LogTarget(made.name, (made.policy,))
