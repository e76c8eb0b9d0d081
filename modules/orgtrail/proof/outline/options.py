"""The outline of the options: readers, alarms, the feed for a SIEM and GuardDuty."""

from __future__ import annotations

from collections.abc import Iterator

from orgtrail import layout
from orgtrail.alarms import SILENCE, pattern
from orgtrail.policies import alarms, compaction, readers, siem, verification
from orgtrail.policies.document import text
from orgtrail.proof.outline.paper import Paper
from orgtrail.proof.terraform.resources import Resource
from orgtrail.queries.compaction import statements

_ADMINISTERED = {
    "guardduty": "aws_guardduty_organization_configuration",
    "security_hub": "aws_securityhub_organization_configuration",
    "access_analyzer": "aws_accessanalyzer_analyzer",
}
"""By section: the resource that its administrator's account has."""


def options(paper: Paper) -> Iterator[Resource]:
    """Yield what an environment asks for beside the core."""
    yield from _readers(paper)
    yield from _alarms(paper)
    yield from _feed(paper)
    if paper.env.tells:
        arns = [each.arn for each in layout.notifications(paper.env)]
        yield paper.at_logging("aws_s3_bucket_notification", "siem_notification", arns=arns)
    if paper.env.guardduty:
        yield paper.at_management("aws_guardduty_detector", "management")
    yield from _detection(paper)


def _readers(paper: Paper) -> Iterator[Resource]:
    env = paper.env
    if (copy := env.catalog.compaction) and env.compacted_bucket:
        place, policy = "catalog_compaction", compaction.bucket(env)
        yield from paper.bucket(f"{place}_bucket", env.compacted_bucket, policy, None, 1, key="key")
        yield paper.at_logging(
            "aws_glue_catalog_table",
            f"{place}_table",
            open_table_format_input={"iceberg_input": {}},
            storage_descriptor={"location": layout.compacted_location(env)},
        )
        yield from paper.role(
            f"{place}_role",
            copy.role_name,
            compaction.trust(env),
            compaction.permissions(env),
            paper.logging,
        )
        keep = copy.keep_days or env.archive.expire_after_days
        for run in statements(env.catalog.table, copy.table, keep):
            yield _schedule(
                paper,
                f'{place}_schedule["{run}"]',
                f"{copy.table}-{run}",
                compaction.CALL,
                copy.role_name,
            )
    if daily := env.verification:
        yield paper.at_logging(
            "aws_cloudwatch_log_group", "verification_log_group", name=daily.log_group
        )
        yield paper.at_logging(
            "aws_codebuild_project",
            "verification_project",
            name=daily.project,
            service_role=layout.role_arn(env, env.logging.id, daily.role_name),
        )
        yield _schedule(
            paper,
            "verification_schedule",
            daily.project,
            verification.CALL,
            daily.schedule_role_name,
        )
        yield from paper.role(
            "verification_role",
            daily.role_name,
            verification.trust(env, daily),
            verification.permissions(env, daily),
            paper.logging,
        )
        yield from paper.role(
            "verification_schedule_role",
            daily.schedule_role_name,
            verification.schedule_trust(env),
            verification.start(env, daily),
            paper.logging,
        )
    if auditor := env.access.auditor:
        yield from paper.role(
            "auditor",
            auditor.role_name,
            readers.auditor_trust(auditor),
            readers.auditor(env),
            paper.logging,
        )
    if env.siem and (reader := env.siem.reader):
        yield from paper.role(
            "siem_reader",
            reader.role_name,
            siem.reader_trust(reader),
            siem.reader(env, env.siem),
            paper.logging,
        )


def _schedule(paper: Paper, place: str, name: str, call: str, role: str) -> Resource:
    env = paper.env
    target = {
        "arn": layout.call_arn(env, call),
        "role_arn": layout.role_arn(env, env.logging.id, role),
    }
    return paper.at_logging("aws_scheduler_schedule", place, name=name, target=target)


def _detection(paper: Paper) -> Iterator[Resource]:
    env = paper.env
    for name, section in env.detection.items():
        regions = env.regions_of(section)
        # The home region has one aggregator, which configures the others.
        for region in regions[:1] if name == "security_hub" else regions:
            provider = paper.providers[section.administrator]
            values = {} if region == env.home_region else {"region": region}
            kind = _ADMINISTERED[name]
            yield Resource(kind, f"{kind}.{name}_{region}", values, provider)


def _alarms(paper: Paper) -> Iterator[Resource]:
    env, settings = paper.env, paper.env.alarms
    if settings is None:
        return
    topic = layout.management_topic_arn(env, settings.topic)
    alias = layout.alias(settings.topic)
    yield from paper.key("alarms_key", alias, alarms.key(env), paper.management)
    yield paper.at_management(
        "aws_sns_topic_policy", "alarms_topic_policy", policy=text(alarms.topic(env, settings))
    )
    if settings.chosen:
        yield paper.at_management("aws_cloudwatch_metric_alarm", "alarms", alarm_actions=[topic])
    forms = {"totals": settings.totals, "by_account": settings.by_account}
    for form in (name for name, wanted in forms.items() if wanted):
        by_account = {"dimensions": {"Account": "$.recipientAccountId"}}
        for alarm in settings.chosen:
            if alarm.name != SILENCE:
                yield paper.at_management(
                    "aws_cloudwatch_log_metric_filter",
                    f"alarms_{form}_{alarm.name}",
                    pattern=pattern(alarm, settings.patterns, layout.alarm_names(env)),
                    metric_transformation=by_account if form == "by_account" else {},
                )
    told = settings.subscribers
    if told.email or told.https:
        yield paper.at_management("aws_sns_topic_subscription", "alarms", topic_arn=topic)
    if told.slack or told.teams:
        yield from paper.role(
            "alarms_chat", settings.chat_role_name, alarms.chat_trust(), alarms.chat(),
            paper.management,
        )  # fmt: skip
        yield paper.at_management(
            "aws_chatbot_slack_channel_configuration",
            "alarms",
            sns_topic_arns=[topic],
            iam_role_arn=layout.role_arn(env, env.management.id, settings.chat_role_name),
            guardrail_policy_arns=[layout.arn(env, "iam", "aws", layout.CHAT_GUARDRAIL)],
        )


def _feed(paper: Paper) -> Iterator[Resource]:
    env, feed = paper.env, paper.env.siem
    if feed is None:
        return
    alias = layout.alias(feed.topic)
    yield from paper.key("siem_key", alias, siem.key(env, feed), paper.logging)
    yield paper.at_logging(
        "aws_sns_topic_policy", "siem_topic_policy", policy=text(siem.topic(env, feed))
    )
    for name, policy in (
        ("queue", siem.queue(env, feed)), ("dead_letters", siem.dead_letters(env, feed)),
    ):  # fmt: skip
        yield paper.at_logging("aws_sqs_queue_policy", f"siem_{name}_policy", policy=text(policy))
