"""The organization trail as a whole: every part of it, joined across the two accounts."""

from __future__ import annotations

from orgtrail import layout
from orgtrail.constructs import bindings as aws
from orgtrail.constructs.access import Auditor
from orgtrail.constructs.access_analyzer import AccessAnalyzer
from orgtrail.constructs.alarms import Alarms
from orgtrail.constructs.archive import LogArchive, TrailKey
from orgtrail.constructs.catalog import Catalog
from orgtrail.constructs.detection import Providers
from orgtrail.constructs.guardduty import GuardDuty
from orgtrail.constructs.guardrails import Guardrails
from orgtrail.constructs.notices import ArchiveNotification, TrailTopic
from orgtrail.constructs.organization import OrganizationCheck
from orgtrail.constructs.security_hub import SecurityHub
from orgtrail.constructs.siem import SiemFeed
from orgtrail.constructs.trail import LogDelivery, Trail
from orgtrail.constructs.verification import Verification
from orgtrail.environments import require_limits
from orgtrail.policies import readers
from orgtrail.policies.document import text
from orgtrail.settings.environment import Environment


class OrganizationTrail(aws.Part):
    """An organization trail with its archive, guardrails and catalog.

    Make the two providers in your stack and pass them in; the construct makes none, so it can
    stand in any stack, and twice in one.

    Args:
        scope: a stack, or a construct of it.
        id: the construct's name there; it is part of every resource's address.
        environment: the settings, from `load_environment` or made in Python.
        management: provider of the management account, in the home region.
        logging: provider of the logging account, in the home region.
        further: providers by account name, in the home region, where `environment.deployed`
            names more than these two: the administrators of GuardDuty, Security Hub and Access
            Analyzer. Resources in other regions name their region themselves.

    Raises:
        SettingsError: a policy would be larger than AWS accepts.
        OrgtrailError: a provider is missing.

    Example:
        >>> environment = load_environment("envs/healthcare.tfvars")
        >>> OrganizationTrail(stack, "audit", environment=environment,
        ...                   management=management, logging=logging)

    """

    def __init__(
        self,
        scope: aws.Construct,
        id: str,
        *,
        environment: Environment,
        management: aws.AwsProvider,
        logging: aws.AwsProvider,
        further: Providers | None = None,
    ) -> None:
        """Make every part, in the order that CloudTrail needs."""
        super().__init__(scope, id)
        require_limits(environment)
        self.environment = environment
        organization = OrganizationCheck(
            self, "organization", environment=environment, provider=management
        )
        self.key = TrailKey(self, "key", environment=environment, provider=logging)
        self.archive = LogArchive(
            self,
            "archive",
            environment=environment,
            provider=logging,
            kms_key_arn=self.key.arn,
        )
        self.delivery = (
            LogDelivery(self, "delivery", environment=environment, provider=management)
            if environment.delivery.enabled
            else None
        )
        topic = (
            TrailTopic(
                self, "trail_topic", environment=environment, name=environment.made_topic,
                provider=management,
            )
            if environment.made_topic
            else None
        )  # fmt: skip
        self.trail = Trail(
            self,
            "trail",
            environment=environment,
            provider=management,
            kms_key_arn=self.key.arn,
            delivery=self.delivery,
            # The first write of CloudTrail is a test: it fails unless these stand.
            after=[
                organization.data,
                *self.archive.ready,
                *self.key.ready,
                *([topic.ready] if topic else []),
            ],
        )
        self.guardrails = Guardrails(
            self,
            "guardrails",
            environment=environment,
            provider=management,
            # Last, so that a role forgotten in exempt_roles is not locked out half-way.
            after=[organization.data, *self.trail.ready],
        )
        self.catalog = Catalog(
            self,
            "catalog",
            environment=environment,
            provider=logging,
            organization=organization,
            kms_key_arn=self.key.arn,
            access_logs=self.archive.access_logs,
        )
        providers = {**(further or {}), "management": management, "logging": logging}
        self._watch(management, logging)
        self._detect(providers, organization)

    def _watch(self, management: aws.AwsProvider, logging: aws.AwsProvider) -> None:
        """Make who is told of events, and who reads them."""
        environment = self.environment
        if environment.alarms and self.delivery:
            Alarms(
                self,
                "alarms",
                environment=environment,
                settings=environment.alarms,
                provider=management,
                delivery=self.delivery,
            )
        if environment.verification:
            Verification(
                self,
                "verification",
                environment=environment,
                settings=environment.verification,
                provider=logging,
            )
        if environment.access.auditor:
            Auditor(
                self,
                "auditor",
                environment=environment,
                settings=environment.access.auditor,
                provider=logging,
            )
        if environment.siem:
            SiemFeed(
                self,
                "siem",
                environment=environment,
                settings=environment.siem,
                provider=logging,
                after=self.archive.ready[:1],
            )
        elif environment.tells:
            ArchiveNotification(
                self,
                # Where a feed's would be: S3 has one list for a bucket, so its resource must stay
                # the same where a feed comes or goes.
                "siem",
                environment=environment,
                provider=logging,
                after=self.archive.ready[:1],
            )

    def _detect(self, providers: Providers, organization: OrganizationCheck) -> None:
        """Make the services that look for threats, each where the file asks for it."""
        environment, after = self.environment, [organization.data]
        if environment.guardduty:
            GuardDuty(
                self,
                "guardduty",
                environment=environment,
                settings=environment.guardduty,
                providers=providers,
                logging=providers["logging"],
                access_logs=self.archive.access_logs,
                after=after,
            )
        if environment.security_hub:
            SecurityHub(
                self,
                "security_hub",
                environment=environment,
                settings=environment.security_hub,
                providers=providers,
                after=after,
            )
        if environment.access_analyzer:
            AccessAnalyzer(
                self,
                "access_analyzer",
                environment=environment,
                settings=environment.access_analyzer,
                providers=providers,
                after=after,
            )

    @property
    def outputs(self) -> dict[str, tuple[str, str]]:
        """What the next tool needs to know: name, value and meaning of each."""
        env = self.environment
        return {
            "trail_arn": (layout.trail_arn(env), "ARN of the organization trail"),
            "archive_bucket": (env.archive.bucket, "Bucket that keeps log files and digests"),
            "log_prefix": (layout.organization_prefix(env), "Key prefix of all log files"),
            "key_arn": (self.key.arn, "ARN of the key that encrypts log files and results"),
            "database": (env.catalog.database, "Glue database"),
            "table": (env.catalog.table, "Glue table over the archive"),
            "workgroup": (env.catalog.workgroup, "Athena workgroup"),
            "result_location": (layout.result_location(env), "S3 URI of query results"),
            "home_region": (env.home_region, "Region of all of these"),
            **(
                {"log_group": (env.delivery.log_group, "CloudWatch log group of the events")}
                if env.delivery.enabled
                else {}
            ),
            **self._optional_outputs(),
        }

    def _optional_outputs(self) -> dict[str, tuple[str, str]]:
        env = self.environment
        outputs = {}
        if env.alarms:
            topic = layout.management_topic_arn(env, env.alarms.topic)
            outputs["alarm_topic_arn"] = (topic, "Topic that the alarms ring by")
        if env.made_topic:
            topic = layout.management_topic_arn(env, env.made_topic)
            outputs["trail_topic_arn"] = (topic, "Topic that CloudTrail tells of log files")
        if env.access.auditor:
            role = layout.role_arn(env, env.logging.id, env.access.auditor.role_name)
            outputs["auditor_role_arn"] = (role, "Role for auditors to assume")
        if env.access.member_readers:
            policy = aws.literal(text(readers.member_reader(env)))
            outputs["member_reader_policy"] = (policy, "Policy of the reader in a member account")
        if env.siem:
            queue = layout.queue_arn(env, env.siem.queue)
            outputs["siem_queue_arn"] = (queue, "Queue of notices of new log files")
        if env.findings_bucket:
            outputs["findings_bucket"] = (env.findings_bucket, "Bucket of GuardDuty's findings")
        return outputs
