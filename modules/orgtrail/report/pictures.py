"""Pictures of a report as shapes: what a template draws in SVG, with its words beside it.

Shades say how much, and never alone: each cell has its number or its words too, what is silent is
hatched, and the classes of storage differ by pattern.
"""

from __future__ import annotations

import math
from typing import Any

from orgtrail.costs.estimate import years

Json = dict[str, Any]

CELL, LABEL, TOP = 26, 190, 78
"""Size of a cell, room for names at the left, and for days above."""
_SHADES = 5
_WIDTH, _HEIGHT, _LEFT, _FOOT = 720, 240, 70, 46


def heat_map(coverage: Json) -> Json:
    """Return accounts by days: a cell for each, its shade by the logarithm of its events."""
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
    """Return what is stored year by year: a bar for each, with a part for each class."""
    months = years(cost["months"])
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
    """Return acts by principals, with a sign for each cell: may, may not, not as meant."""
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
        return {"kind": "wrong", "sign": "‼", "says": f"{cell['decision']}, not as meant"}
    if cell["decision"] == "may":
        return {"kind": "may", "sign": "●", "says": "may"}
    return {"kind": "not", "sign": "·", "says": "may not"}


def _shade(count: int, most: int) -> int:
    """Return 0 for nothing, else 1 to 5 by the logarithm."""
    if not count:
        return 0
    if most <= 1:
        return 1
    return 1 + min(_SHADES - 1, int(math.log(count) / math.log(most) * _SHADES))


def short(count: int) -> str:
    """Write a count in four characters at most: 950, 1.2k, 34k, 1.2M."""
    for size, unit in ((10**9, "G"), (10**6, "M"), (1000, "k")):
        if count >= size * 0.9995:
            value = count / size
            return f"{value:.1f}{unit}" if value < 9.95 else f"{value:.0f}{unit}"
    return str(count)
