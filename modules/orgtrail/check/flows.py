"""What a stack sets up to send, read from its configuration: topics, queues and flows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from orgtrail.check.from_resource import place, policy_of_all
from orgtrail.check.model import Flow, FlowKind, SnsTopic, SqsQueue
from orgtrail.check.owners import policies
from orgtrail.iam.policy import Policy
from orgtrail.regions import partition
from orgtrail.trail.resource import Resource, Stack, block


def topics(stack: Stack) -> Iterator[SnsTopic]:
    """Yield every topic with its policy."""
    for each in stack.of("aws_sns_topic"):
        policy = _policy(stack, each)
        yield SnsTopic(**place(each), arn=_arn(each), policy=policy, key=_key(stack, each))


def queues(stack: Stack) -> Iterator[SqsQueue]:
    """Yield every queue with its policy."""
    for each in stack.of("aws_sqs_queue"):
        policy = _policy(stack, each)
        yield SqsQueue(**place(each), arn=_arn(each), policy=policy, key=_key(stack, each))


def flows(stack: Stack) -> Iterator[Flow]:
    """Yield every flow of the stack."""
    yield from _trail_flows(stack)
    yield from _bucket_flows(stack)
    yield from _topic_flows(stack)
    yield from _detection_flows(stack)
    yield from _automation_flows(stack)


def _trail_flows(stack: Stack) -> Iterator[Flow]:
    for trail in stack.of("aws_cloudtrail"):
        source = f"{_prefix(trail, 'cloudtrail')}:trail/{trail.text('name')}"
        if group := _resolved(stack, trail.text("cloud_watch_logs_group_arn"), "log-group"):
            role = _resolved(stack, trail.text("cloud_watch_logs_role_arn"), "role")
            yield Flow(
                **place(trail),
                kind=FlowKind.LOG_STREAMS,
                source=source,
                target=group.removesuffix(":*"),
                role=role,
            )
        name = trail.text("sns_topic_name")
        if name:
            topic = _resolved(stack, name, "topic")
            topic = topic if topic.startswith("arn:") else f"{_prefix(trail, 'sns')}:{topic}"
            yield Flow(**place(trail), kind=FlowKind.NOTICES, source=source, target=topic)


def _bucket_flows(stack: Stack) -> Iterator[Flow]:
    for each in stack.of("aws_s3_bucket_logging"):
        source = _bucket(stack, each, each.text("bucket"))
        target = _bucket(stack, each, each.text("target_bucket"))
        detail = each.text("target_prefix")
        yield Flow(
            **place(each), kind=FlowKind.ACCESS_LOG, source=source, target=target, detail=detail
        )
    for each in stack.of("aws_s3_bucket_notification"):
        source = _bucket(stack, each, each.text("bucket"))
        for kind, attribute in (("topic", "topic_arn"), ("queue", "queue_arn")):
            for one in each.many(kind):
                target = _resolved(stack, one.get(attribute), kind)
                kept = FlowKind.NOTIFICATION
                yield Flow(**place(each), kind=kept, source=source, target=target)


def _topic_flows(stack: Stack) -> Iterator[Flow]:
    for each in stack.of("aws_sns_topic_subscription"):
        if each.text("protocol") == "sqs":
            source = _resolved(stack, each.text("topic_arn"), "topic")
            target = _resolved(stack, each.text("endpoint"), "queue")
            yield Flow(**place(each), kind=FlowKind.SUBSCRIPTION, source=source, target=target)
    seen: set[tuple[str, str]] = set()
    for each in stack.of("aws_cloudwatch_metric_alarm"):
        for action in each.values.get("alarm_actions") or ():
            topic = _resolved(stack, action, "topic")
            source = f"{_prefix(each, 'cloudwatch')}:alarm:any"
            if ":sns:" in topic and (source, topic) not in seen:
                seen.add((source, topic))
                yield Flow(**place(each), kind=FlowKind.ALARM, source=source, target=topic)
    for kind in ("slack", "teams"):
        for each in stack.of(f"aws_chatbot_{kind}_channel_configuration"):
            role = _resolved(stack, each.text("iam_role_arn"), "role")
            yield Flow(**place(each), kind=FlowKind.CHAT, source="", target="", role=role)


def _detection_flows(stack: Stack) -> Iterator[Flow]:
    for each in stack.of("aws_guardduty_publishing_destination"):
        target = _bucket(stack, each, each.text("destination_arn")).partition("/")[0]
        source = f"{_prefix(each, 'guardduty')}:detector/0123456789abcdef0123456789abcdef"
        key = stack.find(each.text("kms_key_arn"))
        detail = key.address if key else each.text("kms_key_arn")
        yield Flow(
            **place(each), kind=FlowKind.FINDINGS, source=source, target=target, detail=detail
        )


def _automation_flows(stack: Stack) -> Iterator[Flow]:
    for each in stack.of("aws_scheduler_schedule"):
        target = each.one("target")
        role = _resolved(stack, target.get("role_arn"), "role")
        group = each.text("group_name") or "default"
        source = f"{_prefix(each, 'scheduler')}:schedule-group/{group}"
        yield Flow(
            **place(each),
            kind=FlowKind.SCHEDULE,
            source=source,
            target=str(target.get("arn") or "").rpartition(":aws-sdk:")[2],
            role=role,
            detail=str(_input(target).get("ProjectName") or _input(target).get("WorkGroup") or ""),
        )
    for each in stack.of("aws_codebuild_project"):
        role = _resolved(stack, each.text("service_role"), "role")
        group = str(block(each.one("logs_config"), "cloudwatch_logs").get("group_name") or "")
        yield Flow(
            **place(each),
            kind=FlowKind.BUILD,
            source=f"{_prefix(each, 'codebuild')}:project/{each.text('name')}",
            target=f"{_prefix(each, 'logs')}:log-group:{group}" if group else "",
            role=role,
            detail=json.dumps(each.one("source"), sort_keys=True),
        )


def _input(target: Any) -> dict[str, Any]:
    try:
        given = json.loads(str(target.get("input") or "{}").replace("$${", "${"))
    except json.JSONDecodeError:
        return {}
    return given if isinstance(given, dict) else {}


def _prefix(resource: Resource, service: str) -> str:
    account, region = resource.provider.account, resource.region
    return f"arn:{partition(region)}:{service}:{region}:{account}"


def _arn(resource: Resource) -> str:
    """Return the ARN that AWS gives to a role, a topic, a queue or a log group of a name."""
    name = resource.text("name")
    match resource.kind:
        case "aws_iam_role":
            path = resource.text("path") or "/"
            account = resource.provider.account
            return f"arn:{partition(resource.region)}:iam::{account}:role{path}{name}"
        case "aws_sns_topic":
            return f"{_prefix(resource, 'sns')}:{name}"
        case "aws_sqs_queue":
            return f"{_prefix(resource, 'sqs')}:{name}"
        case "aws_cloudwatch_log_group":
            return f"{_prefix(resource, 'logs')}:log-group:{name}"
    return name


_KINDS = {
    "topic": "aws_sns_topic",
    "queue": "aws_sqs_queue",
    "role": "aws_iam_role",
    "log-group": "aws_cloudwatch_log_group",
}


def _resolved(stack: Stack, text: Any, kind: str) -> str:
    """Return the ARN that a reference stands for, or the text itself."""
    text = str(text or "")
    found = stack.find(text.removesuffix(":*"))
    return _arn(found) if found and found.kind == _KINDS[kind] else text


def _bucket(stack: Stack, resource: Resource, text: str) -> str:
    name = stack.said(text, "bucket")
    if name.startswith("arn:"):
        return name
    return f"arn:{partition(resource.region)}:s3:::{name}"


def _key(stack: Stack, resource: Resource) -> str:
    text = resource.text("kms_master_key_id")
    found = stack.find(text)
    return found.address if found else text


def _policy(stack: Stack, owner: Resource) -> Policy | None:
    """Return the policy of a topic or queue: its own argument, or that of a resource beside it."""
    found = policies(stack, owner)
    documents = [document for _, document in found if document]
    return policy_of_all(found[-1][0], documents) if documents else None
