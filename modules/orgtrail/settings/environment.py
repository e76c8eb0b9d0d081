"""The model of an environment file: one AWS Organization and its audit trail."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, ValidationError, ValidationInfo, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from orgtrail.regions import partition
from orgtrail.settings import rules
from orgtrail.settings.access import Access, GuardrailSettings, Siem
from orgtrail.settings.archive import CONTROL_TOWER, Adoption, ArchiveSettings, KeySettings
from orgtrail.settings.catalog import CatalogSettings
from orgtrail.settings.detection import (
    AccessAnalyzerSettings,
    AlarmSettings,
    GuardDutySettings,
    SecurityHubSettings,
    Verification,
)
from orgtrail.settings.trail import DeliverySettings, Recording, TrailSettings
from orgtrail.settings.types import (
    AccountId,
    BucketName,
    ExternalId,
    KeyArn,
    Many,
    Name,
    OrganizationId,
    PolicyName,
    Region,
    RoleArn,
    RolePattern,
    RootId,
    Section,
    SessionName,
    Tags,
    Text,
    UnitPath,
    matches,
    setting,
)

SECTIONS_ONLY = "sections only"
"""Validation context that skips the rules between sections."""
_DetectionService = GuardDutySettings | SecurityHubSettings | AccessAnalyzerSettings

HcpOrganization = Annotated[
    str, matches(r"[A-Za-z0-9_-]{3,40}", "must be 3 to 40 letters, digits, - or _")
]
"""The length limit is from HashiCorp's provider `tfmigrate`; its client `go-tfe` rejects spaces.
https://github.com/hashicorp/go-tfe/blob/main/validations.go"""
HcpWorkspace = Annotated[
    str, matches(r"[A-Za-z0-9_-]{1,90}", "must be 1 to 90 letters, digits, - or _")
]
"""https://developer.hashicorp.com/terraform/cloud-docs/api-docs/workspaces#create-a-workspace"""
HcpProject = Annotated[
    str,
    matches(
        r"[A-Za-z0-9_-][A-Za-z0-9_ -]{1,38}[A-Za-z0-9_-]",
        "must be 3 to 40 letters, digits, spaces, - or _, with no space at either end",
    ),
]
"""https://developer.hashicorp.com/terraform/cloud-docs/projects/manage#create-a-project"""


class Organization(Section):
    """The AWS Organization that the trail records."""

    id: OrganizationId = setting(
        "The organization's id. A plan stops if the credentials reach another organization."
    )
    root_id: RootId = setting("The id of the organization's root, above all its accounts.")
    enable_trusted_access: bool = setting(
        "Whether the plan turns on trusted access of CloudTrail and of each service that the file "
        "asks for; otherwise it stops where one is off. For AWS provider 6.39 or newer.",
        False,
    )
    list_accounts: bool = setting(
        "Whether a plan reads the organization's accounts, policy types and trusted services; if "
        "false, it only proves that the organization is this one, which needs fewer permissions. "
        "For AWS provider 6.29 or newer.",
        True,
    )


class Account(Section):
    """One account of the organization.

    `management`, `logging` and the delegated administrators of the detecting services also say
    how Terraform reaches them, and so do `retired` ones; all other accounts need nothing deployed,
    so they have an id, and the unit that they are in, alone.
    """

    id: AccountId = setting("The account's id, in quotes: a number would lose its first zeros.")
    ou: UnitPath | None = setting(
        "The organizational unit that the account is in: the ids from the root down, such as "
        "`r-ab12/ou-ab12-11111111`; the root's id alone where it is in none. With it "
        "`orgtrail check` decides whether a policy of a unit binds the account.",
        None,
    )
    profile: Text | None = setting(
        "Profile of the shared AWS configuration to use (accounts that are deployed to only).", None
    )
    role_arn: RoleArn | None = setting(
        "Role that Terraform assumes to deploy (accounts that are deployed to only).", None
    )
    external_id: ExternalId | None = setting(
        "External id that the role's trust policy requires.", None
    )
    session_name: SessionName = setting(
        "Name of the deploying session, as the trail will show it.", "orgtrail"
    )
    session_role: RolePattern | None = setting(
        "Role that the session of `profile`, or of HCP Terraform, is of: policies see that role. "
        "Where Terraform assumes role_arn, it is that one.",
        None,
    )
    permissions_boundary: PolicyName | None = setting(
        "Name of the policy, made by hand before the first apply, that bounds every role which "
        "the stack makes there; `orgtrail permissions FILE ACCOUNT --for boundary` prints it.",
        None,
    )

    @property
    def deploy_roles(self) -> tuple[str, ...]:
        """The roles that deploy to the account, by ARN or pattern; empty if the file names none.

        There are two if runs in HCP Terraform have separate credentials.
        """
        return tuple(filter(None, (self.role_arn, self.session_role)))


