"""The daily verification in the logging account: a CodeBuild project, and what starts it."""

from __future__ import annotations

import json
from collections.abc import Iterator

from orgtrail import naming
from orgtrail.settings.detection import Verification
from orgtrail.settings.environment import Environment
from orgtrail.trail import deploying as of
from orgtrail.trail.common import role
from orgtrail.trail.compaction import SCHEDULER
from orgtrail.trail.part import Before, Part
from orgtrail.trail.policy import (
    Document,
    Statement,
    acting_for,
    allow,
    decrypt,
    document,
    list_bucket,
    read_objects,
)
from orgtrail.trail.resource import Resource, literal

CODEBUILD = "codebuild.amazonaws.com"
CALL = "codebuild:startBuild"
"""The API call of the schedule, in EventBridge Scheduler's notation."""
_MANAGE = ("BatchGetProjects", "CreateProject", "DeleteProject", "UpdateProject")
_REPORT = "report.txt"


def verification(part: Part, settings: Verification) -> None:
    """Add log group, project and schedule, and a role for each of the last two.

    `orgtrail verify` runs each day. If the verdict is not valid, the build fails and publishes the
    report to the alarms' topic.

    Args:
        part: the part to add to, in the logging account.
        settings: the verification's settings.

    """
    env = part.environment
    group = part.add(
        "aws_cloudwatch_log_group",
        "log_group",
        name=settings.log_group,
        retention_in_days=settings.log_days,
    )
    may_verify = role(
        part.inside("role"),
        name=settings.role_name,
        description=f"{settings.project} reads the archive with it",
        trust=build_trust(env, settings),
        policy_name="verification",
        permissions=verify_permissions(env, settings),
    )
    _schedule(part, settings, _project(part, settings, [group, may_verify]))


def _project(part: Part, settings: Verification, after: Before) -> Resource:
    env = part.environment
    return part.add(
        "aws_codebuild_project",
        "project",
        name=settings.project,
        description=f"Verifies the log files of {env.trail.name} each day",
        service_role=naming.role_arn(env, env.logging.id, settings.role_name),
        build_timeout=settings.timeout_minutes,
        concurrent_build_limit=1,
        depends_on=after,
        artifacts={"type": "NO_ARTIFACTS"},
        source={
            "type": "NO_SOURCE",
            "buildspec": literal(json.dumps(build_specification(env, settings))),
        },
        environment={
            "type": "LINUX_CONTAINER",
            "compute_type": "BUILD_GENERAL1_SMALL",
            "image": settings.image,
        },
        logs_config={"cloudwatch_logs": {"group_name": settings.log_group}},
    )


def _schedule(part: Part, settings: Verification, project: Resource) -> None:
    env = part.environment
    may_start = role(
        part.inside("schedule_role"),
        name=settings.schedule_role_name,
        description=f"A schedule starts {settings.project} with it",
        trust=schedule_trust(env),
        policy_name="start",
        permissions=start_permissions(env, settings),
    )
    part.add(
        "aws_scheduler_schedule",
        "schedule",
        name=settings.project,
        description=f"Verifies the log files of {env.trail.name} each day",
        schedule_expression=f"cron(30 {settings.hour} * * ? *)",
        schedule_expression_timezone="UTC",
        flexible_time_window={"mode": "OFF"},
        depends_on=[project, may_start],
        target={
            "arn": naming.scheduler_target_arn(env, CALL),
            "role_arn": naming.role_arn(env, env.logging.id, settings.schedule_role_name),
            "input": json.dumps({"ProjectName": settings.project}),
        },
    )


def build_specification(environment: Environment, settings: Verification) -> dict[str, object]:
    """Return CodeBuild's build specification.

    It is one script, so that a failed installation of the package is reported like a finding.
    https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html
    """
    assert environment.alarms
    verify = [
        "orgtrail verify",
        f"--bucket {environment.archive.bucket}",
        f"--organization-id {environment.organization.id}",
        f"--trail-arn {naming.trail_arn(environment)}",
        f"--prefix {environment.organization_prefix}",
        f"--last {settings.hours}h",
        *(f"--expect {account}" for account in environment.account_ids),
    ]
    tell = [
        "aws sns publish",
        f"--region {environment.home_region}",
        f"--topic-arn {naming.management_topic_arn(environment, environment.alarms.topic)}",
        f'--subject "{settings.project}: the log files are not proven intact"',
        # A message may have 256 KB; the build's log has the entire report.
        f'--message "$(head -c 200000 {_REPORT})"',
    ]
    script = [
        f"(python3 -m pip install --quiet '{settings.package}' && {' '.join(verify)})"
        f" > {_REPORT} 2>&1; code=$?",
        f"cat {_REPORT}",
        f'if [ "$code" -ne 0 ]; then {" ".join(tell)}; fi',
        'exit "$code"',
    ]
    return {
        "version": 0.2,
        "env": {"shell": "bash"},
        "phases": {
            "install": {"runtime-versions": {"python": "3.x"}},
            "build": {"commands": ["\n".join(script)]},
        },
    }


