"""Reads Sigma rule files: each rule becomes a question, or is left out with a reason."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

from sigma.collection import SigmaCollection
from sigma.conversion.state import ConversionState
from sigma.correlations import SigmaCorrelationRule
from sigma.filters import SigmaFilter
from sigma.rule import SigmaRule
from sigma.rule.base import SigmaYAMLLoader

from orgtrail.errors import OrgtrailError
from orgtrail.query.expressions import expand
from orgtrail.query.questions import Question
from orgtrail.query.sigma import Rules, SigmaQuestion
from orgtrail.query.sigma.backend import Backend
from orgtrail.query.sigma.fields import UnsupportedRuleError

_SUFFIXES = {".yml", ".yaml"}
_MAX_FILE_BYTES = 1 << 20
_MAX_CONDITION_BYTES = 200_000
"""Bytes; Athena's limit for a query is 262,144.
https://docs.aws.amazon.com/athena/latest/ug/service-limits.html"""
_MAX_NESTING = 24
"""Levels of brackets; with twice as many, sqlglot exceeds Python's recursion limit."""
_STRING_LITERAL = re.compile(r"'(?:[^']|'')*'")
_HOURS = 168
_SEVERITIES = {"informational": "info"}
_WITHOUT_LEVEL = "medium"
_TECHNIQUE = re.compile(r"t\d{4}(\.\d{3})?", re.ASCII)
_TEMPLATE = """\
WITH events AS (
  SELECT DISTINCT
    @event
  FROM organization_trail
  WHERE :bounds
    AND (
      {condition}
    )
)
SELECT
  @call, @outcome
FROM events
ORDER BY event_time, event_id
"""
_SigmaDocument = SigmaRule | SigmaCorrelationRule | SigmaFilter


@dataclass(frozen=True, slots=True)
class _Document:
    """One YAML document of a file: the result of pySigma's parser, or the error."""

    file: Path
    label: str
    parsed: _SigmaDocument | str


def read_rules(path: Path) -> Rules:
    """Convert rules to questions; see `orgtrail.query.sigma.load_rules`."""
    root = path if path.is_dir() else path.parent
    found = [each for file in _files(path) for each in _documents(file, root)]
    parts = _parts_of_correlations(found)
    questions: list[SigmaQuestion] = []
    left_out: list[tuple[str, str]] = []
    names: set[str] = set()
    for each in found:
        try:
            question = _question(each, parts, names)
        except Exception as error:  # noqa: BLE001  # pySigma raises errors of many types
            left_out.append((each.label, _reason(error)))
        else:
            names.add(question.name)
            questions.append(question)
    return Rules(tuple(questions), tuple(left_out))


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        below = (each for each in path.rglob("*") if each.suffix.lower() in _SUFFIXES)
        found = sorted(each for each in below if each.is_file())
        if not found:
            raise OrgtrailError(f"{path}: has no Sigma rule: no file *.yml or *.yaml is below it")
        return found
    if not path.is_file():
        raise OrgtrailError(f"{path}: is no file and no folder; it takes Sigma rules")
    return [path]


def _documents(file: Path, root: Path) -> list[_Document]:
    """Read the documents of a file; a broken file becomes one document with the error."""
    label = _clean(str(file.relative_to(root)))
    try:
        if file.stat().st_size > _MAX_FILE_BYTES:
            return [_Document(file, label, f"the file is larger than {_MAX_FILE_BYTES >> 20} MiB")]
        given = [*_yaml(file.read_text(encoding="utf-8"))]
        rules = SigmaCollection.from_dicts(
            given, collect_errors=True, collect_filters=True, resolve_references=False
        )
    except Exception as error:  # noqa: BLE001  # a broken file must not stop the others
        return [_Document(file, label, _reason(error))]
    documents: list[_SigmaDocument] = [*rules.rules, *rules.filters]
    mine = {id(error) for each in documents for error in each.errors}
    broken = [_reason(error) for error in rules.errors if id(error) not in mine]
    if not (documents or broken):
        broken = ["there is no rule in it"]
    several = len(documents) + len(broken) > 1
    return [
        *(
            _Document(file, f"{label}: {_clean(str(each.title))}" if several else label, each)
            for each in documents
        ),
        *(_Document(file, label, each) for each in broken),
    ]


def _yaml(text: str) -> Iterator[Any]:
    """Yield the documents of a file; pySigma's loader rejects duplicate keys."""
    loader = SigmaYAMLLoader(text)
    try:
        while loader.check_data():  # type: ignore[no-untyped-call]
            if (given := loader.get_data()) is None:
                continue
            if not isinstance(given, dict):
                raise UnsupportedRuleError("it is no Sigma rule")
            yield given
    finally:
        loader.dispose()


