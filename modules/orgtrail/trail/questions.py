"""The query pack in Athena: saved queries for the console, prepared statements for programs."""

from __future__ import annotations

from orgtrail import naming
from orgtrail.queries import Query, pack
from orgtrail.queries.rendering import on_table, to_prepare, to_save
from orgtrail.trail.part import Part
from orgtrail.trail.resource import Resource, literal

_ACCOUNTS = "<the accounts of the table>"


def questions(part: Part, accounts: str, *, workgroup: Resource, database: Resource) -> None:
    """Add one resource of each kind, made once for each question of the pack.

    Args:
        part: the part that they become.
        accounts: the accounts that the table projects, as text or an expression.
        workgroup: the workgroup.
        database: the database.

    """
    env, settings = part.environment, part.environment.catalog
    facts = naming.query_placeholders(env) | {"accounts": _ACCOUNTS}
    saved, prepared = {}, {}
    for query in pack().values():
        sql = literal(on_table(to_save(query, facts), settings.table))
        saved[query.name] = {"about": query.answers, "sql": sql.replace(_ACCOUNTS, accounts)}
        statement, order = to_prepare(query)
        prepared[query.name.replace("-", "_")] = {
            "about": _about(query, order),
            "sql": literal(on_table(statement, settings.table)),
        }
    part.add(
        "aws_athena_named_query",
        "saved",
        for_each=saved,
        name="${each.key}",
        database=settings.database,
        workgroup=settings.workgroup,
        description="${each.value.about}",
        query="${each.value.sql}",
        depends_on=[workgroup, database],
    )
    part.add(
        "aws_athena_prepared_statement",
        "prepared",
        for_each=prepared,
        name="${each.key}",
        workgroup=settings.workgroup,
        description="${each.value.about}",
        query_statement="${each.value.sql}",
        depends_on=[workgroup],
    )


def _about(query: Query, order: tuple[str, ...]) -> str:
    return f"{query.answers} USING {', '.join(order)}"
