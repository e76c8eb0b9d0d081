"""The rules of `orgtrail check`: mistakes that other tools made, and limits of AWS."""

from orgtrail.proof.rules import (
    archive,
    catalog,
    limits,
    partitions,
    policies,
    regions,
    tags,
    trail,
)

__all__ = [
    "archive",
    "catalog",
    "limits",
    "partitions",
    "policies",
    "regions",
    "tags",
    "trail",
]
