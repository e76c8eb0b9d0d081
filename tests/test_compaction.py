"""The compacted table: the rows of the log files, and nobody but its schedule writes it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlglot
from orgtrail import records, sample
from orgtrail.logs.bounds import Bounds
from orgtrail.logs.files import log_files
from orgtrail.query import dialect, local
from orgtrail.query.questions import find_question, pack, query_placeholders
from orgtrail.query.render import compaction_insert, compaction_statements, to_run
from orgtrail.trail import compaction, service_control
from sqlglot import exp

from tests.conftest import environment, synthesized
from tests.log_records import GIVEN

END = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
BOUNDS = Bounds(END - timedelta(days=3), END)
ON = environment(catalog={"regions": ["us-east-1", "eu-west-1"], "compaction": {}})
COLUMNS = [each.name.lower() for each in (*records.FIELDS, *records.PARTITIONS)]


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("compaction") / "made"
    sample.make(folder, ON, days=3, events_per_day=2000, until=END)
    return folder


@pytest.fixture(scope="module")
def compacted(logs: Path) -> Path:
    """What the schedule's SELECT gives, as Parquet."""
    tree = dialect.parse(f"SELECT {', '.join(COLUMNS)} FROM organization_trail", "all")
    out = logs.parent / "compacted.parquet"
    with local.query_logs(tree, log_files(logs)) as answer:
        answer.connection.execute(
            f"COPY ({answer.sql} ORDER BY day, account, region) TO '{out}' (FORMAT parquet)"
        )
    return out


@pytest.mark.parametrize("name", sorted(set(pack()) - {"pipeline-health"}))
def test_compacted_and_raw_give_the_same_rows(name: str, logs: Path, compacted: Path) -> None:
    given = GIVEN.get(name, {}) | ({"principal": "deploy-legacy"} if "principal" in name else {})
    sql = to_run(find_question(name), BOUNDS, given, query_placeholders(ON))
    tree = dialect.parse(sql, name)
    with local.query_logs(tree, log_files(logs, BOUNDS)) as answer:
        raw = [*answer.rows()[1]]
    with duckdb.connect() as connection:
        connection.execute("SET integer_division = true")
        connection.execute(f"CREATE VIEW organization_trail AS FROM '{compacted}'")
        rows = connection.execute(dialect.to_duckdb(tree)).fetchall()
    assert sorted(map(str, rows)) == sorted(map(str, raw))


def test_what_is_taken_are_the_days_that_are_over_and_not_there_yet() -> None:
    tree = sqlglot.parse_one(compaction_insert("raw", "compacted"), read="athena")
    assert isinstance(tree, exp.Insert)
    select = tree.expression
    assert [each.alias_or_name for each in select.selects] == COLUMNS
    assert [each.name for each in tree.this.expressions] == COLUMNS
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE raw (day VARCHAR, n INT)")
        connection.execute("CREATE TABLE compacted (day VARCHAR)")
        days = {n: f"{datetime.now(UTC) - timedelta(days=n):%Y/%m/%d}" for n in range(12)}
        for number, day in days.items():
            connection.execute("INSERT INTO raw VALUES (?, ?)", [day, number])
        connection.execute("INSERT INTO compacted VALUES (?)", [days[2]])
        select.set("expressions", [exp.column("n")])
        select.set("order", None)
        connection.execute("SET TimeZone = 'UTC'")
        taken = connection.execute(select.sql(dialect="duckdb")).fetchall()
    assert sorted(each[0] for each in taken) == [1, 3, 4, 5, 6, 7]


def test_each_statement_parses_and_forgetting_is_asked_for() -> None:
    assert set(compaction_statements("a", "b", None)) == {"take", "tidy"}
    found = compaction_statements("a", "b", 2557)
    assert found["forget"] == (
        "DELETE FROM b WHERE day < date_format(current_timestamp - interval '2557' day, '%Y/%m/%d')"
    )
    for name in ("take", "forget"):
        assert sqlglot.parse_one(found[name], read="athena")


def test_schedules_ask_the_workgroup() -> None:
    stack = synthesized(ON)
    (schedule,) = stack["resource"]["aws_scheduler_schedule"].values()
    runs = schedule["for_each"]
    assert set(runs) == {"take", "tidy", "forget"} - (
        set() if ON.archive.expire_after_days else {"forget"}
    )
    asked = json.loads(runs["take"]["ask"])
    assert asked["WorkGroup"] == ON.catalog.workgroup
    assert asked["QueryString"] == compaction_insert(
        "organization_trail", "organization_trail_compacted"
    )
    assert runs["take"]["at"] == "cron(30 1 * * ? *)"


def test_a_stack_without_it_has_none_of_it() -> None:
    assert "compact" not in json.dumps(synthesized(environment()))


def test_nobody_but_the_schedule_and_deployers_may_change_the_table() -> None:
    scp = {
        each["Sid"]: each
        for part in service_control.service_control(ON).values()
        for each in part["Statement"]
    }
    role = "arn:aws:iam::222222222222:role/organization-trail-compaction"
    spared = scp["ProtectCompacted"]["Condition"]["ArnNotLike"]["aws:PrincipalArn"]
    assert role in spared
    assert role in scp["ProtectTable"]["Condition"]["ArnNotLike"]["aws:PrincipalArn"]
    files = scp["ProtectLogFiles"]["Resource"]
    assert not [each for each in files if "compacted" in each]
    assert role in scp["ProtectReadingRoles"]["Resource"]


def test_the_role_writes_its_own_table_and_no_log_file() -> None:
    allowed: list[dict[str, Any]] = compaction.role_permissions(ON)["Statement"]
    writes = [
        resource
        for each in allowed
        for action in each["Action"]
        if action in {"s3:PutObject", "s3:DeleteObject", "glue:UpdateTable"}
        for resource in (
            [each["Resource"]] if isinstance(each["Resource"], str) else each["Resource"]
        )
    ]
    assert not [each for each in writes if each.startswith("arn:aws:s3:::example-bank-archive/")]
    assert "arn:aws:glue:us-east-1:222222222222:table/cloudtrail/organization_trail" not in writes
