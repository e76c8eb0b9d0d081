"""Composes and writes a report: page, JSON, long answers and a manifest."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path

from orgtrail.aws import session_in
from orgtrail.check.controls import Status
from orgtrail.check.run import check
from orgtrail.cost.estimate import Volume, digests_per_day, estimate_cost, estimate_volume
from orgtrail.doctor.model import CheckState
from orgtrail.errors import OrgtrailError
from orgtrail.logs.bounds import stamp
from orgtrail.output import atomic_output
from orgtrail.prices import Prices, load_prices
from orgtrail.report.activity import activity, unrecorded_data
from orgtrail.report.asking import answers
from orgtrail.report.controls import controls, numbered, pieces, unproven_controls
from orgtrail.report.happened import happened
from orgtrail.report.model import Answers, Evidence, Json, OnProgress, ReportRequest, Unchecked
from orgtrail.report.page import render
from orgtrail.report.questions import ReportQuestion, questions
from orgtrail.report.remarks import load_remarks, require_known, with_remarks
from orgtrail.report.sections import (
    access,
    coverage,
    deployed,
    examine_live,
    integrity,
    repeat,
    unknown_deployment,
    unproven,
)
from orgtrail.report.since import changes_since, load_report


def compose(
    request: ReportRequest, prices: Prices, folder: Path, progress: OnProgress = lambda _: None
) -> Json:
    """Gather the evidence and return the report.

    Args:
        request: environment, period and where the logs are.
        prices: AWS's prices for storage.
        folder: the folder for answers that are too long for JSON.
        progress: called with the current step.

    Raises:
        OrgtrailError: the environment file or the copy of the logs cannot be read.

    """
    # Their mistakes are told first, since the rest takes long.
    remarks = load_remarks(request.remarks) if request.remarks else ()
    older = load_report(request.older, request.env.organization.id) if request.older else None
    proof = check(request.file)
    require_known(remarks, numbered(proof, request.file))
    outcomes = examine_live(request, progress)
    put = questions(request.env)
    said, (section, unproven) = _evidence(request, put, folder, progress)
    days = coverage(request, said)
    found = Evidence(request, proof, outcomes, said, section, days)
    known = pieces(found)
    controlled = controls(found, known)
    controlled["rows"] = with_remarks(controlled["rows"], remarks)
    unchecked = [
        *unknown_deployment(outcomes),
        *unproven,
        *said.unchecked,
        *unproven_controls(known),
        *unrecorded_data(request, said),
    ]
    report = {
        "report": _about(request),
        "verdict": _verdict(found, controlled["counts"]),
        "happened": happened(request, put, said),
        "not_checked": [each.as_json() for each in unchecked],
        "deployed": deployed(request, outcomes),
        "controls": controlled,
        "access": access(request, proof),
        "integrity": section,
        "activity": activity(request, put, said),
        "coverage": days,
        "cost": _cost(request, said, days, section, prices),
    }
    return {**report, "since": changes_since(older, report) if older else None}


def _evidence(
    request: ReportRequest, put: list[ReportQuestion], folder: Path, progress: OnProgress
) -> tuple[Answers, tuple[Json, list[Unchecked]]]:
    """Query and verify the logs, in a copy or in the logging account."""
    if not request.logs:
        try:
            request = replace(
                request, session=session_in(request.env, "logging", request.role, request.profile)
            )
        except OrgtrailError as error:
            why = f"{error}; or give a copy of the archive with --logs"
            nothing = Answers(unchecked=[Unchecked("activity", "every question", why)])
            return nothing, unproven(repeat(request), why)
    said = answers(request, put, folder, progress)
    return said, integrity(request, progress)


def _verdict(found: Evidence, counts: dict[str, int]) -> str:
    """Sum up: `bad` if something is wrong, `incomplete` if something is unknown, else `fine`.

    Parts that were not requested, such as live accounts in a report over a copy, are listed in the
    report but do not make it incomplete.

    Args:
        found: the evidence.
        counts: the numbers of controls by their verdicts, as the page shows them.

    """
    wrong = (
        found.integrity["verdict"] == "invalid"
        or counts[Status.FAIL] > 0
        or any(not each.agrees for each in found.report.access)
        or any(each.state is CheckState.FAULT for each in found.outcomes or ())
    )
    unknown = (
        found.integrity["verdict"] != "valid"
        or counts[Status.UNPROVEN] > 0
        or any(each.state is CheckState.UNCHECKED for each in found.outcomes or ())
        or bool(found.answers.unchecked)
    )
    return "bad" if wrong else "incomplete" if unknown else "fine"


def _about(request: ReportRequest) -> Json:
    env = request.env
    return {
        "environment": env.name,
        "organization": env.organization.id,
        "from": stamp(request.since),
        "to": stamp(request.until),
        "made": stamp(datetime.now(UTC)),
        "by": f"orgtrail {version('orgtrail')}",
        "source": f"a copy of the archive, {request.logs}" if request.logs else "the live accounts",
        "file": request.file.name,
        "file_sha256": hashlib.sha256(request.file.read_bytes()).hexdigest(),
    }


def _cost(
    request: ReportRequest, said: Answers, days: Json | None, verified: Json, prices: Prices
) -> Json | None:
    """Return the cost section, estimated from the period's volume."""
    if not days or not days["events"]:
        return None
    span = _measured_days(request, days)
    events, data = days["events"] / span, days["data_events"] / span
    volume = estimate_volume(request.env, events, data)
    if found := said.volume:
        digests = sum(verified.get("digests", {}).values())
        volume = Volume(
            events,
            data,
            found.bytes / span,
            found.files / span,
            digests / span if digests else digests_per_day(request.env),
            measured=True,
            large_share=found.large_share,
        )
    estimate = estimate_cost(request.env, volume, prices).as_json()
    again = f"orgtrail cost {request.file} --events-per-day {max(1, round(events))}"
    if round(data):
        again += f" --data-events-per-day {round(data)}"
    return {**estimate, "measured_days": round(span, 4), "repeat": again}


