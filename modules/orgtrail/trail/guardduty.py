"""GuardDuty for the organization: in each region, with findings exported to a bucket."""

from __future__ import annotations

from dataclasses import dataclass

from orgtrail import naming
from orgtrail.regions import is_opt_in, missing_guardduty_features
from orgtrail.settings.detection import FindingsExport, GuardDutySettings
from orgtrail.settings.environment import Environment
from orgtrail.trail.archive import FINDINGS_LOG_PREFIX
from orgtrail.trail.common import Bucket, LogTarget, Retention, private_bucket, service_key
from orgtrail.trail.detection import Place, places
from orgtrail.trail.part import Before, Part
from orgtrail.trail.policy import (
    Document,
    Statement,
    acting_for,
    administration,
    administrators,
    by_pattern,
    document,
    encrypted,
    no_deletion,
    readers_decrypt,
    transport,
)
from orgtrail.trail.resource import Resource

FINDINGS_KEY = "guardduty-findings"
"""The key's name in its alias."""
_AGENTS = ("EKS_ADDON_MANAGEMENT", "ECS_FARGATE_AGENT_MANAGEMENT", "EC2_AGENT_MANAGEMENT")
_RUNTIME = "RUNTIME_MONITORING"
_DEFAULT_ON_FEATURES = (
    "S3_DATA_EVENTS", "EKS_AUDIT_LOGS", "EBS_MALWARE_PROTECTION", "RDS_LOGIN_EVENTS",
    "LAMBDA_NETWORK_LOGS",
)  # fmt: skip
"""Features that are on in a new detector; those not enabled in the file are turned off by name."""


@dataclass(frozen=True, slots=True)
class _Export:
    """The destination of findings."""

    key: Resource
    bucket: Bucket


def guardduty(
    part: Part, settings: GuardDutySettings, *, access_logs: LogTarget, after: Before
) -> None:
    """Add a detector in the delegated administrator and in the management account, in each region.

    Args:
        part: the part to add to, in the logging account.
        settings: GuardDuty's settings.
        access_logs: the bucket for the findings bucket's access logs.
        after: resources that must exist before: the check of the organization.

    """
    export = _export(part, settings, settings.export, access_logs) if settings.export else None
    for place in places(part, settings):
        # One region at a time: the first call registers the administrator.
        after = [_region(place, settings, export, after)]


def _export(
    part: Part, settings: GuardDutySettings, export: FindingsExport, access_logs: LogTarget
) -> _Export:
    env = part.environment
    bucket = env.findings_bucket
    assert bucket is not None
    key = service_key(
        part.inside("key"),
        alias=naming.key_alias(FINDINGS_KEY),
        description="Findings of GuardDuty",
        policy=findings_key_policy(env, settings),
    )
    made = private_bucket(
        part.inside("findings"),
        bucket=bucket,
        policy=findings_policy(env, settings, bucket),
        retention=Retention(export.expire_after_days, 30),
        kms_key_arn=key.attribute("arn"),
        logs_to=(access_logs, FINDINGS_LOG_PREFIX),
        protect=env.archive.destroy_protection,
    )
    return _Export(key, made)


def _region(
    place: Place, settings: GuardDutySettings, export: _Export | None, after: Before
) -> Resource:
    """Add one region; return its delegation to the administrator.

    Detectors come first: otherwise the delegation creates one, and Terraform's creation fails.
    """
    env = place.management.environment
    own, detector = (
        part.add(
            "aws_guardduty_detector",
            "detector",
            enable=True,
            finding_publishing_frequency=settings.finding_frequency,
            depends_on=after,
        )
        for part in (place.management, place.administrator)
    )
    delegation = place.management.add(
        "aws_guardduty_organization_admin_account",
        "delegation",
        admin_account_id=env.accounts[settings.administrator].id,
        depends_on=[own, detector],
    )
    members = place.administrator.add(
        "aws_guardduty_organization_configuration",
        "members",
        detector_id=detector.attribute("id"),
        auto_enable_organization_members=settings.members,
        depends_on=[delegation],
    )
    _features(place, settings, detector, members)
    if export:
        place.administrator.add(
            "aws_guardduty_publishing_destination",
            "export",
            detector_id=detector.attribute("id"),
            destination_arn=naming.bucket_arn(env, export.bucket.name),
            kms_key_arn=export.key.attribute("arn"),
            # GuardDuty writes a test file immediately.
            depends_on=[export.bucket.policy, export.bucket.encryption],
        )
    return delegation


