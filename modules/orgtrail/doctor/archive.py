"""Checks of buckets and keys, and of the archive's Object Lock, notifications and log files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from orgtrail import naming
from orgtrail.doctor.calls import UncheckedError
from orgtrail.doctor.model import DEPLOY, MAKE, Ask, Live, LiveFault, Subject, expected, value_at
from orgtrail.doctor.policies import bucket_mistakes, key_mistakes
from orgtrail.settings.archive import Notification

_ABSENT = ("NoSuchBucket", "404")
_LEGACY_REGIONS = {"": "us-east-1", "EU": "eu-west-1"}
"""Legacy names that GetBucketLocation still returns for two regions."""
_FLAGS = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")


def ask(operation: str, *absent: str, field: str = "") -> Ask:
    """Return a call to S3 about a bucket."""
    return Ask("s3", operation, "Bucket", absent, field)


def existence(live: Live, subject: Subject) -> Iterator[LiveFault]:
    """Report a bucket that is missing, in another account or in another region."""
    try:
        about = ask("get_bucket_location", *_ABSENT)(live, subject)
    except UncheckedError as error:
        if not error.is_foreign:
            raise
        yield LiveFault(
            f"the bucket {subject.name} is another account's: S3 refuses access to it (403)",
            "names of buckets are taken by all of AWS together: choose another in the environment "
            "file",
        )
        return
    if about is None:
        yield LiveFault(f"the bucket {subject.name} does not exist", MAKE)
        return
    said = about.get("LocationConstraint") or ""
    region = _LEGACY_REGIONS.get(said, said)
    if region != live.env.home_region:
        yield LiveFault(
            f"the bucket is in {region}, not in {live.env.home_region}",
            "the name is taken there; choose another name in the environment file",
        )


def explain_bucket(live: Live, subject: Subject, policy: Any, _: str) -> str:
    """Describe what is wrong with a bucket's policy."""
    return bucket_mistakes(live.env, subject.name, policy)


def public_access(live: Live, subject: Subject) -> Iterator[LiveFault]:
    """Report a public access block that is not fully on."""
    answer = ask("get_public_access_block", "NoSuchPublicAccessBlockConfiguration")(live, subject)
    given = (answer or {}).get("PublicAccessBlockConfiguration", {})
    if off := [each for each in _FLAGS if not given.get(each)]:
        yield LiveFault(f"its public access block has {', '.join(off)} off")


def encryption(live: Live, subject: Subject) -> Iterator[LiveFault]:
    """Report default encryption with the wrong algorithm or key."""
    answer = ask("get_bucket_encryption", "ServerSideEncryptionConfigurationNotFoundError")(
        live, subject
    )
    has = value_at(
        answer, "ServerSideEncryptionConfiguration/Rules/ApplyServerSideEncryptionByDefault"
    ) or {}  # fmt: skip
    part = live.resource(subject, "aws_s3_bucket_server_side_encryption_configuration")
    wanted = part.one("rule", "apply_server_side_encryption_by_default")
    if has.get("SSEAlgorithm") != wanted["sse_algorithm"]:
        named = has.get("SSEAlgorithm", "nothing")
        yield LiveFault(f"it encrypts with {named}, not with {wanted['sse_algorithm']}")
        return
    alias = live.alias(wanted.get("kms_master_key_id", ""))
    if not alias or live.env.adopt.referenced_key:
        return
    about = live.key("logging", alias)
    ours = {about["Arn"], about["KeyId"]} if about else set()
    if ours and has.get("KMSMasterKeyID") not in {*ours, alias}:
        yield LiveFault(f"it encrypts with {has.get('KMSMasterKeyID')}, not with {alias}")


