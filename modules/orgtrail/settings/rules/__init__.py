"""Rules between sections of an environment file. Each fault names the setting to change."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from orgtrail.errors import Fault
from orgtrail.settings.rules import accounts, archive, regions, trail

if TYPE_CHECKING:
    from orgtrail.settings.environment import Environment

_DETECTION = ("guardduty", "security_hub", "access_analyzer")

RULES: tuple[tuple[Callable[[Environment], Iterator[Fault]], set[str]], ...] = (
    (archive.existing_key_fits, {"adopt", "home_region", "accounts", "key"}),
    (archive.referenced_trail_is_unchanged, {"adopt", "trail", "recording", "delivery"}),
    (archive.existing_delivery_is_enabled, {"adopt", "delivery"}),
    (archive.referenced_bucket_is_unchanged, {"adopt", "archive", "access", "siem"}),
    (archive.existing_parts_fit, {"adopt", "archive", "siem"}),
    (archive.buckets_avoid_control_tower, {"adopt", "archive", "catalog", "guardduty"}),
    (archive.existing_scp_fits_targets, {"adopt", "guardrails", "organization"}),
    (accounts.accounts_differ, {"accounts"}),
    (accounts.what_is_not_listed_is_in_the_file, {"organization", "catalog"}),
    (
        accounts.deployed_accounts_are_reachable,
        {"accounts", "retired", "backend", "guardduty", "security_hub", "access_analyzer"},
    ),
    (
        accounts.retired_accounts_are_members,
        {"accounts", "retired", "guardduty", "security_hub", "access_analyzer"},
    ),
    (accounts.account_has_one_access, {"accounts", "backend"}),
    (archive.lifecycle_respects_minimum_storage, {"archive"}),
    (archive.lock_fits_lifecycle, {"archive"}),
    (archive.locked_key_waits, {"archive", "key", "adopt"}),
    (archive.buckets_differ, {"archive", "catalog"}),
    (accounts.logging_role_is_exempt, {"accounts", "guardrails", "organization"}),
    (accounts.exempt_roles_are_members, {"accounts", "guardrails", "archive"}),
    (regions.log_group_key_is_in_home_region, {"home_region", "delivery", "accounts"}),
    (regions.catalog_has_home_region, {"home_region", "catalog"}),
    (regions.administrators_are_members, {*_DETECTION, "accounts"}),
    (regions.detection_covers_home_region, {*_DETECTION, "home_region"}),
    (regions.security_hub_home_is_default_region, {"security_hub", "home_region"}),
    (regions.agents_need_runtime_monitoring, {"guardduty"}),
    (archive.findings_bucket_differs, {"archive", "catalog", "guardduty"}),
    (regions.findings_reach_home_region, {"guardduty", "home_region"}),
    (
        accounts.administrator_roles_are_exempt,
        {*_DETECTION, "retired", "accounts", "guardrails", "organization"},
    ),
    (trail.topic_is_named_once, {"trail", "alarms"}),
    (archive.notifications_are_in_home_region, {"archive", "home_region"}),
    (archive.notifications_do_not_overlap, {"archive", "siem", "trail", "organization"}),
    (regions.arns_are_in_home_partition, {"home_region", *regions.SECTIONS_WITH_ARNS}),
    (regions.catalog_regions_are_in_home_partition, {"home_region", "catalog"}),
    (regions.home_region_has_catalog_services, {"home_region", "catalog"}),
    (regions.home_region_has_verification_services, {"home_region", "verification"}),
    (regions.home_region_has_scheduler, {"home_region", "catalog"}),
    (regions.home_region_has_chat, {"home_region", "alarms"}),
    (regions.regions_have_detection_services, {"home_region", *_DETECTION}),
    (trail.alarms_need_delivery, {"alarms", "delivery"}),
    (trail.verification_needs_alarms, {"verification", "alarms"}),
    (trail.alarms_and_tuning_fit, {"alarms"}),
    (accounts.auditors_prove_identity, {"access"}),
    (accounts.readers_are_known_accounts, {"access", "accounts"}),
    (accounts.auditor_and_siem_roles_differ, {"access", "siem"}),
    (trail.multi_region_needs_global_events, {"trail"}),
    (
        trail.selectors_are_within_limits,
        {"trail", "recording", "archive", "home_region", "catalog", "guardduty"},
    ),
    (trail.selector_fields_fit_category, {"trail"}),
    (
        trail.selectors_leave_out_own_deliveries,
        {
            "trail",
            "recording",
            "archive",
            "catalog",
            "home_region",
            "organization",
            "accounts",
            "guardduty",
        },
    ),
    (trail.recording_is_not_empty, {"recording"}),
    (trail.data_event_arns_fit_service, {"recording", "home_region"}),
    (trail.insights_have_events, {"recording", "trail"}),
    (trail.cloudtrail_administrator_is_member, {"trail", "accounts"}),
    (archive.writers_fit_bucket, {"archive", "accounts", "adopt"}),
    (archive.writers_need_managed_bucket, {"archive", "adopt"}),
    (archive.kept_statements_are_complete, {"archive"}),
    (accounts.tag_keys_differ, {"tags"}),
    (accounts.units_form_one_tree, {"accounts", "organization"}),
)
"""Each rule with the sections that it reads, in the order of the reference page.

A rule's docstring is its description on that page.
"""


def broken_rules(env: Environment, valid: set[str]) -> Iterator[Fault]:
    """Yield the faults of every rule whose sections are all valid."""
    for rule, sections in RULES:
        if sections <= valid:
            yield from rule(env)


def rule_descriptions() -> Iterator[str]:
    """Yield the description of each rule, in one sentence."""
    for rule, _ in RULES:
        yield " ".join((rule.__doc__ or "").split())
