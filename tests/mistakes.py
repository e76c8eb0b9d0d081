"""Mistakes to make in a stack: those of other tools, and seven that break the proof."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from orgtrail.check.run import Report, check

from tests import golden
from tests.conftest import Json

Change = Callable[[Json], Any]
LOGGING_ROOT = "arn:aws:iam::222222222222:root"


def stack(name: str = "healthcare") -> Json:
    content: Json = copy.deepcopy(json.loads(golden.fresh()[f"{name}.tf.json"]))
    return content


def checked(folder: Path, content: Json) -> Report:
    path = folder / "cdk.tf.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return check(path)


def resource(content: Json, address: str) -> Json:
    kind, name = address.split(".")
    found: Json = content["resource"][kind][name]
    return found


def rewrite(address: str, attribute: str, change: Change) -> Change:
    """Change a policy: the function gets its statements by Sid."""

    def mutate(content: Json) -> None:
        owner = resource(content, address)
        document = json.loads(owner[attribute].replace("$${", "${"))
        by_sid = {each["Sid"]: each for each in document["Statement"]}
        change(by_sid)
        document["Statement"] = list(by_sid.values())
        owner[attribute] = json.dumps(document).replace("${", "$${")

    return mutate


def in_china(content: Json) -> None:
    for feature in content["resource"]["aws_guardduty_detector_feature"].values():
        feature["region"] = "cn-north-1"


def aggregate_elsewhere(content: Json) -> None:
    (aggregator,) = content["resource"]["aws_securityhub_finding_aggregator"].values()
    aggregator["region"] = "me-central-1"


def provider_elsewhere(content: Json) -> None:
    first = content["provider"]["aws"][0]
    content["provider"]["aws"].append({**first, "alias": "elsewhere", "region": "eu-central-1"})


ARCHIVE = ("aws_s3_bucket_policy.archive_policy", "policy")
KEY = ("aws_kms_key.key", "policy")
SCP = ("aws_organizations_policy.guardrails_scp", "content")


LOGGING_ROLE = "arn:aws:iam::222222222222:role"


def exempt(statement: Json, role: str) -> None:
    statement["Condition"]["ArnNotLike"]["aws:PrincipalArn"].append(role)


def drop_source(statements: Json) -> None:
    for each in statements.values():
        if each["Effect"] == "Allow":
            each["Condition"]["StringEquals"].pop("aws:SourceArn")


def drop_exemption(statements: Json) -> None:
    for each in statements.values():
        each.get("Condition", {}).pop("ArnNotLike", None)


def misspell_digests(statements: Json) -> None:
    prefix = "arn:aws:s3:::example-healthcare-audit-archive/AWSLogs/o-examplehc01/*"
    statements["AWSCloudTrailOrganizationWrite20150319"]["Resource"] = [
        f"{prefix}/CloudTrail/*", f"{prefix}/CloudTrail_Digest/*",
    ]  # fmt: skip


def misspell_exemption(statements: Json) -> None:
    condition = statements["ProtectTrails"]["Condition"]["ArnNotLike"]
    condition["aws:PrincipleArn"] = condition.pop("aws:PrincipalArn")


def every_member(statements: Json) -> None:
    each = statements["MembersReadOwnLogs"]
    each["Resource"] = each["Resource"].replace("${aws:PrincipalAccount}", "*")


def expire_early(content: Json) -> None:
    lifecycle = resource(content, "aws_s3_bucket_lifecycle_configuration.archive_lifecycle")
    lifecycle["rule"][0]["expiration"][0]["days"] = 400


BROKEN: dict[str, tuple[str, Change, str, str, str]] = {
    "no source": (
        "healthcare",
        rewrite(*ARCHIVE, drop_source),
        "confused-deputy",
        "aws_s3_bucket_policy.archive_policy: AWSCloudTrailOrganizationWrite20150319 lets cloudtrail.amazonaws.com in for anybody's resource: a stranger's trail could write here. Add a condition on aws:SourceArn with the trail's ARN.",
        "CloudTrail, for a stranger's trail can write or overwrite a log file (s3:PutObject), write or overwrite a digest (s3:PutObject), write the management account's log file (s3:PutObject): the policy of bucket example-healthcare-audit-archive: AWSCloudTrailOrganizationWrite20150319. Intended: deny.",
    ),
    "a key for everybody": (
        "healthcare",
        rewrite(*KEY, lambda by_sid: by_sid["AdministerKey"].update(Principal={"AWS": "*"})),
        "everybody",
        "aws_kms_key.key: AdministerKey lets everybody in. Name the principals, or add a condition on aws:PrincipalOrgID.",
        "the anonymous public can schedule the key's deletion (kms:ScheduleKeyDeletion), disable the key (kms:DisableKey), change the key's policy (kms:PutKeyPolicy) and 1 more: the policy of key alias/healthcare-audit: AdministerKey. Intended: deny.",
    ),
    "locked out": (
        "healthcare",
        rewrite(*SCP, drop_exemption),
        "deploy-lockout",
        "SCP protect-organization-trail: ProtectBuckets binds arn:aws:iam::222222222222:role/orgtrail-deploy: the first deploy would lock itself out of the archive. Add the role to the exemption.",
        "the role that deploys to logging cannot change the archive's policy (s3:PutBucketPolicy), delete the archive's policy (s3:DeleteBucketPolicy), change the archive's lifecycle, and so shorten retention (s3:PutLifecycleConfiguration) and 39 more: SCP protect-organization-trail: ProtectBuckets. Intended: allow.",
    ),
    "misspelt digests": (
        "healthcare",
        rewrite(*ARCHIVE, misspell_digests),
        "unknown-keys",
        "aws_s3_bucket_policy.archive_policy: AWSCloudTrailOrganizationWrite20150319 names arn:aws:s3:::example-healthcare-audit-archive/AWSLogs/o-examplehc01/*/CloudTrail_Digest/*, and CloudTrail writes no such key. Its folders are CloudTrail, CloudTrail-Digest, CloudTrail-Aggregated, CloudTrail-Insight, CloudTrail-NetworkActivity.",
        "CloudTrail, for this trail cannot write or overwrite a digest (s3:PutObject): no statement of the policy of bucket example-healthcare-audit-archive allows it. Intended: allow.",
    ),
    "no organization prefix": (
        "healthcare",
        rewrite(*ARCHIVE, lambda by_sid: by_sid.pop("AWSCloudTrailOrganizationWrite20150319")),
        "trail-cannot-write",
        "CloudTrail cannot write the organization's log files (no statement of the policy of bucket example-healthcare-audit-archive allows it). Allow s3:PutObject on AWSLogs/o-examplehc01/*.",
        "CloudTrail, for this trail cannot write or overwrite a log file (s3:PutObject), write or overwrite a digest (s3:PutObject), write the management account's log file (s3:PutObject): no statement of the policy of bucket example-healthcare-audit-archive allows it. Intended: allow.",
    ),
    "expiry before the lock": (
        "healthcare",
        expire_early,
        "lock-outlives",
        "log files expire after 400 days and are locked for 2192: expire_after_days must be at least the days of the lock.",
        "the archive's lifecycle can expire a log file before its lock ends (s3:LifecycleExpiration): files expire after 400 days, the lock ends after 2192. Intended: deny.",
    ),
    "another member's logs": (
        "fintech",
        rewrite(*ARCHIVE, every_member),
        "member-isolation",
        "the policy of bucket example-fintech-audit-archive: MembersReadOwnLogs lets a member read the log files of all accounts. Put ${aws:PrincipalAccount} in the place of the account in its Resource.",
        "a member's reader can read another account's log file (s3:GetObject): the policy of bucket example-fintech-audit-archive: MembersReadOwnLogs. Intended: deny.",
    ),
}


def kind(content: Json, name: str) -> Json:
    found: Json = content["resource"][name]
    return found


def archive_policy(change: Change) -> Change:
    return rewrite(*ARCHIVE, change)


def forbid_all_of_aws_logs(statements: Json) -> None:
    bucket = "arn:aws:s3:::aws-waf-logs-example-shared"
    statements["DenyForgedLogs"]["Resource"] = f"{bucket}/AWSLogs/*"


def forget_roles(content: Json) -> None:
    for each in content["provider"]["aws"]:
        each.pop("assume_role", None)


def ask_for_mfa(statements: Json) -> None:
    statements["Trusted1"]["Condition"]["Bool"] = {"aws:MultiFactorAuthPresent": "true"}


def exempt_short_name(statements: Json) -> None:
    exempt_too(statements, "AWSReservedSSO_Admin_0123456789abcdef")


def spare_sign_ons(statements: Json) -> None:
    exempt_too(statements, "aws-reserved/sso.amazonaws.com/*")


def exempt_too(statements: Json, role: str) -> None:
    for each in statements.values():
        exempt = each.get("Condition", {}).get("ArnNotLike", {}).get("aws:PrincipalArn", [])
        if exempt:
            exempt.append(f"arn:aws:iam::222222222222:role/{role}")


def second_trail(content: Json) -> None:
    twin = copy.deepcopy(resource(content, "aws_cloudtrail.trail"))
    kind(content, "aws_cloudtrail")["twin"] = {**twin, "name": "twin"}


def both_owners(content: Json) -> None:
    content["resource"]["aws_organizations_organization"] = {"organization": {}}
    access = {"service_principal": "cloudtrail.amazonaws.com"}
    content["resource"]["aws_organizations_aws_service_access"] = {"cloudtrail": access}


def open_members(statements: Json) -> None:
    statements["Open"] = {
        "Sid": "Open", "Effect": "Allow", "NotAction": "s3:PutObject", "Resource": "*",
        "Principal": {"AWS": LOGGING_ROOT},
    }  # fmt: skip


def no_lock(content: Json) -> None:
    content["resource"].pop("aws_s3_bucket_object_lock_configuration")


def lock_access_logs(content: Json) -> None:
    locks = kind(content, "aws_s3_bucket_object_lock_configuration")
    name = resource(content, "aws_s3_bucket.archive_access_logs")["bucket"]
    locks["access"] = {**locks["archive_lock"], "bucket": name}


def access_logs_with_kms(content: Json) -> None:
    encryption = resource(
        content, "aws_s3_bucket_server_side_encryption_configuration.archive_access_logs_encryption"
    )
    encryption["rule"][0]["apply_server_side_encryption_by_default"]["sse_algorithm"] = "aws:kms"


def put(address: str, **values: Any) -> Change:
    return lambda content: resource(content, address).update(values)


def in_table(**parameters: str) -> Change:
    def change(content: Json) -> None:
        given = resource(content, "aws_glue_catalog_table.catalog_table")["parameters"]
        given.update({name.replace("__", "."): value for name, value in parameters.items()})

    return change


def many_policies(content: Json) -> None:
    attachments = kind(content, "aws_organizations_policy_attachment")
    attachments.update({f"more_{n}": attachments["guardrails_scp_r-hc01"] for n in range(9)})


def large_policy(statements: Json) -> None:
    exempt = [f"arn:aws:iam::222222222222:role/role-{n}" for n in range(400)]
    statements["ProtectTrails"]["Condition"]["ArnNotLike"]["aws:PrincipalArn"] += exempt


def stranger_to_all(content: Json) -> None:
    for each in content["provider"]["aws"]:
        each.pop("allowed_account_ids")
        each.pop("assume_role")


def attach_elsewhere(content: Json) -> None:
    attachment = {"role": "organization-trail-auditor", "policy_arn": "arn:aws:iam::aws:policy/X"}
    content["resource"]["aws_iam_role_policy_attachment"] = {"auditor": attachment}


def spare_everybody(statements: Json) -> None:
    condition = statements["ProtectBuckets"]["Condition"]
    condition["ArnNotLike"]["aws:PrincipalArn"].append("arn:aws:iam::222222222222:role/*")


def unread(content: Json) -> None:
    policy = "${data.aws_iam_policy_document.archive.json}"
    resource(content, "aws_s3_bucket_policy.archive_policy")["policy"] = policy


def kms_alone(statements: Json) -> None:
    statements["DenyWrongEncryption"]["Condition"]["StringNotEquals"] = {
        "s3:x-amz-server-side-encryption": "aws:kms"
    }


def early_transition(content: Json) -> None:
    lifecycle = resource(content, "aws_s3_bucket_lifecycle_configuration.archive_lifecycle")
    lifecycle["rule"][0]["transition"] = [{"days": 10, "storage_class": "STANDARD_IA"}]
    lifecycle["transition_default_minimum_object_size"] = "varies_by_storage_class"
    lifecycle["rule"][0].pop("noncurrent_version_expiration")


def only_old_versions(content: Json) -> None:
    kept = resource(content, "aws_s3_bucket_lifecycle_configuration.archive_access_logs_lifecycle")
    kept["rule"][0].pop("expiration")


def many_trails(content: Json) -> None:
    trail = resource(content, "aws_cloudtrail.trail")
    plain = {**trail, "is_organization_trail": False}
    kind(content, "aws_cloudtrail").update({f"more_{n}": plain for n in range(5)})


def many_selectors(content: Json) -> None:
    trail = resource(content, "aws_cloudtrail.trail")
    trail.pop("advanced_event_selector")
    trail["event_selector"] = [{"read_write_type": "All"}] * 6


def many_resources(content: Json) -> None:
    many_selectors(content)
    arns = [f"arn:aws:s3:::bucket-{n}/" for n in range(251)]
    data = {"type": "AWS::S3::Object", "values": arns}
    resource(content, "aws_cloudtrail.trail")["event_selector"] = [{"data_resource": [data]}]


def odd_field(content: Json) -> None:
    selector = resource(content, "aws_cloudtrail.trail")["advanced_event_selector"][0]
    selector["field_selector"].append({"field": "eventName", "equals": ["StopLogging"]})


def brief_glacier(content: Json) -> None:
    lifecycle = resource(content, "aws_s3_bucket_lifecycle_configuration.archive_lifecycle")
    lifecycle["rule"][0]["transition"] = [{"days": 2500, "storage_class": "GLACIER"}]


def large_perimeter(statements: Json) -> None:
    more = [f"arn:aws:s3:::bucket-{n}" for n in range(300)]
    statements["OnlyThisOrganization"]["Resource"] += more


def globals_off(content: Json) -> None:
    resource(content, "aws_cloudtrail.trail")["include_global_service_events"] = False


def own_deliveries(content: Json) -> None:
    trail = resource(content, "aws_cloudtrail.trail")
    trail.pop("advanced_event_selector")
    everything = {"type": "AWS::S3::Object", "values": ["arn:aws:s3"]}
    trail["event_selector"] = [{"data_resource": [everything]}]


def foreign_source(statements: Json) -> None:
    statements["AWSCloudTrailOrganizationWrite20150319"]["Condition"]["StringEquals"][
        "aws:SourceArn"
    ] = "arn:aws:cloudtrail:us-east-1:222222222222:trail/healthcare-organization-trail"


def plain_workgroup(content: Json) -> None:
    group = resource(content, "aws_athena_workgroup.catalog_workgroup")
    group["configuration"]["enforce_workgroup_configuration"] = False


def forget_alarms(content: Json) -> None:
    content["resource"].pop("aws_sns_topic_subscription")


def mute_accounts(content: Json) -> None:
    kind(content, "aws_cloudwatch_log_metric_filter").pop("alarms_by_account_filter")


def unpinned(content: Json) -> None:
    content["provider"]["aws"][1].pop("allowed_account_ids")


def other_digits(content: Json) -> None:
    content["provider"]["aws"][1]["allowed_account_ids"] = ["٢٢٢٢٢٢٢٢٢٢٢٢"]


def tagged(**tags: str) -> Change:
    return lambda content: content["provider"]["aws"][0].update(default_tags=[{"tags": tags}])


def no_dependency(content: Json) -> None:
    trail = resource(content, "aws_cloudtrail.trail")
    trail["depends_on"] = [each for each in trail["depends_on"] if "s3_bucket_policy" not in each]


def no_check(content: Json) -> None:
    content["data"].pop("aws_organizations_organization")


def stopped(content: Json) -> None:
    resource(content, "aws_cloudtrail.trail")["enable_logging"] = False


def key_elsewhere(content: Json) -> None:
    content["provider"]["aws"].append(
        {"alias": "west", "region": "us-west-2", "allowed_account_ids": ["222222222222"]}
    )
    resource(content, "aws_kms_key.key")["provider"] = "aws.west"


def unversioned(content: Json) -> None:
    versioning = resource(content, "aws_s3_bucket_versioning.archive_versioning")
    versioning["versioning_configuration"]["status"] = "Suspended"


def thousands(content: Json) -> None:
    accounts = ",".join(f"7000{n:08}" for n in range(6_000))
    in_table(projection__account__values=f"222222222222,111111111111,{accounts}")(content)


def all_regions(content: Json) -> None:
    thousands(content)
    in_table(projection__region__values="${regions}")(content)


MISTAKES: dict[str, list[tuple[str, Change, str]]] = {
    "confused-deputy": [
        (
            "healthcare",
            rewrite(
                *KEY, lambda by_sid: by_sid["CloudTrailEncrypts"]["Condition"].pop("StringEquals")
            ),
            "a stranger's trail could write here",
        )
    ],
    "everybody": [
        (
            "healthcare",
            rewrite(*KEY, lambda by_sid: by_sid["AdministerKey"].update(Principal="*")),
            "lets everybody in",
        )
    ],
    "not-but": [("healthcare", archive_policy(open_members), "allows with Not...")],
    "member-isolation": [
        ("fintech", archive_policy(every_member), "the log files of all accounts")
    ],
    "unknown-action": [
        (
            "healthcare",
            rewrite(
                *SCP, lambda by_sid: by_sid["ProtectTrails"]["Action"].append("s3:DeleteBuckets")
            ),
            "Write s3:DeleteBucket, or",
        )
    ],
    "unknown-condition-key": [
        (
            "healthcare",
            rewrite(*SCP, misspell_exemption),
            "Write aws:PrincipalArn, or",
        )
    ],
    "unknown-keys": [
        ("healthcare", archive_policy(misspell_digests), "CloudTrail writes no such key")
    ],
    "deploy-lockout": [("healthcare", rewrite(*SCP, drop_exemption), "would lock itself out")],
    "broad-exemption": [
        (
            "healthcare",
            rewrite(*SCP, spare_everybody),
            "aws_organizations_policy.guardrails_scp spares arn:aws:iam::222222222222:role/*",
        ),
        (
            "healthcare",
            rewrite(*SCP, spare_sign_ons),
            "that is everybody who signs in by IAM Identity Center. Name the permission set.",
        ),
    ],
    "wrong-partition": [
        (
            "healthcare",
            archive_policy(
                lambda by_sid: by_sid["DenyDeletion"]["Condition"]["ArnNotLike"].update(
                    {"aws:PrincipalArn": "arn:aws-cn:iam::222222222222:role/x"}
                )
            ),
            "names ARNs of partition aws-cn, and the trail is in aws",
        ),
        (
            "govcloud",
            put(
                "aws_scheduler_schedule.verification_schedule",
                target={"arn": "arn:aws:scheduler:::aws-sdk:codebuild:startBuild"},
            ),
            "names ARNs of partition aws, and the trail is in aws-us-gov",
        ),
    ],
    "tags": [
        (
            "healthcare",
            tagged(**{"aws:owner": "me"}),
            "the tag 'aws:owner' must have a key of 1 to",
        ),
        (
            "healthcare",
            tagged(Owner="me", owner="you"),
            "the tag 'owner' differs from 'Owner' by case alone: AWS refuses it.",
        ),
        ("healthcare", tagged(Owner="a\0b"), "must have a value of at most 256 letters"),
        (
            "healthcare",
            tagged(**{f"key-{n}": "x" for n in range(51)}),
            "has 51 tags, which must be at most 50",
        ),
        (
            "healthcare",
            put("aws_cloudtrail.trail", tags={"Owner": "x" * 257}),
            "must have a value of at most 256",
        ),
    ],
    "unreadable-policy": [("healthcare", unread, "is not known before the deploy")],
    "no-trail": [
        (
            "healthcare",
            lambda content: content["resource"].pop("aws_cloudtrail"),
            "there is no trail",
        ),
        ("healthcare", put("aws_cloudtrail.trail", is_organization_trail=False), "of one account"),
        ("healthcare", stopped, "the trail is stopped"),
        (
            "healthcare",
            put("aws_cloudtrail.trail", s3_bucket_name="elsewhere"),
            "writes to elsewhere, which this stack does not make",
        ),
    ],
    "trail-elsewhere": [
        (
            "control-tower",
            lambda content: content,
            "reads the log files of a trail that this stack does not make",
        )
    ],
    "unknown-accounts": [("healthcare", stranger_to_all, "is not known")],
    "duplicate-trails": [
        ("healthcare", many_trails, "has 6 trails in us-east-1; AWS allows 5"),
        ("healthcare", second_trail, "is a second organization trail beside aws_cloudtrail.trail"),
    ],
    "policy-before-trail": [("healthcare", no_dependency, "InsufficientS3BucketPolicy")],
    "key-elsewhere": [
        ("healthcare", key_elsewhere, "is in us-west-2 and the bucket in us-east-1"),
        (
            "fintech",
            put("aws_cloudtrail.trail", kms_key_id="${aws_kms_key.siem_key.arn}"),
            "readers need both",
        ),
    ],
    "source-account": [
        ("healthcare", archive_policy(foreign_source), "it is always the management account's")
    ],
    "trusted-access": [
        (
            "healthcare",
            no_check,
            "nothing turns on or checks trusted access of cloudtrail.amazonaws.com",
        ),
        ("healthcare", both_owners, "every plan would undo the other"),
    ],
    "wrong-account": [
        ("healthcare", unpinned, "Set allowed_account_ids"),
        ("healthcare", other_digits, "is of account ٢٢٢٢٢٢٢٢٢٢٢٢, and no account has that id"),
    ],
    "settings": [
        ("healthcare", many_selectors, "trail.event_selectors must be at most 5 selectors; got 6"),
        ("healthcare", many_resources, "must name at most 250 data resources in all; got 251"),
        (
            "healthcare",
            odd_field,
            "must be one of eventCategory, eventSource, readOnly for Management events",
        ),
        (
            "healthcare",
            brief_glacier,
            "archive.expire_after_days must be at least archive.glacier_after_days + 90; got 2557",
        ),
        (
            "healthcare",
            globals_off,
            "trail.global_events must be true where trail.multi_region is true; got false",
        ),
        ("healthcare", own_deliveries, "must leave out writes to the archive's own buckets"),
        (
            "fintech",
            put("aws_cloudtrail.trail", event_selector=[{}]),
            "trail.event_selectors must not be set together with trail.advanced_event_selectors",
        ),
        (
            "healthcare",
            expire_early,
            "archive.object_lock.days must be at most archive.expire_after_days (400); got 2192",
        ),
        (
            "healthcare",
            put("aws_cloudtrail.trail", event_selector=[{"read_write_type": "Sometimes"}]),
            "has settings that AWS does not know",
        ),
    ],
    "trail-cannot-write": [
        (
            "healthcare",
            archive_policy(lambda by_sid: by_sid.pop("AWSCloudTrailWrite20150319")),
            "CreateTrail tries it",
        ),
        (
            "healthcare",
            archive_policy(lambda by_sid: by_sid.pop("AWSCloudTrailAclCheck20150319")),
            "s3:GetBucketAcl",
        ),
        ("healthcare", archive_policy(kms_alone), "digests never have KMS"),
    ],
    "key-refuses-trail": [
        (
            "healthcare",
            rewrite(*KEY, lambda by_sid: by_sid.pop("CloudTrailEncrypts")),
            "does not let the trail use kms:GenerateDataKey",
        )
    ],
    "archive-open": [
        (
            "healthcare",
            put("aws_s3_bucket_public_access_block.archive_public_access", block_public_acls=False),
            "no complete public access block",
        )
    ],
    "versioning": [("healthcare", unversioned, "has no versioning")],
    "lifecycle": [
        ("healthcare", early_transition, "moves files to STANDARD_IA after 10 days"),
        ("healthcare", early_transition, "moves files of every size"),
        ("healthcare", early_transition, "keeps old versions for ever"),
        ("healthcare", only_old_versions, "current ones never"),
    ],
    "lock-outlives": [
        ("healthcare", lock_access_logs, "S3 delivers none to a locked bucket"),
        ("healthcare", expire_early, "are locked for 2192"),
    ],
    "no-lock": [("healthcare", no_lock, "log files have no lock")],
    "access-log-encryption": [
        ("healthcare", access_logs_with_kms, "S3 delivers none"),
        (
            "healthcare",
            put(
                "aws_s3_bucket_logging.archive_logging",
                target_bucket="example-healthcare-audit-archive",
            ),
            "logs into itself",
        ),
    ],
    "policy-size": [
        (
            "fintech",
            rewrite("aws_organizations_policy.guardrails_rcp", "content", large_perimeter),
            "AWS takes 5,120",
        ),
        ("healthcare", rewrite(*SCP, large_policy), "AWS takes 10,240"),
    ],
    "policies-per-target": [("healthcare", many_policies, "it takes 10 in all")],
    "no-guardrail": [
        (
            "healthcare",
            lambda content: content["resource"].pop("aws_organizations_policy_attachment"),
            "no service control policy is attached",
        )
    ],
    "gap-in-guard": [
        (
            "fintech",
            rewrite(*SCP, lambda by_sid: by_sid["ProtectLogGroup"]["Action"].pop()),
            "leaves out logs:PutTransformer, which does the same harm",
        )
    ],
    "uneven-exemption": [
        (
            "fintech",
            rewrite(*SCP, lambda by_sid: exempt(by_sid["ProtectSignIn"], f"{LOGGING_ROLE}/dev")),
            "ProtectSignIn exempts arn:aws:iam::222222222222:role/dev, and no other statement does",
        )
    ],
    "condition-matches-all": [
        (
            "healthcare",
            rewrite(*SCP, lambda by_sid: exempt(by_sid["ProtectSignIn"], "*")),
            "has ArnNotLike aws:PrincipalArn with *, which never holds",
        )
    ],
    "binds-bystanders": [
        (
            "healthcare",
            rewrite(*SCP, lambda by_sid: by_sid["ProtectBuckets"].update(Resource="*")),
            "ProtectBuckets denies s3:DeleteBucket on arn:aws:s3:::unrelated",
        )
    ],
    "denies-reading": [
        (
            "healthcare",
            rewrite(*SCP, lambda by_sid: by_sid["ProtectBuckets"].update(Action="s3:*")),
            "ProtectBuckets denies s3:*, which holds reading, such as s3:",
        )
    ],
    "plain-text": [
        (
            "fintech",
            rewrite(
                "aws_sns_topic_policy.siem_topic_policy",
                "policy",
                lambda by_sid: by_sid.pop("DenyInsecureTransport"),
            ),
            "organization-trail-log-files takes calls without TLS",
        )
    ],
    "member-trails": [
        (
            "healthcare",
            rewrite(*SCP, lambda by_sid: by_sid.pop("ProtectTrails")),
            "cloudtrail:StopLogging, cloudtrail:DeleteTrail, cloudtrail:UpdateTrail on trails",
        )
    ],
    "partitions": [
        (
            "healthcare",
            put("aws_glue_catalog_table.catalog_table", partition_keys=[{"name": "day"}]),
            "no partition for account and region",
        ),
        (
            "healthcare",
            in_table(storage__location__template="s3://x/$${account}/$${day}"),
            "does not name region",
        ),
        (
            "healthcare",
            in_table(storage__location__template="s3://x//$${account}/$${region}/$${day}"),
            "its template has //",
        ),
    ],
    "invisible-account": [
        (
            "healthcare",
            in_table(projection__account__values="111111111111"),
            "does not project 222222222222",
        )
    ],
    "projection-size": [
        ("healthcare", thousands, "projects 12,004 prefixes for each day"),
        ("healthcare", all_regions, "projects at least 204,068 prefixes (6,002 accounts, all 34"),
    ],
    "workgroup": [("healthcare", plain_workgroup, "lets clients choose where results go")],
    "absent-in-region": [
        ("everything", in_china, "GuardDuty has no RUNTIME_MONITORING in cn-north-1"),
        ("everything", aggregate_elsewhere, "Security Hub gathers no findings in me-central-1"),
    ],
    "region-of-its-own": [
        ("fintech", provider_elsewhere, "has a provider for each of eu-central-1, eu-west-1")
    ],
    "alarms-tell-account": [("fintech", mute_accounts, "do not tell which account")],
    "alarms-heard": [("fintech", forget_alarms, "nobody is subscribed")],
    "writer-shut-out": [
        (
            "shared",
            archive_policy(forbid_all_of_aws_logs),
            "lets config.amazonaws.com write, and the policy of bucket aws-waf-logs-example-shared: "
            "DenyForgedLogs refuses it: its logs would be lost.",
        )
    ],
    "owner-locked-out": [
        (
            "control-tower",
            rewrite(*SCP, drop_exemption),
            "locks bucket aws-controltower-logs-640000000002-us-east-1, which this stack does not "
            "make",
        )
    ],
    "deploy-role-unknown": [("healthcare", forget_roles, "which role deploys")],
    "nobody-can-assume": [
        (
            "healthcare",
            rewrite("aws_iam_role.auditor", "assume_role_policy", ask_for_mfa),
            "asks arn:aws:iam::999999999999:role/hospital-audit for MFA, and no session of a role",
        )
    ],
    "sso-path": [
        (
            "healthcare",
            rewrite(*SCP, exempt_short_name),
            "names arn:aws:iam::222222222222:role/AWSReservedSSO_Admin_0123456789abcdef, which is "
            "the ARN of no role",
        )
    ],
    "no-boundary": [
        (
            "healthcare",
            lambda content: resource(content, "aws_iam_role.auditor").pop("permissions_boundary"),
            "no permissions boundary on organization-trail-auditor of account 222222222222",
        )
    ],
}
