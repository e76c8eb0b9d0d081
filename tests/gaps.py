"""Changes of a stack that open a way beside its policies, each with the finding that tells it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.conftest import Json
from tests.mistakes import Change, resource

OUTSIDER = "999999999990"
BUCKET = "aws_s3_bucket.archive"
LOGGING = {"provider": "aws.logging"}
LOOK = "Look at it yourself, and accept this finding by its address if it is meant, or take it out."
KEY_POLICY = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"AWS": OUTSIDER}, "Action": "kms:*", "Resource": "*"},
]}  # fmt: skip


@dataclass(frozen=True)
class Gap:
    """A change of a stack, and the finding: severity, rule, address and message."""

    name: str
    stack: str
    change: Change
    severity: str
    rule: str
    address: str
    message: str


def put(address: str, **values: Any) -> Change:
    """Set arguments of a resource, or add the resource."""

    def change(content: Json) -> None:
        kind, name = address.split(".")
        content["resource"].setdefault(kind, {}).setdefault(name, {**LOGGING}).update(values)

    return change


def drop(address: str, argument: str) -> Change:
    return lambda content: resource(content, address).pop(argument)


def within(address: str, block: str, **values: Any) -> Change:
    """Set arguments of the last block of a name."""

    def change(content: Json) -> None:
        found = resource(content, address)[block]
        (found[-1] if isinstance(found, list) else found).update(values)

    return change


def section(name: str, values: Json) -> Change:
    return lambda content: content.setdefault(name, {}).update(values)


def unread(kind: str, what: str, **values: Any) -> Gap:
    address = f"{kind}.more"
    said = f"is not read by the check, and {what}. {LOOK}"
    return Gap(kind, "healthcare", put(address, **values), "unproven", "unread", address, said)


def off(name: str, stack: str, change: Change, address: str, said: str) -> Gap:
    return Gap(name, stack, change, "medium", "switched-off", address, said)


def _absent() -> Iterator[Gap]:
    yield Gap(
        "count 0 of a public access block", "healthcare",
        put("aws_s3_bucket_public_access_block.archive_public_access", count=0),
        "high", "archive-open", BUCKET,
        "bucket example-healthcare-audit-archive has no complete public access block. "
        "Set all four.",
    )  # fmt: skip
    yield Gap(
        "count '0' of the lock", "healthcare",
        put("aws_s3_bucket_object_lock_configuration.archive_lock", count="0"),
        "low", "no-lock", BUCKET,
        "log files have no lock: whoever gets past the policies can delete them. "
        "Set mode and days.",
    )  # fmt: skip
    expression = '${terraform.workspace == "prod" ? 1 : 0}'
    for argument in ("count", "for_each"):
        yield Gap(
            f"computed {argument}", "healthcare",
            put("aws_s3_bucket_policy.archive_policy", **{argument: expression}),
            "unproven", "perhaps-absent", "aws_s3_bucket_policy.archive_policy",
            f"may not be there: {expression} decides it, which only a plan knows. What it guards "
            "or sets up cannot be proven here. Check the plan, or take count or for_each out.",
        )  # fmt: skip
    yield Gap(
        "dynamic blocks", "healthcare",
        put("aws_s3_bucket_lifecycle_configuration.archive_lifecycle",
            dynamic={"rule": {"for_each": "${var.rules}", "content": {}}}),
        "unproven", "dynamic-blocks", "aws_s3_bucket_lifecycle_configuration.archive_lifecycle",
        "has rule from a dynamic block, whose content only a plan knows: what it sets cannot be "
        "proven here. Check the plan, or write the blocks.",
    )  # fmt: skip
    yield Gap(
        "a computed flag", "healthcare",
        put("aws_s3_bucket_public_access_block.archive_public_access",
            block_public_acls="${var.closed}"),
        "unproven", "computed-argument", "aws_s3_bucket_public_access_block.archive_public_access",
        "has block_public_acls from an expression, which only a plan knows, and is read as if it "
        "were not set. Check the plan, or write the value.",
    )  # fmt: skip
    yield Gap(
        "a module", "healthcare", section("module", {"more": {"source": "./more"}}),
        "unproven", "module-unread", "module.more",
        "comes from ./more, and what is in it only a plan knows: it may open or undo what is set "
        "up here. Check the plan, or accept this finding by its address.",
    )  # fmt: skip
    ran = (
        "in a deploy, with the credentials of whoever deploys: no stack tells what that does. "
        f"{LOOK}"
    )
    program = [{"local-exec": {"command": "aws cloudtrail stop-logging --name trail"}}]
    for address in ("terraform_data.more", "null_resource.more", BUCKET):
        yield Gap(
            f"a program of {address}", "healthcare", put(address, provisioner=program),
            "unproven", "runs-program", address, f"runs local-exec {ran}",
        )  # fmt: skip
    external = {"more": {"program": ["sh", "-c", "true"]}}
    yield Gap(
        "data external", "healthcare", lambda content: content["data"].update(external=external),
        "unproven", "runs-program", "data.external.more", f"runs a program {ran}",
    )  # fmt: skip


def _keys() -> Iterator[Gap]:
    yield Gap(
        "a disabled key", "healthcare", put("aws_kms_key.key", is_enabled=False),
        "high", "key-off", "aws_kms_key.key",
        "is disabled (is_enabled): CloudTrail cannot encrypt, so that no log file comes, and "
        "nothing that the key encrypted can be read. Set it to true.",
    )  # fmt: skip
    yield Gap(
        "another disabled key", "everything", put("aws_kms_key.siem_key", is_enabled="false"),
        "high", "key-off", "aws_kms_key.siem_key",
        "is disabled (is_enabled): nothing is encrypted with it, and what it encrypted cannot be "
        "read. Set it to true.",
    )  # fmt: skip
    yield Gap(
        "a key that signs", "healthcare",
        put("aws_kms_key.key", customer_master_key_spec="RSA_2048", key_usage="SIGN_VERIFY"),
        "high", "key-off", "aws_kms_key.key",
        "is a key for RSA_2048, and CloudTrail encrypts with a symmetric one alone: no log file "
        "comes. Take key_usage and customer_master_key_spec out.",
    )  # fmt: skip


def _doubled() -> Iterator[Gap]:
    last = (
        "AWS keeps one, so the one that is applied last wins, and which that is nobody knows. "
        "Keep one."
    )
    policy = json.dumps(KEY_POLICY)
    for name, given in (
        ("id", "${aws_s3_bucket.archive.id}"), ("bucket", "${aws_s3_bucket.archive.bucket}"),
        ("arn", "${aws_s3_bucket.archive.arn}"), ("name", "example-healthcare-audit-archive"),
    ):  # fmt: skip
        yield Gap(
            f"a second policy of the bucket by {name}", "healthcare",
            put("aws_s3_bucket_policy.more", bucket=given, policy=policy),
            "high", "doubled", "aws_s3_bucket_policy.more",
            f"is a second policy of {BUCKET}, beside aws_s3_bucket_policy.archive_policy: {last}",
        )  # fmt: skip
    yield Gap(
        "a policy inline of the bucket", "healthcare", put(BUCKET, policy=policy),
        "high", "doubled", "aws_s3_bucket_policy.archive_policy",
        f"is a second policy of {BUCKET}, which has one inline: {last}",
    )  # fmt: skip
    yield Gap(
        "a key's policy beside", "healthcare",
        put("aws_kms_key_policy.more", key_id="${aws_kms_key.key.id}", policy=policy),
        "high", "doubled", "aws_kms_key_policy.more",
        f"is a second policy of aws_kms_key.key, which has one inline: {last}",
    )  # fmt: skip
    yield Gap(
        "a second policy of the topic", "everything",
        put("aws_sns_topic_policy.more", policy=policy,
            arn="arn:aws:sns:us-east-1:600000000002:everything-files"),
        "high", "doubled", "aws_sns_topic_policy.siem_topic_policy",
        f"is a second policy of aws_sns_topic.siem_topic, beside aws_sns_topic_policy.more: {last}",
    )  # fmt: skip
    yield Gap(
        "a second policy of the queue", "everything",
        put("aws_sqs_queue_policy.more", policy=policy, queue_url="${aws_sqs_queue.siem_queue.id}"),
        "high", "doubled", "aws_sqs_queue_policy.siem_queue_policy",
        "is a second policy of aws_sqs_queue.siem_queue, beside aws_sqs_queue_policy.more: "
        f"{last}",
    )  # fmt: skip
    yield Gap(
        "a second versioning", "healthcare",
        put("aws_s3_bucket_versioning.more", bucket="${aws_s3_bucket.archive.id}",
            versioning_configuration={"status": "Suspended"}),
        "high", "doubled", "aws_s3_bucket_versioning.more",
        f"is a second aws_s3_bucket_versioning of {BUCKET}, beside "
        f"aws_s3_bucket_versioning.archive_versioning: {last}",
    )  # fmt: skip


def _unread() -> Iterator[Gap]:
    archive = {"bucket": "${aws_s3_bucket.archive.id}"}
    copies = "S3 copies files to where other policies decide who reads them"
    person = "somebody gets permissions, and who can act as that is decided elsewhere"
    archived = "findings that it matches are archived, and nobody is told of them"
    beside = "whoever it names reads or writes files beside what the bucket's policy says"
    lake = "Lake Formation lets its principals read the table beside IAM"
    region = "the key's material is usable in another region, under another policy"
    sign_in = "it gives people or groups permission sets, which are roles in every account"
    yield unread("aws_kms_grant", "its grantee uses the key beside what the key's policy says")
    yield unread("aws_kms_replica_key", region)
    yield unread("aws_kms_replica_external_key", region)
    yield unread("aws_s3_bucket_replication_configuration", copies, **archive)
    yield unread(
        "aws_cloudwatch_log_subscription_filter",
        "events of the log group go where other policies decide who reads them",
    )
    yield unread(
        "aws_cloudwatch_log_account_policy",
        "it subscribes to or masks every log group of its account, the trail's too",
    )
    yield unread("aws_glue_resource_policy", "whoever it names reads or changes the catalog")
    yield unread(
        "aws_iam_policy_attachment",
        "it attaches a policy to roles and users, and takes it from all others",
    )
    for kind in ("user", "user_policy", "user_policy_attachment", "group_policy",
                 "group_policy_attachment"):  # fmt: skip
        yield unread(f"aws_iam_{kind}", person)
    yield unread("aws_iam_access_key", "whoever has the key acts as its user, from anywhere")
    yield unread("aws_guardduty_filter", archived, action="ARCHIVE")
    yield unread("aws_accessanalyzer_archive_rule", archived)
    for kind in ("permissions", "data_lake_settings", "resource"):
        yield unread(f"aws_lakeformation_{kind}", lake)
    yield unread("aws_s3_access_point", beside, **archive)
    yield unread("aws_s3_bucket_acl", beside, **archive, access_control_policy=[{}])
    yield unread(
        "aws_s3control_multi_region_access_point",
        "it opens, copies or changes files of buckets beside their policies",
    )
    yield unread(
        "aws_s3_bucket_inventory", "S3 writes the list of files to another bucket", **archive
    )
    yield unread(
        "aws_s3_bucket_analytics_configuration",
        "S3 writes statistics of files to another bucket", **archive,
    )  # fmt: skip
    yield unread(
        "aws_lambda_permission",
        "whoever it names runs the function, which acts with its role",
    )
    yield unread(
        "aws_lambda_function",
        "its code acts with its role, and who may change the code can do so too",
    )
    yield unread("aws_ssoadmin_account_assignment", sign_in)
    yield unread("aws_ram_resource_share", "it shares resources with other accounts")
    yield unread(
        "aws_securityhub_automation_rule",
        "findings that it matches are changed or suppressed",
    )
    yield unread(
        "aws_organizations_resource_policy",
        "accounts that it names change the organization's policies",
    )
    yield unread(
        "aws_sns_topic_data_protection_policy",
        "messages are masked or refused by their content",
    )
    anything = "it makes or changes resources that this stack does not name"
    yield unread("awscc_s3_bucket_policy", anything)
    yield unread("aws_cloudformation_stack_set", anything)
    for kind in ("aws_iam_role_policy", "aws_iam_role_policy_attachment"):
        elsewhere = "it gives permissions to role other, which this stack does not make"
        yield unread(kind, elsewhere, role="other")
    yield Gap(
        "an inline lifecycle", "healthcare", put(BUCKET, lifecycle_rule=[{"enabled": True}]),
        "unproven", "unread", BUCKET,
        "has lifecycle_rule inline, which the check does not read, and it can expire files early. "
        "Write it as a resource beside the bucket.",
    )  # fmt: skip


def _outsiders() -> Iterator[Gap]:
    outside = f"account {OUTSIDER}, which is not of the organization"
    yield Gap(
        "a grant to an outsider", "healthcare",
        put("aws_kms_grant.more", key_id="${aws_kms_key.key.key_id}", operations=["Decrypt"],
            grantee_principal=f"arn:aws:iam::{OUTSIDER}:role/any"),
        "high", "outsider", "aws_kms_grant.more",
        f"is for {outside}, and its grantee uses the key beside what the key's policy says. "
        "Take it out.",
    )  # fmt: skip
    function = f"arn:aws:lambda:eu-west-1:{OUTSIDER}:function:more"
    yield Gap(
        "perhaps an outsider", "fintech",
        put("aws_sns_topic_subscription.more", protocol="lambda", endpoint=function),
        "unproven", "unread", "aws_sns_topic_subscription.more",
        f"names account {OUTSIDER} in endpoint, and whether that is of the organization only a "
        f"plan knows. {LOOK}",
    )  # fmt: skip
    everybody = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "glue:*"}]}
    yield Gap(
        "a catalog for everybody", "healthcare",
        put("aws_glue_resource_policy.more", policy=json.dumps(everybody)),
        "high", "outsider", "aws_glue_resource_policy.more",
        "is for everybody, and whoever it names reads or changes the catalog. Take it out.",
    )  # fmt: skip
    yield Gap(
        "a public bucket", "healthcare",
        put("aws_s3_bucket_acl.more", bucket="${aws_s3_bucket.archive.id}", acl="public-read"),
        "high", "outsider", "aws_s3_bucket_acl.more",
        "is for everybody (public-read), and whoever it names reads or writes files beside what "
        "the bucket's policy says. Take it out.",
    )  # fmt: skip
    theirs = (
        "what this sends or entrusts is theirs, and no policy here decides what they do with it. "
        "Name one of the organization."
    )
    for kind in ("topic", "queue"):
        service = {"topic": "sns", "queue": "sqs"}[kind]
        arn = f"arn:aws:{service}:us-east-1:{OUTSIDER}:more"
        yield Gap(
            f"notices to a {kind} of an outsider", "everything",
            within("aws_s3_bucket_notification.siem_notification", kind, **{f"{kind}_arn": arn}),
            "high", "outsider", "aws_s3_bucket_notification.siem_notification",
            f"names in {kind} {outside}: {theirs}",
        )  # fmt: skip
    yield Gap(
        "notices to a function of an outsider", "everything",
        within("aws_s3_bucket_notification.siem_notification", "lambda_function",
               lambda_function_arn=f"arn:aws:lambda:us-east-1:{OUTSIDER}:function:more"),
        "high", "outsider", "aws_s3_bucket_notification.siem_notification",
        f"names in lambda_function {outside}: {theirs}",
    )  # fmt: skip


def _off() -> Iterator[Gap]:
    alarm = "aws_cloudwatch_metric_alarm.alarms_silence"
    yield off("actions off", "everything", put(alarm, actions_enabled=False), alarm,
              "has actions_enabled false: the alarm rings and tells nobody. Set it to true.",
    )  # fmt: skip
    yield off("no actions", "everything", put(alarm, alarm_actions=[]), alarm,
              "has no alarm_actions: the alarm tells nobody. Name the alarms' topic.",
    )  # fmt: skip
    yield off("silence is missing data", "everything", put(alarm, treat_missing_data="ignore"),
              alarm, "has treat_missing_data ignore: a log group without events has no metric, so "
              "the alarm on its silence never rings. Set breaching.",
    )  # fmt: skip
    yield off("fewer than none", "everything", put(alarm, threshold=0), alarm,
              "rings below 0, and a count never is: it never rings. Set 1.",
    )  # fmt: skip
    totals = "aws_cloudwatch_metric_alarm.alarms_totals"
    yield off("another metric", "fintech", put(totals, namespace="Typo"), f'{totals}["root-user"]',
              "watches root-user in Typo, which no metric filter of the stack makes: it never "
              "rings. Correct the name.",
    )  # fmt: skip
    count = "aws_cloudwatch_log_metric_filter.alarms_totals_filter"
    yield off("adds nothing", "fintech", within(count, "metric_transformation", value="0"),
              f'{count}["root-user"]',
              "adds 0 to its metric for each event, so that no alarm on it rings. Add 1.",
    )  # fmt: skip
    yield off("another log group", "fintech", put(count, log_group_name="/other"),
              f'{count}["root-user"]',
              "reads log group /other, and the trail writes to /aws/cloudtrail/organization-trail: "
              "it counts nothing, and no alarm on it rings. Name the trail's log group.",
    )  # fmt: skip
    feed = "aws_sns_topic_subscription.siem_subscription"
    yield off("a filter policy", "everything", put(feed, filter_policy='{"a": ["b"]}'), feed,
              'has filter_policy {"a": ["b"]}: messages that it does not match do not arrive. '
              "Take it out.",
    )  # fmt: skip
    notices = "aws_s3_bucket_notification.siem_notification"
    topic = "arn:aws:sns:us-east-1:600000000002:everything-files"
    yield off("a prefix of nothing", "everything", within(notices, "topic", filter_prefix="none/"),
              notices, f"has filter_prefix none/, which no log file has: {topic} is told of none. "
              "Write audit/trail/AWSLogs/.",
    )  # fmt: skip
    yield off("a suffix of nothing", "everything", within(notices, "topic", filter_suffix=".csv"),
              notices, f"has filter_suffix .csv, which no log file has: {topic} is told of none. "
              "Write .json.gz.",
    )  # fmt: skip
    detector = "aws_guardduty_detector.guardduty_us_east_1_management_detector"
    yield off("no detector", "everything", put(detector, enable=False), detector,
              "has enable false: GuardDuty finds nothing there. Set it to true.",
    )  # fmt: skip
    members = "aws_guardduty_organization_configuration.guardduty_us_east_1_administrator_members"
    yield off("no members", "everything", put(members, auto_enable_organization_members="NONE"),
              members, "has auto_enable_organization_members NONE: GuardDuty is not turned on in "
              "accounts of members. Set it to NEW or ALL.",
    )  # fmt: skip
    schedule = "aws_scheduler_schedule.verification_schedule"
    yield off("no schedule", "everything", put(schedule, state="DISABLED"), schedule,
              "has state DISABLED: nothing is started. Set it to ENABLED.",
    )  # fmt: skip
    yield off("an ended schedule", "everything", put(schedule, end_date="2020-01-31T00:00:00Z"),
              schedule, "has end_date 2020-01-31T00:00:00Z: it has ended, and nothing is started "
              "any more. Take it out.",
    )  # fmt: skip
    group = "aws_cloudwatch_log_group.delivery_log_group"
    yield off("a class of two days", "everything", put(group, log_group_class="DELIVERY"), group,
              "has log_group_class DELIVERY: CloudWatch Logs keeps events for two days, and no "
              "filter reads them. Set STANDARD.",
    )  # fmt: skip
    yield off("no lockout check", "healthcare",
              put("aws_kms_key.key", bypass_policy_lockout_safety_check=True), "aws_kms_key.key",
              "has bypass_policy_lockout_safety_check true: KMS takes a policy that locks "
              "everybody out of the key. Take it out.",
    )  # fmt: skip
    for address, ignored in (
        ("aws_s3_bucket_policy.archive_policy", "all"),
        ("aws_organizations_policy.guardrails_scp", ["content"]),
    ):
        names = ignored if isinstance(ignored, str) else ignored[0]
        yield Gap(
            f"ignored {names}", "healthcare", put(address, lifecycle={"ignore_changes": ignored}),
            "medium", "unguarded", address,
            f"has lifecycle.ignore_changes of {names}: what somebody changed there in AWS stays, "
            "and what is written here may not be so. Take it out.",
        )  # fmt: skip
    yield Gap(
        "a bucket to empty", "healthcare", put(BUCKET, force_destroy=True),
        "medium", "unguarded", BUCKET,
        "has force_destroy: whoever takes it out of the stack deletes every file in it, and its "
        "lock alone could stop that. Take force_destroy out.",
    )  # fmt: skip


def _bounds() -> Iterator[Gap]:
    all_ = {"Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}  # fmt: skip
    yield Gap(
        "a boundary of everything", "healthcare",
        put("aws_iam_policy.more", name="orgtrail-boundary", policy=json.dumps(all_)),
        "medium", "boundary-of-everything", "aws_iam_role.auditor",
        "has the permissions boundary aws_iam_policy.more, which allows every action on "
        "everything: it bounds nothing. Allow there only what `orgtrail permissions FILE PLACE "
        "--for boundary` prints.",
    )  # fmt: skip
    table = "aws_glue_catalog_table.catalog_table"
    parameter = "storage.location.template"
    yield Gap(
        "a table elsewhere", "healthcare",
        within(table, "parameters",
               **{parameter: "s3://elsewhere/AWSLogs/$${account}/$${region}/$${day}"}),
        "high", "table-elsewhere", table,
        "reads bucket elsewhere, and the trail writes to example-healthcare-audit-archive: Athena "
        "answers from files that somebody else may have written. Write "
        "s3://example-healthcare-audit-archive/.",
    )  # fmt: skip
    yield Gap(
        "a table of another prefix", "healthcare",
        within(table, "parameters", **{parameter: "s3://example-healthcare-audit-archive/forged/"
                                       "$${account}/$${region}/$${day}"}),
        "high", "table-elsewhere", table,
        "reads forged/${account}/${region}/${day}, and the trail writes under AWSLogs/: Athena "
        "finds no row, or those of other files. Write "
        "s3://example-healthcare-audit-archive/AWSLogs/.",
    )  # fmt: skip
    scp = "aws_organizations_policy.guardrails_scp"

    def exempt(content: Json) -> None:
        owner = resource(content, scp)
        owner["content"] = owner["content"].replace(
            "arn:aws:iam::222222222222:role/orgtrail-deploy", "arn:aws:iam::*:role/helper"
        ).replace('"iam:CreateRole",', "",
    )  # fmt: skip

    yield Gap(
        "a role of any account", "healthcare", exempt, "high", "exempt-anywhere", scp,
        "aws_organizations_policy.guardrails_scp exempts arn:aws:iam::*:role/helper, in any "
        "account, and nothing denies iam:CreateRole on it: an administrator of any account "
        "becomes that role, and is exempt. Name the accounts, or deny it there.",
    )  # fmt: skip
    yield Gap(
        "a name that is a list", "healthcare", put(BUCKET, bucket=[1]),
        "unproven", "wrong-type", BUCKET,
        "has a list as bucket, where Terraform takes text alone: what follows from it is not "
        "known. Correct it.",
    )  # fmt: skip


_ALL: tuple[Callable[[], Iterator[Gap]], ...] = (
    _absent, _keys, _doubled, _unread, _outsiders, _off, _bounds,
)  # fmt: skip
GAPS = tuple(each for some in _ALL for each in some())
