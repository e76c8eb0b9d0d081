"""What has to be left to people: to administer keys, and to read buckets, messages and logs.

Each is a delivery: a policy that denies it leaves nobody who could.
"""

from __future__ import annotations

from collections.abc import Iterator

from orgtrail.check.classes import ANY_NAME
from orgtrail.check.delivery import Delivery, Sender, key_at, through
from orgtrail.check.findings import Severity
from orgtrail.check.intent import Intent
from orgtrail.check.model import FlowKind, Model
from orgtrail.check.principals import ADMINISTRATOR, members
from orgtrail.iam.request import Caller, Kind
from orgtrail.naming import LOGS
from orgtrail.trail.policy import CONTEXT

ADMINISTRATION = (
    "kms:CancelKeyDeletion", "kms:CreateAlias", "kms:DeleteAlias", "kms:DescribeKey",
    "kms:DisableKey", "kms:DisableKeyRotation", "kms:EnableKey", "kms:EnableKeyRotation",
    "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListAliases", "kms:ListResourceTags",
    "kms:PutKeyPolicy", "kms:RevokeGrant", "kms:RotateKeyOnDemand", "kms:ScheduleKeyDeletion",
    "kms:TagResource", "kms:UntagResource", "kms:UpdateAlias", "kms:UpdateKeyDescription",
)  # fmt: skip
"""What the administrators of a key have to be able to do by its policy."""


def people_deliveries(model: Model, intent: Intent) -> Iterator[Delivery]:
    """Yield what has to be left to somebody."""
    yield from _member_reader(model, intent)
    yield from _key_administrators(model, intent)
    yield from _readers_of_account(model)


def _readers_of_account(model: Model) -> Iterator[Delivery]:
    """Yield what has to be left to somebody in each bucket's account: to read it."""
    for bucket in model.buckets:
        arn = f"arn:{model.partition}:s3:::{bucket.name}"
        sender = _administrator(
            model,
            bucket.address,
            "archive",
            bucket.account,
            f"nobody can read bucket {bucket.name}",
        )
        yield from sender.asks(arn, "s3:ListBucket")
        yield from sender.asks(f"{arn}/any", "s3:GetObject")
    yield from _askers(model)
    for flow in model.flows:
        if flow.kind is FlowKind.FINDINGS:
            key = key_at(model, flow.detail)
            if key:
                sender = _administrator(
                    model, key.address, "guardduty.export", key.account, "nobody can read findings"
                )
                of_s3 = through("s3", key.region)
                yield from sender.uses_key(key.address, "kms:Decrypt", context=of_s3)
    for queue in model.queues:
        key = key_at(model, queue.key)
        if key and key.account == queue.account:
            lost = f"nobody can read messages of queue {queue.arn.rpartition(':')[2]}"
            sender = _administrator(model, key.address, "siem", key.account, lost)
            of_sqs = through("sqs", key.region)
            yield from sender.uses_key(key.address, "kms:Decrypt", context=of_sqs)


def _askers(model: Model) -> Iterator[Delivery]:
    """Yield what Athena asks S3 and KMS for in the name of who may ask it by IAM alone."""
    for group in model.workgroups[:1]:
        name, _, prefix = group.results.removeprefix("s3://").partition("/")
        bucket = next((each for each in model.buckets if each.name == name), None)
        if not bucket:
            continue
        lost = f"nobody can keep or read results of Athena in bucket {name}"
        sender = _administrator(model, bucket.address, "catalog", bucket.account, lost)
        arn, through_athena = f"arn:{model.partition}:s3:::{name}", {"aws:ViaAWSService": "true"}
        acts = ("s3:PutObject", "s3:GetObject")
        yield from sender.asks(f"{arn}/{prefix}any", *acts, context=through_athena)
        if bucket.algorithm == "aws:kms":
            of_s3 = {"kms:EncryptionContext:aws:s3:arn": arn, **through("s3", bucket.region)}
            with_key = ("kms:Decrypt", "kms:GenerateDataKey")
            yield from sender.uses_key(bucket.key, *with_key, context=of_s3)


def _administrator(model: Model, address: str, setting: str, account: str, lost: str) -> Sender:
    arn = f"arn:{model.partition}:iam::{account}:role/Administrator"
    caller = Caller(Kind.ROLE, arn, account, model.organization)
    who = f"an administrator of account {account}"
    return Sender(
        model, address, setting, who, lost, caller, (ADMINISTRATOR,), severity=Severity.MEDIUM
    )


def _key_administrators(model: Model, intent: Intent) -> Iterator[Delivery]:
    """Yield what the policy of each key has to let its administrators do.

    What a control policy denies them besides is meant: it is left to break-glass roles.
    """
    for key in model.keys:
        named = [f"arn:{model.partition}:iam::{key.account}:role/{ANY_NAME}"]
        if key.account == model.logging and intent.key_administrators:
            named = [one.replace("*", "any") for one in intent.key_administrators]
        for arn in dict.fromkeys(named):
            account = arn.split(":")[4]
            caller = Caller(Kind.ROLE, arn, account, model.organization)
            sender = Sender(
                model, key.address, "key", f"the key administrator {arn.rpartition('/')[2]}",
                "nobody can administer the key", caller, (ADMINISTRATOR,), by_policy_alone=True,
            )  # fmt: skip
            yield from sender.uses_key(key.address, *ADMINISTRATION)


def _member_reader(model: Model, intent: Intent) -> Iterator[Delivery]:
    """Yield what a member's reader has to be able to do with the log files of its account."""
    archive = model.archive
    if not intent.member_reader or not archive or not model.is_known:
        return
    accounts = intent.reader_accounts or members(model)[:1]
    for account in (accounts[0], accounts[-1]):
        role = f"arn:{model.partition}:iam::{account}:role/{intent.member_reader}"
        role = role.replace("*", "any").replace("?", "x")
        caller = Caller(Kind.ROLE, role, account, model.organization)
        bucket = f"arn:{model.partition}:s3:::{archive.name}"
        own = f"{model.logs_prefix}{model.organization}/{account}/"
        sender = Sender(
            model, archive.address, "access.member_readers", f"the reader of account {account}",
            "it cannot read its own log files", caller, (ADMINISTRATOR,), severity=Severity.MEDIUM,
        )  # fmt: skip
        yield from sender.asks(bucket, "s3:GetBucketLocation")
        for prefix in (own, f"{own}{LOGS}/"):
            yield from sender.asks(bucket, "s3:ListBucket", context={"s3:prefix": prefix})
        yield from sender.asks(f"{bucket}/{own}{LOGS}/any.json.gz", "s3:GetObject")
        if model.key and model.trail:
            context = {CONTEXT: model.trail.arn, **through("s3", archive.region)}
            yield from sender.uses_key(model.key.address, "kms:Decrypt", context=context)
