"""What `orgtrail who-can` answers: who may do an action, by which statement, stating what."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from orgtrail.check.choosing import is_chosen

from tests.conftest import ROOT, Json, orgtrail
from tests.mistakes import ARCHIVE, KEY, rewrite, stack

HOSPITAL = "envs/healthcare.tfvars"
EVERYTHING = str(ROOT / "tests" / "golden" / "everything.tf.json")


def asked(*words: str) -> Any:
    done = orgtrail("who-can", *words, "--format", "json")
    assert done.stderr == ""
    return json.loads(done.stdout)


def allowed(*words: str) -> dict[str, str]:
    """Return who may, and the statement that decides, for a question about one resource."""
    return {each["who"]: each["statement"] for each in asked(*words)["allowed"]}


def test_break_glass_alone_schedules_the_deletion_of_the_key() -> None:
    done = orgtrail("who-can", "kms:ScheduleKeyDeletion", HOSPITAL)
    assert (done.returncode, done.stderr) == (0, "")
    (row,) = [each for each in done.stdout.splitlines() if "kms:ScheduleKeyDeletion  " in each]
    assert row.startswith("the break-glass role compliance-break-glass ")
    assert row.rstrip().endswith("the policy of key alias/healthcare-audit: AdministerKey")
    assert "--all lists who is denied" in done.stdout


def test_who_is_denied_is_listed_with_the_statement() -> None:
    short, long = (asked("kms:ScheduleKeyDeletion", HOSPITAL, *more) for more in ((), ("--all",)))
    assert "denied" not in short
    assert short["denied_count"] == len(long["denied"]) > 10
    by_who = {each["who"]: each for each in long["denied"]}
    root = by_who["the root user of the logging account"]
    assert root["decision"] == "explicit deny"
    assert "SCP" in root["statement"]
    assert by_who["the anonymous public"]["decision"] == "implicit deny"
    done = orgtrail("who-can", "kms:ScheduleKeyDeletion", HOSPITAL, "--all")
    assert "the anonymous public" in done.stdout


def test_a_resource_is_an_address_or_an_arn() -> None:
    by_address = asked("s3:GetBucketPolicy", "aws_s3_bucket.archive", HOSPITAL)
    arn = "arn:aws:s3:::example-healthcare-audit-archive"
    assert by_address["allowed"]
    assert {each["resource"] for each in by_address["allowed"]} == {arn}
    assert asked("s3:GetBucketPolicy", arn, HOSPITAL)["allowed"] == by_address["allowed"]


def test_without_a_resource_every_one_of_the_kind_is_asked_about() -> None:
    answer = asked("s3:GetBucketPolicy", EVERYTHING, "--all")
    every = {each["resource"] for each in (*answer["allowed"], *answer["denied"])}
    made = stack("everything")["resource"]["aws_s3_bucket"].values()
    assert every == {f"arn:aws:s3:::{each['bucket']}" for each in made}


def test_files_of_a_bucket_are_asked_about_not_the_bucket() -> None:
    answer = asked("s3:DeleteObject", HOSPITAL)
    assert {each["who"] for each in answer["allowed"]} >= {
        "the break-glass role compliance-break-glass"
    }
    archive = "arn:aws:s3:::example-healthcare-audit-archive/"
    of_archive = [each for each in answer["allowed"] if each["resource"].startswith(archive)]
    assert {each["who"] for each in of_archive} == {"the break-glass role compliance-break-glass"}


def test_what_has_to_be_stated_is_named_and_no_secret_is_shown() -> None:
    done = orgtrail("who-can", "sts:AssumeRole", "aws_iam_role.auditor", HOSPITAL)
    assert done.returncode == 0
    (row,) = [each for each in done.stdout.splitlines() if "999999999999" in each]
    assert " sts:ExternalId " in row
    assert "Trusted1" in row
    content = json.dumps(stack())
    (secret,) = {
        value
        for each in json.loads(
            stack()["resource"]["aws_iam_role"]["auditor"]["assume_role_policy"]
        )["Statement"]
        for value in [each.get("Condition", {}).get("StringEquals", {}).get("sts:ExternalId")]
        if value
    }
    assert secret in content
    for more in ((), ("--format", "json"), ("--all",)):
        words = ("sts:AssumeRole", "aws_iam_role.auditor", HOSPITAL, *more)
        assert secret not in orgtrail("who-can", *words).stdout


def test_keys_that_are_not_needed_are_not_named() -> None:
    needs = {each["who"]: each["needs"] for each in asked("kms:Decrypt", HOSPITAL)["allowed"]}
    assert needs["an administrator of the logging account"] == [
        "kms:EncryptionContext:aws:cloudtrail:arn"
    ]
    assert "kms:ViaService" in needs["the role organization-trail-auditor"]


def test_a_class_that_only_a_policy_names_is_asked_about(tmp_path: Path) -> None:
    def widen(statements: Json) -> None:
        statements["Wide"] = {
            "Sid": "Wide",
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::777777777777:root"},
            "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::example-healthcare-audit-archive/*",
        }

    content = stack()
    rewrite(*ARCHIVE, widen)(content)
    path = tmp_path / "cdk.tf.json"
    path.write_text(json.dumps(content))
    who = allowed("s3:GetObject", "aws_s3_bucket.archive", str(path))
    (stranger,) = [each for each in who if "777777777777" in each]
    assert who[stranger].endswith(": Wide")


def test_what_hangs_on_a_tag_is_undecided_and_exit_code_2(tmp_path: Path) -> None:
    def tag(statements: Json) -> None:
        condition = statements["AdministerKey"].setdefault("Condition", {})
        condition["StringEquals"] = {"aws:PrincipalTag/team": "audit"}

    content = stack()
    rewrite(*KEY, tag)(content)
    path = tmp_path / "cdk.tf.json"
    path.write_text(json.dumps(content))
    done = orgtrail("who-can", "kms:ScheduleKeyDeletion", str(path))
    assert done.returncode == 2
    assert "Cannot be decided\n" in "\n".join(map(str.rstrip, done.stdout.splitlines()))
    assert "nothing is known of the condition key aws:PrincipalTag/team" in done.stdout


def test_a_pattern_covers_every_action_of_it() -> None:
    answer = asked("s3:Delete*", "aws_s3_bucket.archive", HOSPITAL)
    actions = {each["action"] for each in answer["allowed"]}
    assert {"s3:DeleteBucket", "s3:DeleteObject", "s3:DeleteObjectVersion"} <= actions
    assert all(each.startswith("s3:Delete") for each in actions)
    notes = asked("s3:Delete*", HOSPITAL)["notes"]
    assert any("about nothing in this stack" in each for each in notes)


def test_an_action_on_nothing_of_the_stack_is_decided_for_everything() -> None:
    answer = asked("ec2:TerminateInstances", HOSPITAL)
    assert {each["resource"] for each in answer["allowed"]} == {"*"}
    assert answer["notes"][0].startswith("Nothing in this stack is what ec2:TerminateInstances")
    assert not [each for each in answer["allowed"] if each["who"] == "the anonymous public"]


def test_services_and_roles_of_the_stack_are_asked_with_their_own_policies() -> None:
    who = allowed("s3:PutObject", EVERYTHING)
    assert any(each.startswith("guardduty.amazonaws.com, acting for arn:") for each in who)
    assert not any("a stranger's resource" in each for each in who)
    assert "the role everything-auditor" in allowed("athena:StartQueryExecution", EVERYTHING)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("s3:GetObjekt", HOSPITAL), "did you mean s3:GetObject?"),
        (("s33:GetObject", HOSPITAL), "AWS has no service s33; did you mean s3:?"),
        (("GetObject", HOSPITAL), "write the service first"),
        (("s3:Nothing*", HOSPITAL), "ACTION must cover an action of AWS; got s3:Nothing*"),
        (("*", HOSPITAL), "ACTION must cover 300 actions at most"),
        (("s3:GetObject", "aws_s3_bucket.archve", HOSPITAL), "did you mean aws_s3_bucket.archive?"),
        (("s3:GetObject", "aws_kms_key.key", HOSPITAL), "RESOURCE must be what s3:GetObject is"),
        (("s3:ListAllMyBuckets", "aws_s3_bucket.archive", HOSPITAL), "leave RESOURCE out"),
        (("s3:GetObject", "absent.json"), "absent.json"),
        (("s3:GetObject", "a", "b", "c"), "who-can takes ACTION, RESOURCE and FILE; got"),
    ],
)
def test_a_question_that_makes_no_sense_is_exit_code_2(words: tuple[str, ...], said: str) -> None:
    done = orgtrail("who-can", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_an_arn_of_another_stack_is_said_to_be_unknown() -> None:
    answer = asked("s3:GetObject", "arn:aws:s3:::example-others-bucket/file", HOSPITAL)
    assert "is not of this stack" in answer["notes"][0]


@pytest.mark.parametrize(
    ("key", "chosen"),
    [
        ("kms:ViaService", True),
        ("kms:EncryptionContext:aws:s3:arn", True),
        ("s3:prefix", True),
        ("sts:ExternalId", True),
        ("aws:MultiFactorAuthPresent", True),
        ("aws:PrincipalTag/team", False),
        ("aws:SourceIp", False),
        ("aws:ResourceTag/kind", False),
        ("kms:ResourceAliases", False),
        ("s3:ExistingObjectTag/kind", False),
        ("token.actions.githubusercontent.com:sub", False),
    ],
)
def test_what_a_caller_can_choose(key: str, *, chosen: bool) -> None:
    assert is_chosen(key) is chosen


def test_a_row_is_true_of_each_of_its_actions_on_each_of_its_resources() -> None:
    """An administrator may delete answers of Athena, and no log file: never both in one row."""
    told = orgtrail("who-can", "s3:Delete*", "envs/healthcare.tfvars").stdout
    rows = [each for each in told.splitlines() if "s3:DeleteObject" in each and "logging" in each]
    assert not [each for each in rows if ":::example-healthcare-audit-archive," in each]
