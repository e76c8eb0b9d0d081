"""The checks of the doctor, one module for each concern; importing it registers all of them."""

from orgtrail.doctor.checks import (
    alarms,
    archive,
    buckets,
    catalog,
    daily,
    delivery,
    detection,
    feed,
    guardrails,
    keys,
    notices,
    organization,
    roles,
    trail,
)

__all__ = [
    "alarms", "archive", "buckets", "catalog", "daily", "delivery", "detection", "feed",
    "guardrails", "keys", "notices", "organization", "roles", "trail",
]  # fmt: skip
