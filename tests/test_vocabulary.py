"""What the check says of actions and condition keys that AWS does not have."""

from __future__ import annotations

from pathlib import Path

import pytest
from orgtrail.check.from_terraform import model_of
from orgtrail.check.rules.vocabulary import unknown_action, unknown_condition_key
from orgtrail.iam.reference import DATE
from orgtrail.settings.environment import Environment
from orgtrail.trail import build

from tests import golden
from tests.conftest import Json
from tests.mistakes import ARCHIVE, checked, rewrite, stack

NAME = "aws_s3_bucket_policy.archive_policy: Added"
NEWER = "accept this finding if it is newer."


def told(folder: Path, **elements: object) -> list[str]:
    """Return what both rules say of a statement that is added to the archive's policy."""
    content = stack()
    added = {"Sid": "Added", "Effect": "Deny", "Principal": "*", "Resource": "*", **elements}
    if "NotAction" not in added:
        added.setdefault("Action", "s3:PutObject")
    rewrite(*ARCHIVE, lambda by_sid: by_sid.update(Added=added))(content)
    rules = ("unknown-action", "unknown-condition-key")
    return [each.message for each in checked(folder, content).findings if each.rule in rules]


@pytest.mark.parametrize(
    ("elements", "message"),
    [
        (
            {"Action": ["s3:PutObject", "s3:GetObjects"]},
            "s3:GetObjects, which is no action of AWS (as of {}): it denies nothing. "
            "Write s3:GetObject, or ",
        ),
        (
            {"Action": "S3:getobjects", "Effect": "Allow", "Principal": {"AWS": "222222222222"}},
            "S3:getobjects, which is no action of AWS (as of {}): it allows nothing. "
            "Write s3:GetObject, or ",
        ),
        (
            {"NotAction": "s3:GetObjects"},
            "s3:GetObjects, which is no action of AWS (as of {}): it exempts nothing. "
            "Write s3:GetObject, or ",
        ),
        (
            {"Action": "s3:DeleteBukket*"},
            "s3:DeleteBukket*, which covers no action of AWS (as of {}): it denies nothing. "
            "Write s3:DeleteBucket, or ",
        ),
        (
            {"Action": "cloudtrial:StopLogging"},
            "cloudtrial:StopLogging, and cloudtrial is no service of AWS (as of {}): it denies "
            "nothing. Write cloudtrail:StopLogging, or ",
        ),
        (
            {"Action": "wwwwww:QQQQ"},
            "wwwwww:QQQQ, and wwwwww is no service of AWS (as of {}): it denies nothing. "
            "Remove it, or ",
        ),
    ],
)
def test_an_action_that_aws_does_not_have_is_found(
    elements: Json, message: str, tmp_path: Path
) -> None:
    expected = f"{NAME} names {message.format(DATE)}{NEWER}"
    assert told(tmp_path, **elements) == [expected]


@pytest.mark.parametrize(
    ("operator", "consequence"),
    [
        ("StringEquals", "it never holds, so the statement denies nothing"),
        ("ForAnyValue:StringNotEquals", "it never holds, so the statement denies nothing"),
        ("StringNotEquals", "it always holds, so the statement denies as if it were not there"),
        (
            "StringEqualsIfExists",
            "it always holds, so the statement denies as if it were not there",
        ),
        (
            "ForAllValues:StringLike",
            "it always holds, so the statement denies as if it were not there",
        ),
        ("ForAnyValue:StringLikeIfExists", "no request has it"),
        ("StringResembles", "no request has it"),
    ],
)
def test_a_condition_key_that_aws_does_not_have_is_found(
    operator: str, consequence: str, tmp_path: Path
) -> None:
    assert told(tmp_path, Condition={operator: {"aws:PrincipalOrgsID": "o-examplehc01"}}) == [
        f"{NAME} has the condition {operator} aws:PrincipalOrgsID, which is no condition key of "
        f"AWS (as of {DATE}): {consequence}. Write aws:PrincipalOrgID, or {NEWER}"
    ]


@pytest.mark.parametrize(
    ("value", "consequence"), [("true", "as if it were not there"), ("false", "denies nothing")]
)
def test_a_condition_that_a_key_is_absent_is_told_by_its_value(
    value: str, consequence: str, tmp_path: Path
) -> None:
    (message,) = told(tmp_path, Condition={"Null": {"kms:ViaServices": value}})
    assert consequence in message
    assert "Write kms:ViaService, or" in message


def test_an_allow_with_a_key_that_aws_does_not_have_says_what_it_allows(tmp_path: Path) -> None:
    everybody = {"Effect": "Allow", "Principal": {"AWS": "222222222222"}}
    (never,) = told(tmp_path, **everybody, Condition={"StringLike": {"saml:actor": "x"}})
    assert "so the statement allows nothing." in never
    (always,) = told(tmp_path, **everybody, Condition={"StringNotLike": {"zzzz": "x"}})
    assert f"so the statement allows as if it were not there. Remove it, or {NEWER}" in always


@pytest.mark.parametrize(
    "elements",
    [
        {"Action": "*"},
        {"Action": "*:*"},
        {"Action": ["s3:Get*", "kms:*", "S3:PUTOBJECT"]},
        {"Action": "${var.service}:Get"},
        {"Condition": {"StringEquals": {"${var.key}": "x", "aws:principaltag/team": "x"}}},
        {"Condition": {"StringEquals": {"kms:EncryptionContext:aws:cloudtrail:arn": "x"}}},
        {"Condition": {"StringEquals": {"token.actions.githubusercontent.com:sub": "x"}}},
    ],
)
def test_what_aws_has_and_what_only_terraform_knows_is_no_finding(
    elements: Json, tmp_path: Path
) -> None:
    assert told(tmp_path, **elements) == []


@pytest.mark.parametrize("env", golden.environments(), ids=lambda env: env.name)
def test_our_own_policies_name_what_aws_has(env: Environment) -> None:
    model = model_of(build(env).expanded())
    found = [*unknown_action(model), *unknown_condition_key(model)]
    # Of what is only referred to there may be no policy.
    assert env.adopt.referenced or any(True for _ in model.statements)
    assert found == []
