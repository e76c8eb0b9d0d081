"""A request for a query: a question of the pack or the user's own SELECT, with its parameters."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from orgtrail.errors import OrgtrailError
from orgtrail.logs.bounds import Bounds
from orgtrail.query.questions import Question, query_placeholders
from orgtrail.query.render import TABLE, condition, to_run

if TYPE_CHECKING:
    from orgtrail.settings.environment import Environment

HEALTH = "pipeline-health"
"""The question about the delivery itself, which also looks at the folders."""


@dataclass(frozen=True, slots=True)
class QueryRequest:
    """A question of the pack or the user's own SELECT, with its parameters.

    Attributes:
        name: name of the question, or of the SELECT's file.
        question: the question; None for the user's own SELECT.
        own_sql: the user's own SELECT.
        bounds: time, accounts and regions; None for no bounds.
        given: parameters that the user set.
        environment: the settings, if a file was given.

    """

    name: str
    question: Question | None
    own_sql: str
    bounds: Bounds | None
    given: dict[str, str]
    environment: Environment | None

    @property
    def is_health(self) -> bool:
        """Whether this is the question about the health of the delivery."""
        return self.name == HEALTH

    def facts(self, accounts: Iterable[str] = ()) -> dict[str, str]:
        """Return the facts that are defaults of parameters.

        Args:
            accounts: the accounts that have logs, if no environment names them.

        """
        known = query_placeholders(self.environment) if self.environment else {}
        known.setdefault("accounts", ",".join(accounts))
        if self.is_health and self.bounds and self.bounds.accounts:
            known["accounts"] = ",".join(self.bounds.accounts)
        return known

    def sql(self, accounts: Iterable[str] = (), *, evidence: bool = False) -> str:
        """Return the SELECT to run, with all parameters applied.

        Args:
            accounts: the accounts that have logs.
            evidence: whether to add the ids of counted events.

        """
        # Imported late: sqlglot is slow to load.
        from orgtrail.query.dialect import parse, with_condition

        if self.question is not None:
            assert self.bounds is not None
            facts = self.facts(accounts)
            return to_run(self.question, self.bounds, self.given, facts, evidence=evidence)
        tree = parse(self.own_sql, self.name)
        if self.bounds is None:
            return self.own_sql
        bounded = with_condition(tree, condition(self.bounds), self.tables)
        return bounded.sql(dialect="athena", pretty=True)

    @property
    def missing_parameters(self) -> list[str]:
        """Parameters that neither the user nor an environment file sets."""
        facts = self.facts()
        return [
            each.name
            for each in (self.question.parameters if self.question else ())
            if each.fact
            and not each.required
            and each.name not in self.given
            and not facts.get(each.fact)
            and each.fact != "accounts"
        ]

    @property
    def tables(self) -> set[str]:
        """The names that the table over the logs may have."""
        names = {TABLE}
        if self.environment:
            catalog = self.environment.catalog
            names.add(catalog.table)
            if catalog.compaction:
                names.add(catalog.compaction.table)
        return names


def check_places(accounts: Iterable[str], regions: Iterable[str], *, prefix: str = "") -> None:
    """Check the accounts and regions of a request, which become part of its SQL.

    Args:
        accounts: ids of accounts.
        regions: names of regions.
        prefix: what errors put before `account` and `region`: `--` for options.

    Raises:
        OrgtrailError: one of them is not valid.

    """
    for each in accounts:
        if not re.fullmatch(r"\d{12}", each, re.ASCII):
            raise OrgtrailError(f"{prefix}account: must be 12 digits; got {each!r}")
    for each in regions:
        if not re.fullmatch(r"[a-z0-9-]+", each):
            raise OrgtrailError(
                f"{prefix}region: must be a region's name, like us-east-1; got {each!r}"
            )
