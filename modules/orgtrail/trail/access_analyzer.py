"""IAM Access Analyzer with the organization as its zone of trust."""

from __future__ import annotations

from orgtrail import naming
from orgtrail.settings.detection import AccessAnalyzerSettings
from orgtrail.trail.detection import places
from orgtrail.trail.part import Before, Part


def access_analyzer(part: Part, settings: AccessAnalyzerSettings, after: Before) -> None:
    """Register the administrator once, then add an analyzer in each region.

    The analyzers report resources shared outside the organization.

    Args:
        part: the part to add to.
        settings: the analyzer's settings.
        after: resources that must exist before: the check of the organization.

    """
    env = part.environment
    home, *_ = found = places(part, settings)
    delegation = home.management.add(
        "aws_organizations_delegated_administrator",
        "delegation",
        account_id=env.accounts[settings.administrator].id,
        service_principal=naming.ACCESS_ANALYZER,
        depends_on=after,
    )
    for place in found:
        place.administrator.add(
            "aws_accessanalyzer_analyzer",
            "external",
            analyzer_name="organization-external-access",
            type="ORGANIZATION",
            depends_on=[delegation],
        )
    if settings.unused_access_days:
        home.administrator.add(
            "aws_accessanalyzer_analyzer",
            "unused",
            analyzer_name="organization-unused-access",
            type="ORGANIZATION_UNUSED_ACCESS",
            configuration={"unused_access": {"unused_access_age": settings.unused_access_days}},
            depends_on=[delegation],
        )
