"""Rules of the archive: that it takes what CloudTrail writes, keeps it, and shows it to nobody."""

from __future__ import annotations

from collections.abc import Iterator

from orgtrail.naming import CLOUDTRAIL, LOGS
from orgtrail.proof.acts import DIGESTS
from orgtrail.proof.estate import Bucket, Estate
from orgtrail.proof.findings import Severity, Trouble, rule
from orgtrail.proof.iam.evaluator import Decision, Policies, Verdict, evaluate
from orgtrail.proof.iam.policy import Statement
from orgtrail.proof.iam.request import Caller, Kind, Request
from orgtrail.proof.principals import members

_WARM = ("STANDARD_IA", "ONEZONE_IA")
_PUT = "s3:PutObject"
_ENCRYPTION = "s3:x-amz-server-side-encryption"


@rule("trail-cannot-write", Severity.HIGH)
def _every_prefix(estate: Estate) -> Iterator[Trouble]:
    """The bucket's policy lets this trail write for every account, digests with SSE-S3 too."""
    trail, archive = estate.trail, estate.archive
    if not trail or not archive:
        return
    organization = f"{estate.logs_prefix}{estate.organization}"
    member = members(estate)[0]
    for what, key, algorithm, remedy in (
        ("its own check of the bucket", "", "", "Allow s3:GetBucketAcl for aws:SourceArn"),
        ("under the management account's own prefix",
         f"{estate.logs_prefix}{trail.account}/{LOGS}/log.json.gz", "aws:kms",
         f"Allow s3:PutObject on {estate.logs_prefix}{trail.account}/*: CreateTrail tries it"),
        ("the organization's log files", f"{organization}/{member}/{LOGS}/log.json.gz", "aws:kms",
         f"Allow s3:PutObject on {organization}/*"),
        ("the organization's digests", f"{organization}/{member}/{DIGESTS}/digest.json.gz",
         "AES256", f"Allow {DIGESTS} as well, and SSE-S3 (AES256): digests never have KMS"),
    ):  # fmt: skip
        decision = _writes(estate, archive, key, algorithm)
        if decision.verdict in (Verdict.EXPLICIT_DENY, Verdict.IMPLICIT_DENY):
            yield Trouble(
                "archive.bucket",
                estate.policy_address(archive),
                f"CloudTrail cannot write {what} ({decision.statement}). {remedy}.",
            )


@rule("writer-shut-out", Severity.HIGH)
def _others_write(estate: Estate) -> Iterator[Trouble]:
    """Whom the bucket's policy lets write, nothing refuses: no deny of it, no key, no lock."""
    archive = estate.archive
    if not archive or not archive.policy:
        return
    for statement in archive.policy.statements:
        services = [name for kind, name in statement.principals or () if kind == "Service"]
        writes = statement.allows and not statement.doubt and statement.is_about(_PUT)
        for service in services if writes else ():
            reason = _refusal(estate, archive, statement, service)
            if service != CLOUDTRAIL and reason:
                yield Trouble(
                    "archive.writers",
                    estate.policy_address(archive),
                    f"{statement.label} lets {service} write, and {reason}: its logs would be "
                    "lost. Name it in archive.writers, or give it a bucket of its own.",
                )


@rule("key-refuses-trail", Severity.HIGH)
def _key_serves_the_trail(estate: Estate) -> Iterator[Trouble]:
    """The key's policy lets this trail encrypt."""
    trail, key = estate.trail, estate.key
    if not trail or not key:
        return
    arn = f"arn:{estate.partition}:kms:{key.region}:{key.account}:key/0"
    for action in ("kms:GenerateDataKey", "kms:DescribeKey"):
        request = Request(
            Caller(Kind.SERVICE, CLOUDTRAIL),
            action,
            arn,
            key.account,
            {
                **_acting(estate),
                "kms:ResourceAliases": (key.alias,),
                "kms:EncryptionContext:aws:cloudtrail:arn": trail.arn,
            },
        )
        decision = evaluate(request, Policies(resource=key.policy))
        if decision.verdict in (Verdict.EXPLICIT_DENY, Verdict.IMPLICIT_DENY):
            yield Trouble(
                "key",
                key.address,
                f"does not let the trail use {action} ({decision.statement}). Allow it for "
                f"{CLOUDTRAIL} with aws:SourceArn {trail.arn}.",
            )


@rule("archive-open", Severity.HIGH)
def _closed(estate: Estate) -> Iterator[Trouble]:
    """Every bucket blocks public access."""
    for each in estate.buckets:
        if not each.is_closed:
            yield Trouble(
                "archive",
                each.address,
                f"bucket {each.name} has no complete public access block. Set all four.",
            )


@rule("versioning", Severity.HIGH)
def _versioned(estate: Estate) -> Iterator[Trouble]:
    """The archive keeps versions, and old ones expire."""
    archive = estate.archive
    if archive and not archive.is_versioned:
        yield Trouble(
            "archive",
            archive.address,
            f"bucket {archive.name} has no versioning: what is overwritten is gone. Enable it.",
        )


