"""Checks of the alarms: what they look for, that they ring, and that somebody hears them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from orgtrail import naming
from orgtrail.alarms import SILENCE, Alarm, pattern
from orgtrail.doctor.comparing import difference, listed
from orgtrail.doctor.outcome import DEPLOY, MAKE, Fault, Subject
from orgtrail.doctor.register import Live, check
from orgtrail.trail import alarms as policies
from orgtrail.trail.policy import text

_PENDING = "PendingConfirmation"
_CHAT_REGION = "us-east-2"
"""One of the four where the chat service answers; its settings are the same in all of them.
https://docs.aws.amazon.com/general/latest/gr/chatbot.html"""


def topic(live: Live) -> list[Subject]:
    """Return the alarms' topic, if there are alarms."""
    return [Subject("management", live.env.alarms.topic)] if live.env.alarms else []


def _group(live: Live) -> list[Subject]:
    return [Subject("management", live.env.delivery.log_group)] if _watched(live) else []


def _chats(live: Live) -> list[Subject]:
    settings = live.env.alarms
    told = settings.subscribers if settings else None
    return topic(live) if told and (told.slack or told.teams) else []


def _named(live: Live) -> list[Subject]:
    return topic(live) if live.env.alarms and live.env.alarms.chosen else []


def _watched(live: Live) -> list[Alarm]:
    """Return the alarms that look for a pattern, where the file asks for any form of them."""
    settings = live.env.alarms
    if not settings or not (settings.totals or settings.by_account):
        return []
    return [each for each in settings.chosen if each.name != SILENCE]


def _arn(live: Live) -> str:
    assert live.env.alarms
    return naming.management_topic_arn(live.env, live.env.alarms.topic)


@check("alarm-filters", "Every pattern is looked for", _group, "log-group")
def _filters(live: Live, subject: Subject) -> Iterator[Fault]:
    settings = live.env.alarms
    assert settings
    answer = live.aws.ask(
        "management", "logs", "describe_metric_filters", logGroupName=subject.name
    )
    has = {each["filterName"]: each.get("filterPattern", "") for each in answer["metricFilters"]}
    names = naming.alarm_placeholders(live.env)
    for form, asked in (("totals", settings.totals), ("by_account", settings.by_account)):
        for alarm in _watched(live) if asked else ():
            name = naming.filter_name(alarm.name, form)
            wanted = pattern(alarm, settings.patterns, names)
            if name not in has:
                yield Fault(f"the metric filter {name} does not exist", DEPLOY)
            elif has[name] != wanted:
                yield Fault(
                    f"the metric filter {name} looks for something else",
                    DEPLOY,
                    listed([wanted], [has[name]]),
                )


@check("alarms", "Every alarm exists and rings the topic", _named)
def _alarms(live: Live, _: Subject) -> Iterator[Fault]:
    answer = live.aws.ask("management", "cloudwatch", "describe_alarms")
    has = {each["AlarmName"]: each for each in answer.get("MetricAlarms", ())}
    for name in _expected(live):
        alarm: Any = has.get(name)
        if alarm is None:
            yield Fault(f"the alarm {name!r} does not exist", DEPLOY)
        elif not alarm.get("ActionsEnabled", True):
            yield Fault(
                f"the actions of the alarm {name!r} are off: it rings nobody",
                f"aws cloudwatch enable-alarm-actions --alarm-names {name!r}",
            )
        elif _arn(live) not in alarm.get("AlarmActions", ()):
            yield Fault(f"the alarm {name!r} does not ring {_arn(live)}", DEPLOY)


def _expected(live: Live) -> Iterator[str]:
    settings = live.env.alarms
    assert settings
    for alarm in _watched(live):
        if settings.totals:
            yield naming.alarm_title(settings.namespace, alarm.name)
        if settings.by_account:
            yield naming.alarm_title(settings.namespace, alarm.name, by_account=True)
    if any(each.name == SILENCE for each in settings.chosen):
        yield naming.alarm_title(settings.namespace, SILENCE)


@check("alarm-topic", "The alarms' topic exists, encrypted, with the file's policy", topic)
def _topic(live: Live, subject: Subject) -> Iterator[Fault]:
    settings = live.env.alarms
    assert settings
    yield from topic_faults(
        live, subject, _arn(live), text(policies.topic_policy(live.env, settings))
    )


@check("alarm-subscriptions", "Somebody hears the alarms", topic, "alarm-topic")
def _subscribed(live: Live, _: Subject) -> Iterator[Fault]:
    settings = live.env.alarms
    assert settings
    told = settings.subscribers
    answer = live.aws.ask("management", "sns", "list_subscriptions_by_topic", TopicArn=_arn(live))
    has = {each["Endpoint"]: each["SubscriptionArn"] for each in answer["Subscriptions"]}
    for endpoint in (*told.email, *told.https):
        if endpoint not in has:
            yield Fault(f"{endpoint} is not subscribed to the alarms", DEPLOY)
        elif has[endpoint] == _PENDING:
            yield Fault(
                f"{endpoint} has not confirmed its subscription: it is told nothing",
                "open the link that AWS sent there; deploy again for a new one, since it is valid "
                "for two days",
            )
    if not has and not (told.slack or told.teams):
        yield Fault("nobody is subscribed to the alarms", "set alarms.subscribers, then deploy")


@check("alarm-channels", "The chat channels hear the alarms", _chats)
def _channels(live: Live, _: Subject) -> Iterator[Fault]:
    settings = live.env.alarms
    assert settings
    told = settings.subscribers
    slack = "describe_slack_channel_configurations", "SlackChannelConfigurations"
    teams = "list_microsoft_teams_channel_configurations", "TeamChannelConfigurations"
    for wanted, (operation, key), field in (
        ({name: each.channel_id for name, each in told.slack.items()}, slack, "SlackChannelId"),
        ({name: each.channel_id for name, each in told.teams.items()}, teams, "ChannelId"),
    ):
        if not wanted:
            continue
        answer = live.aws.ask("management", "chatbot", operation, region=_CHAT_REGION)
        has = {each[field]: each for each in answer[key]}
        for name, channel in wanted.items():
            found = has.get(channel)
            if found is None:
                yield Fault(f"the channel {name} ({channel}) is not set up", DEPLOY)
            elif _arn(live) not in found.get("SnsTopicArns", ()):
                yield Fault(f"the channel {name} ({channel}) does not hear {_arn(live)}", DEPLOY)
            elif found.get("State", "ENABLED") != "ENABLED":
                why = found.get("StateReason", "AWS gives no reason")
                yield Fault(f"the channel {name} ({channel}) is off: {why}",
                            "authorize the workspace or team anew in the AWS console")  # fmt: skip


def topic_faults(live: Live, subject: Subject, arn: str, policy: str) -> Iterator[Fault]:
    """Yield what is wrong with a topic."""
    answer = live.aws.ask(
        subject.account, "sns", "get_topic_attributes",
        absent=("NotFound", "NotFoundException"), TopicArn=arn,
    )  # fmt: skip
    if answer is None:
        yield Fault(f"the topic {subject.name} does not exist", MAKE)
        return
    has = answer["Attributes"]
    if not has.get("KmsMasterKeyId"):
        yield Fault("its messages are not encrypted", DEPLOY)
    if lines := difference(policy, has.get("Policy")):
        yield Fault("its policy is not the file's", DEPLOY, lines)
