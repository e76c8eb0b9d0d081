"""Alarms on the events of all accounts, in the management account, and who receives them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from orgtrail import naming
from orgtrail.alarms import SILENCE, Alarm, pattern
from orgtrail.settings.detection import AlarmSettings, Tuning
from orgtrail.settings.environment import Environment
from orgtrail.trail import verification
from orgtrail.trail.common import encrypted_topic, role
from orgtrail.trail.part import Before, Part
from orgtrail.trail.policy import (
    Document,
    Statement,
    administration,
    allow,
    document,
    publish,
    secure_transport,
    service,
)
from orgtrail.trail.resource import Expression, Json, Resource, literal

_CLOUDWATCH = "cloudwatch.amazonaws.com"
_MANAGE = (
    "DeleteAlarms", "DescribeAlarms", "ListTagsForResource", "PutMetricAlarm", "TagResource",
    "UntagResource",
)  # fmt: skip
_AT_LEAST = "GreaterThanOrEqualToThreshold"
_KEY, _VALUE = "${each.key}", "${{each.value.{}}}"


def alarms(part: Part, settings: AlarmSettings, *, group: Before) -> None:
    """Add the topic, then metric filters on the trail's log group, and alarms on their metrics.

    Each alarm exists twice: over all accounts, as scanners expect it, and by account, where
    CloudWatch evaluates every account separately and its message names the account.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Create_Metrics_Insights_Alarm.html

    Args:
        part: the part to add to, in the account that owns the log group.
        settings: the alarms' settings.
        group: the log group, if the stack manages it.

    """
    group = tuple(group)
    topic = _topic(part, settings)
    _subscribe(part, settings, topic)
    watched = [each for each in settings.chosen if each.name != SILENCE]
    if watched and settings.totals:
        _totals(part, settings, watched, group, topic)
    if watched and settings.by_account:
        _by_account(part, settings, watched, group, topic)
    for alarm in settings.chosen:
        if alarm.name == SILENCE:
            _silence(part, settings, alarm, [topic, *group])


def _topic(part: Part, settings: AlarmSettings) -> Resource:
    """Add the topic with its policy and its key; return the policy, which is created last."""
    env = part.environment
    made = encrypted_topic(
        part,
        settings.topic,
        id="topic",
        key_policy=key_policy(env),
        topic_policy=topic_policy(env, settings),
    )
    return made.policy


def _subscribe(part: Part, settings: AlarmSettings, topic: Resource) -> None:
    subscribers = settings.subscribers
    endpoints = {
        endpoint: protocol
        for protocol, given in (("email", subscribers.email), ("https", subscribers.https))
        for endpoint in given
    }
    if endpoints:
        part.add(
            "aws_sns_topic_subscription",
            "subscribers",
            for_each=endpoints,
            topic_arn=_topic_arn(part, settings),
            protocol="${each.value}",
            endpoint=_KEY,
            depends_on=[topic],
        )
    if subscribers.slack or subscribers.teams:
        _chat(part, settings, topic)


def _chat(part: Part, settings: AlarmSettings, topic: Resource) -> None:
    """Add the channels. Without a guardrail, a channel could do everything an administrator can."""
    env, name = part.environment, settings.chat_role_name
    may_look = role(
        part.inside("chat"),
        name=name,
        description="What a chat channel may look at",
        trust=chat_trust(),
        policy_name="chat",
        permissions=chat_permissions(),
    )
    common: dict[str, Any] = {
        "configuration_name": _KEY,
        "iam_role_arn": naming.role_arn(env, env.management.id, name),
        "guardrail_policy_arns": [naming.arn(env, "iam", "aws", naming.CHAT_GUARDRAIL)],
        "sns_topic_arns": [_topic_arn(part, settings)],
        "logging_level": "ERROR",
        "depends_on": [may_look, topic],
    }
    channels = settings.subscribers
    if channels.slack:
        part.add(
            "aws_chatbot_slack_channel_configuration",
            "slack",
            for_each={name: each.model_dump() for name, each in channels.slack.items()},
            slack_team_id=_VALUE.format("team_id"),
            slack_channel_id=_VALUE.format("channel_id"),
            **common,
        )
    if channels.teams:
        part.add(
            "aws_chatbot_teams_channel_configuration",
            "teams",
            for_each={name: each.model_dump() for name, each in channels.teams.items()},
            tenant_id=_VALUE.format("tenant_id"),
            team_id=_VALUE.format("team_id"),
            channel_id=_VALUE.format("channel_id"),
            **common,
        )


def _totals(
    part: Part, settings: AlarmSettings, watched: list[Alarm], group: Before, topic: Resource
) -> None:
    """Add plain alarms: Security Hub requires a metric without dimensions."""
    namespace = settings.namespace
    filters = _filters(part, settings, "totals", watched, group, namespace, {"default_value": "0"})
    part.add(
        "aws_cloudwatch_metric_alarm",
        "totals",
        for_each={each.name: _entry(settings, each) for each in watched},
        alarm_name=naming.alarm_title(namespace, _KEY),
        metric_name=_KEY,
        namespace=namespace,
        statistic="Sum",
        period=Expression(_VALUE.format("period")),
        threshold=Expression(_VALUE.format("threshold")),
        **_common_arguments(part, settings, [topic, filters]),
    )


def _by_account(
    part: Part, settings: AlarmSettings, watched: list[Alarm], group: Before, topic: Resource
) -> None:
    """Add alarms that ring for each account separately."""
    namespace = f"{settings.namespace}/ByAccount"
    dimensions = {"dimensions": {"Account": "$.recipientAccountId"}}
    filters = _filters(part, settings, "by_account", watched, group, namespace, dimensions)
    query = (
        f'SELECT SUM("{_KEY}") FROM SCHEMA("{namespace}", Account) '  # noqa: S608
        "GROUP BY Account ORDER BY SUM() DESC"
    )
    series = {
        "id": "accounts",
        "expression": query,
        "period": Expression(_VALUE.format("period")),
        "return_data": True,
    }
    part.add(
        "aws_cloudwatch_metric_alarm",
        "by_account",
        for_each={each.name: _entry(settings, each) for each in watched},
        alarm_name=naming.alarm_title(settings.namespace, _KEY, by_account=True),
        metric_query=[series],
        threshold=Expression(_VALUE.format("threshold")),
        **_common_arguments(part, settings, [topic, filters]),
    )


def _filters(
    part: Part,
    settings: AlarmSettings,
    name: str,
    watched: list[Alarm],
    group: Before,
    namespace: str,
    transformation: Json,
) -> Resource:
    """Count the events of each pattern in a namespace."""
    env = part.environment
    names, wording = naming.alarm_placeholders(env), settings.patterns
    return part.add(
        "aws_cloudwatch_log_metric_filter",
        f"{name}_filter",
        for_each={each.name: literal(pattern(each, wording, names)) for each in watched},
        name=naming.filter_name(_KEY, name),
        log_group_name=env.delivery.log_group,
        pattern="${each.value}",
        metric_transformation={
            "name": _KEY,
            "namespace": namespace,
            "value": "1",
            **transformation,
        },
        depends_on=group,
    )


def _silence(part: Part, settings: AlarmSettings, alarm: Alarm, after: Before) -> None:
    """Add the alarm on silence: the log group's own metric is missing or zero."""
    part.add(
        "aws_cloudwatch_metric_alarm",
        "silence",
        alarm_name=naming.alarm_title(settings.namespace, alarm.name),
        metric_name="IncomingLogEvents",
        namespace="AWS/Logs",
        dimensions={"LogGroupName": part.environment.delivery.log_group},
        statistic="Sum",
        period=settings.silence_minutes * 60,
        threshold=1,
        **{
            **_common_arguments(part, settings, after),
            "alarm_description": _description(alarm),
            "comparison_operator": "LessThanThreshold",
            "treat_missing_data": "breaching",
        },
    )


