"""What has to arrive: for each flow, the policy that no longer allows it is found, and the loss."""

from __future__ import annotations

from pathlib import Path

import pytest
from orgtrail.check.model import FlowKind

from tests.changes import edited, findings, told, without
from tests.mistakes import rewrite, stack
from tests.test_from_terraform import of_json

LOST: dict[FlowKind, list[tuple[str, str, str, str, str, str]]] = {
    FlowKind.ACCESS_LOG: [
        ("aws_s3_bucket_policy.archive_access_logs_policy", "policy", "S3ServerAccessLogs1",
         "aws_s3_bucket_logging.archive_logging", "s3:PutObject",
         "the access log of bucket example-everything-archive does not arrive in bucket "
         "example-everything-access."),
    ],
    FlowKind.NOTIFICATION: [
        ("aws_sns_topic_policy.siem_topic_policy", "policy", "ArchiveNotifies",
         "aws_s3_bucket_notification.siem_notification", "sns:Publish",
         "notices of new files in bucket example-everything-archive do not arrive at "
         "everything-files."),
        ("aws_kms_key.siem_key", "policy", "BucketNotifies",
         "aws_s3_bucket_notification.siem_notification", "kms:GenerateDataKey",
         "do not arrive at everything-files."),
    ],
    FlowKind.SUBSCRIPTION: [
        ("aws_sqs_queue_policy.siem_queue_policy", "policy", "TopicSends",
         "aws_sns_topic_subscription.siem_subscription", "sqs:SendMessage",
         "messages of topic everything-files do not arrive in queue everything-files."),
        ("aws_kms_key.siem_key", "policy", "TopicDelivers",
         "aws_sns_topic_subscription.siem_subscription", "kms:Decrypt",
         "do not arrive in queue everything-files."),
    ],
    FlowKind.ALARM: [
        ("aws_sns_topic_policy.alarms_topic_policy", "policy", "AlarmsPublish",
         'aws_cloudwatch_metric_alarm.alarms_by_account["root-user"]', "sns:Publish",
         "alarms do not arrive at topic everything-alarms."),
        ("aws_kms_key.alarms_key", "policy", "AlarmsEncrypt",
         'aws_cloudwatch_metric_alarm.alarms_by_account["root-user"]', "kms:Decrypt",
         "alarms do not arrive at topic everything-alarms."),
    ],
    FlowKind.NOTICES: [
        ("aws_sns_topic_policy.trail_topic_policy", "policy", "AWSCloudTrailSNSPolicy20131101",
         "aws_cloudtrail.trail", "sns:Publish",
         "notices of new log files do not arrive at topic everything-notices."),
        ("aws_kms_key.trail_topic_key", "policy", "CloudTrailNotifies",
         "aws_cloudtrail.trail", "kms:GenerateDataKey",
         "notices of new log files do not arrive at topic everything-notices."),
    ],
    FlowKind.FINDINGS: [
        ("aws_s3_bucket_policy.guardduty_findings_policy", "policy", "GuardDutyLocates",
         "aws_guardduty_publishing_destination.guardduty_us_east_1_administrator_export",
         "s3:GetBucketLocation",
         "findings of us-east-1 do not arrive in bucket example-everything-findings."),
        ("aws_s3_bucket_policy.guardduty_findings_policy", "policy", "GuardDutyWrites",
         "aws_guardduty_publishing_destination.guardduty_me_central_1_administrator_export",
         "s3:PutObject",
         "findings of me-central-1 do not arrive in bucket example-everything-findings."),
        ("aws_kms_key.guardduty_key", "policy", "GuardDutyEncrypts",
         "aws_guardduty_publishing_destination.guardduty_us_east_1_administrator_export",
         "kms:GenerateDataKey",
         "findings of us-east-1 do not arrive in bucket example-everything-findings."),
    ],
    FlowKind.LOG_STREAMS: [
        ("aws_iam_role.delivery_role", "assume_role_policy", "CloudTrailDelivers",
         "aws_cloudtrail.trail", "sts:AssumeRole",
         "events do not arrive in CloudWatch Logs, and no alarm rings."),
        ("aws_iam_role_policy.delivery_role_policy", "policy", "WriteTrailStreams",
         "aws_cloudtrail.trail", "logs:PutLogEvents",
         "events do not arrive in CloudWatch Logs, and no alarm rings."),
    ],
    FlowKind.SCHEDULE: [
        ("aws_iam_role.catalog_compaction_role", "assume_role_policy", "ScheduleRuns",
         'aws_scheduler_schedule.catalog_compaction_schedule["take"]', "sts:AssumeRole",
         "the schedule does not start athena:startQueryExecution."),
        ("aws_iam_role_policy.verification_schedule_role_policy", "policy", "StartVerification",
         "aws_iam_role.verification_schedule_role", "codebuild:StartBuild",
         "nothing is verified."),
    ],
    FlowKind.BUILD: [
        ("aws_iam_role.verification_role", "assume_role_policy", "ServiceRuns",
         "aws_codebuild_project.verification_project", "sts:AssumeRole",
         "the build does not run, and nothing is verified."),
        ("aws_iam_role_policy.verification_role_policy", "policy", "WriteReport",
         "aws_iam_role.verification_role", "logs:PutLogEvents",
         "no report of a build is kept."),
    ],
    FlowKind.CHAT: [
        ("aws_iam_role.alarms_chat", "assume_role_policy", "ChatService",
         'aws_chatbot_slack_channel_configuration.alarms_slack["audit"]', "sts:AssumeRole",
         "alarms do not arrive in the chat channel."),
        ("aws_iam_role_policy.alarms_chat_policy", "policy", "LookAtAlarms",
         "aws_iam_role.alarms_chat", "cloudwatch:DescribeAlarms",
         "the chat channel shows no alarm."),
    ],
}  # fmt: skip
"""By kind: the policy, the statement to take out, the place, an action, and what is lost."""
ROLES = {
    ("auditor", "AskAthena"): "it cannot ask Athena.",
    ("auditor", "BrowseCatalog"): "the console shows neither catalog nor workgroup.",
    ("auditor", "OpenConsole"): "the console shows neither catalog nor workgroup.",
    ("auditor", "ReadSchema"): "it cannot read the table's schema.",
    ("auditor", "FindLogFiles"): "it cannot read the log files.",
    ("auditor", "ReadLogFiles"): "it cannot read the log files.",
    ("auditor", "KeepResults"): "it cannot keep or read results of Athena.",
    ("auditor", "ReadCompacted"): "it cannot use the compacted table.",
    ("auditor", "DecryptLogFilesAndResults"): "it cannot read the log files.",
    ("auditor", "VerifyDigests"): "digests cannot be verified.",
    ("siem_reader", "TakeMessages"): "it cannot take messages from the queue.",
    ("siem_reader", "DecryptLogFilesAndMessages"): "it cannot take messages from the queue.",
    ("catalog_compaction_role", "AskAthena"): "the compacted table does not grow.",
    ("catalog_compaction_role", "CommitTable"): "the compacted table does not grow.",
    ("catalog_compaction_role", "WriteTable"): "it cannot use the compacted table.",
    ("verification_role", "FindPublicKeys"): "digests cannot be verified.",
    ("verification_role", "TellFindings"): "nobody hears that a verification failed.",
    ("verification_role", "EncryptFindings"): "nobody hears that a verification failed.",
}
"""By role and statement of its policy: what it cannot do without the statement."""


