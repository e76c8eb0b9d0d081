"""Parts of the model, each read from a Terraform resource and those that belong to it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from orgtrail.check.model import (
    AthenaWorkgroup,
    CloudTrail,
    ControlPolicy,
    GlueTable,
    IamRole,
    KmsKey,
    S3Bucket,
)
from orgtrail.check.owners import beside, policies
from orgtrail.iam.policy import Policy, PolicyError, opaque, parse
from orgtrail.regions import partition
from orgtrail.settings.archive import ArchiveSettings
from orgtrail.settings.trail import AdvancedEventSelector, EventSelector, TrailSettings
from orgtrail.trail.resource import Json, Resource, Stack, block

_ACCOUNT = re.compile(r"\b\d{12}\b", re.ASCII)
_OPERATORS = (
    "equals", "not_equals", "starts_with", "not_starts_with", "ends_with", "not_ends_with",
)  # fmt: skip
"""Operators of a field of an advanced event selector."""


def place(resource: Resource) -> dict[str, str]:
    """Return the address, account and region of a resource."""
    return {
        "address": resource.address,
        "account": resource.provider.account,
        "region": resource.region,
    }


def policy_of(name: str, document: str) -> Policy:
    """Parse a policy; it is opaque if it is invalid or known only after the deploy."""
    text = document.replace("$${", "${")
    if not text or text.startswith("${"):
        return opaque(name, f"{name} is not known before the deploy")
    try:
        return parse(name, json.loads(text))
    except json.JSONDecodeError as error:
        return opaque(name, f"{name} is no JSON ({error})")
    except RecursionError:
        return opaque(name, f"{name} is nested too deeply")
    except PolicyError as error:
        return opaque(name, str(error))


def policy_of_all(name: str, documents: Iterable[str]) -> Policy:
    """Parse the policies of one resource, of which AWS keeps the one that is applied last.

    A statement that is not in all of them may hold or not.
    """
    first, *others = [policy_of(name, each) for each in documents]
    doubt = f"{name} is written more than once, and which one is applied last is not known"
    found = dict.fromkeys(one for each in (first, *others) for one in each.statements)
    return Policy(
        name,
        tuple(
            each
            if all(each in other.statements for other in (first, *others))
            else replace(each, doubt=each.doubt or doubt)
            for each in found
        ),
    )


def _address(stack: Stack, text: Any) -> str:
    """Return the address that a reference resolves to, or the text itself."""
    found = stack.find(text) if isinstance(text, str) else None
    return found.address if found else text or ""


def trail_of(stack: Stack, trail: Resource) -> CloudTrail:
    """Read a trail."""

    def flag(name: str, *, default: bool) -> bool:
        given = trail.values.get(name)
        return default if given is None else given is True

    prefix = trail.text("s3_key_prefix").strip("/")
    is_multi_region = flag("is_multi_region_trail", default=False)
    validates_log_files = flag("enable_log_file_validation", default=False)
    is_logging = flag("enable_logging", default=True)
    selectors, advanced = trail.many("event_selector"), trail.many("advanced_event_selector")
    insights = tuple(each["insight_type"] for each in trail.many("insight_selector"))
    try:
        settings = TrailSettings.model_validate(
            {
                "key_prefix": prefix,
                "multi_region": is_multi_region,
                "global_events": flag("include_global_service_events", default=True),
                "log_file_validation": validates_log_files,
                "enabled": is_logging,
                "event_selectors": tuple(map(_event_selector, selectors)),
                "advanced_event_selectors": tuple(map(_advanced_event_selector, advanced)),
                "insights": insights,
            }
        )
    except (ValidationError, KeyError, TypeError):
        settings = None
    return CloudTrail(
        **place(trail),
        name=trail.text("name"),
        bucket=stack.said(trail.text("s3_bucket_name"), "bucket"),
        prefix=prefix,
        key=_address(stack, trail.text("kms_key_id")),
        is_of_organization=flag("is_organization_trail", default=False),
        is_multi_region=is_multi_region,
        validates_log_files=validates_log_files,
        is_logging=is_logging,
        log_group=trail.text("cloud_watch_logs_group_arn"),
        waits_for_policy=any("aws_s3_bucket_policy." in each for each in trail.after),
        settings=settings,
    )


def _event_selector(given: Json) -> EventSelector:
    resources = [
        {"type": each["type"], "values": tuple(each["values"])}
        for each in given.get("data_resource") or ()
    ]
    return EventSelector.model_validate(
        {
            "read_write_type": given.get("read_write_type") or "All",
            "include_management_events": given.get("include_management_events") is not False,
            "exclude_management_event_sources": tuple(
                given.get("exclude_management_event_sources") or ()
            ),
            "data_resources": tuple(resources),
        }
    )


def _advanced_event_selector(given: Json) -> AdvancedEventSelector:
    fields = given["field_selector"]
    conditions = [
        {
            "field": each["field"],
            **{name: tuple(each[name]) for name in _OPERATORS if each.get(name)},
        }
        for each in ([fields] if isinstance(fields, dict) else fields)
    ]
    return AdvancedEventSelector.model_validate(
        {"name": given.get("name") or None, "fields": tuple(conditions)}
    )


def bucket_of(stack: Stack, bucket: Resource) -> S3Bucket:
    """Read a bucket and the resources that configure it."""
    name = bucket.text("bucket") or bucket.address

    def companion(kind: str) -> Resource:
        """Return the bucket's resource of a kind, which gives the bucket by name or reference."""
        found = beside(stack, bucket, f"aws_s3_bucket_{kind}", "bucket")
        return next(found, Resource(kind, "", {}, bucket.provider))

    documents = [document for _, document in policies(stack, bucket)]
    closed = companion("public_access_block")
    encryption = companion("server_side_encryption_configuration").one("rule")
    default = block(encryption, "apply_server_side_encryption_by_default")
    lock = companion("object_lock_configuration").one("rule", "default_retention")
    lifecycle = companion("lifecycle_configuration")
    rules = [each for each in lifecycle.many("rule") if each.get("status") == "Enabled"]
    expire_after_days = _shortest(rules, "expiration", "days")
    noncurrent_days = _shortest(rules, "noncurrent_version_expiration", "noncurrent_days")
    transitions = tuple(
        (move["storage_class"], move.get("days") or 0)
        for rule in rules
        for move in Resource("", "", rule, bucket.provider).many("transition")
    )
    moves = dict(transitions)
    lock_mode = lock.get("mode") or ""
    lock_days = (lock.get("days") or 0) + 365 * (lock.get("years") or 0)
    try:
        settings = ArchiveSettings.model_validate(
            {
                "bucket": name,
                "glacier_after_days": moves.get("GLACIER"),
                "deep_archive_after_days": moves.get("DEEP_ARCHIVE"),
                "expire_after_days": expire_after_days,
                "noncurrent_expire_after_days": noncurrent_days or 1,
                "object_lock": {"mode": lock_mode, "days": lock_days} if lock_mode else None,
            }
        )
    except ValidationError:
        settings = None
    return S3Bucket(
        **place(bucket),
        name=name,
        policy=policy_of_all(f"the policy of bucket {name}", documents) if documents else None,
        is_versioned=companion("versioning").one("versioning_configuration").get("status")
        == "Enabled",
        blocks_public_access=all(
            closed.values.get(each) is True
            for each in (
                "block_public_acls", "block_public_policy", "ignore_public_acls",
                "restrict_public_buckets",
            )
        ),
        algorithm=default.get("sse_algorithm") or "",
        key=_address(stack, default.get("kms_master_key_id")),
        expire_after_days=expire_after_days,
        noncurrent_days=noncurrent_days,
        transitions=transitions,
        moves_small_files=lifecycle.text("transition_default_minimum_object_size")
        == "varies_by_storage_class",
        lock_mode=lock_mode,
        lock_days=lock_days,
        logs_to=stack.said(companion("logging").text("target_bucket"), "bucket"),
        holds_iceberg_table=any(
            str(each.one("storage_descriptor").get("location")).startswith(f"s3://{name}/")
            for each in stack.of("aws_glue_catalog_table")
            if each.values.get("open_table_format_input")
        ),
        settings=settings,
    )  # fmt: skip


