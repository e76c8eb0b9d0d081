"""A module's local values: what follows from its variables."""

from __future__ import annotations

from collections.abc import Sequence

from orgtrail.module.variables import HOME, PREFIX, Variable, is_account
from orgtrail.regions import PARTITIONS
from orgtrail.settings.environment import Environment
from orgtrail.trail.resource import Json

ACCOUNTS = "account_ids"


def local_values(env: Environment, chosen: Sequence[Variable]) -> Json:
    """Return the local values of a module, in Terraform's JSON.

    Args:
        env: the settings that the module is built from.
        chosen: its variables.

    """
    settings = {each.setting for each in chosen}
    ids = ", ".join(f"var.{each.name}" for each in chosen if is_account(each))
    made: Json = {ACCOUNTS: f"${{sort(distinct(concat([{ids}], var.member_account_ids)))}}"}
    if PREFIX in settings:
        made["key_prefix"] = '${var.key_prefix == "" ? "" : "${var.key_prefix}/"}'
    if HOME in settings:
        made |= _partitions()
    if env.policy_targets:
        made["policy_targets"] = (
            "${var.policy_targets == null ? [var.organization_root_id] : var.policy_targets}"
        )
    for each in chosen:
        if each.derived:
            ours = f'"${{var.archive_bucket}}{each.derived}"'
            made[each.name] = f"${{var.{each.name} == null ? {ours} : var.{each.name}}}"
    return made


def _partitions() -> Json:
    """Return local values for the name of the home region's partition, and its domain."""
    *others, commercial = PARTITIONS
    tables = (
        ("partition", "partitions", "name"),
        ("dns_suffix", "dns_suffixes", "suffix"),
    )
    found: Json = {
        table: {each.prefix: getattr(each, attribute) for each in others}
        for _, table, attribute in tables
    }
    for name, table, attribute in tables:
        found[name] = (
            f"${{coalesce(one([for start, each in local.{table} : each "
            f'if startswith(var.home_region, start)]), "{getattr(commercial, attribute)}")}}'
        )
    return found
