"""The model that the check works with, read from the resources of a stack or plan."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

from orgtrail.check import flows
from orgtrail.check.attached import attached_policies
from orgtrail.check.from_resource import (
    bucket_of,
    control_policy_of,
    is_control_policy,
    key_of,
    place,
    role_of,
    table_of,
    trail_of,
    workgroup_of,
)
from orgtrail.check.model import (
    AttachedPolicy,
    Automation,
    DetectionService,
    ForeignReference,
    GlueTable,
    LogGroup,
    MetricAlarms,
    Model,
    TagSet,
    UnavailableFeature,
)
from orgtrail.naming import CLOUDTRAIL
from orgtrail.regions import (
    PARTITIONS,
    REGION,
    is_opt_in,
    missing_guardduty_features,
    partition,
    partition_of,
)
from orgtrail.terraform.configuration import tags_of
from orgtrail.trail.resource import Provider, Stack

_DETECTION = {
    "aws_guardduty_organization_configuration": "guardduty",
    "aws_securityhub_organization_configuration": "securityhub",
    "aws_accessanalyzer_analyzer": "access-analyzer",
}
"""By resource type that only a service's administrator account can configure: the service."""
_ORGANIZATION = re.compile(r"\bo-[a-z0-9]{10,32}\b", re.ASCII)
_FEATURES = ("aws_guardduty_detector_feature", "aws_guardduty_organization_configuration_feature")
_AGGREGATOR = "aws_securityhub_finding_aggregator"
_ARN = re.compile(r"\barn:(aws[\w-]*):")
# Longest first, because one is a prefix of another.
_SUFFIXES = sorted({each.suffix for each in PARTITIONS}, key=len, reverse=True)
_HOST = re.compile(
    rf"\b[a-z0-9-]+\.({REGION})\.({'|'.join(map(re.escape, _SUFFIXES))})(?![\w-]|\.\w)"
)


def model_of(stack: Stack) -> Model:
    """Return the model of a stack, in the order of resource addresses."""
    stack = replace(stack, resources=tuple(sorted(stack.resources, key=lambda one: one.address)))
    # An Iceberg table has no partition projection: it is not a table over the log files.
    tables = tuple(
        table_of(each)
        for each in stack.of("aws_glue_catalog_table")
        if not each.values.get("open_table_format_input")
    )
    attached = tuple(attached_policies(stack))
    model = Model(
        name=stack.name,
        stack=stack,
        providers=stack.providers,
        trails=tuple(trail_of(stack, each) for each in stack.of("aws_cloudtrail")),
        buckets=tuple(bucket_of(stack, each) for each in stack.of("aws_s3_bucket")),
        keys=tuple(key_of(stack, each) for each in stack.of("aws_kms_key")),
        roles=tuple(role_of(stack, each) for each in stack.of("aws_iam_role")),
        control_policies=tuple(
            control_policy_of(stack, each)
            for each in stack.of("aws_organizations_policy")
            if is_control_policy(each)
        ),
        tables=tables,
        iceberg_tables=tuple(
            (each.text("database_name"), each.text("name"))
            for each in stack.of("aws_glue_catalog_table")
            if each.values.get("open_table_format_input")
        ),
        workgroups=tuple(workgroup_of(each) for each in stack.of("aws_athena_workgroup")),
        log_groups=tuple(
            LogGroup(**place(each), name=each.text("name"))
            for each in stack.of("aws_cloudwatch_log_group")
        ),
        automations=tuple(
            Automation(**place(each), kind=kind, name=each.text("name"))
            for kind in ("aws_codebuild_project", "aws_scheduler_schedule")
            for each in stack.of(kind)
        ),
        topics=tuple(flows.topics(stack)),
        queues=tuple(flows.queues(stack)),
        flows=tuple(sorted(flows.flows(stack), key=str)),
        attached_policies=attached,
        alarms=_alarms(stack),
        has_detectors=any(stack.of("aws_guardduty_detector")),
        detection_services=tuple(sorted(set(_detection_services(stack)))),
        delegated_administrator=next(
            (
                each.text("account_id")
                for each in stack.of("aws_cloudtrail_organization_delegated_admin_account")
            ),
            "",
        ),
        organization=_organization(attached, tables),
        trusts_cloudtrail=_trusts_cloudtrail(stack),
        trusted_access_owners=tuple(
            each.address
            for kind in ("aws_organizations_organization", "aws_organizations_aws_service_access")
            for each in stack.of(kind)
        ),
        tag_sets=tuple(_tag_sets(stack)),
        unavailable_features=tuple(_unavailable_features(stack)),
    )
    return replace(model, foreign_references=tuple(foreign_references(stack, model.partition)))


def _detection_services(stack: Stack) -> Iterator[DetectionService]:
    for kind, service in _DETECTION.items():
        for each in stack.of(kind):
            yield DetectionService(service, each.provider.account, each.region)


