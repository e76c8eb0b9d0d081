"""What exists already: imported by the first plan, or only referred to, and then unproven."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from orgtrail.check.controls import Status
from orgtrail.check.findings import Severity
from orgtrail.check.run import Report, check
from orgtrail.environments import load_environment
from orgtrail.errors import SettingsError
from orgtrail.trail import auditors, service_control, siem
from orgtrail.trail.policy import Document

from tests import golden
from tests.conftest import MINIMAL, ROOT, Json, environment, merged, orgtrail, synthesized, tfvars

OURS = "arn:aws:kms:us-east-1:222222222222:key/1"
THEIRS = "arn:aws:kms:us-east-1:111111111111:key/1"
ONLY = {"manage": False}
EFFECTLESS = "must be left out where adopt.{}.manage is false: it would have no effect"


def without_effect(setting: str, part: str) -> str:
    return f"{setting} {EFFECTLESS.format(part)}"


CASES: list[tuple[Json, list[str]]] = [
    (
        {"adopt": {"key": {"arn": THEIRS}}},
        [
            "adopt.key.arn must be a key of the logging account (222222222222) where "
            f'adopt.key.manage is true; got "{THEIRS}"'
        ],
    ),
    (
        {"adopt": {"key": {"arn": OURS.replace("us-east-1", "eu-west-1"), **ONLY}}},
        [
            "adopt.key.arn must be a key in home_region (us-east-1); "
            'got "arn:aws:kms:eu-west-1:222222222222:key/1"'
        ],
    ),
    (
        {"adopt": {"key": {"arn": f"{OURS[:-1]}mrk-1"}}},
        [
            "adopt.key.arn must not be a multi-Region key where adopt.key.manage is true: "
            f'it would be replaced; got "{OURS[:-1]}mrk-1"'
        ],
    ),
    (
        {
            "adopt": {"key": {"arn": OURS, **ONLY}},
            "key": {"administrators": ["arn:aws:iam::222222222222:root"]},
            "access": {"member_readers": {}},
        },
        [
            without_effect("key.administrators", "key"),
            without_effect("access.member_readers", "key"),
        ],
    ),
    (
        {
            "adopt": {"trail": ONLY, "delivery_role": {}},
            "recording": {},
            "trail": {"insights": ["ApiCallRateInsight"], "log_file_validation": False},
        },
        [
            without_effect("recording", "trail"),
            without_effect("trail.insights", "trail"),
            without_effect("trail.log_file_validation", "trail"),
            without_effect("adopt.delivery_role", "trail"),
            "adopt.log_group must be { manage = false }, or delivery.enabled false, where "
            "adopt.trail.manage is false: a trail that is not managed delivers where it does "
            "already",
        ],
    ),
    (
        {"adopt": {"log_group": {}, "delivery_role": {}}, "delivery": {"enabled": False}},
        [
            "adopt.log_group must be left out where delivery.enabled is false",
            "adopt.delivery_role must be left out where delivery.enabled is false",
        ],
    ),
    (
        {
            "adopt": {"bucket": {"parts": ["lock"], **ONLY}},
            "archive": {"glacier_after_days": 90},
            "siem": {},
            "access": {"member_readers": {}},
        },
        [
            without_effect("archive.glacier_after_days", "bucket"),
            without_effect("siem", "bucket"),
            without_effect("access.member_readers", "bucket"),
            without_effect("adopt.bucket.parts", "bucket"),
            "adopt.bucket.parts must not hold lock without archive.object_lock",
        ],
    ),
    (
        {"adopt": {"bucket": {}, "access_log_bucket": {"manage": True}}},
        [
            f"adopt.{name}.parts must name what is set on the bucket already, or be [] where "
            "nothing is: what is set and not named is replaced, and no plan shows that"
            for name in ("bucket", "access_log_bucket")
        ],
    ),
    (
        {"adopt": {"bucket": {"parts": ["notification"]}}},
        [
            "adopt.bucket.parts must not have notification where nobody is notified: it stays as "
            "it is; name who is notified in archive.notifications, or leave it out"
        ],
    ),
    (
        {
            "adopt": {"trail": ONLY, "bucket": ONLY, "log_group": ONLY},
            "trail": {"sns_topic": {"name": "notices"}},
            "archive": {
                "notifications": [
                    {"arn": "arn:aws:sns:us-east-1:222222222222:told", "events": ["s3:Replication"]}
                ],
                "eventbridge": True,
            },
        },
        [
            without_effect("trail.sns_topic", "trail"),
            without_effect("archive.notifications", "bucket"),
            without_effect("archive.eventbridge", "bucket"),
        ],
    ),
    (
        {"adopt": {"access_log_bucket": {"parts": ["notification"]}}},
        [
            "adopt.access_log_bucket.parts must not hold notification: a bucket of access logs "
            "has none"
        ],
    ),
    (
        {"adopt": {"access_log_bucket": {"parts": ["logging"]}}},
        ["adopt.access_log_bucket.parts must not hold logging: a bucket of access logs has none"],
    ),
    (
        {"adopt": {"scp": {"id": "p-example1", "attached": ["222222222222"]}}},
        [
            "adopt.scp.attached[0] must be one of guardrails.targets: a plan would not know of "
            'it otherwise; got "222222222222"'
        ],
    ),
    (
        {"adopt": {"scp": {"id": "example"}}, "guardrails": {"targets": []}},
        ['adopt.scp.id must be p- and 8 to 128 letters, digits or _; got "example"'],
    ),
    (
        {"adopt": {"scp": {"id": "p-example1"}}, "guardrails": {"targets": []}},
        ["adopt.scp must be left out where guardrails.targets is empty"],
    ),
]


@pytest.mark.parametrize(("changes", "expected"), CASES, ids=lambda case: str(case)[:60])
def test_what_would_have_no_effect_is_refused(
    tmp_path: Path, changes: Json, expected: list[str]
) -> None:
    path = tmp_path / "bank.tfvars"
    path.write_text(tfvars(merged(MINIMAL, changes)))
    with pytest.raises(SettingsError) as raised:
        load_environment(path)
    told = [line.partition(": ")[2] for line in str(raised.value).splitlines()]
    assert sorted(told) == sorted(expected)


def imports(stack: Json) -> dict[str, str]:
    return {each["to"]: each["id"] for each in stack.get("import", ())}


def resources(stack: Json) -> set[str]:
    return {f"{kind}.{name}" for kind, named in stack["resource"].items() for name in named}


def test_every_import_is_of_a_resource_that_is_there() -> None:
    stack = json.loads(golden.fresh()["adopted.tf.json"])
    assert len(imports(stack)) == len(stack["import"]) == 20
    assert set(imports(stack)) <= resources(stack)


def test_adopting_changes_nothing_but_the_imports() -> None:
    adopt = {
        "bucket": {"parts": ["policy"]},
        "access_log_bucket": {"parts": []},
        "key": {"arn": OURS, "alias": False},
        "trail": {},
        "log_group": {},
        "delivery_role": {},
        "scp": {"id": "p-example1"},
    }
    made = synthesized(environment())
    adopted = synthesized(environment(adopt=adopt))
    named = imports(adopted)
    assert named["aws_kms_key.key"] == "1"
    assert "aws_kms_alias.key_alias" not in named
    root = environment().organization.root_id
    place = f"aws_organizations_policy_attachment.guardrails_scp_{root}"
    assert named[place] == f"{root}:p-example1"
    del adopted["import"]
    assert adopted == made


def test_what_is_only_referred_to_is_neither_made_nor_imported() -> None:
    stack = json.loads(golden.fresh()["referred.tf.json"])
    assert "import" not in stack
    made = resources(stack)
    for kind in ("aws_cloudtrail", "aws_cloudwatch_log_group", "aws_organizations_policy"):
        assert not any(each.startswith(f"{kind}.") for each in made)
    assert {each for each in made if each.startswith("aws_s3_bucket.")} == {
        "aws_s3_bucket.catalog_results"
    }
    (attachment,) = stack["resource"]["aws_organizations_policy_attachment"].values()
    assert (attachment["policy_id"], attachment["target_id"]) == ("p-example2", "r-ref1")
    encryption = stack["resource"]["aws_s3_bucket_server_side_encryption_configuration"]
    key = "arn:aws:kms:us-east-1:620000000001:key/12345678-1234-1234-1234-123456789012"
    assert key in json.dumps(encryption["catalog_results_encryption"])
    logging = stack["resource"]["aws_s3_bucket_logging"]["catalog_results_logging"]
    assert logging["target_bucket"].startswith("aws-controltower-s3-access-logs-")


def test_a_key_that_is_referred_to_is_named_by_its_arn() -> None:
    feed = {"reader": {"trusted": ["arn:aws:iam::333333333333:root"], "external_id": "siem-1"}}
    env = environment(adopt={"key": {"arn": THEIRS, **ONLY}}, siem=feed)
    assert env.siem
    for document in (auditors.auditor_permissions(env), siem.reader_permissions(env, env.siem)):
        by_arn = [each for each in statements(document) if each["Resource"] == THEIRS]
        assert [each["Action"][0] for each in by_arn] == ["kms:Decrypt"]
        assert "kms:ResourceAliases" not in json.dumps(by_arn)
        assert f'"{env.key.alias}"' not in json.dumps(document)
    protect = {each["Sid"]: each for each in statements(service_control.service_control(env)[""])}
    assert protect["ProtectKey"]["Resource"] == THEIRS
    assert "KeepKey" not in protect


def statements(document: Document) -> list[Json]:
    return list(document["Statement"])


def checked(name: str) -> Report:
    return check(ROOT / "tests" / "envs" / f"{name}.tfvars")


def test_what_is_brought_under_management_is_proven_as_if_it_were_new() -> None:
    report = checked("adopted")
    assert report.findings == ()
    assert all(each.agrees for each in report.access)


def test_whom_the_bucket_told_is_not_forgotten_in_silence(tmp_path: Path) -> None:
    path = tmp_path / "bank.tfvars"
    path.write_text(tfvars(merged(MINIMAL, {"adopt": {"bucket": {"parts": []}}, "siem": {}})))
    (found,) = [each for each in check(path).findings if each.setting == "adopt.bucket.parts"]
    assert found.message.partition(": ")[2] == (
        "adopt.bucket.parts leaves out notification, which this file sets: whoever the bucket "
        "notifies now is no longer notified, and no plan shows that; got []"
    )


def test_what_is_only_referred_to_is_unproven() -> None:
    report = checked("referred")
    parts = ("bucket", "access_log_bucket", "key", "trail", "log_group", "scp")
    unproven = [each for each in report.findings if each.severity is Severity.UNPROVEN]
    assert [each.setting for each in unproven] == [f"adopt.{part}" for part in parts]
    verdicts = {each.ids[-1]: each.verdict for each in report.controls}
    for control in ("CloudTrail.1", "CloudTrail.2", "CloudTrail.6", "KMS.4", "S3.5"):
        assert verdicts[control] is Status.UNPROVEN
    # What the alarms listen for is ours to say.
    assert verdicts["CloudWatch.1"] is Status.PASS


def test_the_command_says_so() -> None:
    done = orgtrail("check", "tests/envs/referred.tfvars")
    assert "unproven  adopt · adopt.bucket: is only referred to" in done.stdout
    assert done.stderr == ""


def test_the_stack_of_what_is_referred_to_is_unproven_too() -> None:
    """Its JSON has no trail: that is told where it is managed, and is no fault here."""
    report = check(ROOT / "tests" / "golden" / "control-tower.tf.json")
    assert {each.severity for each in report.findings} == {Severity.UNPROVEN}
    assert "trail-elsewhere" in {each.rule for each in report.findings}
    of_trail = [each for each in report.controls if each.ids[-1].startswith("CloudTrail.")]
    assert {each.verdict for each in of_trail} == {Status.UNPROVEN}
