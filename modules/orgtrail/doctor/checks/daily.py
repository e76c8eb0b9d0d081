"""Checks of what runs each day: the verification of log files, the compacted table."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from orgtrail.doctor.outcome import DEPLOY, MAKE, Fault, Subject
from orgtrail.doctor.register import Live, check
from orgtrail.queries.compaction import statements

_WITHIN = timedelta(hours=26)
"""A run starts each day; one may take up to two hours."""


def _project(live: Live) -> list[Subject]:
    return [Subject("logging", live.env.verification.project)] if live.env.verification else []


def _schedules(live: Live) -> Iterator[Subject]:
    for each in _project(live):
        yield Subject("logging", each.name)
    if copy := live.env.catalog.compaction:
        keep = copy.keep_days or live.env.archive.expire_after_days
        for run in statements(live.env.catalog.table, copy.table, keep):
            yield Subject("logging", f"{copy.table}-{run}")


@check("schedule", "What runs by itself is switched on", _schedules)
def _switched_on(live: Live, subject: Subject) -> Iterator[Fault]:
    found = live.aws.ask(
        "logging", "scheduler", "get_schedule",
        absent=("ResourceNotFoundException",), Name=subject.name,
    )  # fmt: skip
    if found is None:
        yield Fault(f"the schedule {subject.name} does not exist", DEPLOY)
    elif found["State"] != "ENABLED":
        yield Fault(f"the schedule {subject.name} is off", DEPLOY)


@check("verification", "The daily verification finds every log file intact", _project)
def _verified(live: Live, subject: Subject) -> Iterator[Fault]:
    found = live.aws.ask("logging", "codebuild", "batch_get_projects", names=[subject.name])
    if not found["projects"]:
        yield Fault(f"the project {subject.name} does not exist", MAKE)
        return
    made = found["projects"][0].get("created")
    ids = live.aws.ask("logging", "codebuild", "list_builds_for_project", projectName=subject.name)[
        "ids"
    ]
    latest = _latest(live, ids)
    if latest is None:
        if not made or live.now - made > _WITHIN:
            yield Fault("the verification has never run", "see what schedule says here")
        return
    at = latest["startTime"]
    if live.now - at > _WITHIN:
        yield Fault(
            f"the verification last ran at {at:%Y-%m-%d %H:%M} UTC",
            "see what schedule says here",
        )
    elif latest["buildStatus"] not in {"SUCCEEDED", "IN_PROGRESS"}:
        yield Fault(
            f"the last verification ended {latest['buildStatus'].lower()}: log files were not "
            "proven intact",
            "read its report in the log group "
            f"{live.env.verification.log_group if live.env.verification else ''}, or: "
            "orgtrail verify --env FILE --last 28h",
        )


def _latest(live: Live, ids: list[str]) -> Any:
    if not ids:
        return None
    builds = live.aws.ask("logging", "codebuild", "batch_get_builds", ids=ids[:100])["builds"]
    return max(builds, key=lambda each: each["startTime"], default=None)
