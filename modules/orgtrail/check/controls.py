"""Controls of CIS and Security Hub about the trail: the status of each, and what decides it.

CIS numbers are those of the AWS Foundations Benchmark v3.0 and v5.0, which agree on them.
https://docs.aws.amazon.com/securityhub/latest/userguide/cloudtrail-controls.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from orgtrail.alarms import ALARMS
from orgtrail.check.model import Model, S3Bucket
from orgtrail.check.principals import FOREIGN_ACCOUNT
from orgtrail.iam.evaluator import Policies, Verdict, evaluate
from orgtrail.iam.policy import Policy
from orgtrail.iam.request import Caller, Kind, Request
from orgtrail.settings.trail import AdvancedEventSelector, TrailSettings


class Status(StrEnum):
    """Whether a control is met."""

    PASS = "pass"  # noqa: S105 - a verdict
    FAIL = "fail"
    OFF = "off"
    """An option that is not enabled; the control names the setting that turns it on."""
    UNPROVEN = "unproven"
    """Depends on a resource that the file only refers to, because others manage it."""


@dataclass(frozen=True, slots=True)
class Control:
    """One control and its status.

    Args:
        ids: its names, such as `CIS 3.1` and `CloudTrail.1`.
        title: what it requires.
        verdict: whether it is met.
        resource: the address in the stack that decides it.
        setting: the setting that changes it.

    """

    ids: tuple[str, ...]
    title: str
    verdict: Status
    resource: str
    setting: str


def controls(model: Model) -> list[Control]:
    """Return every control with its status."""
    return [*_trail_controls(model), *_alarm_controls(model)]


def _records_everything(settings: TrailSettings) -> bool:
    """Return whether a trail records all management events, reads and writes of every service."""
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


def _trail_controls(model: Model) -> Iterator[Control]:
    trail, archive, key = model.trail, model.archive, model.key
    at_trail = trail.address if trail else "aws_cloudtrail"
    at_archive = archive.address if archive else "aws_s3_bucket"
    settings = trail.settings if trail else None
    records_all = bool(trail and trail.is_multi_region and trail.is_logging and settings
                 and _records_everything(settings))  # fmt: skip
    reads, writes = _object_events(settings)
    for ids, title, met, resource, setting in (
        (("CIS 3.1", "CloudTrail.1"),
         "A multi-Region trail records all management events, reads and writes",
         records_all, at_trail, "recording.management"),
        (("CloudTrail.3",), "There is a trail that is logging",
         bool(trail and trail.is_logging), at_trail, "trail.enabled"),
        (("CIS 3.2", "CloudTrail.4"), "Log-file validation is on",
         bool(trail and trail.validates_log_files), at_trail, "trail.log_file_validation"),
        (("CIS 3.4", "CloudTrail.7"), "Access to the bucket of the trail is logged",
         bool(archive and archive.logs_to), at_archive, "archive.access_log_bucket"),
        (("CIS 3.5", "CloudTrail.2"), "Log files are encrypted with a KMS key",
         bool(trail and trail.key), at_trail, "key"),
        (("CIS 3.6", "KMS.4"), "The keys rotate automatically",
         bool(model.keys) and all(each.rotates for each in model.keys),
         key.address if key else "aws_kms_key", "key.rotation_days"),
        (("CIS 3.8", "S3.22"), "Writes of objects are recorded in all buckets",
         writes or None, at_trail, "recording.data"),
        (("CIS 3.9", "S3.23"), "Reads of objects are recorded in all buckets",
         reads or None, at_trail, "recording.data"),
        (("CloudTrail.5",), "Events are delivered to CloudWatch Logs",
         bool(trail and trail.log_group), at_trail, "delivery.enabled"),
        (("CloudTrail.6",), "The bucket of the trail is not public",
         bool(archive and archive.blocks_public_access), at_archive, "archive.bucket"),
        (("S3.5",), "Every bucket asks for TLS",
         _asks_for_tls(model), at_archive, "archive.bucket"),
    ):  # fmt: skip
        # If another stack creates the trail, this one cannot show that a control fails.
        elsewhere = met is False and not trail and model.refers_to_trail
        verdict = Status.UNPROVEN if elsewhere else _status(met)
        yield Control(ids, title, verdict, resource, setting)


def _status(met: Status | bool | None) -> Status:  # noqa: FBT001 - None is one of the answers
    if isinstance(met, Status):
        return met
    if met is None:
        return Status.OFF
    return Status.PASS if met else Status.FAIL


def _object_events(settings: TrailSettings | None) -> tuple[bool, bool]:
    """Return whether reads, and whether writes, of objects are recorded in all buckets."""
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


def _asks_for_tls(model: Model) -> Status:
    """Return whether the policy of every bucket asks for TLS; one that cannot be read may."""
    open_ = [each for each in model.buckets if not _requires_tls(model, each)]
    unread = [each for each in open_ if each.policy and any(
        one.doubt for one in each.policy.statements)]  # fmt: skip
    if len(open_) > len(unread):
        return Status.FAIL
    return Status.UNPROVEN if unread else Status.PASS


def _requires_tls(model: Model, bucket: S3Bucket) -> bool:
    """Return whether a bucket's policy denies calls without TLS, on the bucket and its objects."""
    policy = bucket.policy
    arn = f"arn:{model.partition}:s3:::{bucket.name}"
    asked = (("s3:ListBucket", arn), ("s3:GetObject", f"{arn}/any"), ("s3:PutObject", f"{arn}/any"))
    return policy is not None and all(
        denies_plain_text(model, policy, action, resource) for action, resource in asked
    )


def denies_plain_text(model: Model, policy: Policy, action: str, resource: str) -> bool:
    """Return whether a resource's policy denies an action to whoever asks without TLS."""
    arn = f"arn:{model.partition}:iam::{FOREIGN_ACCOUNT}:role/any"
    caller = Caller(Kind.ROLE, arn, FOREIGN_ACCOUNT)
    request = Request(caller, action, resource, model.logging, {"aws:SecureTransport": "false"})
    return evaluate(request, Policies(resource=policy)).verdict is Verdict.EXPLICIT_DENY


def _alarm_controls(model: Model) -> Iterator[Control]:
    """Yield the controls that require an alarm.

    CIS accepts its own pattern and that of Security Hub; Security Hub accepts only its own.
    """
    known = set(model.alarms.patterns) if model.alarms.are_heard else set()
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
                    _status(met if model.alarms.patterns else None),
                    "aws_cloudwatch_log_metric_filter",
                    "alarms",
                )
