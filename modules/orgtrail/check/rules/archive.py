"""Rules on the archive, other buckets, the table, the workgroup and alarms."""

from __future__ import annotations

from collections.abc import Iterator

from orgtrail.check.attack import DIGESTS
from orgtrail.check.findings import Violation
from orgtrail.check.model import Model, S3Bucket
from orgtrail.check.principals import members
from orgtrail.iam.evaluator import Policies, Verdict, evaluate
from orgtrail.iam.policy import Statement
from orgtrail.iam.request import Caller, Kind, Request
from orgtrail.naming import CLOUDTRAIL, LOGS
from orgtrail.regions import PARTITIONS

_INFREQUENT_ACCESS = ("STANDARD_IA", "ONEZONE_IA")
_PUT = "s3:PutObject"
_SSE = "s3:x-amz-server-side-encryption"


def trail_cannot_write(model: Model) -> Iterator[Violation]:
    """The bucket's policy lets this trail write for every account, digests with SSE-S3 too."""
    trail, archive = model.trail, model.archive
    if not trail or not archive:
        return
    organization = f"{model.logs_prefix}{model.organization}"
    member = members(model)[0]
    arn = f"arn:{model.partition}:s3:::{archive.name}"
    caller = Caller(Kind.SERVICE, CLOUDTRAIL)
    for what, key, algorithm, remedy in (
        ("its own check of the bucket", "", "", "Allow s3:GetBucketAcl for aws:SourceArn"),
        ("under the management account's own prefix",
         f"{model.logs_prefix}{trail.account}/{LOGS}/log.json.gz", "aws:kms",
         f"Allow s3:PutObject on {model.logs_prefix}{trail.account}/*: CreateTrail tries it"),
        ("the organization's log files", f"{organization}/{member}/{LOGS}/log.json.gz", "aws:kms",
         f"Allow s3:PutObject on {organization}/*"),
        ("the organization's digests", f"{organization}/{member}/{DIGESTS}/digest.json.gz",
         "AES256", f"Allow {DIGESTS} as well, and SSE-S3 (AES256): digests never have KMS"),
    ):  # fmt: skip
        context = _source_keys(model)
        action, resource = "s3:GetBucketAcl", arn
        if key:
            action, resource = _PUT, f"{arn}/{key}"
            context |= {"s3:x-amz-acl": "bucket-owner-full-control", _SSE: algorithm}
        request = Request(caller, action, resource, archive.account, context)
        decision = evaluate(request, Policies(resource=archive.policy))
        if decision.is_denied:
            yield Violation(
                "archive.bucket",
                model.policy_address(archive),
                f"CloudTrail cannot write {what} ({decision.statement}). {remedy}.",
            )


def writer_shut_out(model: Model) -> Iterator[Violation]:
    """Whom the bucket's policy lets write, nothing refuses: no deny of it, no key, no lock."""
    archive = model.archive
    if not archive or not archive.policy:
        return
    for statement in archive.policy.statements:
        writes = statement.allows and not statement.doubt and statement.is_about(_PUT)
        for service in statement.principals_of("Service") if writes else ():
            reason = _refusal(model, archive, statement, service)
            if service != CLOUDTRAIL and reason:
                yield Violation(
                    "archive.writers",
                    model.policy_address(archive),
                    f"{statement.label} lets {service} write, and {reason}: its logs would be "
                    "lost. Name it in archive.writers, or give it a bucket of its own.",
                )


def key_refuses_trail(model: Model) -> Iterator[Violation]:
    """The key's policy lets this trail encrypt."""
    trail, key = model.trail, model.key
    if not trail or not key:
        return
    arn = f"arn:{model.partition}:kms:{key.region}:{key.account}:key/0"
    for action in ("kms:GenerateDataKey", "kms:DescribeKey"):
        request = Request(
            Caller(Kind.SERVICE, CLOUDTRAIL),
            action,
            arn,
            key.account,
            {
                **_source_keys(model),
                "kms:ResourceAliases": (key.alias,),
                "kms:EncryptionContext:aws:cloudtrail:arn": trail.arn,
            },
        )
        decision = evaluate(request, Policies(resource=key.policy))
        if decision.is_denied:
            yield Violation(
                "key",
                key.address,
                f"does not let the trail use {action} ({decision.statement}). Allow it for "
                f"{CLOUDTRAIL} with aws:SourceArn {trail.arn}.",
            )


def archive_open(model: Model) -> Iterator[Violation]:
    """Every bucket blocks public access."""
    for each in model.buckets:
        if not each.blocks_public_access:
            yield Violation(
                "archive",
                each.address,
                f"bucket {each.name} has no complete public access block. Set all four.",
            )