@rule("lifecycle", Severity.LOW)
def _lifecycle(estate: Estate) -> Iterator[Trouble]:
    """Lifecycle rules reach current and old versions, and move nothing too soon or too small."""
    for each in estate.buckets:
        if each.is_versioned and each.noncurrent_days is None:
            yield Trouble(
                "archive.noncurrent_expire_after_days",
                each.address,
                f"bucket {each.name} keeps old versions for ever: expire noncurrent ones.",
            )
        expires = each.expire_after_days or each.keeps_table
        if each is not estate.archive and each.noncurrent_days and not expires:
            yield Trouble(
                "archive.access_log_expire_after_days",
                each.address,
                f"bucket {each.name} expires old versions, but current ones never.",
            )
        if each.moves_small_files and each.transitions:
            yield Trouble(
                "archive.glacier_after_days",
                each.address,
                f"bucket {each.name} moves files of every size: each has 40 KB of overhead, and "
                "most log files are smaller. Set all_storage_classes_128K.",
            )
        for storage, days in each.transitions:
            if storage in _WARM and days < 30:
                yield Trouble(
                    "archive.glacier_after_days",
                    each.address,
                    f"bucket {each.name} moves files to {storage} after {days} days; S3 asks "
                    "for 30 at least.",
                )


@rule("lock-outlives", Severity.HIGH)
def _lock(estate: Estate) -> Iterator[Trouble]:
    """Nothing expires before its lock ends, and only the archive is locked."""
    archive = estate.archive
    for each in estate.buckets:
        targets = {other.logs_to for other in estate.buckets}
        if each.lock_mode and each.name in targets:
            yield Trouble(
                "archive.object_lock",
                each.address,
                f"bucket {each.name} has a lock and takes access logs: S3 delivers none to a "
                "locked bucket. Take the lock away.",
            )
    days = archive.expire_after_days if archive else None
    if archive and days and days < archive.lock_days:
        yield Trouble(
            "archive.expire_after_days",
            archive.address,
            f"log files expire after {days} days and are locked for {archive.lock_days}: "
            "expire_after_days must be at least the days of the lock.",
        )


@rule("no-lock", Severity.LOW)
def _there_is_a_lock(estate: Estate) -> Iterator[Trouble]:
    """Log files are locked against deletion (WORM): policies can be changed, a lock cannot."""
    archive = estate.archive
    if archive and not archive.lock_mode:
        yield Trouble(
            "archive.object_lock",
            archive.address,
            "log files have no lock: whoever gets past the policies can delete them. Set mode "
            "and days.",
        )


@rule("access-log-encryption", Severity.MEDIUM)
def _access_logs(estate: Estate) -> Iterator[Trouble]:
    """The bucket of access logs is encrypted with SSE-S3: S3 delivers to no other."""
    targets = {each.logs_to for each in estate.buckets if each.logs_to}
    for each in estate.buckets:
        if each.name in targets and each.algorithm == "aws:kms":
            yield Trouble(
                "archive.access_log_bucket",
                each.address,
                f"bucket {each.name} takes access logs and encrypts with KMS: S3 delivers none. "
                "Use AES256.",
            )
        if each.logs_to == each.name:
            yield Trouble(
                "archive.access_log_bucket",
                each.address,
                f"bucket {each.name} logs into itself: every delivery is logged without end.",
            )


_NOT_LOCKED = {"config.amazonaws.com": "AWS Config", "logging.s3.amazonaws.com": "S3"}
"""Services that deliver to no bucket with a default lock."""
_NOT_KMS = {
    "logdelivery.elasticloadbalancing.amazonaws.com": "a load balancer",
    "logging.s3.amazonaws.com": "S3",
}
"""Services that deliver to no bucket that encrypts with KMS by default."""


def _refusal(estate: Estate, archive: Bucket, statement: Statement, service: str) -> str:
    """Say what keeps a service from what a statement allows it; empty where nothing does."""
    if archive.lock_mode and service in _NOT_LOCKED:
        return f"{_NOT_LOCKED[service]} delivers to no bucket with a default lock"
    encrypts = archive.algorithm == "aws:kms"
    if encrypts and service in _NOT_KMS:
        return f"{_NOT_KMS[service]} delivers to no bucket that encrypts with KMS by default"
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
    key = estate.key
    if encrypts and key and archive.key == key.address:
        arn = f"arn:{estate.partition}:kms:{key.region}:{key.account}:key/0"
        request = Request(caller, "kms:GenerateDataKey", arn, key.account, given)
        decision = evaluate(request, Policies(resource=key.policy))
        if decision.verdict in (Verdict.EXPLICIT_DENY, Verdict.IMPLICIT_DENY):
            return f"the key that the bucket encrypts with does not ({decision.statement})"
    return ""


def _writes(estate: Estate, archive: Bucket, key: str, algorithm: str) -> Decision:
    arn = f"arn:{estate.partition}:s3:::{archive.name}"
    headers = {"s3:x-amz-acl": "bucket-owner-full-control", _ENCRYPTION: algorithm} if key else {}
    request = Request(
        Caller(Kind.SERVICE, CLOUDTRAIL),
        _PUT if key else "s3:GetBucketAcl",
        f"{arn}/{key}" if key else arn,
        archive.account,
        {**_acting(estate), **headers},
    )
    return evaluate(request, Policies(resource=archive.policy))


def _acting(estate: Estate) -> dict[str, str]:
    """Return what CloudTrail says of the trail that it acts for."""
    assert estate.trail
    return {
        "aws:SecureTransport": "true",
        "aws:SourceArn": estate.trail.arn,
        "aws:SourceAccount": estate.trail.account,
        "aws:SourceOrgID": estate.organization,
    }
