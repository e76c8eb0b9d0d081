"""Checks of the archive alone: its lock, its notices, and what lies in it."""

from __future__ import annotations

from collections.abc import Iterator

from orgtrail import layout
from orgtrail.doctor.outcome import DEPLOY, Fault, Subject
from orgtrail.doctor.register import Live, check


def archive(live: Live) -> list[Subject]:
    """Return the archive, unless the file only refers to it."""
    env = live.env
    return [] if env.adopt.refers("bucket") else [Subject("logging", env.archive.bucket)]


def _locked(live: Live) -> list[Subject]:
    return archive(live) if live.env.archive.object_lock else []


def _notified(live: Live) -> list[Subject]:
    return archive(live) if live.env.siem else []


@check("bucket-lock", "Log files are locked", _locked, "bucket")
def _lock(live: Live, subject: Subject) -> Iterator[Fault]:
    answer = live.aws.ask(
        "logging", "s3", "get_object_lock_configuration",
        absent=("ObjectLockConfigurationNotFoundError",), Bucket=subject.name,
    )  # fmt: skip
    wanted = live.env.archive.object_lock
    assert wanted
    given = (answer or {}).get("ObjectLockConfiguration", {}).get("Rule", {})
    has = given.get("DefaultRetention", {})
    days = has.get("Days") or 365 * has.get("Years", 0)
    if (has.get("Mode"), days) != (wanted.mode, wanted.days):
        found = f"{has['Mode']} for {days} days" if has else "none"
        yield Fault(
            f"the lock of new log files is {found}, not {wanted.mode} for {wanted.days} days",
            f"{DEPLOY}; files that came meanwhile keep the lock that they got",
        )


@check("bucket-notification", "The archive tells the feed of new files", _notified, "bucket")
def _notification(live: Live, subject: Subject) -> Iterator[Fault]:
    env = live.env
    assert env.siem
    given = live.aws.ask(
        "logging", "s3", "get_bucket_notification_configuration", Bucket=subject.name
    )
    topic = layout.feed_topic_arn(env, env.siem.topic)
    for each in given.get("TopicConfigurations", ()):
        if each["TopicArn"] == topic and "s3:ObjectCreated:*" in each["Events"]:
            rules = each.get("Filter", {}).get("Key", {}).get("FilterRules", ())
            prefix = next((r["Value"] for r in rules if r["Name"].lower() == "prefix"), "")
            wanted = layout.organization_prefix(env)
            if not wanted.startswith(prefix):
                yield Fault(
                    f"it tells of files below {prefix!r} alone; the organization's lie below "
                    f"{wanted!r}",
                    DEPLOY,
                )
            return
    yield Fault(f"the archive does not tell {topic} of new files: the SIEM hears nothing", DEPLOY)


@check("archive-prefix", "Log files lie where table and policies look", archive, "bucket")
def _prefix(live: Live, subject: Subject) -> Iterator[Fault]:
    env = live.env
    above, wanted = layout.logs_prefix(env), layout.organization_prefix(env)
    answer = live.aws.ask(
        "logging", "s3", "list_objects_v2", Bucket=subject.name, Prefix=above, Delimiter="/"
    )
    has = [each["Prefix"] for each in answer.get("CommonPrefixes", ())]
    members = {f"{above}{each}/" for each in env.account_ids}
    if wanted in has:
        return
    if has and set(has) <= members:
        yield Fault(
            f"log files lie below {', '.join(has)}, without the organization's id: a trail of "
            "one account wrote them, not an organization trail",
            f"see what trail-organization says here; the organization's come below {wanted}",
        )
    elif has:
        yield Fault(f"log files lie below {', '.join(has)}, not below {wanted}",
                    "correct organization.id or trail.key_prefix")  # fmt: skip
