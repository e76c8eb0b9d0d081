"""Reading a folder of logs: what cannot be read is named, and nothing is lost on the way."""

from __future__ import annotations

import gzip
import json
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from orgtrail import records
from orgtrail.errors import OrgtrailError
from orgtrail.logs import decompression, files
from orgtrail.logs.bounds import Bounds
from orgtrail.logs.reader import ReadReport
from orgtrail.query import dialect, local
from orgtrail.query.athena import Drift, drift

from tests.conftest import at_most, orgtrail
from tests.log_records import AT, SINCE, UNTIL, ask, record, write_log

OWN = "SELECT eventname, count(*) AS n FROM organization_trail GROUP BY 1 ORDER BY 1"


def read(root: Path, sql: str = OWN) -> tuple[list[tuple[object, ...]], ReadReport]:
    with local.query_logs(dialect.parse(sql, "own"), files.log_files(root)) as answer:
        return [*answer.rows()[1]], answer.reading


def spoil(root: Path) -> dict[str, str]:
    """Lay files that cannot be read; return what is said of each."""
    whole = write_log(root, [record("ec2:RunInstances")]).read_bytes()
    broken = {
        "truncated.json.gz": (whole[:-12], "truncated gzip"),
        "empty.json.gz": (b"", "empty file"),
        "plain.json.gz": (b"hello", "not gzip"),
        "flipped.json.gz": (whole[:20] + b"\0\0\0\0" + whole[24:], "broken gzip: "),
        "broken.json.gz": (gzip.compress(b'{"Records": [{"a"'), "broken JSON: "),
        "other.json.gz": (gzip.compress(b'{"logFiles": []}'), "no CloudTrail records in it"),
        "list.json.gz": (gzip.compress(b"[1]"), "no CloudTrail records in it"),
        "latin.json.gz": (gzip.compress(b'{"Records": ["\xe9"]}'), "not UTF-8"),
        "nothing.json.gz": (gzip.compress(b""), "nothing in it"),
    }
    folder = next((root / "AWSLogs").rglob("*.gz")).parent
    for name, (data, _) in broken.items():
        (folder / name).write_bytes(data)
    return {str(folder / name): said for name, (_, said) in broken.items()}


def test_unreadable_files_are_named_and_the_others_answer(tmp_path: Path) -> None:
    expected = spoil(tmp_path)
    rows, reading = read(tmp_path)
    assert rows == [("RunInstances", 1)]
    assert reading.files == len(expected) + 1
    assert set(reading.unread) == set(expected)
    for path, said in expected.items():
        assert reading.unread[path].startswith(said), path


def test_command_names_unreadable_files_and_exits_with_2(tmp_path: Path) -> None:
    expected = spoil(tmp_path)
    own = tmp_path / "own.sql"
    own.write_text(OWN)
    done = orgtrail("query", "run", "--sql", str(own), "--logs", str(tmp_path), "--format", "json")
    assert done.returncode == 2
    assert json.loads(done.stdout) == [{"eventname": "RunInstances", "n": 1}]
    for path, said in expected.items():
        assert f"{Path(path).relative_to(tmp_path)}: not read: {said}" in done.stderr
    assert "1 row from 1 event in 10 files; 9 of them could not be read" in done.stderr


def test_odd_records_are_counted(tmp_path: Path) -> None:
    write_log(tmp_path, [record("ec2:RunInstances"), None, "text", {"eventName": None}])
    rows, reading = read(tmp_path)
    assert rows == [("RunInstances", 1)]
    assert (sum(reading.odd.values()), reading.events) == (3, 1)


@pytest.mark.parametrize(
    "changes",
    [
        {"userIdentity": {"accountId": "333333333333"}},
        {"userIdentity": None},
        {"userIdentity": "nobody"},
        {"readOnly": "false", "managementEvent": "true"},
        {"awsRegion": "xx-nowhere-9"},
        {"requestParameters": "a text, no object"},
        {"requestParameters": [1, 2], "resources": {"ARN": "no list"}},
        {"tlsDetails": 12, "eventContext": []},
    ],
)
def test_odd_fields_stop_no_question(changes: dict[str, Any], tmp_path: Path) -> None:
    write_log(tmp_path, [record("ec2:RunInstances", **changes)])
    rows = ask(tmp_path, "account-activity")
    assert [each["event_name"] for each in rows] == ["RunInstances"]
    ask(tmp_path, "console-changes")


