"""The model of an environment: what a stack sets up, as far as the check needs it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property

from orgtrail.iam.policy import Policy, Statement
from orgtrail.regions import partition
from orgtrail.settings.archive import ArchiveSettings
from orgtrail.settings.trail import TrailSettings
from orgtrail.trail.resource import Provider, Stack


@dataclass(frozen=True)
class Located:
    """Base of everything that has an address in the stack, an account and a region."""

    address: str
    account: str
    region: str


@dataclass(frozen=True)
class AttachedPolicy(Located):
    """A policy attached to a resource or a role."""

    policy: Policy
    document: str
    """The text of the policy; empty if it is known only after the deploy."""
    owner: str
    """What the policy is attached to: `bucket`, `key`, `trust of role` and so on."""


@dataclass(frozen=True)
class S3Bucket(Located):
    """A bucket and its configuration; days are None if no lifecycle rule sets them."""

    name: str
    policy: Policy | None
    is_versioned: bool
    blocks_public_access: bool
    """Whether all four settings of its public access block are on."""
    algorithm: str
    """Of the default encryption: `aws:kms`, `AES256`, or empty."""
    key: str
    expire_after_days: int | None
    noncurrent_days: int | None
    transitions: tuple[tuple[str, int], ...]
    """Pairs of storage class and days."""
    moves_small_files: bool
    lock_mode: str
    lock_days: int
    logs_to: str
    """The name of the bucket that receives its access log."""
    holds_iceberg_table: bool
    """Whether an Iceberg table is in it, which deletes files that no snapshot refers to."""
    settings: ArchiveSettings | None
    """The bucket as settings of an environment file; None if they would not be valid there."""


@dataclass(frozen=True)
class KmsKey(Located):
    """A KMS key."""

    alias: str
    policy: Policy
    rotates: bool
    arn: str = ""
    """Its ARN if the stack knows it before the deploy; otherwise empty."""


@dataclass(frozen=True)
class CloudTrail(Located):
    """A trail."""

    name: str
    bucket: str
    prefix: str
    key: str
    is_of_organization: bool
    is_multi_region: bool
    validates_log_files: bool
    is_logging: bool
    log_group: str
    waits_for_policy: bool
    """Whether Terraform creates it after the policy of its bucket."""
    settings: TrailSettings | None
    """The trail as settings of an environment file; None if they would not be valid there."""

    @property
    def arn(self) -> str:
        """The ARN that AWS will assign to it."""
        place = f"{self.region}:{self.account}"
        return f"arn:{partition(self.region)}:cloudtrail:{place}:trail/{self.name}"


@dataclass(frozen=True)
class IamRole(Located):
    """A role with its trust policy and its permissions."""

    arn: str
    trust: Policy
    policies: tuple[Policy, ...]
    boundary: str
    """The ARN of its permissions boundary; empty if it has none."""


@dataclass(frozen=True)
class ControlPolicy(Located):
    """A service or resource control policy."""

    kind: str
    """`SCP` or `RCP`."""
    policy: Policy
    size: int
    """In characters."""
    targets: tuple[str, ...]


@dataclass(frozen=True)
class GlueTable(Located):
    """A table of the catalog, with its partition projection."""

    database: str
    name: str
    partitions: tuple[str, ...]
    template: str
    accounts: tuple[str, ...]
    """The projected accounts that the stack names."""
    completes_accounts: bool
    """Whether further accounts are known only after the deploy."""
    regions: tuple[str, ...] | None
    """The projected regions; None if they are known only after the deploy."""


@dataclass(frozen=True)
class TagSet:
    """The tags of one resource, or the default tags of a provider."""

    address: str
    tags: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ForeignReference(Located):
    """Something that a resource names in a partition other than the stack's."""

    what: str
    """What it is, in words."""


@dataclass(frozen=True)
class AthenaWorkgroup(Located):
    """A workgroup, and whether it encrypts results and enforces its configuration."""

    name: str
    results: str
    """Where its results go, such as `s3://bucket/results/`; empty if clients say it."""
    encrypted: bool
    enforced: bool


@dataclass(frozen=True)
class LogGroup(Located):
    """A log group of CloudWatch Logs."""

    name: str


