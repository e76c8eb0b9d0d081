"""Policies of the bucket that GuardDuty exports findings to, and of its key."""

from __future__ import annotations

from orgtrail import naming
from orgtrail.policies.archive import encrypted, no_deletion, transport
from orgtrail.policies.document import Document, Statement, acting_for, document
from orgtrail.policies.key import administration, administrators, by_pattern, readers_decrypt
from orgtrail.regions import is_opt_in
from orgtrail.settings.detection import GuardDutySettings
from orgtrail.settings.environment import Environment

KEY = "guardduty-findings"
"""What the key encrypts, as its alias says."""


def bucket(env: Environment, settings: GuardDutySettings, name: str) -> Document:
    """Return the bucket's policy: the administrator's detectors write, nobody deletes.

    https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_exportfindings.html
    """
    whole, within = naming.bucket_arn(env, name), naming.bucket_arn(env, name, "*")
    return document(
        _export(env, settings, "GuardDutyLocates", "s3:GetBucketLocation", whole),
        _export(env, settings, "GuardDutyWrites", "s3:PutObject", within),
        transport(env, name),
        encrypted([within], "aws:kms"),
        no_deletion(env, name),
    )


def key(env: Environment, settings: GuardDutySettings) -> Document:
    """Return the key's policy: the same detectors encrypt, readers decrypt by IAM through S3."""
    return document(
        administration(administrators(env)),
        by_pattern(env),
        _export(env, settings, "GuardDutyEncrypts", "kms:GenerateDataKey", "*"),
        readers_decrypt(env, "ReadersDecryptFindings", "s3"),
    )


def services(regions: tuple[str, ...]) -> list[str]:
    """Return the names that GuardDuty has in some regions."""
    asked_for = sorted(filter(is_opt_in, set(regions)))
    return ["guardduty.amazonaws.com", *(f"guardduty.{each}.amazonaws.com" for each in asked_for)]


def _export(
    env: Environment, settings: GuardDutySettings, sid: str, action: str, resource: str
) -> Statement:
    """Allow the administrator's detectors, in the regions that have one."""
    administrator = env.accounts[settings.administrator].id
    regions = env.regions_of(settings)
    names = services(regions)
    # AWS makes up a detector's id, and a policy is literal.
    detectors = [
        naming.arn(env, "guardduty", administrator, "detector/*", region=region)
        for region in regions
    ]
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"Service": names if len(names) > 1 else names[0]},
        "Action": action,
        "Resource": resource,
        "Condition": acting_for(administrator, detectors),
    }
