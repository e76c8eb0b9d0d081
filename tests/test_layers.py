"""What is held by one layer where two are to hold it; and the clean stacks, which have both."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from orgtrail.check.findings import Finding
from orgtrail.check.run import check

from tests import golden
from tests.changes import edited, findings, told, without
from tests.conftest import Json
from tests.mistakes import ARCHIVE, SCP, rewrite

RCP = ("aws_organizations_policy.guardrails_rcp", "content")
BUCKET = "arn:aws:s3:::example-healthcare-audit-archive"
ACCESS_LOGS = "example-fintech-audit-access"
DELETING = (
    "delete a log file (s3:DeleteObject), delete a log file by replication (s3:ReplicateDelete), "
    "delete a digest (s3:DeleteObject), delete an old version of a log file "
    "(s3:DeleteObjectVersion)"
)
RULES = {
    "access", "delivery", "trust", "beyond-purpose", "one-layer", "gap-in-guard", "reach",
    "uneven-exemption", "binds-bystanders", "denies-reading",
}  # fmt: skip
ADVISED = {
    ("trust", "as everybody in that account can: name the role, in trusted."): (
        "a SIEM outside trusts a whole account, with an external id: its vendor names no role"
    ),
    ("access", "SiemSubscribes. Nothing here needs that."): (
        "a topic lets an account outside subscribe, which the file says, and a stack cannot"
    ),
}
"""By rule and end of the message: findings of low severity about stacks that are as meant."""


def test_logs_that_only_the_organization_keeps_are_found(tmp_path: Path) -> None:
    assert told(tmp_path, "healthcare", *ARCHIVE, without("DenyDeletion")) == [
        f"one-layer one-layer aws_s3_bucket_policy.archive_policy: {DELETING}: held by one layer "
        f"only, the service control policies. One mistake in it would open {BUCKET}."
    ]


def test_logs_that_only_their_bucket_keeps_are_found(tmp_path: Path) -> None:
    found = told(tmp_path, "healthcare", *SCP, without("ProtectLogFiles"))
    layers = [each for each in found if each.startswith("one-layer ")]
    assert any(
        "aws_s3_bucket_policy.archive_policy: write or overwrite a log file (s3:PutObject)" in each
        and "held by one layer only, the policy of bucket example-healthcare-audit-archive." in each
        for each in layers
    )
    assert any("aws_s3_bucket_policy.archive_access_logs_policy: delete a file" in each
               for each in layers)  # fmt: skip


def test_access_logs_are_held_twice_as_well(tmp_path: Path) -> None:
    policy = ("aws_s3_bucket_policy.archive_access_logs_policy", "policy")
    (found,) = told(tmp_path, "healthcare", *policy, without("DenyDeletion"))
    assert found.startswith(f"one-layer one-layer {policy[0]}: delete a file of bucket")
    assert "held by one layer only, the service control policies." in found


def test_forged_logs_that_only_the_organization_refuses_are_found(tmp_path: Path) -> None:
    found = told(tmp_path, "healthcare", *ARCHIVE, without("DenyForgedLogs"))
    assert any(
        each.startswith("one-layer one-layer aws_s3_bucket_policy.archive_policy: write or")
        for each in found
    )


def test_what_no_layer_holds_is_worse_than_one_layer(tmp_path: Path) -> None:
    changes = rewrite(*ARCHIVE, without("DenyDeletion")), rewrite(*SCP, without("ProtectLogFiles"))
    found = findings(tmp_path, "healthcare", *changes)
    assert any(each.rule == "access" and each.severity == "high" for each in found)


@pytest.mark.parametrize(
    ("sid", "who"),
    [
        ("OnlyThisOrganization", "strangers"),
        ("ServicesForThisOrganization", "services of strangers"),
    ],
)
def test_a_bucket_that_the_resource_control_policy_leaves_out_is_found(
    sid: str, who: str, tmp_path: Path
) -> None:
    def leave_out(statement: Json) -> None:
        statement["Resource"] = [one for one in statement["Resource"] if ACCESS_LOGS not in one]

    (found,) = told(tmp_path, "fintech", *RCP, edited(sid, leave_out))
    arn = f"arn:aws:s3:::{ACCESS_LOGS}"
    assert found == (
        f"one-layer one-layer aws_s3_bucket.archive_access_logs: s3:ListBucket on {arn}, "
        f"s3:GetObject on {arn}/any, s3:PutObject on {arn}/any by {who}: held by one layer only, "
        "the resource's own policy; the resource control policy protects others and leaves this "
        "out. Add it."
    )


def test_keys_that_the_resource_control_policy_leaves_out_are_named(tmp_path: Path) -> None:
    def leave_out(statement: Json) -> None:
        statement["Resource"] = [one for one in statement["Resource"] if ":kms:" not in one]

    (found,) = told(tmp_path, "fintech", *RCP, edited("OnlyThisOrganization", leave_out))
    for name in ("guardduty_key", "key"):
        assert f"kms:Decrypt on arn:aws:kms:eu-west-1:500000000002:key/aws_kms_key.{name}" in found


def is_about_layers(finding: Finding) -> bool:
    return finding.rule in RULES and finding.severity != "unproven"


@pytest.mark.parametrize(
    "path", sorted(one for folder in golden.FOLDERS for one in folder.glob("*.tfvars")),
    ids=lambda path: path.stem,
)  # fmt: skip
def test_the_example_files_are_as_their_settings_mean(path: Path) -> None:
    found = [each for each in check(path).findings if is_about_layers(each)]
    assert not [each for each in found if each.severity != "low"]
    assert all(known(each) for each in found), found


@pytest.mark.parametrize("name", sorted(one for one in golden.fresh() if one.endswith(".tf.json")))
def test_the_synthesized_stacks_are_as_meant(name: str, tmp_path: Path) -> None:
    path = tmp_path / "cdk.tf.json"
    path.write_text(json.dumps(json.loads(golden.fresh()[name])), encoding="utf-8")
    found = [each for each in check(path).findings if is_about_layers(each)]
    assert not [each for each in found if each.severity != "low"]
    assert all(known(each) for each in found), found


def test_every_reason_is_needed() -> None:
    paths = [one for folder in golden.FOLDERS for one in folder.glob("*.tfvars")]
    found = [each for path in paths for each in check(path).findings if is_about_layers(each)]
    assert {known(each) for each in found} <= set(ADVISED.values())
    assert ADVISED[next(iter(ADVISED))] in {known(each) for each in found}


def known(finding: Finding) -> str:
    """Return why a finding about a stack that is as meant is true; empty if nobody said it."""
    reasons = (
        why for (rule, end), why in ADVISED.items()
        if finding.rule == rule and finding.message.endswith(end) and finding.severity == "low"
    )  # fmt: skip
    return next(reasons, "")
