"""Rules on what is there and does nothing: switched off, aimed at nothing, or left as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from orgtrail.check.findings import Violation, listed
from orgtrail.check.model import FlowKind, Model
from orgtrail.trail.resource import Resource

_SYMMETRIC = ("", "SYMMETRIC_DEFAULT")
_HARMLESS = {"tags", "tags_all", "description"}
"""Arguments that guard nothing, so that Terraform may leave them as they are."""
_NEVER_LESS = "LessThan"


def _is_false(given: Any) -> bool:
    return given is False or (isinstance(given, str) and given.lower() == "false")


def _is_true(given: Any) -> bool:
    return given is True or (isinstance(given, str) and given.lower() == "true")


def _is_past(given: Any) -> bool:
    try:
        at = datetime.fromisoformat(given)
    except (TypeError, ValueError):
        return False
    return at.replace(tzinfo=at.tzinfo or UTC) < datetime.now(UTC)


@dataclass(frozen=True)
class _Off:
    """A value of an argument that switches a kind of resource off, and what follows."""

    kind: str
    argument: str
    is_off: Callable[[Any], bool]
    follows: str


_OFF = (
    _Off("aws_cloudwatch_metric_alarm", "actions_enabled", _is_false,
         "the alarm rings and tells nobody. Set it to true"),
    _Off("aws_cloudwatch_metric_alarm", "alarm_actions", lambda given: not given,
         "the alarm tells nobody. Name the alarms' topic"),
    _Off("aws_sns_topic_subscription", "filter_policy", lambda given: given not in (None, "", "{}"),
         "messages that it does not match do not arrive. Take it out"),
    _Off("aws_guardduty_detector", "enable", _is_false,
         "GuardDuty finds nothing there. Set it to true"),
    _Off("aws_guardduty_organization_configuration", "auto_enable_organization_members",
         lambda given: given == "NONE",
         "GuardDuty is not turned on in accounts of members. Set it to NEW or ALL"),
    _Off("aws_guardduty_organization_configuration", "auto_enable", _is_false,
         "GuardDuty is not turned on in new accounts. Set auto_enable_organization_members"),
    _Off("aws_scheduler_schedule", "state", lambda given: given == "DISABLED",
         "nothing is started. Set it to ENABLED"),
    _Off("aws_scheduler_schedule", "end_date", _is_past,
         "it has ended, and nothing is started any more. Take it out"),
    _Off("aws_cloudwatch_log_group", "log_group_class", lambda given: given == "DELIVERY",
         "CloudWatch Logs keeps events for two days, and no filter reads them. Set STANDARD"),
    _Off("aws_cloudwatch_log_group", "log_group_class",
         lambda given: given == "INFREQUENT_ACCESS",
         "it takes no metric filter, so no alarm rings. Set STANDARD"),
    _Off("aws_kms_key", "bypass_policy_lockout_safety_check", _is_true,
         "KMS takes a policy that locks everybody out of the key. Take it out"),
    _Off("aws_kms_key_policy", "bypass_policy_lockout_safety_check", _is_true,
         "KMS takes a policy that locks everybody out of the key. Take it out"),
)  # fmt: skip


def key_off(model: Model) -> Iterator[Violation]:
    """Every key is enabled, and the trail's is one that encrypts."""
    for each in model.stack.of("aws_kms_key"):
        if _is_false(each.values.get("is_enabled")):
            yield Violation(
                "key",
                each.address,
                "is disabled (is_enabled): CloudTrail cannot encrypt, so that no log file comes, "
                "and nothing that the key encrypted can be read. Set it to true."
                if model.key and each.address == model.key.address
                else "is disabled (is_enabled): nothing is encrypted with it, and what it "
                "encrypted cannot be read. Set it to true.",
            )
        is_trails = model.key is not None and each.address == model.key.address
        spec = each.text("customer_master_key_spec")
        if is_trails and (
            spec not in _SYMMETRIC or each.text("key_usage") not in ("", "ENCRYPT_DECRYPT")
        ):
            what = spec if spec not in _SYMMETRIC else each.text("key_usage")
            yield Violation(
                "key",
                each.address,
                f"is a key for {what}, and CloudTrail encrypts with a symmetric one alone: no log "
                "file comes. Take key_usage and customer_master_key_spec out.",
            )


def switched_off(model: Model) -> Iterator[Violation]:
    """What detects, notifies or starts something is switched on, and reaches what it is for."""
    for off in _OFF:
        for each in model.stack.of(off.kind):
            given = each.values.get(off.argument)
            if off.is_off(given):
                said = f"has {off.argument} {_said(given)}" if given else f"has no {off.argument}"
                said = f"has {off.argument} false" if given is False else said
                yield Violation("alarms", each.address, f"{said}: {off.follows}.")
    yield from _never_ring(model)
    yield from _counts_nothing(model)
    yield from _feeds_nothing(model)


