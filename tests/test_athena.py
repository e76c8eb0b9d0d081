"""Athena behind a stand-in for its client: estimate, limit, run, stop, rows and drift."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, NoCredentialsError
from orgtrail.cli import query_options, query_run
from orgtrail.errors import OrgtrailError
from orgtrail.logs.bounds import Bounds
from orgtrail.query import athena
from orgtrail.query.athena import Athena, Drift, scan_cost
from orgtrail.query.request import QueryRequest

from tests.conftest import environment
from tests.log_records import SINCE, UNTIL


class Pages:
    def __init__(self, pages: list[dict[str, Any]]) -> None:
        self.pages = pages

    def paginate(self, **_: Any) -> Iterator[dict[str, Any]]:
        return iter(self.pages)


class Aws:
    """All clients at once."""

    def __init__(self, *, states: tuple[str, ...] = ("QUEUED", "RUNNING", "SUCCEEDED")) -> None:
        self.states = iter(states)
        self.started: dict[str, Any] = {}
        self.stopped = False
        self.bucket = "example-bank-archive"
        self.objects = {
            "AWSLogs/o-examplebank/111111111111/CloudTrail/us-east-1/2026/11/20/a": 1000,
            "AWSLogs/o-examplebank/333333333333/CloudTrail/us-east-1/2026/11/20/b": 2000,
            "AWSLogs/o-examplebank/333333333333/CloudTrail/eu-west-1/2026/11/20/c": 4000,
            "AWSLogs/o-examplebank/444444444444/CloudTrail/us-east-1/2026/11/20/d": 8000,
        }

    def client(self, name: str, region_name: str) -> Aws:
        assert name in {"athena", "glue", "s3"}
        assert region_name == "us-east-1"
        return self

    def get_table(self, **given: str) -> dict[str, Any]:
        assert given == {"DatabaseName": "cloudtrail", "Name": "organization_trail"}
        values = "111111111111,222222222222,333333333333"
        return {
            "Table": {
                "Parameters": {
                    "projection.account.values": values,
                    "projection.region.values": "us-east-1",
                }
            }
        }

    def start_query_execution(self, **given: Any) -> dict[str, str]:
        self.started = given
        return {"QueryExecutionId": "q-1"}

    def stop_query_execution(self, **given: str) -> None:
        assert given == {"QueryExecutionId": "q-1"}
        self.stopped = True

    def get_query_execution(self, **_: str) -> dict[str, Any]:
        state = next(self.states)
        if state == "ctrl-c":
            raise KeyboardInterrupt
        status = {"State": state, "StateChangeReason": "line 1: no"}
        statistics = {"DataScannedInBytes": 123_000_000}
        return {"QueryExecution": {"Status": status, "Statistics": statistics}}

    def get_paginator(self, name: str) -> Any:
        if name == "get_query_results":
            return Pages(_results())
        return self

    def paginate(self, **given: str) -> Iterator[dict[str, Any]]:
        assert given["Bucket"] == self.bucket
        inside = {k: v for k, v in self.objects.items() if k.startswith(given["Prefix"])}
        if "Delimiter" in given:
            length = len(given["Prefix"])
            folders = {k[: k.index("/", length) + 1] for k in inside}
            yield {"CommonPrefixes": [{"Prefix": each} for each in sorted(folders)]}
        else:
            yield {"Contents": [{"Size": each} for each in inside.values()]}


def _results() -> list[dict[str, Any]]:
    about = {"ColumnInfo": [
        {"Name": "account", "Type": "varchar"}, {"Name": "events", "Type": "bigint"},
        {"Name": "share", "Type": "double"}, {"Name": "flag", "Type": "boolean"},
    ]}  # fmt: skip

    def row(*cells: str | None) -> dict[str, Any]:
        return {"Data": [{} if each is None else {"VarCharValue": each} for each in cells]}

    head = row("account", "events", "share", "flag")
    return [
        {
            "ResultSet": {
                "ResultSetMetadata": about,
                "Rows": [head, row("0012", "3", "0.5", "true")],
            }
        },
        {"ResultSet": {"ResultSetMetadata": about, "Rows": [row(None, None, None, None)]}},
    ]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(athena, "_POLL_SECONDS", 0)


def test_rows_come_with_their_types_page_by_page() -> None:
    aws, told = Aws(), []
    ran = Athena(environment(), aws).run("SELECT 1", lambda *each: told.append(each))
    assert ran.columns == ["account", "events", "share", "flag"]
    assert [*ran.rows] == [("0012", 3, 0.5, True), (None, None, None, None)]
    assert aws.started == {
        "QueryString": "SELECT 1",
        "QueryExecutionContext": {"Database": "cloudtrail"},
        "WorkGroup": "organization-trail",
    }
    assert [state for state, _ in told] == ["QUEUED", "RUNNING", "SUCCEEDED"]
    assert ran.dollars == pytest.approx(123e6 * 5 / 1e12)


def test_the_least_price_is_that_of_ten_megabytes() -> None:
    assert scan_cost(1) == scan_cost(10_000_000) == pytest.approx(0.00005)


def test_estimate_counts_partitions_and_bytes() -> None:
    found = Athena(environment(), Aws()).estimate(Bounds(SINCE, UNTIL))
    assert (found.partitions, found.bytes, found.exact) == (3 * 1 * 4, 3000, True)
    one = Athena(environment(), Aws()).estimate(Bounds(SINCE, UNTIL, ("333333333333",)))
    assert (one.partitions, one.bytes) == (4, 2000)


def test_a_large_estimate_is_taken_from_some_partitions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(athena, "_MAX_LISTED_PARTITIONS", 6)
    found = Athena(environment(), Aws()).estimate(Bounds(SINCE, UNTIL))
    assert (found.partitions, found.exact) == (12, False)


def test_drift_is_what_the_deployed_table_lacks() -> None:
    assert Athena(environment(), Aws()).drift() == [
        Drift("333333333333", "eu-west-1", "region"),
        Drift("444444444444", "", "account"),
    ]


def test_ctrl_c_stops_the_query() -> None:
    aws = Aws(states=("RUNNING", "ctrl-c"))
    with pytest.raises(KeyboardInterrupt):
        Athena(environment(), aws).run("SELECT 1")
    assert aws.stopped


@pytest.mark.parametrize("state", ["FAILED", "CANCELLED"])
def test_a_query_that_fails_says_why(state: str) -> None:
    with pytest.raises(OrgtrailError, match=f"Athena: the query {state.lower()}: line 1: no"):
        Athena(environment(), Aws(states=(state,))).run("SELECT 1")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetTable"),
            "the table cloudtrail.organization_trail: AWS answers AccessDenied: no",
        ),
        (
            NoCredentialsError(),
            "the table cloudtrail.organization_trail: Unable to locate credentials",
        ),
    ],
)
def test_refusals_are_told(error: Exception, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(Aws, "get_table", refuse)
    with pytest.raises(OrgtrailError) as caught:
        Athena(environment(), Aws()).projection()
    assert str(caught.value) == said


@pytest.fixture
def env(tmp_path: Path) -> Path:
    file = tmp_path / "bank.tfvars"
    file.write_text(
        """
        home_region = "us-east-1"
        organization = { id = "o-examplebank", root_id = "r-bank" }
        accounts = {
          management = { id = "111111111111", profile = "m" }
          logging    = { id = "222222222222", role_arn = "arn:aws:iam::222222222222:role/deploy" }
        }
        archive = { bucket = "example-bank-archive" }
        """
    )
    return file


JSON = query_run.OutputOptions(limit=None, format="json", out=None)


def asked(env: Path, name: str = "pipeline-health") -> QueryRequest:
    times = (SINCE.isoformat(), UNTIL.isoformat(), None)
    return query_options.query_request(
        name, None, times=times, accounts=[], regions=[], given={}, env=env
    )


def test_run_tells_first_what_it_will_touch(
    env: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    aws = Aws()
    monkeypatch.setattr("orgtrail.aws.session_in", lambda *_: aws)
    code = query_run.on_athena(asked(env), JSON, max_bytes=None)
    told = capsys.readouterr()
    assert code == 0
    rows = json.loads(told.out)
    assert [each["account"] for each in rows] == ["0012", None, "333333333333", "444444444444"]
    assert told.err.startswith("pipeline-health: 12 partitions, 3.0 kB, $0.0001\n")
    assert "4 rows; 123.0 MB scanned, $0.0006" in told.err
    assert "FROM organization_trail" in aws.started["QueryString"]


def test_the_compacted_table_is_asked_by_its_name(
    env: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    env.write_text(env.read_text() + "catalog = { compaction = {} }\n")
    aws = Aws()
    aws.bucket = "example-bank-archive-compacted"
    aws.objects = {"table/data/a.parquet": 700, "table/metadata/a.json": 1}
    monkeypatch.setattr("orgtrail.aws.session_in", lambda *_: aws)
    question = asked(env, "root-use")
    code = query_run.on_athena(question, JSON, max_bytes=None, compacted=True)
    assert code == 0
    told = capsys.readouterr().err
    assert told.startswith("root-use: the compacted table, at most 700 bytes, at most $0.0001\n")
    assert "FROM organization_trail_compacted\n" in aws.started["QueryString"]


def test_without_a_compacted_table_that_is_told() -> None:
    with pytest.raises(OrgtrailError, match="--compacted: the environment file has no catalog"):
        Athena(environment(), Aws()).estimate_compacted()


def test_run_refuses_above_the_limit(env: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    aws = Aws()
    monkeypatch.setattr("orgtrail.aws.session_in", lambda *_: aws)
    with pytest.raises(OrgtrailError) as caught:
        query_run.on_athena(asked(env), JSON, max_bytes=2999)
    assert str(caught.value) == (
        "--max-bytes: pipeline-health would scan 3000 bytes, more than 2999; narrow it with "
        "--from, --to, --account or --region, or raise the limit"
    )
    assert aws.started == {}
