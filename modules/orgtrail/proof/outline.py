"""The outline: the stack that an environment will have, without synthesizing it.

It holds the resources that the proof reads, with the attributes that it reads; a test holds it
against the synthesized JSON of every environment, so that a proof of the one is a proof of the
other. CDKTF takes a second to start; this takes none.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from orgtrail import layout, records
from orgtrail.alarms import ALARMS, SILENCE, pattern
from orgtrail.policies import alarms, archive, findings, guardrails, key, readers, roles, siem
from orgtrail.policies.document import Document, text
from orgtrail.proof.terraform import Json, Provider, Resource, Stack
from orgtrail.settings import selectors
from orgtrail.settings.environment import Environment
from orgtrail.settings.trail import AdvancedEventSelector, EventSelector

_SMALL_FILES_STAY = "all_storage_classes_128K"


def outline(env: Environment) -> Stack:
    """Return the stack of an environment."""
    providers = {
        place: Provider(
            env.accounts[place[0]].id, place[1], env.accounts[place[0]].role_arn or "", pinned=True
        )
        for place in env.places
    }
    drawing = _Drawing(env, providers)
    return Stack(env.name, tuple(drawing.resources()), tuple(providers.values()))


class _Drawing:
    """Draws the resources of one environment."""

    def __init__(self, env: Environment, providers: dict[tuple[str, str], Provider]) -> None:
        self.env = env
        self.providers = providers
        self.management = providers["management", env.home_region]
        self.logging = providers["logging", env.home_region]

    def resources(self) -> Iterator[Resource]:
        env = self.env
        yield self._at_management(
            "data.aws_organizations_organization", "organization", trusted=layout.CLOUDTRAIL
        )
        yield from self._key("key", env.key.alias, key.key(env), self.logging)
        yield from self._buckets()
        yield self._trail()
        if delegate := env.trail.delegated_administrator:
            kind = "aws_cloudtrail_organization_delegated_admin_account"
            yield self._at_management(kind, "trail", account_id=env.accounts[delegate].id)
        yield from self._delivery()
        yield from self._controls()
        yield from self._catalog()
        yield from self._readers()
        yield from self._alarms()
        yield from self._feed()
        for account, region in self._detectors():
            yield Resource(
                "aws_guardduty_detector",
                f"aws_guardduty_detector.{account}_{region}",
                {},
                self.providers[account, region],
            )

    def _at_management(self, kind: str, place: str, /, **values: Any) -> Resource:
        return Resource(kind, f"{kind}.{place}", values, self.management)

    def _at_logging(self, kind: str, place: str, /, **values: Any) -> Resource:
        return Resource(kind, f"{kind}.{place}", values, self.logging)

    def _key(
        self, name: str, alias: str, policy: Document, provider: Provider
    ) -> Iterator[Resource]:
        values: Json = {"policy": text(policy), "enable_key_rotation": True}
        yield Resource("aws_kms_key", f"aws_kms_key.{name}", values, provider)
        target = {"name": alias, "target_key_id": f"${{aws_kms_key.{name}.key_id}}"}
        yield Resource("aws_kms_alias", f"aws_kms_alias.{name}_alias", target, provider)

    def _buckets(self) -> Iterator[Resource]:
        env, settings = self.env, self.env.archive
        moves = (("GLACIER", settings.glacier_after_days),
                 ("DEEP_ARCHIVE", settings.deep_archive_after_days))  # fmt: skip
        yield from self._bucket(
            "archive",
            settings.bucket,
            archive.archive(env),
            settings.expire_after_days,
            settings.noncurrent_expire_after_days,
            key="key",
            transition=[{"storage_class": name, "days": days} for name, days in moves if days],
        )
        if lock := settings.object_lock:
            rule = {"default_retention": {"mode": lock.mode, "days": lock.days}}
            yield self._at_logging(
                "aws_s3_bucket_object_lock_configuration",
                "archive_lock",
                bucket=settings.bucket,
                rule=rule,
            )
        yield from self._bucket(
            "archive_access_logs",
            settings.access_log_bucket,
            archive.access_logs(env),
            settings.access_log_expire_after_days,
            30,
            logs_to="",
        )
        yield from self._bucket(
            "catalog_results",
            env.result_bucket,
            archive.results(env),
            env.catalog.result_expire_after_days,
            1,
            key="key",
        )
        if env.guardduty and env.guardduty.export and env.findings_bucket:
            yield from self._bucket(
                "guardduty_findings",
                env.findings_bucket,
                findings.bucket(env, env.guardduty, env.findings_bucket),
                env.guardduty.export.expire_after_days,
                30,
                key="guardduty_key",
            )
            yield from self._key(
                "guardduty_key",
                layout.alias(findings.KEY),
                findings.key(env, env.guardduty),
                self.logging,
            )

    def _bucket(
        self,
        name: str,
        bucket: str,
        policy: Document,
        expire: int | None,
        noncurrent: int,
        *,
        key: str = "",
        transition: list[Json] | None = None,
        logs_to: str | None = None,
    ) -> Iterator[Resource]:
        by_default: Json = {"sse_algorithm": "aws:kms" if key else "AES256"}
        if key:
            by_default["kms_master_key_id"] = f"${{aws_kms_key.{key}.arn}}"
        rule: Json = {
            "status": "Enabled",
            "expiration": {"days": expire} if expire else None,
            "noncurrent_version_expiration": {"noncurrent_days": noncurrent},
            "transition": transition,
        }
        parts: dict[str, Json] = {
            "policy": {"policy": text(policy)},
            "public_access_block": dict.fromkeys(
                ("block_public_acls", "block_public_policy", "ignore_public_acls",
                 "restrict_public_buckets"),
                True,
            ),
            "versioning": {"versioning_configuration": {"status": "Enabled"}},
            "server_side_encryption_configuration": {
                "rule": {"apply_server_side_encryption_by_default": by_default}
            },
            "lifecycle_configuration": {
                "rule": rule,
                "transition_default_minimum_object_size": _SMALL_FILES_STAY,
            },
            "logging": {
                "target_bucket": self.env.archive.access_log_bucket if logs_to is None else logs_to
            },
        }  # fmt: skip
        yield self._at_logging("aws_s3_bucket", name, bucket=bucket)
        for part, values in parts.items():
            if part != "logging" or values["target_bucket"]:
                place = f"{name}_{part}" if part != "policy" else f"{name}_policy"
                yield self._at_logging(f"aws_s3_bucket_{part}", place, bucket=bucket, **values)

    def _trail(self) -> Resource:
        env, trail = self.env, self.env.trail
        group = f"{layout.log_group_arn(env, env.management.id)}:*"
        resource = self._at_management(
            "aws_cloudtrail",
            "trail",
            name=trail.name,
            s3_bucket_name=env.archive.bucket,
            s3_key_prefix=trail.key_prefix or None,
            kms_key_id="${aws_kms_key.key.arn}",
            is_organization_trail=True,
            is_multi_region_trail=trail.multi_region,
            include_global_service_events=trail.global_events,
            enable_log_file_validation=trail.log_file_validation,
            enable_logging=trail.enabled,
            cloud_watch_logs_group_arn=group if env.delivery.enabled else None,
            event_selector=[*map(_basic, trail.event_selectors)],
            advanced_event_selector=[*map(_advanced, selectors.advanced(env))],
            insight_selector=[{"insight_type": each} for each in trail.insights],
        )
        after = frozenset({"aws_s3_bucket_policy.archive_policy"})
        return Resource(resource.kind, resource.address, resource.values, resource.provider, after)

    def _delivery(self) -> Iterator[Resource]:
        env = self.env
        if not env.delivery.enabled:
            return
        yield self._at_management(
            "aws_cloudwatch_log_group",
            "delivery_log_group",
            name=env.delivery.log_group,
            kms_key_id=env.delivery.kms_key_arn,
        )
        yield from self._role(
            "delivery_role",
            env.delivery.role_name,
            roles.delivery_trust(env),
            roles.delivery(env),
            self.management,
        )

    def _role(
        self, name: str, role: str, trust: Document, permissions: Document, provider: Provider
    ) -> Iterator[Resource]:
        values = {"name": role, "assume_role_policy": text(trust)}
        yield Resource("aws_iam_role", f"aws_iam_role.{name}", values, provider)
        values = {"role": role, "policy": text(permissions)}
        yield Resource(
            "aws_iam_role_policy", f"aws_iam_role_policy.{name}_policy", values, provider
        )

    def _controls(self) -> Iterator[Resource]:
        env = self.env
        name = env.guardrails.policy_name
        if env.policy_targets:
            yield from self._control(
                "scp", "SERVICE_CONTROL_POLICY", name, guardrails.service_control(env),
                env.policy_targets,
            )  # fmt: skip
        if env.guardrails.resource_control_policy:
            yield from self._control(
                "rcp", "RESOURCE_CONTROL_POLICY", f"{name}-resources",
                guardrails.resource_control(env), (env.logging.id,),
            )  # fmt: skip

    def _control(
        self, kind: str, type_: str, name: str, content: Document, targets: tuple[str, ...]
    ) -> Iterator[Resource]:
        place = f"guardrails_{kind}"
        yield self._at_management(
            "aws_organizations_policy", place, name=name, type=type_, content=text(content)
        )
        for target in targets:
            yield self._at_management(
                "aws_organizations_policy_attachment",
                f"{place}_{target}",
                policy_id=f"${{aws_organizations_policy.{place}.id}}",
                target_id=target,
            )

    def _catalog(self) -> Iterator[Resource]:
        env, catalog = self.env, self.env.catalog
        accounts, regions = ",".join(env.account_ids), catalog.regions
        yield self._at_logging(
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
        yield self._at_logging(
            "aws_athena_workgroup",
            "catalog_workgroup",
            name=catalog.workgroup,
            configuration={
                "enforce_workgroup_configuration": True,
                "result_configuration": {"encryption_configuration": {"kms_key_arn": "key"}},
            },
        )

    def _readers(self) -> Iterator[Resource]:
        env = self.env
        if auditor := env.access.auditor:
            yield from self._role(
                "auditor",
                auditor.role_name,
                readers.auditor_trust(auditor),
                readers.auditor(env),
                self.logging,
            )
        if env.siem and (reader := env.siem.reader):
            yield from self._role(
                "siem_reader",
                reader.role_name,
                siem.reader_trust(reader),
                siem.reader(env, env.siem),
                self.logging,
            )

    def _alarms(self) -> Iterator[Resource]:
        env, settings = self.env, self.env.alarms
        if settings is None:
            return
        topic = layout.alarm_topic_arn(env, settings.topic)
        alias = layout.alias(settings.topic)
        yield from self._key("alarms_key", alias, alarms.key(env), self.management)
        yield self._at_management(
            "aws_sns_topic_policy", "alarms_topic_policy", policy=text(alarms.topic(env, settings))
        )
        chosen = [each for each in ALARMS if settings.names is None or each.name in settings.names]
        if chosen:
            yield self._at_management(
                "aws_cloudwatch_metric_alarm", "alarms", alarm_actions=[topic]
            )
        forms = {"totals": settings.totals, "by_account": settings.by_account}
        for form in (name for name, wanted in forms.items() if wanted):
            by_account = {"dimensions": {"Account": "$.recipientAccountId"}}
            for alarm in chosen:
                if alarm.name != SILENCE:
                    yield self._at_management(
                        "aws_cloudwatch_log_metric_filter",
                        f"alarms_{form}_{alarm.name}",
                        pattern=pattern(alarm, settings.patterns, layout.alarm_names(env)),
                        metric_transformation=by_account if form == "by_account" else {},
                    )
        told = settings.subscribers
        if told.email or told.https:
            yield self._at_management("aws_sns_topic_subscription", "alarms", topic_arn=topic)
        if told.slack or told.teams:
            yield from self._role(
                "alarms_chat", settings.chat_role_name, alarms.chat_trust(), alarms.chat(),
                self.management,
            )  # fmt: skip
            kind = "aws_chatbot_slack_channel_configuration"
            yield self._at_management(kind, "alarms", sns_topic_arns=[topic])

    def _feed(self) -> Iterator[Resource]:
        env, feed = self.env, self.env.siem
        if feed is None:
            return
        alias = layout.alias(feed.topic)
        yield from self._key("siem_key", alias, siem.key(env, feed), self.logging)
        yield self._at_logging(
            "aws_sns_topic_policy", "siem_topic_policy", policy=text(siem.topic(env, feed))
        )
        for name, policy in (
            ("queue", siem.queue(env, feed)), ("dead_letters", siem.dead_letters(env, feed)),
        ):  # fmt: skip
            yield self._at_logging(
                "aws_sqs_queue_policy", f"siem_{name}_policy", policy=text(policy)
            )

    def _detectors(self) -> Iterator[tuple[str, str]]:
        if guardduty := self.env.guardduty:
            yield "management", self.env.regions_of(guardduty)[0]


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
