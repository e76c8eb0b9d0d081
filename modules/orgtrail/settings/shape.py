"""The shape of an environment: all of its sections, and what follows from them together."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from orgtrail.regions import partition
from orgtrail.settings.access import Access
from orgtrail.settings.accounts import Account, Organization, Retired
from orgtrail.settings.adoption import CONTROL_TOWER, Adoption
from orgtrail.settings.alarms import Alarms
from orgtrail.settings.archive import Archive
from orgtrail.settings.backend import Backend, LocalBackend
from orgtrail.settings.catalog import Catalog
from orgtrail.settings.detection import AccessAnalyzer, GuardDuty, SecurityHub
from orgtrail.settings.guardrails import Guardrails
from orgtrail.settings.recording import Recording
from orgtrail.settings.siem import Siem
from orgtrail.settings.tags import Tags
from orgtrail.settings.trail import Delivery, Key, Trail
from orgtrail.settings.types import Name, Region, Section, setting
from orgtrail.settings.verification import Verification


class Shape(Section):
    """What one environment file says; every default is safe to deploy."""

    name: Name = setting("Name of the environment and of its stack; by default the file's name.")
    home_region: Region = setting("The region of the trail, the archive, the key and the catalog.")
    organization: Organization = setting("The organization.")
    accounts: Annotated[dict[Name, Account], Field(min_length=2)] = setting(
        "All accounts by name, `management` and `logging` among them."
    )
    retired: Retired = setting("Accounts that are no longer deployed to.", Retired())
    tags: Tags = setting("Tags of every resource.", {"ManagedBy": "orgtrail"})
    trail: Trail = setting("The organization trail.", Trail())
    recording: Recording | None = setting("What the trail records, by intent.", None)
    archive: Archive = setting("The archive bucket.")
    key: Key = setting("The encryption key.", Key())
    delivery: Delivery = setting("Delivery to CloudWatch Logs.", Delivery())
    guardrails: Guardrails = setting("Service and resource control policies.", Guardrails())
    catalog: Catalog = setting("The Athena catalog.", Catalog())
    alarms: Alarms | None = setting("Alarms over all accounts.", None)
    access: Access = setting("Who may read the audit trail.", Access())
    siem: Siem | None = setting("The feed for a SIEM.", None)
    verification: Verification | None = setting("A daily verification of the log files.", None)
    guardduty: GuardDuty | None = setting("GuardDuty for the organization.", None)
    security_hub: SecurityHub | None = setting("Security Hub for the organization.", None)
    access_analyzer: AccessAnalyzer | None = setting("IAM Access Analyzer.", None)
    adopt: Adoption = setting("What exists already.", Adoption())
    backend: Backend = setting("Where Terraform keeps its state.", LocalBackend())

    @property
    def management(self) -> Account:
        """The management account, which owns the organization and the trail."""
        return self.accounts["management"]

    @property
    def logging(self) -> Account:
        """The logging account, which keeps the evidence."""
        return self.accounts["logging"]

    @property
    def account_ids(self) -> list[str]:
        """The ids of all accounts, in order."""
        return sorted(account.id for account in self.accounts.values())

    @property
    def logs_prefix(self) -> str:
        """The key prefix of everything CloudTrail writes: `[prefix/]AWSLogs/`."""
        prefix = self.trail.key_prefix
        return f"{prefix}/AWSLogs/" if prefix else "AWSLogs/"

    @property
    def organization_prefix(self) -> str:
        """The key prefix of the organization's accounts, all members' included."""
        return f"{self.logs_prefix}{self.organization.id}/"

    @property
    def made_topic(self) -> str | None:
        """The name of the topic that is made for CloudTrail's notices, if one is."""
        return self.trail.sns_topic.name if self.trail.sns_topic else None

    @property
    def tells(self) -> bool:
        """Whether anybody is told of what happens in the archive."""
        return bool(self.siem or self.archive.notifications or self.archive.eventbridge)

    @property
    def result_bucket(self) -> str:
        """The bucket that Athena writes results to."""
        return self.catalog.result_bucket or f"{self.archive.bucket}-athena-results"

    @property
    def policy_targets(self) -> tuple[str, ...]:
        """The root, units and accounts that the SCP is attached to."""
        given = self.guardrails.targets
        return (self.organization.root_id,) if given is None else given

    @property
    def attached_targets(self) -> tuple[str, ...]:
        """Those of them that it is attached to already."""
        existing = self.adopt.scp
        if not existing:
            return ()
        return self.policy_targets if existing.attached is None else existing.attached

    @property
    def exempt_roles(self) -> tuple[str, ...]:
        """The roles in member accounts that the SCP does not bind."""
        given = self.guardrails.exempt_roles
        if given is not None:
            return given
        return self.logging.deploy_roles

    @property
    def owner_roles(self) -> tuple[str, ...]:
        """The roles of whoever manages what is only referred to; none where nothing is."""
        if not self.adopt.referred:
            return ()
        given = self.adopt.owner_roles
        if given is not None:
            return given
        roles = f"arn:{partition(self.home_region)}:iam::*:role"
        return tuple(f"{roles}/{name}" for name in CONTROL_TOWER)

    @property
    def findings_bucket(self) -> str | None:
        """The bucket that GuardDuty exports findings to, if it does."""
        if not self.guardduty or not self.guardduty.export:
            return None
        return self.guardduty.export.bucket or f"{self.archive.bucket}-guardduty"

    @property
    def compacted_bucket(self) -> str | None:
        """The bucket of the compacted table, if there is one."""
        if not self.catalog.compaction:
            return None
        return self.catalog.compaction.bucket or f"{self.archive.bucket}-compacted"

    @property
    def own_buckets(self) -> tuple[str, ...]:
        """Every bucket that the stack makes, the archive first."""
        names = (self.archive.bucket, self.archive.access_log_bucket, self.result_bucket)
        return (*names, *filter(None, (self.compacted_bucket, self.findings_bucket)))

    @property
    def encrypts_by_default(self) -> bool:
        """Whether the archive encrypts with the trail's key what names no key of its own.

        Load balancers deliver to no bucket that does; CloudTrail always names the key.
        https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
        """
        return all(each.service != "elb" for each in self.archive.writers)

    @property
    def evidence_buckets(self) -> tuple[str, ...]:
        """The buckets whose objects nobody deletes; the others' content can be made again."""
        again = {self.result_bucket, self.compacted_bucket}
        return tuple(name for name in self.own_buckets if name not in again)

    @property
    def others_buckets(self) -> set[str]:
        """The buckets that are only referred to."""
        named = {
            "bucket": self.archive.bucket,
            "access_log_bucket": self.archive.access_log_bucket,
        }
        return {bucket for part, bucket in named.items() if self.adopt.refers(part)}

    @property
    def detection(self) -> dict[str, GuardDuty | SecurityHub | AccessAnalyzer]:
        """The detecting services that are asked for, by the names of their sections."""
        sections = {
            "guardduty": self.guardduty,
            "security_hub": self.security_hub,
            "access_analyzer": self.access_analyzer,
        }
        return {name: section for name, section in sections.items() if section}

    def regions_of(self, section: GuardDuty | SecurityHub | AccessAnalyzer) -> tuple[str, ...]:
        """Return the regions of a detecting service, the home region first if it is one."""
        regions = dict.fromkeys(section.regions or (self.home_region,))
        return tuple(sorted(regions, key=lambda region: region != self.home_region))

    @property
    def deployed(self) -> tuple[str, ...]:
        """The names of the accounts that are deployed to, management and logging first."""
        administrators = {section.administrator for section in self.detection.values()}
        return ("management", "logging", *sorted(administrators - {"management", "logging"}))

    @property
    def reached(self) -> tuple[str, ...]:
        """The names of the accounts that Terraform has a provider for: the retired ones too."""
        return tuple(dict.fromkeys((*self.deployed, *self.retired.accounts)))
