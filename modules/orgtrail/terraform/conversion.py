"""Numbers and flags that a configuration writes as text, which Terraform converts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from orgtrail.trail.resource import Resource

_NUMBERS = {
    "days", "deletion_window_in_days", "noncurrent_days", "retention_in_days",
    "rotation_period_in_days", "years",
}  # fmt: skip
_FLAGS = {
    "actions_enabled", "block_public_acls", "block_public_policy", "enable", "enable_key_rotation",
    "enable_log_file_validation", "enable_logging", "force_destroy", "ignore_public_acls",
    "include_global_service_events", "include_management_events", "is_enabled",
    "is_multi_region_trail", "is_organization_trail", "restrict_public_buckets",
}  # fmt: skip
_TRUTH = {"true": True, "false": False}


def typed(resource: Resource) -> Resource:
    """Return a resource whose numbers and flags are such, without those that are computed.

    `"days": "400"` is a number to Terraform; `"days": "${var.days}"` is one that a plan knows.
    """
    computed: list[str] = []
    values = _typed(resource.values, computed)
    return replace(resource, values=values, computed=tuple(dict.fromkeys(computed)))


def _typed(given: Any, computed: list[str]) -> Any:
    if isinstance(given, list):
        return [_typed(each, computed) for each in given]
    if not isinstance(given, dict):
        return given
    found = {}
    for name, each in given.items():
        if isinstance(each, str) and name in _NUMBERS | _FLAGS:
            if "${" in each:
                computed.append(name)
                continue
            number = int(each) if name in _NUMBERS and each.isdecimal() else each
            found[name] = _TRUTH.get(each, number) if name in _FLAGS else number
        else:
            found[name] = _typed(each, computed)
    return found
