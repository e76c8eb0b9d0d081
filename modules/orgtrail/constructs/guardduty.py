"""GuardDuty for the organization: in each region, with findings exported to a bucket."""

from __future__ import annotations

from orgtrail import layout
from orgtrail.constructs import bindings as aws
from orgtrail.constructs.bucket import LogTarget, PrivateBucket, Retention
from orgtrail.constructs.detection import Place, Providers, places
from orgtrail.constructs.key import ServiceKey
from orgtrail.policies import archive, findings
from orgtrail.settings.detection import FindingsExport
from orgtrail.settings.detection import GuardDuty as Settings
from orgtrail.settings.environment import Environment
from orgtrail.settings.lacking import lacking

_AGENTS = ("EKS_ADDON_MANAGEMENT", "ECS_FARGATE_AGENT_MANAGEMENT", "EC2_AGENT_MANAGEMENT")
_RUNTIME = "RUNTIME_MONITORING"
_ALWAYS_TOLD = (
    "S3_DATA_EVENTS", "EKS_AUDIT_LOGS", "EBS_MALWARE_PROTECTION", "RDS_LOGIN_EVENTS",
    "LAMBDA_NETWORK_LOGS",
)  # fmt: skip
"""Features that a new detector has on: those not asked for are turned off by name."""


class GuardDuty(aws.Part):
    """A detector in the delegated administrator and in the management account, in each region.

    Args:
        scope: the construct that it is part of.
        id: its name there.
        environment: the settings of the whole.
        settings: GuardDuty's own.
        providers: providers of both accounts, by name, in the home region.
        logging: the logging account, for the findings' bucket.
        access_logs: the bucket that logs who reaches for findings.
        after: what must stand before: the check of the organization.

    """

    def __init__(
        self,
        scope: aws.Construct,
        id: str,
        *,
        environment: Environment,
        settings: Settings,
        providers: Providers,
        logging: aws.AwsProvider,
        access_logs: LogTarget,
        after: aws.Dependables,
    ) -> None:
        """Make the export's bucket, then each region."""
        super().__init__(scope, id, provider=logging)
        self._environment, self._settings = environment, settings
        if settings.export:
            self._export(settings.export, logging, access_logs)
        for place in places(self, environment, settings, providers):
            # One region after the other: the first call registers the administrator.
            after = [self._region(place, after)]

    def _export(
        self, export: FindingsExport, provider: aws.AwsProvider, access_logs: LogTarget
    ) -> None:
        env = self._environment
        bucket = env.findings_bucket
        assert bucket is not None
        self.key = ServiceKey(
            self,
            "key",
            environment=env,
            provider=provider,
            alias=layout.alias(findings.KEY),
            description="Findings of GuardDuty",
            policy=findings.key(env, self._settings),
        )
        self.findings = PrivateBucket(
            self,
            "findings",
            provider=provider,
            bucket=bucket,
            policy=findings.bucket(env, self._settings, bucket),
            retention=Retention(export.expire_after_days, 30),
            kms_key_arn=self.key.arn,
            logs_to=(access_logs, archive.FINDINGS_LOG_PREFIX),
            protect=env.archive.destroy_protection,
        )

    def _region(self, place: Place, after: aws.Dependables) -> aws.Dependable:
        """Make one region, and return what says who administers it.

        Detectors come first: the delegation would make one by itself, which Terraform then
        could not.
        """
        settings = self._settings
        own, detector = (
            part.add(
                aws.GuarddutyDetector,
                "detector",
                enable=True,
                finding_publishing_frequency=settings.finding_frequency,
                depends_on=after,
            )
            for part in (place.management, place.administrator)
        )
        delegation = place.management.add(
            aws.GuarddutyOrganizationAdminAccount,
            "delegation",
            admin_account_id=self._environment.accounts[settings.administrator].id,
            depends_on=[own, detector],
        )
        members = place.administrator.add(
            aws.GuarddutyOrganizationConfiguration,
            "members",
            detector_id=aws.attribute(detector, "id"),
            auto_enable_organization_members=settings.members,
            depends_on=[delegation],
        )
        self._features(place, detector, members)
        if settings.export:
            self._destination(place.administrator, detector)
        return delegation

    def _features(
        self, place: Place, detector: aws.GuarddutyDetector, members: aws.Dependable
    ) -> None:
        """Turn features on or off for the administrator's detector and for the members'.

        Of a feature that the region lacks nothing is said: AWS would refuse that it is off, too.
        """
        settings, part, absent = self._settings, place.administrator, lacking(place.region)
        on = {name: name in settings.features for name in _ALWAYS_TOLD if name not in absent}
        for_members = part.add(
            aws.GuarddutyOrganizationConfigurationFeature,
            "member_features",
            detector_id=aws.attribute(detector, "id"),
            name="${each.key}",
            auto_enable="${each.value}",
            depends_on=[members],
        )
        wanted = {name: settings.members if flag else "NONE" for name, flag in on.items()}
        aws.for_each(for_members, wanted)
        own = part.add(
            aws.GuarddutyDetectorFeature,
            "features",
            detector_id=aws.attribute(detector, "id"),
            name="${each.key}",
            status="${each.value}",
        )
        aws.for_each(own, {name: _status(flag) for name, flag in on.items()})
        if _RUNTIME in settings.features and _RUNTIME not in absent:
            self._runtime(part, detector, members)

    def _runtime(
        self, part: aws.Part, detector: aws.GuarddutyDetector, members: aws.Dependable
    ) -> None:
        settings = self._settings
        kept = {name: name in settings.runtime_agents for name in _AGENTS}
        part.add(
            aws.GuarddutyOrganizationConfigurationFeature,
            "member_runtime",
            detector_id=aws.attribute(detector, "id"),
            name=_RUNTIME,
            auto_enable=settings.members,
            additional_configuration=[
                {"name": name, "autoEnable": settings.members if flag else "NONE"}
                for name, flag in kept.items()
            ],
            depends_on=[members],
        )
        part.add(
            aws.GuarddutyDetectorFeature,
            "runtime",
            detector_id=aws.attribute(detector, "id"),
            name=_RUNTIME,
            status=_status(flag=True),
            additional_configuration=[
                {"name": name, "status": _status(flag)} for name, flag in kept.items()
            ],
        )

    def _destination(self, part: aws.Part, detector: aws.GuarddutyDetector) -> None:
        arn = layout.bucket_arn(self._environment, self.findings.name)
        part.add(
            aws.GuarddutyPublishingDestination,
            "export",
            detector_id=aws.attribute(detector, "id"),
            destination_arn=arn,
            kms_key_arn=self.key.arn,
            # GuardDuty writes a test file at once.
            depends_on=[self.findings.policy, self.findings.encryption],
        )


def _status(flag: bool) -> str:  # noqa: FBT001
    return "ENABLED" if flag else "DISABLED"
