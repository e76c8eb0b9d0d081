"""Settings of alarms, the daily verification, GuardDuty, Security Hub and Access Analyzer."""

from __future__ import annotations

from typing import Annotated, Literal

from annotated_types import MaxLen

from orgtrail.alarms import ALARMS, BY_NAME, Alarm
from orgtrail.settings.trail import LogRetention
from orgtrail.settings.types import (
    BucketName,
    Days,
    LogGroupName,
    Many,
    Name,
    Region,
    RoleName,
    Section,
    TextRule,
    TopicName,
    matches,
    setting,
)

AlarmName = Annotated[
    str, TextRule(f"must be an alarm of docs/alarms.md: {', '.join(BY_NAME)}", BY_NAME.__contains__)
]
Email = Annotated[
    str, matches(r"[\w.!#$&'*+/=?^`{|}~-]+@[\w-]+(\.[\w-]+)+", "must be an e-mail address")
]
Url = Annotated[
    str, matches(r"https://[!-.0-~]+[!-~]*", "must be an address that begins with https://")
]
ChatId = Annotated[str, matches(r"[\w.:@%-]{1,255}", "must be an id as the chat client shows it")]
GuardDutyFeature = Literal[
    "S3_DATA_EVENTS", "EKS_AUDIT_LOGS", "EBS_MALWARE_PROTECTION", "RDS_LOGIN_EVENTS",
    "LAMBDA_NETWORK_LOGS", "RUNTIME_MONITORING",
]  # fmt: skip
RuntimeAgent = Literal[
    "EKS_ADDON_MANAGEMENT", "ECS_FARGATE_AGENT_MANAGEMENT", "EC2_AGENT_MANAGEMENT"
]
Standard = Literal[
    "aws-foundational-security-best-practices", "cis-3.0.0", "cis-5.0.0", "nist-800-53",
    "nist-800-171", "pci-dss",
]  # fmt: skip
_ADMINISTRATOR = "Delegated administrator, by its name in accounts."
_REGIONS = "Regions; null means the home region alone."
ProjectName = Annotated[
    str, matches(r"[A-Za-z0-9][A-Za-z0-9_-]{1,63}", "must be 2 to 64 letters, digits, - or _")
]
_PART = r"[\w@:/.,=<>~!+-]*"
"""A part of a requirement of pip that has no extras."""
Requirement = Annotated[
    str,
    MaxLen(300),
    matches(
        rf"{_PART}\[(?:[\w-]+,)*(?:verify|report|all)(?:,[\w-]+)*\]{_PART}",
        "must be what pip installs, with the extra verify and without spaces: "
        "orgtrail[verify]==0.1.0, or orgtrail[verify]@https://...",
    ),
]
Image = Annotated[str, matches(r"[\w./:@-]{1,300}", "must be the name of an image")]


class Slack(Section):
    """A Slack channel, after its workspace was authorized once in the AWS console."""

    team_id: ChatId = setting("The workspace's id, such as T07EA123LEP.")
    channel_id: ChatId = setting("The channel's id, such as C07EZ1ABC23.")


class Teams(Section):
    """A Microsoft Teams channel, after its team was authorized once in the AWS console."""

    tenant_id: ChatId = setting("The tenant's id.")
    team_id: ChatId = setting("The team's id.")
    channel_id: ChatId = setting("The channel's id.")


class Subscribers(Section):
    """Who is notified. E-mail and HTTPS subscribers confirm once, by a link that they are sent."""

    email: Many[Email] = setting("E-mail addresses.", ())
    https: Many[Url] = setting("Web hooks of an on-call service.", ())
    slack: dict[Name, Slack] = setting("Slack channels by a name of your own.", {})
    teams: dict[Name, Teams] = setting("Microsoft Teams channels by a name of your own.", {})


class Tuning(Section):
    """How soon one alarm rings."""

    threshold: int | None = setting(
        "Events in one period that make it ring; null means the catalogue's number.",
        None,
        ge=1,
        le=1_000_000,
    )
    period_minutes: int = setting("Minutes of one period.", 5, ge=1, le=60)


