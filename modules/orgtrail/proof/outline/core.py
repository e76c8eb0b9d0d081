"""The outline of the core: trail, archive, key, delivery, organization policies and catalog."""

from __future__ import annotations

from collections.abc import Iterator

from orgtrail import layout, records
from orgtrail.policies import archive, findings, guardrails, key, notices, roles
from orgtrail.policies.document import Document
from orgtrail.proof.outline.paper import Paper, policy_text
from orgtrail.proof.terraform.resources import Json, Provider, Resource
from orgtrail.settings import selectors
from orgtrail.settings.rules.register import account_of
from orgtrail.settings.trail import AdvancedEventSelector, EventSelector


def core(paper: Paper) -> Iterator[Resource]:
    """Yield what every environment has."""
    env = paper.env
    yield paper.at_management(
        "data.aws_organizations_organization", "organization", trusted=layout.CLOUDTRAIL
    )
    yield from _key(paper)
    yield from _buckets(paper)
    yield from _topic(paper)
    yield _trail(paper)
    if delegate := env.trail.delegated_administrator:
        kind = "aws_cloudtrail_organization_delegated_admin_account"
        yield paper.at_management(kind, "trail", account_id=env.accounts[delegate].id)
    yield from _delivery(paper)
    yield from _controls(paper)
    yield from _catalog(paper)


def _key(paper: Paper) -> Iterator[Resource]:
    env = paper.env
    if arn := env.adopt.others_key:
        owner = Provider(account_of(arn), env.home_region, "", pinned=False)
        yield from paper.key("key", env.key.alias, None, owner)
    else:
        yield from paper.key("key", env.key.alias, key.key(env), paper.logging)


def _buckets(paper: Paper) -> Iterator[Resource]:
    env, settings = paper.env, paper.env.archive
    moves = (("GLACIER", settings.glacier_after_days),
             ("DEEP_ARCHIVE", settings.deep_archive_after_days))  # fmt: skip
    yield from paper.bucket(
        "archive",
        settings.bucket,
        None if env.adopt.refers("bucket") else archive.archive(env),
        settings.expire_after_days,
        settings.noncurrent_expire_after_days,
        key="key" if env.encrypts_by_default else "",
        transition=[{"storage_class": name, "days": days} for name, days in moves if days],
    )
    if lock := settings.object_lock:
        rule = {"default_retention": {"mode": lock.mode, "days": lock.days}}
        yield paper.at_logging(
            "aws_s3_bucket_object_lock_configuration",
            "archive_lock",
            bucket=settings.bucket,
            rule=rule,
        )
    yield from paper.bucket(
        "archive_access_logs",
        settings.access_log_bucket,
        None if env.adopt.refers("access_log_bucket") else archive.access_logs(env),
        settings.access_log_expire_after_days,
        30,
        logs_to="",
    )
    yield from paper.bucket(
        "catalog_results",
        env.result_bucket,
        archive.results(env),
        env.catalog.result_expire_after_days,
        1,
        key="key",
    )
    if env.guardduty and env.guardduty.export and env.findings_bucket:
        yield from paper.bucket(
            "guardduty_findings",
            env.findings_bucket,
            findings.bucket(env, env.guardduty, env.findings_bucket),
            env.guardduty.export.expire_after_days,
            30,
            key="guardduty_key",
        )
        yield from paper.key(
            "guardduty_key",
            layout.alias(findings.KEY),
            findings.key(env, env.guardduty),
            paper.logging,
        )


def _topic(paper: Paper) -> Iterator[Resource]:
    if name := paper.env.made_topic:
        policy = policy_text(notices.topic(paper.env, name))
        alias = layout.alias(name)
        yield from paper.key("trail_topic_key", alias, notices.key(paper.env), paper.management)
        yield paper.at_management("aws_sns_topic_policy", "trail_topic_policy", policy=policy)


