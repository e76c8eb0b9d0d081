"""Settings recovered from a stack, so that the rules of environment files hold for it too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from orgtrail.errors import dotted
from orgtrail.proof.estate import Bucket, Estate, Trail
from orgtrail.settings import rules
from orgtrail.settings.archive import ArchiveSettings
from orgtrail.settings.catalog import CatalogSettings
from orgtrail.settings.environment import Account, Environment, Organization
from orgtrail.settings.trail import AdvancedEventSelector, EventSelector, TrailSettings

_OPERATORS = (
    "equals", "not_equals", "starts_with", "not_starts_with", "ends_with", "not_ends_with",
)  # fmt: skip


def trail_settings(trail: Trail) -> TrailSettings | None:
    """Return a trail's settings, or None where they are not in the shape of any."""
    try:
        return TrailSettings.model_validate(
            {
                "key_prefix": trail.prefix,
                "multi_region": trail.is_multi_region,
                "global_events": trail.has_global_events,
                "log_file_validation": trail.validates,
                "enabled": trail.is_logging,
                "event_selectors": tuple(map(_basic, trail.selectors)),
                "advanced_event_selectors": tuple(map(_advanced, trail.advanced_selectors)),
                "insights": trail.insights,
            }
        )
    except (ValidationError, KeyError, TypeError):
        return None


def archive_settings(bucket: Bucket) -> ArchiveSettings | None:
    """Return a bucket's settings, or None where they are not in the shape of any."""
    moves = dict(bucket.transitions)
    lock = {"mode": bucket.lock_mode, "days": bucket.lock_days} if bucket.lock_mode else None
    try:
        return ArchiveSettings.model_validate(
            {
                "bucket": bucket.name,
                "glacier_after_days": moves.get("GLACIER"),
                "deep_archive_after_days": moves.get("DEEP_ARCHIVE"),
                "expire_after_days": bucket.expire_after_days,
                "noncurrent_expire_after_days": bucket.noncurrent_days or 1,
                "object_lock": lock,
            }
        )
    except ValidationError:
        return None


def faults(estate: Estate) -> Iterator[tuple[str, str, str]]:
    """Yield the settings that break a rule: setting, address and message."""
    known: dict[str, Any] = {"recording": None, "guardduty": None, "catalog": CatalogSettings()}
    addresses = {}
    if trail := estate.trail:
        addresses["trail"] = trail.address
        known["trail"] = trail_settings(trail)
        known["home_region"] = trail.region
        known["accounts"] = {
            "management": Account.model_construct(id=estate.management),
            "logging": Account.model_construct(id=estate.logging),
        }
        known["organization"] = Organization.model_construct(id=estate.organization)
    if bucket := estate.archive:
        addresses["archive"] = bucket.address
        known["archive"] = archive_settings(bucket)
    for name in ("trail", "archive"):
        if name in known and known[name] is None:
            del known[name]
            yield name, addresses[name], "has settings that AWS does not know, or none at all."
    shape = Environment.model_construct(_fields_set=set(known), **known)
    for fault in rules.broken_rules(shape, set(known)):
        section = str(fault.setting[0])
        if section in addresses:
            yield dotted(fault.setting), addresses[section], str(fault)


def _basic(given: dict[str, Any]) -> EventSelector:
    resources = [
        {"type": each["type"], "values": tuple(each["values"])}
        for each in given.get("data_resource") or ()
    ]
    return EventSelector.model_validate(
        {
            "read_write_type": given.get("read_write_type") or "All",
            "include_management_events": given.get("include_management_events") is not False,
            "exclude_management_event_sources": tuple(
                given.get("exclude_management_event_sources") or ()
            ),
            "data_resources": tuple(resources),
        }
    )


def _advanced(given: dict[str, Any]) -> AdvancedEventSelector:
    fields = given["field_selector"]
    conditions = [
        {
            "field": each["field"],
            **{name: tuple(each[name]) for name in _OPERATORS if each.get(name)},
        }
        for each in ([fields] if isinstance(fields, dict) else fields)
    ]
    return AdvancedEventSelector.model_validate(
        {"name": given.get("name") or None, "fields": tuple(conditions)}
    )
