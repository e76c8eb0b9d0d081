"""The survey: from the resources of a stack or plan to the estate that they set up."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from orgtrail.layout import CLOUDTRAIL
from orgtrail.proof.estate import (
    Alarms,
    Attached,
    Bucket,
    Control,
    Estate,
    Key,
    Named,
    Role,
    Table,
    Trail,
)
from orgtrail.proof.policy import Policy, PolicyError, opaque, parse
from orgtrail.proof.terraform import Resource, Stack, block
from orgtrail.regions import partition

_ACCOUNT = re.compile(r"\b\d{12}\b")
_ORGANIZATION = re.compile(r"\bo-[a-z0-9]{10,32}\b")


def survey(stack: Stack) -> Estate:
    """Read the estate from a stack, everything in the order of its address."""
    stack = replace(stack, resources=tuple(sorted(stack.resources, key=lambda one: one.address)))
    tables = tuple(_table(each) for each in stack.of("aws_glue_catalog_table"))
    attached = tuple(_attached(stack))
    return Estate(
        name=stack.name,
        providers=stack.providers,
        trails=tuple(_trail(stack, each) for each in stack.of("aws_cloudtrail")),
        buckets=tuple(_bucket(stack, each) for each in stack.of("aws_s3_bucket")),
        keys=tuple(_key(stack, each) for each in stack.of("aws_kms_key")),
        roles=tuple(_role(stack, each) for each in stack.of("aws_iam_role")),
        controls=tuple(_control(stack, each) for each in stack.of("aws_organizations_policy")),
        tables=tables,
        workgroups=tuple(_workgroup(each) for each in stack.of("aws_athena_workgroup")),
        log_groups=tuple(_log_group(each) for each in stack.of("aws_cloudwatch_log_group")),
        attached=attached,
        alarms=_alarms(stack),
        detectors=any(stack.of("aws_guardduty_detector")),
        delegated=next(
            (
                each.text("account_id")
                for each in stack.of("aws_cloudtrail_organization_delegated_admin_account")
            ),
            "",
        ),
        organization=_organization(attached, tables),
        trusts_cloudtrail=_trusts_cloudtrail(stack),
        owners_of_access=tuple(
            each.address
            for kind in ("aws_organizations_organization", "aws_organizations_aws_service_access")
            for each in stack.of(kind)
        ),
    )


def _place(resource: Resource) -> dict[str, str]:
    return {
        "address": resource.address,
        "account": resource.provider.account,
        "region": resource.text("region") or resource.provider.region,
    }


def _policy(name: str, document: str) -> Policy:
    """Read a policy's text; one that is known only after the deploy cannot be decided on."""
    text = document.replace("$${", "${")
    if not text or text.startswith("${"):
        return opaque(name, f"{name} is not known before the deploy")
    try:
        return parse(name, json.loads(text))
    except (PolicyError, json.JSONDecodeError) as error:
        return opaque(name, str(error))


def _beside(
    stack: Stack, kind: str, attribute: str, resource: Resource, name: str
) -> Resource | None:
    """Return the resource of a kind that belongs to another by name or by reference."""
    for each in stack.of(kind):
        given = each.text(attribute)
        if given == name or stack.find(given) is resource:
            return each
    return None


def _bucket(stack: Stack, bucket: Resource) -> Bucket:
    name = bucket.text("bucket")

    def beside(kind: str) -> Resource:
        found = _beside(stack, f"aws_s3_bucket_{kind}", "bucket", bucket, name)
        return found or Resource(kind, "", {}, bucket.provider)

    policy = beside("policy")
    closed = beside("public_access_block")
    encryption = beside("server_side_encryption_configuration").one("rule")
    default = block(encryption, "apply_server_side_encryption_by_default")
    lock = beside("object_lock_configuration").one("rule", "default_retention")
    lifecycle = beside("lifecycle_configuration")
    rules = [each for each in lifecycle.many("rule") if each.get("status") == "Enabled"]
    return Bucket(
        **_place(bucket),
        name=name,
        policy=_policy(f"the policy of bucket {name}", policy.text("policy"))
        if policy.address
        else None,
        is_versioned=beside("versioning").one("versioning_configuration").get("status")
        == "Enabled",
        is_closed=all(
            closed.values.get(each) is True
            for each in (
                "block_public_acls", "block_public_policy", "ignore_public_acls",
                "restrict_public_buckets",
            )
        ),
        algorithm=default.get("sse_algorithm") or "",
        key=_named(stack, default.get("kms_master_key_id")),
        expire_after_days=_shortest(rules, "expiration", "days"),
        noncurrent_days=_shortest(rules, "noncurrent_version_expiration", "noncurrent_days"),
        transitions=tuple(
            (move["storage_class"], move.get("days") or 0)
            for rule in rules
            for move in Resource("", "", rule, bucket.provider).many("transition")
        ),
        moves_small_files=lifecycle.text("transition_default_minimum_object_size")
        == "varies_by_storage_class",
        lock_mode=lock.get("mode") or "",
        lock_days=(lock.get("days") or 0) + 365 * (lock.get("years") or 0),
        logs_to=stack.said(beside("logging").text("target_bucket"), "bucket"),
    )  # fmt: skip