@dataclass(frozen=True)
class UnavailableFeature(Located):
    """A feature that is not available in the region of its resource."""

    setting: str
    """The setting that enables it."""
    reason: str


@dataclass(frozen=True)
class Automation(Located):
    """Something that uses a role unattended: a CodeBuild project or a schedule."""

    kind: str
    """The resource type: `aws_codebuild_project` or `aws_scheduler_schedule`."""
    name: str


@dataclass(frozen=True, order=True)
class DetectionService:
    """A threat detection service of the organization, where it is administered."""

    service: str
    """Its name in IAM."""
    account: str
    region: str


@dataclass(frozen=True)
class Receiver(Located):
    """Base of what receives messages; `key` is the address or ARN of its key, or empty."""

    arn: str
    policy: Policy | None
    key: str


@dataclass(frozen=True)
class SnsTopic(Receiver):
    """A topic."""


@dataclass(frozen=True)
class SqsQueue(Receiver):
    """A queue."""


class FlowKind(Enum):
    """What a flow is, in the words of findings."""

    ACCESS_LOG = "access log"
    NOTIFICATION = "notification"
    SUBSCRIPTION = "subscription"
    ALARM = "alarm"
    NOTICES = "notices of log files"
    FINDINGS = "findings"
    LOG_STREAMS = "log streams"
    SCHEDULE = "schedule"
    BUILD = "build"
    CHAT = "chat"


@dataclass(frozen=True)
class Flow(Located):
    """Something that the stack sets up to send: its configuration, not the policies that allow it.

    Args:
        kind: what it is.
        source: the ARN of what a service acts for: a bucket, a topic, an alarm, a schedule group.
        target: the ARN of what receives: a bucket, a topic, a queue, a log group; for a schedule
            the API action that it calls.
        role: the ARN of the role that it uses; empty if the service acts as itself.
        detail: the key prefix of an access log; the name of what a schedule starts.

    """

    kind: FlowKind
    source: str
    target: str
    role: str = ""
    detail: str = ""


@dataclass(frozen=True)
class MetricAlarms:
    """The filter patterns of the alarms on the trail's log group, and who is notified."""

    patterns: tuple[str, ...]
    by_account: bool
    """Whether a metric has the account as a dimension."""
    are_heard: bool
    """Whether anybody is subscribed to the alarms' topic."""


