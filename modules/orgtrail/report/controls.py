"""The controls section: CIS, Security Hub and frameworks, and the evidence for each verdict.

The requirements are in our own short wording; auditors look them up by number.
HIPAA: 45 CFR 164.312(b), 164.316(b)(2)(i). PCI DSS v4.0.1. NIST SP 800-53 rev. 5. SOC 2: Trust
Services Criteria of 2017, points of focus of 2022.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from orgtrail.alarms import SILENCE
from orgtrail.check.controls import Status
from orgtrail.check.run import Report
from orgtrail.doctor.model import CheckState
from orgtrail.iam.evaluator import Verdict
from orgtrail.report.activity import EVIDENCE, changes, once
from orgtrail.report.model import Evidence, Json, Unchecked
from orgtrail.report.questions import COVERAGE, patient_tables, recorded_data
from orgtrail.report.sections import absent, silent_days


@dataclass(frozen=True, slots=True)
class Requirement:
    """One requirement of a framework.

    Args:
        framework: the framework.
        id: its number in the framework.
        title: what it requires.
        evidence: the names of the evidence items that must all pass.

    """

    framework: str
    id: str
    title: str
    evidence: tuple[str, ...]


_HIPAA, _PCI, _NIST, _SOC = "HIPAA", "PCI DSS", "NIST 800-53", "SOC 2"

REQUIREMENTS: tuple[Requirement, ...] = (
    Requirement(_HIPAA, "164.312(b)", "Activity in systems with patient data is recorded and "
                "examined", ("recording", "named-data", "delivering", "asked", "protected")),
    Requirement(_HIPAA, "164.316(b)(2)(i)", "Records are kept for six years",
                ("kept-six-years",)),
    Requirement(_PCI, "10.2.1", "Audit logs are active for all components",
                ("recording", "logging", "delivering")),
    Requirement(_PCI, "10.2.1.1", "All individual access to the data is recorded",
                ("named-data",)),
    Requirement(_PCI, "10.2.1.2", "All actions of administrators are recorded", ("recording",)),
    Requirement(_PCI, "10.2.1.3", "All access to audit logs is recorded",
                ("archive-access", "access-logged")),
    Requirement(_PCI, "10.2.1.4", "All invalid access attempts are recorded", ("recording",)),
    Requirement(_PCI, "10.2.1.5", "All changes of credentials and privileges are recorded",
                ("recording",)),
    Requirement(_PCI, "10.2.1.6", "Starting, stopping and pausing of audit logs is recorded",
                ("recording", "asked")),
    Requirement(_PCI, "10.2.1.7", "Creation and deletion of system objects is recorded",
                ("recording",)),
    Requirement(_PCI, "10.2.2", "Each record says who, what, when, whence, and with what result",
                ("record-content",)),
    Requirement(_PCI, "10.3.1", "Only those who need it read audit logs", ("access", "not-public")),
    Requirement(_PCI, "10.3.2", "Audit logs cannot be changed by individuals",
                ("protected", "locked")),
    Requirement(_PCI, "10.3.3", "Audit logs are promptly copied to a central, secure place",
                ("separate", "delivering")),
    Requirement(_PCI, "10.3.4", "Change of audit logs is detected", ("validation", "intact")),
    Requirement(_PCI, "10.4.1.1", "Audit logs are reviewed by automated mechanisms",
                ("alarms", "asked")),
    Requirement(_PCI, "10.5.1", "Audit logs are kept for twelve months, three at hand",
                ("kept-a-year", "three-months-at-hand")),
    Requirement(_PCI, "10.6.1", "Clocks are synchronized", ("time",)),
    Requirement(_PCI, "10.7.2", "Failure of audit logging is detected and answered",
                ("silence-alarm",)),
    Requirement(_NIST, "AU-2", "The events to record are chosen, and recorded",
                ("recording", "named-data")),
    Requirement(_NIST, "AU-3", "Records say what, when, where, who and with what outcome",
                ("record-content",)),
    Requirement(_NIST, "AU-4", "There is room for the records", ("capacity",)),
    Requirement(_NIST, "AU-5", "Failure of logging is reported", ("silence-alarm",)),
    Requirement(_NIST, "AU-6", "Records are reviewed, analyzed and reported",
                ("asked", "alarms")),
    Requirement(_NIST, "AU-7", "Records can be reduced and searched without changing them",
                ("searchable",)),
    Requirement(_NIST, "AU-8", "Records have time stamps of the systems' clocks, in UTC",
                ("time",)),
    Requirement(_NIST, "AU-9", "Records and tools are protected from access, change and deletion",
                ("protected", "access", "not-public", "encrypted", "separate", "untampered")),
    Requirement(_NIST, "AU-10", "It cannot be denied who did something",
                ("validation", "intact")),
    Requirement(_NIST, "AU-11", "Records are kept as long as the file says", ("kept", "locked")),
    Requirement(_NIST, "AU-12", "All components generate records",
                ("recording", "logging", "delivering")),
    Requirement(_SOC, "CC7.2", "Anomalies are monitored and analyzed",
                ("recording", "alarms", "asked", "delivering")),
)  # fmt: skip
"""All requirements, in the order of the page."""


_TECHNICAL = "CIS v3, v5 and Security Hub"
_SEVERITIES = {
    "CloudTrail.1": "high", "CloudTrail.2": "medium", "CloudTrail.3": "high",
    "CloudTrail.4": "low", "CloudTrail.5": "low", "CloudTrail.6": "critical",
    "CloudTrail.7": "low", "KMS.4": "medium", "S3.5": "medium", "S3.22": "medium",
    "S3.23": "medium", **{f"CloudWatch.{number}": "low" for number in range(1, 15)},
}  # fmt: skip
"""The severities that Security Hub gives its controls.
https://docs.aws.amazon.com/securityhub/latest/userguide/cloudtrail-controls.html"""
_EACH = "the section of activity has the command of each"
_STEPS = {
    "recording": "Record all management events in every region: recording.management.",
    "logging": "Turn the trail on: trail.enabled.",
    "validation": "Turn log_file_validation on.",
    "access-logged": "Name archive.access_log_bucket.",
    "encrypted": "Encrypt log files with a key: key.",
    "not-public": "Block public access to the archive.",
    "alarms": "Ask for alarms, with a subscriber: alarms.",
    "silence-alarm": "Ask for the alarm delivery-silence: alarms.names.",
    "kept-a-year": "Set archive.expire_after_days to 365 or more, or leave it out.",
    "kept-six-years": "Set archive.expire_after_days to 2190 or more, or leave it out.",
    "three-months-at-hand": "Set archive.glacier_after_days to 90 or more.",
    "locked": "Lock log files: archive.object_lock.",
    "separate": "Keep the archive in an account of its own: accounts.logging.",
    "named-data": "Name the data to record: recording.data.",
    "archive-access": "Record who reads the archive: recording.archive_access.",
    "access": "See the findings of the section on access.",
    "protected": "See the findings of the section on access.",
    "intact": "See the findings of the section on integrity.",
    "delivering": "See the section on coverage for the accounts and days.",
    "asked": "See what could not be checked.",
    "untampered": "Look at the rows of the section on activity, and say whether they were meant.",
}
"""By piece of evidence: what to do if it does not hold."""
_YEAR, _SIX_YEARS, _QUARTER = 365, 2_190, 90
_WORST_FIRST = (Status.FAIL, Status.UNPROVEN, Status.OFF)
"""Verdicts from worst to least bad; without any of them, the sum is a pass."""
_AWS_PART = "AWS's part: CloudTrail does it, and no setting changes it"


