"""The pictures of a report's page: rows over time, events by account and day, what is stored."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from orgtrail.cost.estimate import year_ends

Json = dict[str, Any]
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


_ROW, _SIDE, _STEP = 26, 70, 1000
"""Height of a severity's row, the space for its name, and the width of all columns, in pixels."""
_MOST_LABELS = 13


def timeline(found: Json) -> Json | None:
    """Return the rows over the period: a dot for each severity and column; None without any."""
    columns, rows = found["columns"], found["rows"]
    most = max((count for row in rows for count in row["counts"]), default=0)
    if not most:
        return None
    width = _STEP / len(columns)
    dots = [
        {
            "severity": row["severity"],
            "x": round(_SIDE + (place + 0.5) * width, 1),
            "y": _ROW * (number + 0.5),
            "size": round(3 + 7 * math.sqrt(count / most), 1),
            "says": f"{columns[place].replace('T', ' ')}{_hour(columns[place])}: {count:,} "
            f"row{'s' * (count != 1)}, {row['severity']}",
        }
        for number, row in enumerate(rows)
        for place, count in enumerate(row["counts"])
        if count
    ]
    return {
        # The last name of a column reaches beyond it.
        "width": _SIDE + _STEP + 40,
        "height": _ROW * len(rows) + 22,
        "left": _SIDE,
        "rows": [
            {"text": row["severity"], "y": _ROW * (number + 0.5)} for number, row in enumerate(rows)
        ],
        "columns": [
            {"x": round(_SIDE + (place + 0.5) * width, 1), "text": _short_time(columns[place])}
            for place in _some(columns)
        ],
        "dots": dots,
    }


def _some(columns: Sequence[str]) -> range:
    """Return the places of the columns that are named: all of a few, else evenly some."""
    return range(0, len(columns), max(1, math.ceil(len(columns) / _MOST_LABELS)))


def _hour(column: str) -> str:
    return ":00" if "T" in column else ""


def _short_time(column: str) -> str:
    day, _, hour = column.partition("T")
    return f"{day[5:]} {hour}:00" if hour else day
