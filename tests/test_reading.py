"""Reading files that are large, broken or hostile: bounded memory, and every fault is named."""

from __future__ import annotations

import gzip
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import zstandard
from orgtrail.errors import OrgtrailError
from orgtrail.logs import decompression
from orgtrail.logs.files import LogFile
from orgtrail.logs.reader import mend_surrogates
from orgtrail.query import dialect, local

from tests.conftest import ROOT
from tests.log_records import record, write_log
from tests.test_engines import OWN, read

RUN = record("ec2:RunInstances", eventID="run")
STOP = record("ec2:StopInstances", eventID="stop")
GOOD = json.dumps(STOP)


def put(root: Path, data: bytes | str, name: str = "odd.json.gz") -> str:
    """Write a file beside a sound log file of the archive; return its path."""
    file = write_log(root, [RUN]).parent / name
    file.write_bytes(data.encode() if isinstance(data, str) else data)
    return str(file)


def wrapped(*texts: str) -> str:
    return f'{{"Records":[{",".join(texts)}]}}'


MEASURED = r"""
import re, sys
from pathlib import Path
from orgtrail.query import dialect, local
from orgtrail.logs import files
found = files.log_files(Path(sys.argv[1]))
with local.query_logs(dialect.parse(sys.argv[2], "own"), found) as answer:
    count = sum(1 for _ in answer.rows()[1])
    print(count, answer.reading.events, len(answer.reading.unread))
print(int(re.search(r"VmHWM:\s*(\d+)", Path("/proc/self/status").read_text())[1]) >> 10)
"""


def measured(root: Path, sql: str = "SELECT * FROM organization_trail") -> tuple[str, int]:
    """Read in a process of its own; return what it says and its peak memory in MB."""
    command = [sys.executable, "-c", MEASURED, str(root), sql]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    said, memory = done.stdout.splitlines()
    return said, int(memory)


def write_large(path: Path, each: int, count: int, *, head: str = '{"Records":[') -> None:
    """Write records of a size that do not pack well, as those of CloudTrail."""
    noise = random.Random(1).randbytes(each).hex()[:each]
    with gzip.open(path, "wt", compresslevel=1) as file:
        file.write(head)
        for n in range(count):
            one = RUN | {"eventID": str(n), "requestParameters": {"text": noise}}
            file.write(("," if n else "") + json.dumps(one))
        file.write("]}" if head.startswith("{") else "]")


def test_records_of_100_kb_are_read_in_a_file_of_16_mb(tmp_path: Path) -> None:
    write_large(write_log(tmp_path, []), 100_000, 160)
    said, memory = measured(tmp_path)
    assert said == "160 160 0"
    assert memory < 500


@pytest.mark.parametrize(
    ("each", "count", "head"), [(1000, 120_000, '{"Records":['), (100_000, 1500, "[")]
)
def test_memory_has_a_bound_whatever_the_file(
    each: int, count: int, head: str, tmp_path: Path
) -> None:
    write_large(tmp_path / "large.json.gz", each, count, head=head)
    said, memory = measured(tmp_path)
    assert said == f"{count} {count} 0"
    assert memory < 500


@pytest.mark.parametrize(("values", "count"), [(30_000, 200), (450_000, 10), (650_000, 4)])
def test_memory_has_a_bound_for_many_small_values(values: int, count: int, tmp_path: Path) -> None:
    many = {"requestParameters": [1] * values}
    for n in range(count):
        write_log(tmp_path, [RUN | {"eventID": str(n)} | many], name=str(n))
    said, memory = measured(tmp_path)
    assert said == f"{count} {count} 0"
    assert memory < 500


def test_a_bomb_takes_no_memory(tmp_path: Path) -> None:
    bombs = {"spaces": b"  ", "nothing": b"\0\0", "string": b'["', "depth": b"[[", "1": b"[1,"}
    for name, what in bombs.items():
        data = what[:1] + what[1:] * (10 << 20)
        (tmp_path / f"{name}.json").write_bytes(gzip.compress(data, 1))
    (tmp_path / "zstd.json").write_bytes(zstandard.compress(b"[" + b" " * (600 << 20)))
    (tmp_path / "good.json").write_text(GOOD)
    said, memory = measured(tmp_path, OWN)
    assert said == "1 1 6"
    assert memory < 300


def test_a_monstrous_record_is_passed_over(tmp_path: Path) -> None:
    large = json.dumps(RUN | {"requestParameters": {"text": "x" * 9_000_000}})
    path = put(tmp_path, wrapped(GOOD, large, GOOD))
    rows, reading = read(tmp_path)
    assert rows == [("RunInstances", 1), ("StopInstances", 2)]
    assert reading.unread == {
        path: "1 records of more than 2097152 characters; 2 of its records were read"
    }


