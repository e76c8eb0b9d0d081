"""The sections of a report on deployment, coverage, access and integrity."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import chain

from orgtrail import naming
from orgtrail.check.run import Report
from orgtrail.doctor.calls import AwsReader, Clients
from orgtrail.doctor.model import CheckState, Outcome, summed_up
from orgtrail.doctor.run import run_checks
from orgtrail.errors import OrgtrailError
from orgtrail.iam.evaluator import Verdict
from orgtrail.logs.bounds import stamp
from orgtrail.report.model import KEPT, Answers, Json, OnProgress, ReportRequest, Unchecked
from orgtrail.report.questions import COVERAGE, recorded_data
from orgtrail.settings.environment import Environment
from orgtrail.trail import build
from orgtrail.trail.resource import Resource
from orgtrail.verify.result import Progress, Result
from orgtrail.verify.run import verify
from orgtrail.verify.storage.folder import PUBLIC_KEYS_FILE

_SHOWN_KINDS = {
    "aws_cloudtrail": ("Organization trail", "name"),
    "aws_s3_bucket": ("Bucket", "bucket"),
    "aws_kms_alias": ("Key", "name"),
    "aws_organizations_policy": ("Control policy", "name"),
    "aws_cloudwatch_log_group": ("Log group", "name"),
    "aws_glue_catalog_table": ("Table", "name"),
    "aws_athena_workgroup": ("Workgroup", "name"),
    "aws_iam_role": ("Role", "name"),
}
"""The kinds of resource that an auditor asks about, with their name attribute."""
_RESOURCE_ORDER = (
    "key", "archive", "archive_access_logs", "catalog_results", "guardduty_findings",
    "guardduty_key_alias", "trail_topic_key_alias", "trail", "delivery_log_group", "delivery_role",
    "guardrails", "catalog_table", "catalog_workgroup", "catalog_compaction", "verification",
    "auditor", "siem_reader", "alarms_key_alias", "alarms_chat", "siem_key_alias",
)  # fmt: skip
"""Order of the resources, by name or prefix in the stack: what keeps the evidence comes first."""


def deployed(request: ReportRequest, outcomes: list[Outcome] | None) -> Json:
    """Return the section on deployment; `outcomes` is None if the doctor did not run."""
    env = request.env
    return {
        "live": outcomes is not None,
        "verdict": summed_up(outcomes) if outcomes is not None else "",
        "accounts": [
            {"id": each.id, "name": name, "role": _role(name)}
            for name, each in env.accounts.items()
        ],
        "parts": _parts(env),
        "facts": _facts(env),
        "checks": [each.as_json() for each in outcomes or ()],
        "repeat": f"orgtrail doctor {request.file}{request.access}",
    }


def examine_live(request: ReportRequest, progress: OnProgress) -> list[Outcome] | None:
    """Run the doctor's checks, unless the report is over a copy of the logs."""
    if request.logs:
        return None
    aws = AwsReader(request.env, Clients(request.env, request.role, request.profile).call)
    return run_checks(request.env, lambda each: progress(f"{each.check} checked"), aws)


def unknown_deployment(outcomes: list[Outcome] | None) -> list[Unchecked]:
    """Return what is unknown about the deployment."""
    if outcomes is None:
        why = "the report was made from a copy of the logs (--logs): what runs was not asked"
        return [Unchecked("deployed", "that the deployment is as the file declares it", why)]
    reasons: dict[str, list[str]] = {}
    for each in outcomes:
        if each.state is CheckState.UNCHECKED:
            reasons.setdefault(each.reason, []).append(f"{each.check} of {each.subject.account}")
    return [
        Unchecked("deployed", ", ".join(dict.fromkeys(names)), why)
        for why, names in reasons.items()
    ]


def _parts(env: Environment) -> list[Json]:
    named = (each for each in build(env).resources if each.kind in _SHOWN_KINDS)
    found = []
    for resource in sorted(named, key=_rank):
        what, attribute = _SHOWN_KINDS[resource.kind]
        found.append(
            {
                "what": what,
                "name": resource.text(attribute),
                "account": resource.provider.account,
                "region": resource.region,
            }
        )
    return found


def _rank(resource: Resource) -> int:
    name = resource.address.rpartition(".")[2]
    exact = (place for place, each in enumerate(_RESOURCE_ORDER) if name == each)
    begun = (place for place, each in enumerate(_RESOURCE_ORDER) if name.startswith(each))
    return next(chain(exact, begun), len(_RESOURCE_ORDER))