def build_trust(env: Environment, settings: Verification) -> Document:
    """Return the reading role's trust policy: CodeBuild, for this project.

    https://docs.aws.amazon.com/codebuild/latest/userguide/cross-service-confused-deputy-prevention.html
    """
    return _service(env, CODEBUILD, naming.project_arn(env, settings))


def schedule_trust(env: Environment) -> Document:
    """Return the starting role's trust policy: EventBridge Scheduler, for this account."""
    return _service(env, SCHEDULER, naming.logging_arn(env, "scheduler", "schedule-group/default"))


def start_permissions(env: Environment, settings: Verification) -> Document:
    """Return the starting role's permissions: to start this project."""
    project = naming.project_arn(env, settings)
    return document(allow("StartVerification", "codebuild", ("StartBuild",), project))


def verify_permissions(env: Environment, settings: Verification) -> Document:
    """Return the reading role's permissions: to read the archive, report and ring the alarms."""
    group = naming.logging_arn(env, "logs", f"log-group:{settings.log_group}:*")
    writing = ("CreateLogStream", "PutLogEvents")
    return document(
        allow("WriteReport", "logs", writing, group),
        list_bucket(env, "FindLogFiles", env.archive.bucket, "ListBucketVersions"),
        read_objects(env, "ReadLogFiles", f"{env.logs_prefix}*"),
        *decrypt(env, "DecryptLogFiles", ["s3"], []),
        allow("FindPublicKeys", "cloudtrail", ("ListPublicKeys",), "*"),
        *_publish_statements(env),
    )


def topic_statements(env: Environment) -> list[Statement]:
    """Return the statements in the topic's policy: the reading role publishes."""
    return [_from_logging(env, "VerificationPublishes", ["sns:Publish"], _topic(env), {})]


def key_statements(env: Environment) -> list[Statement]:
    """Return the statements in the policy of the topic's key: the reading role uses it via SNS."""
    via = {"StringEquals": {"kms:ViaService": naming.via_service(env, "sns")}}
    actions = ["kms:Decrypt", "kms:GenerateDataKey*"]
    return [_from_logging(env, "VerificationEncrypts", actions, "*", via)]


def _publish_statements(env: Environment) -> list[Statement]:
    keys = naming.arn(env, "kms", env.management.id, "key/*", region=env.home_region)
    through = {"StringEquals": {"kms:ViaService": naming.via_service(env, "sns")}}
    return [
        allow("TellFindings", "sns", ("Publish",), _topic(env)),
        {
            **allow("EncryptFindings", "kms", ("Decrypt", "GenerateDataKey"), keys),
            "Condition": through,
        },
    ]


def _topic(env: Environment) -> str:
    assert env.alarms
    return naming.management_topic_arn(env, env.alarms.topic)


def _from_logging(
    env: Environment,
    sid: str,
    actions: list[str],
    resource: str,
    condition: dict[str, dict[str, str]],
) -> Statement:
    """Allow the reading role by a condition: a principal must exist before the policy."""
    assert env.verification
    role = naming.role_arn(env, env.logging.id, env.verification.role_name)
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"AWS": naming.account_root(env, env.logging.id)},
        "Action": actions,
        "Resource": resource,
        "Condition": {**condition, "ArnEquals": {"aws:PrincipalArn": role}},
    }


def _service(env: Environment, service: str, source: str) -> Document:
    return document(
        {
            "Sid": "ServiceRuns",
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": "sts:AssumeRole",
            "Condition": acting_for(env.logging.id, source),
        }
    )


def deploying(env: Environment, settings: Verification) -> Iterator[Statement]:
    """Yield the permissions to deploy the verification, in the logging account."""
    yield allow("ManageProject", "codebuild", _MANAGE, naming.project_arn(env, settings))
    schedule = naming.logging_arn(env, "scheduler", f"schedule/default/{settings.project}")
    yield allow("ManageVerificationSchedule", "scheduler", of.SCHEDULE, schedule)
    group = naming.logging_arn(env, "logs", f"log-group:{settings.log_group}")
    yield allow("ManageReports", "logs", of.LOG_GROUP, [group, f"{group}:*"])
    yield allow("FindReports", "logs", ("DescribeLogGroups",), "*")
    for sid, name, service in (
        ("PassReader", settings.role_name, CODEBUILD),
        ("PassStarter", settings.schedule_role_name, SCHEDULER),
    ):
        yield of.pass_role(sid, naming.role_arn(env, env.logging.id, name), service)