def test_every_kind_of_flow_is_in_the_largest_stack_and_here() -> None:
    assert set(LOST) == set(FlowKind) == {each.kind for each in of_json(stack("everything")).flows}


@pytest.mark.parametrize(
    ("kind", "number"), [(kind, n) for kind, cases in LOST.items() for n in range(len(cases))]
)
def test_what_does_not_arrive_is_said(kind: FlowKind, number: int, tmp_path: Path) -> None:
    address, attribute, sid, place, action, lost = LOST[kind][number]
    change = rewrite(address, attribute, without(sid))
    found = [each for each in findings(tmp_path, "everything", change) if each.rule == "delivery"]
    assert any(
        (each.setting, each.severity in ("high", "medium")) == (place, True)
        and f" {action} on arn:" in each.message.replace(" on *", " on arn:")
        and each.message.endswith(lost)
        for each in found
    ), found


@pytest.mark.parametrize(("role", "sid"), ROLES)
def test_what_a_role_can_no_longer_do_is_said(role: str, sid: str, tmp_path: Path) -> None:
    address = f"aws_iam_role_policy.{role}_policy"
    found = told(tmp_path, "everything", address, "policy", without(sid))
    assert any(f" delivery aws_iam_role.{role}: " in each for each in found)
    assert any(each.endswith(f"(no policy of who asks allows it): {ROLES[role, sid]}")
               for each in found)  # fmt: skip


