"""The evidence that decides requirements: each piece with its verdict, in words, and repeatable."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from orgtrail.alarms import SILENCE
from orgtrail.doctor.outcome import Outcome, State
from orgtrail.proof.check import Report
from orgtrail.proof.controls import Answer
from orgtrail.proof.iam.evaluator import Verdict
from orgtrail.report.activity import changes
from orgtrail.report.asking import Answers, Asked, Json
from orgtrail.report.coverage import absent, silent_days
from orgtrail.report.questions import patient_tables, recorded_data

_YEAR, _SIX_YEARS, _QUARTER = 365, 2_190, 90
_ORDER = (Answer.FAIL, Answer.UNPROVEN, Answer.OFF)
"""Which verdict of several wins; all that is left is a pass."""
_NO_MORE = "AWS's part: CloudTrail does it, and no setting changes it"


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of evidence.

    Args:
        name: its name.
        verdict: whether it holds.
        says: what was found.
        repeat: how to find it again.

    """

    name: str
    verdict: Answer
    says: str
    repeat: str


@dataclass(frozen=True)
class Found:
    """All that a report has found before it judges.

    Args:
        asked: what it was asked for.
        report: of `orgtrail check`.
        outcomes: of the doctor; None where it was not asked.
        answers: of the logs.
        integrity: the section.
        coverage: the section; None where the logs were not asked.

    """

    asked: Asked
    report: Report
    outcomes: list[Outcome] | None
    answers: Answers
    integrity: Json
    coverage: Json | None


def summed(verdicts: list[Answer]) -> Answer:
    """Return the verdict of several together."""
    return next((each for each in _ORDER if each in verdicts), Answer.PASS)


def pieces(found: Found) -> dict[str, Piece]:
    """Return every piece of evidence by its name."""
    every = (*_declared(found), *_settings(found), *_proven(found), *_seen(found), *_of_aws(found))
    return {each.name: each for each in every}


def _declared(found: Found) -> Iterator[Piece]:
    """Take from the controls of `orgtrail check`, and from the doctor where it was asked."""
    repeat = f"orgtrail check {found.asked.file}"
    for name, control, checks in (
        ("recording", "CloudTrail.1", ("trail-organization", "trail-regions", "trail-selectors")),
        ("logging", "CloudTrail.3", ("trail-logging", "log-delivery", "log-freshness")),
        ("validation", "CloudTrail.4", ("trail-validation", "digest-delivery")),
        ("access-logged", "CloudTrail.7", ("bucket-logging",)),
        ("encrypted", "CloudTrail.2", ("trail-destination", "bucket-encryption")),
        ("not-public", "CloudTrail.6", ("bucket-public-access", "bucket-policy")),
    ):
        asked_for = next(each for each in found.report.controls if control in each.ids)
        says = f"{', '.join(asked_for.ids)}: {asked_for.title}: {asked_for.verdict}"
        yield _with_live(found, Piece(name, asked_for.verdict, says, repeat), checks)
    alarms = [
        each
        for each in found.report.controls
        if each.title.startswith("An alarm rings") and each.ids[0].startswith("CIS")
    ]
    rings = sum(each.verdict is Answer.PASS for each in alarms)
    verdict = summed([each.verdict for each in alarms])
    says = f"{rings} of {len(alarms)} alarms that CIS asks for ring"
    checks = ("alarm-filters", "alarms", "alarm-subscriptions")
    yield _with_live(found, Piece("alarms", verdict, says, repeat), checks)
    asked = found.asked.env.alarms
    silence = asked is not None and SILENCE in {each.name for each in asked.chosen}
    says = "an alarm rings where no event comes" if silence else "no alarm rings in silence"
    piece = Piece("silence-alarm", Answer.PASS if silence else Answer.OFF, says, repeat)
    yield _with_live(found, piece, ("alarms", "alarm-subscriptions"))


def _settings(found: Found) -> Iterator[Piece]:
    env, repeat = found.asked.env, f"archive, recording and access in {found.asked.file}"
    keep, lock = env.archive.expire_after_days, env.archive.object_lock
    kept = f"log files are kept for {f'{keep:,} days' if keep else 'ever'}"

    def piece(name: str, holds: bool | None, says: str) -> Piece:  # noqa: FBT001
        verdict = Answer.OFF if holds is None else Answer.PASS if holds else Answer.FAIL
        return Piece(name, verdict, says, repeat)

    yield _with_live(found, piece("kept", holds=True, says=kept), ("bucket-lifecycle",))
    for name, least in (("kept-a-year", _YEAR), ("kept-six-years", _SIX_YEARS)):
        holds = keep is None or keep >= least
        yield _with_live(found, piece(name, holds, kept), ("bucket-lifecycle",))
    moved = env.archive.glacier_after_days or env.archive.deep_archive_after_days
    at_hand = moved is None or moved >= _QUARTER
    says = f"large files move to Glacier after {moved} days" if moved else "no file is moved away"
    yield piece("three-months-at-hand", at_hand, says)
    locked = f"{lock.mode} lock for {lock.days:,} days" if lock else "no object lock is asked for"
    yield _with_live(found, piece("locked", True if lock else None, locked), ("bucket-lock",))
    separate = env.logging.id != env.management.id
    says = f"the archive is in account {env.logging.id}, the trail in {env.management.id}"
    yield piece("separate", separate, says)
    tables = patient_tables(env)
    data = recorded_data(env)
    says = (data or "no data events") + (f", of the tables {', '.join(tables)}" if tables else "")
    yield piece("named-data", True if data else None, f"{says} are recorded")
    own = bool(env.recording and env.recording.archive_access)
    says = f"who reaches for the archive is {'' if own else 'not '}recorded in the trail itself"
    yield piece("archive-access", True if own else None, says)
    auditor = env.access.auditor
    says = f"the workgroup {env.catalog.workgroup} answers over {env.catalog.table}" + (
        f", for the role {auditor.role_name}" if auditor else ""
    )
    yield _with_live(
        found, piece("searchable", holds=True, says=says), ("table-coverage", "workgroup", "query")
    )


