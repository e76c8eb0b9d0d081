"""Settings of the log archive: the bucket in the logging account that keeps the evidence."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from orgtrail.settings.types import BucketName, Days, Many, RolePattern, Section, setting


class ObjectLock(Section):
    """A lock on every new log file. It cannot be taken back from files that have it."""

    mode: Literal["GOVERNANCE", "COMPLIANCE"] = setting(
        "COMPLIANCE binds everyone, the root user and AWS Support too."
    )
    days: Days = setting("Days that a log file cannot be deleted or replaced.")


class Archive(Section):
    """The bucket that keeps every log file and digest."""

    bucket: BucketName = setting("The archive bucket's name, unique in all of S3.")
    access_log_bucket: BucketName = Field(
        default_factory=lambda given: f"{given.get('bucket', '')}-access-logs",
        description="Bucket for S3 server access logs of the archive; "
        "by default the archive's name and `-access-logs`.",
    )
    access_log_expire_after_days: Days = setting("Days to keep server access logs.", 400)
    glacier_after_days: Days | None = setting(
        "Days until files of 128 KB and more move to Glacier Flexible Retrieval; "
        "Athena cannot read them there. null keeps them in S3 Standard.",
        None,
    )
    deep_archive_after_days: Days | None = setting(
        "Days until they move on to Glacier Deep Archive.", None
    )
    expire_after_days: Days | None = setting(
        "Days until a log file expires; null keeps it for ever.", 2557
    )
    noncurrent_expire_after_days: Days = setting(
        "Days to keep a version that was replaced, deleted or expired.", 90
    )
    object_lock: ObjectLock | None = setting("WORM lock of the log files.", None)
    break_glass_roles: Many[RolePattern] = setting(
        "Roles that may delete log files; empty means nobody may.", ()
    )
    destroy_protection: bool = setting(
        "Refuse every plan that would destroy the archive, its key, the log group or the trail.",
        True,
    )