def _facts(env: Environment) -> list[Json]:
    """Return the main facts, which auditors read first."""
    archive, keep = env.archive, env.archive.expire_after_days
    lock = archive.object_lock
    facts = {
        "Trail": naming.trail_arn(env),
        "Records": _recorded_events(env),
        "Archive": f"s3://{archive.bucket}/{env.organization_prefix}",
        "Kept": f"{keep:,} days" if keep else "for ever",
        "Lock": f"{lock.mode}, {lock.days:,} days" if lock else "none",
        "Encryption": env.adopt.referenced_key or f"KMS, {env.key.alias}",
        "Guardrails": f"service control policy on {', '.join(env.policy_targets)}"
        if env.policy_targets
        else "none",
        "Streamed to": env.delivery.log_group if env.delivery.enabled else "nothing",
        "Searched by": f"Athena, {env.catalog.database}.{env.catalog.table}",
    }
    return [{"fact": name, "value": value} for name, value in facts.items()]


def _recorded_events(env: Environment) -> str:
    """Describe the recorded events."""
    data = recorded_data(env)
    more = [data] if data else []
    if env.recording and env.recording.archive_access:
        more.append("every access to the archive")
    if env.trail.insights:
        more.append("Insights")
    where = "in every region" if env.trail.multi_region else "in its home region"
    return " and ".join([f"management events of every account, {where}", *more])


def _role(name: str) -> str:
    return {"management": "owns the trail", "logging": "keeps the evidence"}.get(name, "recorded")


_MAX_COLUMNS = 130
"""Most columns of the heat map; in longer periods a column is a week or a month."""


def coverage(request: ReportRequest, answers: Answers) -> Json | None:
    """Return the coverage section, None if the logs could not be queried."""
    if COVERAGE not in answers.tables:
        return None
    found: dict[tuple[str, str], Json] = {}
    for row in answers.tables[COVERAGE].dicts():
        found[str(row["account"]), str(row["event_day"])] = row
    names = {each.id: name for name, each in request.env.accounts.items()}
    days = list(_days(request.since, request.until))
    whole = [day for day in days if _is_whole(request, day)]
    accounts = sorted({*names, *(account for account, _ in found)})
    return {
        "repeat": f"orgtrail query run {COVERAGE} {request.options}",
        "accounts": [
            {
                "id": account,
                "name": names.get(account, ""),
                "in_file": account in names,
                "events": sum(_count(found, account, day) for day in days),
                "days": {
                    f"{day}": {
                        "events": _count(found, account, day),
                        "hours": int(found.get((account, f"{day}"), {}).get(
                            "hours_with_events", 0)),
                    }
                    for day in days
                },
                "silent": _silences(found, account, whole),
            }
            for account in accounts
        ],
        "picture": _picture(found, accounts, days),
        "events": sum(int(row["events"]) for row in found.values()),
        "data_events": sum(int(row["data_events"]) for row in found.values()),
        "bytes": answers.volume.bytes if answers.volume else None,
        "files": answers.volume.files if answers.volume else None,
        "days": len(days),
        "whole_days": len(whole),
    }  # fmt: skip


def silent_days(section: Json) -> int:
    """Count the days without an event, over all accounts of the file."""
    return sum(
        span["days"] for each in section["accounts"] if each["in_file"] for span in each["silent"]
    )


def absent(section: Json) -> list[str]:
    """Return the accounts of the file that have no event in the entire period."""
    return [each["id"] for each in section["accounts"] if each["in_file"] and not each["events"]]


def _count(found: dict[tuple[str, str], Json], account: str, day: date) -> int:
    return int(found.get((account, f"{day}"), {}).get("events", 0))


def _days(since: datetime, until: datetime) -> Iterator[date]:
    day, last = since.astimezone(UTC).date(), (until - timedelta(microseconds=1)).date()
    while day <= last:
        yield day
        day += timedelta(days=1)


def _is_whole(request: ReportRequest, day: date) -> bool:
    """Return whether an entire day is in the period, and over: part of one is no silence."""
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    end = min(request.until, datetime.now(UTC))
    return request.since <= start and start + timedelta(days=1) <= end


