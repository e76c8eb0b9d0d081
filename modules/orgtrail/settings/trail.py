"""Settings of the organization trail, its key and its delivery to CloudWatch Logs."""

from __future__ import annotations

from typing import Literal

from orgtrail.settings.types import (
    KeyAlias,
    KeyArn,
    KeyPrefix,
    LogGroupName,
    Many,
    Name,
    PrincipalArn,
    RoleName,
    Section,
    Text,
    TopicArn,
    TopicName,
    TrailName,
    setting,
)

ManagementSource = Literal["kms.amazonaws.com", "rdsdata.amazonaws.com"]
InsightType = Literal["ApiCallRateInsight", "ApiErrorRateInsight"]
LogRetention = Literal[
    0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557,
    2922, 3288, 3653,
]  # fmt: skip
"""Days that CloudWatch Logs can keep a group (API PutRetentionPolicy); 0 is for ever."""


class DataResource(Section):
    """Objects whose data events a selector records."""

    type: Literal["AWS::S3::Object", "AWS::Lambda::Function", "AWS::DynamoDB::Table"] = setting(
        "The kind of resource."
    )
    values: Many[Text] = setting("ARNs or ARN prefixes.", min_length=1)


class EventSelector(Section):
    """A basic event selector."""

    read_write_type: Literal["All", "ReadOnly", "WriteOnly"] = setting(
        "Which events: reads, writes or both.", "All"
    )
    include_management_events: bool = setting("Record management events.", True)
    exclude_management_event_sources: Many[ManagementSource] = setting(
        "Services whose management events are left out; CloudTrail.1 then fails.", ()
    )
    data_resources: Many[DataResource] = setting("Resources whose data events are recorded.", ())


class FieldSelector(Section):
    """One condition of an advanced event selector.

    A value has to meet one of `equals`, `starts_with` and `ends_with`, if there are any, and
    none of the others.
    """

    field: Text = setting("The field: `eventCategory`, `readOnly`, `resources.type` ...")
    equals: Many[Text] = setting("The field is one of these.", ())
    not_equals: Many[Text] = setting("The field is none of these.", ())
    starts_with: Many[Text] = setting("The field begins with one of these.", ())
    not_starts_with: Many[Text] = setting("The field begins with none of these.", ())
    ends_with: Many[Text] = setting("The field ends with one of these.", ())
    not_ends_with: Many[Text] = setting("The field ends with none of these.", ())

    @property
    def operators(self) -> dict[str, tuple[str, ...]]:
        """The operators that have values, by name."""
        names = (
            "equals", "not_equals", "starts_with", "not_starts_with", "ends_with", "not_ends_with",
        )  # fmt: skip
        return {name: values for name in names if (values := getattr(self, name))}


class AdvancedEventSelector(Section):
    """An advanced event selector: its conditions are joined by AND."""

    name: Text | None = setting("What it is for, as the console shows it.", None)
    fields: Many[FieldSelector] = setting("The conditions.", min_length=1)


class TrailTopic(Section):
    """A topic that CloudTrail tells of each log file; it is made, or exists and stays as it is."""

    name: TopicName | None = setting(
        "Name of a topic to make: in the management account and the home region, with a key of "
        "its own.",
        None,
    )
    arn: TopicArn | None = setting(
        "ARN of a topic that exists: it is only referred to, and its own policy must let "
        "CloudTrail publish.",
        None,
    )


class Trail(Section):
    """The organization trail, in the management account."""

    name: TrailName = setting("The trail's name.", "organization-trail")
    key_prefix: KeyPrefix = setting("Prefix of every key, before `AWSLogs/`.", "")
    multi_region: bool = setting("Record every region, also those that nobody should use.", True)
    global_events: bool = setting("Record global services such as IAM and STS.", True)
    log_file_validation: bool = setting("Sign a digest of all log files every hour.", True)
    enabled: bool = setting("Record; false stops the trail and keeps it.", True)
    event_selectors: Many[EventSelector] = setting(
        "Basic event selectors; none means all management events, or what `recording` says.", ()
    )
    advanced_event_selectors: Many[AdvancedEventSelector] = setting(
        "Advanced event selectors, in place of basic ones.", ()
    )
    delegated_administrator: Name | None = setting(
        "Member account, by its name in accounts, that may administer CloudTrail for the "
        "organization; the trail stays the management account's.",
        None,
    )
    sns_topic: TrailTopic | None = setting(
        "The topic that CloudTrail tells of each log file; null means none, and ends what an "
        "adopted trail has.",
        None,
    )
    insights: Many[InsightType] = setting(
        "Kinds of CloudTrail Insights to compute (charged by events analysed).", ()
    )


class Key(Section):
    """The KMS key that encrypts log files and query results, in the logging account."""

    alias: KeyAlias = setting("The key's alias.", "alias/organization-trail")
    rotation_days: int = setting("Days between rotations.", 365, ge=90, le=2560)
    deletion_window_days: int = setting(
        "Days of grace before a deleted key is gone.", 30, ge=7, le=30
    )
    administrators: Many[PrincipalArn] = setting(
        "Who may administer the key; empty leaves it to IAM in the logging account.", ()
    )


class Delivery(Section):
    """Delivery to CloudWatch Logs, in the management account."""

    enabled: bool = setting("Deliver events to a log group, for alarms (CloudTrail.5).", True)
    log_group: LogGroupName = setting("The log group's name.", "/aws/cloudtrail/organization-trail")
    role_name: RoleName = setting(
        "Name of the role that CloudTrail writes with.", "organization-trail-delivery"
    )
    retention_days: LogRetention = setting("Days to keep events in the log group.", 365)
    kms_key_arn: KeyArn | None = setting(
        "Key for the log group, in the management account; its policy must let "
        "CloudWatch Logs use it. null means the service's own key.",
        None,
    )
