"""The query pack: one `.sql` file for each question, in Athena's dialect, with a header.

The header says what a question answers, what may be set and what a hit means. The same files become
Athena's named queries and prepared statements, and run on DuckDB.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from itertools import takewhile
from typing import Literal

from orgtrail.errors import OrgtrailError
from orgtrail.queries.expressions import expanded

Kind = Literal["text", "integer"]

_HEADER = re.compile(r"-- (?P<key>[a-z]+): (?P<value>.*)")
_PARAMETER = re.compile(
    r"(?P<name>[a-z_]+) (?P<kind>text|integer) "
    r"(?P<default>'[^']*'|-?\d+|<[a-z]+>|required) (?P<meaning>.+)"
)


@dataclass(frozen=True, slots=True)
class Parameter:
    """What may be set of a query.

    Attributes:
        name: its name; `:name` stands for it in the query.
        kind: `text` or `integer`; lists are text with commas.
        default: its value where none is given, as text.
        fact: the fact of the environment that is its default (`archive` ...), or empty.
        required: whether the answer is worth nothing without it.
        meaning: what it is.

    """

    name: str
    kind: Kind
    default: str
    fact: str
    required: bool
    meaning: str


@dataclass(frozen=True, slots=True)
class Query:
    """One question.

    Attributes:
        name: what it is called by.
        title: its name for people.
        answers: what it tells.
        hours: how far back it looks where no time is given.
        parameters: what may be set, beside time, accounts and regions.
        mitre: ids of MITRE ATT&CK techniques.
        cis: recommendations of the CIS AWS Foundations benchmark, section 4.
        severity: of a hit: info, low, medium, high or critical.
        hit: what a row means.
        sql: the query, in Athena's dialect, with `:name` for each parameter, and `@evidence` where
            it may give the ids of what it counts.

    """

    name: str
    title: str
    answers: str
    hours: int
    parameters: tuple[Parameter, ...]
    mitre: tuple[str, ...]
    cis: tuple[str, ...]
    severity: str
    hit: str
    sql: str


@cache
def pack() -> dict[str, Query]:
    """Return all queries by name, in order."""
    found = [
        _read(file.read_text(encoding="utf-8"))
        for file in (files(__name__) / "pack").iterdir()
        if file.name.endswith(".sql")
    ]
    return {each.name: each for each in sorted(found, key=lambda each: each.name)}


def query(name: str) -> Query:
    """Return one query of the pack.

    Raises:
        OrgtrailError: there is none of that name.

    """
    known = pack()
    if name not in known:
        near = get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}?" if near else "orgtrail query list shows them"
        raise OrgtrailError(f"{name}: is no query of the pack; {hint}")
    return known[name]


def _read(text: str) -> Query:
    head: dict[str, str] = {}
    parameters = []
    lines = text.splitlines()
    top = [*takewhile(bool, map(_HEADER.fullmatch, lines))]
    for match in filter(None, top):
        key, value = match["key"], match["value"]
        if key == "param":
            parameters.append(_parameter(value))
        else:
            head[key] = value
    return Query(
        name=head["name"],
        title=head["title"],
        answers=head["answers"],
        hours=int(head["hours"]),
        parameters=tuple(parameters),
        mitre=_ids(head["mitre"]),
        cis=_ids(head["cis"]),
        severity=head["severity"],
        hit=head["hit"],
        sql=expanded("\n".join(lines[len(top) :]).strip()) + "\n",
    )


def _parameter(text: str) -> Parameter:
    match = _PARAMETER.fullmatch(text)
    assert match, text
    default = match["default"]
    fact = default.strip("<>") if default.startswith("<") else ""
    kind: Kind = "integer" if match["kind"] == "integer" else "text"
    required = default in {"required", "<logging>"}
    value = "" if fact or required else default.strip("'")
    return Parameter(match["name"], kind, value, fact, required, match["meaning"])


def _ids(text: str) -> tuple[str, ...]:
    return tuple(each for each in text.replace(",", " ").split() if each != "-")
