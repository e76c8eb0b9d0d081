"""The survey: from the resources of a stack or plan to the estate that they set up."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from orgtrail.proof.estate import Alarms, Estate, Named, Run, Table, Tagged, Trail, Watch
from orgtrail.proof.survey.access import (
    attached_policies,
    control_of,
    organization_of,
    role_of,
    trusts_cloudtrail,
)
from orgtrail.proof.survey.regions import refused
from orgtrail.proof.survey.shared import named, place
from orgtrail.proof.survey.storage import bucket_of, key_of
from orgtrail.proof.survey.strangers import strangers
from orgtrail.proof.terraform.provider import tags_of
from orgtrail.trail.resource import Resource, Stack, block

_WATCHES = {
    "aws_guardduty_organization_configuration": "guardduty",
    "aws_securityhub_organization_configuration": "securityhub",
    "aws_accessanalyzer_analyzer": "access-analyzer",
}
"""What each service's administrator has, and no other account."""
_ACCOUNT = re.compile(r"\b\d{12}\b", re.ASCII)


def survey(stack: Stack) -> Estate:
    """Read the estate from a stack, everything in the order of its address."""
    stack = replace(stack, resources=tuple(sorted(stack.resources, key=lambda one: one.address)))
    # An Iceberg table projects nothing: it is no table over the log files.
    tables = tuple(
        _table(each)
        for each in stack.of("aws_glue_catalog_table")
        if not each.values.get("open_table_format_input")
    )
    attached = tuple(attached_policies(stack))
    estate = Estate(
        name=stack.name,
        providers=stack.providers,
        trails=tuple(_trail(stack, each) for each in stack.of("aws_cloudtrail")),
        buckets=tuple(bucket_of(stack, each) for each in stack.of("aws_s3_bucket")),
        keys=tuple(key_of(stack, each) for each in stack.of("aws_kms_key")),
        roles=tuple(role_of(stack, each) for each in stack.of("aws_iam_role")),
        controls=tuple(control_of(stack, each) for each in stack.of("aws_organizations_policy")),
        tables=tables,
        workgroups=tuple(_workgroup(each) for each in stack.of("aws_athena_workgroup")),
        log_groups=tuple(_log_group(each) for each in stack.of("aws_cloudwatch_log_group")),
        runs=tuple(
            Run(**place(each), kind=kind, name=each.text("name"))
            for kind in ("aws_codebuild_project", "aws_scheduler_schedule")
            for each in stack.of(kind)
        ),
        attached=attached,
        alarms=_alarms(stack),
        detectors=any(stack.of("aws_guardduty_detector")),
        watches=tuple(sorted(set(_watches(stack)))),
        session_role="",
        delegated=next(
            (
                each.text("account_id")
                for each in stack.of("aws_cloudtrail_organization_delegated_admin_account")
            ),
            "",
        ),
        organization=organization_of(attached, tables),
        trusts_cloudtrail=trusts_cloudtrail(stack),
        owners_of_access=tuple(
            each.address
            for kind in ("aws_organizations_organization", "aws_organizations_aws_service_access")
            for each in stack.of(kind)
        ),
        tagged=tuple(_tagged(stack)),
        refused=tuple(refused(stack)),
    )
    return replace(estate, strangers=tuple(strangers(stack, estate.partition)))


def _watches(stack: Stack) -> Iterator[Watch]:
    for kind, service in _WATCHES.items():
        for each in stack.of(kind):
            where = place(each)
            yield Watch(service, where["account"], where["region"])


def _tagged(stack: Stack) -> Iterator[Tagged]:
    named = [
        *(("provider.aws", each.tags) for each in stack.providers),
        *((each.address, tags_of(each.values)) for each in stack.resources),
    ]
    first: dict[tuple[tuple[str, str], ...], str] = {}
    for address, tags in named:
        first.setdefault(tags, address)
    yield from (Tagged(address, tags) for tags, address in first.items() if tags)


def _trail(stack: Stack, trail: Resource) -> Trail:
    def flag(name: str, *, default: bool) -> bool:
        given = trail.values.get(name)
        return default if given is None else given is True

    return Trail(
        **place(trail),
        name=trail.text("name"),
        bucket=stack.said(trail.text("s3_bucket_name"), "bucket"),
        prefix=trail.text("s3_key_prefix").strip("/"),
        key=named(stack, trail.text("kms_key_id")),
        is_of_organization=flag("is_organization_trail", default=False),
        is_multi_region=flag("is_multi_region_trail", default=False),
        has_global_events=flag("include_global_service_events", default=True),
        validates=flag("enable_log_file_validation", default=False),
        is_logging=flag("enable_logging", default=True),
        log_group=trail.text("cloud_watch_logs_group_arn"),
        waits_for_policy=any("aws_s3_bucket_policy." in each for each in trail.after),
        selectors=tuple(trail.many("event_selector")),
        advanced_selectors=tuple(trail.many("advanced_event_selector")),
        insights=tuple(each["insight_type"] for each in trail.many("insight_selector")),
    )


def _table(table: Resource) -> Table:
    parameters = table.one("parameters")
    accounts = parameters.get("projection.account.values") or ""
    regions = parameters.get("projection.region.values") or ""
    return Table(
        **place(table),
        database=table.text("database_name"),
        name=table.text("name"),
        partitions=tuple(each["name"] for each in table.many("partition_keys")),
        template=(parameters.get("storage.location.template") or "").replace("$${", "${"),
        accounts=tuple(dict.fromkeys(_ACCOUNT.findall(accounts))),
        completes_accounts="${" in accounts,
        regions=None if "${" in regions else tuple(filter(None, regions.split(","))),
    )


def _workgroup(group: Resource) -> Named:
    configuration = group.one("configuration")
    results = group.one("configuration", "result_configuration")
    return Named(
        **place(group),
        name=group.text("name"),
        encrypted=bool(block(results, "encryption_configuration")),
        enforced=configuration.get("enforce_workgroup_configuration", True) is True,
    )


def _log_group(group: Resource) -> Named:
    return Named(
        **place(group), name=group.text("name"), encrypted=bool(group.text("kms_key_id")),
        enforced=False,
    )  # fmt: skip


def _alarms(stack: Stack) -> Alarms:
    filters = list(stack.of("aws_cloudwatch_log_metric_filter"))
    rung = {
        stack.said(topic, "arn")
        for alarm in stack.of("aws_cloudwatch_metric_alarm")
        for topic in alarm.values.get("alarm_actions") or ()
    }
    heard = {
        stack.said(each.text("topic_arn"), "arn") for each in stack.of("aws_sns_topic_subscription")
    }
    for kind in ("slack", "teams"):
        for each in stack.of(f"aws_chatbot_{kind}_channel_configuration"):
            heard |= {stack.said(topic, "arn") for topic in each.values.get("sns_topic_arns") or ()}
    return Alarms(
        patterns=tuple(sorted({each.text("pattern") for each in filters})),
        by_account=any(
            "$.recipientAccountId" in str(each.one("metric_transformation").get("dimensions"))
            for each in filters
        ),
        are_heard=bool(rung & heard),
    )
