"""Policies: exact where AWS gives the text, and true of every environment where it matters."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from orgtrail import naming
from orgtrail.regions import partition
from orgtrail.settings.environment import Environment
from orgtrail.trail import (
    alarms,
    archive,
    auditors,
    catalog,
    delivery,
    guardduty,
    guardrails,
    key,
    members,
    service_control,
    siem,
)
from orgtrail.trail.policy import Document, administrators, text

from tests.conftest import Json, environment
from tests.strategies import environments, extended

TRAIL = "arn:aws:cloudtrail:us-east-1:111111111111:trail/organization-trail"
BUCKET = "arn:aws:s3:::example-bank-archive"


def documents(env: Environment) -> dict[str, Document]:
    found = {
        "archive": archive.archive_policy(env),
        "access logs": archive.access_log_policy(env),
        "results": catalog.results_policy(env),
        "key": key.key_policy(env),
        "delivery": delivery.delivery_permissions(env),
        "delivery trust": delivery.delivery_trust(env),
        **{
            f"scp {part}".strip(): each
            for part, each in service_control.service_control(env).items()
        },
        "rcp": guardrails.resource_control(env),
    }
    if env.alarms:
        found["alarms topic"] = alarms.topic_policy(env, env.alarms)
        found["alarms key"] = alarms.key_policy(env)
        found["chat trust"] = alarms.chat_trust()
        found["chat"] = alarms.chat_permissions()
    if env.access.auditor:
        found["auditor"] = auditors.auditor_permissions(env)
        found["auditor trust"] = auditors.auditor_trust(env.access.auditor)
    if env.access.member_readers:
        found["member reader"] = members.member_policy(env)
    if env.siem and env.siem.reader:
        found["siem key"] = siem.key_policy(env, env.siem)
        found["siem topic"] = siem.topic_policy(env, env.siem)
        found["siem queue"] = siem.queue_policy(env, env.siem)
        found["siem dead letters"] = siem.dead_letter_policy(env, env.siem)
        found["siem reader"] = siem.reader_permissions(env, env.siem)
        found["siem trust"] = siem.reader_trust(env.siem.reader)
    if env.guardduty and env.findings_bucket:
        found["findings"] = guardduty.findings_policy(env, env.guardduty, env.findings_bucket)
        found["findings key"] = guardduty.findings_key_policy(env, env.guardduty)
    return found


def statements(env: Environment) -> Iterator[tuple[str, Json]]:
    for name, document in documents(env).items():
        for statement in document["Statement"]:
            yield name, statement


def statement(document: Document, sid: str) -> Json:
    found: list[Json] = [each for each in document["Statement"] if each["Sid"] == sid]
    (only,) = found
    return only


def test_the_archive_lets_cloudtrail_in_by_exactly_three_statements() -> None:
    allowed = [
        each
        for each in archive.archive_policy(environment())["Statement"]
        if each["Effect"] == "Allow"
    ]
    service = {"Service": "cloudtrail.amazonaws.com"}
    acl = "bucket-owner-full-control"
    assert allowed == [
        {
            "Sid": "AWSCloudTrailAclCheck20150319",
            "Effect": "Allow",
            "Principal": service,
            "Action": "s3:GetBucketAcl",
            "Resource": BUCKET,
            "Condition": {"StringEquals": {"aws:SourceArn": TRAIL}},
        },
        {
            "Sid": "AWSCloudTrailWrite20150319",
            "Effect": "Allow",
            "Principal": service,
            "Action": "s3:PutObject",
            "Resource": f"{BUCKET}/AWSLogs/111111111111/*",
            "Condition": {"StringEquals": {"s3:x-amz-acl": acl, "aws:SourceArn": TRAIL}},
        },
        {
            "Sid": "AWSCloudTrailOrganizationWrite20150319",
            "Effect": "Allow",
            "Principal": service,
            "Action": "s3:PutObject",
            "Resource": f"{BUCKET}/AWSLogs/o-examplebank/*",
            "Condition": {"StringEquals": {"s3:x-amz-acl": acl, "aws:SourceArn": TRAIL}},
        },
    ]


def test_the_key_prefix_stands_before_both_prefixes() -> None:
    policy = archive.archive_policy(environment(trail={"key_prefix": "audit/org"}))
    assert [
        each["Resource"]
        for each in policy["Statement"]
        if each["Action"] == "s3:PutObject" and each["Effect"] == "Allow"
    ] == [
        f"{BUCKET}/audit/org/AWSLogs/111111111111/*",
        f"{BUCKET}/audit/org/AWSLogs/o-examplebank/*",
    ]
    forged = statement(policy, "DenyForgedLogs")
    assert forged["Resource"] == [
        f"{BUCKET}/audit/org/AWSLogs/o-examplebank/*",
        f"{BUCKET}/audit/org/AWSLogs/111111111111/CloudTrail*",
    ]


def test_digests_may_be_encrypted_with_the_key_of_s3() -> None:
    denied = statement(archive.archive_policy(environment()), "DenyWrongEncryption")
    assert denied["Condition"] == {
        "StringNotEquals": {"s3:x-amz-server-side-encryption": ["aws:kms", "AES256"]}
    }


def test_nobody_deletes_unless_named() -> None:
    nobody = statement(archive.archive_policy(environment()), "DenyDeletion")
    assert "Condition" not in nobody
    role = "arn:aws:iam::222222222222:role/break-glass"
    someone = archive.archive_policy(environment(archive={"break_glass_roles": [role]}))
    assert statement(someone, "DenyDeletion")["Condition"] == {
        "ArnNotLike": {"aws:PrincipalArn": [role]}
    }


def test_the_delivery_role_writes_the_two_streams_of_an_organization_trail() -> None:
    group = "arn:aws:logs:us-east-1:111111111111:log-group:/aws/cloudtrail/organization-trail"
    (only,) = delivery.delivery_permissions(environment())["Statement"]
    assert only["Resource"] == [
        f"{group}:log-stream:111111111111_CloudTrail_us-east-1*",
        f"{group}:log-stream:o-examplebank_*",
    ]


def test_key_administrators_never_lose_the_deploying_role() -> None:
    admin = "arn:aws:iam::222222222222:role/key-admin"
    named = administrators(environment(key={"administrators": [admin]}))
    assert named == [admin, "arn:aws:iam::222222222222:role/orgtrail-deploy"]
    assert administrators(environment()) == ["arn:aws:iam::222222222222:root"]


@pytest.mark.parametrize(
    ("sid", "action"),
    [
        ("ProtectTrails", "cloudtrail:StopLogging"),
        ("ProtectTrails", "cloudtrail:DeleteTrail"),
        ("ProtectTrails", "cloudtrail:UpdateTrail"),
        ("ProtectTrails", "cloudtrail:PutEventSelectors"),
        ("ProtectBuckets", "s3:PutBucketPolicy"),
        ("ProtectBuckets", "s3:PutLifecycleConfiguration"),
        ("ProtectBuckets", "s3:PutBucketVersioning"),
        ("ProtectLogFiles", "s3:DeleteObjectVersion"),
        ("ProtectKey", "kms:CreateGrant"),
        ("KeepKey", "kms:ScheduleKeyDeletion"),
        ("KeepKey", "kms:DisableKey"),
        ("KeepKey", "kms:PutKeyPolicy"),
        ("KeepKeyAlias", "kms:DeleteAlias"),
        ("ProtectTable", "glue:UpdateTable"),
        ("ProtectWorkgroup", "athena:UpdateWorkGroup"),
        ("ProtectLogGroup", "logs:DeleteLogGroup"),
        ("ProtectExemptRoles", "iam:UpdateAssumeRolePolicy"),
        ("StayInOrganization", "organizations:LeaveOrganization"),
        ("StayInOrganization", "organizations:AcceptHandshake"),
        ("KeepAccountAndRegions", "account:CloseAccount"),
        ("KeepAccountAndRegions", "account:DisableRegion"),
        ("ProtectExemptRoles", "iam:PassRole"),
        ("ProtectWorkgroup", "athena:UpdatePreparedStatement"),
        ("ProtectCatalog", "glue:PutResourcePolicy"),
        ("ProtectFromLakeFormation", "lakeformation:PutDataLakeSettings"),
        ("ProtectLogFiles", "s3:PutObjectLegalHold"),
    ],
)
def test_what_the_scp_denies(sid: str, action: str) -> None:
    assert action in statement(controls(environment()), sid)["Action"]


def controls(env: Environment) -> Document:
    """Return every statement of the SCPs, as if they were one."""
    of_all = [
        each for one in service_control.service_control(env).values() for each in one["Statement"]
    ]
    return {"Statement": of_all}


FOR_NOBODY = {"StayInOrganization", "KeepAccountAndRegions"}
FOR_BREAK_GLASS = {"ProtectLogFiles", "KeepKey", "KeepKeyAlias", "ProtectBreakGlassRoles"}


def test_only_the_named_roles_are_exempt_and_nobody_from_staying() -> None:
    role = "arn:aws:iam::222222222222:role/orgtrail-deploy"
    for each in controls(environment())["Statement"]:
        exempt = each.get("Condition", {}).get("ArnNotLike", {}).get("aws:PrincipalArn")
        everyone = each["Sid"] in FOR_NOBODY | FOR_BREAK_GLASS
        assert exempt == (None if everyone else [role]), each["Sid"]


def test_break_glass_roles_delete_evidence_and_its_key_and_change_nothing_else() -> None:
    role = "arn:aws:iam::222222222222:role/break-glass"
    scp = controls(environment(archive={"break_glass_roles": [role]}))
    holders = {each["Sid"] for each in scp["Statement"] if role in str(each.get("Condition"))}
    assert holders == FOR_BREAK_GLASS
    assert statement(scp, "ProtectBreakGlassRoles")["Resource"] == [role]


def test_each_policy_has_a_name_that_says_what_it_protects() -> None:
    assert list(service_control.service_control(environment())) == ["", "readers"]
    with_detection = environment(guardduty={})
    assert list(service_control.service_control(with_detection)) == ["", "readers", "detection"]


def test_partitions_outside_the_commercial_one() -> None:
    role = "arn:aws-us-gov:iam::222222222222:role/orgtrail-deploy"
    env = environment(home_region="us-gov-west-1", accounts={"logging": {"role_arn": role}})
    assert naming.trail_arn(env).startswith("arn:aws-us-gov:cloudtrail:us-gov-west-1:")
    assert partition("cn-north-1") == "aws-cn"


@given(extended())
def test_every_service_acts_for_something_of_ours(env: Environment) -> None:
    accounts = {env.management.id, env.logging.id}
    buckets = {naming.bucket_arn(env, each) for each in env.own_buckets}
    for name, each in statements(env):
        # The chat service is bound by iam:PassRole alone; policies/alarms.py tells why.
        if each["Effect"] == "Allow" and "Service" in each.get("Principal", {}):
            sources = {
                arn
                for condition in each.get("Condition", {}).values()
                for context, value in condition.items()
                if context == "aws:SourceArn"
                for arn in ([value] if isinstance(value, str) else value)
            }
            assert sources or name == "chat trust", (name, each["Sid"])
            for arn in sources:
                assert arn in buckets or arn.split(":")[4] in accounts, (name, arn)


@given(extended())
def test_no_allow_is_for_everyone_or_for_everything(env: Environment) -> None:
    for name, each in statements(env):
        if each["Effect"] == "Allow":
            assert each.get("Principal") != "*", (name, each["Sid"])
            if each.get("Principal") == {"AWS": "*"}:
                condition = each["Condition"]
                assert condition["StringEquals"]["aws:PrincipalOrgID"] == env.organization.id
                assert condition["ArnLike"]["aws:PrincipalArn"].endswith(
                    ":role/organization-trail-reader"
                )
            actions = [each["Action"]] if isinstance(each["Action"], str) else each["Action"]
            assert not any(
                action.endswith(("*", ":*")) for action in actions if action not in KEY_USE
            )


KEY_USE = {
    "kms:Describe*", "kms:DisableKey*", "kms:EnableKey*", "kms:GenerateDataKey*", "kms:Get*",
    "kms:List*",
}  # fmt: skip
"""Patterns in key policies as the KMS guide has them."""


@given(environments())
def test_every_bucket_demands_tls(env: Environment) -> None:
    for policy in (
        archive.archive_policy(env),
        archive.access_log_policy(env),
        catalog.results_policy(env),
    ):
        denied = statement(policy, "DenyInsecureTransport")
        assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        assert len(denied["Resource"]) == 2


@given(extended())
def test_policies_are_literal_and_small(env: Environment) -> None:
    for name, document in documents(env).items():
        written = text(document)
        assert "${" not in written.replace(members.OWN, ""), name
        assert "TfToken" not in written, name
        assert json.loads(written) == document
    for each in service_control.service_control(env).values():
        assert len(text(each)) <= 10_240
    assert len(text(guardrails.resource_control(env))) <= 5_120


@given(extended())
def test_statement_ids_are_unique_and_plain(env: Environment) -> None:
    for name, document in documents(env).items():
        sids = [each["Sid"] for each in document["Statement"]]
        assert len(sids) == len(set(sids)), name
        assert all(sid.isalnum() for sid in sids), name
