"""Callers at their worst: a deny that hangs on what somebody chooses does not hold them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from orgtrail.check.run import Report, check

from tests.conftest import ROOT

Json = dict[str, Any]
HOSPITAL = ROOT / "tests" / "golden" / "healthcare.tf.json"


def _changed(folder: Path, change: Callable[[Json], None]) -> Report:
    """Check the hospital's stack with every statement of its policies changed."""
    stack = json.loads(HOSPITAL.read_text())
    for each in stack["resource"]["aws_organizations_policy"].values():
        document = json.loads(each["content"])
        for statement in document["Statement"]:
            change(statement)
        each["content"] = json.dumps(document)
    path = folder / "cdk.tf.json"
    path.write_text(json.dumps(stack))
    return check(path)


def _with(operator: str, key: str, value: str) -> Callable[[Json], None]:
    def change(statement: Json) -> None:
        if "Condition" in statement:
            statement["Condition"].setdefault(operator, {})[key] = value

    return change


@pytest.mark.parametrize(
    ("operator", "key", "value"),
    [
        ("BoolIfExists", "aws:MultiFactorAuthPresent", "false"),
        ("Bool", "aws:ViaAWSService", "false"),
        ("ForAllValues:StringNotEquals", "aws:CalledVia", "cloudformation.amazonaws.com"),
    ],
)
def test_a_guard_that_a_caller_can_step_around_is_none(
    operator: str, key: str, value: str, tmp_path: Path
) -> None:
    report = _changed(tmp_path, _with(operator, key, value))
    who = {
        each.principal.id
        for each in report.access
        if each.action == "s3:PutBucketPolicy" and each.decision.is_allowed
    }
    assert who >= {"logging-administrator", "logging-root"}
    said = [each.message for each in report.findings if each.rule == "access"]
    assert any("an administrator of the logging account can" in each for each in said)
    # Who was meant to before is not accused.
    assert not any("break-glass role compliance-break-glass can" in each for each in said)


def test_a_service_reads_and_writes_no_data_for_its_caller(tmp_path: Path) -> None:
    """Through CloudFormation nobody deletes a file: every deny still holds."""
    report = _changed(tmp_path, _with("Bool", "aws:ViaAWSService", "false"))
    deleting = [
        each
        for each in report.access
        if each.action == "s3:DeleteObjectVersion" and each.principal.id == "logging-administrator"
    ]
    assert deleting
    assert all(each.decision.is_denied for each in deleting)


@pytest.mark.parametrize(
    ("operator", "key", "value"),
    [
        ("DateLessThan", "aws:CurrentTime", "2027-01-01T00:00:00Z"),
        ("Null", "aws:TokenIssueTime", "false"),
        ("BoolIfExists", "aws:MultiFactorAuthPresent", "false"),
    ],
)
def test_a_deny_that_does_not_hold_everybody_is_no_layer(
    operator: str, key: str, value: str, tmp_path: Path
) -> None:
    stack = json.loads(HOSPITAL.read_text())
    policy = stack["resource"]["aws_s3_bucket_policy"]["archive_policy"]
    document = json.loads(policy["policy"])
    for statement in document["Statement"]:
        if statement.get("Sid") == "DenyDeletion":
            statement["Condition"].setdefault(operator, {})[key] = value
    policy["policy"] = json.dumps(document)
    path = tmp_path / "cdk.tf.json"
    path.write_text(json.dumps(stack))
    (found,) = (
        each for each in check(path).findings
        if each.rule == "one-layer" and "delete an old version of a log file" in each.message
    )  # fmt: skip
    assert "held by one layer only, the service control policies" in found.message
