"""Settings of the log archive: the bucket in the logging account that keeps the evidence."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from orgtrail.regions import ARN
from orgtrail.settings.sharing import KeptStatement, Writer
from orgtrail.settings.types import (
    BucketName,
    Days,
    Many,
    RolePattern,
    Section,
    Text,
    matches,
    setting,
)

Destination = Annotated[
    str,
    # S3 tells no FIFO topic or queue, and their names alone have a dot.
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html
    matches(
        rf"{ARN}(?:(?:sns|sqs):[a-z0-9-]+:[0-9]{{12}}:[A-Za-z0-9_-]{{1,256}}"
        r"|lambda:[a-z0-9-]+:[0-9]{12}:function:[A-Za-z0-9_-]{1,140}(?::[A-Za-z0-9_$-]{1,128})?)",
        "must be the ARN of a topic, a queue or a function; S3 tells no FIFO one",
    ),
]
ObjectEvent = Annotated[
    str,
    matches(
        r"s3:[A-Z][A-Za-z]+(?::(?:\*|[A-Z][A-Za-z]+))?",
        "must be an event of S3 such as s3:ObjectCreated:*",
    ),
]
KeyPart = Annotated[
    Text, matches(r"[ -)+-~]{0,1024}", "must be up to 1024 ASCII characters of a key, without *")
]


class ObjectLock(Section):
    """A lock on every new log file. It cannot be taken back from files that have it."""

    mode: Literal["GOVERNANCE", "COMPLIANCE"] = setting(
        "COMPLIANCE binds everyone, the root user and AWS Support too."
    )
    days: Days = setting("Days that a log file cannot be deleted or replaced.")


class Notification(Section):
    """One that S3 tells of what happens in the archive."""

    arn: Destination = setting("The topic, queue or function; its own policy lets S3 in.")
    events: Many[ObjectEvent] = setting("What it is told of.", min_length=1)
    prefix: KeyPart = setting("Only of keys that begin so.", "")
    suffix: KeyPart = setting("Only of keys that end so.", "")

    def overlaps(self, other: Notification) -> bool:
        """Tell whether an event of a key could be for both, which S3 refuses.

        https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html
        """
        return (
            any(_alike(one, two) for one in self.events for two in other.events)
            and (self.prefix.startswith(other.prefix) or other.prefix.startswith(self.prefix))
            and (self.suffix.endswith(other.suffix) or other.suffix.endswith(self.suffix))
        )


def _alike(one: str, two: str) -> bool:
    """Tell whether two kinds of event have one in common."""
    if one == two:
        return True
    return any(
        wide.endswith(":*") and narrow.startswith(wide[:-1])
        for wide, narrow in ((one, two), (two, one))
    )


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
        "Roles that may delete log files, change the key's policy, and disable the key or schedule "
        "its deletion; empty means that nobody in a member account may.",
        (),
    )
    notifications: Many[Notification] = setting(
        "Who is told of new files and other events, beside the feed of `siem`. S3 keeps one such "
        "list for a bucket, so whoever was told before is named here, or is told no more.",
        (),
    )
    eventbridge: bool = setting("Tell EventBridge of every event in the archive too.", False)
    writers: Many[Writer] = setting(
        "Other services that deliver their logs to this bucket, each with what its policy has to "
        "say for that.",
        (),
    )
    statements: Many[KeptStatement] = setting(
        "Statements of the bucket's policy that are kept, as they are; they are checked like ours.",
        (),
    )
    destroy_protection: bool = setting(
        "Refuse every plan that would destroy the archive, its key, the log group or the trail.",
        True,
    )
