"""Settings of the organization trail: selectors, recording and delivery to CloudWatch Logs."""

from __future__ import annotations

from typing import Annotated, Literal

from orgtrail.regions import ARN
from orgtrail.settings.types import (
    KeyArn,
    KeyPrefix,
    LogGroupName,
    Many,
    Name,
    RoleName,
    Section,
    Text,
    TopicArn,
    TopicName,
    TrailName,
    matches,
    setting,
)

ManagementSource = Literal["kms.amazonaws.com", "rdsdata.amazonaws.com"]
InsightType = Literal["ApiCallRateInsight", "ApiErrorRateInsight"]
LogRetention = Literal[
    0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557,
    2922, 3288, 3653,
]  # fmt: skip
"""Retention in days that CloudWatch Logs accepts (API PutRetentionPolicy); 0 means for ever."""
# A bucket's name is ASCII, but its keys, after the first slash, need not be.
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
ResourceArn = Annotated[
    str,
    matches(
        ARN + r"(s3:::[!-#&-.0-z|~]+(/[^${}%\s]*)?|[a-z0-9-]+:[!-#&-z|~]+)",
        "must be an ARN, or the beginning of one and * at its end",
    ),
]
EventSource = Annotated[
    str, matches(r"[a-z0-9-]+\.amazonaws\.com", "must be a service such as s3.amazonaws.com")
]
EndpointId = Annotated[str, matches(r"vpce-[0-9a-f]{8,17}", "must be vpce- and a hexadecimal id")]


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
        "Services with management events that are left out; CloudTrail.1 then fails.", ()
    )
    data_resources: Many[DataResource] = setting(
        "Resources with data events that are recorded.", ()
    )


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
        """The operators with values, by name."""
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


class TrailSettings(Section):
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
        "The topic that CloudTrail notifies of each log file; null means none, and ends what an "
        "adopted trail has.",
        None,
    )
    insights: Many[InsightType] = setting(
        "Kinds of CloudTrail Insights to compute (charged by events analysed).", ()
    )


class DeliverySettings(Section):
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


class DataEvents(Section):
    """Data events: what is done with the content of buckets, tables and functions."""

    service: Literal["s3", "dynamodb", "lambda"] = setting("The service.")
    arns: Many[ResourceArn] = setting(
        "Buckets, tables or functions by ARN, in whichever account; `*` at the end makes it "
        "a beginning. Empty means every one of every account.",
        (),
    )
    access: Literal["all", "read", "write"] = setting("Which calls.", "all")


class NetworkEvents(Section):
    """Network-activity events: calls through VPC endpoints."""

    source: EventSource = setting("The service that is called.")
    denied_only: bool = setting("Only calls that an endpoint's policy refused.", True)
    endpoints: Many[EndpointId] = setting("VPC endpoints; empty means all of them.", ())


class Recording(Section):
    """What the trail records, by intent; null leaves it to the selectors of `trail`.

    Writes to the archive's own buckets are never recorded, whatever is asked for here: each
    delivery would be an event that is delivered.
    """

    management: Literal["all", "write", "read", "none"] = setting(
        "Management events; anything but `all` fails CloudTrail.1 (CIS 3.1).", "all"
    )
    leave_out: Many[ManagementSource] = setting(
        "Noisy services with management events that are left out; CloudTrail.1 then fails.", ()
    )
    data: Many[DataEvents] = setting("Data events.", ())
    network: Many[NetworkEvents] = setting("Network-activity events.", ())
    archive_access: bool = setting(
        "Record who reads log files and query results, and every try to delete one.", False
    )
