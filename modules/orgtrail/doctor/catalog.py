"""Checks of the table, the workgroup and the daily verification."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

from orgtrail import naming
from orgtrail.doctor.calls import UncheckedError
from orgtrail.doctor.model import MAKE, Live, LiveFault, Subject
from orgtrail.query.athena import Projection, accounts_with_logs, drift

_QUERY_TIMEOUT_SECONDS = 60
"""How long the doctor waits for a query of one partition."""
_MAX_RUN_AGE = timedelta(hours=26)
"""A run starts each day; one may take up to two hours."""


def table(live: Live) -> list[Subject]:
    """Return the table."""
    catalog = live.env.catalog
    named = (
        each
        for each in live.stack.of("aws_glue_catalog_table")
        if each.text("name") == catalog.table
    )
    return [Subject("logging", f"{catalog.database}.{catalog.table}", resource=next(named))]


def found_table(live: Live, _: Subject) -> Any:
    """Return the table from Glue, None if it does not exist."""
    catalog = live.env.catalog
    answer = live.aws.ask(
        "logging", "glue", "get_table",
        absent=("EntityNotFoundException",), DatabaseName=catalog.database, Name=catalog.table,
    )  # fmt: skip
    return answer and answer["Table"]


def _projection(live: Live, subject: Subject) -> Projection:
    return Projection.of(found_table(live, subject).get("Parameters", {}))


def _members(live: Live) -> dict[str, str]:
    """Return the names of the organization's accounts, by id."""
    answer = live.aws.ask("management", "organizations", "list_accounts")
    return {each["Id"]: each["Name"] for each in answer["Accounts"]}


def table_accounts(live: Live, subject: Subject) -> Iterator[LiveFault]:
    """Report accounts of the organization that the table does not project."""
    has = _members(live)
    for account in sorted({*has, *live.env.account_ids} - {*_projection(live, subject).accounts}):
        named = f" ({has[account]})" if account in has else ""
        step = (
            f"add {account} to accounts, then deploy"
            if live.env.catalog.accounts == "file" and account not in live.env.account_ids
            else "deploy again: the plan completes the table"
        )
        yield LiveFault(
            f"account {account}{named} is not in the table: Athena answers no rows for it, and "
            "no error",
            step,
        )


def table_coverage(live: Live, subject: Subject) -> Iterator[LiveFault]:
    """Report log files in the archive that the table does not project."""
    projected = _projection(live, subject)
    root = live.env.organization_prefix
    inside = accounts_with_logs(partial(_folders, live), root, naming.LOGS)
    # table_accounts reports missing accounts of the organization.
    members = {*_members(live), *live.env.account_ids}
    for each in drift(inside, projected.accounts, projected.regions):
        if each.what == "account" and each.account in members:
            continue
        cause, _semicolon, step = str(each).partition("; ")
        yield LiveFault(cause, step)


def _folders(live: Live, prefix: str) -> list[str]:
    answer = live.aws.ask(
        "logging", "s3", "list_objects_v2",
        Bucket=live.env.archive.bucket, Prefix=prefix, Delimiter="/",
    )  # fmt: skip
    return [each["Prefix"][len(prefix) : -1] for each in answer.get("CommonPrefixes", ())]


def query(live: Live, subject: Subject) -> Iterator[LiveFault]:
    """Report a query of one partition that does not succeed."""
    env, day = live.env, f"{live.now:%Y/%m/%d}"
    sql = (
        f"SELECT count(*) FROM {env.catalog.table} WHERE account = '{env.management.id}' "  # noqa: S608
        f"AND region = '{env.home_region}' AND day = '{day}'"
    )
    started = live.aws.ask(
        "logging", "athena", "start_query_execution",
        QueryString=sql, QueryExecutionContext={"Database": env.catalog.database},
        WorkGroup=subject.name,
    )  # fmt: skip
    status = _end_of_query(live, started["QueryExecutionId"])
    if status["State"] != "SUCCEEDED":
        why = status.get("StateChangeReason", "AWS gives no reason")
        yield LiveFault(
            f"the query ends {status['State'].lower()}: {why}",
            "a denied read of the archive or its key is in bucket-policy, key-policy or the role "
            "that asks; HIVE_ errors are in table",
        )


def _end_of_query(live: Live, id: str) -> Any:
    """Wait for a query; return its status."""
    for attempt in range(_QUERY_TIMEOUT_SECONDS * 2):
        answer = live.aws.ask_again("logging", "athena", "get_query_execution", QueryExecutionId=id)
        status = answer["QueryExecution"]["Status"]
        if status["State"] in {"SUCCEEDED", "FAILED", "CANCELLED"}:
            return status
        time.sleep(min(0.5, 0.05 * (attempt + 1)))
    raise UncheckedError(
        f"Athena has not answered for {_QUERY_TIMEOUT_SECONDS} seconds; run the doctor again"
    )


def verification(live: Live, subject: Subject) -> Iterator[LiveFault]:
    """Report a daily verification that did not run or did not prove the log files intact."""
    found = live.aws.ask("logging", "codebuild", "batch_get_projects", names=[subject.name])
    if not found["projects"]:
        yield LiveFault(f"the project {subject.name} does not exist", MAKE)
        return
    made = found["projects"][0].get("created")
    latest = _latest_build(live, subject)
    if latest is None:
        if not made or live.now - made > _MAX_RUN_AGE:
            yield LiveFault("the verification has never run", "see what schedule says here")
        return
    at = latest["startTime"]
    if live.now - at > _MAX_RUN_AGE:
        yield LiveFault(
            f"the verification last ran at {at:%Y-%m-%d %H:%M} UTC",
            "see what schedule says here",
        )
    elif latest["buildStatus"] not in {"SUCCEEDED", "IN_PROGRESS"}:
        yield LiveFault(
            f"the last verification ended {latest['buildStatus'].lower()}: log files were not "
            "proven intact",
            "read its report in the log group "
            f"{live.env.verification.log_group if live.env.verification else ''}, or: "
            "orgtrail verify --env FILE --last 28h",
        )


def _latest_build(live: Live, subject: Subject) -> Any:
    answer = live.aws.ask(
        "logging", "codebuild", "list_builds_for_project", projectName=subject.name
    )
    if not answer["ids"]:
        return None
    found = live.aws.ask("logging", "codebuild", "batch_get_builds", ids=answer["ids"][:100])
    return max(found["builds"], key=lambda each: each["startTime"], default=None)
