"""Guards that bind others, keep readers from reading, have a gap, or spare one role too many."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.changes import added, edited, told, without
from tests.conftest import Json

SCP = ("aws_organizations_policy.guardrails_scp", "content")
READERS = ("aws_organizations_policy.guardrails_scp_readers", "content")
ARCHIVE = ("aws_s3_bucket_policy.archive_policy", "policy")
DEVELOPER = "arn:aws:iam::222222222222:role/dev"


@pytest.mark.parametrize("everybodys", ["*", "arn:aws:s3:::*"])
def test_a_guard_of_everybodys_buckets_is_found(everybodys: str, tmp_path: Path) -> None:
    change = edited("ProtectBuckets", lambda one: one.update(Resource=everybodys))
    (found,) = told(tmp_path, "healthcare", *SCP, change)
    bucket = "arn:aws:s3:::unrelated"
    assert found.startswith(
        "medium binds-bystanders aws_organizations_policy.guardrails_scp: SCP "
        f"protect-organization-trail: ProtectBuckets denies s3:DeleteBucket on {bucket}, "
        f"s3:DeleteBucketPolicy on {bucket}, "
    )
    assert found.endswith(
        "which is not the trail's: who works there is bound too. Name the trail's resources."
    )


def test_a_guard_of_everybodys_queues_is_found(tmp_path: Path) -> None:
    guard = {"Effect": "Deny", "Action": "sqs:PurgeQueue", "Resource": "*"}
    (found,) = told(tmp_path, "healthcare", *SCP, added(**guard))
    assert "Added denies sqs:PurgeQueue on arn:aws:sqs:us-east-1:" in found
    assert " binds-bystanders " in found


def test_a_guard_that_depends_on_the_place_binds_nobody_for_good(tmp_path: Path) -> None:
    abroad = {"StringNotEquals": {"aws:RequestedRegion": ["us-east-1", "us-west-2"]}}
    guard = {"Effect": "Deny", "Action": "sqs:PurgeQueue", "Resource": "*", "Condition": abroad}
    assert told(tmp_path, "healthcare", *SCP, added(**guard)) == []


def test_a_guard_that_keeps_readers_from_reading_is_found(tmp_path: Path) -> None:
    change = edited("ProtectTable", lambda one: one.update(Action="glue:*"))
    found = told(tmp_path, "healthcare", *READERS, change)
    assert any(
        each.startswith(f"medium denies-reading {READERS[0]}: SCP "
                        "protect-organization-trail-readers: ProtectTable denies glue:*, which "
                        "holds reading, such as glue:")
        and each.endswith(": auditors could not read. Name what changes.")
        for each in found
    )  # fmt: skip
    assert any("the role organization-trail-auditor cannot use glue:" in each for each in found)


@pytest.mark.parametrize(
    ("where", "sid", "act", "words"),
    [
        (SCP, "ProtectTrails", "cloudtrail:StopLogging", "denies 5 of 6 acts"),
        (SCP, "ProtectTrails", "cloudtrail:PutEventSelectors", "denies 5 of 6 acts"),
        (SCP, "KeepKeyAlias", "kms:UpdateAlias", "denies 1 of 2 acts"),
        (SCP, "StayInOrganization", "organizations:AcceptHandshake", "denies 1 of 2 acts"),
        (READERS, "ProtectTable", "glue:BatchDeleteTable", "leaves out glue:BatchDeleteTable"),
        (SCP, "ProtectExemptRoles", "iam:PutRolePolicy", "leaves out iam:PutRolePolicy"),
    ],
)
def test_a_gap_in_a_guard_is_found(
    where: tuple[str, str], sid: str, act: str, words: str, tmp_path: Path
) -> None:
    found = told(tmp_path, "healthcare", *where, edited(sid, lambda one: one["Action"].remove(act)))
    (gap,) = [each for each in found if " gap-in-guard " in each]
    assert gap.startswith(f"high gap-in-guard {where[0]}: {where[0]}: {sid} denies ")
    assert words in gap
    assert gap.endswith(f"leaves out {act}, which does the same harm. Add it.")


def test_what_another_statement_denies_is_no_gap(tmp_path: Path) -> None:
    def split(by_sid: Json) -> None:
        by_sid["ProtectTrails"]["Action"].remove("cloudtrail:StopLogging")
        by_sid["Rest"] = {**by_sid["ProtectTrails"], "Sid": "Rest",
                          "Action": "cloudtrail:StopLogging"}  # fmt: skip

    assert told(tmp_path, "healthcare", *SCP, split) == []


@pytest.mark.parametrize(("where", "sid"), [(SCP, "ProtectBuckets"), (ARCHIVE, "DenyDeletion")])
def test_a_role_that_one_statement_alone_exempts_is_found_once(
    where: tuple[str, str], sid: str, tmp_path: Path
) -> None:
    def exempt(statement: Json) -> None:
        statement["Condition"]["ArnNotLike"]["aws:PrincipalArn"].append(DEVELOPER)

    assert told(tmp_path, "healthcare", *where, edited(sid, exempt)) == [
        f"high uneven-exemption {where[0]}: {where[0]}: {sid} exempts {DEVELOPER}, and no other "
        "statement does: it is neither a role of the stack nor one that deploys it. Take it out."
    ]


def test_trails_of_members_that_nothing_keeps_are_found(tmp_path: Path) -> None:
    found = told(tmp_path, "healthcare", *SCP, without("ProtectTrails"))
    assert (
        "low member-trails aws_organizations_policy.guardrails_scp: cloudtrail:StopLogging, "
        "cloudtrail:DeleteTrail, cloudtrail:UpdateTrail on trails of an account's own: no service "
        "control policy denies it, and whoever takes an account over could blind it. Deny it."
    ) in found


@pytest.mark.parametrize(
    ("policy", "receiver", "arn"),
    [
        ("aws_sns_topic_policy.siem_topic_policy", "aws_sns_topic.siem_topic",
         "arn:aws:sns:us-east-1:600000000002:everything-files"),
        ("aws_sqs_queue_policy.siem_queue_policy", "aws_sqs_queue.siem_queue",
         "arn:aws:sqs:us-east-1:600000000002:everything-files"),
        ("aws_sns_topic_policy.alarms_topic_policy", "aws_sns_topic.alarms_topic",
         "arn:aws:sns:us-east-1:600000000001:everything-alarms"),
    ],
)  # fmt: skip
def test_a_receiver_that_takes_plain_text_is_found(
    policy: str, receiver: str, arn: str, tmp_path: Path
) -> None:
    assert told(tmp_path, "everything", policy, "policy", without("DenyInsecureTransport")) == [
        f"low plain-text {receiver}: {arn} takes calls without TLS. Deny them in its policy, where "
        "aws:SecureTransport is false."
    ]