def _trail(paper: Paper) -> Resource:
    env, trail = paper.env, paper.env.trail
    group = f"{layout.log_group_arn(env, env.management.id)}:*"
    resource = paper.at_management(
        "aws_cloudtrail",
        "trail",
        name=trail.name,
        s3_bucket_name=env.archive.bucket,
        s3_key_prefix=trail.key_prefix or None,
        sns_topic_name=layout.trail_topic(env),
        kms_key_id="${aws_kms_key.key.arn}",
        is_organization_trail=True,
        is_multi_region_trail=trail.multi_region,
        include_global_service_events=trail.global_events,
        enable_log_file_validation=trail.log_file_validation,
        enable_logging=trail.enabled,
        cloud_watch_logs_group_arn=group if env.delivery.enabled else None,
        cloud_watch_logs_role_arn=layout.delivery_role_arn(env) if env.delivery.enabled else None,
        event_selector=[*map(_basic, trail.event_selectors)],
        advanced_event_selector=[*map(_advanced, selectors.advanced(env))],
        insight_selector=[{"insight_type": each} for each in trail.insights],
    )
    after = frozenset({"aws_s3_bucket_policy.archive_policy"})
    return Resource(resource.kind, resource.address, resource.values, resource.provider, after)


def _delivery(paper: Paper) -> Iterator[Resource]:
    env = paper.env
    if not env.delivery.enabled:
        return
    adopt = env.adopt
    yield paper.at_management(
        "aws_cloudwatch_log_group",
        "delivery_log_group",
        name=env.delivery.log_group,
        kms_key_id=env.delivery.kms_key_arn,
    )
    if adopt.refers("delivery_role") or adopt.refers("trail"):
        return
    yield from paper.role(
        "delivery_role",
        env.delivery.role_name,
        roles.delivery_trust(env),
        roles.delivery(env),
        paper.management,
    )


def _controls(paper: Paper) -> Iterator[Resource]:
    env = paper.env
    name = env.guardrails.policy_name
    if env.policy_targets:
        documents: dict[str, Document | None] = {**guardrails.service_control(env)}
        if env.adopt.refers("scp"):
            documents = {"": None}
        for part, content in documents.items():
            place, title = (f"scp_{part}", f"{name}-{part}") if part else ("scp", name)
            yield from _control(
                paper, place, "SERVICE_CONTROL_POLICY", title, content, env.policy_targets
            )
    if env.guardrails.resource_control_policy:
        yield from _control(paper,
            "rcp", "RESOURCE_CONTROL_POLICY", f"{name}-resources",
            guardrails.resource_control(env), (env.logging.id,),
        )  # fmt: skip


def _control(
    paper: Paper,
    kind: str,
    type_: str,
    name: str,
    content: Document | None,
    targets: tuple[str, ...],
) -> Iterator[Resource]:
    place = f"guardrails_{kind}"
    yield paper.at_management(
        "aws_organizations_policy", place, name=name, type=type_, content=policy_text(content)
    )
    for target in targets:
        yield paper.at_management(
            "aws_organizations_policy_attachment",
            f"{place}_{target}",
            policy_id=f"${{aws_organizations_policy.{place}.id}}",
            target_id=target,
        )


def _catalog(paper: Paper) -> Iterator[Resource]:
    env, catalog = paper.env, paper.env.catalog
    accounts, regions = ",".join(env.account_ids), catalog.regions
    yield paper.at_logging(
        "aws_glue_catalog_table",
        "catalog_table",
        name=catalog.table,
        database_name=catalog.database,
        partition_keys=[{"name": each.name.lower()} for each in records.PARTITIONS],
        parameters={
            "projection.account.values": accounts
            if catalog.accounts == "file"
            else f"${{{accounts}}}",
            "projection.region.values": "${regions}"
            if regions is None
            else ",".join(sorted(set(regions))),
            "storage.location.template": layout.partition_template(env),
        },
    )
    yield paper.at_logging(
        "aws_athena_workgroup",
        "catalog_workgroup",
        name=catalog.workgroup,
        configuration={
            "enforce_workgroup_configuration": True,
            "result_configuration": {"encryption_configuration": {"kms_key_arn": "key"}},
        },
    )


def _advanced(selector: AdvancedEventSelector) -> Json:
    fields = [
        {"field": each.field, **{name: list(given) for name, given in each.operators.items()}}
        for each in selector.fields
    ]
    return {"field_selector": fields} | ({"name": selector.name} if selector.name else {})


def _basic(selector: EventSelector) -> Json:
    return {
        "read_write_type": selector.read_write_type,
        "include_management_events": selector.include_management_events,
        "exclude_management_event_sources": list(selector.exclude_management_event_sources),
        "data_resource": [
            {"type": each.type, "values": list(each.values)} for each in selector.data_resources
        ],
    }