def key_of(stack: Stack, key: Resource) -> KmsKey:
    """Read a KMS key with its alias and policy."""
    documents = [document for _, document in policies(stack, key)]
    alias = next(
        (
            each.text("name")
            for each in stack.of("aws_kms_alias")
            if stack.find(each.text("target_key_id")) is key
        ),
        "",
    )
    name = f"the policy of key {alias or key.address}"
    return KmsKey(
        **place(key),
        alias=alias,
        policy=policy_of_all(name, documents)
        if documents
        else parse(name, _default_key_policy(key)),
        rotates=key.values.get("enable_key_rotation") is True,
        arn=arn if ":kms:" in (arn := key.text("arn")) else "",
    )


def _shortest(rules: list[Json], name: str, days: str) -> int | None:
    """Return the fewest days that any lifecycle rule sets in a block."""
    found = [block(rule, name).get(days) for rule in rules]
    return min((each for each in found if each), default=None)


def _default_key_policy(key: Resource) -> Json:
    """Return the policy that AWS gives a key without one: IAM of its account decides.

    https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
    """
    root = f"arn:{partition(key.provider.region)}:iam::{key.provider.account}:root"
    statement = {"Sid": "Default", "Effect": "Allow", "Action": "kms:*", "Resource": "*"}
    return {"Statement": [{**statement, "Principal": {"AWS": root}}]}


