"""A private bucket: what all three buckets of the logging account have in common."""

from __future__ import annotations

from dataclasses import dataclass

from orgtrail.constructs import bindings as aws
from orgtrail.policies.document import Document, text
from orgtrail.settings.adoption import BucketPart, ExistingBucket


@dataclass(frozen=True, slots=True)
class Retention:
    """How long a bucket keeps objects, in days; None is for ever."""

    expire: int | None
    noncurrent: int
    glacier: int | None = None
    deep_archive: int | None = None


@dataclass(frozen=True, slots=True)
class LogTarget:
    """A bucket that server access logs go to, and what must stand before."""

    name: str
    ready: aws.Dependables = ()


class PrivateBucket(aws.Part):
    """A bucket without public access, ACLs or unencrypted objects, with a policy.

    Args:
        scope: the construct that it is part of.
        id: its name there.
        provider: the logging account.
        bucket: the bucket's name.
        policy: its policy.
        retention: when objects move and expire.
        kms_key_arn: key of the default encryption; None means SSE-S3.
        logs_to: bucket and prefix for server access logs; None where nothing is logged.
        protect: refuse to destroy it.
        existing: what of it is brought under management; None makes it.

    """

    def __init__(
        self,
        scope: aws.Construct,
        id: str,
        *,
        provider: aws.AwsProvider,
        bucket: str,
        policy: Document,
        retention: Retention,
        kms_key_arn: str | None = None,
        logs_to: tuple[LogTarget, str] | None = None,
        protect: bool = True,
        existing: ExistingBucket | None = None,
    ) -> None:
        """Make the bucket and all that guards it."""
        super().__init__(scope, id, provider=provider)
        self.name = bucket
        self.existing = existing
        self.bucket = self.add(
            aws.S3Bucket, "Default", bucket=bucket, lifecycle=aws.protected(protect)
        )
        aws.imported(self.bucket, bucket, when=existing is not None)
        self.closed = self.add(
            aws.S3BucketPublicAccessBlock,
            "public_access",
            bucket=bucket,
            depends_on=[self.bucket],
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
        )
        owned = self.add(
            aws.S3BucketOwnershipControls,
            "ownership",
            bucket=bucket,
            depends_on=[self.bucket],
            rule=aws.S3BucketOwnershipControlsRule(object_ownership="BucketOwnerEnforced"),
        )
        self.versioning = self.add(
            aws.S3BucketVersioning,
            "versioning",
            bucket=bucket,
            depends_on=[self.bucket],
            versioning_configuration=aws.VersioningConfiguration(status="Enabled"),
        )
        self._encrypt(kms_key_arn)
        self._expire(retention)
        self.policy = self.add(
            aws.S3BucketPolicy,
            "policy",
            bucket=bucket,
            policy=aws.literal(text(policy)),
            # S3 refuses two changes of a bucket's access at the same time.
            depends_on=[self.closed],
        )
        self.adopted("public_access", self.closed)
        self.adopted("ownership", owned)
        self.adopted("versioning", self.versioning)
        self.adopted("policy", self.policy)
        if logs_to:
            self._log(*logs_to)

    def adopted(self, part: BucketPart, resource: aws.TerraformResource) -> None:
        """Have the first plan import a part of the bucket that is set already."""
        is_set = self.existing is not None and self.existing.has(part)
        aws.imported(resource, self.name, when=is_set)

    def _log(self, target: LogTarget, prefix: str) -> None:
        logged = self.add(
            aws.S3BucketLogging,
            "logging",
            bucket=self.name,
            target_bucket=target.name,
            target_prefix=prefix,
            depends_on=[self.bucket, *target.ready],
        )
        self.adopted("logging", logged)

    def _encrypt(self, kms_key_arn: str | None) -> None:
        algorithm = "aws:kms" if kms_key_arn else "AES256"
        self.encryption = self.add(
            aws.S3BucketEncryption,
            "encryption",
            bucket=self.name,
            depends_on=[self.bucket],
            rule=[
                aws.EncryptionRule(
                    apply_server_side_encryption_by_default=aws.ByDefault(
                        sse_algorithm=algorithm, kms_master_key_id=kms_key_arn
                    ),
                    bucket_key_enabled=True if kms_key_arn else None,
                )
            ],
        )
        self.adopted("encryption", self.encryption)

    def _expire(self, retention: Retention) -> None:
        moves = (("GLACIER", retention.glacier), ("DEEP_ARCHIVE", retention.deep_archive))
        transitions = [
            aws.Transition(days=days, storage_class=storage) for storage, days in moves if days
        ]
        expiry = self.add(
            aws.S3BucketLifecycleConfiguration,
            "lifecycle",
            bucket=self.name,
            # Moving the many small files would cost more than it saves: 40 KB of overhead
            # and a request each.
            transition_default_minimum_object_size="all_storage_classes_128K",
            rule=[
                aws.LifecycleRule(
                    id="retention",
                    status="Enabled",
                    filter=[aws.LifecycleFilter(prefix="")],
                    transition=transitions or None,
                    expiration=[aws.Expiration(days=retention.expire)]
                    if retention.expire
                    else None,
                    noncurrent_version_expiration=[
                        aws.NoncurrentExpiration(noncurrent_days=retention.noncurrent)
                    ],
                    abort_incomplete_multipart_upload=[aws.AbortUpload(days_after_initiation=7)],
                )
            ],
            # Noncurrent rules need versioning to be on.
            depends_on=[self.versioning],
        )
        self.adopted("lifecycle", expiry)