def test_a_finding_names_who_asks_for_what_and_why_it_is_refused(tmp_path: Path) -> None:
    queue = ("aws_sqs_queue_policy.siem_queue_policy", "policy")
    assert told(tmp_path, "everything", *queue, without("TopicSends")) == [
        "high delivery aws_sns_topic_subscription.siem_subscription: SNS cannot use "
        "sqs:SendMessage on arn:aws:sqs:us-east-1:600000000002:everything-files (no statement of "
        "aws_sqs_queue_policy.siem_queue_policy allows it): messages of topic everything-files do "
        "not arrive in queue everything-files."
    ]


def test_a_condition_that_the_sender_does_not_meet_is_a_loss(tmp_path: Path) -> None:
    def other(statement: dict[str, object]) -> None:
        arn = "arn:aws:sns:us-east-1:600000000002:another-topic"
        statement["Condition"] = {"ArnEquals": {"aws:SourceArn": arn}}

    queue = ("aws_sqs_queue_policy.siem_queue_policy", "policy")
    found = told(tmp_path, "everything", *queue, edited("TopicSends", other))
    assert any("SNS cannot use sqs:SendMessage" in each for each in found)


def test_a_deny_that_shuts_a_sender_out_is_named(tmp_path: Path) -> None:
    shut = {"Sid": "Shut", "Effect": "Deny", "Principal": "*", "Action": "sns:Publish",
            "Resource": "*"}  # fmt: skip
    topic = ("aws_sns_topic_policy.siem_topic_policy", "policy")
    found = told(tmp_path, "everything", *topic, lambda by_sid: by_sid.update(Shut=shut))
    assert any("(aws_sns_topic_policy.siem_topic_policy: Shut): notices of" in each
               for each in found)  # fmt: skip


def test_the_readers_of_members_are_asked_about(tmp_path: Path) -> None:
    archive = ("aws_s3_bucket_policy.archive_policy", "policy")
    found = told(tmp_path, "everything", *archive, without("MembersLocateLogs"))
    assert found == [
        f"medium delivery aws_s3_bucket.archive: the reader of account {account} cannot use "
        "s3:GetBucketLocation on arn:aws:s3:::example-everything-archive (no statement of the "
        "policy of bucket example-everything-archive allows it): it cannot read its own log files."
        for account in ("600000000003", "600000000004")
    ]


def test_what_a_key_leaves_to_nobody_is_said(tmp_path: Path) -> None:
    key = ("aws_kms_key.guardduty_key", "policy")
    assert told(tmp_path, "everything", *key, without("ReadersDecryptFindings")) == [
        "medium delivery aws_kms_key.guardduty_key: an administrator of account 600000000002 "
        "cannot use kms:Decrypt on arn:aws:kms:us-east-1:600000000002:key/"
        "aws_kms_key.guardduty_key (no statement of the policy of key alias/guardduty-findings "
        "allows it): nobody can read findings."
    ]
    found = told(tmp_path, "everything", *key, without("AdministerKeyByPattern"))
    assert any("the key administrator break-glass cannot use" in each for each in found)
    assert any(each.endswith("nobody can administer the key.") for each in found)


def test_what_may_be_refused_is_unproven(tmp_path: Path) -> None:
    def from_somewhere(statement: dict[str, object]) -> None:
        statement["Condition"] = {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}

    queue = ("aws_iam_role_policy.siem_reader_policy", "policy")
    found = told(tmp_path, "everything", *queue, edited("TakeMessages", from_somewhere))
    assert any(
        each.startswith("unproven delivery aws_iam_role.siem_reader: the role everything-siem may "
                        "not be able to use sqs:ChangeMessageVisibility")
        for each in found
    )  # fmt: skip


def test_what_is_attached_from_elsewhere_is_not_guessed_at(tmp_path: Path) -> None:
    def elsewhere(content: dict[str, dict[str, object]]) -> None:
        attachment = {"role": "${aws_iam_role.siem_reader.name}", "policy_arn": "arn:aws:iam::x"}
        content["resource"]["aws_iam_role_policy_attachment"] = {"more": attachment}

    change = rewrite("aws_iam_role_policy.siem_reader_policy", "policy", without("TakeMessages"))
    found = findings(tmp_path, "everything", change, elsewhere)
    assert not any(each.rule == "delivery" and "siem" in each.message for each in found)
