"""The question pack: one `.sql` file per question, in Athena's dialect, with a header.

The header describes what the question answers, its parameters and the meaning of a hit. The same
files become Athena's named queries and prepared statements, and run on DuckDB.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from itertools import takewhile
from typing import TYPE_CHECKING, Literal

from orgtrail.errors import OrgtrailError
from orgtrail.query.expressions import expand

if TYPE_CHECKING:
    from orgtrail.settings.environment import Environment

Kind = Literal["text", "integer"]

_HEADER = re.compile(r"-- (?P<key>[a-z]+): (?P<value>.*)")
_PARAMETER = re.compile(
    r"(?P<name>[a-z_]+) (?P<kind>text|integer) "
    r"(?P<default>'[^']*'|-?\d+|<[a-z]+>|required) (?P<meaning>.+)"
)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a question.

    Attributes:
        name: its name; `:name` is its placeholder in the SQL.
        kind: `text` or `integer`; lists are text with commas.
        default: its default value, as text.
        fact: the fact of the environment that is its default, such as `archive`, or empty.
        required: whether the question is useless without it.
        meaning: its description.

    """

    name: str
    kind: Kind
    default: str
    fact: str
    required: bool
    meaning: str


@dataclass(frozen=True, slots=True)
class Question:
    """One question.

    Attributes:
        name: its name in commands.
        title: its name for people.
        answers: a description of what it answers.
        hours: how far back it looks if no time is given.
        parameters: its parameters, except time, accounts and regions.
        mitre: ids of MITRE ATT&CK techniques.
        cis: recommendations of the CIS AWS Foundations benchmark, section 4.
        severity: severity of a hit: info, low, medium, high or critical.
        hit: the meaning of a row.
        sql: the query, in Athena's dialect, with `:name` for each parameter, and `@evidence` where
            it can return the ids of the counted events.

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
def pack() -> dict[str, Question]:
    """Return all questions, sorted by name."""
    found = [
        _parse(file.read_text(encoding="utf-8"))
        for file in (files(__package__) / "pack").iterdir()
        if file.name.endswith(".sql")
    ]
    return {each.name: each for each in sorted(found, key=lambda each: each.name)}


def find_question(name: str) -> Question:
    """Return one question of the pack.

    Raises:
        OrgtrailError: there is no question of that name.

    """
    known = pack()
    if name not in known:
        near = get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}?" if near else "orgtrail query list shows them"
        raise OrgtrailError(f"{name}: is no query of the pack; {hint}")
    return known[name]


def query_placeholders(env: Environment) -> dict[str, str]:
    """Return the values of placeholders such as `<archive>` in the defaults of parameters."""
    return {
        "accounts": ",".join(env.account_ids),
        "archive": env.archive.bucket,
        "database": env.catalog.database,
        "logging": env.logging.id,
        "regions": ",".join(dict.fromkeys(env.catalog.regions or ())),
    }


def _parse(text: str) -> Question:
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
    return Question(
        name=head["name"],
        title=head["title"],
        answers=head["answers"],
        hours=int(head["hours"]),
        parameters=tuple(parameters),
        mitre=_ids(head["mitre"]),
        cis=_ids(head["cis"]),
        severity=head["severity"],
        hit=head["hit"],
        sql=expand("\n".join(lines[len(top) :]).strip()) + "\n",
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
