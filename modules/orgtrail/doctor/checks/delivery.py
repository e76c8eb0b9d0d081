"""Checks of what the trail delivers: log files, digests, events in CloudWatch Logs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from orgtrail import naming
from orgtrail.doctor.checks.trail import trail
from orgtrail.doctor.freshness import silent
from orgtrail.doctor.outcome import DEPLOY, MAKE, Fault, Subject
from orgtrail.doctor.refusing import refusing
from orgtrail.doctor.register import Live, check

LOGS_WITHIN = timedelta(hours=1)
"""CloudTrail delivers within about 5 minutes, and the doctor's own calls are events.
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html"""
DIGESTS_WITHIN = timedelta(hours=3)
"""A digest is delivered each hour, with log files or without.
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html"""

_CAUSES = {
    "AccessDenied": (
        "the archive's bucket policy or the key policy refuses CloudTrail",
        "see what bucket-policy and key-policy say here: the usual causes are a wrong service "
        "principal, aws:SourceArn of another trail, and a resource without the organization's "
        "prefix {prefix}",
    ),
    "NoSuchBucket": (
        "the archive {bucket} does not exist",
        "deploy again; files of the time between are lost, but for those of CloudTrail's retries",
    ),
    "KMS": (
        "the key cannot be used",
        "see what key and key-policy say here: it is disabled, about to be deleted, or refuses "
        "CloudTrail",
    ),
}
_KNOWN = {
    "AccessDenied": "AccessDenied", "AccessDeniedException": "AccessDenied",
    "NoSuchBucket": "NoSuchBucket", "KMS.DisabledException": "KMS", "KMS.NotFoundException": "KMS",
    "KMS.InvalidStateException": "KMS", "KMS.AccessDeniedException": "KMS",
    "KMSDisabledException": "KMS",
}  # fmt: skip


def _status(live: Live) -> Any:
    # By its ARN: a name is looked up in the caller's own account and region.
    return live.aws.ask(
        "management", "cloudtrail", "get_trail_status", Name=naming.trail_arn(live.env)
    )


def _digests(live: Live) -> list[Subject]:
    return trail(live) if live.env.trail.log_file_validation else []


def _digested(live: Live) -> Iterator[Subject]:
    """Yield the trail, and each account: what arrives of one says nothing of the others."""
    yield from _digests(live)
    if live.env.trail.log_file_validation and live.env.trail.enabled:
        for account in live.env.account_ids:
            yield Subject("logging", account)


def _streams(live: Live) -> list[Subject]:
    return trail(live) if live.env.delivery.enabled else []


def log_group(live: Live) -> list[Subject]:
    """Return the log group that the trail delivers to, if it does."""
    return [Subject("management", live.env.delivery.log_group)] if live.env.delivery.enabled else []


@check("trail-logging", "It is logging", trail, "trail")
def _logging(live: Live, _: Subject) -> Iterator[Fault]:
    status = _status(live)
    if bool(status["IsLogging"]) == live.env.trail.enabled:
        return
    if live.env.trail.enabled:
        stopped = status.get("StopLoggingTime")
        since = f" since {stopped:%Y-%m-%d %H:%M} UTC" if stopped else ""
        yield Fault(
            f"the trail is stopped{since}: nothing is recorded",
            f"aws cloudtrail start-logging --name {naming.trail_arn(live.env)}; who stopped it "
            "is told by: orgtrail query run trail-tampering --env FILE",
        )
    else:
        yield Fault("the trail is logging, and trail.enabled is false", DEPLOY)


@check("log-delivery", "Log files are delivered", trail, "trail")
def _delivered(live: Live, _: Subject) -> Iterator[Fault]:
    if error := _status(live).get("LatestDeliveryError"):
        yield _explained(live, "log files", error)


@check("digest-delivery", "Digests are delivered", _digests, "trail")
def _digest_delivered(live: Live, _: Subject) -> Iterator[Fault]:
    if error := _status(live).get("LatestDigestDeliveryError"):
        yield _explained(live, "digests", error)


@check("stream-delivery", "Events are delivered to CloudWatch Logs", _streams, "trail")
def _streamed(live: Live, _: Subject) -> Iterator[Fault]:
    if error := _status(live).get("LatestCloudWatchLogsDeliveryError"):
        yield Fault(
            f"CloudTrail cannot deliver to the log group: {error}",
            "see what log-group and role-policy say here: the usual causes are a log group of "
            "another account, and a role that may write the management account's stream alone "
            f"(members' begin with {live.env.organization.id}_)",
        )


@check("log-freshness", "The last log file is fresh", trail, "trail-logging")
def _fresh(live: Live, _: Subject) -> Iterator[Fault]:
    yield from _stale(live, "log file", "LatestDeliveryTime", LOGS_WITHIN)


@check("digest-freshness", "The last digest is fresh", _digested, "trail-logging")
def _digest_fresh(live: Live, subject: Subject) -> Iterator[Fault]:
    if subject.account == "logging":
        yield from silent(live, subject, DIGESTS_WITHIN)
    else:
        yield from _stale(live, "digest", "LatestDigestDeliveryTime", DIGESTS_WITHIN)


@check("log-group", "The log group keeps events as the file says", log_group)
def _group(live: Live, subject: Subject) -> Iterator[Fault]:
    delivery = live.env.delivery
    answer = live.aws.ask(
        "management", "logs", "describe_log_groups", logGroupNamePrefix=subject.name
    )
    group = next((g for g in answer["logGroups"] if g["logGroupName"] == subject.name), None)
    if group is None:
        yield Fault(f"the log group {subject.name} does not exist", MAKE)
        return
    if live.env.adopt.is_referenced("log_group"):
        return
    if group.get("retentionInDays") != delivery.retention_days:
        has = group.get("retentionInDays", "for ever")
        yield Fault(f"it keeps events {has} days, not {delivery.retention_days}", DEPLOY)
    if group.get("kmsKeyId") != delivery.kms_key_arn:
        wanted = delivery.kms_key_arn or "no key of its own"
        has = group.get("kmsKeyId", "no key of its own")
        yield Fault(f"it is encrypted with {has}, not with {wanted}", DEPLOY)


def _explained(live: Live, what: str, error: str) -> Fault:
    env = live.env
    known = _KNOWN.get(error, "KMS" if error.startswith("KMS") else "")
    cause, step = _CAUSES.get(
        known, ("AWS says no more", "look the error up in the CloudTrail user guide")
    )
    names = {"prefix": env.organization_prefix, "bucket": env.archive.bucket}
    if known == "AccessDenied" and (others := refusing(live)):
        return Fault(f"CloudTrail cannot deliver {what}: {error}: {others[0]}", others[1])
    return Fault(
        f"CloudTrail cannot deliver {what}: {error}: {cause.format(**names)}", step.format(**names)
    )


def _stale(live: Live, what: str, field: str, within: timedelta) -> Iterator[Fault]:
    status = _status(live)
    last: datetime | None = status.get(field)
    started: datetime | None = status.get("StartLoggingTime")
    due = max((each for each in (last, started) if each), default=None)
    if due and live.now - due <= within:
        return
    seen = f"was delivered at {last:%Y-%m-%d %H:%M} UTC" if last else "was never delivered"
    hours = int(within.total_seconds() // 3600)
    yield Fault(
        f"the last {what} {seen}; one is due every {'hour' if hours == 1 else f'{hours} hours'}",
        "if log-delivery and digest-delivery are fine here, see health.aws.amazon.com for "
        f"CloudTrail in {live.env.home_region}",
    )