def _tag_sets(stack: Stack) -> Iterator[TagSet]:
    named = [
        *(("provider.aws", each.tags) for each in stack.providers),
        *((each.address, tags_of(each.values)) for each in stack.resources),
    ]
    first: dict[tuple[tuple[str, str], ...], str] = {}
    for address, tags in named:
        first.setdefault(tags, address)
    yield from (TagSet(address, tags) for tags, address in first.items() if tags)


def _alarms(stack: Stack) -> MetricAlarms:
    filters = list(stack.of("aws_cloudwatch_log_metric_filter"))
    alarm_topics = {
        stack.said(topic, "arn")
        for alarm in stack.of("aws_cloudwatch_metric_alarm")
        for topic in alarm.values.get("alarm_actions") or ()
    }
    subscribed = {
        stack.said(each.text("topic_arn"), "arn") for each in stack.of("aws_sns_topic_subscription")
    }
    for kind in ("slack", "teams"):
        for each in stack.of(f"aws_chatbot_{kind}_channel_configuration"):
            subscribed |= {
                stack.said(topic, "arn") for topic in each.values.get("sns_topic_arns") or ()
            }
    return MetricAlarms(
        patterns=tuple(sorted({each.text("pattern") for each in filters})),
        by_account=any(
            "$.recipientAccountId" in str(each.one("metric_transformation").get("dimensions"))
            for each in filters
        ),
        are_heard=bool(alarm_topics & subscribed),
    )


def _organization(attached: tuple[AttachedPolicy, ...], tables: tuple[GlueTable, ...]) -> str:
    """Return the first organization id in the policies and tables; empty if there is none."""
    texts = [each.document for each in attached] + [each.template for each in tables]
    return next((found[0] for text in texts if (found := _ORGANIZATION.search(text))), "")


def _trusts_cloudtrail(stack: Stack) -> bool:
    """Return whether the stack enables, or checks, trusted access for CloudTrail."""
    for each in stack.of("aws_organizations_aws_service_access"):
        if each.text("service_principal") == CLOUDTRAIL:
            return True
    kinds = ("aws_organizations_organization", "data.aws_organizations_organization")
    return any(
        CLOUDTRAIL in json.dumps((each.values, each.lifecycle), default=str)
        for kind in kinds
        for each in stack.of(kind)
    )


def _unavailable_features(stack: Stack) -> Iterator[UnavailableFeature]:
    """Yield each resource whose feature is not available in its region."""
    for kind in _FEATURES:
        for each in stack.of(kind):
            if (feature := each.text("name")) in missing_guardduty_features(each.region):
                reason = f"GuardDuty has no {feature} in {each.region}, neither on nor off"
                yield UnavailableFeature(**place(each), setting="guardduty.features", reason=reason)
    for each in stack.of(_AGGREGATOR):
        if each.region and is_opt_in(each.region):
            reason = f"Security Hub gathers no findings in {each.region}, which accounts opt in to"
            yield UnavailableFeature(**place(each), setting="security_hub", reason=reason)


def foreign_references(stack: Stack, home: str) -> Iterator[ForeignReference]:
    """Yield everything in a partition other than `home` that a resource or a provider names."""
    for each in stack.resources:
        found = dict.fromkeys(
            one for text in _texts(each.values) for one in _foreign_in_text(text, home)
        )  # fmt: skip
        for what in found:
            yield ForeignReference(**place(each), what=what)
    for provider in dict.fromkeys(stack.providers):
        for what in dict.fromkeys(_foreign_in_provider(provider, home)):
            yield ForeignReference("provider.aws", provider.account, provider.region, what)


def _foreign_in_provider(provider: Provider, home: str) -> Iterator[str]:
    yield from _foreign_in_text(provider.role, home)
    if provider.region and partition(provider.region) != home:
        yield f"the region {provider.region}, of partition {partition(provider.region)}"


@cache
def _foreign_in_text(text: str, home: str) -> tuple[str, ...]:
    """Return what a text names in another partition; stacks repeat most of their texts."""
    arns = _ARN.findall(text) if "arn:" in text else []
    found = [f"ARNs of partition {name}" for name in arns if name != home]
    for host in _HOST.finditer(text):
        region, suffix = host[1], host[2]
        if partition(region) != home or suffix != partition_of(region).suffix:
            found.append(f"the host {host[0]}")
    return tuple(found)


def _texts(value: Any) -> Iterator[str]:
    """Yield every text in a value, including the keys of its objects."""
    match value:
        case str():
            yield value
        case dict():
            for key, each in value.items():
                yield str(key)
                yield from _texts(each)
        case list() | tuple():
            for each in value:
                yield from _texts(each)
        case _:
            pass