class Retired(Section):
    """What was deployed to and no longer is: Terraform removes what is there by these.

    A resource that has gone from a stack is removed by its old provider, so the stack keeps that
    for one more apply.
    https://developer.hashicorp.com/terraform/language/providers/configuration
    """

    accounts: Many[Name] = setting(
        "Former administrators of detecting services, by their names in `accounts`: each says how "
        "it is reached, and stays here for the one apply that removes what is there.",
        (),
    )


class LocalBackend(Section):
    """State in `terraform.<name>.tfstate` in the project's folder."""

    type: Literal["local"] = setting("`local`.", "local")


class S3Backend(Section):
    """State in an S3 bucket, with a lock file beside it."""

    type: Literal["s3"] = setting("`s3`.")
    bucket: BucketName = setting("The bucket with the state, made before the first run.")
    region: Region = setting("The bucket's region.")
    key: Text | None = setting("The state's key; by default `orgtrail/<name>.tfstate`.", None)
    kms_key_arn: KeyArn | None = setting("Key that encrypts the state.", None)
    profile: Text | None = setting("Profile that reaches the bucket.", None)
    role_arn: RoleArn | None = setting("Role that reaches the bucket.", None)

    def key_of(self, name: str) -> str:
        """Return the key of an environment's state."""
        return self.key or f"orgtrail/{name}.tfstate"


class CloudBackend(Section):
    """State and runs in HCP Terraform (or Terraform Enterprise)."""

    type: Literal["cloud"] = setting("`cloud`.")
    organization: HcpOrganization = setting("The HCP Terraform organization.")
    workspace: HcpWorkspace = setting("The workspace.")
    project: HcpProject | None = setting("The project that the workspace is in.", None)
    hostname: Text = setting("The host, for Terraform Enterprise.", "app.terraform.io")


Backend = Annotated[LocalBackend | S3Backend | CloudBackend, Field(discriminator="type")]


