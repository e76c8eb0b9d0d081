"""Settings of the feed that tells a SIEM of each new log file."""

from __future__ import annotations

from orgtrail.settings.types import (
    AccountId,
    ExternalId,
    Many,
    PrincipalPattern,
    QueueName,
    RoleName,
    Section,
    TopicName,
    setting,
)

FEED_EVENTS = ("s3:ObjectCreated:*",)
FEED_SUFFIX = ".json.gz"
"""What the bucket tells the feed of: new files with this end, below the organization's prefix."""


class SiemReader(Section):
    """A role in the logging account that a SIEM takes files and messages with."""

    role_name: RoleName = setting("The role's name.", "organization-trail-siem")
    trusted: Many[PrincipalPattern] = setting("The SIEM's principals by ARN.", min_length=1)
    external_id: ExternalId = setting("The external id that the SIEM was given for you.")


class Siem(Section):
    """Notices of new log files: the bucket tells a topic, the topic a queue; null makes none."""

    topic: TopicName = setting("Name of the topic.", "organization-trail-log-files")
    queue: QueueName = setting(
        "Name of the queue; the dead-letter queue's is the same and `-dead`.",
        "organization-trail-log-files",
    )
    visibility_seconds: int = setting(
        "Seconds that a message is hidden while it is worked on.", 300, ge=0, le=43_200
    )
    retention_days: int = setting("Days that an unread message is kept.", 7, ge=1, le=14)
    max_receives: int = setting(
        "Tries until a message goes to the dead-letter queue.", 5, ge=1, le=1000
    )
    subscriber_accounts: Many[AccountId] = setting(
        "Accounts of a SIEM that subscribe to the topic with a queue of their own.", ()
    )
    reader: SiemReader | None = setting("The SIEM's role.", None)