def test_both_spellings_of_booleans_mean_the_same(tmp_path: Path) -> None:
    write_log(
        tmp_path,
        [
            record("ec2:RunInstances", readOnly=False, sessionCredentialFromConsole=True),
            record("ec2:StopInstances", readOnly="false", sessionCredentialFromConsole="true"),
        ],
    )
    assert len(ask(tmp_path, "console-changes")) == 2


def test_a_file_of_many_megabytes_is_read_whole(tmp_path: Path) -> None:
    padding = {"text": "x" * 2000}
    many = [
        record("ec2:RunInstances", eventID=str(n), requestParameters=padding) for n in range(10_000)
    ]
    path = write_log(tmp_path, many)
    assert len(gzip.decompress(path.read_bytes())) > 16 * 1024 * 1024
    rows, reading = read(tmp_path)
    assert rows == [("RunInstances", 10_000)]
    assert reading.unread == {}


def test_a_bomb_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decompression, "SIZE_LIMIT", 1000)
    path = write_log(tmp_path, [record("ec2:RunInstances", requestParameters={"text": "x" * 5000})])
    _, reading = read(tmp_path)
    assert reading.unread == {str(path): "more than 1000 bytes once unpacked"}


def test_what_is_no_file_is_named_and_a_loop_is_told(tmp_path: Path) -> None:
    path = write_log(tmp_path, [record("ec2:RunInstances")])
    odd = [path.parent / f"{name}.json.gz" for name in ("pipe", "nowhere", "round")]
    os.mkfifo(odd[0])
    odd[1].symlink_to("nothing")
    odd[2].symlink_to(odd[2].name)
    rows, reading = read(tmp_path)
    assert len(rows) == 1
    assert reading.unread == {
        str(odd[0]): "no file: a folder, a pipe or a device",
        str(odd[1]): "No such file or directory",
        str(odd[2]): "Too many levels of symbolic links",
    }
    (tmp_path / "AWSLogs" / "again").symlink_to(tmp_path)
    with pytest.raises(OrgtrailError, match="again: is a link to a folder that it is in"):
        read(tmp_path)


def test_files_without_gzip_and_of_two_members_are_read(tmp_path: Path) -> None:
    path = write_log(tmp_path, [record("ec2:RunInstances")])
    text = gzip.decompress(path.read_bytes())
    (path.parent / "plain.json").write_bytes(text)
    (path.parent / "two.json.gz").write_bytes(gzip.compress(text[:50]) + gzip.compress(text[50:]))
    rows, reading = read(tmp_path)
    assert (rows, reading.unread) == ([("RunInstances", 3)], {})


def test_digests_and_insights_are_no_logs(tmp_path: Path) -> None:
    path = write_log(tmp_path, [record("ec2:RunInstances")])
    for other in ("CloudTrail-Digest", "CloudTrail-Insight"):
        place = Path(str(path.parent).replace("/CloudTrail/", f"/{other}/"))
        place.mkdir(parents=True)
        (place / "a.json.gz").write_bytes(path.read_bytes())
    assert read(tmp_path)[1].files == 1


@pytest.mark.parametrize("depth", [0, 1, 2, 3, 4])
def test_any_folder_above_the_days_will_do(depth: int, tmp_path: Path) -> None:
    path = write_log(tmp_path, [record("ec2:RunInstances")])
    below = path.relative_to(tmp_path).parts[:depth]
    assert [each.account for each in files.log_files(tmp_path.joinpath(*below))] == ["3" * 12]


def test_bounds_go_only_into_their_folders(tmp_path: Path) -> None:
    for days in range(-5, 6):
        write_log(tmp_path, [record("ec2:RunInstances")], at=AT + timedelta(days=days))
    found = {each.day for each in files.log_files(tmp_path, Bounds(SINCE, UNTIL))}
    assert found == {"2026/11/19", "2026/11/20", "2026/11/21", "2026/11/22"}
    assert not [*files.log_files(tmp_path, Bounds(SINCE, UNTIL, ("1" * 12,)))]
    assert not [*files.log_files(tmp_path, Bounds(SINCE, UNTIL, (), ("eu-west-1",)))]


