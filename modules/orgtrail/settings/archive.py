"""Settings of the archive bucket and its key, and of resources that exist already."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from orgtrail.regions import ARN
from orgtrail.settings.types import (
    BucketName,
    Days,
    ExemptRole,
    KeyAlias,
    KeyArn,
    KeyPrefix,
    Many,
    Name,
    PolicyId,
    PrincipalArn,
    RolePattern,
    Section,
    Target,
    Text,
    matches,
    setting,
)

Destination = Annotated[
    str,
    # S3 cannot notify FIFO topics and queues; only their names have a dot.
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
WriterService = Literal[
    "config", "elb", "network_firewall", "nlb", "route53_resolver", "vpc_flow_logs", "waf"
]
Texts = Text | Many[Text]
"""One text or a list of texts, as in a policy."""
StatementId = Annotated[str, matches(r"[A-Za-z0-9]{1,100}", "must be 1 to 100 letters or digits")]
CONTROL_TOWER = ("AWSControlTowerExecution", "aws-controltower-*")
"""Names of AWS Control Tower's roles in the accounts that it manages.
https://docs.aws.amazon.com/controltower/latest/userguide/roles-how.html"""

BucketPart = Literal[
    "encryption", "lifecycle", "lock", "logging", "notification", "ownership", "policy",
    "public_access", "versioning",
]  # fmt: skip


class ObjectLock(Section):
    """A lock on every new log file. It cannot be taken back from files that have it."""

    mode: Literal["GOVERNANCE", "COMPLIANCE"] = setting(
        "COMPLIANCE binds everyone, the root user and AWS Support too."
    )
    days: Days = setting("Days that a log file cannot be deleted or replaced.")


class Notification(Section):
    """One that S3 tells of what happens in the archive."""

    arn: Destination = setting("The topic, queue or function; its own policy lets S3 in.")
    events: Many[ObjectEvent] = setting("The events that it is notified of.", min_length=1)
    prefix: KeyPart = setting("Only of keys that begin so.", "")
    suffix: KeyPart = setting("Only of keys that end so.", "")

    def overlaps(self, other: Notification) -> bool:
        """Return whether one event could match both, which S3 refuses.

        https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html
        """
        return (
            any(_have_common_event(one, two) for one in self.events for two in other.events)
            and (self.prefix.startswith(other.prefix) or other.prefix.startswith(self.prefix))
            and (self.suffix.endswith(other.suffix) or other.suffix.endswith(self.suffix))
        )


def _have_common_event(one: str, two: str) -> bool:
    """Return whether two event types, such as `s3:ObjectCreated:*`, share an event."""
    if one == two:
        return True
    return any(
        wide.endswith(":*") and narrow.startswith(wide[:-1])
        for wide, narrow in ((one, two), (two, one))
    )


class Writer(Section):
    """Another service that delivers its logs to the archive bucket."""

    service: WriterService = setting(
        "The service: AWS Config, Application and Classic (`elb`) or Network (`nlb`) Load "
        "Balancers, Network Firewall, Route 53 Resolver query logs, VPC flow logs, WAF."
    )
    prefix: KeyPrefix = setting("Prefix of its keys, before `AWSLogs/`.", "")
    accounts: Many[Name] | None = setting(
        "Accounts that it delivers logs of, by their names; null means the whole organization, "
        "for `elb` every account of the file.",
        None,
        min_length=1,
    )


class KeptStatement(Section):
    """A statement of the archive bucket's policy that stays as it is, word for word."""

    Sid: StatementId = setting("Its name, by which findings call it.")
    Effect: Literal["Allow", "Deny"] = setting("What it does.")
    Principal: Literal["*"] | dict[Text, Texts] | None = setting("Whom it is about.", None)
    NotPrincipal: dict[Text, Texts] | None = setting("Whom it is not about.", None)
    Action: Texts | None = setting("What it is about.", None)
    NotAction: Texts | None = setting("What it is not about.", None)
    Resource: Texts = setting("The bucket or keys of it, by ARN.")
    Condition: dict[Text, dict[Text, Texts]] | None = setting("On which conditions.", None)