@dataclass(frozen=True, slots=True)
class EvidenceItem:
    """One piece of evidence.

    Args:
        name: its name.
        verdict: its verdict.
        says: what was found.
        repeat: how to reproduce it.

    """

    name: str
    verdict: Status
    says: str
    repeat: str


def summed(verdicts: list[Status]) -> Status:
    """Return the worst of several verdicts."""
    return next((each for each in _WORST_FIRST if each in verdicts), Status.PASS)


def pieces(found: Evidence) -> dict[str, EvidenceItem]:
    """Return all pieces of evidence, by name."""
    every = (
        *_from_check(found),
        *_from_settings(found),
        *_from_access_and_verification(found),
        *_from_logs(found),
        *_from_aws(found),
    )
    return {each.name: each for each in every}


def _from_check(found: Evidence) -> Iterator[EvidenceItem]:
    """Yield evidence from the controls of `orgtrail check`, and from the doctor if it ran."""
    repeat = f"orgtrail check {found.request.file}"
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
        yield _with_doctor(found, EvidenceItem(name, asked_for.verdict, says, repeat), checks)
    alarms = [
        each
        for each in found.report.controls
        if each.title.startswith("An alarm rings") and each.ids[0].startswith("CIS")
    ]
    rings = sum(each.verdict is Status.PASS for each in alarms)
    verdict = summed([each.verdict for each in alarms])
    says = f"{rings} of {len(alarms)} alarms that CIS asks for ring"
    checks = ("alarm-filters", "alarms", "alarm-subscriptions")
    yield _with_doctor(found, EvidenceItem("alarms", verdict, says, repeat), checks)
    request = found.request.env.alarms
    silence = request is not None and SILENCE in {each.name for each in request.chosen}
    says = "an alarm rings where no event comes" if silence else "no alarm rings in silence"
    piece = EvidenceItem("silence-alarm", Status.PASS if silence else Status.OFF, says, repeat)
    yield _with_doctor(found, piece, ("alarms", "alarm-subscriptions"))


