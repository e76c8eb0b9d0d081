"""Rules of what exists already: nothing is asked of it that would have no effect."""

from __future__ import annotations

from collections.abc import Iterator

from orgtrail.settings.adoption import BucketPart
from orgtrail.settings.faults import NOTHING, Fault
from orgtrail.settings.rules.register import account_of, rule
from orgtrail.settings.shape import Shape


@rule("adopt", "home_region", "accounts", "key")
def _key(environment: Shape) -> Iterator[Fault]:
    """A key that exists is in the home region, and in the logging account where it is managed."""
    existing = environment.adopt.key
    if not existing or "logging" not in environment.accounts:
        return
    here, home, owner = ("adopt", "key", "arn"), environment.home_region, environment.logging.id
    if existing.arn.split(":")[3] != home:
        yield Fault(here, f"must be a key in home_region ({home})", existing.arn)
    if not existing.manage:
        if environment.key.administrators:
            yield _without_effect(("key", "administrators"), "key")
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


@rule("adopt", "trail", "recording", "delivery")
def _trail(environment: Shape) -> Iterator[Fault]:
    """Where the trail is only referred to, nothing says what it records or delivers to."""
    adopt, trail = environment.adopt, environment.trail
    if not adopt.refers("trail"):
        return
    if environment.recording:
        yield _without_effect(("recording",), "trail")
    for name in ("event_selectors", "advanced_event_selectors", "insights", "sns_topic"):
        if getattr(trail, name):
            yield _without_effect(("trail", name), "trail")
    for name in ("multi_region", "global_events", "log_file_validation", "enabled"):
        if not getattr(trail, name):
            yield _without_effect(("trail", name), "trail")
    if adopt.delivery_role:
        yield _without_effect(("adopt", "delivery_role"), "trail")
    if environment.delivery.enabled and not adopt.refers("log_group"):
        yield Fault(
            ("adopt", "log_group"),
            "must be { manage = false }, or delivery.enabled false, where adopt.trail.manage is "
            "false: a trail that is not managed delivers where it does already",
        )


@rule("adopt", "delivery")
def _delivery(environment: Shape) -> Iterator[Fault]:
    """A log group and its role are adopted where there is delivery."""
    for name in ("log_group", "delivery_role"):
        if getattr(environment.adopt, name) and not environment.delivery.enabled:
            yield Fault(("adopt", name), "must be left out where delivery.enabled is false")


@rule("adopt", "archive", "access", "siem")
def _bucket(environment: Shape) -> Iterator[Fault]:
    """Where the archive is only referred to, nothing is set on it that would need a change."""
    adopt, archive = environment.adopt, environment.archive
    if adopt.refers("bucket"):
        for name in (
            "object_lock", "glacier_after_days", "deep_archive_after_days", "notifications",
            "eventbridge",
        ):  # fmt: skip
            if getattr(archive, name):
                yield _without_effect(("archive", name), "bucket")
        if environment.siem:
            yield _without_effect(("siem",), "bucket")
    for part in ("bucket", "key"):
        if adopt.refers(part) and environment.access.member_readers:
            yield _without_effect(("access", "member_readers"), part)


@rule("adopt", "archive", "siem")
def _parts(environment: Shape) -> Iterator[Fault]:
    """Parts that are set already are of buckets that are managed, and of those that have them."""
    adopt, archive = environment.adopt, environment.archive
    for name in ("bucket", "access_log_bucket"):
        existing = getattr(adopt, name)
        if existing and existing.parts and not existing.manage:
            yield _without_effect(("adopt", name, "parts"), name)
        if existing and existing.parts is None and existing.manage:
            yield Fault(
                ("adopt", name, "parts"),
                "must name what is set on the bucket already, or be [] where nothing is: what is "
                "set and not named is replaced, and no plan shows that",
            )
    if adopt.bucket and adopt.bucket.has("lock") and not archive.object_lock:
        yield Fault(("adopt", "bucket", "parts"), "must not hold lock without archive.object_lock")
    managed = adopt.bucket if adopt.imports("bucket") else None
    if managed and managed.has("notification") and not environment.tells:
        yield Fault(
            ("adopt", "bucket", "parts"),
            "must not hold notification where nobody is told: it stays as it is; name who is told "
            "in archive.notifications, or leave it out",
        )
    if adopt.access_log_bucket:
        parts: tuple[BucketPart, ...] = ("lock", "logging", "notification")
        for part in parts:
            if adopt.access_log_bucket.has(part):
                yield Fault(
                    ("adopt", "access_log_bucket", "parts"),
                    f"must not hold {part}: a bucket of access logs has none",
                )


@rule("adopt", "archive", "catalog", "guardduty")
def _control_tower(environment: Shape) -> Iterator[Fault]:
    """Beside Control Tower's archive no bucket of ours has a name that begins like its own.

    Its mandatory controls forbid everybody else to set anything on such a bucket:
    https://docs.aws.amazon.com/controltower/latest/controlreference/mandatory-controls.html
    """
    settings = {
        environment.result_bucket: ("catalog", "result_bucket"),
        environment.compacted_bucket: ("catalog", "compaction", "bucket"),
        environment.findings_bucket: ("guardduty", "export", "bucket"),
    }
    for name, setting in settings.items():
        if name and name.startswith("aws-controltower"):
            yield Fault(
                setting,
                "must be set to a name that does not begin with aws-controltower: Control Tower "
                "lets nobody else set anything on such a bucket",
                name,
            )


@rule("adopt", "guardrails", "organization")
def _scp(environment: Shape) -> Iterator[Fault]:
    """A policy that exists is attached to nothing but what guardrails.targets says."""
    existing, targets = environment.adopt.scp, environment.policy_targets
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


def _without_effect(setting: tuple[str, ...], part: str) -> Fault:
    rule = f"must be left out where adopt.{part}.manage is false: it would have no effect"
    return Fault(setting, rule, NOTHING)
