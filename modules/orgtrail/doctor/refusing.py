"""What refuses CloudTrail where the policies of bucket and key are as the file says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from orgtrail.aws import Cause
from orgtrail.doctor.asking import UncheckedError
from orgtrail.doctor.comparing import difference, statements
from orgtrail.doctor.register import Live
from orgtrail.proof.iam.patterns import like
from orgtrail.trail.resource import Resource

_ASKED = ("s3:PutObject", "s3:GetBucketAcl", "kms:GenerateDataKey", "kms:DescribeKey")
"""What CloudTrail asks of bucket and key.
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html
"""
_KINDS = {
    "RESOURCE_CONTROL_POLICY": "resource control policy",
    "SERVICE_CONTROL_POLICY": "service control policy",
}
_MOST = 20
"""Organizational units above an account; AWS nests no more than five."""


def refusing(live: Live) -> tuple[str, str] | None:
    """Say what refuses CloudTrail, and what to do; None where a policy is not the file's.

    Raises:
        UncheckedError: AWS does not say what the policies are.

    """
    if _differs(live):
        return None
    found = [*_bucket(live), *_key(live)]
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


def _differs(live: Live) -> bool:
    bucket = next(
        (
            each
            for each in live.stack.of("aws_s3_bucket_policy")
            if each.text("bucket") == live.env.archive.bucket
        ),
        None,
    )
    if bucket is not None:
        try:
            about = live.aws.ask(
                "logging", "s3", "get_bucket_policy", absent=("NoSuchBucketPolicy",),
                Bucket=live.env.archive.bucket,
            )  # fmt: skip
        except UncheckedError as error:
            if error.cause in {Cause.DENIED, Cause.DENIED_BY_POLICY}:
                # Whose bucket it is, is the question.
                return False
            raise
        if difference(bucket.document("policy"), about["Policy"] if about else None):
            return True
    key, known = _declared_key(live), live.key("logging", live.env.key.alias)
    if key is None or known is None:
        return False
    has = live.aws.ask(
        "logging", "kms", "get_key_policy", KeyId=known["KeyId"], PolicyName="default"
    )
    return bool(difference(key.document("policy"), has["Policy"]))


def _declared_key(live: Live) -> Resource | None:
    found = (each for each in live.stack.of("aws_kms_key") if each.address == "aws_kms_key.key")
    return None if live.env.adopt.referenced_key else next(found, None)


def _bucket(live: Live) -> Iterator[str]:
    try:
        live.aws.ask("logging", "s3", "get_bucket_location", Bucket=live.env.archive.bucket)
    except UncheckedError as error:
        if error.is_foreign:
            yield f"the bucket {live.env.archive.bucket} is another account's"


def _key(live: Live) -> Iterator[str]:
    about = live.key("logging", live.env.key.alias)
    if about and about["KeyState"] != "Enabled":
        yield f"the key {live.env.key.alias} is {about['KeyState'].lower()}"


def _policies_above(live: Live) -> Iterator[str]:
    """Yield the control policies above the logging account that deny what CloudTrail asks."""
    ours = {each.text("name") for each in live.stack.of("aws_organizations_policy")}
    for target in _targets(live):
        for kind, what in _KINDS.items():
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
                if denied := sorted(_denied(about["Policy"]["Content"])):
                    yield (
                        f"the {what} {each['Name']} ({each['Id']}), attached to {target}, denies "
                        f"{', '.join(denied)}"
                    )


def _targets(live: Live) -> Iterator[str]:
    """Yield the logging account, the units that it is in, and the root."""
    target = live.env.logging.id
    for _ in range(_MOST):
        yield target
        parents = live.aws.ask("management", "organizations", "list_parents", ChildId=target)
        if not parents["Parents"]:
            return
        target = parents["Parents"][0]["Id"]
        if parents["Parents"][0]["Type"] == "ROOT":
            yield target
            return


def _denied(content: str) -> set[str]:
    """Return what of CloudTrail's calls a policy denies, whatever its conditions say."""
    found = set()
    for each in statements(json.loads(content)):
        if each.get("Effect") != "Deny":
            continue
        for action in _ASKED:
            named = _matches(each.get("Action"), action)
            others = each.get("NotAction") is not None and not _matches(each["NotAction"], action)
            if named or others:
                found.add(action)
    return found


def _matches(names: Any, action: str) -> bool:
    return any(like(each.lower(), action.lower()) for each in names or ())
