"""The page of a report: one HTML file that loads nothing and runs only its own script.

Log content is hostile: callers of the API control user agents, session names and error messages.
Jinja2 escapes every value, control and bidirectional characters are written out, and the content
security policy admits only the page's own script and style, by their hashes.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from orgtrail.report.pictures import growth, heat_map, timeline

Json = dict[str, Any]
SHOWN = 200
"""How many rows of a table the page shows; the JSON has the others."""
_MAX_CHARACTERS = 300
"""How many characters of a value the page shows."""
_LONG_COLUMNS = {
    "principal", "caller", "origin", "role_arn", "path", "target", "applies_to", "table_name",
    "query_text", "bucket", "kms_key", "policy", "trusts",
}  # fmt: skip
_SHORT_ENDS = ("_ip", "_id", "_day", "_region", "_key", "_account")
_TIME_ENDS = ("_time", "_failure", "started", "ended")
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff]"
)
"""Control characters, and characters that hide or reverse text."""


_ON_PAPER = """
@page {{
  @bottom-left {{ content: "report.json, SHA-256 {sha256}"; font: 7pt monospace; }}
  @bottom-right {{ content: "page " counter(page) " of " counter(pages); font: 8pt sans-serif; }}
}}
"""
"""What stands on each printed page.
https://developer.mozilla.org/en-US/docs/Web/CSS/@page#margin_at-rules"""


def render(report: Json, sha256: str = "") -> str:
    """Return the page's HTML.

    Args:
        report: the report from `compose`.
        sha256: the hash of its JSON file, in hexadecimal; it stands on each printed page.

    """
    folder = files(__name__.rpartition(".")[0]) / "templates"
    style = (folder / "page.css").read_text(encoding="utf-8") + _ON_PAPER.format(sha256=sha256)
    script = (folder / "page.js").read_text(encoding="utf-8")
    made = Environment(
        loader=PackageLoader("orgtrail.report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "cut": cut, "number": number, "kind": kind, "filled": filled, "parted": parted,
        "sentence": sentence, "numeric": numeric,
    }  # fmt: skip
    made.globals |= {"shown": SHOWN}
    return made.get_template("page.html.j2").render(
        r=report,
        sha256=sha256,
        # Only our own files are not escaped.
        style=Markup(style),  # noqa: S704
        script=Markup(script),  # noqa: S704
        style_hash=_hash(style),
        script_hash=_hash(script),
        heat=heat_map(report["coverage"]) if report["coverage"] else None,
        growth=growth(report["cost"]) if report["cost"] else None,
        frameworks=frameworks(report["controls"]["rows"]),
        timeline=timeline(report["happened"]["timeline"]) if report["happened"] else None,
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
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, int | float):
        return cut(value)
    return f"{value:,.2f}" if value % 1 else f"{int(value):,}"


def kind(column: str) -> str:
    """Return how a column's values wrap: `short` never, `long` anywhere, `time` once.

    A `name` wraps if it is long.
    """
    if column in _LONG_COLUMNS:
        return "long"
    if column.endswith(_TIME_ENDS):
        return "time"
    if column in ("person", "event_name", "event_source"):
        return "name"
    return "short" if column.endswith(_SHORT_ENDS) else ""


def parted(value: object) -> Markup:
    """Return a value that may break after each colon and slash, as ARNs are read."""
    # As str: `Markup` would escape the breaks too.
    return Markup(re.sub("([:/])(?=.)", r"\1<wbr>", str(escape(visible(cut(value))))))  # noqa: S704


def sentence(value: object) -> Markup:
    """Return a sentence of ours in which names stand between backticks, with those as code."""
    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", str(escape(visible(value)))))  # noqa: S704


def filled(answer: Json) -> list[str]:
    """Return the columns that have a value in at least one row that the page shows."""
    rows = answer["rows"][:SHOWN]
    return [each for each in answer["columns"] if any(row[each] is not None for row in rows)]


def numeric(answer: Json, column: str) -> bool:
    """Return whether a column has numbers, which stand on the right."""
    found = [row[column] for row in answer["rows"][:SHOWN] if row[column] is not None]
    return all(isinstance(each, int | float) and not isinstance(each, bool) for each in found)


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


_ORDER = ("fail", "unproven", "pass", "off")
"""The verdicts of controls, those that need a reader first."""


_EDITIONS = {
    "HIPAA": "HIPAA, 45 CFR 164",
    "PCI DSS": "PCI DSS v4.0.1",
    "NIST 800-53": "NIST SP 800-53 rev. 5",
    "SOC 2": "SOC 2, Trust Services Criteria 2017",
}
"""Frameworks with the edition whose numbers the report uses."""


def frameworks(rows: Iterable[Json]) -> list[Json]:
    """Return the controls by framework: what needs a reader first, and what is off by itself."""
    groups: dict[str, list[Json]] = {}
    for each in rows:
        groups.setdefault(each["framework"], []).append(each)
    return [
        {
            "name": name,
            "edition": _EDITIONS.get(name, name),
            "slug": re.sub(r"[^a-z0-9]+", "-", name.lower()),
            "counts": [
                (verdict, count)
                for verdict in _ORDER
                if (count := sum(each["verdict"] == verdict for each in group))
            ],
            "rows": sorted(
                (each for each in group if each["verdict"] != "off"),
                key=lambda each: _ORDER.index(each["verdict"]),
            ),
            "off": [each for each in group if each["verdict"] == "off"],
            "repeat": list(dict.fromkeys(one for each in group for one in each["repeat"])),
        }
        for name, group in groups.items()
    ]


def matrix(access: Json) -> Json:
    """Return the matrix of attacks by principals; a cell's sign says may, may not or wrong.

    Its `alike` are rows too, one for all acts that the same principals may do; those with
    something wrong come first.
    """
    cells = {(each["principal"], each["act"]): each for each in access["cells"]}
    rows = [
        {
            "act": act,
            "cells": [_sign(cells.get((each["id"], act))) for each in access["principals"]],
        }
        for act in access["acts"]
    ]
    alike: dict[str, Json] = {}
    for row in rows:
        signs = "".join(one["sign"] or " " for one in row["cells"])
        alike.setdefault(signs, {"acts": [], "cells": row["cells"]})["acts"].append(row["act"])
    return {
        "principals": [each["title"] for each in access["principals"]],
        "rows": rows,
        "alike": [alike[signs] for signs in sorted(alike, key=lambda each: WRONG not in each)],
    }


WRONG = "‼"
"""The sign of an access that is not as intended."""


def _sign(cell: Json | None) -> Json:
    if cell is None:
        return {"kind": "none", "sign": "", "says": "not asked"}
    if not cell["agrees"]:
        return {"kind": "wrong", "sign": WRONG, "says": f"{cell['decision']}, not as intended"}
    if cell["decision"] == "may":
        return {"kind": "may", "sign": "●", "says": "may"}
    return {"kind": "not", "sign": "·", "says": "may not"}
