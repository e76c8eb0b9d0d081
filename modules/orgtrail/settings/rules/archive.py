"""Rules of the archive's buckets, of who writes to them, and of resources that exist already."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from orgtrail.errors import Fault
from orgtrail.settings.access import SIEM_FEED_EVENTS, SIEM_FEED_SUFFIX
from orgtrail.settings.archive import BucketPart, Notification
from orgtrail.settings.types import account_of

if TYPE_CHECKING:
    from orgtrail.settings.environment import Environment

_NARROW = "narrow its events, prefix or suffix"


def lifecycle_respects_minimum_storage(env: Environment) -> Iterator[Fault]:
    """Files stay in Glacier for 90 days and in Deep Archive for 180: both are billed that long."""
    archive = env.archive
    glacier, deep, expire = (
        archive.glacier_after_days,
        archive.deep_archive_after_days,
        archive.expire_after_days,
    )
    if glacier and deep and deep < glacier + 90:
        yield Fault(
            ("archive", "deep_archive_after_days"),
            "must be at least archive.glacier_after_days + 90",
            deep,
        )
    last, least = ("deep_archive", 180) if deep else ("glacier", 90)
    if expire and (start := deep or glacier) and expire < start + least:
        yield Fault(
            ("archive", "expire_after_days"),
            f"must be at least archive.{last}_after_days + {least}",
            expire,
        )


def lock_fits_lifecycle(env: Environment) -> Iterator[Fault]:
    """A lock is not longer than the expiry, and COMPLIANCE keeps destroy protection on."""
    archive = env.archive
    lock = archive.object_lock
    if not lock:
        return
    if archive.expire_after_days and lock.days > archive.expire_after_days:
        yield Fault(
            ("archive", "object_lock", "days"),
            f"must be at most archive.expire_after_days ({archive.expire_after_days})",
            lock.days,
        )
    if lock.mode == "COMPLIANCE" and not archive.destroy_protection:
        yield Fault(
            ("archive", "destroy_protection"),
            "must be true where archive.object_lock.mode is COMPLIANCE: "
            "a bucket with locked files cannot be destroyed",
            False,
        )


def locked_key_waits(env: Environment) -> Iterator[Fault]:
    """Where files have a COMPLIANCE lock, their key waits as long as it can before it is gone."""
    lock, days = env.archive.object_lock, env.key.deletion_window_days
    others = env.adopt.is_referenced("key")
    if lock and lock.mode == "COMPLIANCE" and days != 30 and not others:
        yield Fault(
            ("key", "deletion_window_days"),
            "must be 30 where archive.object_lock.mode is COMPLIANCE: locked files are unreadable "
            "without their key",
            days,
        )


def buckets_differ(env: Environment) -> Iterator[Fault]:
    """Three buckets have three names, the derived ones within S3's 63 characters."""
    archive = env.archive
    results = env.result_bucket
    if len(results) > 63:
        yield Fault(
            ("catalog", "result_bucket"),
            "must be set, since the archive's name and -athena-results is over 63 characters",
            results,
        )
    if len(archive.access_log_bucket) > 63:
        yield Fault(
            ("archive", "access_log_bucket"),
            "must be set, since the archive's name and -access-logs is over 63 characters",
            archive.access_log_bucket,
        )
    if archive.access_log_bucket == archive.bucket:
        yield Fault(
            ("archive", "access_log_bucket"),
            "must be another bucket: S3 would log its own log deliveries without end",
            archive.bucket,
        )
    if results in (archive.bucket, archive.access_log_bucket):
        yield Fault(("catalog", "result_bucket"), "must be a bucket of its own", results)


def writers_fit_bucket(env: Environment) -> Iterator[Fault]:
    """A further writer is named once, of accounts in the file, and of a bucket that it delivers to.

    AWS Config delivers to no bucket with a default lock:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-config-deliverychannel.html
    WAF delivers to buckets of one kind of name alone:
    https://docs.aws.amazon.com/waf/latest/developerguide/logging-s3.html
    """
    archive = env.archive
    seen = set()
    for index, writer in enumerate(archive.writers):
        here = ("archive", "writers", index)
        if (writer.service, writer.prefix, writer.accounts) in seen:
            yield Fault(here, "must not come twice", writer.service)
        seen.add((writer.service, writer.prefix, writer.accounts))
        for place, name in enumerate(writer.accounts or ()):
            if name not in env.accounts:
                yield Fault((*here, "accounts", place), "must be a name in accounts", name)
        if writer.service == "config" and archive.object_lock:
            yield Fault(
                here,
                "must not be config where archive.object_lock is set: AWS Config delivers to no "
                "bucket with a default lock",
                hint="give AWS Config a bucket of its own",
            )
        if writer.service == "waf" and not archive.bucket.startswith("aws-waf-logs-"):
            yield Fault(
                here,
                "must not be waf unless archive.bucket begins with aws-waf-logs-: WAF delivers to "
                "no other bucket",
                archive.bucket,
            )


