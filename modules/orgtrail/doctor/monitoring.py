"""Checks of monitoring: alarms, the SIEM's topic and queues, and the detection services."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from orgtrail import naming
from orgtrail.doctor.model import (
    DEPLOY,
    Compare,
    IsSet,
    Live,
    LiveFault,
    SamePolicy,
    Subject,
    Subjects,
)
from orgtrail.doctor.policies import line_diff
from orgtrail.trail.resource import Resource

_PENDING = "PendingConfirmation"
_CHAT_REGION = "us-east-2"
"""One of the chat service's four regions; its settings are the same in all of them.
https://docs.aws.amazon.com/general/latest/gr/chatbot.html"""
_CHANNELS = (
    ("aws_chatbot_slack_channel_configuration", "slack_channel_id",
     "describe_slack_channel_configurations", "SlackChannelConfigurations", "SlackChannelId"),
    ("aws_chatbot_teams_channel_configuration", "channel_id",
     "list_microsoft_teams_channel_configurations", "TeamChannelConfigurations", "ChannelId"),
)  # fmt: skip
"""For Slack and Teams: kind and attribute in the stack; operation, list and field in AWS."""
_NO_QUEUE = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")


def _topic_arn(live: Live, subject: Subject) -> str:
    owner = live.env.accounts[subject.account].id
    return naming.arn(live.env, "sns", owner, subject.name, region=live.env.home_region)


def _topic(live: Live, subject: Subject) -> Any:
    answer = live.aws.ask(
        subject.account, "sns", "get_topic_attributes",
        absent=("NotFound", "NotFoundException"), TopicArn=_topic_arn(live, subject),
    )  # fmt: skip
    return answer and answer["Attributes"]


topic_faults = Compare(
    _topic,
    IsSet("KmsMasterKeyId", "its messages are not encrypted"),
    SamePolicy("Policy", "aws_sns_topic_policy/policy"),
    missing="the topic {name} does not exist",
)
"""Reports a topic that is missing, is not encrypted or has another policy."""


def alarm_topic(live: Live) -> list[Subject]:
    """Return the alarms' topic, if there are alarms."""
    return [Subject("management", live.env.alarms.topic)] if live.env.alarms else []


def alarm_log_group(live: Live) -> list[Subject]:
    """Return the log group of the metric filters, if there are any."""
    searched = any(live.stack.of("aws_cloudwatch_log_metric_filter"))
    return [Subject("management", live.env.delivery.log_group)] if searched else []


def chosen_alarms(live: Live) -> list[Subject]:
    """Return the alarms' topic, if any alarm is chosen."""
    return alarm_topic(live) if live.env.alarms and live.env.alarms.chosen else []


def channel_topic(live: Live) -> list[Subject]:
    """Return the alarms' topic, if it feeds chat channels."""
    return alarm_topic(live) if any(True for *_, found in _channels(live) for _ in found) else []


def _channels(live: Live) -> Iterator[tuple[str, str, str, str, list[Resource]]]:
    for kind, attribute, operation, items, field in _CHANNELS:
        yield attribute, operation, items, field, list(live.stack.of(kind))


def metric_filters(live: Live, subject: Subject) -> Iterator[LiveFault]:
    """Report metric filters that are missing or have another pattern."""
    answer = live.aws.ask(
        "management", "logs", "describe_metric_filters", logGroupName=subject.name
    )
    has = {each["filterName"]: each.get("filterPattern", "") for each in answer["metricFilters"]}
    for each in live.stack.of("aws_cloudwatch_log_metric_filter"):
        name, wanted = each.text("name"), each.document("pattern")
        if name not in has:
            yield LiveFault(f"the metric filter {name} does not exist")
        elif has[name] != wanted:
            lines = line_diff([wanted], [has[name]])
            yield LiveFault(f"the metric filter {name} looks for something else", DEPLOY, lines)


def metric_alarms(live: Live, subject: Subject) -> Iterator[LiveFault]:
    """Report alarms that are missing or do not notify the topic."""
    answer = live.aws.ask("management", "cloudwatch", "describe_alarms")
    has = {each["AlarmName"]: each for each in answer.get("MetricAlarms", ())}
    arn = _topic_arn(live, subject)
    for each in sorted(live.stack.of("aws_cloudwatch_metric_alarm"), key=_alarm_order(live)):
        name = each.text("alarm_name")
        alarm: Any = has.get(name)
        if alarm is None:
            yield LiveFault(f"the alarm {name!r} does not exist")
        elif not alarm.get("ActionsEnabled", True):
            yield LiveFault(
                f"the actions of the alarm {name!r} are off: it rings nobody",
                f"aws cloudwatch enable-alarm-actions --alarm-names {name!r}",
            )
        elif arn not in alarm.get("AlarmActions", ()):
            yield LiveFault(f"the alarm {name!r} does not ring {arn}")


