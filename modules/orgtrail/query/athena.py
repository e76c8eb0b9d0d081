"""Athena queries through the workgroup, their cost, and logs that the deployed table misses.

Boto3 finds the credentials, so that it also renews tokens as usual.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from orgtrail import aws, naming
from orgtrail.errors import OrgtrailError
from orgtrail.logs.bounds import Bounds
from orgtrail.settings.environment import Environment

_POLL_SECONDS = 0.5
"""Seconds between polls of a running query."""
_MAX_LISTED_PARTITIONS = 100
"""How many partitions an estimate lists; if there are more, it samples about as many, evenly."""
_DAY_FORMAT = "%Y/%m/%d"


@dataclass(frozen=True, slots=True)
class ScanEstimate:
    """The amount of data that a query would scan.

    Attributes:
        partitions: how many folders Athena would list.
        bytes: their approximate size.
        exact: whether all of them were listed.

    """

    partitions: int
    bytes: int
    exact: bool


@dataclass(frozen=True, slots=True)
class AthenaResult:
    """The result of a query: column names, rows as they arrive, and bytes scanned."""

    columns: list[str]
    rows: Iterator[tuple[object, ...]]
    scanned: int

    @property
    def dollars(self) -> float:
        """AWS's price of the query, in US dollars."""
        return scan_cost(self.scanned)


@dataclass(frozen=True, slots=True)
class Projection:
    """The accounts and regions that the deployed table projects; Athena finds no others."""

    accounts: tuple[str, ...]
    regions: tuple[str, ...]

    @classmethod
    def of(cls, parameters: Mapping[str, str]) -> Projection:
        """Read the projection from the table's parameters."""

        def listed(column: str) -> tuple[str, ...]:
            return tuple(filter(None, parameters.get(f"projection.{column}.values", "").split(",")))

        return cls(listed("account"), listed("region"))

    def partitions(self, bounds: Bounds) -> list[tuple[str, str, str]]:
        """Return account, region and day of each partition within bounds."""
        first = datetime.strptime(bounds.first_day, _DAY_FORMAT)  # noqa: DTZ007  # a day, not a moment
        last = datetime.strptime(bounds.last_day, _DAY_FORMAT)  # noqa: DTZ007
        days = [
            (first + timedelta(n)).strftime(_DAY_FORMAT) for n in range((last - first).days + 1)
        ]
        return [
            (account, region, day)
            for account in self.accounts
            if not bounds.accounts or account in bounds.accounts
            for region in self.regions
            if not bounds.regions or region in bounds.regions
            for day in days
        ]


@dataclass(frozen=True, slots=True)
class Drift:
    """Logs that the table does not project: Athena returns no rows for them, and no error.

    https://docs.aws.amazon.com/athena/latest/ug/partition-projection-supported-types.html

    Attributes:
        account: the account that has the logs.
        region: the region, or empty if the entire account is missing.
        what: whether the account or the region is missing from the table.

    """

    account: str
    region: str
    what: Literal["account", "region"]

    def __str__(self) -> str:
        """Describe the drift and its remedy in one line."""
        if self.what == "account":
            return (
                f"account {self.account} has logs and is not in the table: its rows are invisible "
                "to Athena; add it to accounts, or deploy again where catalog.accounts is "
                '"organization"'
            )
        return (
            f"account {self.account} has logs in {self.region}, which is not in the table: its "
            "rows are invisible to Athena; add it to catalog.regions, or deploy again"
        )


def drift(
    found: Mapping[str, Iterable[str]], accounts: Iterable[str], regions: Iterable[str]
) -> list[Drift]:
    """Compare the logs in the bucket with what the table projects.

    Args:
        found: the regions for which each account has logs.
        accounts: the accounts that the table projects.
        regions: the regions that the table projects.

    Returns:
        the logs that the table does not project, ordered by account and region.

    """
    known, seen = set(accounts), set(regions)
    out: list[Drift] = []
    for account in sorted(found):
        if account not in known:
            out.append(Drift(account, "", "account"))
            continue
        out.extend(
            Drift(account, region, "region")
            for region in sorted(found[account])
            if region not in seen
        )
    return out


