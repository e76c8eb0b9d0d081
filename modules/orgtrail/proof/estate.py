"""The estate: what a stack sets up, as far as the proof asks, in CloudTrail's and S3's terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from orgtrail.proof.iam.policy import Policy
from orgtrail.regions import partition
from orgtrail.trail.resource import Provider


@dataclass(frozen=True)
class Part:
    """Anything of the estate: where it stands in the stack, and who owns it."""

    address: str
    account: str
    region: str


@dataclass(frozen=True)
class Attached(Part):
    """A policy attached to a resource or a role."""

    policy: Policy
    document: str
    """Its text, empty where it is not known before the deploy."""
    setting: str
    """What people call the resource's attribute, such as `the policy of bucket x`."""


@dataclass(frozen=True)
class Bucket(Part):
    """A bucket with what surrounds it; days are None where nothing says so."""

    name: str
    policy: Policy | None
    is_versioned: bool
    is_closed: bool
    """All four settings of its public access block are on."""
    algorithm: str
    """Of its default encryption: `aws:kms`, `AES256`, or empty."""
    key: str
    expire_after_days: int | None
    noncurrent_days: int | None
    transitions: tuple[tuple[str, int], ...]
    moves_small_files: bool
    lock_mode: str
    lock_days: int
    logs_to: str
    keeps_table: bool
    """An Iceberg table lies in it, which deletes its own files once no snapshot has them."""


@dataclass(frozen=True)
class Key(Part):
    """A KMS key."""

    alias: str
    policy: Policy
    rotates: bool


@dataclass(frozen=True)
class Trail(Part):
    """A trail, with its selectors as Terraform has them."""

    name: str
    bucket: str
    prefix: str
    key: str
    is_of_organization: bool
    is_multi_region: bool
    has_global_events: bool
    validates: bool
    is_logging: bool
    log_group: str
    waits_for_policy: bool
    """Whether Terraform makes it after the policy of its bucket."""
    selectors: tuple[Any, ...]
    advanced_selectors: tuple[Any, ...]
    insights: tuple[str, ...]

    @property
    def arn(self) -> str:
        """The ARN that AWS will give it."""
        place = f"{self.region}:{self.account}"
        return f"arn:{partition(self.region)}:cloudtrail:{place}:trail/{self.name}"


@dataclass(frozen=True)
class Role(Part):
    """A role with its trust and its own policies."""

    arn: str
    trust: Policy
    policies: tuple[Policy, ...]
    boundary: str
    """What its permissions boundary is called, empty where it has none."""


@dataclass(frozen=True)
class Control(Part):
    """A service or resource control policy."""

    kind: str
    """`SCP` or `RCP`."""
    policy: Policy
    size: int
    targets: tuple[str, ...]


@dataclass(frozen=True)
class Table(Part):
    """A table of the catalog."""

    database: str
    name: str
    partitions: tuple[str, ...]
    template: str
    accounts: tuple[str, ...]
    """The accounts that it projects, as far as the stack names them."""
    completes_accounts: bool
    """Whether AWS adds those that the stack does not name."""
    regions: tuple[str, ...] | None
    """The regions that it projects; None where AWS completes them."""


@dataclass(frozen=True)
class Tagged:
    """The tags that one resource names, or a provider for all of its resources."""

    address: str
    tags: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Stranger(Part):
    """Something that a resource names in another partition than the stack's own."""

    what: str
    """What it is, in words."""


@dataclass(frozen=True)
class Named(Part):
    """A workgroup or a log group."""

    name: str
    encrypted: bool = False
    enforced: bool = False


@dataclass(frozen=True)
class Refused(Part):
    """What its region is known not to have."""

    setting: str
    """The setting that asks for it."""
    reason: str


@dataclass(frozen=True)
class Run(Part):
    """What runs by itself with a role: a CodeBuild project, or a schedule."""

    kind: str
    """Terraform's name of it: `aws_codebuild_project` or `aws_scheduler_schedule`."""
    name: str


@dataclass(frozen=True, order=True)
class Watch:
    """A service that looks for threats in the organization: its name in IAM, and where it is."""

    service: str
    account: str
    region: str


@dataclass(frozen=True)
class Alarms:
    """What alarms look for in the trail's log group, and whether anybody hears them."""

    patterns: tuple[str, ...]
    by_account: bool
    are_heard: bool


