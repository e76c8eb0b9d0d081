"""The attacks on what reads log files: catalog, feed, automations and log groups."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from orgtrail.check import actions
from orgtrail.check.attack import (
    Attack,
    Context,
    allow_action,
    each_action,
    is_made_for,
)
from orgtrail.check.principals import Principal
from orgtrail.naming import DEAD_LETTER_SUFFIX

_RECEIVE = "sqs:ReceiveMessage"


def on_readers(context: Context) -> Iterator[Attack]:
    """Yield the attacks on everything that reads log files, or events, for somebody."""
    yield from _on_catalog(context)
    yield from _on_feed(context)
    yield from _on_automations(context)
    yield from _on_log_groups(context)
    yield from _on_account_logs(context)


def _on_catalog(context: Context) -> Iterator[Attack]:
    """Yield the attacks on the table, its catalog and the workgroup."""
    configures = context.configures
    for table in context.model.tables[:1]:
        account = table.account
        for titles, resource in (
            (actions.CATALOG_ACTIONS, f"table/{table.database}/{table.name}"),
            (actions.DATABASE_ACTIONS, f"database/{table.database}"),
            (actions.SHARING_ACTIONS, "catalog"),
        ):
            arn = context.arn("glue", table.region, account, resource)
            yield from each_action(titles, "glue", arn, account, configures)
        for title, action in actions.LAKE_ACTIONS.items():
            steps = ((f"lakeformation:{action}", "*"),)
            yield Attack(title, steps, account, configures, applies_to=context.is_of_logging)
    for group in context.model.workgroups[:1]:
        arn = context.arn("athena", group.region, group.account, f"workgroup/{group.name}")
        yield from each_action(actions.WORKGROUP_ACTIONS, "athena", arn, group.account, configures)


def _on_feed(context: Context) -> Iterator[Attack]:
    """Yield the attacks on the feed's topic and queues: to stop, falsify or drain it."""
    logging, configures = context.model.logging, context.configures
    has_reader = any(allow_action(each.policies, _RECEIVE) for each in context.model.roles)

    def may_receive(who: Principal) -> bool:
        by_iam = not has_reader and context.is_of_logging(who)
        return configures(who) or by_iam or is_made_for(context, who, _RECEIVE)

    def may_receive_dead(who: Principal) -> bool:
        return configures(who) or (not has_reader and context.is_of_logging(who))

    for topic in context.model.topics:
        if topic.account == logging:
            arn = topic.arn
            yield from each_action(
                actions.TOPIC_ACTIONS, "sns", arn, logging, configures, topic.policy
            )
    for each in context.model.queues:
        if each.account != logging:
            continue
        arn, name = each.arn, each.arn.rpartition(":")[2]
        for table, intended_for in (
            (actions.QUEUE_ACTIONS, configures),
            (actions.MESSAGE_ACTIONS, may_receive),
        ):
            # A reader of the feed has no part in what nobody could take.
            is_dead = name.endswith(DEAD_LETTER_SUFFIX) and table is actions.MESSAGE_ACTIONS
            who = may_receive_dead if is_dead else intended_for
            suffix = f" queue {name}"
            yield from each_action(table, "sqs", arn, logging, who, each.policy, suffix=suffix)


def _on_automations(context: Context) -> Iterator[Attack]:
    """Yield the attacks on CodeBuild projects and schedules, which use roles unattended."""

    def may_start(who: Principal) -> bool:
        return context.configures(who) or is_made_for(context, who, "codebuild:StartBuild")

    for each in context.model.automations:
        if each.kind == "aws_codebuild_project":
            arn = context.arn("codebuild", each.region, each.account, f"project/{each.name}")
            for title, action in actions.PROJECT_ACTIONS.items():
                intended_for = may_start if action == "StartBuild" else context.configures
                yield Attack(title, ((f"codebuild:{action}", arn),), each.account, intended_for)
        else:
            name = f"schedule/default/{each.name}"
            arn = context.arn("scheduler", each.region, each.account, name)
            yield from each_action(
                actions.SCHEDULE_ACTIONS, "scheduler", arn, each.account, context.configures,
                suffix=f" {each.name}",
            )  # fmt: skip


def _on_log_groups(context: Context) -> Iterator[Attack]:
    """Yield the attacks on the trail's log group, and on those of the logging account."""
    for group in context.model.log_groups:
        intended_for, name = context.manages, "the log group"
        if f":log-group:{group.name}:" not in context.trail.log_group:
            if group.account != context.model.logging:
                continue
            intended_for, name = context.configures, f"log group {group.name}"
        arn = context.arn("logs", group.region, group.account, f"log-group:{group.name}")
        for title, action in actions.LOG_GROUP_ACTIONS.items():
            named = title.replace("the log group", name)
            on = f"{arn}:log-stream:any" if action == "DeleteLogStream" else arn
            yield Attack(named, ((f"logs:{action}", on),), group.account, intended_for)
        if group.account == context.model.logging:
            may_write = partial(_writes_reports, context)
            stream = f"{arn}:log-stream:any"
            for title, action in actions.FORGED_STREAM_ACTIONS.items():
                named = title.replace("the log group", name)
                yield Attack(named, ((f"logs:{action}", stream),), group.account, may_write)


def _on_account_logs(context: Context) -> Iterator[Attack]:
    """Yield the attack on all log groups of the logging account, if the stack has one there."""
    groups = [one for one in context.model.log_groups if one.account == context.model.logging]
    for title, action in actions.ACCOUNT_LOG_ACTIONS.items() if groups else ():
        yield Attack(
            title, ((f"logs:{action}", "*"),), context.model.logging, context.configures,
            applies_to=context.is_of_logging,
        )  # fmt: skip


def _writes_reports(context: Context, who: Principal) -> bool:
    """Return whether a principal is intended to write into a log group of the logging account."""
    return context.configures(who) or is_made_for(context, who, "logs:PutLogEvents")
