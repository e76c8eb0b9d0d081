"""Rules that tie one setting to another. Each yields the setting to change."""

# Each module registers its rules when it is imported, in the order of the reference.
from orgtrail.settings.rules import (
    adoption,
    core,
    detection,
    notices,
    partitions,
    reading,
    recording,
    sharing,
    tags,
    units,
)
from orgtrail.settings.rules.register import broken, documented

__all__ = [
    "adoption",
    "broken",
    "core",
    "detection",
    "documented",
    "notices",
    "partitions",
    "reading",
    "recording",
    "sharing",
    "tags",
    "units",
]
