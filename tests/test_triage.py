"""All questions at once, the records behind an answer, and how rows are shown."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from orgtrail.cli import query_options, query_output
from orgtrail.logs.bounds import Bounds
from orgtrail.logs.files import log_files
from orgtrail.query import dialect, local, triage
from orgtrail.query.questions import pack, query_placeholders
from orgtrail.query.render import fill, to_run
from sqlglot import exp

from tests.conftest import ROOT, environment, orgtrail
from tests.log_records import GIVEN, SINCE, UNTIL, Record, ask, record, write_log
from tests.query_cases import HITS, MISSES
from tests.test_query_cli import TIMES

ENV = ROOT / "envs" / "healthcare.tfvars"
RULE = """\
title: A user was made
logsource: {product: aws, service: cloudtrail}
detection:
  made: {eventSource: iam.amazonaws.com, eventName: CreateUser}
  condition: made
level: critical
"""
BOUNDS = Bounds(SINCE, UNTIL)
EVERYTHING: list[Record] = [
    each | {"eventID": f"{name}-{n}-{m}"}
    for cases in (HITS, MISSES)
    for name, groups in cases.items()
    for n, group in enumerate(groups)
    for m, each in enumerate(group)
]
"""The records of all cases, as if they had happened in one organization."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("triage")
    write_log(root, EVERYTHING)
    return root


