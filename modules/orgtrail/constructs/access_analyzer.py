"""IAM Access Analyzer with the organization as its zone of trust."""

from __future__ import annotations

from orgtrail import layout
from orgtrail.constructs import bindings as aws
from orgtrail.constructs.detection import Providers, places
from orgtrail.settings.detection import AccessAnalyzer as Settings
from orgtrail.settings.environment import Environment


class AccessAnalyzer(aws.Part):
    """An analyzer in each region, of what is shared with anyone outside the organization.

    Args:
        scope: the construct that it is part of.
        id: its name there.
        environment: the settings of the whole.
        settings: the analyzer's own.
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
        """Register the administrator once, then make the analyzers."""
        super().__init__(scope, id)
        home, *_ = found = places(self, environment, settings, providers)
        delegation = home.management.add(
            aws.OrganizationsDelegatedAdministrator,
            "delegation",
            account_id=environment.accounts[settings.administrator].id,
            service_principal=layout.ACCESS_ANALYZER,
            depends_on=after,
        )
        for place in found:
            place.administrator.add(
                aws.AccessanalyzerAnalyzer,
                "external",
                analyzer_name="organization-external-access",
                type="ORGANIZATION",
                depends_on=[delegation],
            )
        if settings.unused_access_days:
            home.administrator.add(
                aws.AccessanalyzerAnalyzer,
                "unused",
                analyzer_name="organization-unused-access",
                type="ORGANIZATION_UNUSED_ACCESS",
                configuration={"unused_access": {"unused_access_age": settings.unused_access_days}},
                depends_on=[delegation],
            )