def _common_arguments(part: Part, settings: AlarmSettings, after: Before) -> dict[str, Any]:
    return {
        "alarm_description": _VALUE.format("description"),
        "comparison_operator": _AT_LEAST,
        "evaluation_periods": 1,
        "treat_missing_data": "notBreaching",
        "alarm_actions": [_topic_arn(part, settings)],
        "depends_on": after,
    }


def _entry(settings: AlarmSettings, alarm: Alarm) -> Json:
    tuning = settings.tuning.get(alarm.name, Tuning())
    return {
        "description": _description(alarm),
        "period": tuning.period_minutes * 60,
        "threshold": tuning.threshold or alarm.threshold,
    }


def _topic_arn(part: Part, settings: AlarmSettings) -> str:
    return naming.management_topic_arn(part.environment, settings.topic)


def _description(alarm: Alarm) -> str:
    return f"{alarm.title} ({', '.join(alarm.controls)}). {alarm.response}"


def topic_policy(env: Environment, alarms: AlarmSettings) -> Document:
    """Return the topic's policy: alarms and the daily verification publish, over TLS.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
    """
    arn = naming.management_topic_arn(env, alarms.topic)
    return document(
        publish("AlarmsPublish", _CLOUDWATCH, arn, env.management.id, _our_alarms(env)),
        *(verification.topic_statements(env) if env.verification else []),
        secure_transport("sns:Publish", [arn]),
    )


def key_policy(env: Environment) -> Document:
    """Return the key's policy. With SNS's AWS managed key, alarms could not publish.

    https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    """
    return document(
        administration([naming.account_root(env, env.management.id)]),
        service("AlarmsEncrypt", _CLOUDWATCH, env.management.id, _our_alarms(env)),
        *(verification.key_statements(env) if env.verification else []),
    )


def chat_trust() -> Document:
    """Return the chat role's trust policy: only the chat service may assume it.

    A channel of another account cannot get the role, since `iam:PassRole` ends at the account.
    """
    return document(
        {
            "Sid": "ChatService",
            "Effect": "Allow",
            "Principal": {"Service": "chatbot.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    )


def chat_permissions() -> Document:
    """Return a channel's permissions: to view alarms and draw their metrics."""
    actions = ("DescribeAlarms", "DescribeAlarmHistory", "GetMetricData", "GetMetricWidgetImage")
    return document(allow("LookAtAlarms", "cloudwatch", actions, "*"))


def _our_alarms(env: Environment) -> str:
    return naming.arn(env, "cloudwatch", env.management.id, "alarm:*", region=env.home_region)


def deploying(env: Environment) -> Iterator[Statement]:
    """Yield the permissions to deploy filters and alarms, in the management account."""
    account = env.management.id
    group = naming.log_group_arn(env, account)
    filters = ("DeleteMetricFilter", "DescribeMetricFilters", "PutMetricFilter")
    yield allow("ManageFilters", "logs", filters, [group, f"{group}:*"])
    every = naming.arn(env, "cloudwatch", account, "alarm:*", region=env.home_region)
    yield allow("ManageAlarms", "cloudwatch", _MANAGE, every)
