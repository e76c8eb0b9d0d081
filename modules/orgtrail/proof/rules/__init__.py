"""The rules of `orgtrail check`: mistakes that other tools made, and limits of AWS."""

from orgtrail.proof.rules import (
    archive,
    catalog,
    exemptions,
    limits,
    partitions,
    policies,
    regions,
    roles,
    tags,
    trail,
)

__all__ = [
    "archive",
    "catalog",
    "exemptions",
    "limits",
    "partitions",
    "policies",
    "regions",
    "roles",
    "tags",
    "trail",
]
