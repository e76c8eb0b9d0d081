"""Changes of `orgtrail check --against` as Markdown, made to be a comment on a pull request.

The text comes from the files that are compared, which whoever opens the pull request may have
written: nothing of it may become markup, a mention or a reference.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from orgtrail.check.acceptance import Acceptances
from orgtrail.check.change import Change
from orgtrail.check.change_access import Outcome
from orgtrail.check.change_kept import Kept
from orgtrail.cli.check_change import (
    Line,
    delivery_lines,
    exit_code,
    lines,
    said,
    summary,
    who,
)
from orgtrail.errors import EXIT_BAD, EXIT_FAILED, EXIT_OK, printable

MOST = 60_000
"""Most characters; GitHub takes 65,536 in a comment."""
_FULL = 12
"""Most rows of a table that is not folded."""
_MARKUP = re.compile(r"([\\`*_\[\]|~!])")
_NAMES = re.compile(r"([@#])")
_VERDICTS = {
    EXIT_OK: "nothing got worse",
    EXIT_BAD: "look before you merge",
    EXIT_FAILED: "something cannot be proven any more",
}
_KEPT = ("what", "before", "now")
_ACCESS = ("who", "what", "before", "now")
_DELIVERY = ("who", "what does not arrive", "request", "before", "now")


def as_markdown(change: Change, accepted: Acceptances, most: int = MOST) -> str:
    """Return a change as Markdown: the summary first, then tables; long ones are folded.

    Args:
        change: the change.
        accepted: the findings that are accepted.
        most: the most characters; tables that do not fit are left out, and a line says so.

    """
    verdict = _VERDICTS[exit_code(change, accepted)]
    name, old, new = map(escaped, (change.new.name, str(change.old.path), str(change.new.path)))
    parts = [
        f"### orgtrail, {name}: {verdict}",
        f"{new} against {old}: {escaped(summary(change, accepted))}.",
    ]
    if change.note:
        parts.append(f"**Note:** {escaped(change.note)}")
    left_out = 0
    size = sum(map(len, parts))
    for each in filter(None, _sections(change, accepted)):
        # Room is left for the last line.
        if size + len(each) > most - 200:
            left_out += 1
            continue
        size += len(each) + 2
        parts.append(each)
    if left_out:
        tables = "1 table was" if left_out == 1 else f"{left_out} tables were"
        parts.append(f"{tables} too long for a comment: `--format json` has everything.")
    return "\n\n".join(parts) + "\n"


def not_compared(why: str) -> str:
    """Return the comment for files that could not be compared."""
    faults = "\n".join(f"- {escaped(each)}" for each in why.splitlines())
    return f"### orgtrail: nothing could be compared\n\n{faults}\n"


def _sections(change: Change, accepted: Acceptances) -> Iterable[str]:
    opened, unproven = change.of(Outcome.OPENED), change.of(Outcome.UNPROVEN)
    closed, came = change.of(Outcome.CLOSED), change.of(Outcome.CAME)
    flows = change.deliveries
    yield _table("Newly allowed", _ACCESS, _access_rows(lines(opened)))
    yield _table(
        "Does not arrive any more",
        _DELIVERY,
        _delivery_rows(delivery_lines(each for each in flows if each.is_broken)),
    )
    yield _table(
        "New findings",
        ("severity", "rule", "place", "finding"),
        [
            (
                "accepted" if accepted.of(change.new, each) else each.severity,
                each.rule,
                each.setting,
                each.message,
            )
            for each in change.new_findings
        ],
    )
    yield _table("Less is kept, recorded or guarded", _KEPT, _kept_rows(change.lost))
    yield _table("Became unproven", _ACCESS, _access_rows(lines(unproven)))
    yield _table(
        "Became unproven whether it arrives",
        _DELIVERY,
        _delivery_rows(delivery_lines(each for each in flows if each.became_unproven)),
    )
    yield _table(
        "Controls with another verdict",
        ("control", "asks for", "before", "now"),
        [
            (", ".join(each.ids), each.title, each.before or "-", each.after or "-")
            for each in change.controls
        ],
    )
    more = [each for each in change.kept if each not in change.lost]
    yield _table("More is kept, recorded or guarded", _KEPT, _kept_rows(more), is_folded=True)
    yield _table("No longer allowed", _ACCESS, _access_rows(lines(closed)), is_folded=True)
    yield _table(
        "Arrives again",
        _DELIVERY,
        _delivery_rows(delivery_lines(each for each in flows if each.is_mended)),
        is_folded=True,
    )
    yield _table(
        "Nobody asks for it any more",
        _DELIVERY,
        _delivery_rows(
            delivery_lines(each for each in flows if each.after is None and not each.is_broken)
        ),
        is_folded=True,
    )
    yield _table(
        "Findings that are gone",
        ("rule", "place", "finding"),
        [(each.rule, each.setting, each.message) for each in change.gone_findings],
        is_folded=True,
    )
    yield _table(
        "Different too, and not judged",
        ("what",),
        [(each,) for each in change.others],
        is_folded=True,
    )
    yield _table("New, as intended", _ACCESS, _access_rows(lines(came)), is_folded=True)
    yield _table(
        "Each access that is newly allowed or became unproven",
        ("who", "what", "resource", "before", "now"),
        [
            (who(each), each.act or each.action, each.resource, said(each.before), said(each.after))
            for each in (*opened, *unproven)
        ],
        is_folded=True,
    )


def _kept_rows(found: Iterable[Kept]) -> list[tuple[str, ...]]:
    return [(each.what, each.before or "-", each.after or "-") for each in found]


def _access_rows(found: Iterable[Line]) -> list[tuple[str, ...]]:
    return [(each.who, each.what, each.before, each.after) for each in found]


def _delivery_rows(found: Iterable[Line]) -> list[tuple[str, ...]]:
    return [(each.who, each.lost, each.what, each.before, each.after) for each in found]


def _table(
    title: str,
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    is_folded: bool = False,
) -> str:
    """Return a table below its title; folded if asked for, or if it is long; empty without rows."""
    if not rows:
        return ""
    body = "\n".join(
        f"| {' | '.join(cells)} |"
        for cells in (headings, ["---"] * len(headings), *(map(escaped, each) for each in rows))
    )
    if is_folded or len(rows) > _FULL:
        return f"<details><summary>{title} ({len(rows):,})</summary>\n\n{body}\n\n</details>"
    return f"**{title}**\n\n{body}"


def escaped(text: str) -> str:
    """Return text that Markdown shows as it is, in a cell of a table too."""
    text = printable(" ".join(text.split()))
    text = _MARKUP.sub(r"\\\1", text)
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # A comment keeps GitHub from reading a name as a mention, and a number as an issue.
    return _NAMES.sub(r"\1<!-- -->", text)