def _from_settings(found: Evidence) -> Iterator[EvidenceItem]:
    env, repeat = found.request.env, f"archive, recording and access in {found.request.file}"
    keep, lock = env.archive.expire_after_days, env.archive.object_lock
    kept = f"log files are kept for {f'{keep:,} days' if keep else 'ever'}"

    def piece(name: str, holds: bool | None, says: str) -> EvidenceItem:  # noqa: FBT001
        verdict = Status.OFF if holds is None else Status.PASS if holds else Status.FAIL
        return EvidenceItem(name, verdict, says, repeat)

    yield _with_doctor(found, piece("kept", holds=True, says=kept), ("bucket-lifecycle",))
    for name, least in (("kept-a-year", _YEAR), ("kept-six-years", _SIX_YEARS)):
        holds = keep is None or keep >= least
        yield _with_doctor(found, piece(name, holds, kept), ("bucket-lifecycle",))
    moved = env.archive.glacier_after_days or env.archive.deep_archive_after_days
    at_hand = moved is None or moved >= _QUARTER
    says = f"large files move to Glacier after {moved} days" if moved else "no file is moved away"
    yield piece("three-months-at-hand", at_hand, says)
    locked = f"{lock.mode} lock for {lock.days:,} days" if lock else "object lock is not enabled"
    yield _with_doctor(found, piece("locked", True if lock else None, locked), ("bucket-lock",))
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
    yield _with_doctor(
        found, piece("searchable", holds=True, says=says), ("table-coverage", "workgroup", "query")
    )


