"""Checks of the trail's deliveries: log files, digests and events in CloudWatch Logs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from orgtrail import naming
from orgtrail.aws import Cause
from orgtrail.doctor.calls import UncheckedError
from orgtrail.doctor.model import Live, LiveFault, Subject
from orgtrail.doctor.policies import difference, statements
from orgtrail.doctor.silence import silent
from orgtrail.doctor.trail import trail
from orgtrail.iam.patterns import like

LOGS_WITHIN = timedelta(hours=1)
"""CloudTrail delivers within about 5 minutes, and the doctor's own calls cause events.
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html"""
DIGESTS_WITHIN = timedelta(hours=3)
"""CloudTrail delivers a digest each hour, even if there are no log files.
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html"""

_NEEDED_ACTIONS = ("s3:PutObject", "s3:GetBucketAcl", "kms:GenerateDataKey", "kms:DescribeKey")
"""The actions that CloudTrail needs on the bucket and the key.
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html
"""
_POLICY_TYPES = {
    "RESOURCE_CONTROL_POLICY": "resource control policy",
    "SERVICE_CONTROL_POLICY": "service control policy",
}
_MAX_UNIT_DEPTH = 20
"""A bound on the organizational units above an account; AWS allows five levels."""

_CAUSES = {
    "AccessDenied": (
        "the archive's bucket policy or the key policy refuses CloudTrail",
        "see what bucket-policy and key-policy say here: the usual causes are a wrong service "
        "principal, aws:SourceArn of another trail, and a resource without the organization's "
        "prefix {prefix}",
    ),
    "NoSuchBucket": (
        "the archive {bucket} does not exist",
        "deploy again; files of the time between are lost, except those that CloudTrail retries",
    ),
    "KMS": (
        "the key cannot be used",
        "see what key and key-policy say here: it is disabled, about to be deleted, or refuses "
        "CloudTrail",
    ),
}
_CAUSE_BY_ERROR = {
    "AccessDenied": "AccessDenied", "AccessDeniedException": "AccessDenied",
    "NoSuchBucket": "NoSuchBucket", "KMS.DisabledException": "KMS", "KMS.NotFoundException": "KMS",
    "KMS.InvalidStateException": "KMS", "KMS.AccessDeniedException": "KMS",
    "KMSDisabledException": "KMS",
}  # fmt: skip


def _status(live: Live) -> Any:
    # The ARN is needed: AWS looks a name up in the caller's own account and region.
    return live.aws.ask(
        "management", "cloudtrail", "get_trail_status", Name=naming.trail_arn(live.env)
    )


def validated_trail(live: Live) -> list[Subject]:
    """Return the trail, if it writes digests."""
    return [*trail(live)] if live.env.trail.log_file_validation else []


def digest_accounts(live: Live) -> Iterator[Subject]:
    """Yield the trail, and each account, since digests may stop for one account only."""
    yield from validated_trail(live)
    if live.env.trail.log_file_validation and live.env.trail.enabled:
        for account in live.env.account_ids:
            yield Subject("logging", account)


def streamed_trail(live: Live) -> list[Subject]:
    """Return the trail, if it delivers to CloudWatch Logs."""
    return [*trail(live)] if live.env.delivery.enabled else []


def log_group(live: Live) -> list[Subject]:
    """Return the log group that the trail delivers to, if any."""
    return [Subject("management", live.env.delivery.log_group)] if live.env.delivery.enabled else []


def logging(live: Live, _: Subject) -> Iterator[LiveFault]:
    """Report a trail that is stopped, or one that logs but should not."""
    status = _status(live)
    if bool(status["IsLogging"]) == live.env.trail.enabled:
        return
    if live.env.trail.enabled:
        stopped = status.get("StopLoggingTime")
        since = f" since {stopped:%Y-%m-%d %H:%M} UTC" if stopped else ""
        yield LiveFault(
            f"the trail is stopped{since}: nothing is recorded",
            f"aws cloudtrail start-logging --name {naming.trail_arn(live.env)}; who stopped it "
            "is shown by: orgtrail query run trail-tampering --env FILE",
        )
    else:
        yield LiveFault("the trail is logging, and trail.enabled is false")


def log_delivery(live: Live, _: Subject) -> Iterator[LiveFault]:
    """Report a failure of the last delivery of log files."""
    if error := _status(live).get("LatestDeliveryError"):
        yield _delivery_fault(live, "log files", error)


def digest_delivery(live: Live, _: Subject) -> Iterator[LiveFault]:
    """Report a failure of the last delivery of digests."""
    if error := _status(live).get("LatestDigestDeliveryError"):
        yield _delivery_fault(live, "digests", error)


def stream_delivery(live: Live, _: Subject) -> Iterator[LiveFault]:
    """Report a failure of the last delivery to CloudWatch Logs."""
    if error := _status(live).get("LatestCloudWatchLogsDeliveryError"):
        yield LiveFault(
            f"CloudTrail cannot deliver to the log group: {error}",
            "see what log-group and role-policy say here: the usual causes are a log group of "
            "another account, and a role that may write the management account's stream alone "
            f"(members' begin with {live.env.organization.id}_)",
        )


def log_freshness(live: Live, _: Subject) -> Iterator[LiveFault]:
    """Report that no log file was delivered within LOGS_WITHIN."""
    yield from _age_fault(live, "log file", "LatestDeliveryTime", LOGS_WITHIN)


def digest_freshness(live: Live, subject: Subject) -> Iterator[LiveFault]:
    """Report that no digest was delivered within DIGESTS_WITHIN."""
    if subject.account == "logging":
        yield from silent(live, subject, DIGESTS_WITHIN)
    else:
        yield from _age_fault(live, "digest", "LatestDigestDeliveryTime", DIGESTS_WITHIN)


def group_settings(live: Live, subject: Subject) -> Any:
    """Return the log group from CloudWatch Logs, None if it does not exist."""
    answer = live.aws.ask(
        "management", "logs", "describe_log_groups", logGroupNamePrefix=subject.name
    )
    return next((g for g in answer["logGroups"] if g["logGroupName"] == subject.name), None)


def _delivery_fault(live: Live, what: str, error: str) -> LiveFault:
    env = live.env
    known = _CAUSE_BY_ERROR.get(error, "KMS" if error.startswith("KMS") else "")
    cause, step = _CAUSES.get(
        known, ("AWS says no more", "look the error up in the CloudTrail user guide")
    )
    names = {"prefix": env.organization_prefix, "bucket": env.archive.bucket}
    if known == "AccessDenied" and (others := _refusal(live)):
        return LiveFault(f"CloudTrail cannot deliver {what}: {error}: {others[0]}", others[1])
    return LiveFault(
        f"CloudTrail cannot deliver {what}: {error}: {cause.format(**names)}", step.format(**names)
    )


def _age_fault(live: Live, what: str, field: str, within: timedelta) -> Iterator[LiveFault]:
    status = _status(live)
    last: datetime | None = status.get(field)
    started: datetime | None = status.get("StartLoggingTime")
    due = max((each for each in (last, started) if each), default=None)
    if due and live.now - due <= within:
        return
    seen = f"was delivered at {last:%Y-%m-%d %H:%M} UTC" if last else "was never delivered"
    hours = int(within.total_seconds() // 3600)
    yield LiveFault(
        f"the last {what} {seen}; one is due every {'hour' if hours == 1 else f'{hours} hours'}",
        "if log-delivery and digest-delivery are fine here, see health.aws.amazon.com for "
        f"CloudTrail in {live.env.home_region}",
    )


def _refusal(live: Live) -> tuple[str, str] | None:
    """Explain why CloudTrail is refused although the bucket and key policies match the file.

    Returns:
        the cause and the next step; None if a policy differs, which another check reports.

    Raises:
        UncheckedError: AWS did not return the policies.

    """
    if _policies_differ(live):
        return None
    found = [*_foreign_bucket(live), *_unusable_key(live)]
    try:
        found += _policies_above(live)
        unknown = ""
    except UncheckedError as error:
        unknown = f"; which policies of the organization are attached there is not known: {error}"
    if found:
        return f"{'; '.join(found)}{unknown}", "change what is named, or have its owner change it"
    return (
        "the policies of bucket and key are the file's, the key can be used, and no control "
        f"policy above the logging account was found to deny it{unknown}",
        "look for a resource control policy or service control policy above the logging account, "
        "and see whether the bucket is its own; the error may also be of before: see "
        "LatestDeliveryAttemptTime in aws cloudtrail get-trail-status",
    )


def _policies_differ(live: Live) -> bool:
    archive = Subject("logging", live.env.archive.bucket)
    declared = live.resource(archive, "aws_s3_bucket_policy")
    try:
        about = live.aws.ask(
            "logging", "s3", "get_bucket_policy", absent=("NoSuchBucketPolicy",),
            Bucket=archive.name,
        )  # fmt: skip
    except UncheckedError as error:
        if error.cause in {Cause.DENIED, Cause.DENIED_BY_POLICY}:
            # The bucket may be another account's; _foreign_bucket finds out.
            return False
        raise
    # The file does not define the policy of a bucket that it only refers to.
    has_policy = about["Policy"] if about else None
    if declared.is_managed and difference(declared.document("policy"), has_policy):
        return True
    known = live.key("logging", live.env.key.alias)
    if known is None or live.env.adopt.referenced_key:
        return False
    has = live.aws.ask(
        "logging", "kms", "get_key_policy", KeyId=known["KeyId"], PolicyName="default"
    )
    return bool(difference(live.stack.at("aws_kms_key.key").document("policy"), has["Policy"]))


def _foreign_bucket(live: Live) -> Iterator[str]:
    try:
        live.aws.ask("logging", "s3", "get_bucket_location", Bucket=live.env.archive.bucket)
    except UncheckedError as error:
        if error.is_foreign:
            yield f"the bucket {live.env.archive.bucket} is another account's"


def _unusable_key(live: Live) -> Iterator[str]:
    about = live.key("logging", live.env.key.alias)
    if about and about["KeyState"] != "Enabled":
        yield f"the key {live.env.key.alias} is {about['KeyState'].lower()}"


def _policies_above(live: Live) -> Iterator[str]:
    """Yield the control policies above the logging account that deny what CloudTrail needs."""
    ours = {each.text("name") for each in live.stack.of("aws_organizations_policy")}
    for target in _policy_targets(live):
        for kind, what in _POLICY_TYPES.items():
            attached = live.aws.ask(
                "management", "organizations", "list_policies_for_target",
                TargetId=target, Filter=kind,
            )["Policies"]  # fmt: skip
            for each in attached:
                if each.get("AwsManaged") or each["Name"] in ours:
                    continue
                about = live.aws.ask(
                    "management", "organizations", "describe_policy", PolicyId=each["Id"]
                )
                if denied := sorted(_denied_actions(about["Policy"]["Content"])):
                    yield (
                        f"the {what} {each['Name']} ({each['Id']}), attached to {target}, denies "
                        f"{', '.join(denied)}"
                    )


def _policy_targets(live: Live) -> Iterator[str]:
    """Yield the logging account, its organizational units from the inside out, and the root."""
    target = live.env.logging.id
    for _ in range(_MAX_UNIT_DEPTH):
        yield target
        parents = live.aws.ask("management", "organizations", "list_parents", ChildId=target)
        if not parents["Parents"]:
            return
        target = parents["Parents"][0]["Id"]
        if parents["Parents"][0]["Type"] == "ROOT":
            yield target
            return


def _denied_actions(content: str) -> set[str]:
    """Return the actions CloudTrail needs that a policy denies, whatever the conditions."""
    found = set()
    for each in statements(json.loads(content)):
        if each.get("Effect") != "Deny":
            continue
        for action in _NEEDED_ACTIONS:
            named = _matches(each.get("Action"), action)
            others = each.get("NotAction") is not None and not _matches(each["NotAction"], action)
            if named or others:
                found.add(action)
    return found


def _matches(names: Any, action: str) -> bool:
    return any(like(each.lower(), action.lower()) for each in names or ())
