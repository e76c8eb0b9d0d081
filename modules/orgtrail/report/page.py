"""The page of a report: one HTML file that loads nothing and runs nothing but its own script.

Log content is hostile: whoever calls the API writes user agents, session names and error messages.
Every value goes through Jinja2's escaping, controls and marks that turn text around are written
out, and the content security policy admits the page's own script and style by their hashes.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from orgtrail.report import pictures

Json = dict[str, Any]
SHOWN = 200
"""Rows of a table that the page has; the others are counted, and stand in the JSON."""
_LONGEST = 300
"""Characters of a value that the page has."""
_LONG = {"principal", "role_arn", "target", "applies_to", "table_name", "query_text", "bucket",
         "kms_key"}  # fmt: skip
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff]"
)
"""Controls, and marks that hide text or turn it around."""


def render(report: Json) -> str:
    """Return the page.

    Args:
        report: what `compose` returns.

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
        # Our own files: the only text that is not escaped.
        style=Markup(style),  # noqa: S704
        script=Markup(script),  # noqa: S704
        style_hash=_hash(style),
        script_hash=_hash(script),
        heat=pictures.heat_map(report["coverage"]) if report["coverage"] else None,
        growth=pictures.growth(report["cost"]) if report["cost"] else None,
        matrix=pictures.matrix(report["access"]) if report["access"]["cells"] else None,
        statements=list(_statements(report["access"]["cells"])),
    )


def visible(value: object) -> object:
    """Return a value with what would hide or turn text written out; every output passes here."""
    if value is None:
        return ""
    if isinstance(value, Markup):
        return value
    return _HIDDEN.sub(lambda each: f"\\u{ord(each[0]):04x}", str(value))


def cut(value: object) -> str:
    """Return a value at a readable length."""
    text = "" if value is None else str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text):,} characters)"


def number(value: object) -> str:
    """Return a number with its thousands apart; other values as text."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return cut(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"


def kind(column: str) -> str:
    """Return how a column's values break: `short` not at all, `long` anywhere, `time` once."""
    if column in _LONG:
        return "long"
    if column.endswith("_time"):
        return "time"
    return "short" if column.endswith(("_ip", "_id", "_day")) else ""


def filled(answer: Json) -> list[str]:
    """Return the columns that have a value in a row that the page shows."""
    rows = answer["rows"][:SHOWN]
    return [each for each in answer["columns"] if any(row[each] is not None for row in rows)]


def _statements(cells: Iterable[Json]) -> Iterator[Json]:
    """Yield each reason with the accesses that it decides, those that are not as meant first."""
    together: dict[tuple[str, str, bool], list[str]] = {}
    for each in cells:
        key = (each["decision"], each["statement"], each["agrees"])
        together.setdefault(key, []).append(f"{each['principal']}: {each['act']}")
    for (decision, statement, agrees), about in sorted(
        together.items(), key=lambda each: (each[0][2], each[0][0], each[0][1])
    ):
        yield {"decision": decision, "statement": statement, "agrees": agrees, "about": about}


def _hash(text: str) -> str:
    """Return a source expression of a content security policy for an inline text."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
