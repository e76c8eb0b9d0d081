"""Rules between variables of a module, as environment files have them between settings."""

from __future__ import annotations

from collections.abc import Collection

Conditions = dict[str, tuple[tuple[str, str], ...]]
"""By variable: each condition in Terraform's language, and what to say where it fails."""

_MANAGEMENT = "management_account_id"
_RULES: tuple[tuple[str, tuple[str, ...], str, str], ...] = (
    ("logging_account_id", ("management_account_id",),
     "var.logging_account_id != var.management_account_id",
     "must not be management_account_id: logs must be out of the reach of that account's "
     "administrators"),
    ("exempt_roles", (),
     "length(var.exempt_roles) > 0",
     "must name the role that deploys to the logging account: the policy would lock it out"),
    ("exempt_roles", ("management_account_id",),
     'alltrue([for each in var.exempt_roles : try(split(":", each)[4], "") != '
     "var.management_account_id])",
     "must name roles of member accounts alone: no such policy binds the management account"),
    ("access_log_bucket", ("archive_bucket",),
     "var.access_log_bucket != var.archive_bucket",
     "must be another bucket: S3 would log its own log deliveries without end"),
    ("result_bucket", ("archive_bucket",),
     "var.result_bucket != var.archive_bucket",
     "must be a bucket of its own"),
    ("deep_archive_after_days", ("glacier_after_days",),
     "var.deep_archive_after_days >= var.glacier_after_days + 90",
     "must be at least glacier_after_days + 90"),
    ("expire_after_days", ("deep_archive_after_days",),
     "var.expire_after_days >= var.deep_archive_after_days + 180",
     "must be at least deep_archive_after_days + 180"),
    ("expire_after_days", ("glacier_after_days",),
     "var.expire_after_days >= var.glacier_after_days + 90",
     "must be at least glacier_after_days + 90"),
    ("object_lock_days", ("expire_after_days",),
     "var.object_lock_days <= var.expire_after_days",
     "must be at most expire_after_days"),
)  # fmt: skip


def between(names: Collection[str], deployed: Collection[str]) -> Conditions:
    """Return the conditions of every variable, where all that they name exist.

    Args:
        names: the variables.
        deployed: those of accounts that Terraform deploys to.

    """
    found = {
        name: tuple(
            (test, text)
            for subject, others, test, text in _RULES
            if subject == name and set(others) <= set(names)
        )
        for name in names
    }
    if "exempt_roles" in found:
        found["exempt_roles"] += tuple(_exempts(name) for name in deployed if name != _MANAGEMENT)
    return found


def _exempts(account: str) -> tuple[str, str]:
    accounts = '[for each in var.exempt_roles : try(split(":", each)[4], "")]'
    return (
        f"contains({accounts}, var.{account})",
        f"must include the role that deploys to {account}: the policy would lock it out",
    )