def _silences(found: dict[tuple[str, str], Json], account: str, days: list[date]) -> list[Json]:
    """Return the spans of consecutive days without an event."""
    spans: list[Json] = []
    for day in days:
        if _count(found, account, day):
            continue
        if spans and spans[-1]["last"] == f"{day - timedelta(days=1)}":
            spans[-1]["last"] = f"{day}"
            spans[-1]["days"] += 1
        else:
            spans.append({"first": f"{day}", "last": f"{day}", "days": 1})
    return spans


def _picture(found: dict[tuple[str, str], Json], accounts: list[str], days: list[date]) -> Json:
    """Return columns and cells of the heat map, by day, or by week or month in long periods."""
    unit, label = _unit(len(days))
    columns: dict[str, list[date]] = defaultdict(list)
    for day in days:
        columns[label(day)].append(day)
    return {
        "unit": unit,
        "columns": list(columns),
        "cells": [
            {
                "account": account,
                "counts": [
                    sum(_count(found, account, day) for day in inside)
                    for inside in columns.values()
                ],
                "silent": [
                    sum(not _count(found, account, day) for day in inside)
                    for inside in columns.values()
                ],
            }
            for account in accounts
        ],
    }


def _unit(count: int) -> tuple[str, Callable[[date], str]]:
    if count <= _MAX_COLUMNS:
        return "day", str
    if count <= _MAX_COLUMNS * 7:
        return "week", lambda day: f"{day - timedelta(days=day.weekday())}"
    return "month", lambda day: f"{day:%Y-%m}"


def access(request: ReportRequest, report: Report) -> Json:
    """Return the section of the access matrix: principals by attacks."""
    acts = list(dict.fromkeys(each.attack.title for each in report.access))
    who = {each.principal.id: each.principal.title for each in report.access}
    return {
        "repeat": f"orgtrail check {request.file} --format json",
        "agree": sum(each.agrees for each in report.access),
        "total": len(report.access),
        "acts": acts,
        "principals": [{"id": name, "title": title} for name, title in who.items()],
        "cells": [
            {
                "principal": each.principal.id,
                "act": each.attack.title,
                "action": each.action,
                "resource": each.resource,
                "meant": each.expected,
                "decision": _decision_word(each.decision.verdict),
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


def integrity(request: ReportRequest, progress: OnProgress) -> tuple[Json, list[Unchecked]]:
    """Verify the period; return the integrity section, and what could not be proven."""
    env = request.env
    asked = naming.verify_request(env, request.since, request.until)
    asked = replace(asked, logs=request.logs, session=request.session)
    section = repeat(request)
    result, files = Result(), 0
    try:
        for event in verify(asked):
            result.add(event)
            if isinstance(event, Progress):
                files += event.files
                progress(f"{files:,} files verified")
    except OrgtrailError as error:
        return unproven(section, str(error))
    found = result.to_dict()
    found["kinds"] = dict(result.kinds)
    found["findings"] = found["findings"][:KEPT]
    missing_parts = []
    unread = result.digests.unread + result.logs.unread
    if unread:
        why = "they could not be read; the findings of the section say why"
        missing_parts.append(Unchecked("integrity", f"{unread:,} files", why))
    if result.verdict == "unproven" and not unread:
        kinds = ", ".join(f"{name} ({count})" for name, count in result.kinds.items())
        why = f"{kinds or 'there is no digest'}; the findings of the section say what to do"
        missing_parts.append(Unchecked("integrity", "a part of the period", why))
    known = f"{request.logs / PUBLIC_KEYS_FILE}" if request.logs else "CloudTrail's ListPublicKeys"
    return {**section, **found, "keys": known, "error": ""}, missing_parts


def unproven(section: Json, why: str) -> tuple[Json, list[Unchecked]]:
    """Return the integrity section if nothing could be verified."""
    missing = Unchecked("integrity", "whether every log file is intact", why)
    return {**section, "verdict": "unproven", "error": why}, [missing]


def repeat(request: ReportRequest) -> Json:
    """Return the start of the integrity section: the command that reproduces it."""
    where = f" --logs {request.logs}" if request.logs else ""
    return {
        "repeat": f"orgtrail verify --env {request.file}{where} --from {stamp(request.since)} "
        f"--to {stamp(request.until)}{request.access}"
    }


def _decision_word(verdict: Verdict) -> str:
    if verdict is Verdict.ALLOW:
        return "may"
    return "undecided" if verdict is Verdict.UNDECIDED else "may not"