def _parts_of_correlations(found: Iterable[_Document]) -> set[str]:
    """Return the names and ids of rules that are only parts of correlations."""
    return {
        part.reference
        for each in found
        if isinstance(each.parsed, SigmaCorrelationRule) and not each.parsed.generate
        for part in each.parsed.rules or ()
    }


def _question(found: _Document, parts: set[str], names: set[str]) -> SigmaQuestion:
    rule = found.parsed
    if isinstance(rule, str):
        raise UnsupportedRuleError(rule)
    if isinstance(rule, SigmaCorrelationRule):
        raise UnsupportedRuleError("it is a correlation of several events, which is not supported")
    if isinstance(rule, SigmaFilter):
        raise UnsupportedRuleError("it is a filter of other rules, which is not supported")
    source = rule.logsource
    if (source.product, source.service, source.category) != ("aws", "cloudtrail", None):
        parts_of = (source.product, source.category, source.service)
        other = " ".join(_clean(str(each)) for each in parts_of if each)
        raise UnsupportedRuleError(f"its log source is {other or 'not told'}, not aws cloudtrail")
    if rule.errors:
        raise rule.errors[0]
    if {str(rule.id), rule.name} & parts:
        raise UnsupportedRuleError("it is a part of a correlation, which is not supported")
    if "timeframe" in rule.detection.detections or any(
        "|" in str(each) for each in rule.detection.condition
    ):
        raise UnsupportedRuleError(
            "it counts events (| count(), timeframe), which is not supported"
        )
    condition = _condition(rule)
    name = _name(found.file, names)
    title = _clean(rule.title) or name
    severity = str(rule.level) if rule.level else _WITHOUT_LEVEL
    severity = _SEVERITIES.get(severity, severity)
    tags = (each.name.lower() for each in rule.tags if each.namespace.lower() == "attack")
    mitre = tuple(dict.fromkeys(each.upper() for each in tags if _TECHNIQUE.fullmatch(each)))
    question = Question(
        name=name,
        title=title,
        answers=_sentence(_clean(rule.description or title)),
        hours=_HOURS,
        parameters=(),
        mitre=mitre,
        cis=(),
        severity=severity,
        hit=_hit(rule),
        sql=expand(_TEMPLATE).replace("{condition}", condition),
    )
    return SigmaQuestion(name, title, severity, mitre, found.file, condition, question)


def _condition(rule: SigmaRule) -> str:
    """Return a rule's conditions as SQL, joined with OR."""
    backend = Backend()
    conditions = []
    for each in rule.detection.parsed_condition:
        condition = backend.convert_condition(each.parsed, ConversionState())
        assert isinstance(condition, str), "nothing is left of its condition"
        conditions.append(condition)
    joined = conditions[0] if len(conditions) == 1 else " OR ".join(f"({e})" for e in conditions)
    if len(joined.encode()) > _MAX_CONDITION_BYTES:
        raise UnsupportedRuleError("its query would be longer than Athena takes")
    depth = accumulate((each == "(") - (each == ")") for each in _STRING_LITERAL.sub("", joined))
    if max(depth) > _MAX_NESTING:
        raise UnsupportedRuleError("it is nested too deeply")
    return joined


def _hit(rule: SigmaRule) -> str:
    known = [_clean(str(each)) for each in rule.falsepositives]
    known = [each.rstrip(".") for each in known if each and each.lower() != "unknown"]
    return _sentence("A call that the rule looks for" + (
        f"; it may be well meant: {'; '.join(known)}" if known else ""
    ))  # fmt: skip


def _name(file: Path, names: set[str]) -> str:
    slug = re.sub(r"[^a-z0-9]+", "-", file.stem.lower()).strip("-")[:80].strip("-") or "rule"
    name, number = f"sigma:{slug}", 1
    while name in names:
        number += 1
        name = f"sigma:{slug}-{number}"
    return name


def _reason(error: Exception | str) -> str:
    """Return the reason in one printable line: text from a file may reach a terminal."""
    match error:
        case OSError():
            text = error.strerror or str(error)
        case UnicodeDecodeError():
            text = "it is no UTF-8 text"
        case RecursionError():
            text = "it is nested too deeply"
        case _:
            text = str(error)
    return _clean(text)[:300] or type(error).__name__


def _clean(text: str) -> str:
    return "".join(each for each in " ".join(text.split()) if each.isprintable())


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