def accounts_with_logs(
    folders: Callable[[str], list[str]], root: str, logs: str
) -> dict[str, list[str]]:
    """Return the regions for which each account has log files.

    Args:
        folders: returns the names of the folders below a prefix.
        root: the prefix above all accounts.
        logs: the folder of log files below each account's folder.

    """
    found = {account: folders(f"{root}{account}/{logs}/") for account in folders(root)}
    return {account: regions for account, regions in found.items() if regions}


def scan_cost(scanned: int) -> float:
    """Return the list price of a query that scans the given bytes, in US dollars."""
    from orgtrail.prices import list_prices

    return list_prices().scan(scanned)


class Athena:
    """The workgroup of an environment.

    Args:
        environment: the settings.
        session: a boto3 session; by default a new one.

    """

    def __init__(self, environment: Environment, session: Any = None) -> None:
        """Create the boto3 clients."""
        region = environment.home_region
        session = session or aws.session(region)
        self._environment = environment
        self._athena, self._glue, self._s3 = (
            aws.client(session, service, region) for service in ("athena", "glue", "s3")
        )

    def projection(self) -> Projection:
        """Read the projection of the deployed table.

        Raises:
            OrgtrailError: the table cannot be read.

        """
        settings = self._environment.catalog
        with _aws_errors(f"the table {settings.database}.{settings.table}"):
            table = self._glue.get_table(DatabaseName=settings.database, Name=settings.table)
        return Projection.of(table["Table"].get("Parameters", {}))

    def drift(self) -> list[Drift]:
        """Compare the bucket's accounts and regions with the table's.

        Raises:
            OrgtrailError: the bucket or the table cannot be read.

        """
        table = self.projection()
        root = self._environment.organization_prefix
        found = accounts_with_logs(self._folders, root, naming.LOGS)
        return drift(found, table.accounts, table.regions)

    def estimate(self, bounds: Bounds) -> ScanEstimate:
        """Estimate what a query within bounds would scan.

        Raises:
            OrgtrailError: the table or the bucket cannot be read.

        """
        partitions = self.projection().partitions(bounds)
        step = max(1, len(partitions) // _MAX_LISTED_PARTITIONS)
        sample = partitions[::step]
        root = self._environment.organization_prefix
        size = sum(self._size(f"{root}{a}/{naming.LOGS}/{r}/{d}/") for a, r, d in sample)
        return ScanEstimate(
            partitions=len(partitions),
            bytes=size * len(partitions) // max(1, len(sample)),
            exact=step == 1,
        )

    def log_files(
        self, account: str, region: str, first: date, last: date
    ) -> Iterator[tuple[str, str, int]]:
        """Yield key, day and size in bytes of each log file of an account and region.

        Args:
            account: the account's id.
            region: the region.
            first: the first day whose folder is listed.
            last: the last one.

        Raises:
            OrgtrailError: the bucket cannot be read.

        """
        folder = f"{self._environment.organization_prefix}{account}/{naming.LOGS}/{region}/"
        after, end = f"{folder}{first:{_DAY_FORMAT}}", f"{last:{_DAY_FORMAT}}"
        for page in self._list(self._environment.archive.bucket, folder, StartAfter=after):
            for each in page.get("Contents", ()):
                day = each["Key"][len(folder) : len(folder) + len(end)]
                if day > end:
                    return
                yield each["Key"], day, each["Size"]

    def estimate_compacted(self) -> ScanEstimate:
        """Estimate what a query of the compacted table would scan at most.

        Raises:
            OrgtrailError: there is no compacted table, or its bucket cannot be read.

        """
        bucket = self._environment.compacted_bucket
        if not bucket:
            raise OrgtrailError("--compacted: the environment file has no catalog.compaction")
        return ScanEstimate(1, self._size(f"{naming.COMPACTED_PREFIX}/data/", bucket), exact=False)

    def run(self, sql: str, progress: Callable[[str, int], None] = lambda *_: None) -> AthenaResult:
        """Run a query; its rows are fetched lazily.

        Args:
            sql: the query.
            progress: called repeatedly with the state and the bytes scanned.

        Raises:
            OrgtrailError: the query fails, or is not permitted.
            KeyboardInterrupt: the user interrupted it; the query in Athena is stopped too.

        """
        settings = self._environment.catalog
        with _aws_errors(f"the workgroup {settings.workgroup}"):
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
        """Download an object of the archive.

        Args:
            path: its address as Athena writes it, `s3://bucket/key`.
            to: the file to write.

        Raises:
            OrgtrailError: the object cannot be read.

        """
        bucket, _, key = path.removeprefix("s3://").partition("/")
        with _aws_errors(f"the log file {path}"):
            to.write_bytes(self._s3.get_object(Bucket=bucket, Key=key)["Body"].read())

    def _wait(self, run_id: str, progress: Callable[[str, int], None]) -> int:
        while True:
            with _aws_errors("the query"):
                run = self._athena.get_query_execution(QueryExecutionId=run_id)["QueryExecution"]
            state = run["Status"]["State"]
            scanned = int(run.get("Statistics", {}).get("DataScannedInBytes", 0))
            progress(state, scanned)
            if state == "SUCCEEDED":
                return scanned
            if state in {"FAILED", "CANCELLED"}:
                reason = run["Status"].get("StateChangeReason", "no reason given")
                raise OrgtrailError(f"Athena: the query {state.lower()}: {reason}")
            time.sleep(_POLL_SECONDS)

    def _results(self, run_id: str, scanned: int) -> AthenaResult:
        pages = self._athena.get_paginator("get_query_results").paginate(QueryExecutionId=run_id)
        source = iter(pages)
        with _aws_errors("the results"):
            first = next(source)
        about = first["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
        types = [each["Type"] for each in about]

        def rows() -> Iterator[tuple[object, ...]]:
            # The first row of the first page is the column names.
            yield from _rows(first["ResultSet"]["Rows"][1:], types)
            with _aws_errors("the results"):
                for page in source:
                    yield from _rows(page["ResultSet"]["Rows"], types)

        return AthenaResult([each["Name"] for each in about], rows(), scanned)

    def _folders(self, prefix: str) -> list[str]:
        return [
            each["Prefix"][len(prefix) : -1]
            for page in self._list(self._environment.archive.bucket, prefix, Delimiter="/")
            for each in page.get("CommonPrefixes", ())
        ]

    def _size(self, prefix: str, bucket: str = "") -> int:
        pages = self._list(bucket or self._environment.archive.bucket, prefix)
        return sum(each["Size"] for page in pages for each in page.get("Contents", ()))

    def _list(self, bucket: str, prefix: str, **options: str) -> Iterator[dict[str, Any]]:
        with _aws_errors(f"the bucket {bucket}"):
            yield from self._s3.get_paginator("list_objects_v2").paginate(
                Bucket=bucket, Prefix=prefix, **options
            )


def _rows(rows: list[dict[str, Any]], types: list[str]) -> Iterator[tuple[object, ...]]:
    for row in rows:
        yield tuple(
            _value(cell.get("VarCharValue"), kind)
            for cell, kind in zip(row["Data"], types, strict=True)
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


@contextmanager
def _aws_errors(what: str) -> Iterator[None]:
    """Turn AWS errors into plain OrgtrailErrors; `what` names what was accessed."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (ClientError, BotoCoreError) as error:
        refusal = aws.explain(error)
        prefix = "AWS answers " if refusal.code else ""
        raise OrgtrailError(f"{what}: {prefix}{refusal.text}") from None