def versioning(model: Model) -> Iterator[Violation]:
    """The archive keeps versions, and old ones expire."""
    archive = model.archive
    if archive and not archive.is_versioned:
        yield Violation(
            "archive",
            archive.address,
            f"bucket {archive.name} has no versioning: what is overwritten is gone. Enable it.",
        )


def lifecycle(model: Model) -> Iterator[Violation]:
    """Lifecycle rules reach current and old versions, and move nothing too soon or too small."""
    for each in model.buckets:
        if each.is_versioned and each.noncurrent_days is None:
            yield Violation(
                "archive.noncurrent_expire_after_days",
                each.address,
                f"bucket {each.name} keeps old versions for ever: expire noncurrent ones.",
            )
        expires = each.expire_after_days or each.holds_iceberg_table
        if each is not model.archive and each.noncurrent_days and not expires:
            yield Violation(
                "archive.access_log_expire_after_days",
                each.address,
                f"bucket {each.name} expires old versions, but current ones never.",
            )
        if each.moves_small_files and each.transitions:
            yield Violation(
                "archive.glacier_after_days",
                each.address,
                f"bucket {each.name} moves files of every size: each has 40 KB of overhead, and "
                "most log files are smaller. Set all_storage_classes_128K.",
            )
        for storage, days in each.transitions:
            if storage in _INFREQUENT_ACCESS and days < 30:
                yield Violation(
                    "archive.glacier_after_days",
                    each.address,
                    f"bucket {each.name} moves files to {storage} after {days} days; S3 asks "
                    "for 30 at least.",
                )


def lock_outlives(model: Model) -> Iterator[Violation]:
    """Nothing expires before its lock ends, and only the archive is locked."""
    archive = model.archive
    for each in model.buckets:
        targets = {other.logs_to for other in model.buckets}
        if each.lock_mode and each.name in targets:
            yield Violation(
                "archive.object_lock",
                each.address,
                f"bucket {each.name} has a lock and takes access logs: S3 delivers none to a "
                "locked bucket. Take the lock away.",
            )
    days = archive.expire_after_days if archive else None
    if archive and days and days < archive.lock_days:
        yield Violation(
            "archive.expire_after_days",
            archive.address,
            f"log files expire after {days} days and are locked for {archive.lock_days}: "
            "expire_after_days must be at least the days of the lock.",
        )


def no_lock(model: Model) -> Iterator[Violation]:
    """Log files are locked against deletion (WORM): policies can be changed, a lock cannot."""
    archive = model.archive
    if archive and not archive.lock_mode:
        yield Violation(
            "archive.object_lock",
            archive.address,
            "log files have no lock: whoever gets past the policies can delete them. Set mode "
            "and days.",
        )


def access_log_encryption(model: Model) -> Iterator[Violation]:
    """The bucket of access logs is encrypted with SSE-S3: S3 delivers to no other."""
    targets = {each.logs_to for each in model.buckets if each.logs_to}
    for each in model.buckets:
        if each.name in targets and each.algorithm == "aws:kms":
            yield Violation(
                "archive.access_log_bucket",
                each.address,
                f"bucket {each.name} takes access logs and encrypts with KMS: S3 delivers none. "
                "Use AES256.",
            )
        if each.logs_to == each.name:
            yield Violation(
                "archive.access_log_bucket",
                each.address,
                f"bucket {each.name} logs into itself: every delivery is logged without end.",
            )


_NO_LOCK = {"config.amazonaws.com": "AWS Config", "logging.s3.amazonaws.com": "S3"}
"""Services that do not deliver to a bucket with a default lock."""
_NO_KMS = {
    "logdelivery.elasticloadbalancing.amazonaws.com": "a load balancer",
    "logging.s3.amazonaws.com": "S3",
}
"""Services that do not deliver to a bucket that encrypts with KMS by default."""


