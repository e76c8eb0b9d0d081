"""The log archive of the logging account: key, archive bucket and access-log bucket."""

from __future__ import annotations

from orgtrail.constructs import bindings as aws
from orgtrail.constructs.bucket import LogTarget, PrivateBucket, Retention
from orgtrail.constructs.key import ServiceKey
from orgtrail.policies import archive as policies
from orgtrail.policies import key as key_policies
from orgtrail.settings.archive import ObjectLock
from orgtrail.settings.environment import Environment


class TrailKey(aws.Part):
    """The key that encrypts log files and query results; `arn` stands for its ARN.

    `ready` is what must stand before it is used: nothing where it is only referred to.

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
        """Make the key and its alias, unless the key is somebody else's."""
        super().__init__(scope, id, provider=provider)
        if arn := environment.adopt.others_key:
            self.arn = arn
            self.ready: list[aws.Dependable] = []
            return
        made = ServiceKey(
            self,
            "Default",
            environment=environment,
            provider=provider,
            alias=environment.key.alias,
            description=f"Log files of the organization trail {environment.trail.name}",
            policy=key_policies.key(environment),
            protect=environment.archive.destroy_protection,
            existing=environment.adopt.key,
        )
        self.arn = made.arn
        self.ready = [made.key]


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
        """Make both buckets, but those that are somebody else's."""
        super().__init__(scope, id, provider=provider)
        self.access_logs = self._access_logs(environment, provider)
        self.ready: list[aws.Dependable] = []
        if not environment.adopt.refers("bucket"):
            self._archive(environment, provider, kms_key_arn)

    def _access_logs(self, environment: Environment, provider: aws.AwsProvider) -> LogTarget:
        settings = environment.archive
        if environment.adopt.refers("access_log_bucket"):
            return LogTarget(settings.access_log_bucket)
        made = PrivateBucket(
            self,
            "access_logs",
            provider=provider,
            bucket=settings.access_log_bucket,
            policy=policies.access_logs(environment),
            # S3 cannot deliver access logs to a bucket that is locked or encrypted with KMS.
            retention=Retention(settings.access_log_expire_after_days, 30),
            protect=settings.destroy_protection,
            existing=environment.adopt.access_log_bucket,
        )
        return LogTarget(made.name, (made.policy,))

    def _archive(
        self, environment: Environment, provider: aws.AwsProvider, kms_key_arn: str
    ) -> None:
        settings = environment.archive
        made = PrivateBucket(
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
            kms_key_arn=kms_key_arn if environment.encrypts_by_default else None,
            logs_to=(self.access_logs, policies.ARCHIVE_LOG_PREFIX),
            protect=settings.destroy_protection,
            existing=environment.adopt.bucket,
        )
        self.ready += [made.policy, made.encryption]
        if lock := settings.object_lock:
            # A log file that came before the lock would stay unlocked.
            locked = self._lock(lock, made)
            self.ready.append(locked)
            made.adopted("lock", locked)

    def _lock(self, lock: ObjectLock, archive: PrivateBucket) -> aws.TerraformResource:
        return self.add(
            aws.S3BucketObjectLockConfiguration,
            "lock",
            bucket=archive.name,
            rule=aws.ObjectLockRule(
                default_retention=aws.ObjectLockRetention(mode=lock.mode, days=lock.days)
            ),
            depends_on=[archive.versioning],
        )