class ArchiveSettings(Section):
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
        "Who is notified of new files and other events, in addition to `siem`. S3 keeps one such "
        "list for a bucket, so whoever was notified before is named here, or no longer is.",
        (),
    )
    eventbridge: bool = setting("Notify EventBridge of every event in the archive too.", False)
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


class KeySettings(Section):
    """The KMS key that encrypts log files and query results, in the logging account."""

    alias: KeyAlias = setting("The key's alias.", "alias/organization-trail")
    rotation_days: int = setting("Days between rotations.", 365, ge=90, le=2560)
    deletion_window_days: int = setting(
        "Days of grace before a deleted key is gone.", 30, ge=7, le=30
    )
    administrators: Many[PrincipalArn] = setting(
        "Who may administer the key; empty leaves it to IAM in the logging account.", ()
    )


class Existing(Section):
    """Something that exists already, under the name that its own section gives it."""

    manage: bool = setting(
        "Bring it under management, as it stands, and change what differs from this file. "
        "false only refers to it: it stays as it is, and somebody else's.",
        True,
    )


class ExistingBucket(Existing):
    """A bucket that exists already."""

    parts: Many[BucketPart] | None = setting(
        "What is set on it already: the plan imports it, and shows the change. Required where "
        "`manage` is true; `[]` says that nothing is set. What is set and not named here is "
        "replaced by ours, and no plan shows that.",
        None,
    )

    def has(self, part: BucketPart) -> bool:
        """Return whether a part of the bucket is configured already."""
        return part in (self.parts or ())


class ExistingKey(Existing):
    """The key that log files are encrypted with already."""

    arn: KeyArn = setting(
        "The key's ARN: in the logging account where it is managed, in any where it is not "
        "(Control Tower keeps it in the management account)."
    )
    alias: bool = setting("`key.alias` exists too; false makes it.", True)


class ExistingPolicy(Existing):
    """The service control policy that exists already."""

    id: PolicyId = setting("The policy's id.")
    attached: Many[Target] | None = setting(
        "Where it is attached already; by default everywhere that `guardrails.targets` says.",
        None,
    )


class Adoption(Section):
    """What of the audit trail exists already. Whatever is not named here is made."""

    bucket: ExistingBucket | None = setting("`archive.bucket` exists.", None)
    access_log_bucket: ExistingBucket | None = setting("`archive.access_log_bucket` exists.", None)
    key: ExistingKey | None = setting("The key exists.", None)
    trail: Existing | None = setting(
        "`trail.name` exists, in the management account and the home region.", None
    )
    log_group: Existing | None = setting("`delivery.log_group` exists.", None)
    delivery_role: Existing | None = setting("`delivery.role_name` exists.", None)
    scp: ExistingPolicy | None = setting(
        "The SCP named `guardrails.policy_name` exists; where it is managed, the others are made.",
        None,
    )
    owner_roles: Many[ExemptRole] | None = setting(
        "Roles of whoever manages what is only referred to (`manage = false`): the SCPs bind them "
        "in nothing of it. By default those of AWS Control Tower, in every account.",
        None,
    )

    def is_referenced(self, part: str) -> bool:
        """Return whether a resource is only referred to: neither created nor changed."""
        existing = getattr(self, part)
        return isinstance(existing, Existing) and not existing.manage

    def is_imported(self, part: str) -> bool:
        """Return whether an existing resource is imported."""
        existing = getattr(self, part)
        return isinstance(existing, Existing) and existing.manage

    @property
    def referenced_key(self) -> str | None:
        """The ARN of the key, if it is only referred to."""
        return self.key.arn if self.key and not self.key.manage else None

    @property
    def referenced(self) -> tuple[str, ...]:
        """The names of the resources that are only referred to."""
        return tuple(name for name in type(self).model_fields if self.is_referenced(name))
