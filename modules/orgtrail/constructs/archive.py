"""The log archive of the logging account: key, archive bucket and access-log bucket."""

from __future__ import annotations

from orgtrail.constructs import bindings as aws
from orgtrail.constructs.bucket import PrivateBucket, Retention
from orgtrail.constructs.key import ServiceKey
from orgtrail.policies import archive as policies
from orgtrail.policies import key as key_policies
from orgtrail.settings.archive import ObjectLock
from orgtrail.settings.environment import Environment


class TrailKey(ServiceKey):
    """The key that encrypts log files and query results; `arn` stands for its ARN.

    Args:
        scope: the construct that it is part of.
        id: its name there.
        environment: the settings.
        provider: the logging account.

    """

    def __init__(
        self,
        scope: aws.Construct,
        id: str,
        *,
        environment: Environment,
        provider: aws.AwsProvider,
    ) -> None:
        """Make the key and its alias."""
        super().__init__(
            scope,
            id,
            environment=environment,
            provider=provider,
            alias=environment.key.alias,
            description=f"Log files of the organization trail {environment.trail.name}",
            policy=key_policies.key(environment),
            protect=environment.archive.destroy_protection,
        )


class LogArchive(aws.Part):
    """The bucket with the evidence, and the bucket that logs who reaches for it.

    `ready` is what must stand before the first log file comes.

    Args:
        scope: the construct that it is part of.
        id: its name there.
        environment: the settings.
        provider: the logging account.
        kms_key_arn: ARN of the key that encrypts log files.

    """

    def __init__(
        self,
        scope: aws.Construct,
        id: str,
        *,
        environment: Environment,
        provider: aws.AwsProvider,
        kms_key_arn: str,
    ) -> None:
        """Make both buckets."""
        super().__init__(scope, id, provider=provider)
        settings = environment.archive
        self.access_logs = PrivateBucket(
            self,
            "access_logs",
            provider=provider,
            bucket=settings.access_log_bucket,
            policy=policies.access_logs(environment),
            # S3 cannot deliver access logs to a bucket that is locked or encrypted with KMS.
            retention=Retention(settings.access_log_expire_after_days, 30),
            protect=settings.destroy_protection,
        )
        self.archive = PrivateBucket(
            self,
            "Default",
            provider=provider,
            bucket=settings.bucket,
            policy=policies.archive(environment),
            retention=Retention(
                expire=settings.expire_after_days,
                noncurrent=settings.noncurrent_expire_after_days,
                glacier=settings.glacier_after_days,
                deep_archive=settings.deep_archive_after_days,
            ),
            kms_key_arn=kms_key_arn,
            logs_to=(self.access_logs, policies.ARCHIVE_LOG_PREFIX),
            protect=settings.destroy_protection,
        )
        self.ready: list[aws.Dependable] = [self.archive.policy, self.archive.encryption]
        if lock := settings.object_lock:
            # A log file that came before the lock would stay unlocked.
            self.ready.append(self._lock(lock))

    def _lock(self, lock: ObjectLock) -> aws.Dependable:
        return self.add(
            aws.S3BucketObjectLockConfiguration,
            "lock",
            bucket=self.archive.name,
            rule=aws.ObjectLockRule(
                default_retention=aws.ObjectLockRetention(mode=lock.mode, days=lock.days)
            ),
            depends_on=[self.archive.versioning],
        )
