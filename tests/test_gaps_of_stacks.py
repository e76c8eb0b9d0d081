"""What a stack has beside its policies is read, or is told as not read; nothing passes silently."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from orgtrail.check.controls import Status
from orgtrail.check.findings import Severity
from orgtrail.check.run import check
from orgtrail.errors import OrgtrailError

from tests import golden
from tests.gaps import GAPS, KEY_POLICY, OUTSIDER, Gap, put
from tests.mistakes import checked, resource, stack

NEW = {each.rule for each in GAPS} - {"archive-open", "no-lock"}


@pytest.mark.parametrize("gap", GAPS, ids=lambda gap: gap.name)
def test_a_gap_is_told(gap: Gap, tmp_path: Path) -> None:
    content = stack(gap.stack)
    gap.change(content)
    found = [each for each in checked(tmp_path, content).findings if each.rule == gap.rule]
    assert (gap.severity, gap.address, gap.message) in [
        (each.severity, each.setting, each.message) for each in found
    ]


@pytest.mark.parametrize("name", [each.name for each in golden.environments()])
def test_our_own_stacks_have_no_gap(name: str, tmp_path: Path) -> None:
    assert not [each for each in checked(tmp_path, stack(name)).findings if each.rule in NEW]


def test_a_resource_that_is_there_once_is_there(tmp_path: Path) -> None:
    content = stack()
    for named in content["resource"].values():
        for each in named.values():
            if "for_each" not in each:
                each["count"] = 1
    assert checked(tmp_path, content).findings == ()


def test_a_number_or_a_flag_may_be_written_as_text(tmp_path: Path) -> None:
    content = stack()
    put("aws_s3_bucket_public_access_block.archive_public_access",
        block_public_acls="true")(content)  # fmt: skip
    put("aws_cloudtrail.trail", is_multi_region_trail="true")(content)
    lifecycle = "aws_s3_bucket_lifecycle_configuration.archive_lifecycle"
    expiration = resource(content, lifecycle)["rule"][0]["expiration"][0]
    expiration["days"] = str(expiration["days"])
    assert checked(tmp_path, content).findings == ()
    expiration["days"] = "${var.days}"
    found = checked(tmp_path, content).findings
    assert [each.setting for each in found if each.rule == "computed-argument"] == [lifecycle]


def test_no_attachment_is_no_guardrail(tmp_path: Path) -> None:
    content = stack()
    for each in content["resource"]["aws_organizations_policy_attachment"].values():
        each["count"] = 0
    rules = {each.rule for each in checked(tmp_path, content).findings}
    assert "no-guardrail" in rules


def test_a_policy_of_another_type_is_no_guardrail(tmp_path: Path) -> None:
    content = stack()
    for each in content["resource"]["aws_organizations_policy"].values():
        each["type"] = "TAG_POLICY"
    rules = {each.rule for each in checked(tmp_path, content).findings}
    assert "no-guardrail" in rules


def test_entries_of_a_set_are_known(tmp_path: Path) -> None:
    content = stack()
    attached = content["resource"]["aws_organizations_policy_attachment"]
    for each in attached.values():
        each["for_each"] = f'${{toset(["{each["target_id"]}"])}}'
        each["target_id"] = "${each.value}"
    assert checked(tmp_path, content).findings == ()


def test_a_policy_beside_its_key_is_the_policy_of_the_key(tmp_path: Path) -> None:
    content = stack()
    key = resource(content, "aws_kms_key.key")
    policy = key.pop("policy")
    put("aws_kms_key_policy.key", key_id="${aws_kms_key.key.id}", policy=policy)(content)
    report = checked(tmp_path, content)
    assert report.findings == ()
    assert all(each.agrees for each in report.access)
    put("aws_kms_key_policy.key", policy=json.dumps(KEY_POLICY))(content)
    found = checked(tmp_path, content).findings
    assert any(OUTSIDER in each.message for each in found if each.rule == "access")


def test_of_two_policies_what_only_one_says_is_not_proven(tmp_path: Path) -> None:
    content = stack()
    put("aws_s3_bucket_policy.more", bucket="${aws_s3_bucket.archive.arn}",
        policy=resource(content, "aws_s3_bucket_policy.archive_policy")["policy"].replace(
            '"Deny"', '"Allow"'))(content)  # fmt: skip
    found = [each for each in checked(tmp_path, content).findings if each.rule == "access"]
    assert any("is written more than once, and which one is applied last" in each.message
               for each in found)  # fmt: skip
    assert {each.severity for each in found} == {Severity.UNPROVEN}


@pytest.mark.parametrize("document", ["no JSON", "${data.aws_iam_policy_document.x.json}", [1],
                                      "[" * 3000 + "]" * 3000])  # fmt: skip
def test_a_policy_that_cannot_be_read_proves_nothing_wrong(
    document: object, tmp_path: Path
) -> None:
    content = stack()
    resource(content, "aws_s3_bucket_policy.archive_policy")["policy"] = document
    report = checked(tmp_path, content)
    assert {each.severity for each in report.findings} == {Severity.UNPROVEN}
    (tls,) = [each for each in report.controls if each.ids == ("S3.5",)]
    assert tls.verdict is Status.UNPROVEN


def test_a_policy_that_is_nested_too_deeply_says_so(tmp_path: Path) -> None:
    content = stack()
    deep = '{"Statement": ' + "[" * 100_000 + "]" * 100_000 + "}"
    resource(content, "aws_s3_bucket_policy.archive_policy")["policy"] = deep
    found = checked(tmp_path, content).findings
    said = "aws_s3_bucket_policy.archive_policy is nested too deeply. Write it as literal JSON"
    assert any(each.message.startswith(said) for each in found)


DEEP = "is nested too deeply: nothing that Terraform writes is."
SHAPE = "is not as Terraform writes it:"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[" * 200_000 + "]" * 200_000, DEEP),
        ('{"resource": ' + "[" * 200_000 + "]" * 200_000 + "}", DEEP),
        ('{"resource": {}, "provider": {"aws": "x"}}',
         f"{SHAPE} provider.aws must be an object or a list of objects."),
        ('{"resource": {"aws_s3_bucket": ["x"]}}',
         f"{SHAPE} resource.aws_s3_bucket must be an object or a list of objects."),
        ('{"resource": {"aws_s3_bucket": {"a": "x"}}}',
         f"{SHAPE} resource.aws_s3_bucket.a must be an object or a list of objects."),
        ('{"resource": {"aws_cloudtrail": {"a": {"insight_selector": [7]}}}}',
         f"{SHAPE} a value is of another type than Terraform gives it."),
    ],
    ids=range(6),
)  # fmt: skip
def test_an_odd_shape_is_told_in_plain_words(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(OrgtrailError) as error:
        check(path)
    assert str(error.value) == f"{path}: {said}"