def _refusal(model: Model, archive: S3Bucket, statement: Statement, service: str) -> str:
    """Return why a service that a statement allows cannot write; empty if it can."""
    if archive.lock_mode and service in _NO_LOCK:
        return f"{_NO_LOCK[service]} delivers to no bucket with a default lock"
    encrypts = archive.algorithm == "aws:kms"
    if encrypts and service in _NO_KMS:
        return f"{_NO_KMS[service]} delivers to no bucket that encrypts with KMS by default"
    own = {
        each.key: each.values[0].replace("*", "any")
        for each in statement.conditions
        if each.values and each.operator.lower() in ("stringequals", "stringlike", "arnlike")
    }
    caller, given = Caller(Kind.SERVICE, service), {"aws:SecureTransport": "true", **own}
    for resource in statement.resources or ():
        object_ = resource.replace("*", "any")
        request = Request(caller, _PUT, object_, archive.account, given)
        decision = evaluate(request, Policies(resource=archive.policy))
        if decision.verdict is Verdict.EXPLICIT_DENY:
            return f"{decision.statement} refuses it"
    key = model.key
    if encrypts and key and archive.key == key.address:
        arn = f"arn:{model.partition}:kms:{key.region}:{key.account}:key/0"
        request = Request(caller, "kms:GenerateDataKey", arn, key.account, given)
        decision = evaluate(request, Policies(resource=key.policy))
        if decision.is_denied:
            return f"the key that the bucket encrypts with does not ({decision.statement})"
    return ""


def _source_keys(model: Model) -> dict[str, str]:
    """Return the condition keys by which CloudTrail names the trail that it acts for."""
    assert model.trail
    return {
        "aws:SecureTransport": "true",
        "aws:SourceArn": model.trail.arn,
        "aws:SourceAccount": model.trail.account,
        "aws:SourceOrgID": model.organization,
    }


_MAX_PREFIXES = 10_000
"""Accounts times regions: the S3 listings for one day, if a query does not narrow them down."""


def partitions(model: Model) -> Iterator[Violation]:
    """The table is divided by account, region and day, and its template names all of them."""
    for each in model.tables:
        missing = [name for name in ("account", "region", "day") if name not in each.partitions]
        if missing:
            yield Violation(
                "catalog",
                each.address,
                f"has no partition for {' and '.join(missing)}: every question reads the whole "
                "archive. Partition by account, region and day.",
            )
        unnamed = [name for name in each.partitions if f"${{{name}}}" not in each.template]
        if each.template and unnamed:
            yield Violation(
                "catalog",
                each.address,
                f"storage.location.template does not name {' and '.join(unnamed)}: Athena "
                "refuses every question.",
            )
        if "//" in each.template.partition("://")[2]:
            yield Violation(
                "catalog", each.address, "its template has //: no key does, and no row is found."
            )


def invisible_account(model: Model) -> Iterator[Violation]:
    """The table projects every account that is known: one left out has no rows and no error."""
    known = {each.account for each in model.providers if each.account}
    for each in model.tables:
        if not each.completes_accounts and (missing := sorted(known - set(each.accounts))):
            yield Violation(
                "catalog.accounts",
                each.address,
                f"does not project {', '.join(missing)}: Athena would return no rows for them, "
                "and no error. Add them.",
            )


def projection_size(model: Model) -> Iterator[Violation]:
    """The table projects a number of prefixes that a question can list."""
    for each in model.tables:
        of_aws = next(
            each.regions + each.further for each in PARTITIONS if each.name == model.partition
        )
        count = len(each.accounts) * (of_aws if each.regions is None else len(each.regions))
        if count > _MAX_PREFIXES:
            completed = each.completes_accounts or each.regions is None
            all_ = f" ({len(each.accounts):,} accounts, all {of_aws} regions)"
            yield Violation(
                "catalog.regions",
                each.address,
                f"projects {'at least ' if completed else ''}{count:,} prefixes"
                f"{all_ if each.regions is None else ''} for each day, over {_MAX_PREFIXES:,}: "
                "name the regions that are used.",
            )


def workgroup(model: Model) -> Iterator[Violation]:
    """The workgroup decides where results go, and encrypts them; a client cannot."""
    for each in model.workgroups:
        if not each.enforced or not each.encrypted:
            yield Violation(
                "catalog.workgroup",
                each.address,
                f"workgroup {each.name} lets clients choose where results go, or leaves them "
                "unencrypted. Set enforce_workgroup_configuration and an encryption.",
            )


def alarms_tell_account(model: Model) -> Iterator[Violation]:
    """An alarm tells which account it is about."""
    if model.alarms.patterns and not model.alarms.by_account:
        yield Violation(
            "alarms.by_account",
            "aws_cloudwatch_log_metric_filter",
            "alarms do not tell which account they are about. Give their metrics the dimension "
            "$.recipientAccountId.",
        )


def alarms_heard(model: Model) -> Iterator[Violation]:
    """Somebody is notified when an alarm rings."""
    if model.alarms.patterns and not model.alarms.are_heard:
        yield Violation(
            "alarms.subscribers",
            "aws_sns_topic_subscription",
            "nobody is subscribed to the alarms' topic.",
        )
