"""`orgtrail query` as a user types it: rows in every format, and each mistake in plain words."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from pathlib import Path

import pytest
from orgtrail.query.questions import pack
from pyarrow import parquet

from tests.conftest import orgtrail
from tests.log_records import AT, SINCE, UNTIL, record, write_log

TIMES = ("--from", SINCE.isoformat(), "--to", UNTIL.isoformat())


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    write_log(
        tmp_path,
        [
            record("cloudtrail:StopLogging", requestParameters={"name": "[red]t"}),
            record("cloudtrail:DeleteTrail", errorCode="AccessDenied"),
        ],
    )
    return tmp_path


def test_list_shows_all_of_them() -> None:
    told = json.loads(orgtrail("query", "list", "--format", "json").stdout)
    assert [each["name"] for each in told] == sorted(pack())
    text = orgtrail("query", "list").stdout
    assert all(each in text for each in pack())


@pytest.mark.parametrize("dialect", ["athena", "duckdb"])
def test_show_gives_sql_that_looks_back(dialect: str) -> None:
    done = orgtrail("query", "show", "trail-tampering", "--dialect", dialect)
    assert done.returncode == 0
    assert "-- Attempts to stop or change a trail\n" in done.stdout
    assert "interval '168' hour" in done.stdout.lower()
    assert (":bounds" in done.stdout) is False


def test_rows_are_objects(logs: Path) -> None:
    done = orgtrail(
        "query", "run", "trail-tampering", "--logs", str(logs), *TIMES, "--format", "json"
    )
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert [(each["event_name"], each["outcome"]) for each in rows] == [
        ("DeleteTrail", "attempt"),
        ("StopLogging", "success"),
    ] or [each["outcome"] for each in rows] == ["success", "attempt"]
    assert done.stderr == "2 rows from 2 events in 1 file\n"


def test_no_rows_are_an_empty_list(logs: Path) -> None:
    done = orgtrail("query", "run", "root-use", "--logs", str(logs), *TIMES, "--format", "json")
    assert (done.returncode, json.loads(done.stdout)) == (0, [])


def test_table_shows_what_logs_say_and_no_markup(logs: Path) -> None:
    done = orgtrail("query", "run", "trail-tampering", "--logs", str(logs), *TIMES)
    assert "[red]t" in done.stdout


def test_csv_and_parquet_hold_the_same(logs: Path, tmp_path: Path) -> None:
    base = ("query", "run", "trail-tampering", "--logs", str(logs), *TIMES)
    rows = json.loads(orgtrail(*base, "--format", "json").stdout)
    text = orgtrail(*base, "--format", "csv").stdout
    read = [{k: v or None for k, v in each.items()} for each in csv.DictReader(io.StringIO(text))]
    assert read == rows
    out = tmp_path / "rows.parquet"
    done = orgtrail(*base, "--format", "parquet", "--out", str(out))
    assert (done.returncode, done.stdout) == (0, "")
    assert parquet.read_table(out).to_pylist() == rows


def test_parquet_without_rows_has_its_columns(logs: Path, tmp_path: Path) -> None:
    out = tmp_path / "rows.parquet"
    orgtrail(
        "query", "run", "root-use", "--logs", str(logs), *TIMES, "--format", "parquet", "--out",
        str(out),
    )  # fmt: skip
    assert parquet.read_table(out).column_names[:2] == ["event_time", "account_id"]


def test_own_sql_takes_the_same_bounds(logs: Path, tmp_path: Path) -> None:
    write_log(
        logs, [record("ec2:RunInstances", eventTime="2026-11-15T00:00:00Z")], at=AT - timedelta(5)
    )
    own = tmp_path / "own.sql"
    own.write_text(
        "WITH x AS (SELECT eventname FROM organization_trail WHERE eventname <> 'a' OR true)\n"
        "SELECT count(*) AS n FROM x"
    )
    base = ("query", "run", "--sql", str(own), "--logs", str(logs), "--format", "json")
    assert json.loads(orgtrail(*base).stdout) == [{"n": 3}]
    assert json.loads(orgtrail(*base, *TIMES).stdout) == [{"n": 2}]
    other = ("--from", "2026-10-01T00:00:00Z", "--to", "2026-10-02T00:00:00Z")
    assert json.loads(orgtrail(*base, *other).stdout) == [{"n": 0}]


def test_an_account_that_has_no_folder_is_told(logs: Path) -> None:
    base = ("query", "run", "root-use", "--logs", str(logs))
    done = orgtrail(*base, "--account", "1" * 12)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(
        f"--account: {logs} has no folder of 111111111111; it has 333333333333"
    )
    done = orgtrail(*base, "--region", "eu-west-9")
    assert done.stderr.startswith(f"--region: {logs} has no folder of eu-west-9; it has us-east-1")


def test_where_nothing_is_found_the_time_is_told(logs: Path) -> None:
    done = orgtrail("query", "run", "root-use", "--logs", str(logs), *TIMES)
    assert "looked at 2026-11-20T09:00:00Z to 2026-11-20T11:00:00Z; --from and --to" in done.stderr


def test_a_question_says_what_it_was_asked_without(logs: Path) -> None:
    done = orgtrail("query", "run", "unused-regions", "--logs", str(logs), *TIMES)
    assert done.stderr.startswith(
        "unused-regions: asked without allowed: give --env FILE that says it, or "
        "--param allowed=...\n"
    )


def test_logs_without_a_layout_are_asked_as_a_whole(tmp_path: Path) -> None:
    old = record("cloudtrail:StopLogging", eventTime="2019-03-01T00:00:00Z")
    (tmp_path / "a.json").write_text(json.dumps({"Records": [old]}))
    done = orgtrail("query", "run", "trail-tampering", "--logs", str(tmp_path), "--format", "json")
    assert [each["event_time"] for each in json.loads(done.stdout)] == ["2019-03-01T00:00:00Z"]


def test_a_record_without_a_time_is_told(tmp_path: Path) -> None:
    write_log(tmp_path, [record("cloudtrail:StopLogging", eventTime="yesterday")])
    done = orgtrail("query", "run", "trail-tampering", "--logs", str(tmp_path), *TIMES)
    assert done.returncode == 2
    told = "1 records have no time of CloudTrail's form, and are in no period"
    assert told in done.stderr
    # What the answer lacks is no note.
    quiet = orgtrail("query", "run", "trail-tampering", "--logs", str(tmp_path), *TIMES, "-q")
    assert quiet.returncode == 2
    assert quiet.stderr.endswith(f": {told}\n")


def test_bounds_leave_joins_as_they_are(logs: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.sql"
    own.write_text(
        "SELECT count(a.eventid) AS a, count(b.eventid) AS b\n"
        "FROM organization_trail a\n"
        "LEFT JOIN organization_trail b ON a.eventname = b.eventname AND b.errorcode IS NULL\n"
        "WHERE a.eventname <> 'x' OR true"
    )
    done = orgtrail(
        "query", "run", "--sql", str(own), "--logs", str(logs), *TIMES, "--account", "3" * 12,
        "--format", "json",
    )  # fmt: skip
    assert json.loads(done.stdout) == [{"a": 2, "b": 1}], done.stderr


def test_a_table_that_is_none_is_told(logs: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.sql"
    own.write_text("WITH x AS (SELECT 1 AS n) SELECT * FROM x, read_me")
    done = orgtrail("query", "run", "--sql", str(own), "--logs", str(logs))
    assert done.returncode == 2
    assert done.stderr == (
        f"{own}: reads read_me; a folder of logs is organization_trail and nothing else\n"
    )


def test_limit_cuts_rows(logs: Path) -> None:
    done = orgtrail(
        "query", "run", "trail-tampering", "--logs", str(logs), *TIMES, "--limit", "1", "--format",
        "json",
    )  # fmt: skip
    assert len(json.loads(done.stdout)) == 1


def test_health_tells_what_the_table_cannot_see(logs: Path, tmp_path: Path) -> None:
    env = tmp_path / "bank.tfvars"
    env.write_text(
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
    done = orgtrail(
        "query", "run", "pipeline-health", "--logs", str(logs), "--env", str(env), *TIMES,
        "--format", "json",
    )  # fmt: skip
    status = {each["account"]: each["status"] for each in json.loads(done.stdout)}
    assert status == {
        "111111111111": "absent",
        "222222222222": "absent",
        "333333333333": "not in table",
    }
    assert "account 333333333333 has logs and is not in the table" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "query run: takes a NAME of the pack, or --sql FILE; give one of them"),
        (("root-use",), "query run: needs --logs DIR to ask a folder, or --env FILE to ask Athena"),
        (
            ("root-us", "--logs", "."),
            "root-us: is no query of the pack; did you mean root-use?",
        ),
        (
            ("root-use", "--logs", ".", "--last", "soon"),
            "--last: must be like 90m, 24h or 7d; got 'soon'",
        ),
        (
            ("root-use", "--logs", ".", "--from", "yesterday"),
            "--from: must be ISO 8601, like 2026-11-25T10:00:00Z; got 'yesterday'",
        ),
        (
            ("root-use", "--logs", ".", "--from", "2026-01-01", "--last", "1d"),
            "--from and --last: both say when to begin; give one of them",
        ),
        (
            ("root-use", "--logs", ".", "--from", "2026-01-02", "--to", "2026-01-01"),
            "--from must be before --to; got 2026-01-02T00:00:00+00:00 and "
            "2026-01-01T00:00:00+00:00",
        ),
        (
            ("root-use", "--logs", ".", "--account", "123"),
            "--account: must be 12 digits; got '123'",
        ),
        (
            ("root-use", "--logs", ".", "--region", "a' OR"),
            "--region: must be a region's name, like us-east-1; got \"a' OR\"",
        ),
        (
            ("root-use", "--logs", ".", "--param", "x"),
            "--param: must be name=value; got 'x'",
        ),
        (
            ("root-use", "--logs", ".", "--format", "parquet"),
            "--format parquet: needs --out FILE, since it is no text",
        ),
        (
            ("root-use", "--logs", "absent"),
            "absent: is no folder and no file; --logs takes a copy of the archive bucket",
        ),
        (
            ("root-use", "--logs", ".", "--compacted"),
            "--compacted: is a table in Athena; a folder is about the log files",
        ),
        (("--sql", "absent.sql", "--logs", "."), "absent.sql: cannot be read: "),
    ],
)
def test_mistakes_are_told(arguments: tuple[str, ...], message: str) -> None:
    done = orgtrail("query", "run", *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(message)
    assert "Traceback" not in done.stderr