class AlarmSettings(Section):
    """Alarms over the events of all accounts, in the management account; null makes none.

    They need delivery to CloudWatch Logs. docs/alarms.md lists them all.
    """

    names: Many[AlarmName] | None = setting(
        "Which alarms; null means all of them, an empty list none.", None
    )
    patterns: Literal["security-hub", "cis"] = setting(
        "Wording of the CIS patterns: Security Hub accepts its own text only; "
        "`cis` is that of CIS v3 and v5 where it differs. Its `console-login-without-mfa` rings at "
        "every sign-in through IAM Identity Center, whose MFA the event does not show.",
        "security-hub",
    )
    by_account: bool = setting(
        "An alarm that evaluates each account separately and names the one it is about.", True
    )
    totals: bool = setting(
        "A plain alarm over all accounts together too. Security Hub (CloudWatch.1 to .14) and "
        "other scanners look for it and see no other. Where both are on, both ring.",
        True,
    )
    silence_minutes: int = setting(
        "Minutes without any event until `delivery-silence` rings.", 30, ge=10, le=1440
    )
    tuning: dict[AlarmName, Tuning] = setting("Threshold and period by alarm.", {})
    namespace: Annotated[
        str,
        matches(r"[\w.#:-]{1,200}", "must be a metric namespace, not AWS/ and no slash", r"^AWS/"),
    ] = setting("Namespace of the metrics; those by account are below it.", "OrganizationTrail")
    topic: TopicName = setting("Name of the SNS topic.", "organization-trail-alarms")
    subscribers: Subscribers = setting("Who is notified.", Subscribers())
    chat_role_name: RoleName = setting(
        "Role of the chat service; it may read alarms and nothing else.",
        "organization-trail-alarms-chat",
    )

    @property
    def chosen(self) -> tuple[Alarm, ...]:
        """The chosen alarms of the catalogue."""
        return tuple(a for a in ALARMS if self.names is None or a.name in self.names)


class Verification(Section):
    """A daily `orgtrail verify` in the logging account; its findings go to the alarms' topic.

    CodeBuild runs it, from an image of AWS; null makes none.
    """

    hour: int = setting("Hour (UTC); runs at half past.", 4, ge=0, le=23)
    hours: int = setting(
        "Hours that each run verifies, back from its start. The last two are not due yet, so that "
        "26 and more leave no hour out.",
        28,
        ge=26,
        le=24 * 31,
    )
    package: Requirement = setting(
        "What pip installs: a release by its version, or your own copy by its address. It runs "
        "with a role that reads every log file, so no name is taken for granted."
    )
    image: Image = setting(
        "Image that it runs in, with Python 3.11 or newer and the AWS CLI.",
        "aws/codebuild/amazonlinux-x86_64-standard:5.0",
    )
    timeout_minutes: int = setting("Minutes until it is stopped.", 120, ge=5, le=2160)
    project: ProjectName = setting(
        "Name of the CodeBuild project and of its schedule.", "organization-trail-verification"
    )
    role_name: RoleName = setting(
        "Role that it reads the archive with.", "organization-trail-verification"
    )
    schedule_role_name: RoleName = setting(
        "Role that the schedule starts it with.", "organization-trail-verification-start"
    )
    log_group: LogGroupName = setting(
        "Log group of its reports.", "/orgtrail/organization-trail-verification"
    )
    log_days: LogRetention = setting("Days to keep them.", 400)


class FindingsExport(Section):
    """The bucket in the logging account that GuardDuty exports findings to."""

    bucket: BucketName | None = setting(
        "The bucket's name; by default the archive's name and `-guardduty`.", None
    )
    expire_after_days: Days = setting("Days to keep findings.", 400)


class GuardDutySettings(Section):
    """GuardDuty for the organization, in each region; null makes none."""

    administrator: Name = setting(_ADMINISTRATOR, "logging")
    regions: Many[Region] | None = setting(_REGIONS, None, min_length=1)
    members: Literal["ALL", "NEW", "NONE"] = setting(
        "Accounts that are enrolled automatically: all, new ones or none.", "ALL"
    )
    features: Many[GuardDutyFeature] = setting(
        "Protection plans that are on; the others are off. Each has a price of its own.",
        ("S3_DATA_EVENTS",),
    )
    runtime_agents: Many[RuntimeAgent] = setting(
        "Agents that GuardDuty keeps itself, for RUNTIME_MONITORING.", ()
    )
    finding_frequency: Literal["FIFTEEN_MINUTES", "ONE_HOUR", "SIX_HOURS"] = setting(
        "How soon a finding that recurs is published again.", "FIFTEEN_MINUTES"
    )
    export: FindingsExport | None = setting(
        "Export of findings; null keeps none.", FindingsExport()
    )


class SecurityHubSettings(Section):
    """Security Hub with central configuration for the organization; null makes none."""

    administrator: Name = setting(_ADMINISTRATOR, "logging")
    regions: Many[Region] | None = setting(_REGIONS, None, min_length=1)
    standards: Many[Standard] = setting(
        "Standards that every account is held against.",
        ("aws-foundational-security-best-practices", "cis-5.0.0"),
    )


class AccessAnalyzerSettings(Section):
    """IAM Access Analyzer with the organization as its zone of trust; null makes none."""

    administrator: Name = setting(_ADMINISTRATOR, "logging")
    regions: Many[Region] | None = setting(_REGIONS, None, min_length=1)
    unused_access_days: int | None = setting(
        "Also report access that was not used for so many days (a price for each role and "
        "user); in the home region, since IAM is global.",
        None,
        ge=1,
        le=365,
    )