def _from_access_and_verification(found: Evidence) -> Iterator[EvidenceItem]:
    """Yield evidence from the access matrix and the verification."""
    cells, repeat = found.report.access, f"orgtrail check {found.request.file}"
    wrong = [each for each in cells if not each.agrees]
    undecided = [each for each in wrong if each.decision.verdict is Verdict.UNDECIDED]
    verdict = Status.PASS if cells and not wrong else Status.FAIL
    if not cells or (wrong and len(undecided) == len(wrong)):
        verdict = Status.UNPROVEN
    says = f"{len(cells) - len(wrong)} of {len(cells)} access checks match the intent"
    checks = ("bucket-policy", "key-policy", "role-trust", "role-policy")
    yield _with_doctor(found, EvidenceItem("access", verdict, says, repeat), checks)
    denied = [each for each in cells if each.expected == "deny"]
    open_ = [each for each in denied if not each.agrees]
    verdict = verdict if open_ or not cells else Status.PASS
    says = f"{len(denied) - len(open_)} of {len(denied)} accesses that must be denied are denied"
    checks = ("bucket-policy", "key-policy", "control-policy-content", "control-policy-targets")
    yield _with_doctor(found, EvidenceItem("protected", verdict, says, repeat), checks)
    verdicts = {"valid": Status.PASS, "invalid": Status.FAIL}
    word = found.integrity["verdict"]
    says = f"the verification of the period is {word}"
    yield EvidenceItem(
        "intact", verdicts.get(word, Status.UNPROVEN), says, found.integrity["repeat"]
    )


def _from_logs(found: Evidence) -> Iterator[EvidenceItem]:
    """Yield evidence from the logs."""
    repeat = f"orgtrail query run coverage {found.request.options}"
    if found.coverage is None:
        yield EvidenceItem("delivering", Status.UNPROVEN, "the logs could not be asked", repeat)
    else:
        gone, silent = absent(found.coverage), silent_days(found.coverage)
        whole = found.coverage["whole_days"]
        if gone:
            verdict = Status.FAIL if whole else Status.UNPROVEN
            says = f"no event of {', '.join(gone)} in the period"
            says += "" if whole else ", which has no whole day (UTC) that is over"
        elif silent:
            verdict, says = Status.UNPROVEN, f"{silent} days of accounts have no event"
        else:
            verdict, says = Status.PASS, "every account has events on every day of the period"
        yield EvidenceItem("delivering", verdict, says, repeat)
    count = sum(name != COVERAGE for name in found.answers.tables)
    unanswered = any(each.section == "activity" for each in found.answers.unchecked) or not count
    yield EvidenceItem(
        "asked",
        Status.UNPROVEN if unanswered else Status.PASS,
        f"{count} questions were put to the logs of the period, for this report",
        _EACH,
    )
    repeat = _EACH
    changed = changes(found.request.env, found.answers)
    if changed is None:
        yield EvidenceItem("untampered", Status.UNPROVEN, "the logs could not be asked", repeat)
        return
    events = once(changed)
    done = sum(each.is_done for each in events)
    says = f"changes of {EVIDENCE}: {done} made, {len(events) - done} refused"
    if done:
        says += "; a reader has to say whether they were meant"
    yield EvidenceItem("untampered", Status.UNPROVEN if done else Status.PASS, says, repeat)


def _from_aws(found: Evidence) -> Iterator[EvidenceItem]:
    guide = "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/"
    content = "cloudtrail-event-reference-record-contents.html"
    for name, says, page in (
        ("record-content", "each record has userIdentity, eventName, eventTime, sourceIPAddress "
         "and errorCode", content),
        ("time", "eventTime is in UTC, by AWS's clocks", content),
    ):  # fmt: skip
        yield EvidenceItem(name, Status.PASS, f"{says} ({_AWS_PART})", f"{guide}{page}")
    yield EvidenceItem("capacity", Status.PASS, "S3 has no limit of size; see the section of cost",
                f"orgtrail cost {found.request.file} --events-per-day N")  # fmt: skip