def writers_need_managed_bucket(env: Environment) -> Iterator[Fault]:
    """Further writers and kept statements are of a bucket with a policy of ours."""
    if not env.adopt.is_referenced("bucket"):
        return
    for name in ("writers", "statements"):
        if getattr(env.archive, name):
            yield _no_effect(("archive", name), "bucket")


def kept_statements_are_complete(env: Environment) -> Iterator[Fault]:
    """A kept statement is whole, has a name of its own, and is about the archive bucket."""
    bucket = env.archive.bucket
    names = set()
    for index, each in enumerate(env.archive.statements):
        here = ("archive", "statements", index)
        if each.Sid in names:
            yield Fault((*here, "Sid"), "must be a name of its own", each.Sid)
        names.add(each.Sid)
        for one, other in (("Principal", "NotPrincipal"), ("Action", "NotAction")):
            if (getattr(each, one) is None) == (getattr(each, other) is None):
                yield Fault(here, f"needs {one} or {other}, and not both", each.Sid)
        resources = (each.Resource,) if isinstance(each.Resource, str) else each.Resource
        for resource in resources:
            name = resource.partition(":s3:::")[2]
            if name != bucket and not name.startswith(f"{bucket}/"):
                yield Fault(
                    (*here, "Resource"),
                    f"must be bucket {bucket} or keys of it, by ARN",
                    resource,
                )


def _no_effect(setting: tuple[str, ...], part: str) -> Fault:
    rule = f"must be left out where adopt.{part}.manage is false: it would have no effect"
    return Fault(setting, rule)


def notifications_are_in_home_region(env: Environment) -> Iterator[Fault]:
    """S3 tells destinations in the bucket's own region alone.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/how-to-enable-disable-notification-intro.html
    """
    home = env.home_region
    for index, each in enumerate(env.archive.notifications):
        if each.arn.split(":")[3] != home:
            yield Fault(
                ("archive", "notifications", index, "arn"),
                f"must be in home_region ({home}): S3 tells no other region",
                each.arn,
            )


def notifications_do_not_overlap(env: Environment) -> Iterator[Fault]:
    """No event of a key is for two destinations: S3 refuses filters that overlap."""
    given = env.archive.notifications
    for index, each in enumerate(given):
        here = ("archive", "notifications", index)
        for before in range(index):
            if each.overlaps(given[before]):
                yield Fault(
                    here,
                    f"must not overlap with archive.notifications[{before}]: S3 takes one "
                    "destination for an event of a key",
                    hint=_NARROW,
                )
        if env.siem and each.overlaps(_siem_notification(env, each.arn)):
            yield Fault(
                here,
                f"must not overlap with the feed of siem ({', '.join(SIEM_FEED_EVENTS)} of "
                f"{env.organization_prefix}*{SIEM_FEED_SUFFIX}): S3 takes one destination for "
                "an event of a key",
                hint=f"{_NARROW}, or subscribe it to siem.topic",
            )


def _siem_notification(env: Environment, arn: str) -> Notification:
    return Notification.model_construct(
        arn=arn, events=SIEM_FEED_EVENTS, prefix=env.organization_prefix, suffix=SIEM_FEED_SUFFIX
    )


def findings_bucket_differs(env: Environment) -> Iterator[Fault]:
    """Findings have a bucket of their own, its derived name within S3's 63 characters."""
    bucket = env.findings_bucket
    if bucket is None:
        return
    here = ("guardduty", "export", "bucket")
    if len(bucket) > 63:
        yield Fault(
            here,
            "must be set, since the archive's name and -guardduty is over 63 characters",
            bucket,
        )
    if env.own_buckets.count(bucket) > 1:
        yield Fault(here, "must be a bucket of its own", bucket)


def existing_key_fits(env: Environment) -> Iterator[Fault]:
    """A key that exists is in the home region, and in the logging account where it is managed."""
    existing = env.adopt.key
    if not existing or "logging" not in env.accounts:
        return
    here, home, owner = ("adopt", "key", "arn"), env.home_region, env.logging.id
    if existing.arn.split(":")[3] != home:
        yield Fault(here, f"must be a key in home_region ({home})", existing.arn)
    if not existing.manage:
        if env.key.administrators:
            yield _no_effect(("key", "administrators"), "key")
        return
    if account_of(existing.arn) != owner:
        yield Fault(
            here,
            f"must be a key of the logging account ({owner}) where adopt.key.manage is true",
            existing.arn,
        )
    if ":key/mrk-" in existing.arn:
        yield Fault(
            here,
            "must not be a multi-Region key where adopt.key.manage is true: it would be replaced",
            existing.arn,
        )


