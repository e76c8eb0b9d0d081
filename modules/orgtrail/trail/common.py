"""Resources that several parts need: a private bucket, a key with its alias, a role."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from orgtrail import naming, records
from orgtrail.settings.archive import BucketPart, ExistingBucket, ExistingKey
from orgtrail.trail.part import Before, Part, protected
from orgtrail.trail.policy import Document, boundary_arn, text
from orgtrail.trail.resource import Json, Provider, Resource, literal

UNKNOWN_POLICY = "${somebody_elses}"
"""A placeholder for a policy that the settings only refer to, which stays unproven."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How long a bucket keeps objects, in days; None means for ever."""

    expire: int | None
    noncurrent: int
    glacier: int | None = None
    deep_archive: int | None = None


@dataclass(frozen=True, slots=True)
class LogTarget:
    """A bucket for server access logs, and the resources that must exist before its use."""

    name: str
    ready: tuple[Resource | str, ...] = ()


@dataclass(frozen=True, slots=True)
class Bucket:
    """A private bucket's resources that other resources depend on."""

    name: str
    versioning: Resource
    encryption: Resource
    policy: Resource
    imported: Callable[[BucketPart], str]
    """Returns the import id of a part of the bucket; empty if it is not imported."""


def private_bucket(
    part: Part,
    *,
    bucket: str,
    policy: Document | None,
    retention: Retention,
    kms_key_arn: str | None = None,
    logs_to: tuple[LogTarget, str] | None = None,
    protect: bool = True,
    existing: ExistingBucket | None = None,
) -> Bucket:
    """Add a bucket without public access, ACLs or unencrypted objects, with a policy.

    Args:
        part: the part to add to.
        bucket: the bucket's name.
        policy: its policy; None if the settings only refer to the bucket.
        retention: when objects move and expire.
        kms_key_arn: key of the default encryption; None means SSE-S3.
        logs_to: bucket and prefix for server access logs; None to log nothing.
        protect: whether to refuse to destroy it.
        existing: the existing bucket to import; None creates one.

    """
    is_managed = policy is not None

    def imported(name: BucketPart) -> str:
        return bucket if existing and existing.has(name) else ""

    def add(kind: str, name: str, /, *, depends_on: Before, imports: BucketPart, **values: Any,
            ) -> Resource:  # fmt: skip
        return part.add(
            f"aws_s3_bucket_{kind}",
            name,
            bucket=bucket,
            depends_on=depends_on,
            imported_as=imported(imports),
            is_managed=is_managed,
            **values,
        )

    made = part.add(
        "aws_s3_bucket",
        "Default",
        bucket=bucket,
        lifecycle=protected(protect),
        imported_as=bucket if existing else "",
        is_managed=is_managed,
    )
    closed = add(
        "public_access_block",
        "public_access",
        imports="public_access",
        depends_on=[made],
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
    )
    add(
        "ownership_controls",
        "ownership",
        imports="ownership",
        depends_on=[made],
        rule={"object_ownership": "BucketOwnerEnforced"},
    )
    versioning = add(
        "versioning",
        "versioning",
        imports="versioning",
        depends_on=[made],
        versioning_configuration={"status": "Enabled"},
    )
    encryption = add(
        "server_side_encryption_configuration",
        "encryption",
        imports="encryption",
        depends_on=[made],
        rule=[
            {
                "apply_server_side_encryption_by_default": {
                    "sse_algorithm": "aws:kms" if kms_key_arn else "AES256",
                    "kms_master_key_id": kms_key_arn,
                },
                "bucket_key_enabled": True if kms_key_arn else None,
            }
        ],
    )
    add(
        "lifecycle_configuration",
        "lifecycle",
        imports="lifecycle",
        # Moving the many small files would cost more than it saves: each takes a request and
        # 40 KB of overhead.
        transition_default_minimum_object_size="all_storage_classes_128K",
        rule=[_retention_rule(retention)],
        # Noncurrent rules need versioning to be on.
        depends_on=[versioning],
    )
    guarded = add(
        "policy",
        "policy",
        imports="policy",
        policy=UNKNOWN_POLICY if policy is None else literal(text(policy)),
        # S3 refuses concurrent changes to a bucket's access.
        depends_on=[closed],
    )
    if logs_to:
        target, prefix = logs_to
        add(
            "logging",
            "logging",
            imports="logging",
            target_bucket=target.name,
            target_prefix=prefix,
            depends_on=[made, *target.ready],
        )
    return Bucket(bucket, versioning, encryption, guarded, imported)