def _with_doctor(found: Evidence, piece: EvidenceItem, checks: tuple[str, ...]) -> EvidenceItem:
    """Replace a passing verdict with what the doctor found, if it ran."""
    if found.outcomes is None or piece.verdict is not Status.PASS:
        return piece
    about = [each for each in found.outcomes if each.check in checks]
    faults = [each.check for each in about if each.state is CheckState.FAULT]
    unchecked = [each.check for each in about if each.state is CheckState.UNCHECKED]
    repeat = f"{piece.repeat}; orgtrail doctor {found.request.file}"
    if faults:
        says = f"{piece.says}; but what runs differs: {', '.join(dict.fromkeys(faults))}"
        return EvidenceItem(piece.name, Status.FAIL, says, repeat)
    if unchecked:
        says = f"{piece.says}; not checked live: {', '.join(dict.fromkeys(unchecked))}"
        return EvidenceItem(piece.name, Status.UNPROVEN, says, repeat)
    return EvidenceItem(piece.name, piece.verdict, f"{piece.says}; so it runs", repeat)


def controls(found: Evidence, known: dict[str, EvidenceItem]) -> Json:
    """Return the controls section, from all evidence and its pieces by name."""
    rows = [*_technical(found.report, found.request.file), *_required(known)]
    said = Counter(each["verdict"] for each in rows)
    return {
        "counts": {str(word): said[word] for word in Status},
        "rows": rows,
        "evidence": {
            each.name: {"verdict": each.verdict, "says": each.says, "repeat": each.repeat}
            for each in known.values()
        },
    }


def unproven_controls(known: dict[str, EvidenceItem]) -> list[Unchecked]:
    """Return what could not be decided, each with the requirements that hang on it."""
    found = []
    for piece in known.values():
        asked = [
            f"{each.framework} {each.id}" for each in REQUIREMENTS if piece.name in each.evidence
        ]
        if piece.verdict is Status.UNPROVEN and asked:
            found.append(Unchecked("controls", ", ".join(asked), piece.says))
    return found


def numbered(report: Report, file: Path) -> list[tuple[str, str]]:
    """Return framework and number of each control that a report has."""
    return [
        *((each["framework"], each["id"]) for each in _technical(report, file)),
        *((each.framework, each.id) for each in REQUIREMENTS),
    ]


def _technical(report: Report, file: Path) -> list[Json]:
    """Return the controls of CIS and Security Hub; what both ask for is one row if both agree."""
    repeat = f"orgtrail check {file}"
    together: dict[tuple[str, Status], list[str]] = {}
    decided: dict[tuple[str, Status], str] = {}
    steps: dict[tuple[str, Status], str] = {}
    for each in report.controls:
        key = (each.title, each.verdict)
        together.setdefault(key, []).extend(each.ids)
        decided.setdefault(key, f"{each.resource}, set by {each.setting}")
        steps.setdefault(key, f"Set {each.setting} in {file.name}.")
    return [
        {
            "framework": _TECHNICAL,
            "id": ", ".join(ids),
            "title": title,
            "verdict": verdict,
            "severity": next((_SEVERITIES[each] for each in ids if each in _SEVERITIES), ""),
            "evidence": [decided[title, verdict]],
            "step": steps[title, verdict] if verdict is not Status.PASS else "",
            "repeat": [repeat],
        }
        for (title, verdict), ids in together.items()
    ]


def _required(known: dict[str, EvidenceItem]) -> list[Json]:
    rows = []
    for each in REQUIREMENTS:
        deciding = [known[name] for name in each.evidence]
        rows.append(
            {
                "framework": each.framework,
                "id": each.id,
                "title": each.title,
                "verdict": summed([piece.verdict for piece in deciding]),
                "severity": "",
                "evidence": [f"{piece.verdict}: {piece.says}" for piece in deciding],
                "step": " ".join(
                    dict.fromkeys(
                        _STEPS[piece.name]
                        for piece in deciding
                        if piece.verdict is not Status.PASS and piece.name in _STEPS
                    )
                ),
                "repeat": list(dict.fromkeys(piece.repeat for piece in deciding)),
            }
        )
    return rows
