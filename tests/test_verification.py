"""The daily verification: what it runs, what it may, and whom it tells."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from orgtrail.settings.environment import Environment
from orgtrail.trail import alarms, service_control, verification
from orgtrail.trail.verification import build_specification
from pydantic import ValidationError

from tests.conftest import environment, synthesized

PACKAGE = {"package": "orgtrail[verify]==0.1.0"}
ON = environment(alarms={}, verification=PACKAGE, trail={"key_prefix": "audit"})
TOPIC = "arn:aws:sns:us-east-1:111111111111:organization-trail-alarms"
ROLE = "arn:aws:iam::222222222222:role/organization-trail-verification"


def settings(env: Environment = ON) -> Any:
    assert env.verification
    return env.verification


def test_a_stack_without_it_has_none_of_it() -> None:
    made = synthesized(environment(alarms={}))["resource"]
    assert not [name for kind in made.values() for name in kind if name.startswith("verification")]
    assert "VerificationPublishes" not in json.dumps(made)


def test_it_needs_somebody_to_tell() -> None:
    with pytest.raises(ValidationError, match="must be given where verification is: it tells"):
        environment(verification=PACKAGE)


@pytest.fixture(scope="module")
def resources() -> dict[str, Any]:
    found: dict[str, Any] = synthesized(ON)["resource"]
    return found


def test_it_runs_each_day_in_the_logging_account(resources: dict[str, Any]) -> None:
    project = resources["aws_codebuild_project"]["verification_project"]
    schedule = resources["aws_scheduler_schedule"]["verification_schedule"]
    assert project["provider"] == schedule["provider"] == "aws.logging"
    assert schedule["schedule_expression"] == "cron(30 4 * * ? *)"
    assert schedule["target"] == {
        "arn": "arn:aws:scheduler:::aws-sdk:codebuild:startBuild",
        "role_arn": f"{ROLE}-start",
        "input": '{"ProjectName": "organization-trail-verification"}',
    }
    assert project["service_role"] == ROLE
    assert json.loads(project["source"]["buildspec"]) == build_specification(ON, settings())
    assert project["source"]["type"] == "NO_SOURCE"
    assert (
        resources["aws_cloudwatch_log_group"]["verification_log_group"]["name"]
        == (project["logs_config"]["cloudwatch_logs"]["group_name"])
    )


def run(tmp_path: Path, *, verify: int, pip: int = 0) -> tuple[int, str, list[str]]:
    """Run the build's script with commands that note how they were called."""
    spec: Any = build_specification(ON, settings())
    (script,) = spec["phases"]["build"]["commands"]
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, code in (("python3", pip), ("orgtrail", verify), ("aws", 0)):
        program = programs / name
        program.write_text(
            f'#!/bin/bash\nprintf "%s\\n" "{name} $*" >> {tmp_path}/calls\n'
            f'echo "{name} says so"\nexit {code}\n'
        )
        program.chmod(0o755)
    ran = subprocess.run(
        ["/bin/bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False,
        env=os.environ | {"PATH": f"{programs}:{os.environ['PATH']}"},
    )  # fmt: skip
    return ran.returncode, ran.stdout, (tmp_path / "calls").read_text().splitlines()


def test_what_is_valid_is_told_to_nobody(tmp_path: Path) -> None:
    code, said, calls = run(tmp_path, verify=0)
    assert (code, len(calls)) == (0, 2)
    assert calls[0] == "python3 -m pip install --quiet orgtrail[verify]==0.1.0"
    assert calls[1] == (
        "orgtrail verify --bucket example-bank-archive --organization-id o-examplebank "
        "--trail-arn arn:aws:cloudtrail:us-east-1:111111111111:trail/organization-trail "
        "--prefix audit/AWSLogs/o-examplebank/ --last 28h "
        "--expect 111111111111 --expect 222222222222 --expect 333333333333"
    )
    assert "orgtrail says so" in said


@pytest.mark.parametrize("code", [1, 2])
def test_what_is_not_valid_is_published_and_fails_the_build(tmp_path: Path, code: int) -> None:
    ended, said, calls = run(tmp_path, verify=code)
    assert ended == code
    assert "orgtrail says so" in said
    assert calls[2].startswith(
        f"aws sns publish --region us-east-1 --topic-arn {TOPIC} --subject "
        "organization-trail-verification: the log files are not proven intact --message python3"
    )
    assert calls[3] == "orgtrail says so"


def test_a_package_that_cannot_be_installed_is_told_too(tmp_path: Path) -> None:
    ended, _, calls = run(tmp_path, verify=0, pip=1)
    assert ended == 1
    assert not [each for each in calls if each.startswith("orgtrail")]
    assert calls[1].startswith("aws sns publish")


def test_the_options_it_uses_exist() -> None:
    from orgtrail.cli import query, verify
    from orgtrail.cli.root import app
    from typer.main import get_command

    assert query
    assert verify
    command: Any = get_command(app)
    known = {name for each in command.commands["verify"].params for name in each.opts}
    spec: Any = build_specification(ON, settings())
    words = spec["phases"]["build"]["commands"][0].partition("orgtrail verify")[2]
    used = {each for each in words.partition(")")[0].split() if each.startswith("--")}
    assert used == {
        "--bucket", "--organization-id", "--trail-arn", "--prefix", "--last", "--expect",
    }  # fmt: skip
    assert used <= known


def test_the_role_reads_and_writes_nothing_but_its_report() -> None:
    actions = [
        action
        for each in verification.verify_permissions(ON, settings())["Statement"]
        for action in each["Action"]
    ]
    assert sorted(actions) == [
        "cloudtrail:ListPublicKeys",
        "kms:Decrypt",
        "kms:Decrypt",
        "kms:GenerateDataKey",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "s3:GetBucketLocation",
        "s3:GetObject",
        "s3:GetObjectVersion",
        "s3:ListBucket",
        "s3:ListBucketVersions",
        "sns:Publish",
    ]


def test_the_topic_and_its_key_take_that_role_alone() -> None:
    assert ON.alarms
    policies = {
        "VerificationPublishes": alarms.topic_policy(ON, ON.alarms),
        "VerificationEncrypts": alarms.key_policy(ON),
    }
    for sid, policy in policies.items():
        (found,) = [each for each in policy["Statement"] if each["Sid"] == sid]
        assert found["Principal"] == {"AWS": "arn:aws:iam::222222222222:root"}
        assert found["Condition"]["ArnEquals"] == {"aws:PrincipalArn": ROLE}


def test_nobody_in_the_logging_account_switches_it_off() -> None:
    scp = {
        each["Sid"]: each
        for part in service_control.service_control(ON).values()
        for each in part["Statement"]
    }
    assert "codebuild:DeleteProject" in scp["ProtectVerification"]["Action"]
    assert scp["ProtectReadingRoles"]["Resource"] == [ROLE, f"{ROLE}-start"]
