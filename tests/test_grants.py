"""Who is let in by the policies of buckets, keys, topics and queues, and is not meant to be."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.changes import added, edited, findings, told
from tests.conftest import Json
from tests.mistakes import ARCHIVE, KEY, rewrite

OUTSIDER = {"AWS": "arn:aws:iam::999999999990:root"}
HOSPITAL = "arn:aws:s3:::example-healthcare-audit-archive"
BANK = "arn:aws:s3:::example-fintech-audit-archive"
LAST = "500000000043"
LOGS = f"{HOSPITAL}/AWSLogs/o-examplehc01"
TOPIC = ("aws_sns_topic_policy.siem_topic_policy", "policy")
QUEUE = ("aws_sqs_queue_policy.siem_queue_policy", "policy")
FILES = "arn:aws:sns:us-east-1:600000000002:everything-files"


def access(folder: Path, name: str, where: tuple[str, str], statement: Json) -> list[str]:
    """Return the findings about a statement that is added, of the place of its policy."""
    found = told(folder, name, *where, added(**statement))
    return [each for each in found if f" access {where[0]}: " in each]


def test_an_outsider_with_every_action_on_the_key_is_found_once(tmp_path: Path) -> None:
    statement = {"Principal": OUTSIDER, "Action": "kms:*", "Resource": "*"}
    (found,) = told(tmp_path, "healthcare", *KEY, added(**statement))
    assert found.startswith(
        "high access aws_kms_key.key: any role of account 999999999990, which is not of the "
        "organization, can use kms:CancelKeyDeletion on "
    )
    assert found.endswith(
        " more: the policy of key alias/healthcare-audit: Added. Nothing here needs that."
    )


def test_an_outsider_that_reads_old_versions_is_found(tmp_path: Path) -> None:
    statement = {"Principal": OUTSIDER, "Action": "s3:GetObjectVersion",
                 "Resource": f"{HOSPITAL}/*"}  # fmt: skip
    (found,) = access(tmp_path, "healthcare", ARCHIVE, statement)
    assert "999999999990, which is not of the organization, can use s3:GetObjectVersion" in found


def test_an_outsider_that_reads_the_logs_of_one_member_is_found(tmp_path: Path) -> None:
    statement = {"Principal": OUTSIDER, "Action": "s3:GetObject",
                 "Resource": f"{LOGS}/444444444444/CloudTrail/*"}  # fmt: skip
    (found,) = told(tmp_path, "healthcare", *ARCHIVE, added(**statement))
    path = "us-east-1/2026/01/31/any.json.gz"
    assert found == (
        "high access aws_s3_bucket_policy.archive_policy: any role of account 999999999990, which "
        f"is not of the organization, can use s3:GetObject on {LOGS}/444444444444/CloudTrail/"
        f"{path}, s3:GetObject on {LOGS}/444444444444/CloudTrail/any: the policy of bucket "
        "example-healthcare-audit-archive: Added. Nothing here needs that."
    )


@pytest.mark.parametrize("account", ["500000000003", LAST])
def test_every_member_is_asked_about_by_name_and_not_the_first_alone(
    account: str, tmp_path: Path
) -> None:
    member = {"AWS": f"arn:aws:iam::{account}:root"}
    statement = {"Principal": member, "Action": "kms:*", "Resource": "*"}
    (found,) = access(tmp_path, "fintech", KEY, statement)
    assert f"any role of account {account} can use kms:" in found


def test_a_role_of_a_member_that_decrypts_is_found(tmp_path: Path) -> None:
    developer = {"AWS": f"arn:aws:iam::{LAST}:role/dev"}
    statement = {"Principal": developer, "Action": "kms:Decrypt", "Resource": "*"}
    assert told(tmp_path, "fintech", *KEY, added(**statement)) == [
        f"high access aws_kms_key.key: role/dev of account {LAST} can use kms:Decrypt on "
        "arn:aws:kms:eu-west-1:500000000002:key/aws_kms_key.key: the policy of key "
        "alias/fintech-audit: Added. Nothing here needs that."
    ]


def test_a_role_name_that_every_account_can_have_is_found(tmp_path: Path) -> None:
    pattern = {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/reader"}}
    statement = {"Principal": "*", "Action": "s3:GetObject", "Resource": f"{HOSPITAL}/*",
                 "Condition": pattern}  # fmt: skip
    found = access(tmp_path, "healthcare", ARCHIVE, statement)
    outside = "role/reader of account 000000000000, which is not of the organization, can use"
    assert any(outside in each for each in found)
    assert any("role/reader of account 333333333333 can use" in each for each in found)


def test_accounts_by_a_pattern_of_digits_are_found(tmp_path: Path) -> None:
    pattern = {"StringLike": {"aws:PrincipalAccount": "9*"}}
    statement = {"Principal": "*", "Action": "s3:GetObject", "Resource": f"{HOSPITAL}/*",
                 "Condition": pattern}  # fmt: skip
    (found,) = access(tmp_path, "healthcare", ARCHIVE, statement)
    assert "any role of account 900000000000, which is not of the organization, can use" in found


def test_a_statement_too_wide_for_members_is_found_at_it_and_not_at_the_others(
    tmp_path: Path,
) -> None:
    pattern = {"StringLike": {"aws:PrincipalAccount": "9*"}}
    statement = {"Principal": "*", "Action": "s3:GetObject", "Resource": f"{BANK}/*",
                 "Condition": pattern}  # fmt: skip
    found = told(tmp_path, "fintech", *ARCHIVE, added(**statement))
    isolation, layer = found
    assert isolation.startswith(
        "high member-isolation aws_s3_bucket_policy.archive_policy: the policy of bucket "
        "example-fintech-audit-archive: Added lets "
    )
    assert layer.startswith("one-layer one-layer aws_s3_bucket_policy.archive_policy: ")
    assert "any role of account 900000000000, which is not of the organization" in layer


def test_a_service_for_the_resources_of_strangers_is_found(tmp_path: Path) -> None:
    statement = {"Principal": {"Service": "config.amazonaws.com"}, "Action": "s3:PutObject",
                 "Resource": f"{HOSPITAL}/config/*",
                 "Condition": {"StringLike": {"aws:SourceAccount": "*"}}}  # fmt: skip
    assert (
        "high access aws_s3_bucket_policy.archive_policy: config.amazonaws.com, acting for a "
        f"resource of account 000000000000, can use s3:PutObject on {HOSPITAL}/config/any: the "
        "policy of bucket example-healthcare-audit-archive: Added. Nothing here needs that."
    ) in access(tmp_path, "healthcare", ARCHIVE, statement)


def test_a_service_that_reads_is_found(tmp_path: Path) -> None:
    own = {"StringEquals": {"aws:SourceAccount": "222222222222"}}
    statement = {"Principal": {"Service": "macie.amazonaws.com"}, "Action": "s3:GetObject",
                 "Resource": f"{LOGS}/*", "Condition": own}  # fmt: skip
    found = access(tmp_path, "healthcare", ARCHIVE, statement)
    assert any("macie.amazonaws.com, acting for a resource of account 222222222222," in each
               for each in found)  # fmt: skip


def test_whoever_signs_in_at_a_provider_is_found(tmp_path: Path) -> None:
    statement = {"Principal": {"Federated": "cognito-identity.amazonaws.com"},
                 "Action": "s3:GetObject", "Resource": f"{HOSPITAL}/*"}  # fmt: skip
    found = access(tmp_path, "healthcare", ARCHIVE, statement)
    for who, each in zip(
        ("a stranger signed in by cognito-identity.amazonaws.com",
         "anybody whom cognito-identity.amazonaws.com lets in without a sign-in"),
        found, strict=True,
    ):  # fmt: skip
        assert f"{who} can use s3:GetObject" in each


def test_what_configures_a_bucket_is_asked_of_the_bucket(tmp_path: Path) -> None:
    """An inventory lists every key and version into the bucket of whoever asks for it."""
    statement = {"Principal": {"AWS": "999999999990"}, "Action": "s3:PutInventoryConfiguration",
                 "Resource": HOSPITAL}  # fmt: skip
    (found,) = access(tmp_path, "healthcare", ARCHIVE, statement)
    assert f"can use s3:PutInventoryConfiguration on {HOSPITAL}: " in found


@pytest.mark.parametrize(
    ("principal", "who"),
    [
        ("999999999990", "any role of account 999999999990"),
        ("arn:aws:iam::999999999990:user/ann", "user/ann of account 999999999990"),
        ("arn:aws:iam::999999999990:role/a/b", "role/a/b of account 999999999990"),
        ("arn:aws:sts::999999999990:assumed-role/dev/ann", "role/dev of account 999999999990"),
        ("arn:aws:sts::999999999990:federated-user/ann", "federated-user/ann of account"),
    ],
)
def test_principals_of_every_form_are_understood(principal: str, who: str, tmp_path: Path) -> None:
    statement = {"Principal": {"AWS": principal}, "Action": "s3:GetObject",
                 "Resource": f"{HOSPITAL}/*"}  # fmt: skip
    (found,) = access(tmp_path, "healthcare", ARCHIVE, statement)
    assert f"archive_policy: {who}" in found
    assert "which is not of the organization, can use s3:GetObject" in found


def test_all_but_one_is_everybody(tmp_path: Path) -> None:
    but = {"AWS": "arn:aws:iam::600000000002:role/any"}
    statement = {"NotPrincipal": but, "Action": "sns:Publish", "Resource": FILES}
    found = access(tmp_path, "everything", TOPIC, statement)
    assert any("anybody without credentials can use sns:Publish" in each for each in found)


def test_topics_and_queues_are_asked_about(tmp_path: Path) -> None:
    statement = {"Principal": OUTSIDER, "Action": "sns:Subscribe", "Resource": FILES}
    (found,) = access(tmp_path, "everything", TOPIC, statement)
    assert found.startswith("low access aws_sns_topic_policy.siem_topic_policy: any role of acc")
    take = {"Principal": OUTSIDER, "Action": "sqs:*", "Resource": FILES.replace("sns", "sqs")}
    (found,) = access(tmp_path, "everything", QUEUE, take)
    assert "999999999990, which is not of the organization, can use sqs:" in found


def test_a_topic_that_takes_the_notices_of_any_bucket_is_found(tmp_path: Path) -> None:
    def of_any(statement: Json) -> None:
        statement["Condition"]["ArnLike"]["aws:SourceArn"] = "arn:aws:s3:::*"
        del statement["Condition"]["StringEquals"]

    found = findings(tmp_path, "everything", rewrite(*TOPIC, edited("ArchiveNotifies", of_any)))
    assert any(
        each.rule == "access" and "s3.amazonaws.com, acting for" in each.message for each in found
    )


def test_what_a_condition_leaves_open_is_unproven(tmp_path: Path) -> None:
    somewhere = {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}
    statement = {"Principal": OUTSIDER, "Action": "s3:GetObject", "Resource": f"{HOSPITAL}/*",
                 "Condition": somewhere}  # fmt: skip
    (found,) = access(tmp_path, "healthcare", ARCHIVE, statement)
    assert found.startswith("unproven access ")
    assert "may be able to use s3:GetObject" in found
    assert "nothing is known of the condition key aws:SourceIp" in found


@pytest.mark.parametrize(
    ("principal", "named"),
    [
        ({"CanonicalUser": "79a59df900b949e5"}, "CanonicalUser 79a59df900b949e5"),
        ({"AWS": "AROAEXAMPLEEXAMPLE123"}, "AWS AROAEXAMPLEEXAMPLE123"),
        ({"AWS": "arn:aws"}, "AWS arn:aws"),
    ],
)
def test_a_principal_that_says_nobody_is_unproven(
    principal: Json, named: str, tmp_path: Path
) -> None:
    statement = {"Principal": principal, "Action": "s3:GetObject", "Resource": f"{HOSPITAL}/*"}
    assert told(tmp_path, "healthcare", *ARCHIVE, added(**statement)) == [
        "unproven unreadable-policy aws_s3_bucket_policy.archive_policy: "
        f"aws_s3_bucket_policy.archive_policy: Added lets {named} in, and whom that is no stack "
        "tells. Name an account, a role or a service."
    ]


@pytest.mark.parametrize(
    "statement",
    [
        {"Principal": {"AWS": []}, "Action": "s3:GetObject", "Resource": f"{HOSPITAL}/*"},
        {"Principal": OUTSIDER, "Action": [], "Resource": []},
        {"Principal": OUTSIDER, "Action": "s3:GetObject", "Resource": "arn:aws:s3:x"},
    ],
)
def test_a_statement_that_lets_nobody_do_anything_is_no_finding(
    statement: Json, tmp_path: Path
) -> None:
    assert told(tmp_path, "healthcare", *ARCHIVE, added(**statement)) == []
