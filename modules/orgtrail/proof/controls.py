"""Controls of CIS and Security Hub about the trail: each with its verdict and what decides.

CIS numbers are those of the AWS Foundations Benchmark v3.0 and v5.0, which agree on them.
https://docs.aws.amazon.com/securityhub/latest/userguide/cloudtrail-controls.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from orgtrail.alarms import ALARMS
from orgtrail.proof.estate import Estate
from orgtrail.proof.recovered import trail_settings
from orgtrail.settings.trail import AdvancedEventSelector, TrailSettings


class Answer(StrEnum):
    """Whether a control is met."""

    PASS = "pass"  # noqa: S105 - a verdict
    FAIL = "fail"
    OFF = "off"
    """An option that is not asked for; the setting that turns it on stands beside it."""
    UNPROVEN = "unproven"
    """Somebody else's part decides it, which the file only refers to."""


@dataclass(frozen=True, slots=True)
class Control:
    """One control and its verdict.

    Args:
        ids: its names, such as `CIS 3.1` and `CloudTrail.1`.
        title: what it asks for.
        verdict: whether that is so.
        resource: the address in the stack that decides.
        setting: the setting that changes it.

    """

    ids: tuple[str, ...]
    title: str
    verdict: Answer
    resource: str
    setting: str


def controls(estate: Estate) -> list[Control]:
    """Return every control with its verdict."""
    return [*_of_trail(estate), *_of_alarms(estate)]


def records_everything(settings: TrailSettings) -> bool:
    """Tell whether a trail records all management events, reads and writes of every service."""
    basic, advanced = settings.event_selectors, settings.advanced_event_selectors
    if advanced:
        return any(_is_all_management(each) for each in advanced)
    return not basic or any(
        each.include_management_events
        and each.read_write_type == "All"
        and not each.exclude_management_event_sources
        for each in basic
    )


def _is_all_management(selector: AdvancedEventSelector) -> bool:
    fields = {each.field: each.equals for each in selector.fields}
    return fields == {"eventCategory": ("Management",)}


def _of_trail(estate: Estate) -> Iterator[Control]:
    trail, archive, key = estate.trail, estate.archive, estate.key
    at_trail = trail.address if trail else "aws_cloudtrail"
    at_archive = archive.address if archive else "aws_s3_bucket"
    settings = trail_settings(trail) if trail else None
    whole = bool(trail and trail.is_multi_region and trail.is_logging and settings
                 and records_everything(settings))  # fmt: skip
    reads, writes = _object_events(settings)
    for ids, title, met, resource, setting in (
        (("CIS 3.1", "CloudTrail.1"),
         "A multi-Region trail records all management events, reads and writes",
         whole, at_trail, "recording.management"),
        (("CloudTrail.3",), "There is a trail that is logging",
         bool(trail and trail.is_logging), at_trail, "trail.enabled"),
        (("CIS 3.2", "CloudTrail.4"), "Log-file validation is on",
         bool(trail and trail.validates), at_trail, "trail.log_file_validation"),
        (("CIS 3.4", "CloudTrail.7"), "Access to the bucket of the trail is logged",
         bool(archive and archive.logs_to), at_archive, "archive.access_log_bucket"),
        (("CIS 3.5", "CloudTrail.2"), "Log files are encrypted with a KMS key",
         bool(trail and trail.key), at_trail, "key"),
        (("CIS 3.6", "KMS.4"), "The keys rotate by themselves",
         bool(estate.keys) and all(each.rotates for each in estate.keys),
         key.address if key else "aws_kms_key", "key.rotation_days"),
        (("CIS 3.8", "S3.22"), "Writes of objects are recorded in all buckets",
         writes or None, at_trail, "recording.data"),
        (("CIS 3.9", "S3.23"), "Reads of objects are recorded in all buckets",
         reads or None, at_trail, "recording.data"),
        (("CloudTrail.5",), "Events are delivered to CloudWatch Logs",
         bool(trail and trail.log_group), at_trail, "delivery.enabled"),
        (("CloudTrail.6",), "The bucket of the trail is not public",
         bool(archive and archive.is_closed), at_archive, "archive.bucket"),
        (("S3.5",), "Every bucket asks for TLS",
         all(_asks_for_tls(estate, each.name) for each in estate.buckets),
         at_archive, "archive.bucket"),
    ):  # fmt: skip
        # Of a trail that another stack makes, nothing here says no.
        elsewhere = met is False and not trail and estate.refers_to_trail
        verdict = Answer.UNPROVEN if elsewhere else _verdict(met)
        yield Control(ids, title, verdict, resource, setting)


def _verdict(met: bool | None) -> Answer:  # noqa: FBT001 - the three answers of a control
    if met is None:
        return Answer.OFF
    return Answer.PASS if met else Answer.FAIL


def _object_events(settings: TrailSettings | None) -> tuple[bool, bool]:
    """Tell whether reads and writes of objects are recorded in all buckets."""
    reads = writes = False
    for advanced in settings.advanced_event_selectors if settings else ():
        fields = {each.field: each.equals for each in advanced.fields}
        if fields.get("resources.type") == ("AWS::S3::Object",):
            only = fields.get("readOnly")
            if set(fields) <= {"eventCategory", "resources.type", "readOnly"}:
                reads = reads or only in (None, ("true",))
                writes = writes or only in (None, ("false",))
    for basic in settings.event_selectors if settings else ():
        for each in basic.data_resources:
            if each.type == "AWS::S3::Object" and any(
                value.endswith((":s3", ":s3:::")) for value in each.values
            ):
                reads = reads or basic.read_write_type != "WriteOnly"
                writes = writes or basic.read_write_type != "ReadOnly"
    return reads, writes


def _asks_for_tls(estate: Estate, bucket: str) -> bool:
    policy = next((each.policy for each in estate.buckets if each.name == bucket), None)
    return policy is not None and any(
        not statement.allows
        and "aws:securetransport" in statement.keys
        and statement.is_about("s3:GetObject")
        for statement in policy.statements
    )


def _of_alarms(estate: Estate) -> Iterator[Control]:
    """Yield the controls that ask for an alarm.

    CIS is met by its own wording and by Security Hub's; Security Hub fails all but its own.
    """
    known = set(estate.alarms.patterns) if estate.alarms.are_heard else set()
    for alarm in ALARMS:
        exactly = alarm.pattern in known
        for family, met in (
            ("CIS", exactly or alarm.cis in known),
            ("CloudWatch.", exactly),
        ):
            ids = tuple(each for each in alarm.controls if each.startswith(family))
            if ids:
                yield Control(
                    ids,
                    f"An alarm rings: {alarm.title[0].lower()}{alarm.title[1:]}",
                    _verdict(met if estate.alarms.patterns else None),
                    "aws_cloudwatch_log_metric_filter",
                    "alarms",
                )