def _retention_rule(retention: Retention) -> Json:
    moves = (("GLACIER", retention.glacier), ("DEEP_ARCHIVE", retention.deep_archive))
    transitions = [{"days": days, "storage_class": storage} for storage, days in moves if days]
    return {
        "id": "retention",
        "status": "Enabled",
        "filter": [{"prefix": ""}],
        "transition": transitions or None,
        "expiration": [{"days": retention.expire}] if retention.expire else None,
        "noncurrent_version_expiration": [{"noncurrent_days": retention.noncurrent}],
        "abort_incomplete_multipart_upload": [{"days_after_initiation": 7}],
    }


def service_key(
    part: Part,
    *,
    alias: str,
    description: str,
    policy: Document,
    protect: bool = False,
    existing: ExistingKey | None = None,
) -> Resource:
    """Add a rotating key with an alias, for use by services; return the key.

    Args:
        part: the part to add to.
        alias: its alias.
        description: its description.
        policy: its policy, in force from creation.
        protect: whether to refuse to destroy it.
        existing: the existing key to import; None creates one.

    """
    settings = part.environment.key
    key = part.add(
        "aws_kms_key",
        "Default",
        description=description,
        policy=literal(text(policy)),
        enable_key_rotation=True,
        rotation_period_in_days=settings.rotation_days,
        deletion_window_in_days=settings.deletion_window_days,
        lifecycle=protected(protect),
        imported_as=existing.arn.rpartition("/")[2] if existing else "",
    )
    part.add(
        "aws_kms_alias",
        "alias",
        name=alias,
        target_key_id=key.attribute("key_id"),
        imported_as=alias if existing and existing.alias else "",
    )
    return key


def others_key(part: Part, *, arn: str, alias: str, owner: Provider) -> Resource:
    """Add a key that the settings only refer to; return the key."""
    key = part.add(
        "aws_kms_key",
        "Default",
        arn=arn,
        policy=UNKNOWN_POLICY,
        enable_key_rotation=True,
        is_managed=False,
        provider=owner,
    )
    part.add(
        "aws_kms_alias",
        "alias",
        name=alias,
        target_key_id=key.attribute("key_id"),
        is_managed=False,
        provider=owner,
    )
    return key


@dataclass(frozen=True, slots=True)
class Topic:
    """An encrypted topic, with its key and its policy."""

    key: Resource
    topic: Resource
    policy: Resource


def encrypted_topic(
    part: Part, name: str, *, id: str, key_policy: Document, topic_policy: Document
) -> Topic:
    """Add a topic with its own key and policy.

    Args:
        part: the part to add to.
        name: the topic's name.
        id: its id in the part; `Default` for the part's own id.
        key_policy: the policy of its key.
        topic_policy: the policy of the topic.

    """
    key = service_key(
        part.inside("key"),
        alias=naming.key_alias(name),
        description=f"Messages of {name}",
        policy=key_policy,
    )
    topic = part.add("aws_sns_topic", id, name=name, kms_master_key_id=key.attribute("arn"))
    policy = part.add(
        "aws_sns_topic_policy",
        "policy" if id == "Default" else f"{id}_policy",
        arn=topic.attribute("arn"),
        policy=literal(text(topic_policy)),
    )
    return Topic(key, topic, policy)


def role(
    part: Part,
    *,
    name: str,
    description: str,
    trust: Document,
    policy_name: str,
    permissions: Document,
    session_seconds: int | None = None,
    exists: bool = False,
) -> Resource:
    """Add a role with one inline policy, within the account's boundary; return the policy.

    Args:
        part: the part to add to.
        name: the role's name.
        description: its description.
        trust: its trust policy.
        policy_name: name of the inline policy.
        permissions: the inline policy.
        session_seconds: maximum length of a session; None means AWS's default of one hour.
        exists: whether the role exists and is imported.

    """
    made = part.add(
        "aws_iam_role",
        "Default",
        name=name,
        description=description,
        assume_role_policy=literal(text(trust)),
        permissions_boundary=boundary_arn(part.environment, part.account),
        max_session_duration=session_seconds,
        imported_as=name if exists else "",
    )
    return part.add(
        "aws_iam_role_policy",
        "policy",
        name=policy_name,
        role=name,
        policy=literal(text(permissions)),
        depends_on=[made],
    )


def columns(*fields: records.Field) -> list[Json]:
    """Return the Glue table columns for fields of a record."""
    return [
        {"name": each.name.lower(), "type": records.hive(each.type), "comment": each.meaning}
        for each in fields
    ]