def _proven(found: Found) -> Iterator[Piece]:
    """Take from the access matrix and from the verification."""
    cells, repeat = found.report.access, f"orgtrail check {found.asked.file}"
    wrong = [each for each in cells if not each.agrees]
    undecided = [each for each in wrong if each.decision.verdict is Verdict.UNDECIDED]
    verdict = Answer.PASS if cells and not wrong else Answer.FAIL
    if not cells or (wrong and len(undecided) == len(wrong)):
        verdict = Answer.UNPROVEN
    says = f"{len(cells) - len(wrong)} of {len(cells)} accesses are as meant"
    checks = ("bucket-policy", "key-policy", "role-trust", "role-policy")
    yield _with_live(found, Piece("access", verdict, says, repeat), checks)
    denied = [each for each in cells if each.expected == "deny"]
    open_ = [each for each in denied if not each.agrees]
    verdict = verdict if open_ or not cells else Answer.PASS
    says = f"{len(denied) - len(open_)} of {len(denied)} accesses that must be denied are denied"
    checks = ("bucket-policy", "key-policy", "control-policy-content", "control-policy-targets")
    yield _with_live(found, Piece("protected", verdict, says, repeat), checks)
    verdicts = {"valid": Answer.PASS, "invalid": Answer.FAIL}
    word = found.integrity["verdict"]
    says = f"the verification of the period is {word}"
    yield Piece("intact", verdicts.get(word, Answer.UNPROVEN), says, found.integrity["repeat"])


def _seen(found: Found) -> Iterator[Piece]:
    """Take from what the logs say."""
    repeat = f"orgtrail query run coverage {found.asked.options}"
    if found.coverage is None:
        yield Piece("delivering", Answer.UNPROVEN, "the logs could not be asked", repeat)
    else:
        gone, silent = absent(found.coverage), silent_days(found.coverage)
        verdict = Answer.FAIL if gone else Answer.UNPROVEN if silent else Answer.PASS
        says = f"no event of {', '.join(gone)} in the period" if gone else (
            f"{silent} days of accounts have no event" if silent
            else "every account has events on every day"
        )  # fmt: skip
        yield Piece("delivering", verdict, says, repeat)
    count = len(found.answers.tables)
    lacking = any(each.section == "activity" for each in found.answers.unchecked) or not count
    yield Piece(
        "asked",
        Answer.UNPROVEN if lacking else Answer.PASS,
        f"{count} questions were put to the logs of the period, for this report",
        "the section of activity has the command of each",
    )
    repeat = f"orgtrail query run trail-tampering {found.asked.options}"
    counted = changes(found.answers)
    if counted is None:
        yield Piece("untampered", Answer.UNPROVEN, "the logs could not be asked", repeat)
        return
    done, refused = counted
    says = f"changes of trail, archive or keys that were made: {done}; refused: {refused}"
    yield Piece("untampered", Answer.UNPROVEN if done else Answer.PASS, says, repeat)


def _of_aws(found: Found) -> Iterator[Piece]:
    guide = "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/"
    content = "cloudtrail-event-reference-record-contents.html"
    for name, says, page in (
        ("record-content", "each record has userIdentity, eventName, eventTime, sourceIPAddress "
         "and errorCode", content),
        ("time", "eventTime is in UTC, by AWS's clocks", content),
    ):  # fmt: skip
        yield Piece(name, Answer.PASS, f"{says} ({_NO_MORE})", f"{guide}{page}")
    yield Piece("capacity", Answer.PASS, "S3 has no limit of size; see the section of cost",
                f"orgtrail cost {found.asked.file} --events-per-day N")  # fmt: skip


def _with_live(found: Found, piece: Piece, checks: tuple[str, ...]) -> Piece:
    """Let what the doctor found decide, where it was asked and what is declared holds."""
    if found.outcomes is None or piece.verdict is not Answer.PASS:
        return piece
    about = [each for each in found.outcomes if each.check in checks]
    faults = [each.check for each in about if each.state is State.FAULT]
    unchecked = [each.check for each in about if each.state is State.UNCHECKED]
    repeat = f"{piece.repeat}; orgtrail doctor {found.asked.file}"
    if faults:
        says = f"{piece.says}; but what runs differs: {', '.join(dict.fromkeys(faults))}"
        return Piece(piece.name, Answer.FAIL, says, repeat)
    if unchecked:
        says = f"{piece.says}; not checked live: {', '.join(dict.fromkeys(unchecked))}"
        return Piece(piece.name, Answer.UNPROVEN, says, repeat)
    return Piece(piece.name, piece.verdict, f"{piece.says}; so it runs", repeat)
