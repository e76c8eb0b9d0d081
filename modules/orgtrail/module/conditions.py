"""Translates rules of settings to validation conditions in Terraform, with the same messages."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from annotated_types import Ge, Le, MaxLen, MinLen

from orgtrail.settings.types import TextRule

Conditions = dict[str, tuple[tuple[str, str], ...]]
"""By variable: conditions in Terraform's language, each with its error message."""

_CROSS_RULES: tuple[tuple[str, tuple[str, ...], str, str], ...] = (
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


def tests(value: str, rules: Iterable[object]) -> Iterator[tuple[str, str]]:
    """Yield a condition for each rule of a value, with its error message."""
    for each in rules:
        match each:
            case TextRule() if each.pattern:
                tests = [f"can(regex({_quoted(f'^({each.pattern})$')}, {value}))"]
                tests += [f"!can(regex({_quoted(never)}, {value}))" for never in each.never]
                yield " && ".join(tests), each.text
            case Ge():
                whole = f"floor({value}) == {value}"
                yield f"{value} >= {each.ge} && {whole}", f"must be at least {each.ge}"
            case Le():
                yield f"{value} <= {each.le}", f"must be at most {each.le}"
            case MinLen():
                yield _has(f"{{{each.min_length},}}", value), "must not be empty"
            case MaxLen():
                most = each.max_length
                yield _has(f"{{0,{most}}}", value), f"must be at most {most} characters long"
            case tuple():
                numbers = ", ".join(map(str, each))
                yield f"contains([{numbers}], {value})", f"must be one of {numbers}"


def of_each(value: str, rules: Iterable[object]) -> tuple[str, str]:
    """Return the condition that every item of a list meets the rules, with its error message."""
    found = list(tests("each", rules))
    together = " && ".join(test for test, _ in found)
    said = "; ".join(text for _, text in found)
    return f"alltrue([for each in {value} : {together}])", f"each {said}"


def _has(count: str, value: str) -> str:
    """Return the condition on the number of code points of a text.

    `length` would count grapheme clusters: a letter with its accents counts once.
    https://developer.hashicorp.com/terraform/language/functions/length
    """
    return f"can(regex({_quoted(f'^(?s:.{count})$')}, {value}))"


def _quoted(pattern: str) -> str:
    escaped = pattern.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + escaped.replace("${", "$${").replace("%{", "%%{") + '"'


def cross_conditions(names: Collection[str], deployed: Collection[str]) -> Conditions:
    """Return the conditions between variables, if all variables that they refer to exist.

    Args:
        names: the variables.
        deployed: the variables for ids of the member accounts that need an exempt role.

    """
    found = {
        name: tuple(
            (test, text)
            for subject, others, test, text in _CROSS_RULES
            if subject == name and set(others) <= set(names)
        )
        for name in names
    }
    if "exempt_roles" in found:
        found["exempt_roles"] += tuple(map(_exempts, deployed))
    return found


def _exempts(account: str) -> tuple[str, str]:
    accounts = '[for each in var.exempt_roles : try(split(":", each)[4], "")]'
    return (
        f'length(setintersection({accounts}, ["*", var.{account}])) > 0',
        f"must include the role that deploys to {account}: the policy would lock it out",
    )
