"""What the detecting services have in common: an administrator, and a part in each region."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from orgtrail.constructs import bindings as aws
from orgtrail.settings.detection import AccessAnalyzer, GuardDuty, SecurityHub
from orgtrail.settings.environment import Environment
from orgtrail.settings.faults import OrgtrailError

Providers = Mapping[str, aws.AwsProvider]
"""Providers by the account's name, each in the home region."""


@dataclass(frozen=True, slots=True)
class Place:
    """One region of a detecting service, with the two parts that resources stand in."""

    region: str
    management: aws.Part
    administrator: aws.Part


def places(
    scope: aws.Construct,
    environment: Environment,
    section: GuardDuty | SecurityHub | AccessAnalyzer,
    providers: Providers,
) -> list[Place]:
    """Lay out a part for each region and account of a service, the home region first.

    Raises:
        OrgtrailError: a provider is missing.

    """
    management = provider_of(providers, "management")
    administrator = provider_of(providers, section.administrator)
    laid_out = []
    for region in environment.regions_of(section):
        within = aws.Part(scope, region.replace("-", "_"))
        elsewhere = None if region == environment.home_region else region
        laid_out.append(
            Place(
                region,
                aws.Part(within, "management", provider=management, region=elsewhere),
                aws.Part(within, "administrator", provider=administrator, region=elsewhere),
            )
        )
    return laid_out


def provider_of(providers: Providers, account: str) -> aws.AwsProvider:
    """Return the provider of an account.

    Raises:
        OrgtrailError: the caller gave none.

    """
    if account not in providers:
        raise OrgtrailError(
            f'OrganizationTrail needs a provider of account "{account}"; '
            f'give it as further={{"{account}": provider}}'
        )
    return providers[account]
