"""Security Hub for the organization, configured centrally from the home region."""

from __future__ import annotations

from orgtrail import naming
from orgtrail.settings.detection import SecurityHubSettings
from orgtrail.trail.detection import Place, places
from orgtrail.trail.part import Before, Part
from orgtrail.trail.resource import Resource

_STANDARDS = {
    "aws-foundational-security-best-practices": "aws-foundational-security-best-practices/v/1.0.0",
    "cis-3.0.0": "cis-aws-foundations-benchmark/v/3.0.0",
    "cis-5.0.0": "cis-aws-foundations-benchmark/v/5.0.0",
    "nist-800-53": "nist-800-53/v/5.0.0",
    "nist-800-171": "nist-800-171/v/2.0.0",
    "pci-dss": "pci-dss/v/4.0.1",
}


def security_hub(part: Part, settings: SecurityHubSettings, after: Before) -> None:
    """Delegate in each region, then configure from the home region.

    One policy applies to all existing and future accounts, in all regions.
    https://docs.aws.amazon.com/securityhub/latest/userguide/central-configuration-intro.html

    Args:
        part: the part to add to.
        settings: Security Hub's settings.
        after: resources that must exist before: the check of the organization.

    """
    home, *linked = places(part, settings)
    account = home.administrator.add(
        "aws_securityhub_account",
        "account",
        enable_default_standards=False,
        control_finding_generator="SECURITY_CONTROL",
        depends_on=after,
    )
    delegations = [_delegate(home, settings, account)]
    for place in linked:
        delegations.append(_delegate(place, settings, delegations[-1]))
    _configure(home.administrator, settings, [each.region for each in linked], delegations)


def _delegate(place: Place, settings: SecurityHubSettings, after: Resource) -> Resource:
    return place.management.add(
        "aws_securityhub_organization_admin_account",
        "delegation",
        admin_account_id=place.management.environment.accounts[settings.administrator].id,
        depends_on=[after],
    )


def _configure(part: Part, settings: SecurityHubSettings, linked: list[str], after: Before) -> None:
    env = part.environment
    aggregator = part.add(
        "aws_securityhub_finding_aggregator",
        "aggregator",
        linking_mode="SPECIFIED_REGIONS" if linked else "NO_REGIONS",
        specified_regions=sorted(linked) or None,
        depends_on=after,
    )
    central = part.add(
        "aws_securityhub_organization_configuration",
        "central",
        # Central configuration requires these values: policies decide what is on.
        auto_enable=False,
        auto_enable_standards="NONE",
        organization_configuration={"configuration_type": "CENTRAL"},
        depends_on=[aggregator],
    )
    policy = part.add(
        "aws_securityhub_configuration_policy",
        "policy",
        name="organization",
        description="Standards of every account",
        configuration_policy={
            "service_enabled": True,
            "enabled_standard_arns": [
                naming.arn(env, "securityhub", "", f"standards/{_STANDARDS[name]}", env.home_region)
                for name in settings.standards
            ],
            "security_controls_configuration": {"disabled_control_identifiers": []},
        },
        depends_on=[central],
    )
    part.add(
        "aws_securityhub_configuration_policy_association",
        "association",
        policy_id=policy.attribute("id"),
        target_id=env.organization.root_id,
    )
