"""The daily verification in the logging account: a CodeBuild project, and what starts it."""

from __future__ import annotations

import json

from orgtrail import naming
from orgtrail.policies import verification as policies
from orgtrail.settings.detection import Verification
from orgtrail.settings.environment import Environment
from orgtrail.trail.common import role
from orgtrail.trail.part import Before, Part
from orgtrail.trail.resource import Resource, literal

_REPORT = "report.txt"


def verification(part: Part, settings: Verification) -> None:
    """Add log group, project, schedule and a role for each of the two.

    `orgtrail verify` runs each day; what is not valid goes to the alarms' topic, and fails the
    build.

    Args:
        part: the part that they become, in the logging account.
        settings: its own.

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
        trust=policies.trust(env, settings),
        policy_name="verification",
        permissions=policies.permissions(env, settings),
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
        trust=policies.schedule_trust(env),
        policy_name="start",
        permissions=policies.start(env, settings),
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
            "arn": naming.scheduler_target_arn(env, policies.CALL),
            "role_arn": naming.role_arn(env, env.logging.id, settings.schedule_role_name),
            "input": json.dumps({"ProjectName": settings.project}),
        },
    )


def build_specification(environment: Environment, settings: Verification) -> dict[str, object]:
    """Return what CodeBuild runs, as a build specification.

    One script, so that a package that cannot be installed is told like a finding.
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
        # A message has 256 KB; the build's log has the whole report.
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