def test_a_folder_without_logs_is_told(tmp_path: Path) -> None:
    with pytest.raises(OrgtrailError, match="has no log files, neither in the layout AWSLogs/"):
        [*files.log_files(tmp_path)]
    with pytest.raises(OrgtrailError, match="is no folder and no file; --logs takes a copy"):
        [*files.log_files(tmp_path / "absent")]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    path = write_log(tmp_path, [record("ec2:RunInstances")])
    path.chmod(0)
    assert read(tmp_path)[1].unread == {str(path): "Permission denied"}


def test_every_field_can_be_asked_for(tmp_path: Path) -> None:
    write_log(tmp_path, [record("ec2:RunInstances")])
    names = ", ".join(each.name.lower() for each in (*records.FIELDS, *records.PARTITIONS))
    (row,) = read(tmp_path, f"SELECT {names} FROM organization_trail")[0]
    assert len(row) == len(records.FIELDS) + 3
    (every,) = read(tmp_path, "SELECT * FROM organization_trail")[0]
    assert len(every) == len(row)


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("DROP TABLE organization_trail", "own: must be one SELECT; nothing else is run"),
        ("SELECT 1; SELECT 2", "own: must be one SELECT; nothing else is run"),
        ("SELEC 1", "own: "),
        ("SELECT (", "own: is not SQL of Athena: "),
    ],
)
def test_only_one_question_is_run(sql: str, said: str) -> None:
    with pytest.raises(OrgtrailError) as caught:
        dialect.parse(sql, "own")
    assert str(caught.value).startswith(said)


def test_a_question_that_fails_is_told(tmp_path: Path) -> None:
    write_log(tmp_path, [record("ec2:RunInstances")])
    with pytest.raises(OrgtrailError, match="the query cannot be answered: Binder Error"):
        read(tmp_path, "SELECT nothing_like_it FROM organization_trail")


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("regexp_replace('a-b-c', '-', '')", "abc"),
        ("regexp_extract('abc', '([0-9]+)', 1)", None),
        ("json_extract_scalar('{\"a\": {\"b\": \"c\"}}', '$.a.b')", "c"),
        ("date_diff('hour', from_iso8601_timestamp('2026-01-01T00:00:00Z'), "
         "from_iso8601_timestamp('2026-01-02T00:30:00Z'))", 24),
        ("date_format(from_iso8601_timestamp('2026-01-02T03:04:05Z'), '%Y/%m/%d')", "2026/01/02"),
        ("7 / 2", 3),
        ("array_join(array_agg(DISTINCT eventname), ',')", "RunInstances"),
        ("split_part('a:b', ':', 2)", "b"),
        ("cardinality(split('a,b', ','))", 2),
        ("strpos('abc', 'c')", 3),
    ],
)  # fmt: skip
def test_functions_mean_what_athena_means(sql: str, expected: object, tmp_path: Path) -> None:
    write_log(tmp_path, [record("ec2:RunInstances")])
    (row,) = read(tmp_path, f"SELECT {sql} AS x FROM organization_trail GROUP BY eventsource")[0]
    assert row == (expected,)


def test_drift_names_accounts_and_regions() -> None:
    found = {"1" * 12: ["us-east-1", "eu-west-1"], "2" * 12: ["us-east-1"]}
    lost = drift(found, ["1" * 12], ["us-east-1"])
    assert lost == [Drift("1" * 12, "eu-west-1", "region"), Drift("2" * 12, "", "account")]
    assert "account 222222222222 has logs and is not in the table" in str(lost[1])
    assert "has logs in eu-west-1, which is not in the table" in str(lost[0])


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "arn", "ARN", "a", "accountId"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)


@settings(
    max_examples=at_most(60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(changes=st.dictionaries(st.sampled_from([each.name for each in records.FIELDS]), values))
def test_no_record_is_lost_whatever_its_fields_hold(
    changes: dict[str, Any], tmp_path: Path
) -> None:
    changes.pop("eventName", None)
    write_log(tmp_path, [record("ec2:RunInstances") | changes, record("ec2:StopInstances")])
    (row,), reading = read(
        tmp_path, "SELECT count(*) AS n FROM (SELECT * FROM organization_trail) x"
    )
    assert row == (2,)
    assert reading.unread == {}
