"""Settings of the services that read the same events for threats: GuardDuty and its neighbours."""

from __future__ import annotations

from typing import Literal

from orgtrail.settings.types import BucketName, Days, Many, Name, Region, Section, setting

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


class FindingsExport(Section):
    """The bucket in the logging account that GuardDuty exports findings to."""

    bucket: BucketName | None = setting(
        "The bucket's name; by default the archive's name and `-guardduty`.", None
    )
    expire_after_days: Days = setting("Days to keep findings.", 400)


class GuardDuty(Section):
    """GuardDuty for the organization, in each region; null makes none."""

    administrator: Name = setting(_ADMINISTRATOR, "logging")
    regions: Many[Region] | None = setting(_REGIONS, None, min_length=1)
    members: Literal["ALL", "NEW", "NONE"] = setting(
        "Accounts that are enrolled by themselves: all, new ones or none.", "ALL"
    )
    features: Many[GuardDutyFeature] = setting(
        "Protection plans that are on; the others are off. Each has a price of its own.",
        ("S3_DATA_EVENTS",),
    )
    runtime_agents: Many[RuntimeAgent] = setting(
        "Agents that GuardDuty keeps itself, for RUNTIME_MONITORING.", ()
    )
    finding_frequency: Literal["FIFTEEN_MINUTES", "ONE_HOUR", "SIX_HOURS"] = setting(
        "How soon a finding that recurs is told again.", "FIFTEEN_MINUTES"
    )
    export: FindingsExport | None = setting(
        "Export of findings; null keeps none.", FindingsExport()
    )


class SecurityHub(Section):
    """Security Hub with central configuration for the organization; null makes none."""

    administrator: Name = setting(_ADMINISTRATOR, "logging")
    regions: Many[Region] | None = setting(_REGIONS, None, min_length=1)
    standards: Many[Standard] = setting(
        "Standards that every account is held against.",
        ("aws-foundational-security-best-practices", "cis-5.0.0"),
    )


class AccessAnalyzer(Section):
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
