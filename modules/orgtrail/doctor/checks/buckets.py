"""Checks of every bucket that the stack makes: closed, encrypted, versioned, kept, logged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from orgtrail.doctor.asking import UncheckedError
from orgtrail.doctor.comparing import difference
from orgtrail.doctor.explaining import of_bucket
from orgtrail.doctor.outcome import DEPLOY, MAKE, Fault, Subject
from orgtrail.doctor.register import Live, check
from orgtrail.trail.resource import Resource

_ABSENT = ("NoSuchBucket", "404")
_OLD_NAMES = {"": "us-east-1", "EU": "eu-west-1"}
"""What GetBucketLocation still calls two regions."""


def buckets(live: Live) -> Iterator[Subject]:
    """Yield every bucket that is ours."""
    for each in live.stack.of("aws_s3_bucket"):
        name = each.text("bucket")
        if name not in live.env.referenced_buckets:
            yield Subject("logging", name, resource=each)


def _logged(live: Live) -> Iterator[Subject]:
    for each in buckets(live):
        if _part(live, each, "logging"):
            yield each


def _part(live: Live, subject: Subject, part: str) -> Resource | None:
    """Return what the stack sets of a bucket."""
    kind = f"aws_s3_bucket_{part}"
    return next((r for r in live.stack.of(kind) if r.text("bucket") == subject.name), None)


def _given(live: Live, subject: Subject, operation: str, *absent: str) -> Any:
    return live.aws.ask("logging", "s3", operation, absent=absent, Bucket=subject.name)


@check("bucket", "The bucket exists in the home region", buckets)
def _exists(live: Live, subject: Subject) -> Iterator[Fault]:
    try:
        about = _given(live, subject, "get_bucket_location", *_ABSENT)
    except UncheckedError as error:
        if not error.is_foreign:
            raise
        yield Fault(
            f"the bucket {subject.name} is another account's: S3 refuses to tell of it (403)",
            "names of buckets are taken by all of AWS together: choose another in the environment "
            "file",
        )
        return
    if about is None:
        yield Fault(f"the bucket {subject.name} does not exist", MAKE)
        return
    said = about.get("LocationConstraint") or ""
    region = _OLD_NAMES.get(said, said)
    if region != live.env.home_region:
        yield Fault(
            f"the bucket lies in {region}, not in {live.env.home_region}",
            "the name is taken there; choose another name in the environment file",
        )


@check("bucket-policy", "Its policy is the file's", buckets, "bucket")
def _policy(live: Live, subject: Subject) -> Iterator[Fault]:
    wanted = _part(live, subject, "policy")
    assert wanted
    about = _given(live, subject, "get_bucket_policy", "NoSuchBucketPolicy")
    has = about["Policy"] if about else None
    if lines := difference(wanted.document("policy"), has):
        yield Fault(of_bucket(live.env, subject.name, has), DEPLOY, lines)


@check("bucket-public-access", "Nothing of it is public", buckets, "bucket")
def _closed(live: Live, subject: Subject) -> Iterator[Fault]:
    answer = _given(
        live, subject, "get_public_access_block", "NoSuchPublicAccessBlockConfiguration"
    )
    given = (answer or {}).get("PublicAccessBlockConfiguration", {})
    names = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
    if off := [each for each in names if not given.get(each)]:
        yield Fault(f"its public access block has {', '.join(off)} off", DEPLOY)


@check("bucket-ownership", "Its objects belong to the logging account", buckets, "bucket")
def _owned(live: Live, subject: Subject) -> Iterator[Fault]:
    answer = _given(
        live, subject, "get_bucket_ownership_controls", "OwnershipControlsNotFoundError"
    )
    rules = (answer or {}).get("OwnershipControls", {}).get("Rules", [])
    if [each["ObjectOwnership"] for each in rules] != ["BucketOwnerEnforced"]:
        yield Fault("ACLs are in force, so that a writer could own an object", DEPLOY)


@check("bucket-versioning", "It keeps every version", buckets, "bucket")
def _versioned(live: Live, subject: Subject) -> Iterator[Fault]:
    status = _given(live, subject, "get_bucket_versioning").get("Status", "never on")
    if status != "Enabled":
        yield Fault(f"versioning is {status.lower()}: what is overwritten is gone", DEPLOY)


@check("bucket-encryption", "It encrypts as the file says", buckets, "bucket")
def _encrypted(live: Live, subject: Subject) -> Iterator[Fault]:
    part = _part(live, subject, "server_side_encryption_configuration")
    assert part
    wanted = part.one("rule", "apply_server_side_encryption_by_default")
    answer = _given(
        live, subject, "get_bucket_encryption", "ServerSideEncryptionConfigurationNotFoundError"
    )
    rules = (answer or {}).get("ServerSideEncryptionConfiguration", {}).get("Rules", [])
    has = rules[0].get("ApplyServerSideEncryptionByDefault", {}) if rules else {}
    if has.get("SSEAlgorithm") != wanted["sse_algorithm"]:
        named = has.get("SSEAlgorithm", "nothing")
        yield Fault(f"it encrypts with {named}, not with {wanted['sse_algorithm']}", DEPLOY)
        return
    # Which key, where ours can be told by its alias.
    key = live.stack.find(wanted.get("kms_master_key_id", ""))
    named = f"${{{key.address}.key_id}}" if key else ""
    aliases = live.stack.of("aws_kms_alias")
    alias = next((a.text("name") for a in aliases if a.text("target_key_id") == named), "")
    if not alias or live.env.adopt.referenced_key:
        return
    about = live.key("logging", alias)
    ours = {about["Arn"], about["KeyId"]} if about else set()
    if ours and has.get("KMSMasterKeyID") not in {*ours, alias}:
        yield Fault(f"it encrypts with {has.get('KMSMasterKeyID')}, not with {alias}", DEPLOY)


@check("bucket-lifecycle", "It keeps objects as long as the file says", buckets, "bucket")
def _lifecycle(live: Live, subject: Subject) -> Iterator[Fault]:
    part = _part(live, subject, "lifecycle_configuration")
    assert part
    answer = _given(
        live, subject, "get_bucket_lifecycle_configuration", "NoSuchLifecycleConfiguration"
    )
    rules = [each for each in (answer or {}).get("Rules", []) if each["Status"] == "Enabled"]
    days = [each["Expiration"]["Days"] for each in rules if "Days" in each.get("Expiration", {})]
    old = [
        each["NoncurrentVersionExpiration"]["NoncurrentDays"]
        for each in rules
        if "NoncurrentVersionExpiration" in each
    ]
    moves = sorted(
        (move.get("Days", 0), move["StorageClass"])
        for each in rules
        for move in each.get("Transitions", ())
    )
    rule = part.one("rule")
    keep = part.one("rule", "expiration").get("days")
    wanted_moves = sorted((m["days"], m["storage_class"]) for m in rule.get("transition") or ())
    for what, wanted, has in (
        ("objects expire after", [keep] if keep else [], days),
        ("old versions expire after",
         [part.one("rule", "noncurrent_version_expiration")["noncurrent_days"]], old),
        ("objects move after", wanted_moves, moves),
    ):  # fmt: skip
        if wanted != has:
            yield Fault(f"{what} {_days(has)}, not {_days(wanted)}", DEPLOY)


@check("bucket-logging", "Who reaches for it is logged", _logged, "bucket")
def _access_logged(live: Live, subject: Subject) -> Iterator[Fault]:
    part = _part(live, subject, "logging")
    assert part
    target = _given(live, subject, "get_bucket_logging").get("LoggingEnabled", {})
    has, wanted = target.get("TargetBucket", "nowhere"), part.text("target_bucket")
    if has != wanted:
        yield Fault(f"server access logs go to {has}, not to {wanted}", DEPLOY)


def _days(given: list[Any]) -> str:
    if not given:
        return "never"
    return ", ".join(
        f"{each[0]} days to {each[1]}" if isinstance(each, tuple) else f"{each} days"
        for each in given
    )