def _measured_days(request: ReportRequest, days: Json) -> float:
    """Return how many days of the period brought its volume.

    Whole days without any event before the first event and after the last one do not count: the
    trail may be younger than the period, and a copy may end before it.
    """
    seen = [
        datetime.fromisoformat(day).replace(tzinfo=UTC)
        for each in days["accounts"]
        for day, found in each["days"].items()
        if found["events"]
    ]
    since = max(request.since, min(seen))
    until = min(request.until, max(seen) + timedelta(days=1), datetime.now(UTC))
    return max((until - since).total_seconds(), 60) / 86_400


PAGE, DATA, MANIFEST = "report.html", "report.json", "manifest.json"


def write_report(
    request: ReportRequest,
    out: Path,
    *,
    prices: Prices | None = None,
    progress: OnProgress = lambda _: None,
) -> Json:
    """Write a report; its files appear together or not at all.

    Args:
        request: environment, period and where the logs are.
        out: the report's folder.
        prices: AWS's prices for storage; by default the dated prices of us-east-1.
        progress: called with the current step.

    Returns:
        the report, as in its JSON file.

    Raises:
        OrgtrailError: the environment file or the copy of the logs cannot be read, or the folder
            cannot be written.

    """
    before = _answers(out)
    with atomic_output(out) as draft:
        report = compose(request, prices or load_prices(), draft, progress)
        text = json.dumps(report, indent=1, default=str) + "\n"
        (draft / DATA).write_text(text, encoding="utf-8")
        sha256 = hashlib.sha256(text.encode()).hexdigest()
        # Rendered from the JSON text, so that the page cannot differ from it.
        (draft / PAGE).write_text(render(json.loads(text), sha256), encoding="utf-8")
        (draft / MANIFEST).write_text(json.dumps(_manifest(report, draft), indent=1) + "\n")
    for name in before - _answers(out):
        (out / name).unlink(missing_ok=True)
    return report


def _answers(out: Path) -> set[str]:
    """Return the files of long answers in a report's manifest."""
    try:
        files = json.loads((out / MANIFEST).read_text(encoding="utf-8"))["files"]
        names = {each["name"] for each in files}
    except (OSError, ValueError, TypeError, KeyError):
        return set()
    return {each for each in names if re.fullmatch(r"activity/[a-z-]+\.parquet", str(each))}


def _manifest(report: Json, folder: Path) -> Json:
    """Return the manifest: every file with its size and hash."""
    return {
        "report": report["report"],
        "files": [
            {
                "name": file.relative_to(folder).as_posix(),
                "bytes": file.stat().st_size,
                "sha256": _sha256(file),
            }
            for file in sorted(folder.rglob("*"))
            if file.is_file()
        ],
    }


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
