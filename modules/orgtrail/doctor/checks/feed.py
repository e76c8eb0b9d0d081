"""Checks of the feed for a SIEM: topic, queues, the subscription between them, what is left."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from orgtrail import naming
from orgtrail.doctor.checks.alarms import topic_faults
from orgtrail.doctor.comparing import difference
from orgtrail.doctor.outcome import DEPLOY, MAKE, Fault, Subject
from orgtrail.doctor.register import Live, check
from orgtrail.trail import siem
from orgtrail.trail.policy import Document, text

_ABSENT = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")


def _topic(live: Live) -> list[Subject]:
    return [Subject("logging", live.env.siem.topic)] if live.env.siem else []


def _queues(live: Live) -> list[Subject]:
    return [Subject("logging", name) for name in _policies(live)]


def _queue(live: Live) -> list[Subject]:
    return [Subject("logging", live.env.siem.queue)] if live.env.siem else []


def _dead(live: Live) -> list[Subject]:
    if not live.env.siem:
        return []
    return [Subject("logging", naming.dead_letter_queue(live.env.siem.queue))]


def _policies(live: Live) -> dict[str, Document]:
    settings = live.env.siem
    if not settings:
        return {}
    return {
        settings.queue: siem.queue_policy(live.env, settings),
        naming.dead_letter_queue(settings.queue): siem.dead_letter_policy(live.env, settings),
    }


def _attributes(live: Live, name: str) -> Any:
    found = live.aws.ask("logging", "sqs", "get_queue_url", absent=_ABSENT, QueueName=name)
    if found is None:
        return None
    return live.aws.ask(
        "logging", "sqs", "get_queue_attributes", QueueUrl=found["QueueUrl"], AttributeNames=["All"]
    )["Attributes"]


@check("feed-topic", "The feed's topic exists, encrypted, with the file's policy", _topic)
def _topic_stands(live: Live, subject: Subject) -> Iterator[Fault]:
    assert live.env.siem
    arn = naming.siem_topic_arn(live.env, subject.name)
    yield from topic_faults(live, subject, arn, text(siem.topic_policy(live.env, live.env.siem)))


@check("feed-queue", "The queue exists, encrypted, with the file's policy", _queues)
def _queue_stands(live: Live, subject: Subject) -> Iterator[Fault]:
    has = _attributes(live, subject.name)
    if has is None:
        yield Fault(f"the queue {subject.name} does not exist", MAKE)
        return
    if not has.get("KmsMasterKeyId"):
        yield Fault("its messages are not encrypted with the feed's key", DEPLOY)
    if lines := difference(text(_policies(live)[subject.name]), has.get("Policy")):
        yield Fault("its policy is not the file's", DEPLOY, lines)


@check("feed-redrive", "What nobody can read goes to the dead-letter queue", _queue, "feed-queue")
def _redrive(live: Live, subject: Subject) -> Iterator[Fault]:
    given = json.loads(_attributes(live, subject.name).get("RedrivePolicy", "{}"))
    wanted = naming.queue_arn(live.env, naming.dead_letter_queue(subject.name))
    if given.get("deadLetterTargetArn") != wanted:
        yield Fault(f"notices that cannot be read do not go to {wanted}", DEPLOY)


@check("feed-subscription", "The topic feeds the queue", _queue, "feed-queue")
def _subscribed(live: Live, subject: Subject) -> Iterator[Fault]:
    assert live.env.siem
    arn, queue = naming.siem_topic_arn(live.env, live.env.siem.topic), subject.name
    answer = live.aws.ask(
        "logging", "sns", "list_subscriptions_by_topic",
        absent=("NotFound", "NotFoundException"), TopicArn=arn,
    )  # fmt: skip
    endpoints = {each["Endpoint"] for each in (answer or {}).get("Subscriptions", ())}
    if answer is not None and naming.queue_arn(live.env, queue) not in endpoints:
        yield Fault(f"the queue {queue} is not subscribed to {arn}: the SIEM hears nothing",
                    DEPLOY)  # fmt: skip


@check("feed-dead-letters", "No notice was given up", _dead, "feed-queue")
def _given_up(live: Live, subject: Subject) -> Iterator[Fault]:
    count = int(_attributes(live, subject.name).get("ApproximateNumberOfMessages", 0))
    if count:
        yield Fault(
            f"{count} notices of log files lie in {subject.name}: the SIEM did not take them",
            "see why its reader fails (usually kms:Decrypt or s3:GetObject is denied), then: "
            "aws sqs start-message-move-task",
        )