@dataclass(frozen=True)
class Estate:
    """Everything of one environment that the proof is about."""

    name: str
    providers: tuple[Provider, ...]
    trails: tuple[Trail, ...]
    buckets: tuple[Bucket, ...]
    keys: tuple[Key, ...]
    roles: tuple[Role, ...]
    controls: tuple[Control, ...]
    tables: tuple[Table, ...]
    workgroups: tuple[Named, ...]
    log_groups: tuple[Named, ...]
    runs: tuple[Run, ...]
    attached: tuple[Attached, ...]
    alarms: Alarms
    detectors: bool
    watches: tuple[Watch, ...]
    session_role: str
    """The role that deploys to the logging account, where the settings say it and no provider."""
    delegated: str
    """The account that administers CloudTrail for the organization, if any."""
    organization: str
    trusts_cloudtrail: bool
    """Whether the stack turns trusted access on, or stops where it is off."""
    owners_of_access: tuple[str, ...]
    """The resources that set the organization's trusted services."""
    refused: tuple[Refused, ...]
    tagged: tuple[Tagged, ...]
    """Whatever names tags; what names the same ones as another is not told again."""

    units: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By account: the root and the units that it lies in, as far as somebody says."""
    strangers: tuple[Stranger, ...] = ()
    """What the stack names in other partitions."""

    @cached_property
    def trail(self) -> Trail | None:
        """The organization trail, or the only trail there is."""
        of_organization = [each for each in self.trails if each.is_of_organization]
        return next(iter((*of_organization, *self.trails)), None)

    @cached_property
    def archive(self) -> Bucket | None:
        """The bucket that the trail writes to."""
        trail = self.trail
        return next((each for each in self.buckets if trail and each.name == trail.bucket), None)

    @cached_property
    def key(self) -> Key | None:
        """The key that the trail's log files are encrypted with."""
        named = self.trail.key if self.trail else ""
        return next((each for each in self.keys if named and each.address == named), None)

    @property
    def refers_to_trail(self) -> bool:
        """Tell whether a table reads log files from a bucket that another stack makes."""
        made = {each.name for each in self.buckets}
        read = (each.template.partition("://")[2] for each in self.tables)
        return any("/AWSLogs/" in each and each.partition("/")[0] not in made for each in read)

    @property
    def management(self) -> str:
        """The id of the management account: the one that has the trail."""
        return self.trail.account if self.trail else ""

    @property
    def logging(self) -> str:
        """The id of the logging account: the one that has the archive."""
        return self.archive.account if self.archive else ""

    @property
    def is_known(self) -> bool:
        """Tell whether the accounts and the organization are known, so that access can be."""
        return bool(self.organization and self.management and self.logging)

    @cached_property
    def members(self) -> tuple[str, ...]:
        """The accounts beside the management and the logging one, as far as the table has them.

        Those that fewest service control policies bind come first: who asks about a member at its
        worst takes the first.
        """
        known = dict.fromkeys(each for table in self.tables for each in table.accounts)
        others = (each for each in known if each not in (self.management, self.logging))
        policies = [each for each in self.controls if each.kind == "SCP"]
        order = [False, None, True]
        return tuple(
            sorted(others, key=lambda one: sum(order.index(self.binds(p, one)) for p in policies))
        )

    def binds(self, control: Control, account: str) -> bool | None:
        """Tell whether a control is attached to an account or above it; None where nobody knows."""
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
        """The partition of AWS that all of it is in."""
        regions = (each.region for each in (self.trail, *self.providers) if each)
        return partition(next(regions, ""))

    @property
    def logs_prefix(self) -> str:
        """The key prefix of everything that CloudTrail writes."""
        prefix = self.trail.prefix if self.trail else ""
        return f"{prefix}/AWSLogs/" if prefix else "AWSLogs/"

    def policy_address(self, bucket: Bucket) -> str:
        """Return the address of a bucket's policy, or of the bucket where it has none."""
        # With its quote: another bucket's name may begin with this one's.
        arn = f'arn:{self.partition}:s3:::{bucket.name}"'
        policies = (each for each in self.attached if each.setting == "bucket")
        return next((each.address for each in policies if arn in each.document), bucket.address)

    def deploy_role(self, account: str) -> str:
        """Return the role that Terraform assumes in an account, empty where it assumes none."""
        roles = (each.role for each in self.providers if each.account == account)
        return next((role for role in roles if role), "")