def _alarm_order(live: Live) -> Any:
    """Return a sort key that groups both forms of an alarm, in the order of the settings."""
    assert live.env.alarms
    order = {f'["{each.name}"]': n for n, each in enumerate(live.env.alarms.chosen)}
    return lambda alarm: order.get(alarm.address.removeprefix(alarm.plain_address), len(order))


def subscriptions(live: Live, subject: Subject) -> Iterator[LiveFault]:
    """Report subscribers that are missing or have not confirmed."""
    arn = _topic_arn(live, subject)
    answer = live.aws.ask("management", "sns", "list_subscriptions_by_topic", TopicArn=arn)
    has = {each["Endpoint"]: each["SubscriptionArn"] for each in answer["Subscriptions"]}
    for each in live.stack.of("aws_sns_topic_subscription"):
        endpoint = each.text("endpoint")
        if each.text("topic_arn") != arn:
            continue
        if endpoint not in has:
            yield LiveFault(f"{endpoint} is not subscribed to the alarms")
        elif has[endpoint] == _PENDING:
            yield LiveFault(
                f"{endpoint} has not confirmed its subscription: it receives nothing",
                "open the link that AWS sent there; deploy again for a new one, since it is valid "
                "for two days",
            )
    if not has and not channel_topic(live):
        yield LiveFault("nobody is subscribed to the alarms", "set alarms.subscribers, then deploy")


def chat_channels(live: Live, subject: Subject) -> Iterator[LiveFault]:
    """Report chat channels that are missing, do not receive the topic's messages or are off."""
    arn = _topic_arn(live, subject)
    for attribute, operation, items, field, declared in _channels(live):
        if not declared:
            continue
        answer = live.aws.ask("management", "chatbot", operation, region=_CHAT_REGION)
        has = {each[field]: each for each in answer[items]}
        for each in declared:
            channel = each.text(attribute)
            named, found = f"{each.text('configuration_name')} ({channel})", has.get(channel)
            if found is None:
                yield LiveFault(f"the channel {named} is not set up")
            elif arn not in found.get("SnsTopicArns", ()):
                yield LiveFault(f"the channel {named} does not hear {arn}")
            elif found.get("State", "ENABLED") != "ENABLED":
                why = found.get("StateReason", "AWS gives no reason")
                yield LiveFault(
                    f"the channel {named} is off: {why}",
                    "authorize the workspace or team again in the AWS console",
                )


def siem_topic(live: Live) -> list[Subject]:
    """Return the SIEM's topic, if there is one."""
    return [Subject("logging", live.env.siem.topic)] if live.env.siem else []


def siem_queue(live: Live) -> list[Subject]:
    """Return the SIEM's queue, if there is one."""
    return [Subject("logging", live.env.siem.queue)] if live.env.siem else []


def dead_letter_queue(live: Live) -> list[Subject]:
    """Return the SIEM's dead-letter queue, if there is one."""
    return [Subject("logging", naming.dead_letter_queue(each.name)) for each in siem_queue(live)]


def queue(live: Live, subject: Subject) -> Any:
    """Return the attributes of a queue, None if it does not exist."""
    found = live.aws.ask("logging", "sqs", "get_queue_url", absent=_NO_QUEUE,
                         QueueName=subject.name)  # fmt: skip
    return (
        found
        and live.aws.ask(
            "logging",
            "sqs",
            "get_queue_attributes",
            QueueUrl=found["QueueUrl"],
            AttributeNames=["All"],
        )["Attributes"]
    )


