"""Queries on Athena through the workgroup: what they would touch, their run, and their rows.

Credentials are those that boto3 finds, so that tokens are renewed as its users know.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orgtrail import aws, naming
from orgtrail.engines.drift import Drift, delivered, drift
from orgtrail.engines.projection import Projection
from orgtrail.errors import OrgtrailError
from orgtrail.queries.bounds import Bounds
from orgtrail.settings.environment import Environment

PRICE = 5.0
"""US dollars for a terabyte that is scanned, with 10 MB as the least of one query.
https://aws.amazon.com/athena/pricing/ (us-east-1, 2026-11)"""
LEAST_BYTES = 10_000_000
_POLL = 0.5
_LISTED = 100
"""Partitions that an estimate lists; beyond them it takes as many, evenly spread."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a query would touch.

    Attributes:
        partitions: folders that Athena would list.
        bytes: about how many bytes lie in them.
        exact: whether all of them were looked at.

    """

    partitions: int
    bytes: int
    exact: bool


@dataclass(frozen=True, slots=True)
class Ran:
    """A query that was answered: names of its columns, rows as they come, and what it cost."""

    columns: list[str]
    rows: Iterator[tuple[object, ...]]
    scanned: int

    @property
    def dollars(self) -> float:
        """What AWS asks for it."""
        return cost(self.scanned)


def cost(scanned: int) -> float:
    """Return the price of scanning bytes, in US dollars."""
    return max(scanned, LEAST_BYTES) * PRICE / 1e12


