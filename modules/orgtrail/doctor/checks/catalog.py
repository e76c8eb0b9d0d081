"""Checks of the catalog: the table covers what lies in the archive, the workgroup answers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from typing import Any

from orgtrail import naming
from orgtrail.doctor.asking import UncheckedError
from orgtrail.doctor.outcome import DEPLOY, MAKE, Fault, Subject
from orgtrail.doctor.register import Live, check
from orgtrail.engines.drift import delivered, drift
from orgtrail.engines.projection import Projection

_ABSENT = ("EntityNotFoundException",)
_SECONDS = 60
"""How long the doctor waits for the answer of one partition."""


def table(live: Live) -> list[Subject]:
    """Return the table."""
    return [Subject("logging", f"{live.env.catalog.database}.{live.env.catalog.table}")]


def workgroup(live: Live) -> list[Subject]:
    """Return the workgroup."""
    return [Subject("logging", live.env.catalog.workgroup)]


def _table(live: Live) -> Any:
    catalog = live.env.catalog
    answer = live.aws.ask(
        "logging", "glue", "get_table",
        absent=_ABSENT, DatabaseName=catalog.database, Name=catalog.table,
    )  # fmt: skip
    return answer["Table"] if answer else None


def _projection(live: Live) -> Projection:
    return Projection.of(_table(live).get("Parameters", {}))


@check("table", "The table exists and projects its partitions", table)
def _exists(live: Live, subject: Subject) -> Iterator[Fault]:
    found = _table(live)
    if found is None:
        yield Fault(f"the table {subject.name} does not exist", MAKE)
        return
    has = found.get("Parameters", {})
    for name, wanted in (
        ("projection.enabled", "true"),
        ("projection.day.range", f"{naming.first_day(live.env)},NOW"),
        ("projection.day.format", "yyyy/MM/dd"),
        ("storage.location.template", naming.partition_template(live.env)),
    ):
        if has.get(name) != wanted:
            said = has.get(name, "not set")
            yield Fault(
                f"the table's {name} is {said}, not {wanted}: partitions are looked for where "
                "no log file lies, and queries answer nothing and no error",
                DEPLOY,
            )


@check("table-accounts", "The table covers every account of the organization", table, "table")
def _members(live: Live, _: Subject) -> Iterator[Fault]:
    known = set(_projection(live).accounts)
    answer = live.aws.ask("management", "organizations", "list_accounts")
    has = {each["Id"]: each["Name"] for each in answer["Accounts"]}
    for account in sorted({*has, *live.env.account_ids} - known):
        named = f" ({has[account]})" if account in has else ""
        step = (
            f"add {account} to accounts, then deploy"
            if live.env.catalog.accounts == "file" and account not in live.env.account_ids
            else "deploy again: the plan completes the table"
        )
        yield Fault(
            f"account {account}{named} is not in the table: Athena answers no rows for it, and "
            "no error",
            step,
        )


@check("table-coverage", "The table covers what lies in the archive", table, "table")
def _coverage(live: Live, _: Subject) -> Iterator[Fault]:
    projected = _projection(live)
    root = live.env.organization_prefix
    inside = delivered(partial(_folders, live), root, naming.LOGS)
    # An account of the organization that the table lacks is told by table-accounts.
    members = {
        each["Id"]
        for each in live.aws.ask("management", "organizations", "list_accounts")["Accounts"]
    }
    for each in drift(inside, projected.accounts, projected.regions):
        if each.what == "account" and each.account in {*members, *live.env.account_ids}:
            continue
        cause, _semicolon, step = str(each).partition("; ")
        yield Fault(cause, step)


def _folders(live: Live, prefix: str) -> list[str]:
    answer = live.aws.ask(
        "logging", "s3", "list_objects_v2",
        Bucket=live.env.archive.bucket, Prefix=prefix, Delimiter="/",
    )  # fmt: skip
    return [each["Prefix"][len(prefix) : -1] for each in answer.get("CommonPrefixes", ())]


def _workgroup(live: Live) -> Any:
    answer = live.aws.ask(
        "logging", "athena", "get_work_group",
        absent=("InvalidRequestException",), WorkGroup=live.env.catalog.workgroup,
    )  # fmt: skip
    return (answer or {}).get("WorkGroup")


@check("workgroup", "The workgroup exists and enforces its settings", workgroup)
def _enforced(live: Live, subject: Subject) -> Iterator[Fault]:
    found = _workgroup(live)
    if not found:
        yield Fault(f"the workgroup {subject.name} does not exist", MAKE)
        return
    env, has = live.env, found.get("Configuration", {})
    results = has.get("ResultConfiguration", {})
    encryption = results.get("EncryptionConfiguration", {}).get("EncryptionOption")
    state = found.get("State", "ENABLED")
    for what, wanted, given in (
        ("state", "ENABLED", state),
        ("enforcement of its settings", True, has.get("EnforceWorkGroupConfiguration", False)),
        ("limit of bytes that a query scans", env.catalog.bytes_scanned_limit,
         has.get("BytesScannedCutoffPerQuery")),
        ("place of results", naming.result_location(env), results.get("OutputLocation")),
        ("encryption of results", "SSE_KMS", encryption),
    ):  # fmt: skip
        if wanted != given:
            yield Fault(f"its {what} is {given}, not {wanted}", DEPLOY)


@check("query", "A query of one partition answers", workgroup, "workgroup")
def _answers(live: Live, _: Subject) -> Iterator[Fault]:
    env, day = live.env, f"{live.now:%Y/%m/%d}"
    sql = (
        f"SELECT count(*) FROM {env.catalog.table} WHERE account = '{env.management.id}' "  # noqa: S608
        f"AND region = '{env.home_region}' AND day = '{day}'"
    )
    started = live.aws.ask(
        "logging", "athena", "start_query_execution",
        QueryString=sql, QueryExecutionContext={"Database": env.catalog.database},
        WorkGroup=env.catalog.workgroup,
    )  # fmt: skip
    status = _ended(live, started["QueryExecutionId"])
    if status["State"] != "SUCCEEDED":
        why = status.get("StateChangeReason", "AWS gives no reason")
        yield Fault(
            f"the query ends {status['State'].lower()}: {why}",
            "a denied read of the archive or its key is in bucket-policy, key-policy or the role "
            "that asks; HIVE_ errors are in table",
        )


def _ended(live: Live, id: str) -> Any:
    for attempt in range(_SECONDS * 2):
        # Each time is a question of its own.
        answer = live.aws.fresh("logging", "athena", "get_query_execution", QueryExecutionId=id)
        status = answer["QueryExecution"]["Status"]
        if status["State"] in {"SUCCEEDED", "FAILED", "CANCELLED"}:
            return status
        time.sleep(min(0.5, 0.05 * (attempt + 1)))
    raise UncheckedError(f"Athena has not answered for {_SECONDS} seconds; run the doctor again")