class Environment(Section):
    """What one environment file says; every default is safe to deploy.

    Raises:
        pydantic.ValidationError: values break rules; it holds all of them. Rules between sections
            are checked once every section is valid.

    """

    name: Name = setting("Name of the environment and of its stack; by default the file's name.")
    home_region: Region = setting("The region of the trail, the archive, the key and the catalog.")
    organization: Organization = setting("The organization.")
    accounts: Annotated[dict[Name, Account], Field(min_length=2)] = setting(
        "All accounts by name, `management` and `logging` among them."
    )
    retired: Retired = setting("Accounts that are no longer deployed to.", Retired())
    tags: Tags = setting("Tags of every resource.", {"ManagedBy": "orgtrail"})
    trail: TrailSettings = setting("The organization trail.", TrailSettings())
    recording: Recording | None = setting("What the trail records, by intent.", None)
    archive: ArchiveSettings = setting("The archive bucket.")
    key: KeySettings = setting("The encryption key.", KeySettings())
    delivery: DeliverySettings = setting("Delivery to CloudWatch Logs.", DeliverySettings())
    guardrails: GuardrailSettings = setting(
        "Service and resource control policies.", GuardrailSettings()
    )
    catalog: CatalogSettings = setting("The Athena catalog.", CatalogSettings())
    alarms: AlarmSettings | None = setting("Alarms over all accounts.", None)
    access: Access = setting("Who may read the audit trail.", Access())
    siem: Siem | None = setting("The feed for a SIEM.", None)
    verification: Verification | None = setting("A daily verification of the log files.", None)
    guardduty: GuardDutySettings | None = setting("GuardDuty for the organization.", None)
    security_hub: SecurityHubSettings | None = setting("Security Hub for the organization.", None)
    access_analyzer: AccessAnalyzerSettings | None = setting("IAM Access Analyzer.", None)
    adopt: Adoption = setting("What exists already.", Adoption())
    backend: Backend = setting("Where Terraform keeps its state.", LocalBackend())

    @model_validator(mode="after")
    def _check_rules(self, info: ValidationInfo) -> Environment:
        if info.context == SECTIONS_ONLY:
            return self
        faults = [
            InitErrorDetails(
                type=PydanticCustomError("rule", "{rule}", {"rule": fault.rule}),
                loc=fault.setting,
                input=fault.given,
            )
            for fault in rules.broken_rules(self, set(type(self).model_fields))
        ]
        if faults:
            raise ValidationError.from_exception_data("Environment", faults)
        return self

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
        """The ids of all accounts, sorted."""
        return sorted(account.id for account in self.accounts.values())

    @property
    def logs_prefix(self) -> str:
        """The prefix of all keys that CloudTrail writes: `[prefix/]AWSLogs/`."""
        prefix = self.trail.key_prefix
        return f"{prefix}/AWSLogs/" if prefix else "AWSLogs/"

    @property
    def organization_prefix(self) -> str:
        """The key prefix of the organization, with the logs of all its accounts."""
        return f"{self.logs_prefix}{self.organization.id}/"

    @property
    def created_topic(self) -> str | None:
        """The name of the SNS topic to create for CloudTrail's notifications, if any."""
        return self.trail.sns_topic.name if self.trail.sns_topic else None

    @property
    def sends_notifications(self) -> bool:
        """Whether the archive bucket sends event notifications."""
        return bool(self.siem or self.archive.notifications or self.archive.eventbridge)

    @property
    def result_bucket(self) -> str:
        """The bucket for Athena's query results."""
        return self.catalog.result_bucket or f"{self.archive.bucket}-athena-results"

    @property
    def policy_targets(self) -> tuple[str, ...]:
        """The root, units and accounts to attach the SCPs to."""
        given = self.guardrails.targets
        return (self.organization.root_id,) if given is None else given

    @property
    def attached_targets(self) -> tuple[str, ...]:
        """The targets that an adopted SCP is already attached to."""
        existing = self.adopt.scp
        if not existing:
            return ()
        return self.policy_targets if existing.attached is None else existing.attached

    @property
    def exempt_roles(self) -> tuple[str, ...]:
        """The roles in member accounts that are exempt from the SCPs."""
        given = self.guardrails.exempt_roles
        if given is not None:
            return given
        return self.logging.deploy_roles

    @property
    def owner_roles(self) -> tuple[str, ...]:
        """The roles that manage resources only referred to; empty if there are none."""
        if not self.adopt.referenced:
            return ()
        given = self.adopt.owner_roles
        if given is not None:
            return given
        roles = f"arn:{partition(self.home_region)}:iam::*:role"
        return tuple(f"{roles}/{name}" for name in CONTROL_TOWER)

    @property
    def findings_bucket(self) -> str | None:
        """The bucket for GuardDuty's exported findings, if any."""
        if not self.guardduty or not self.guardduty.export:
            return None
        return self.guardduty.export.bucket or f"{self.archive.bucket}-guardduty"

    @property
    def compacted_bucket(self) -> str | None:
        """The bucket of the compacted table, if any."""
        if not self.catalog.compaction:
            return None
        return self.catalog.compaction.bucket or f"{self.archive.bucket}-compacted"

    @property
    def own_buckets(self) -> tuple[str, ...]:
        """Every bucket of the stack, the archive first."""
        names = (self.archive.bucket, self.archive.access_log_bucket, self.result_bucket)
        return (*names, *filter(None, (self.compacted_bucket, self.findings_bucket)))

    @property
    def encrypts_by_default(self) -> bool:
        """Whether the archive's default encryption uses the trail's key.

        Load balancers cannot deliver to such a bucket; CloudTrail always names the key.
        https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html
        """
        return all(each.service != "elb" for each in self.archive.writers)

    @property
    def evidence_buckets(self) -> tuple[str, ...]:
        """The buckets with objects that nobody may delete; the others can be rebuilt."""
        rebuilt = {self.result_bucket, self.compacted_bucket}
        return tuple(name for name in self.own_buckets if name not in rebuilt)

    @property
    def referenced_buckets(self) -> set[str]:
        """The existing buckets that are only referred to."""
        named = {
            "bucket": self.archive.bucket,
            "access_log_bucket": self.archive.access_log_bucket,
        }
        return {bucket for part, bucket in named.items() if self.adopt.is_referenced(part)}

    @property
    def detection(self) -> dict[str, _DetectionService]:
        """The configured detection services, by section name."""
        sections = {
            "guardduty": self.guardduty,
            "security_hub": self.security_hub,
            "access_analyzer": self.access_analyzer,
        }
        return {name: section for name, section in sections.items() if section}

    def regions_of(self, section: _DetectionService) -> tuple[str, ...]:
        """Return the regions of a detection service, the home region first if it is one."""
        regions = dict.fromkeys(section.regions or (self.home_region,))
        return tuple(sorted(regions, key=lambda region: region != self.home_region))

    @property
    def deployed_accounts(self) -> tuple[str, ...]:
        """The names of the accounts with resources of the stack, management and logging first."""
        administrators = {section.administrator for section in self.detection.values()}
        return ("management", "logging", *sorted(administrators - {"management", "logging"}))

    @property
    def provider_accounts(self) -> tuple[str, ...]:
        """The names of the accounts with a Terraform provider: deployed and retired ones."""
        return tuple(dict.fromkeys((*self.deployed_accounts, *self.retired.accounts)))