@pytest.mark.parametrize("size", [30, 40_000])
def test_of_a_file_that_is_cut_off_the_records_before_are_taken(size: int, tmp_path: Path) -> None:
    noise = random.Random(1)
    many = [STOP | {"eventID": noise.randbytes(40).hex()} for _ in range(size)]
    text = json.dumps({"Records": many}).encode()
    cut = len(text) * 9 // 10
    for name, data, fault in (
        ("gzip.json.gz", gzip.compress(text, 1)[: -len(text) // 200], "truncated gzip"),
        ("zstd.json", zstandard.compress(text)[: -len(text) // 200], "truncated zstd"),
        ("json.json", text[:cut], "broken JSON: it ends before it is complete"),
        ("latin.json", text[:cut] + b"\xe9" + text[cut:], "not UTF-8"),
        ("comma.json", text[:-2] + b' {"eventName": "x"}]}', "broken JSON: , or ] expected"),
    ):
        path = put(tmp_path / name, data, name)
        rows, reading = read(tmp_path / name)
        taken = sum(int(str(each)) for what, each in rows if what == "StopInstances")
        said = f"; {taken} of its records were read" if taken else ""
        assert reading.unread[path].startswith(fault)
        assert reading.unread[path].endswith(said)
        assert reading.odd == {}
        # A block of zstd holds as much as all of the few.
        assert (size * 0.8 < taken <= size) or (name, size) == ("zstd.json", 30), name


def test_of_a_file_whose_packing_is_damaged_nothing_is_taken(tmp_path: Path) -> None:
    text = wrapped(*(json.dumps(STOP | {"eventID": str(n)}) for n in range(40_000))).encode()
    sound = gzip.compress(text)
    changed = bytearray(sound)
    changed[-8] ^= 1
    path = put(tmp_path, bytes(changed))
    frame = bytearray(zstandard.ZstdCompressor(write_checksum=True).compress(text))
    frame[-1] ^= 1
    other = put(tmp_path, bytes(frame), "zstd.json")
    trailing = put(tmp_path, gzip.compress(wrapped(GOOD).encode()) + b"junk", "junk.json")
    rows, reading = read(tmp_path)
    assert rows == [("RunInstances", 1), ("StopInstances", 1)]
    assert reading.unread[path].startswith("broken gzip: ")
    assert reading.unread[other].startswith("broken zstd: ")
    assert reading.unread[trailing].endswith("; 1 of its records were read")
    assert reading.events == 2


DEEP = 200_000
SOUND: dict[str, tuple[str, int]] = {
    "a mark of UTF-8": ("\ufeff" + wrapped(GOOD), 1),
    "Records not first": ('{"a": {"b": [1, "]"]}, ' + wrapped(GOOD)[1:], 1),
    "Records twice": (wrapped(GOOD)[:-1] + "," + wrapped(GOOD)[1:], 2),
    "two documents": (wrapped(GOOD) + "\n" + wrapped(GOOD), 2),
    "Records in a record": (wrapped(GOOD[:-1] + ', "requestParameters": {"Records": [1]}}'), 1),
    "names twice": (wrapped(GOOD[:-1] + ', "eventName": "Other"}'), 1),
    "no number": (wrapped(GOOD[:-1] + ', "additionalEventData": {"n": NaN, "i": -Infinity}}'), 1),
    "half a character": (wrapped(GOOD[:-1] + r', "errorMessage": "cut \ud83d", "x": "\uDC00"}'), 1),
    "a NUL as escape": (wrapped(GOOD[:-1] + r', "errorMessage": "a\u0000b"}'), 1),
    "deep": (wrapped(GOOD[:-1] + ', "requestParameters": ' + "[" * DEEP + "]" * DEEP + "}"), 1),
    "deep objects": (
        wrapped(GOOD[:-1] + ', "x": ' + '{"a":' * DEEP + "1" + "}" * DEEP + "}"), 1),
    "names with escapes": (wrapped(GOOD).replace('"eventName"', r'"event\u004eame"'), 1),
    "large numbers": (wrapped(GOOD[:-1] + ', "additionalEventData": 1e999}'), 1),
}  # fmt: skip


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("case", SOUND)
def test_odd_files_that_are_sound_are_read(case: str, packed: bool, tmp_path: Path) -> None:  # noqa: FBT001
    text, count = SOUND[case]
    # In the archive's layout and without one.
    data = text.encode()
    path = put(tmp_path, gzip.compress(data) if packed else data)
    rows, reading = read(tmp_path)
    assert rows == [("RunInstances", 1), ("StopInstances", count)]
    assert (reading.unread, reading.odd) == ({}, {})
    rows, reading = read(Path(path), "SELECT eventname, account, day FROM organization_trail")
    assert rows == [("StopInstances", "333333333333", "2026/11/20")] * count
    assert (reading.unread, reading.odd) == ({}, {})


@pytest.mark.parametrize(
    "odd", ["null", '"text"', "12", "[]", "{}", '{"eventName": null}', '{"a" 1}', '{"eventName"}',
            '{"eventName": "a\0b"}', '{"eventName": "a\nb"}', '{"eventName": tru}', "nil"],
)  # fmt: skip
def test_an_odd_record_takes_nothing_from_the_others(odd: str, tmp_path: Path) -> None:
    path = put(tmp_path, wrapped(GOOD, odd, GOOD))
    rows, reading = read(tmp_path)
    assert rows == [("RunInstances", 1), ("StopInstances", 2)]
    assert (reading.unread, reading.odd) == ({}, {path: 1})


def test_summaries_and_insights_are_counted_and_are_no_calls(tmp_path: Path) -> None:
    summary: dict[str, Any] = {
        "eventVersion": "1.0", "accountId": "1" * 12, "eventId": "a", "awsRegion": "us-east-1",
        "eventCategory": "Aggregated", "eventType": "AwsAggregatedEvent",
        "eventSource": "s3.amazonaws.com", "summary": {"primaryDimension": {}},
        "timeWindow": {"windowStart": "2026-11-20T10:00:00Z", "windowSize": "PT5M"},
    }  # fmt: skip
    insight = {
        "eventVersion": "1.08", "eventTime": "2026-11-20T10:00:00Z", "eventCategory": "Insight",
        "eventType": "AwsCloudTrailInsight", "insightDetails": {"eventName": "RunInstances"},
    }  # fmt: skip
    named = summary | {"eventName": "GetObject"}
    put(tmp_path, wrapped(*map(json.dumps, (summary, STOP, insight, named))))
    loose = tmp_path.with_name(f"{tmp_path.name}-loose")
    loose.mkdir()
    (loose / "x.jsonl").write_text("\n".join(map(json.dumps, (summary, STOP, insight, named))))
    for root, count in ((tmp_path, 2), (loose, 1)):
        rows, reading = read(root, "SELECT eventname, eventcategory FROM organization_trail")
        assert len(rows) == reading.events == count
        assert (reading.aggregated, reading.insights, reading.odd) == (2, 1, {})


def test_names_of_files_may_be_no_text(tmp_path: Path) -> None:
    folder = os.fsencode(write_log(tmp_path, [RUN]).parent)
    path = folder + b"/\xff.json"
    with open(path, "wb") as file:  # noqa: PTH123  # a Path would not take bytes
        file.write(wrapped(GOOD).encode())
    rows, reading = read(tmp_path)
    assert rows == [("RunInstances", 1)]
    assert reading.unread == {os.fsdecode(path): "its name is not UTF-8"}


def test_what_stops_duckdb_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_log(tmp_path, [RUN])
    monkeypatch.setattr(local, "_PARQUET", "FORMAT parquet, COMPRESSION nothing")
    with pytest.raises(OrgtrailError, match="the log files cannot be read: "):
        read(tmp_path)


def test_a_full_disk_is_not_taken_for_the_logs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_log(tmp_path, [RUN])

    def full(*_: object) -> None:
        raise duckdb.IOException('IO Error: Async write failed {"exception_type":"IO"}')

    monkeypatch.setattr(local, "_copy", full)
    with pytest.raises(OrgtrailError, match="cannot be written: IO Error: Async write failed; see"):
        read(tmp_path)


def test_what_stops_the_files_is_told_as_it_is(tmp_path: Path) -> None:
    def stopped() -> Iterator[LogFile]:
        yield LogFile(str(write_log(tmp_path, [RUN])), "3" * 12, "us-east-1", "2026/11/20")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), local.query_logs(dialect.parse(OWN, "own"), stopped()):
        pass


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (r"\ud83d\ude00", r"\ud83d\ude00"),
        (r"\ud83d", r"\ufffd"),
        (r"\uDE00\uD83D", r"\ufffd\ufffd"),
        (r"\\ud83d", r"\\ud83d"),
        (r"\\\ud83d", r"\\\ufffd"),
        ("\ud800é", "?é"),
    ],
)
def test_half_characters_are_mended(given: str, expected: str) -> None:
    assert mend_surrogates(given) == expected


def test_small_files_alone_are_read_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_log(tmp_path, [RUN])
    assert decompression.read_small(str(path)) is not None
    monkeypatch.setattr(decompression, "SMALL", 10)
    assert decompression.read_small(str(path)) is None
    assert read(tmp_path)[0] == [("RunInstances", 1)]
