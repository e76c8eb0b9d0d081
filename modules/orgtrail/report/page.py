"""The page of a report: one HTML file that loads nothing and runs only its own script.

Log content is hostile: callers of the API control user agents, session names and error messages.
Jinja2 escapes every value, control and bidirectional characters are written out, and the content
security policy admits only the page's own script and style, by their hashes.
"""

from __future__ import annotations

import base64
import hashlib
import math
import re
from collections.abc import Iterable, Iterator
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from orgtrail.cost.estimate import year_ends

Json = dict[str, Any]
SHOWN = 200
"""How many rows of a table the page shows; the JSON has the others."""
_MAX_CHARACTERS = 300
"""How many characters of a value the page shows."""
_LONG_COLUMNS = {
    "principal", "role_arn", "target", "applies_to", "table_name", "query_text", "bucket",
    "kms_key",
}  # fmt: skip
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff]"
)
"""Control characters, and characters that hide or reverse text."""


def render(report: Json) -> str:
    """Return the page's HTML.

    Args:
        report: the report from `compose`.

    """
    folder = files(__name__.rpartition(".")[0]) / "templates"
    style = (folder / "page.css").read_text(encoding="utf-8")
    script = (folder / "page.js").read_text(encoding="utf-8")
    made = Environment(
        loader=PackageLoader("orgtrail.report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"cut": cut, "number": number, "kind": kind, "filled": filled}
    made.globals |= {"shown": SHOWN}
    return made.get_template("page.html.j2").render(
        r=report,
        # Only our own files are not escaped.
        style=Markup(style),  # noqa: S704
        script=Markup(script),  # noqa: S704
        style_hash=_hash(style),
        script_hash=_hash(script),
        heat=heat_map(report["coverage"]) if report["coverage"] else None,
        growth=growth(report["cost"]) if report["cost"] else None,
        matrix=matrix(report["access"]) if report["access"]["cells"] else None,
        statements=list(_statements(report["access"]["cells"])),
    )


def visible(value: object) -> object:
    """Write out characters that hide or reverse text; Jinja2 calls this for every output."""
    if value is None:
        return ""
    if isinstance(value, Markup):
        return value
    return _HIDDEN.sub(lambda each: f"\\u{ord(each[0]):04x}", str(value))


def cut(value: object) -> str:
    """Return a value as text, cut to a readable length."""
    text = "" if value is None else str(value)
    return (
        text
        if len(text) <= _MAX_CHARACTERS
        else f"{text[:_MAX_CHARACTERS]}… ({len(text):,} characters)"
    )


def number(value: object) -> str:
    """Return a number with thousands separators; other values as text."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return cut(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"


def kind(column: str) -> str:
    """Return how a column's values wrap: `short` never, `long` anywhere, `time` once."""
    if column in _LONG_COLUMNS:
        return "long"
    if column.endswith("_time"):
        return "time"
    return "short" if column.endswith(("_ip", "_id", "_day")) else ""


def filled(answer: Json) -> list[str]:
    """Return the columns that have a value in at least one row that the page shows."""
    rows = answer["rows"][:SHOWN]
    return [each for each in answer["columns"] if any(row[each] is not None for row in rows)]


def _statements(cells: Iterable[Json]) -> Iterator[Json]:
    """Yield each deciding statement with its accesses, those that are not as intended first."""
    together: dict[tuple[str, str, bool], list[str]] = {}
    for each in cells:
        key = (each["decision"], each["statement"], each["agrees"])
        together.setdefault(key, []).append(f"{each['principal']}: {each['act']}")
    for (decision, statement, agrees), about in sorted(
        together.items(), key=lambda each: (each[0][2], each[0][0], each[0][1])
    ):
        yield {"decision": decision, "statement": statement, "agrees": agrees, "about": about}


def _hash(text: str) -> str:
    """Return the CSP source expression for an inline text."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


CELL, LABEL, TOP = 26, 190, 78
"""Size of a cell, and the space for names on the left and days at the top."""
_SHADES = 5
_WIDTH, _HEIGHT, _LEFT, _FOOT = 720, 240, 70, 46


def heat_map(coverage: Json) -> Json:
    """Return the heat map of accounts by days, shaded by the logarithm of the event counts."""
    picture = coverage["picture"]
    columns, most = picture["columns"], 1
    for row in picture["cells"]:
        most = max(most, *row["counts"], 1)
    width = CELL if len(columns) <= 40 else max(7, 1040 // len(columns))
    names = {each["id"]: each for each in coverage["accounts"]}
    cells, rows = [], []
    for place, row in enumerate(picture["cells"]):
        about = names[row["account"]]
        name = about["name"] or ("not in the file" if not about["in_file"] else "")
        rows.append({"y": TOP + place * CELL + 17, "text": f"{row['account']} {name}"[:28]})
        for number, (count, silent) in enumerate(zip(row["counts"], row["silent"], strict=True)):
            cells.append(
                {
                    "x": LABEL + number * width,
                    "y": TOP + place * CELL,
                    "shade": _shade(count, most),
                    "text": short(count) if width == CELL else "",
                    "dark": _shade(count, most) > 2,
                    "says": f"{row['account']} {name}, {columns[number]}: {count:,} events"
                    + (f", {silent} silent days" if silent and count else ""),
                }
            )
    step = max(1, math.ceil(16 / width))
    return {
        "width": LABEL + len(columns) * width + 40,
        "height": TOP + len(rows) * CELL + 8,
        "cell": CELL,
        "cell_width": width,
        "rows": rows,
        "days": [
            {"x": LABEL + number * width + width // 2 + 4, "y": TOP - 6, "text": day}
            for number, day in enumerate(columns)
            if number % step == 0
        ],
        "cells": cells,
    }


def growth(cost: Json) -> Json:
    """Return the chart of stored data: a bar for each year, split by storage class."""
    months = year_ends(cost["months"])
    classes = ("standard_gb", "glacier_gb", "deep_archive_gb")
    most = max(sum(each[name] for name in classes) for each in months) or 1.0
    space = (_WIDTH - _LEFT - 20) / len(months)
    wide = min(54.0, space * 0.7)
    bars = []
    for number, each in enumerate(months):
        x, base = _LEFT + number * space + (space - wide) / 2, float(_HEIGHT - _FOOT)
        parts = []
        for name in classes:
            tall = each[name] / most * (_HEIGHT - _FOOT - 34)
            base -= tall
            if tall > 0:
                parts.append({"class": name.removesuffix("_gb"), "y": round(base, 1),
                              "height": round(tall, 1)})  # fmt: skip
        age = each["month"] / 12
        bars.append(
            {
                "x": round(x, 1),
                "middle": round(x + wide / 2, 1),
                "width": round(wide, 1),
                "parts": parts,
                "top": round(base - 6, 1),
                "total": f"{sum(each[name] for name in classes):,.1f} GB",
                "label": f"year {age:.0f}" if each["month"] % 12 == 0 else f"{age:.1f} years",
                "cost": f"{each['total']:,.2f} a month",
            }
        )
    floor = _HEIGHT - _FOOT
    return {"width": _WIDTH, "height": _HEIGHT, "bars": bars, "floor": floor, "years": months}


def matrix(access: Json) -> Json:
    """Return the matrix of attacks by principals; a cell's sign says may, may not or wrong."""
    cells = {(each["principal"], each["act"]): each for each in access["cells"]}
    return {
        "principals": [each["title"] for each in access["principals"]],
        "rows": [
            {
                "act": act,
                "cells": [_sign(cells.get((each["id"], act))) for each in access["principals"]],
            }
            for act in access["acts"]
        ],
    }


def _sign(cell: Json | None) -> Json:
    if cell is None:
        return {"kind": "none", "sign": "", "says": "not asked"}
    if not cell["agrees"]:
        return {"kind": "wrong", "sign": "‼", "says": f"{cell['decision']}, not as intended"}
    if cell["decision"] == "may":
        return {"kind": "may", "sign": "●", "says": "may"}
    return {"kind": "not", "sign": "·", "says": "may not"}


def _shade(count: int, most: int) -> int:
    """Return 0 for no events, else 1 to 5 on a logarithmic scale."""
    if not count:
        return 0
    if most <= 1:
        return 1
    return 1 + min(_SHADES - 1, int(math.log(count) / math.log(most) * _SHADES))


def short(count: int) -> str:
    """Format a count in at most four characters: 950, 1.2k, 34k, 1.2M."""
    for size, unit in ((10**9, "G"), (10**6, "M"), (1000, "k")):
        if count >= size * 0.9995:
            value = count / size
            return f"{value:.1f}{unit}" if value < 9.95 else f"{value:.0f}{unit}"
    return str(count)
