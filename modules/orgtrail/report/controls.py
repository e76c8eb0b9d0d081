"""The section of controls: CIS and Security Hub one by one, and the requirements of frameworks."""

from __future__ import annotations

from collections import Counter

from orgtrail.proof.controls import Answer
from orgtrail.report.asking import Json
from orgtrail.report.evidence import Found, Piece, pieces, summed
from orgtrail.report.frameworks import REQUIREMENTS


def controls(found: Found) -> Json:
    """Return the section."""
    known = pieces(found)
    rows = [*_technical(found), *_required(known)]
    said = Counter(each["verdict"] for each in rows)
    return {
        "counts": {str(word): said[word] for word in Answer},
        "rows": rows,
        "evidence": {
            each.name: {"verdict": each.verdict, "says": each.says, "repeat": each.repeat}
            for each in known.values()
        },
    }


def _technical(found: Found) -> list[Json]:
    repeat = f"orgtrail check {found.asked.file}"
    return [
        {
            "framework": "CIS v3, v5" if name.startswith("CIS") else "Security Hub",
            "id": name.removeprefix("CIS "),
            "title": each.title,
            "verdict": each.verdict,
            "evidence": [f"{each.resource}, set by {each.setting}"],
            "repeat": [repeat],
        }
        for each in found.report.controls
        for name in each.ids
    ]


def _required(known: dict[str, Piece]) -> list[Json]:
    rows = []
    for each in REQUIREMENTS:
        deciding = [known[name] for name in each.evidence]
        rows.append(
            {
                "framework": each.framework,
                "id": each.id,
                "title": each.title,
                "verdict": summed([piece.verdict for piece in deciding]),
                "evidence": [f"{piece.verdict}: {piece.says}" for piece in deciding],
                "repeat": list(dict.fromkeys(piece.repeat for piece in deciding)),
            }
        )
    return rows
