"""The sections of access and integrity: who may do what, and whether every file is as written."""

from __future__ import annotations

from collections.abc import Callable

from orgtrail import naming
from orgtrail.errors import OrgtrailError
from orgtrail.integrity.request import Request
from orgtrail.integrity.result import Progress, Result
from orgtrail.integrity.run import verify
from orgtrail.proof.check import Report
from orgtrail.proof.iam.evaluator import Verdict
from orgtrail.queries.bounds import stamp
from orgtrail.report.asking import KEPT, Asked, Json, Unchecked


def access(asked: Asked, report: Report) -> Json:
    """Return the access matrix: rows are principals, columns acts."""
    acts = list(dict.fromkeys(each.act.title for each in report.access))
    who = {each.principal.id: each.principal.title for each in report.access}
    return {
        "repeat": f"orgtrail check {asked.file} --format json",
        "agree": sum(each.agrees for each in report.access),
        "total": len(report.access),
        "acts": acts,
        "principals": [{"id": name, "title": title} for name, title in who.items()],
        "cells": [
            {
                "principal": each.principal.id,
                "act": each.act.title,
                "action": each.action,
                "resource": each.resource,
                "meant": each.expected,
                "decision": _word(each.decision.verdict),
                "agrees": each.agrees,
                "statement": each.decision.statement,
            }
            for each in report.access
        ],
        "limits": list(report.limits),
        "findings": [
            {"severity": f.severity, "rule": f.rule, "setting": f.setting, "message": f.message}
            for f in report.findings
        ],
    }


def integrity(asked: Asked, tell: Callable[[str], None]) -> tuple[Json, list[Unchecked]]:
    """Verify the period; return the section, and what could not be proven."""
    env = asked.env
    trail = naming.verified_trail(env)
    request = Request(
        trail,
        asked.since,
        asked.until,
        expected=dict.fromkeys(env.account_ids),
        logs=asked.logs,
        session=asked.session,
        **naming.verified_regions(env),
    )
    section = repeat(asked)
    result, files = Result(), 0
    try:
        for event in verify(request):
            result.add(event)
            if isinstance(event, Progress):
                files += event.files
                tell(f"{files:,} files verified")
    except OrgtrailError as error:
        return unproven(section, str(error))
    told = result.told()
    told["kinds"] = dict(result.kinds)
    told["findings"] = told["findings"][:KEPT]
    missing_parts = []
    unread = result.digests.unread + result.logs.unread
    if unread:
        why = "they could not be read; the findings of the section say why"
        missing_parts.append(Unchecked("integrity", f"{unread:,} files", why))
    if result.verdict == "unproven" and not unread:
        kinds = ", ".join(f"{name} ({count})" for name, count in result.kinds.items())
        why = f"{kinds or 'there is no digest'}; the findings of the section say what to do"
        missing_parts.append(Unchecked("integrity", "a part of the period", why))
    return {**section, **told, "error": ""}, missing_parts


def unproven(section: Json, why: str) -> tuple[Json, list[Unchecked]]:
    """Return the section where nothing could be verified."""
    missing = Unchecked("integrity", "whether every log file is intact", why)
    return {**section, "verdict": "unproven", "error": why}, [missing]


def repeat(asked: Asked) -> Json:
    """Return the beginning of the section: how to verify again."""
    where = f" --logs {asked.logs}" if asked.logs else ""
    return {
        "repeat": f"orgtrail verify --env {asked.file}{where} --from {stamp(asked.since)} "
        f"--to {stamp(asked.until)}{asked.access}"
    }


def _word(verdict: Verdict) -> str:
    if verdict is Verdict.ALLOW:
        return "may"
    return "undecided" if verdict is Verdict.UNDECIDED else "may not"
