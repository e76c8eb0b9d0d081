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
"""A policy that the settings only refer to: nothing can be proven about it."""


@dataclass(frozen=True, slots=True)
class Retention:
    """How long a bucket keeps objects, in days; None is for ever."""

    expire: int | None
    noncurrent: int
    glacier: int | None = None
    deep_archive: int | None = None


@dataclass(frozen=True, slots=True)
class LogTarget:
    """A bucket that server access logs go to, and what must be there before."""

    name: str
    ready: tuple[Resource | str, ...] = ()


@dataclass(frozen=True, slots=True)
class Bucket:
    """A private bucket, as far as other resources wait for it."""

    name: str
    versioning: Resource
    encryption: Resource
    policy: Resource
    imported: Callable[[BucketPart], str]
    """The id by which the first plan imports a part of the bucket; empty where it does not."""


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
        part: the part that it becomes.
        bucket: the bucket's name.
        policy: its policy; None where the settings only refer to the bucket.
        retention: when objects move and expire.
        kms_key_arn: key of the default encryption; None means SSE-S3.
        logs_to: bucket and prefix for server access logs; None where nothing is logged.
        protect: refuse to destroy it.
        existing: what of it is brought under management; None makes it.

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
        # Moving the many small files would cost more than it saves: 40 KB of overhead and a
        # request each.
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
        # S3 refuses two changes of a bucket's access at the same time.
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
    """Add a key that services encrypt with, its rotation and its alias; return the key.

    Args:
        part: the part that it becomes.
        alias: its alias.
        description: what it is for.
        policy: its policy, in force from the first moment.
        protect: refuse to destroy it.
        existing: the key that is brought under management; None makes one.

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
    """Add a key that the settings only refer to; return it."""
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
    """Add a topic with a key and a policy of its own.

    Args:
        part: the part that it becomes part of.
        name: the topic's name.
        id: its name in the part; `Default` takes the part's own.
        key_policy: the policy of its key.
        topic_policy: its own policy.

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
    """Add a role with one policy of its own, within the account's boundary; return the policy.

    Args:
        part: the part that it becomes.
        name: the role's name.
        description: what it is for.
        trust: who may assume it.
        policy_name: name of the policy in it.
        permissions: what it may do.
        session_seconds: how long a session lasts at most; None leaves AWS's hour.
        exists: bring the role under management.

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
    """Return the columns of a Glue table for fields of a record."""
    return [
        {"name": each.name.lower(), "type": records.hive(each.type), "comment": each.meaning}
        for each in fields
    ]
