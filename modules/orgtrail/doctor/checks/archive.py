"""Checks of the archive alone: its lock, its notices, and what lies in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from orgtrail import naming
from orgtrail.doctor.outcome import DEPLOY, Fault, Subject
from orgtrail.doctor.register import Live, check
from orgtrail.settings.archive import Notification


def archive(live: Live) -> list[Subject]:
    """Return the archive, unless the file only refers to it."""
    env = live.env
    return [] if env.adopt.is_referenced("bucket") else [Subject("logging", env.archive.bucket)]


def _locked(live: Live) -> list[Subject]:
    return archive(live) if live.env.archive.object_lock else []


def _notified(live: Live) -> list[Subject]:
    return archive(live) if live.env.sends_notifications else []


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


@check("bucket-notification", "The archive tells of new files whom the file names", _notified,
       "bucket")  # fmt: skip
def _notification(live: Live, subject: Subject) -> Iterator[Fault]:
    env = live.env
    given = live.aws.ask(
        "logging", "s3", "get_bucket_notification_configuration", Bucket=subject.name
    )
    told = list(_told(given))
    feed = naming.siem_topic_arn(env, env.siem.topic) if env.siem else ""
    for wanted in naming.notifications(env):
        has = [each for each in told if each.arn == wanted.arn]
        if not any(set(wanted.events) <= set(each.events) for each in has):
            hears = "the SIEM hears nothing" if wanted.arn == feed else "it hears nothing"
            yield Fault(
                f"the archive does not tell {wanted.arn} of {_what(wanted, feed)}: {hears}", DEPLOY
            )
        elif not any(wanted.prefix.startswith(each.prefix) for each in has):
            yield Fault(
                f"it tells of files below {has[0].prefix!r} alone; "
                + ("the organization's" if wanted.arn == feed else f"those for {wanted.arn}")
                + f" lie below {wanted.prefix!r}",
                DEPLOY,
            )
    named = {each.arn for each in naming.notifications(env)}
    for arn in sorted({each.arn for each in told} - named):
        yield Fault(
            f"the archive tells {arn} too, which the file does not name: the next deploy ends that",
            "name it in archive.notifications, or let it go",
        )
    if env.archive.eventbridge and "EventBridgeConfiguration" not in given:
        yield Fault("the archive does not tell EventBridge of its events", DEPLOY)


def _what(wanted: Notification, feed: str) -> str:
    return "new files" if wanted.arn == feed else ", ".join(wanted.events)


def _told(given: Any) -> Iterator[Notification]:
    """Yield whom a bucket tells, of a notification configuration as S3 answers it."""
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


@check("archive-prefix", "Log files lie where table and policies look", archive, "bucket")
def _prefix(live: Live, subject: Subject) -> Iterator[Fault]:
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
        yield Fault(
            f"log files lie below {', '.join(has)}, without the organization's id: a trail of "
            "one account wrote them, not an organization trail",
            f"see what trail-organization says here; the organization's come below {wanted}",
        )
    elif has:
        yield Fault(f"log files lie below {', '.join(has)}, not below {wanted}",
                    "correct organization.id or trail.key_prefix")  # fmt: skip
