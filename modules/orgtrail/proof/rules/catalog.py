"""Rules of the table and of alarms: that no account is invisible, and somebody is told."""

from __future__ import annotations

from collections.abc import Iterator

from orgtrail.proof.estate import Estate
from orgtrail.proof.findings import Severity, Trouble, rule
from orgtrail.regions import PARTITIONS

PREFIXES = 10_000
"""Accounts times regions of one day, each a listing of S3 where a question does not narrow them."""


@rule("partitions", Severity.MEDIUM)
def _partitions(estate: Estate) -> Iterator[Trouble]:
    """The table is divided by account, region and day, and its template names all of them."""
    for each in estate.tables:
        missing = [name for name in ("account", "region", "day") if name not in each.partitions]
        if missing:
            yield Trouble(
                "catalog",
                each.address,
                f"has no partition for {' and '.join(missing)}: every question reads the whole "
                "archive. Partition by account, region and day.",
            )
        unnamed = [name for name in each.partitions if f"${{{name}}}" not in each.template]
        if each.template and unnamed:
            yield Trouble(
                "catalog",
                each.address,
                f"storage.location.template does not name {' and '.join(unnamed)}: Athena "
                "refuses every question.",
            )
        if "//" in each.template.partition("://")[2]:
            yield Trouble(
                "catalog", each.address, "its template has //: no key does, and no row is found."
            )


@rule("invisible-account", Severity.HIGH)
def _every_account(estate: Estate) -> Iterator[Trouble]:
    """The table projects every account that is known: one left out has no rows and no error."""
    known = {each.account for each in estate.providers if each.account}
    for each in estate.tables:
        if not each.completes_accounts and (missing := sorted(known - set(each.accounts))):
            yield Trouble(
                "catalog.accounts",
                each.address,
                f"does not project {', '.join(missing)}: Athena would return no rows for them, "
                "and no error. Add them.",
            )


@rule("projection-size", Severity.LOW)
def _size(estate: Estate) -> Iterator[Trouble]:
    """The table projects a number of prefixes that a question can list."""
    for each in estate.tables:
        of_aws = next(
            each.regions + each.further for each in PARTITIONS if each.name == estate.partition
        )
        count = len(each.accounts) * (of_aws if each.regions is None else len(each.regions))
        if count > PREFIXES:
            completed = each.completes_accounts or each.regions is None
            all_ = f" ({len(each.accounts):,} accounts, all {of_aws} regions)"
            yield Trouble(
                "catalog.regions",
                each.address,
                f"projects {'at least ' if completed else ''}{count:,} prefixes"
                f"{all_ if each.regions is None else ''} for each day, over {PREFIXES:,}: name "
                "the regions that are used.",
            )


@rule("workgroup", Severity.MEDIUM)
def _workgroup(estate: Estate) -> Iterator[Trouble]:
    """The workgroup decides where results go, and encrypts them; a client cannot."""
    for each in estate.workgroups:
        if not each.enforced or not each.encrypted:
            yield Trouble(
                "catalog.workgroup",
                each.address,
                f"workgroup {each.name} lets clients choose where results go, or leaves them "
                "unencrypted. Set enforce_workgroup_configuration and an encryption.",
            )


@rule("alarms-tell-account", Severity.LOW)
def _by_account(estate: Estate) -> Iterator[Trouble]:
    """An alarm tells which account it is about."""
    if estate.alarms.patterns and not estate.alarms.by_account:
        yield Trouble(
            "alarms.by_account",
            "aws_cloudwatch_log_metric_filter",
            "alarms do not tell which account they are about. Give their metrics the dimension "
            "$.recipientAccountId.",
        )


@rule("alarms-heard", Severity.MEDIUM)
def _heard(estate: Estate) -> Iterator[Trouble]:
    """Somebody is told when an alarm rings."""
    if estate.alarms.patterns and not estate.alarms.are_heard:
        yield Trouble(
            "alarms.subscribers",
            "aws_sns_topic_subscription",
            "nobody is subscribed to the alarms' topic.",
        )