class Athena:
    """The workgroup of an environment.

    Args:
        environment: the settings.
        session: a session of boto3; by default a new one.

    """

    def __init__(self, environment: Environment, session: Any = None) -> None:
        """Make the clients."""
        region = environment.home_region
        made = session or aws.session(region)
        self._environment = environment
        self._athena, self._glue, self._s3 = (
            aws.client(made, service, region) for service in ("athena", "glue", "s3")
        )

    def projection(self) -> Projection:
        """Read what the deployed table projects.

        Raises:
            OrgtrailError: it cannot be read.

        """
        settings = self._environment.catalog
        with _told(f"the table {settings.database}.{settings.table}"):
            table = self._glue.get_table(DatabaseName=settings.database, Name=settings.table)
        return Projection.of(table["Table"].get("Parameters", {}))

    def drift(self) -> list[Drift]:
        """Compare the bucket's accounts and regions with those of the table.

        Raises:
            OrgtrailError: one of them cannot be read.

        """
        table = self.projection()
        root = self._environment.organization_prefix
        found = delivered(self._folders, root, naming.LOGS)
        return drift(found, table.accounts, table.regions)

    def estimate(self, bounds: Bounds) -> Estimate:
        """Tell what a query within bounds would touch.

        Raises:
            OrgtrailError: table or bucket cannot be read.

        """
        partitions = self.projection().partitions(bounds)
        step = max(1, len(partitions) // _LISTED)
        taken = partitions[::step]
        root = self._environment.organization_prefix
        size = sum(self._size(f"{root}{a}/{naming.LOGS}/{r}/{d}/") for a, r, d in taken)
        return Estimate(
            partitions=len(partitions),
            bytes=size * len(partitions) // max(1, len(taken)),
            exact=step == 1,
        )

    def estimate_compacted(self) -> Estimate:
        """Tell what a query of the compacted table would touch at most.

        Raises:
            OrgtrailError: there is none, or its bucket cannot be read.

        """
        bucket = self._environment.compacted_bucket
        if not bucket:
            raise OrgtrailError("--compacted: the environment file has no catalog.compaction")
        return Estimate(1, self._size(f"{naming.COMPACTED_PREFIX}/data/", bucket), exact=False)

    def run(self, sql: str, progress: Callable[[str, int], None] = lambda *_: None) -> Ran:
        """Run a query, and give its rows as they are fetched.

        Args:
            sql: the query.
            progress: is told state and bytes scanned, again and again.

        Raises:
            OrgtrailError: it fails, or may not be run.
            KeyboardInterrupt: the user stopped it; then Athena is told to stop as well.

        """
        settings = self._environment.catalog
        with _told(f"the workgroup {settings.workgroup}"):
            started = self._athena.start_query_execution(
                QueryString=sql,
                QueryExecutionContext={"Database": settings.database},
                WorkGroup=settings.workgroup,
            )
        run_id = started["QueryExecutionId"]
        try:
            scanned = self._wait(run_id, progress)
        except BaseException:
            with suppress(Exception):
                self._athena.stop_query_execution(QueryExecutionId=run_id)
            raise
        return self._results(run_id, scanned)

    def fetch(self, path: str, to: Path) -> None:
        """Copy an object of the archive, named as Athena names it (`s3://bucket/key`), to a file.

        Raises:
            OrgtrailError: it cannot be read.

        """
        bucket, _, key = path.removeprefix("s3://").partition("/")
        with _told(f"the log file {path}"):
            to.write_bytes(self._s3.get_object(Bucket=bucket, Key=key)["Body"].read())

    def _wait(self, run_id: str, progress: Callable[[str, int], None]) -> int:
        while True:
            with _told("the query"):
                run = self._athena.get_query_execution(QueryExecutionId=run_id)["QueryExecution"]
            state = run["Status"]["State"]
            scanned = int(run.get("Statistics", {}).get("DataScannedInBytes", 0))
            progress(state, scanned)
            if state == "SUCCEEDED":
                return scanned
            if state in {"FAILED", "CANCELLED"}:
                why = run["Status"].get("StateChangeReason", "no reason given")
                raise OrgtrailError(f"Athena: the query {state.lower()}: {why}")
            time.sleep(_POLL)

    def _results(self, run_id: str, scanned: int) -> Ran:
        pages = self._athena.get_paginator("get_query_results").paginate(QueryExecutionId=run_id)
        source = iter(pages)
        with _told("the results"):
            first = next(source)
        about = first["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
        kinds = [each["Type"] for each in about]

        def rows() -> Iterator[tuple[object, ...]]:
            # The first row of the first page holds the names.
            yield from _rows(first["ResultSet"]["Rows"][1:], kinds)
            with _told("the results"):
                for page in source:
                    yield from _rows(page["ResultSet"]["Rows"], kinds)

        return Ran([each["Name"] for each in about], rows(), scanned)

    def _folders(self, prefix: str) -> list[str]:
        bucket = self._environment.archive.bucket
        with _told(f"the bucket {bucket}"):
            pages = self._s3.get_paginator("list_objects_v2").paginate(
                Bucket=bucket, Prefix=prefix, Delimiter="/"
            )
            return [
                each["Prefix"][len(prefix) : -1]
                for page in pages
                for each in page.get("CommonPrefixes", ())
            ]

    def _size(self, prefix: str, bucket: str = "") -> int:
        bucket = bucket or self._environment.archive.bucket
        with _told(f"the bucket {bucket}"):
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
            return sum(each["Size"] for page in pages for each in page.get("Contents", ()))


def _rows(rows: list[dict[str, Any]], kinds: list[str]) -> Iterator[tuple[object, ...]]:
    for row in rows:
        yield tuple(
            _value(cell.get("VarCharValue"), kind)
            for cell, kind in zip(row["Data"], kinds, strict=True)
        )


def _value(text: str | None, kind: str) -> object:
    if text is None:
        return None
    match kind:
        case "bigint" | "integer" | "smallint" | "tinyint":
            return int(text)
        case "double" | "float" | "real":
            return float(text)
        case "boolean":
            return text == "true"
        case _:
            return text


class _told:  # noqa: N801  # reads as a word where it is used
    """Tell in plain words what AWS refused."""

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        if isinstance(error, (ClientError, BotoCoreError)):
            refusal = aws.explain(error)
            said = "AWS answers " if refusal.code else ""
            raise OrgtrailError(f"{self._what}: {said}{refusal.text}") from None
