"""The records behind an answer: the files that hold them, and their text as it stands there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from orgtrail.errors import OrgtrailError
from orgtrail.logs import files
from orgtrail.logs.files import LogFile
from orgtrail.logs.json_scanner import member
from orgtrail.logs.reader import raw_records
from orgtrail.query import dialect, local

from tests.log_records import write_log
from tests.test_engines import OWN
from tests.test_reading import GOOD, RUN, STOP, wrapped


def asked_raw(root: Path, ids: list[str]) -> list[str]:
    tree = dialect.parse("SELECT eventid FROM organization_trail", "own")
    with local.query_logs(tree, files.log_files(root)) as answer:
        return [*raw_records(map(LogFile, answer.paths(ids)), ids)]


def test_raw_records_are_the_text_of_the_file(tmp_path: Path) -> None:
    odd = (
        '{"eventID" :  "odd","eventName":"\\u0041",\n "x":1.0e5 , "a":"é", "x": {"eventID": "in"}}'
    )
    inner = json.dumps(RUN | {"eventID": "inner"}, indent=1)
    (tmp_path / "a.json").write_text(wrapped(GOOD, odd, GOOD))
    (tmp_path / "b.json").write_text(json.dumps({"Events": [{"CloudTrailEvent": inner}]}))
    (tmp_path / "c.json").write_text(f'[{{"detail-type":"x via CloudTrail","detail": {inner}}}]')
    escaped = r'{"event\u0049D": "esc\u0061ped", "eventName": "X"}'
    (tmp_path / "d.json").write_text(escaped)
    (tmp_path / "broken.json").write_text(GOOD + '{"eventName": ')
    assert asked_raw(tmp_path, ["odd"]) == [odd]
    assert asked_raw(tmp_path, ["in", "nowhere"]) == []
    assert asked_raw(tmp_path, ["inner"]) == [inner]
    assert asked_raw(tmp_path, ["escaped"]) == [escaped]
    assert asked_raw(tmp_path, ["stop", "odd", "inner"]) == [GOOD, odd, inner]
    assert asked_raw(tmp_path, []) == []


def test_paths_of_events_are_those_that_hold_them(tmp_path: Path) -> None:
    first = write_log(tmp_path, [RUN], name="one")
    second = write_log(tmp_path, [STOP, RUN], name="two")
    tree = dialect.parse("SELECT eventid FROM organization_trail ORDER BY 1", "own")
    with local.load_logs([tree], files.log_files(tmp_path)) as logs:
        _, rows = logs.ask(tree).rows()
        assert next(rows) == ("run",)
        assert logs.ask(tree).paths(["stop"]) == [str(second)]
        assert logs.ask(tree).paths(["run", "none"]) == sorted((str(first), str(second)))
        assert [each for (each,) in rows] == ["run", "stop"]
    tree = dialect.parse(OWN, "own")
    with (
        local.query_logs(tree, files.log_files(tmp_path)) as answer,
        pytest.raises(OrgtrailError, match="found by eventid, which the question has to read"),
    ):
        answer.paths(["run"])


def test_a_member_is_the_first_of_its_name() -> None:
    text = '{"x": {"a": 1}, "a": "b", "a": 2}'
    assert (member(text, "a"), member(text, "c"), member("{}", "a")) == ('"b"', "", "")
