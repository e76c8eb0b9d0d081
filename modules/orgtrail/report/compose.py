"""A report put together: every section from what was asked, as one object that is the JSON."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from orgtrail.aws import session_in
from orgtrail.costs.estimate import estimate
from orgtrail.costs.prices import Prices
from orgtrail.costs.volume import Volume, digests, estimated
from orgtrail.doctor.outcome import State
from orgtrail.errors import OrgtrailError
from orgtrail.proof.check import check
from orgtrail.proof.controls import Answer
from orgtrail.queries.bounds import stamp
from orgtrail.report import proving
from orgtrail.report.activity import activity, not_asked
from orgtrail.report.asking import Answers, Asked, Json, Unchecked
from orgtrail.report.controls import controls
from orgtrail.report.coverage import coverage
from orgtrail.report.deployed import asked_live, deployed
from orgtrail.report.deployed import not_asked as not_asked_live
from orgtrail.report.evidence import Found
from orgtrail.report.logs import answers
from orgtrail.report.questions import Question, questions

Tell = Callable[[str], None]


def compose(asked: Asked, prices: Prices, folder: Path, tell: Tell = lambda _: None) -> Json:
    """Find everything out, and return the report.

    Args:
        asked: environment, period and where the logs are.
        prices: what AWS asks for what is stored.
        folder: where answers that are too long for JSON go.
        tell: is told how far it is.

    Raises:
        OrgtrailError: the environment file or the copy of the logs cannot be read.

    """
    proof = check(asked.file)
    outcomes = asked_live(asked, tell)
    put = questions(asked.env)
    said, (section, unproven) = _evidence(asked, put, folder, tell)
    days = coverage(asked, said)
    found = Found(asked, proof, outcomes, said, section, days)
    unchecked = [*not_asked_live(outcomes), *unproven, *said.unchecked, *not_asked(asked)]
    return {
        "report": _about(asked),
        "verdict": _verdict(found),
        "not_checked": [each.told() for each in unchecked],
        "deployed": deployed(asked, outcomes),
        "controls": controls(found),
        "access": proving.access(asked, proof),
        "integrity": section,
        "activity": activity(asked, put, said),
        "coverage": days,
        "cost": _cost(asked, said, days, prices),
    }


def _evidence(
    asked: Asked, put: list[Question], folder: Path, tell: Tell
) -> tuple[Answers, tuple[Json, list[Unchecked]]]:
    """Ask the logs and verify them, in a copy or in the logging account."""
    if not asked.logs:
        try:
            asked = replace(
                asked, session=session_in(asked.env, "logging", asked.role, asked.profile)
            )
        except OrgtrailError as error:
            why = f"{error}; or give a copy of the archive with --logs"
            nothing = Answers(unchecked=[Unchecked("activity", "every question", why)])
            return nothing, proving.unproven(proving.repeat(asked), why)
    said = answers(asked, put, folder, tell)
    return said, proving.integrity(asked, tell)


def _verdict(found: Found) -> str:
    """Sum up: `bad` where something is wrong, `incomplete` where something is not known.

    What was not asked for, such as the live accounts of a report over a copy, is told and makes
    nothing incomplete.
    """
    wrong = (
        found.integrity["verdict"] == "invalid"
        or any(each.verdict is Answer.FAIL for each in found.report.controls)
        or any(not each.agrees for each in found.report.access)
        or any(each.state is State.FAULT for each in found.outcomes or ())
    )
    lacking = (
        found.integrity["verdict"] != "valid"
        or any(each.state is State.UNCHECKED for each in found.outcomes or ())
        or bool(found.answers.unchecked)
    )
    return "bad" if wrong else "incomplete" if lacking else "fine"


def _about(asked: Asked) -> Json:
    env = asked.env
    return {
        "environment": env.name,
        "organization": env.organization.id,
        "from": stamp(asked.since),
        "to": stamp(asked.until),
        "made": stamp(datetime.now(UTC)),
        "by": f"orgtrail {version('orgtrail')}",
        "source": f"a copy of the archive, {asked.logs}" if asked.logs else "the live accounts",
        "file": asked.file.name,
        "file_sha256": hashlib.sha256(asked.file.read_bytes()).hexdigest(),
    }


def _cost(asked: Asked, said: Answers, days: Json | None, prices: Prices) -> Json | None:
    """Return the section of cost, from the period's own volume."""
    if not days or not days["events"]:
        return None
    span = max((asked.until - asked.since).total_seconds() / 86_400, 1 / 24)
    events, data = days["events"] / span, days["data_events"] / span
    volume = estimated(asked.env, events, data)
    if said.bytes and said.files:
        volume = Volume(
            events,
            data,
            said.bytes / span,
            said.files / span,
            digests(asked.env),
            measured=True,
            large_share=said.large_share,
        )
    told = estimate(asked.env, volume, prices).told()
    repeat = f"orgtrail cost {asked.file} --events-per-day {max(1, round(events))}"
    if round(data):
        repeat += f" --data-events-per-day {round(data)}"
    return {**told, "repeat": repeat}
