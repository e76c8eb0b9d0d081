"""The query pack in Athena: saved queries for the console, prepared statements for programs."""

from __future__ import annotations

from orgtrail import layout
from orgtrail.constructs import bindings as aws
from orgtrail.queries import Query, pack
from orgtrail.queries.rendering import on_table, to_prepare, to_save
from orgtrail.settings.environment import Environment

_ACCOUNTS = "<the accounts of the table>"


class Questions(aws.Part):
    """Every question of the pack, in the workgroup of the catalog.

    Args:
        scope: the construct that it is part of.
        id: its name there.
        environment: the settings.
        provider: the logging account.
        accounts: the accounts that the table projects, as text or an expression.
        workgroup: the workgroup.
        database: the database.

    """

    def __init__(
        self,
        scope: aws.Construct,
        id: str,
        *,
        environment: Environment,
        provider: aws.AwsProvider,
        accounts: str,
        workgroup: aws.AthenaWorkgroup,
        database: aws.GlueCatalogDatabase,
    ) -> None:
        """Make one resource of each kind, once for each question."""
        super().__init__(scope, id, provider=provider)
        settings = environment.catalog
        facts = layout.query_facts(environment) | {"accounts": _ACCOUNTS}
        saved, prepared = {}, {}
        for query in pack().values():
            sql = aws.literal(on_table(to_save(query, facts), settings.table))
            saved[query.name] = {
                "about": query.answers,
                "sql": sql.replace(_ACCOUNTS, accounts),
            }
            statement, order = to_prepare(query)
            prepared[query.name.replace("-", "_")] = {
                "about": _about(query, order),
                "sql": aws.literal(on_table(statement, settings.table)),
            }
        aws.for_each(
            self.add(
                aws.AthenaNamedQuery,
                "saved",
                name="${each.key}",
                database=settings.database,
                workgroup=settings.workgroup,
                description="${each.value.about}",
                query="${each.value.sql}",
                depends_on=[workgroup, database],
            ),
            saved,
        )
        aws.for_each(
            self.add(
                aws.AthenaPreparedStatement,
                "prepared",
                name="${each.key}",
                workgroup=settings.workgroup,
                description="${each.value.about}",
                query_statement="${each.value.sql}",
                depends_on=[workgroup],
            ),
            prepared,
        )


def _about(query: Query, order: list[str]) -> str:
    return f"{query.answers} USING {', '.join(order)}"
