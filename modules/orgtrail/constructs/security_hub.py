"""Security Hub for the organization, configured centrally from the home region."""

from __future__ import annotations

from orgtrail import layout
from orgtrail.constructs import bindings as aws
from orgtrail.constructs.detection import Place, Providers, places
from orgtrail.settings.detection import SecurityHub as Settings
from orgtrail.settings.environment import Environment

_STANDARDS = {
    "aws-foundational-security-best-practices": "aws-foundational-security-best-practices/v/1.0.0",
    "cis-3.0.0": "cis-aws-foundations-benchmark/v/3.0.0",
    "cis-5.0.0": "cis-aws-foundations-benchmark/v/5.0.0",
    "nist-800-53": "nist-800-53/v/5.0.0",
    "nist-800-171": "nist-800-171/v/2.0.0",
    "pci-dss": "pci-dss/v/4.0.1",
}


class SecurityHub(aws.Part):
    """One policy for all accounts, those that stand and those to come, in all regions.

    https://docs.aws.amazon.com/securityhub/latest/userguide/central-configuration-intro.html

    Args:
        scope: the construct that it is part of.
        id: its name there.
        environment: the settings of the whole.
        settings: Security Hub's own.
        providers: providers of both accounts, by name, in the home region.
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
        after: aws.Dependables,
    ) -> None:
        """Delegate in each region, then configure from the home region."""
        super().__init__(scope, id)
        self._environment, self._settings = environment, settings
        home, *linked = places(self, environment, settings, providers)
        account = home.administrator.add(
            aws.SecurityhubAccount,
            "account",
            enable_default_standards=False,
            control_finding_generator="SECURITY_CONTROL",
            depends_on=after,
        )
        delegations = [self._delegate(home, [account])]
        for place in linked:
            delegations.append(self._delegate(place, [delegations[-1]]))
        self._configure(home, [place.region for place in linked], delegations)

    def _delegate(self, place: Place, after: aws.Dependables) -> aws.Dependable:
        return place.management.add(
            aws.SecurityhubOrganizationAdminAccount,
            "delegation",
            admin_account_id=self._environment.accounts[self._settings.administrator].id,
            depends_on=after,
        )

    def _configure(self, home: Place, linked: list[str], after: aws.Dependables) -> None:
        env, settings, part = self._environment, self._settings, home.administrator
        aggregator = part.add(
            aws.SecurityhubFindingAggregator,
            "aggregator",
            linking_mode="SPECIFIED_REGIONS" if linked else "NO_REGIONS",
            specified_regions=sorted(linked) or None,
            depends_on=after,
        )
        central = part.add(
            aws.SecurityhubOrganizationConfiguration,
            "central",
            # What central configuration asks for: policies say what is on.
            auto_enable=False,
            auto_enable_standards="NONE",
            organization_configuration={"configuration_type": "CENTRAL"},
            depends_on=[aggregator],
        )
        policy = part.add(
            aws.SecurityhubConfigurationPolicy,
            "policy",
            name="organization",
            description="Standards of every account",
            configuration_policy={
                "service_enabled": True,
                "enabled_standard_arns": [
                    layout.arn(
                        env, "securityhub", "", f"standards/{_STANDARDS[name]}", env.home_region
                    )
                    for name in settings.standards
                ],
                "security_controls_configuration": {"disabled_control_identifiers": []},
            },
            depends_on=[central],
        )
        part.add(
            aws.SecurityhubConfigurationPolicyAssociation,
            "association",
            policy_id=aws.attribute(policy, "id"),
            target_id=env.organization.root_id,
        )