def siem_subscription(live: Live, subject: Subject) -> Iterator[LiveFault]:
    """Report a SIEM queue that is not subscribed to its topic."""
    (topic,) = siem_topic(live)
    arn, wanted = _topic_arn(live, topic), naming.queue_arn(live.env, subject.name)
    answer = live.aws.ask(
        "logging", "sns", "list_subscriptions_by_topic",
        absent=("NotFound", "NotFoundException"), TopicArn=arn,
    )  # fmt: skip
    endpoints = {each["Endpoint"] for each in (answer or {}).get("Subscriptions", ())}
    if answer is not None and wanted not in endpoints:
        yield LiveFault(
            f"the queue {subject.name} is not subscribed to {arn}: the SIEM hears nothing"
        )


def dead_letters(live: Live, subject: Subject) -> Iterator[LiveFault]:
    """Report notices that the SIEM did not process."""
    if count := int(queue(live, subject).get("ApproximateNumberOfMessages", 0)):
        yield LiveFault(
            f"{count} notices of log files are in {subject.name}: the SIEM did not take them",
            "see why its reader fails (usually kms:Decrypt or s3:GetObject is denied), then: "
            "aws sqs start-message-move-task",
        )


def regions(service: str) -> Subjects:
    """Return a function that yields a detection service's administrator in each of its regions."""

    def found(live: Live) -> Iterator[Subject]:
        if section := live.env.detection.get(service):
            account = live.env.accounts[section.administrator].id
            for region in live.env.regions_of(section):
                yield Subject(section.administrator, account, region)

    return found


def export_regions(live: Live) -> list[Subject]:
    """Return GuardDuty's administrator in each region, if its findings are exported."""
    exported = any(live.stack.of("aws_guardduty_publishing_destination"))
    return [*regions("guardduty")(live)] if exported else []


def _detector(live: Live, subject: Subject) -> str:
    answer = live.aws.ask(subject.account, "guardduty", "list_detectors", region=subject.region)
    return next(iter(answer["DetectorIds"]), "")


def guardduty(live: Live, subject: Subject) -> Iterator[LiveFault]:
    """Report a region where GuardDuty does not watch the organization."""
    detector = _detector(live, subject)
    if not detector:
        yield LiveFault(f"GuardDuty has no detector in {subject.region}")
        return
    found = live.aws.ask(
        subject.account, "guardduty", "get_detector", region=subject.region, DetectorId=detector
    )
    if found["Status"] != "ENABLED":
        yield LiveFault(f"GuardDuty's detector in {subject.region} is off")
    admins = live.aws.ask(
        "management", "guardduty", "list_organization_admin_accounts", region=subject.region
    )["AdminAccounts"]
    if subject.name not in {each["AdminAccountId"] for each in admins}:
        yield LiveFault(
            f"account {subject.name} does not administer GuardDuty in {subject.region}: members "
            "are not watched"
        )


def guardduty_export(live: Live, subject: Subject) -> Iterator[LiveFault]:
    """Report a region where GuardDuty does not export its findings to the stack's bucket."""
    ask = partial(live.aws.ask, subject.account, "guardduty", region=subject.region,
                  DetectorId=_detector(live, subject))  # fmt: skip
    wanted = next(live.stack.of("aws_guardduty_publishing_destination")).text("destination_arn")
    for each in ask("list_publishing_destinations")["Destinations"]:
        about = ask("describe_publishing_destination", DestinationId=each["DestinationId"])
        if about["DestinationProperties"]["DestinationArn"] != wanted:
            continue
        if about["Status"] != "PUBLISHING":
            yield LiveFault(
                f"GuardDuty in {subject.region} cannot export findings: {about['Status']}",
                "see what bucket-policy and key-policy say of the findings' bucket and key",
            )
        return
    yield LiveFault(f"GuardDuty in {subject.region} exports no findings to {wanted}")


def security_hub(live: Live, subject: Subject) -> Iterator[LiveFault]:
    """Report a region where Security Hub is off."""
    found = live.aws.ask(
        subject.account, "securityhub", "describe_hub", region=subject.region,
        absent=("ResourceNotFoundException", "InvalidAccessException"),
    )  # fmt: skip
    if not found:
        yield LiveFault(f"Security Hub is off in {subject.region}")


def access_analyzer(live: Live, subject: Subject) -> Iterator[LiveFault]:
    """Report a region without an active analyzer of the organization."""
    found = live.aws.ask(
        subject.account, "accessanalyzer", "list_analyzers", region=subject.region,
        type="ORGANIZATION",
    )["analyzers"]  # fmt: skip
    if not any(each["status"] == "ACTIVE" for each in found):
        yield LiveFault(f"no analyzer of the organization is active in {subject.region}")