def lifecycle(live: Live, subject: Subject) -> Iterator[LiveFault]:
    """Report objects or old versions that expire or move at the wrong age."""
    answer = ask("get_bucket_lifecycle_configuration", "NoSuchLifecycleConfiguration")(
        live, subject
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
    part = live.resource(subject, "aws_s3_bucket_lifecycle_configuration")
    keep = part.one("rule", "expiration").get("days")
    wanted_moves = part.one("rule").get("transition") or ()
    for what, wanted, has in (
        ("objects expire after", [keep] if keep else [], days),
        ("old versions expire after",
         [part.one("rule", "noncurrent_version_expiration")["noncurrent_days"]], old),
        ("objects move after", sorted((m["days"], m["storage_class"]) for m in wanted_moves),
         moves),
    ):  # fmt: skip
        if wanted != has:
            yield LiveFault(f"{what} {_days(has)}, not {_days(wanted)}")


def _days(given: list[Any]) -> str:
    if not given:
        return "never"
    return ", ".join(
        f"{each[0]} days to {each[1]}" if isinstance(each, tuple) else f"{each} days"
        for each in given
    )


def archive(live: Live) -> list[Subject]:
    """Return the archive, unless the file only refers to it."""
    env = live.env
    return [] if env.adopt.is_referenced("bucket") else [Subject("logging", env.archive.bucket)]


def notifying_archive(live: Live) -> list[Subject]:
    """Return the archive, if it sends notifications."""
    return archive(live) if live.env.sends_notifications else []


def lock(live: Live, subject: Subject) -> Iterator[LiveFault]:
    """Report new log files that are unlocked, or locked in the wrong mode or for the wrong time."""
    answer = ask("get_object_lock_configuration", "ObjectLockConfigurationNotFoundError")(
        live, subject
    )
    has = value_at(answer, "ObjectLockConfiguration/Rule/DefaultRetention") or {}
    wanted = expected(
        live, subject, "aws_s3_bucket_object_lock_configuration/rule/default_retention"
    )
    days = has.get("Days") or 365 * has.get("Years", 0)
    if (has.get("Mode"), days) != (wanted["mode"], wanted["days"]):
        found = f"{has['Mode']} for {days} days" if has else "none"
        yield LiveFault(
            f"the lock of new log files is {found}, not {wanted['mode']} for {wanted['days']} days",
            f"{DEPLOY}; files that came meanwhile keep the lock that they got",
        )


def notifications(live: Live, subject: Subject) -> Iterator[LiveFault]:
    """Report destinations that the archive does not notify, or that the file does not name."""
    env = live.env
    given = live.aws.ask(
        "logging", "s3", "get_bucket_notification_configuration", Bucket=subject.name
    )
    notified = list(_notified(given))
    siem = naming.siem_topic_arn(env, env.siem.topic) if env.siem else ""
    for wanted in naming.notifications(env):
        has = [each for each in notified if each.arn == wanted.arn]
        is_siem = wanted.arn == siem
        if not any(set(wanted.events) <= set(each.events) for each in has):
            what = "new files" if is_siem else ", ".join(wanted.events)
            hears = "the SIEM hears nothing" if is_siem else "it hears nothing"
            yield LiveFault(f"the archive does not notify {wanted.arn} of {what}: {hears}")
        elif not any(wanted.prefix.startswith(each.prefix) for each in has):
            yield LiveFault(
                f"it reports files below {has[0].prefix!r} alone; "
                + ("the organization's" if is_siem else f"those for {wanted.arn}")
                + f" are below {wanted.prefix!r}"
            )
    named = {each.arn for each in naming.notifications(env)}
    for arn in sorted({each.arn for each in notified} - named):
        yield LiveFault(
            f"the archive tells {arn} too, which the file does not name: the next deploy ends that",
            "name it in archive.notifications, or let it go",
        )
    if env.archive.eventbridge and "EventBridgeConfiguration" not in given:
        yield LiveFault("the archive does not notify EventBridge of its events")


def _notified(given: Any) -> Iterator[Notification]:
    """Yield the destinations in S3's notification configuration."""
    for kind, name in (
        ("TopicConfigurations", "TopicArn"),
        ("QueueConfigurations", "QueueArn"),
        ("LambdaFunctionConfigurations", "LambdaFunctionArn"),
    ):
        for each in given.get(kind, ()):
            rules = each.get("Filter", {}).get("Key", {}).get("FilterRules", ())
            ends = {rule["Name"].lower(): rule["Value"] for rule in rules}
            yield Notification.model_construct(
                arn=each[name],
                events=tuple(each["Events"]),
                prefix=ends.get("prefix", ""),
                suffix=ends.get("suffix", ""),
            )


def prefixes(live: Live, subject: Subject) -> Iterator[LiveFault]:
    """Report log files outside the prefix that the table and policies use."""
    env = live.env
    above, wanted = env.logs_prefix, env.organization_prefix
    answer = live.aws.ask(
        "logging", "s3", "list_objects_v2", Bucket=subject.name, Prefix=above, Delimiter="/"
    )
    has = [each["Prefix"] for each in answer.get("CommonPrefixes", ())]
    members = {f"{above}{each}/" for each in env.account_ids}
    if wanted in has:
        return
    if has and set(has) <= members:
        yield LiveFault(
            f"log files are below {', '.join(has)}, without the organization's id: a trail of "
            "one account wrote them, not an organization trail",
            f"see what trail-organization says here; the organization's come below {wanted}",
        )
    elif has:
        yield LiveFault(f"log files are below {', '.join(has)}, not below {wanted}",
                        "correct organization.id or trail.key_prefix")  # fmt: skip


def keys(live: Live) -> Iterator[Subject]:
    """Yield every key that the stack creates, by its alias."""
    for alias in live.stack.of("aws_kms_alias"):
        key = live.stack.find(alias.text("target_key_id"))
        assert key
        if key.is_managed:
            yield Subject(live.account(key.provider.account), alias.text("name"), resource=key)


def usable_key(live: Live, subject: Subject) -> Iterator[LiveFault]:
    """Report a key that is missing, disabled or about to be deleted."""
    about = live.key(subject.account, subject.name)
    if about is None:
        yield LiveFault(f"no key has the alias {subject.name}", MAKE)
        return
    state = about["KeyState"]
    if state == "PendingDeletion":
        yield LiveFault(
            "the key is about to be deleted: what it encrypts can then never be read again",
            f"at once: aws kms cancel-key-deletion --key-id {about['KeyId']}, then "
            f"aws kms enable-key --key-id {about['KeyId']}",
        )
    elif state != "Enabled":
        yield LiveFault(
            f"the key is {state.lower()}: nothing can be written or read with it",
            f"aws kms enable-key --key-id {about['KeyId']}",
        )


def key_rotation(live: Live, subject: Subject) -> Any:
    """Return a key's rotation status in AWS."""
    known = live.key(subject.account, subject.name)["KeyId"]
    return live.aws.ask(subject.account, "kms", "get_key_rotation_status", KeyId=known)


def key_policy(live: Live, subject: Subject) -> Any:
    """Return a key's policy."""
    known = live.key(subject.account, subject.name)["KeyId"]
    found = live.aws.ask(
        subject.account, "kms", "get_key_policy", KeyId=known, PolicyName="default"
    )
    return found["Policy"]


def explain_key(live: Live, subject: Subject, policy: Any, _: str) -> str:
    """Describe what is wrong with a key's policy."""
    return key_mistakes(live.env, subject.name, policy)
