"""The daily verification in the logging account: a CodeBuild project, and what starts it."""

from __future__ import annotations

import json

from orgtrail import layout
from orgtrail.constructs import bindings as aws
from orgtrail.constructs.role import Role
from orgtrail.policies import boundary
from orgtrail.policies import verification as policies
from orgtrail.settings.environment import Environment
from orgtrail.settings.verification import Verification as Settings

_REPORT = "report.txt"


class Verification(aws.Part):
    """`orgtrail verify` each day; what is not valid goes to the alarms' topic, and fails the build.

    Args:
        scope: the construct that it is part of.
        id: its name there.
        environment: the settings of the whole.
        settings: its own.
        provider: the logging account.

    """

    def __init__(
        self,
        scope: aws.Construct,
        id: str,
        *,
        environment: Environment,
        settings: Settings,
        provider: aws.AwsProvider,
    ) -> None:
        """Make log group, project, schedule and a role for each of the two."""
        super().__init__(scope, id, provider=provider)
        group = self.add(
            aws.CloudwatchLogGroup,
            "log_group",
            name=settings.log_group,
            retention_in_days=settings.log_days,
        )
        self.role = Role(
            self,
            "role",
            provider=provider,
            name=settings.role_name,
            description=f"{settings.project} reads the archive with it",
            trust=policies.trust(environment, settings),
            policy_name="verification",
            permissions=policies.permissions(environment, settings),
            boundary=boundary.arn(environment, "logging"),
        )
        self.project = self._project(environment, settings, group)
        self._schedule(environment, settings, provider)

    def _project(
        self, environment: Environment, settings: Settings, group: aws.Dependable
    ) -> aws.Dependable:
        return self.add(
            aws.CodebuildProject,
            "project",
            name=settings.project,
            description=f"Verifies the log files of {environment.trail.name} each day",
            service_role=layout.role_arn(environment, environment.logging.id, settings.role_name),
            build_timeout=settings.timeout_minutes,
            concurrent_build_limit=1,
            depends_on=[group, self.role.policy],
            artifacts={"type": "NO_ARTIFACTS"},
            source={
                "type": "NO_SOURCE",
                "buildspec": aws.literal(json.dumps(build(environment, settings))),
            },
            environment={
                "type": "LINUX_CONTAINER",
                "compute_type": "BUILD_GENERAL1_SMALL",
                "image": settings.image,
            },
            logs_config={"cloudwatch_logs": {"group_name": settings.log_group}},
        )

    def _schedule(
        self, environment: Environment, settings: Settings, provider: aws.AwsProvider
    ) -> None:
        starter = Role(
            self,
            "schedule_role",
            provider=provider,
            name=settings.schedule_role_name,
            description=f"A schedule starts {settings.project} with it",
            trust=policies.schedule_trust(environment),
            policy_name="start",
            permissions=policies.start(environment, settings),
            boundary=boundary.arn(environment, "logging"),
        )
        self.add(
            aws.SchedulerSchedule,
            "schedule",
            name=settings.project,
            description=f"Verifies the log files of {environment.trail.name} each day",
            schedule_expression=f"cron(30 {settings.hour} * * ? *)",
            schedule_expression_timezone="UTC",
            flexible_time_window=aws.FlexibleTime(mode="OFF"),
            depends_on=[self.project, starter.policy],
            target=aws.SchedulerTarget(
                arn=layout.call_arn(environment, policies.CALL),
                role_arn=layout.role_arn(
                    environment, environment.logging.id, settings.schedule_role_name
                ),
                input=json.dumps({"ProjectName": settings.project}),
            ),
        )


def build(environment: Environment, settings: Settings) -> dict[str, object]:
    """Return what CodeBuild runs, as a build specification.

    One script, so that a package that cannot be installed is told like a finding.
    https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html
    """
    assert environment.alarms
    verify = [
        "orgtrail verify",
        f"--bucket {environment.archive.bucket}",
        f"--organization-id {environment.organization.id}",
        f"--trail-arn {layout.trail_arn(environment)}",
        f"--prefix {layout.organization_prefix(environment)}",
        f"--last {settings.hours}h",
        *(f"--expect {account}" for account in environment.account_ids),
    ]
    tell = [
        "aws sns publish",
        f"--region {environment.home_region}",
        f"--topic-arn {layout.management_topic_arn(environment, environment.alarms.topic)}",
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