def referenced_trail_is_unchanged(env: Environment) -> Iterator[Fault]:
    """Where the trail is only referred to, nothing says what it records or delivers to."""
    adopt, trail = env.adopt, env.trail
    if not adopt.is_referenced("trail"):
        return
    if env.recording:
        yield _no_effect(("recording",), "trail")
    for name in ("event_selectors", "advanced_event_selectors", "insights", "sns_topic"):
        if getattr(trail, name):
            yield _no_effect(("trail", name), "trail")
    for name in ("multi_region", "global_events", "log_file_validation", "enabled"):
        if not getattr(trail, name):
            yield _no_effect(("trail", name), "trail")
    if adopt.delivery_role:
        yield _no_effect(("adopt", "delivery_role"), "trail")
    if env.delivery.enabled and not adopt.is_referenced("log_group"):
        yield Fault(
            ("adopt", "log_group"),
            "must be { manage = false }, or delivery.enabled false, where adopt.trail.manage is "
            "false: a trail that is not managed delivers where it does already",
        )


def existing_delivery_is_enabled(env: Environment) -> Iterator[Fault]:
    """A log group and its role are adopted where there is delivery."""
    for name in ("log_group", "delivery_role"):
        if getattr(env.adopt, name) and not env.delivery.enabled:
            yield Fault(("adopt", name), "must be left out where delivery.enabled is false")


def referenced_bucket_is_unchanged(env: Environment) -> Iterator[Fault]:
    """Where the archive is only referred to, nothing is set on it that would need a change."""
    adopt, archive = env.adopt, env.archive
    if adopt.is_referenced("bucket"):
        for name in (
            "object_lock", "glacier_after_days", "deep_archive_after_days", "notifications",
            "eventbridge",
        ):  # fmt: skip
            if getattr(archive, name):
                yield _no_effect(("archive", name), "bucket")
        if env.siem:
            yield _no_effect(("siem",), "bucket")
    for part in ("bucket", "key"):
        if adopt.is_referenced(part) and env.access.member_readers:
            yield _no_effect(("access", "member_readers"), part)


def existing_parts_fit(env: Environment) -> Iterator[Fault]:
    """Parts that are set already are of buckets that are managed, and of those that have them."""
    adopt, archive = env.adopt, env.archive
    for name in ("bucket", "access_log_bucket"):
        existing = getattr(adopt, name)
        if existing and existing.parts and not existing.manage:
            yield _no_effect(("adopt", name, "parts"), name)
        if existing and existing.parts is None and existing.manage:
            yield Fault(
                ("adopt", name, "parts"),
                "must name what is set on the bucket already, or be [] where nothing is: what is "
                "set and not named is replaced, and no plan shows that",
            )
    if adopt.bucket and adopt.bucket.has("lock") and not archive.object_lock:
        yield Fault(("adopt", "bucket", "parts"), "must not hold lock without archive.object_lock")
    managed = adopt.bucket if adopt.is_imported("bucket") else None
    if managed and managed.has("notification") and not env.sends_notifications:
        yield Fault(
            ("adopt", "bucket", "parts"),
            "must not have notification where nobody is notified: it stays as it is; name who is "
            "notified in archive.notifications, or leave it out",
        )
    if adopt.access_log_bucket:
        parts: tuple[BucketPart, ...] = ("lock", "logging", "notification")
        for part in parts:
            if adopt.access_log_bucket.has(part):
                yield Fault(
                    ("adopt", "access_log_bucket", "parts"),
                    f"must not hold {part}: a bucket of access logs has none",
                )


def buckets_avoid_control_tower(env: Environment) -> Iterator[Fault]:
    """Beside Control Tower's archive no bucket of ours has a name that begins like its own.

    Its mandatory controls forbid everybody else to set anything on such a bucket:
    https://docs.aws.amazon.com/controltower/latest/controlreference/mandatory-controls.html
    """
    settings = {
        env.result_bucket: ("catalog", "result_bucket"),
        env.compacted_bucket: ("catalog", "compaction", "bucket"),
        env.findings_bucket: ("guardduty", "export", "bucket"),
    }
    for name, setting in settings.items():
        if name and name.startswith("aws-controltower"):
            yield Fault(
                setting,
                "must be set to a name that does not begin with aws-controltower: Control Tower "
                "lets nobody else set anything on such a bucket",
                name,
            )


def existing_scp_fits_targets(env: Environment) -> Iterator[Fault]:
    """A policy that exists is attached only to what guardrails.targets says."""
    existing, targets = env.adopt.scp, env.policy_targets
    if not existing:
        return
    if not targets:
        yield Fault(("adopt", "scp"), "must be left out where guardrails.targets is empty")
    for index, target in enumerate(existing.attached or ()):
        if targets and target not in targets:
            yield Fault(
                ("adopt", "scp", "attached", index),
                "must be one of guardrails.targets: a plan would not know of it otherwise",
                target,
            )
