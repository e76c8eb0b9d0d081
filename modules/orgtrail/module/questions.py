"""The questions to the trail in HCL: the SQL of each in a file of its own, for both its uses.

A saved query has the defaults of the parameters in it, a prepared statement has `?` for each. The
JSON form of the module has both texts in full.
"""

from __future__ import annotations

import re
from typing import Any

from orgtrail.logs.bounds import TIME_CONDITION
from orgtrail.module.expressions import value
from orgtrail.module.hcl import Attribute, Block, Call, Comment, Expression
from orgtrail.module.template import Template
from orgtrail.query.expressions import with_evidence
from orgtrail.query.questions import Question, pack, query_placeholders
from orgtrail.query.render import (
    PLACE_CONDITION,
    defaults,
    fill,
    on_table,
    saved_times,
    to_prepare,
)
from orgtrail.trail.resource import Json, literal

_ACCOUNTS = "<the accounts of the table>"
_BOUNDS = "bounds"
_NAME = re.compile(r"(?<!\$)\$\{(\w+)\}")
_SAVED, _PREPARED = "aws_athena_named_query", "aws_athena_prepared_statement"
_COMMENT = (
    "What each question answers; how many hours it looks back where it is saved; the defaults of "
    "its parameters, as SQL; and what the prepared statement takes after USING, in order."
)


def question_files() -> dict[str, str]:
    """Return a file for the SQL of each question, by its path in the module."""
    return {f"queries/{name}.sql.tftpl": _template(each) for name, each in pack().items()}


def question_locals(template: Template) -> Block:
    """Return the local value with all questions."""
    facts = query_placeholders(template.settings) | {"accounts": _ACCOUNTS}
    table = template.content["resource"]["aws_glue_catalog_table"]["catalog_table"]
    accounts = table["parameters"]["projection.account.values"]

    def default(sql: str) -> Any:
        return value(template.filled(literal(sql)).replace(_ACCOUNTS, accounts))

    questions = {
        name: {
            "answers": each.answers,
            "hours": each.hours,
            "defaults": {key: default(sql) for key, sql in defaults(each, facts).items()},
            "using": ", ".join(to_prepare(each)[1]),
        }
        for name, each in pack().items()
    }
    return Block("locals", body=[Comment(_COMMENT), Attribute("questions", questions)])


def asked(kind: str, given: Json) -> Json:
    """Return the resource of the saved or the prepared questions, with the SQL from the files.

    Args:
        kind: its kind.
        given: its arguments in the JSON form.

    """
    if kind == _SAVED:
        times = saved_times("${each.value.hours}")
        changes: Json = {
            "for_each": Expression("local.questions"),
            "description": Expression("each.value.answers"),
            "query": _rendered(
                "each.key", "each.value.defaults", _further(times, TIME_CONDITION)
            ),
        }  # fmt: skip
    else:
        marks = dict.fromkeys(("account", "region", *saved_times("")), "?")
        changes = {
            "for_each": Expression(
                '{ for name, each in local.questions : replace(name, "-", "_") => each }'
            ),
            "description": "${each.value.answers} USING ${each.value.using}",
            "query_statement": _rendered(
                'replace(each.key, "_", "-")',
                '{ for name, sql in each.value.defaults : name => "?" }',
                _further(marks, TIME_CONDITION + PLACE_CONDITION),
            ),
        }
    return {name: changes.get(name, each) for name, each in given.items()}


def is_asked(kind: str) -> bool:
    """Return whether a kind of resource is that of the saved or the prepared questions."""
    return kind in (_SAVED, _PREPARED)


def _further(values: dict[str, str], bounds: str) -> Json:
    """Return what all templates get: the table, the bounds, and the times that they name."""
    named = {name for each in pack().values() for name in _NAME.findall(_template(each))}
    given = {
        "table": "${var.table}",
        _BOUNDS: fill(bounds, values.__getitem__),
        **{name: each for name, each in values.items() if name in named},
    }
    return {name: value(each) for name, each in given.items()}


def _rendered(name: str, values: str, further: Json) -> Call:
    file = value(f"${{path.module}}/queries/${{{name}}}.sql.tftpl")
    return Call("templatefile", (file, Call("merge", (Expression(values), further))))


def _template(question: Question) -> str:
    """Return a question's SQL as a template of Terraform."""
    sql = literal(with_evidence(question.sql, included=False))
    return on_table(fill(sql, lambda name: f"${{{name}}}"), "${table}")