def unguarded(model: Model) -> Iterator[Violation]:
    """Terraform keeps what is written as it is, and deletes no bucket with evidence in it."""
    evidence = model.evidence_buckets | ({model.archive.name} if model.archive else set())
    by_address = {each.address: each.name for each in model.buckets}
    for each in model.stack.of("aws_s3_bucket"):
        if _is_true(each.values.get("force_destroy")) and by_address.get(each.address) in evidence:
            yield Violation(
                "archive",
                each.address,
                "has force_destroy: whoever takes it out of the stack deletes every file in it, "
                "and its lock alone could stop that. Take force_destroy out.",
            )
    for each in model.stack.resources:
        ignored = _ignored(each)
        if ignored and each.kind.startswith("aws_"):
            yield Violation(
                "archive",
                each.address,
                f"has lifecycle.ignore_changes of {listed(ignored)}: what somebody changed there "
                "in AWS stays, and what is written here may not be so. Take it out.",
            )


def _said(given: Any) -> str:
    return given if isinstance(given, str) else str(given).lower()


def _ignored(each: Resource) -> list[str]:
    given = each.lifecycle.get("ignore_changes") or []
    names = [given] if isinstance(given, str) else [str(one) for one in given]
    # Athena keeps facts of its own about an Iceberg table in its parameters.
    iceberg = {"parameters"} if each.values.get("open_table_format_input") else set()
    return [one for one in names if one.partition("[")[0].partition(".")[0] not in
            _HARMLESS | iceberg]  # fmt: skip


def _never_ring(model: Model) -> Iterator[Violation]:
    """Yield alarms about silence that nothing ever sets off."""
    for each in model.stack.of("aws_cloudwatch_metric_alarm"):
        if not each.text("comparison_operator").startswith(_NEVER_LESS):
            continue
        missing = each.text("treat_missing_data") or "missing"
        threshold = each.values.get("threshold")
        if each.text("namespace") == "AWS/Logs" and missing != "breaching":
            yield Violation(
                "alarms",
                each.address,
                f"has treat_missing_data {missing}: a log group without events has no metric, so "
                "the alarm on its silence never rings. Set breaching.",
            )
        elif isinstance(threshold, int | float) and (
            threshold < 0 or (threshold == 0 and "OrEqual" not in each.text("comparison_operator"))
        ):
            yield Violation(
                "alarms",
                each.address,
                f"rings below {threshold}, and a count never is: it never rings. Set 1.",
            )


def _counts_nothing(model: Model) -> Iterator[Violation]:
    """Yield filters that count nothing, and alarms on metrics that no filter makes."""
    stack = model.stack
    made = set()
    groups = {
        each.target.partition(":log-group:")[2]
        for each in model.flows
        if each.kind is FlowKind.LOG_STREAMS
    }
    for each in stack.of("aws_cloudwatch_log_metric_filter"):
        metric = each.one("metric_transformation")
        made.add((metric.get("namespace"), metric.get("name")))
        if str(metric.get("value")) in ("0", "0.0"):
            yield Violation(
                "alarms", each.address,
                "adds 0 to its metric for each event, so that no alarm on it rings. Add 1.",
            )  # fmt: skip
        group = stack.said(each.text("log_group_name"), "name")
        if groups and group and "${" not in group and group not in groups:
            yield Violation(
                "alarms",
                each.address,
                f"reads log group {group}, and the trail writes to {listed(sorted(groups))}: it "
                "counts nothing, and no alarm on it rings. Name the trail's log group.",
            )
    for each in stack.of("aws_cloudwatch_metric_alarm"):
        name = (each.text("namespace"), each.text("metric_name"))
        if made and name[1] and not name[0].startswith("AWS/") and name not in made:
            yield Violation(
                "alarms",
                each.address,
                f"watches {name[1]} in {name[0] or 'no namespace'}, which no metric filter of the "
                "stack makes: it never rings. Correct the name.",
            )


def _feeds_nothing(model: Model) -> Iterator[Violation]:
    """Yield notifications of the archive whose filter matches no log file."""
    archive = model.archive
    receivers = {each.arn for each in model.receivers} | {each.address for each in model.receivers}
    for each in model.stack.of("aws_s3_bucket_notification"):
        if not archive or model.stack.said(each.text("bucket"), "bucket") != archive.name:
            continue
        for kind in ("topic", "queue"):
            for one in each.many(kind):
                given = str(one.get(f"{kind}_arn") or "")
                found = model.stack.find(given)
                if (found.address if found else given) not in receivers:
                    continue  # it may be for other files
                prefix = str(one.get("filter_prefix") or "")
                suffix = str(one.get("filter_suffix") or "")
                logs = model.logs_prefix
                misses = not (prefix.startswith(logs) or logs.startswith(prefix))
                ending = ".json.gz"
                misses_end = not (suffix.endswith(ending) or ending.endswith(suffix))
                if misses or misses_end:
                    name = f"filter_prefix {prefix}" if misses else f"filter_suffix {suffix}"
                    yield Violation(
                        "siem",
                        each.address,
                        f"has {name}, which no log file has: {given} is told of none. Write "
                        f"{logs if misses else ending}.",
                    )
