"""What deploying the trail, the archive, the policies and the catalog needs in each account."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from orgtrail import naming
from orgtrail.policies import boundary, findings
from orgtrail.policies.deployer import resources as of
from orgtrail.policies.document import Statement, allow
from orgtrail.settings.detection import Verification
from orgtrail.settings.environment import Environment

_ORGANIZATION = (
    "DescribeOrganization", "ListAWSServiceAccessForOrganization", "ListAccounts", "ListRoots",
)  # fmt: skip


def in_management(env: Environment) -> Iterator[Statement]:
    """Yield what the role of the management account may do."""
    adopt = env.adopt
    yield allow("ReadOrganization", "organizations", _ORGANIZATION, "*")
    yield from _organization_policies(env)
    if not adopt.is_referenced("trail"):
        yield allow("ManageTrail", "cloudtrail", of.TRAIL, naming.trail_arn(env))
        yield allow("FindTrails", "cloudtrail", ("DescribeTrails",), "*")
        yield service_linked("LinkCloudTrail", env, naming.CLOUDTRAIL)
    if env.delivery.enabled:
        yield from _delivery(env)
    if env.alarms:
        yield from _alarms(env)
    yield from _topics(env)


def in_logging(env: Environment) -> Iterator[Statement]:
    """Yield what the role of the logging account may do."""
    buckets = [name for name in env.own_buckets if name not in env.referenced_buckets]
    yield allow(
        "ManageBuckets", "s3", of.BUCKET, [naming.bucket_arn(env, each) for each in buckets]
    )
    if not env.adopt.is_referenced("key") or env.siem or env.findings_bucket:
        aliases = [] if env.adopt.is_referenced("key") else [env.key.alias]
        aliases += [naming.key_alias(env.siem.topic)] if env.siem else []
        aliases += [naming.key_alias(findings.KEY)] if env.findings_bucket else []
        named = {alias: naming.logging_arn(env, "kms", alias) for alias in aliases}
        yield from of.keys("Keys", naming.any_key_arn(env), named)
    catalog = [naming.logging_arn(env, "glue", "catalog"), *naming.catalog_arns(env)]
    yield allow("ManageTable", "glue", of.TABLE, catalog)
    yield allow("ManageWorkgroup", "athena", of.WORKGROUP, naming.workgroup_arn(env))
    if env.catalog.queries:
        yield allow("ManageQuestions", "athena", of.QUESTIONS, naming.workgroup_arn(env))
    if compaction := env.catalog.compaction:
        assert env.compacted_bucket
        # Glue writes an Iceberg table's first metadata in the caller's name.
        yield allow("BeginTable", "s3", ("GetObject", "PutObject"),
                    naming.bucket_arn(env, env.compacted_bucket, "*"))  # fmt: skip
        yield _metadata_key(env, env.compacted_bucket)
        schedules = naming.logging_arn(env, "scheduler", f"schedule/default/{compaction.table}-*")
        yield allow("ManageSchedule", "scheduler", of.SCHEDULE, schedules)
        role = naming.role_arn(env, env.logging.id, compaction.role_name)
        yield {
            **allow("PassRole", "iam", ("PassRole",), role),
            "Condition": {"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}},
        }
    if env.verification:
        yield from _verification(env, env.verification)
    yield allow("FindRegions", "ec2", ("DescribeRegions",), "*")
    if roles := naming.logging_roles(env):
        yield from of.roles("Manage", roles, boundary.arn(env, "logging"))
    if env.sends_notifications:
        notices = ("GetBucketNotification", "PutBucketNotification")
        yield allow("Notify", "s3", notices, naming.bucket_arn(env, env.archive.bucket))
    if env.siem:
        yield from _feed(env)


def _metadata_key(env: Environment, bucket: str) -> Statement:
    """Allow the key for that metadata: through S3, for objects of this one bucket."""
    return {
        **allow("EncryptTable", "kms", ("Decrypt", "GenerateDataKey"), naming.any_key_arn(env)),
        "Condition": {
            "StringEquals": {"kms:ViaService": naming.via_service(env, "s3")},
            "StringLike": {
                "kms:EncryptionContext:aws:s3:arn": [
                    naming.bucket_arn(env, bucket, key) for key in ("", "*")
                ]
            },
        },
    }


def service_linked(sid: str, env: Environment, *services: str) -> Statement:
    """Allow making the roles that services act with, and looking whether they are there.

    Creating an organization trail asks for it:
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/creating-an-organizational-trail-prepare.html
    """
    roles = [naming.role_arn(env, "*", f"aws-service-role/{each}/*") for each in services]
    return allow(sid, "iam", ("CreateServiceLinkedRole", "GetRole"), roles)


def _organization_policies(env: Environment) -> Iterator[Statement]:
    kinds = []
    if env.policy_targets:
        kinds.append("SERVICE_CONTROL_POLICY")
    if env.guardrails.resource_control_policy:
        kinds.append("RESOURCE_CONTROL_POLICY")
    if not kinds:
        return
    of_kind: dict[str, Any] = {"StringEquals": {"organizations:PolicyType": kinds}}
    yield {**allow("ManagePolicies", "organizations", of.POLICY, "*"), "Condition": of_kind}
    ours = f"{env.organization.id}/{{}}/*"
    policies = [
        naming.arn(env, "organizations", env.management.id, f"policy/{ours.format(kind.lower())}")
        for kind in kinds
    ]
    yield allow("TagPolicies", "organizations", of.TAGS, policies)


def _delivery(env: Environment) -> Iterator[Statement]:
    group = naming.log_group_arn(env, env.management.id)
    if not env.adopt.is_referenced("log_group"):
        yield allow("ManageLogGroup", "logs", of.LOG_GROUP, [group, f"{group}:*"])
        yield allow("FindLogGroups", "logs", ("DescribeLogGroups",), "*")
    if env.adopt.is_referenced("trail"):
        return
    role = naming.delivery_role_arn(env)
    if not env.adopt.is_referenced("delivery_role"):
        yield from of.roles("Delivery", role, boundary.arn(env, "management"))
    yield of.pass_role("PassDeliveryRole", role, naming.CLOUDTRAIL)


def _alarms(env: Environment) -> Iterator[Statement]:
    assert env.alarms
    account = env.management.id
    group = naming.log_group_arn(env, account)
    filters = ("DeleteMetricFilter", "DescribeMetricFilters", "PutMetricFilter")
    yield allow("ManageFilters", "logs", filters, [group, f"{group}:*"])
    every = naming.arn(env, "cloudwatch", account, "alarm:*", region=env.home_region)
    yield allow("ManageAlarms", "cloudwatch", of.ALARM, every)


def _topics(env: Environment) -> Iterator[Statement]:
    """Yield what the topics of the management account need: the alarms' and the trail's."""
    home, account = env.home_region, env.management.id
    names = [env.alarms.topic] if env.alarms else []
    if env.created_topic:
        names.append(env.created_topic)
    if not names:
        return
    keys = naming.arn(env, "kms", account, "key/*", region=home)
    aliases = [naming.key_alias(each) for each in names]
    arns = {each: naming.arn(env, "kms", account, each, region=home) for each in aliases}
    yield from of.keys("TopicKeys", keys, arns)
    topics = [naming.management_topic_arn(env, each) for each in names]
    both = [one for each in topics for one in (each, f"{each}:*")]
    yield allow("ManageTopic", "sns", of.TOPIC, both)


def _feed(env: Environment) -> Iterator[Statement]:
    assert env.siem
    topic = naming.siem_topic_arn(env, env.siem.topic)
    yield allow("ManageTopic", "sns", of.TOPIC, [topic, f"{topic}:*"])
    queues = [
        naming.queue_arn(env, name)
        for name in (env.siem.queue, naming.dead_letter_queue(env.siem.queue))
    ]
    yield allow("ManageQueues", "sqs", of.QUEUE, queues)


def _verification(env: Environment, settings: Verification) -> Iterator[Statement]:
    yield allow("ManageProject", "codebuild", of.PROJECT, naming.project_arn(env, settings))
    schedule = naming.logging_arn(env, "scheduler", f"schedule/default/{settings.project}")
    yield allow("ManageVerificationSchedule", "scheduler", of.SCHEDULE, schedule)
    group = naming.logging_arn(env, "logs", f"log-group:{settings.log_group}")
    yield allow("ManageReports", "logs", of.LOG_GROUP, [group, f"{group}:*"])
    yield allow("FindReports", "logs", ("DescribeLogGroups",), "*")
    for sid, name, service in (
        ("PassReader", settings.role_name, "codebuild.amazonaws.com"),
        ("PassStarter", settings.schedule_role_name, "scheduler.amazonaws.com"),
    ):
        yield of.pass_role(sid, naming.role_arn(env, env.logging.id, name), service)