def _shortest(rules: list[dict[str, Any]], name: str, days: str) -> int | None:
    found = [block(rule, name).get(days) for rule in rules]
    return min((each for each in found if each), default=None)


def _named(stack: Stack, text: Any) -> str:
    """Return the address that a reference leads to, or the text itself."""
    found = stack.find(text) if isinstance(text, str) else None
    return found.address if found else text or ""


def _key(stack: Stack, key: Resource) -> Key:
    alias = next(
        (
            each.text("name")
            for each in stack.of("aws_kms_alias")
            if stack.find(each.text("target_key_id")) is key
        ),
        "",
    )
    name = f"the policy of key {alias or key.address}"
    return Key(
        **_place(key),
        alias=alias,
        policy=_policy(name, key.text("policy")) if "policy" in key.values else None,
        rotates=key.values.get("enable_key_rotation") is True,
    )


def _trail(stack: Stack, trail: Resource) -> Trail:
    def flag(name: str, *, default: bool) -> bool:
        given = trail.values.get(name)
        return default if given is None else given is True

    return Trail(
        **_place(trail),
        name=trail.text("name"),
        bucket=stack.said(trail.text("s3_bucket_name"), "bucket"),
        prefix=trail.text("s3_key_prefix").strip("/"),
        key=_named(stack, trail.text("kms_key_id")),
        is_of_organization=flag("is_organization_trail", default=False),
        is_multi_region=flag("is_multi_region_trail", default=False),
        has_global_events=flag("include_global_service_events", default=True),
        validates=flag("enable_log_file_validation", default=False),
        is_logging=flag("enable_logging", default=True),
        log_group=trail.text("cloud_watch_logs_group_arn"),
        waits_for_policy=any(each.startswith("aws_s3_bucket_policy.") for each in trail.after),
        selectors=tuple(trail.many("event_selector")),
        advanced_selectors=tuple(trail.many("advanced_event_selector")),
        insights=tuple(each["insight_type"] for each in trail.many("insight_selector")),
    )


def _role(stack: Stack, role: Resource) -> Role:
    name, account = role.text("name"), role.provider.account
    path = role.text("path") or "/"
    region = role.provider.region
    return Role(
        **_place(role),
        arn=f"arn:{partition(region)}:iam::{account}:role{path}{name}",
        trust=_policy(f"the trust of role {name}", role.text("assume_role_policy")),
        policies=tuple(
            _policy(f"the policy of role {name}", each.text("policy"))
            for each in stack.of("aws_iam_role_policy")
            if each.text("role") == name or stack.find(each.text("role")) is role
        ),
    )


def _control(stack: Stack, control: Resource) -> Control:
    kind = "RCP" if control.text("type") == "RESOURCE_CONTROL_POLICY" else "SCP"
    content = control.text("content").replace("$${", "${")
    return Control(
        **_place(control),
        kind=kind,
        policy=_policy(f"{kind} {control.text('name')}", content),
        size=len(content),
        targets=tuple(
            each.text("target_id")
            for each in stack.of("aws_organizations_policy_attachment")
            if stack.find(each.text("policy_id")) is control
        ),
    )


def _table(table: Resource) -> Table:
    parameters = table.one("parameters")
    accounts = parameters.get("projection.account.values") or ""
    regions = parameters.get("projection.region.values") or ""
    return Table(
        **_place(table),
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
        **_place(group),
        name=group.text("name"),
        encrypted=bool(block(results, "encryption_configuration")),
        enforced=configuration.get("enforce_workgroup_configuration", True) is True,
    )


def _log_group(group: Resource) -> Named:
    return Named(
        **_place(group), name=group.text("name"), encrypted=bool(group.text("kms_key_id")),
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


def _attached(stack: Stack) -> Iterator[Attached]:
    """Yield every policy of the stack, for the rules that hold for all of them."""
    for kind, attribute, owner in (
        ("aws_s3_bucket_policy", "policy", "bucket"),
        ("aws_kms_key", "policy", "key"),
        ("aws_sns_topic_policy", "policy", "topic"),
        ("aws_sqs_queue_policy", "policy", "queue"),
        ("aws_iam_role", "assume_role_policy", "trust of role"),
        ("aws_iam_role_policy", "policy", "role"),
        ("aws_organizations_policy", "content", "organization policy"),
    ):
        for each in stack.of(kind):
            document = each.text(attribute).replace("$${", "${")
            yield Attached(
                **_place(each),
                policy=_policy(f"{each.address}", document),
                document="" if document.startswith("${") else document,
                setting=owner,
            )


def _organization(attached: tuple[Attached, ...], tables: tuple[Table, ...]) -> str:
    texts = [each.document for each in attached] + [each.template for each in tables]
    return next((found[0] for text in texts if (found := _ORGANIZATION.search(text))), "")


def _trusts_cloudtrail(stack: Stack) -> bool:
    for each in stack.of("aws_organizations_aws_service_access"):
        if each.text("service_principal") == CLOUDTRAIL:
            return True
    kinds = ("aws_organizations_organization", "data.aws_organizations_organization")
    return any(
        CLOUDTRAIL in json.dumps(each.values, default=str)
        for kind in kinds
        for each in stack.of(kind)
    )
