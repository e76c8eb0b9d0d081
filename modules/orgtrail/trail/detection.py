"""What the detecting services have in common: an administrator, and a part in each region."""

from __future__ import annotations

from dataclasses import dataclass

from orgtrail.settings.detection import (
    AccessAnalyzerSettings,
    GuardDutySettings,
    SecurityHubSettings,
)
from orgtrail.trail.part import Part


@dataclass(frozen=True, slots=True)
class Place:
    """One region of a detecting service, with the two parts that resources are in."""

    region: str
    management: Part
    administrator: Part


def places(
    part: Part, section: GuardDutySettings | SecurityHubSettings | AccessAnalyzerSettings
) -> list[Place]:
    """Return a place for each region of a service, the home region first."""
    env = part.environment
    found = []
    for region in env.regions_of(section):
        within = part.inside(region.replace("-", "_"))
        elsewhere = None if region == env.home_region else region
        found.append(
            Place(
                region,
                within.inside("management", "management", elsewhere),
                within.inside("administrator", section.administrator, elsewhere),
            )
        )
    return found