@dataclass(frozen=True)
class Model:
    """Everything about one environment that the check works with."""

    name: str
    stack: Stack = field(repr=False, compare=False)
    """The resources that everything below was read from."""
    providers: tuple[Provider, ...]
    trails: tuple[CloudTrail, ...]
    buckets: tuple[S3Bucket, ...]
    keys: tuple[KmsKey, ...]
    roles: tuple[IamRole, ...]
    control_policies: tuple[ControlPolicy, ...]
    tables: tuple[GlueTable, ...]
    iceberg_tables: tuple[tuple[str, str], ...]
    """Pairs of database and table of the tables that are rewritten, not read from log files."""
    workgroups: tuple[AthenaWorkgroup, ...]
    log_groups: tuple[LogGroup, ...]
    automations: tuple[Automation, ...]
    topics: tuple[SnsTopic, ...]
    queues: tuple[SqsQueue, ...]
    flows: tuple[Flow, ...]
    attached_policies: tuple[AttachedPolicy, ...]
    alarms: MetricAlarms
    has_detectors: bool
    """Whether the stack has a GuardDuty detector."""
    detection_services: tuple[DetectionService, ...]
    delegated_administrator: str
    """The account that administers CloudTrail for the organization; empty if there is none."""
    organization: str
    trusts_cloudtrail: bool
    """Whether the stack enables trusted access for CloudTrail, or fails if it is off."""
    trusted_access_owners: tuple[str, ...]
    """The addresses of the resources that set the organization's trusted services."""
    tag_sets: tuple[TagSet, ...]
    """Each distinct set of tags once."""
    unavailable_features: tuple[UnavailableFeature, ...]
    foreign_references: tuple[ForeignReference, ...] = ()
    session_role: str = ""
    """The deploying role of the logging account, if the settings name it and no provider does."""
    units: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By account: the root and the organizational units above it, for accounts that name them."""

    @property
    def statements(self) -> Iterator[tuple[AttachedPolicy, Statement]]:
        """Every statement of the attached policies, with its policy."""
        return ((each, one) for each in self.attached_policies for one in each.policy.statements)

    @cached_property
    def receivers(self) -> tuple[Receiver, ...]:
        """The topics and queues."""
        return (*self.topics, *self.queues)

    @property
    def scps(self) -> list[ControlPolicy]:
        """The service control policies."""
        return [each for each in self.control_policies if each.kind == "SCP"]

    @cached_property
    def trail(self) -> CloudTrail | None:
        """The organization trail, or the first trail if there is none."""
        of_organization = [each for each in self.trails if each.is_of_organization]
        return next(iter((*of_organization, *self.trails)), None)

    @cached_property
    def archive(self) -> S3Bucket | None:
        """The bucket that the trail writes to."""
        trail = self.trail
        return next((each for each in self.buckets if trail and each.name == trail.bucket), None)

    @cached_property
    def key(self) -> KmsKey | None:
        """The key that encrypts the trail's log files."""
        named = self.trail.key if self.trail else ""
        return next((each for each in self.keys if named and each.address == named), None)

    @property
    def evidence_buckets(self) -> set[str]:
        """The names of the buckets that receive access logs or findings."""
        logs = {each.logs_to for each in self.buckets}
        found = {
            each.target.rpartition(":")[2] for each in self.flows if each.kind is FlowKind.FINDINGS
        }
        return (logs | found) - {""}

    @property
    def refers_to_trail(self) -> bool:
        """Whether a table reads log files from a bucket of another stack."""
        made = {each.name for each in self.buckets}
        read = (each.template.partition("://")[2] for each in self.tables)
        return any("/AWSLogs/" in each and each.partition("/")[0] not in made for each in read)

    @property
    def management(self) -> str:
        """The id of the management account: the account of the trail."""
        return self.trail.account if self.trail else ""

    @property
    def logging(self) -> str:
        """The id of the logging account: the account of the archive."""
        return self.archive.account if self.archive else ""

    @property
    def is_known(self) -> bool:
        """Whether accounts and organization are known; otherwise no access can be decided."""
        return bool(self.organization and self.management and self.logging)

    @cached_property
    def members(self) -> tuple[str, ...]:
        """The accounts of the table other than management and logging.

        Those with the fewest service control policies come first, so the first one is the worst
        case.
        """
        known = dict.fromkeys(each for table in self.tables for each in table.accounts)
        others = (each for each in known if each not in (self.management, self.logging))
        order = [False, None, True]
        return tuple(
            sorted(others, key=lambda one: sum(order.index(self.binds(p, one)) for p in self.scps))
        )

    def binds(self, control: ControlPolicy, account: str) -> bool | None:
        """Return whether a control policy applies to an account; None if that is not known."""
        targets = control.targets
        # `data.aws_organizations_organization.x.roots[0].id` is the root too.
        if any(one == account or one.startswith("r-") or ".roots" in one for one in targets):
            return True
        if any("${" in each for each in targets):
            return None
        units = {each for each in targets if each.startswith("ou-")}
        if not units:
            return False
        above = self.units.get(account)
        return None if above is None else not units.isdisjoint(above)

    @property
    def partition(self) -> str:
        """The AWS partition of the stack, such as `aws-cn`."""
        regions = (each.region for each in (self.trail, *self.providers) if each)
        return partition(next(regions, ""))

    @property
    def logs_prefix(self) -> str:
        """The key prefix of everything that CloudTrail writes."""
        prefix = self.trail.prefix if self.trail else ""
        return f"{prefix}/AWSLogs/" if prefix else "AWSLogs/"

    def policy_address(self, bucket: S3Bucket) -> str:
        """Return the address of a bucket's policy, or of the bucket if it has none."""
        arn = f"arn:{self.partition}:s3:::{bucket.name}"
        for attached, statement in self.statements:
            named = (one.partition("/")[0] for one in statement.resources or ())
            # The bucket that receives the access log names this one too, as a source.
            if attached.owner == "bucket" and arn in named:
                return attached.address
        return bucket.address

    def deploy_role(self, account: str) -> str:
        """Return the role that Terraform assumes in an account; empty if it assumes none."""
        roles = (each.role for each in self.providers if each.account == account)
        return next((role for role in roles if role), "")