def role_of(stack: Stack, role: Resource) -> IamRole:
    """Read a role; policies attached from outside the stack are unknown."""
    name, account = role.text("name"), role.provider.account
    path = role.text("path") or "/"
    region = role.provider.region

    def is_its_own(text: str) -> bool:
        return text == name or stack.find(text) is role

    label = f"the policy of role {name}"
    elsewhere = any(
        is_its_own(each.text("role")) for each in stack.of("aws_iam_role_policy_attachment")
    ) or bool(role.values.get("managed_policy_arns"))
    unread = (opaque(label, f"{label} is attached from elsewhere"),) if elsewhere else ()
    # A plan for existing resources repeats a role's policies in the role itself.
    documents = [
        *(each.text("policy") for each in stack.of("aws_iam_role_policy")
          if is_its_own(each.text("role"))),
        *(each["policy"] for each in role.many("inline_policy") if each.get("policy")),
    ]  # fmt: skip
    own = dict.fromkeys(policy_of(label, each) for each in documents)
    return IamRole(
        **place(role),
        arn=f"arn:{partition(region)}:iam::{account}:role{path}{name}",
        trust=policy_of(f"the trust of role {name}", role.text("assume_role_policy")),
        policies=(*own, *unread),
        boundary=role.text("permissions_boundary"),
    )


def is_control_policy(policy: Resource) -> bool:
    """Return whether a policy of the organization denies anything: one of tags, say, does not."""
    kind = policy.text("type")
    return kind in ("", "SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY") or "${" in kind


def control_policy_of(stack: Stack, control: Resource) -> ControlPolicy:
    """Read a service or resource control policy."""
    kind = "RCP" if control.text("type") == "RESOURCE_CONTROL_POLICY" else "SCP"
    content = control.document("content")
    return ControlPolicy(
        **place(control),
        kind=kind,
        policy=policy_of(f"{kind} {control.text('name')}", content),
        size=len(content),
        targets=tuple(
            each.text("target_id")
            for each in stack.of("aws_organizations_policy_attachment")
            if stack.find(each.text("policy_id")) is control
        ),
    )


def table_of(table: Resource) -> GlueTable:
    """Read a table of the catalog, with its partition projection."""
    parameters = table.one("parameters")
    accounts = parameters.get("projection.account.values") or ""
    regions = parameters.get("projection.region.values") or ""
    return GlueTable(
        **place(table),
        database=table.text("database_name"),
        name=table.text("name"),
        partitions=tuple(each["name"] for each in table.many("partition_keys")),
        template=(parameters.get("storage.location.template") or "").replace("$${", "${"),
        accounts=tuple(dict.fromkeys(_ACCOUNT.findall(accounts))),
        completes_accounts="${" in accounts,
        regions=None if "${" in regions else tuple(filter(None, regions.split(","))),
    )


def workgroup_of(group: Resource) -> AthenaWorkgroup:
    """Read an Athena workgroup."""
    configuration = group.one("configuration")
    results = group.one("configuration", "result_configuration")
    return AthenaWorkgroup(
        **place(group),
        name=group.text("name"),
        results=str(results.get("output_location") or ""),
        encrypted=bool(block(results, "encryption_configuration")),
        enforced=configuration.get("enforce_workgroup_configuration", True) is True,
    )
