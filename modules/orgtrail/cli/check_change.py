"""Changes of `orgtrail check --against` as text and JSON, and the exit code that they give."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.text import Text

from orgtrail.check.acceptance import Acceptances
from orgtrail.check.change import Change, ControlChange, DeliveryChange
from orgtrail.check.change_access import Access, Outcome
from orgtrail.check.change_kept import Kept
from orgtrail.check.findings import Finding, Severity
from orgtrail.errors import EXIT_BAD, EXIT_FAILED, EXIT_OK
from orgtrail.iam.evaluator import Decision

_LISTED = 3
"""The number of acts that a line names; --verbose and JSON name all."""
_STYLES = {
    Outcome.OPENED: "bold red",
    Outcome.UNPROVEN: "magenta",
    Outcome.CLOSED: "green",
    Outcome.CAME: "dim",
}


@dataclass(frozen=True)
class Line:
    """What several accesses or requests have in common, for people.

    Args:
        who: who asks.
        what: what is done to what, the first ones and how many more.
        before: what decided before.
        after: what decides now.
        lost: what does not arrive without it; empty for an access.

    """

    who: str
    what: str
    before: str
    after: str
    lost: str = ""


def exit_code(change: Change, accepted: Acceptances) -> int:
    """Return 1 for what got worse, 2 for what became unproven, else 0."""
    severities = {each.severity for each in open_findings(change, accepted)}
    is_worse = (
        change.of(Outcome.OPENED)
        or any(each.is_broken for each in change.deliveries)
        or change.lost
        or severities - {Severity.UNPROVEN}
    )
    if is_worse:
        return EXIT_BAD
    return EXIT_FAILED if change.became_unproven or severities else EXIT_OK


def open_findings(change: Change, accepted: Acceptances) -> list[Finding]:
    """Return the new findings that are not accepted."""
    return [each for each in change.new_findings if accepted.of(change.new, each) is None]


def summary(change: Change, accepted: Acceptances) -> str:
    """Return what changed in one sentence, what matters most first."""
    if change.is_nothing:
        return (
            "nothing changed: every access, delivery, control and finding is as before, and no "
            "resource differs"
        )
    new = open_findings(change, accepted)
    known = len(change.new_findings) - len(new)
    parts = [
        _counted(len(change.of(Outcome.OPENED)), "access", "newly allowed"),
        _counted(sum(each.is_broken for each in change.deliveries), "delivery", "broke"),
        _counted(len(change.lost), "part of the evidence", "got less"),
        _counted(len(new), "finding", "new"),
        _counted(
            len(change.of(Outcome.UNPROVEN))
            + sum(each.became_unproven for each in change.deliveries),
            "request",
            "became unproven",
        ),
        _counted(len(change.of(Outcome.CLOSED)), "access", "no longer allowed"),
        _counted(sum(each.is_mended for each in change.deliveries), "delivery", "was mended"),
        _counted(len(change.controls), "control", "with another verdict"),
        _counted(len(change.gone_findings), "finding", "gone"),
        _counted(known, "finding", "new and accepted"),
        _counted(len(change.kept) - len(change.lost), "part of the evidence", "got more"),
        _counted(len(change.others), "difference", "not judged"),
        _counted(len(change.of(Outcome.CAME)), "access", "new, as intended"),
    ]
    said = ", ".join(each for each in parts if each)
    return said or change.note or "only what nobody waits for is gone"


_PLURALS = {
    "access": "accesses", "delivery": "deliveries", "part of the evidence": "parts of the evidence",
}  # fmt: skip


def _counted(number: int, what: str, became: str) -> str:
    if not number:
        return ""
    plural = _PLURALS.get(what, f"{what}s")
    if became == "was mended" and number > 1:
        became = "were mended"
    return f"{number:,} {what if number == 1 else plural} {became}"


def lines(found: Iterable[Access], listed: int = _LISTED) -> list[Line]:
    """Return accesses by what is decided and why; who gets or loses the same is in one line."""
    by_who: dict[tuple[str, ...], list[str]] = {}
    for each in found:
        reasons = said(each.before), said(each.after)
        by_who.setdefault((each.kind, who(each), *reasons), []).append(act(each))
    alike: dict[tuple[str, ...], list[str]] = {}
    for (_, name, *decided), acts in by_who.items():
        alike.setdefault((_listing(acts, listed), *decided), []).append(name)
    return [
        Line("; ".join(names), acts, before, after)
        for (acts, before, after), names in alike.items()
    ]


def delivery_lines(found: Iterable[DeliveryChange], listed: int = _LISTED) -> list[Line]:
    """Return requests of deliveries by flow and reason, each group in one line."""
    groups: dict[tuple[str, ...], list[DeliveryChange]] = {}
    for each in found:
        one = each.delivery
        reasons = said(each.before), said(each.after)
        groups.setdefault((one.who, one.lost, *reasons), []).append(each)
    return [
        Line(
            name,
            _listing((f"{one.delivery.action} on {one.delivery.resource}" for one in group),
                     listed),
            before,
            after,
            lost,
        )
        for (name, lost, before, after), group in groups.items()
    ]  # fmt: skip


def who(access: Access) -> str:
    """Return who asks, with the condition keys that it states; never their values."""
    name = access.who.removesuffix(",")
    return f"{name}, stating {', '.join(access.states)}" if access.states else name


def act(access: Access) -> str:
    """Return what is done, as a line lists it; an act of the matrix says to what."""
    if access.act:
        return f"{access.act} ({access.action})"
    return f"{access.action} on {access.resource}"


def said(decision: Decision | None) -> str:
    """Return a decision with the statement that made it."""
    return "not there" if decision is None else f"{decision.verdict}: {decision.statement}"


def _listing(texts: Iterable[str], listed: int) -> str:
    named = list(dict.fromkeys(texts))
    more = len(named) - listed
    return ", ".join(named[:listed]) + (f" and {more} more" if more > 0 else "")


def show(change: Change, accepted: Acceptances, *, verbose: bool) -> None:
    """Print a change; with `verbose` every access of it."""
    console = Console(width=None if sys.stdout.isatty() else 120, highlight=False)
    listed = sys.maxsize if verbose else _LISTED

    def section(title: str, found: Iterable[str], style: str = "") -> None:
        for number, text in enumerate(found):
            if not number:
                console.print(Text(title, style or "bold"))
            console.print(Text(f"  {text}"), soft_wrap=True)

    name = Text(change.new.name, "bold")
    told = f" ({change.new.path}) against {change.old.path}: {summary(change, accepted)}."
    console.print(Text.assemble(name, told), soft_wrap=True)
    if change.note:
        console.print(Text(f"Note: {change.note}"), soft_wrap=True)
    broken = [each for each in change.deliveries if each.is_broken]
    unproven = [each for each in change.deliveries if each.became_unproven]
    mended = [each for each in change.deliveries if each.is_mended]
    gone = [each for each in change.deliveries if each.after is None and not each.is_broken]
    section("Newly allowed", _access_texts(change, Outcome.OPENED, listed), "bold red")
    section("Does not arrive any more", _delivery_texts(broken, listed), "bold red")
    section("Less is kept, recorded or guarded", map(kept_text, change.lost), "bold red")
    section("New findings", _finding_texts(change, accepted), "bold red")
    section(
        "Became unproven",
        (*_access_texts(change, Outcome.UNPROVEN, listed), *_delivery_texts(unproven, listed)),
        "magenta",
    )
    section("No longer allowed", _access_texts(change, Outcome.CLOSED, listed), "green")
    section("Arrives again", _delivery_texts(mended, listed), "green")
    section("Nobody asks for it any more", _delivery_texts(gone, listed), "dim")
    more = [each for each in change.kept if each not in change.lost]
    section("More is kept, recorded or guarded", map(kept_text, more), "green")
    section("Controls with another verdict", map(control_text, change.controls))
    section(
        "Findings that are gone",
        (f"{each.rule} · {each.setting}: {each.message}" for each in change.gone_findings),
        "green",
    )
    section("Different too, and not judged", _first(change.others, None if verbose else _LISTED))
    if verbose:
        section("New, as intended", _access_texts(change, Outcome.CAME, listed), "dim")


def _access_texts(change: Change, outcome: Outcome, listed: int) -> Iterator[str]:
    for each in lines(change.of(outcome), listed):
        yield f"{each.who}: {each.what}; before {each.before}; now {each.after}"


def _delivery_texts(found: Iterable[DeliveryChange], listed: int) -> Iterator[str]:
    for each in delivery_lines(found, listed):
        yield f"{each.who}: {each.lost}: {each.what}; before {each.before}; now {each.after}"


def _finding_texts(change: Change, accepted: Acceptances) -> Iterator[str]:
    for each in change.new_findings:
        severity = "accepted" if accepted.of(change.new, each) else str(each.severity)
        yield f"{severity:9} {each.rule} · {each.setting}: {each.message}"


def kept_text(each: Kept) -> str:
    """Return what there is less or more of, with both amounts."""
    if each.before and each.after:
        return f"{each.what}: {each.before} before, {each.after} now"
    return f"{each.what}: {'no longer' if each.before else 'now'} {each.before or each.after}"


def _first(texts: Sequence[str], most: int | None) -> Iterator[str]:
    yield from texts[:most]
    if most is not None and len(texts) > most:
        yield f"and {len(texts) - most:,} more: --verbose lists them"


def control_text(control: ControlChange) -> str:
    """Return a control with both verdicts."""
    before, after = control.before or "not there", control.after or "not there"
    return f"{', '.join(control.ids)}: {control.title}: {before} before, {after} now"


def as_json(change: Change, accepted: Acceptances) -> dict[str, Any]:
    """Return a change as JSON values."""
    return {
        "name": change.new.name,
        "old": str(change.old.path),
        "new": str(change.new.path),
        "summary": summary(change, accepted),
        "note": change.note,
        "accesses": [_access_json(each) for each in change.accesses],
        "deliveries": [_delivery_json(each) for each in change.deliveries],
        "kept": [
            {"what": e.what, "amount": e.amount, "before": e.before, "after": e.after}
            for e in change.kept
        ],
        "others": change.others,
        "controls": [
            {
                "ids": each.ids,
                "title": each.title,
                "resource": each.resource,
                "before": each.before,
                "after": each.after,
            }
            for each in change.controls
        ],
        "new_findings": [
            {**_finding_json(each), "accepted": accepted.of(change.new, each) is not None}
            for each in change.new_findings
        ],
        "gone_findings": [_finding_json(each) for each in change.gone_findings],
    }


def _access_json(access: Access) -> dict[str, Any]:
    return {
        "outcome": access.outcome,
        "kind": access.kind,
        "principal": access.principal,
        "who": access.who,
        "act": access.act,
        "action": access.action,
        "resource": access.resource,
        "states": access.states,
        "intended": access.is_intended,
        "before": _decision_json(access.before),
        "after": _decision_json(access.after),
    }


def _delivery_json(change: DeliveryChange) -> dict[str, Any]:
    one = change.delivery
    states = {"broken": change.is_broken, "unproven": change.became_unproven}
    states["mended"] = change.is_mended
    return {
        "outcome": next((name for name, is_so in states.items() if is_so), "gone"),
        "who": one.who,
        "lost": one.lost,
        "address": one.address,
        "action": one.action,
        "resource": one.resource,
        "before": _decision_json(change.before),
        "after": _decision_json(change.after),
    }


def _decision_json(decision: Decision | None) -> dict[str, str] | None:
    if decision is None:
        return None
    return {"decision": decision.verdict, "statement": decision.statement}


def _finding_json(finding: Finding) -> dict[str, Any]:
    return {
        "severity": finding.severity,
        "rule": finding.rule,
        "setting": finding.setting,
        "message": finding.message,
    }