def _triage(*arguments: str) -> Any:
    done = orgtrail("query", "triage", *arguments, "--format", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_it_finds_what_each_question_finds_alone(folder: Path) -> None:
    facts = query_placeholders(environment())
    told = triage.select_questions(facts)
    trees = told.trees(BOUNDS, facts)
    with local.load_logs(trees, log_files(folder, BOUNDS)) as logs:
        found, failed = triage.find_hits(logs, told, trees, BOUNDS, facts)
        assert failed == {}
        rows = {
            each.question.name: [
                json.dumps(dict(zip(each.columns, row, strict=True)), default=str)
                for row in each.rows()
            ]
            for each in found
        }
    for each in told.questions:
        sql = to_run(each, BOUNDS, {}, facts)
        with local.query_logs(dialect.parse(sql, each.name), log_files(folder, BOUNDS)) as answer:
            columns, alone = answer.rows()
            expected = [
                json.dumps(dict(zip(columns, row, strict=True)), default=str) for row in alone
            ]
        assert sorted(rows.get(each.name, [])) == sorted(expected), each.name
        assert len(rows.get(each.name, [])) == len(expected)
    assert {each.name for each in told.questions} | set(told.left_out) == set(pack())


def test_the_worst_comes_first(folder: Path) -> None:
    answer = _triage("--logs", str(folder), "--env", str(ENV))
    hit = [each for each in answer["questions"] if each["count"]]
    ranks = [triage.SEVERITIES.index(each["severity"]) for each in hit]
    assert ranks == sorted(ranks)
    assert all(each["count"] == len(each["hits"]) for each in hit)
    assert answer["read"] == {
        "files": 1, "events": len(EVERYTHING), "aggregated": 0, "insights": 0, "unread": [],
    }  # fmt: skip
    asked = {each["name"] for each in answer["questions"]}
    assert asked | {each["name"] for each in answer["not_asked"]} == set(pack())


def test_it_is_told_in_lines(folder: Path) -> None:
    done = orgtrail("query", "triage", "--logs", str(folder), "--env", str(ENV), "--limit", "1")
    assert done.returncode == 0
    (told,) = re.findall(
        r"CRITICAL  trail-tampering: Attempts to stop or change a trail \((\d+) hits\)\n"
        r"  2026-11-20T10:00:00Z  333333333333  us-east-1  .*\n  \.\.\. and (\d+) more\n",
        done.stdout,
    )
    assert int(told[0]) == int(told[1]) + 1 > 1
    assert (
        "account-activity: not asked: also returns routine activity; run it by name" in done.stderr
    )


def test_csv_has_a_line_for_each_hit(folder: Path) -> None:
    done = orgtrail("query", "triage", "--logs", str(folder), "--env", str(ENV), "--format", "csv")
    rows = [*csv.DictReader(io.StringIO(done.stdout))]
    answer = _triage("--logs", str(folder), "--env", str(ENV))
    assert len(rows) == sum(each["count"] for each in answer["questions"])
    assert all(json.loads(each["row"]) for each in rows)


def test_without_an_environment_it_says_what_it_did_not_ask(folder: Path) -> None:
    reasons = {each["name"]: each["reason"] for each in _triage("--logs", str(folder))["not_asked"]}
    assert (
        reasons["logging-account-access"]
        == "needs logging: give --env FILE that says it, or run it by name"
    )


def test_sigma_rules_stand_beside_ours(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "made.yml").write_text(RULE)
    (tmp_path / "other.yml").write_text(RULE.replace("cloudtrail", "vpcflow"))
    answer = _triage("--logs", str(folder), "--sigma", str(tmp_path))
    (rule,) = [each for each in answer["questions"] if each["name"] == "sigma:made"]
    made = [each for each in EVERYTHING if each["eventName"] == "CreateUser"]
    assert rule["count"] == len({each["eventID"] for each in made}) > 0
    assert rule["severity"] == "critical"
    assert any("other.yml" in each["name"] for each in answer["not_asked"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "query triage: needs --logs DIR to ask a folder, or --env FILE to ask Athena"),
        (("--logs", ".", "--format", "parquet"), "--format parquet: is for query run; "),
        (("--logs", ".", "--zone", "Berlin"), "--zone: must be the name of a time zone"),
        (("--logs", ".", "--account", "1"), "--account: must be 12 digits; got '1'"),
        (("--logs", ".", "--sigma", "absent"), "absent: "),
    ],
)
def test_mistakes_are_told(arguments: tuple[str, ...], message: str) -> None:
    done = orgtrail("query", "triage", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(message)


@pytest.mark.parametrize("cheap", [True, False])
def test_what_is_left_out_no_question_needs(folder: Path, cheap: bool) -> None:  # noqa: FBT001
    """A question over the records that are needed answers as over all of them."""
    facts = query_placeholders(environment())
    for name in sorted(pack()):
        given = GIVEN.get(name, {})
        tree = dialect.parse(to_run(pack()[name], BOUNDS, given, facts), name)
        condition = dialect.pushdown_condition([tree], cheap=cheap)
        if condition is None:
            continue
        everything = exp.select("*").from_("organization_trail")
        with local.load_logs([tree, everything], log_files(folder, BOUNDS)) as logs:
            columns, rows = logs.ask(tree).rows()
            before = sorted(map(str, rows))
            logs.connection.execute(
                "CREATE TABLE needed AS FROM organization_trail "
                f"WHERE {dialect.expression_to_duckdb(condition)}"
            )
            for view in ("organization_trail", "organization_trail_with_json"):
                logs.connection.execute(f"CREATE OR REPLACE VIEW {view} AS FROM needed")
            again, rows = logs.ask(tree).rows()
            assert (again, sorted(map(str, rows))) == (columns, before), name


def test_records_from_athena_are_asked_as_those_of_a_folder(folder: Path, tmp_path: Path) -> None:
    """What one scan of Athena gives is enough for all questions."""
    facts = query_placeholders(environment())
    told = triage.select_questions(facts)
    trees = told.trees(BOUNDS, facts)
    (sql,) = triage.scan_statements(trees, fill(BOUNDS.sql, BOUNDS.values.__getitem__))
    with local.query_logs(dialect.parse(sql, "scan"), log_files(folder, BOUNDS)) as answer:
        _, rows = answer.rows()
        count = triage.write_log_files(trees, rows, tmp_path)
    assert 0 < count < len(EVERYTHING)
    with local.load_logs(trees, log_files(folder, BOUNDS)) as logs:
        expected = {
            each.question.name: sorted(map(str, each.rows()))
            for each in triage.find_hits(logs, told, trees, BOUNDS, facts)[0]
        }
    with local.load_logs(trees, log_files(tmp_path)) as logs:
        got = {
            each.question.name: sorted(map(str, each.rows()))
            for each in triage.find_hits(logs, told, trees, BOUNDS, facts)[0]
        }
    assert got == expected


def test_many_rules_are_more_than_one_scan() -> None:
    long = "SELECT eventname FROM organization_trail WHERE eventname = '" + "x" * 100_000 + "{}'"
    trees = [dialect.parse(long.format(n), "x") for n in range(5)]
    found = triage.scan_statements(trees, "day > '2026/01/01'")
    assert len(found) == 3
    assert all(len(each.encode()) <= 262_144 for each in found)


# -- the records behind an answer


def _raw(folder: Path, name: str, *more: str) -> Any:
    done = orgtrail("query", "run", name, "--logs", str(folder), "--env", str(ENV), "--raw",
                    "--from", SINCE.isoformat(), "--to", UNTIL.isoformat(), *more)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["Records"]


RAW = sorted(set(pack()) - {"coverage", "pipeline-health"})


@pytest.mark.parametrize("name", RAW)
def test_every_row_has_its_records(name: str, tmp_path: Path) -> None:
    facts = query_placeholders(environment())
    for number, group in enumerate(HITS[name]):
        root = tmp_path / str(number)
        write_log(root, group)
        given = GIVEN.get(name, {})
        sql = to_run(pack()[name], BOUNDS, given, facts, evidence=True)
        with local.query_logs(dialect.parse(sql, name), log_files(root, BOUNDS)) as answer:
            columns, rows = answer.rows()
            told = [dict(zip(columns, row, strict=True)) for row in rows]
        ids = {
            one
            for each in told
            for one in [each.get("event_id"), *json.loads(str(each.get("event_ids") or "[]"))]
            if one
        }
        assert ids, columns
        assert ids <= {each["eventID"] for each in group}


def test_event_rows_carry_their_id(tmp_path: Path) -> None:
    write_log(tmp_path, [record("cloudtrail:StopLogging", eventID="e-1")])
    (row,) = ask(tmp_path, "trail-tampering")
    assert row["event_id"] == "e-1"


def test_records_are_given_as_they_were_written(tmp_path: Path) -> None:
    text = (
        '{"eventVersion" : "1.11", "eventID":"e-1","eventName":"StopLogging", '
        '"eventSource":"cloudtrail.amazonaws.com","eventTime":"2026-11-20T10:00:00Z",'
        '"odd": 1.50e+2, "\\u0061": "\\u00e9", "twice": 1, "twice": 2}'
    )
    file = write_log(tmp_path, [])
    import gzip

    file.write_bytes(gzip.compress(f'{{"Records": [{text}]}}'.encode()))
    done = orgtrail("query", "run", "trail-tampering", "--logs", str(tmp_path), "--raw",
                    "--from", SINCE.isoformat(), "--to", UNTIL.isoformat())  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert text in done.stdout
    # It is a log file in its turn.
    (tmp_path / "again.json").write_text(done.stdout)
    again = orgtrail("query", "run", "trail-tampering", "--logs", str(tmp_path / "again.json"),
                     "--format", "json", *TIMES)  # fmt: skip
    assert [each["event_id"] for each in json.loads(again.stdout)] == ["e-1"]


def test_what_is_counted_is_given_too(tmp_path: Path) -> None:
    secrets = [
        record(
            "secretsmanager:GetSecretValue",
            eventID=f"e-{n}",
            requestParameters={"secretId": str(n)},
        )
        for n in range(3)
    ]
    write_log(tmp_path, [*secrets, record("ec2:RunInstances")])
    assert {each["eventID"] for each in _raw(tmp_path, "secrets-read")} == {"e-0", "e-1", "e-2"}


def test_raw_says_where_there_is_nothing_to_give(tmp_path: Path) -> None:
    write_log(tmp_path, [record("ec2:RunInstances")])
    done = orgtrail("query", "run", "coverage", "--logs", str(tmp_path), "--raw")
    assert done.returncode == 2
    assert done.stderr.startswith("--raw: coverage counts")
    done = orgtrail("query", "run", "root-use", "--logs", str(tmp_path), "--raw", "--format", "csv")
    assert done.stderr.startswith("--raw: gives records as CloudTrail wrote them")


# -- how rows are shown


class Terminal(io.StringIO):
    """A terminal of some width."""

    def isatty(self) -> bool:
        return True


def _shown(width: int, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "dumb")
    to = Terminal()
    columns = ["event_time", "principal", "event_name", "error_code"]
    arn = "arn:aws:iam::333333333333:user/eve"
    rows = [("2026-11-20T10:00:00Z", arn, "StopLogging", None)] * 2
    assert query_output.write_table(columns, rows, to) == 2
    return to.getvalue()


def test_a_narrow_terminal_has_rows_one_below_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    narrow = _shown(60, monkeypatch)
    assert "principal   arn:aws:iam::333333333333:user/eve\n" in narrow
    assert narrow.count("-- ") == 2
    assert "error_code" not in narrow
    assert max(map(len, narrow.splitlines())) <= 60


def test_a_wide_one_has_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "-- 1" not in _shown(160, monkeypatch)


def test_times_are_shown_in_a_zone(tmp_path: Path) -> None:
    asked = "x 2026-11-20T10:00:00Z"
    write_log(tmp_path, [record("cloudtrail:StopLogging", requestParameters={"name": asked})])
    done = orgtrail("query", "run", "trail-tampering", "--logs", str(tmp_path), "--from",
                    SINCE.isoformat(), "--to", UNTIL.isoformat(), "--zone", "Asia/Kolkata",
                    "--format", "json")  # fmt: skip
    (row,) = json.loads(done.stdout)
    assert row["event_time"] == "2026-11-20T15:30:00+05:30"
    assert row["target"] == asked


@pytest.mark.parametrize("name", ["Berlin", "", "../../etc/passwd", "\0", "a" * 5000])
def test_a_zone_that_is_none_is_told(name: str) -> None:
    with pytest.raises(Exception, match="--zone: must be the name of a time zone") as caught:
        query_options.time_zone(name)
    assert type(caught.value).__name__ == "OrgtrailError"