def _features(
    place: Place, settings: GuardDutySettings, detector: Resource, members: Resource
) -> None:
    """Turn features on or off for the administrator's detector and for the members'.

    Features that the region lacks are omitted: AWS refuses even to turn them off.
    """
    part, absent = place.administrator, missing_guardduty_features(place.region)
    on = {name: name in settings.features for name in _DEFAULT_ON_FEATURES if name not in absent}
    part.add(
        "aws_guardduty_organization_configuration_feature",
        "member_features",
        for_each={name: settings.members if flag else "NONE" for name, flag in on.items()},
        detector_id=detector.attribute("id"),
        name="${each.key}",
        auto_enable="${each.value}",
        depends_on=[members],
    )
    part.add(
        "aws_guardduty_detector_feature",
        "features",
        for_each={name: _status(flag) for name, flag in on.items()},
        detector_id=detector.attribute("id"),
        name="${each.key}",
        status="${each.value}",
    )
    if _RUNTIME in settings.features and _RUNTIME not in absent:
        _runtime(part, settings, detector, members)


def _runtime(
    part: Part, settings: GuardDutySettings, detector: Resource, members: Resource
) -> None:
    kept = {name: name in settings.runtime_agents for name in _AGENTS}
    part.add(
        "aws_guardduty_organization_configuration_feature",
        "member_runtime",
        detector_id=detector.attribute("id"),
        name=_RUNTIME,
        auto_enable=settings.members,
        additional_configuration=[
            {"name": name, "auto_enable": settings.members if flag else "NONE"}
            for name, flag in kept.items()
        ],
        depends_on=[members],
    )
    part.add(
        "aws_guardduty_detector_feature",
        "runtime",
        detector_id=detector.attribute("id"),
        name=_RUNTIME,
        status=_status(flag=True),
        additional_configuration=[
            {"name": name, "status": _status(flag)} for name, flag in kept.items()
        ],
    )


def _status(flag: bool) -> str:  # noqa: FBT001
    return "ENABLED" if flag else "DISABLED"


def findings_policy(env: Environment, settings: GuardDutySettings, name: str) -> Document:
    """Return the findings bucket's policy: the administrator's detectors write, nobody deletes.

    https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_exportfindings.html
    """
    whole, within = naming.bucket_arn(env, name), naming.bucket_arn(env, name, "*")
    return document(
        _exports(env, settings, "GuardDutyLocates", "s3:GetBucketLocation", whole),
        _exports(env, settings, "GuardDutyWrites", "s3:PutObject", within),
        transport(env, name),
        encrypted([within], "aws:kms"),
        no_deletion(env, name),
    )


def findings_key_policy(env: Environment, settings: GuardDutySettings) -> Document:
    """Return the key's policy: the detectors encrypt; IAM decides who decrypts through S3."""
    return document(
        administration(administrators(env)),
        by_pattern(env),
        _exports(env, settings, "GuardDutyEncrypts", "kms:GenerateDataKey", "*"),
        readers_decrypt(env, "ReadersDecryptFindings", "s3"),
    )


def services(regions: tuple[str, ...]) -> list[str]:
    """Return GuardDuty's service principals in the given regions."""
    asked_for = sorted(filter(is_opt_in, set(regions)))
    return ["guardduty.amazonaws.com", *(f"guardduty.{each}.amazonaws.com" for each in asked_for)]


def _exports(
    env: Environment, settings: GuardDutySettings, sid: str, action: str, resource: str
) -> Statement:
    """Allow an action to the administrator's detectors."""
    administrator = env.accounts[settings.administrator].id
    regions = env.regions_of(settings)
    names = services(regions)
    # AWS generates a detector's id, and policies are literal.
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
