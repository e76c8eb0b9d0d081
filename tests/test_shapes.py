"""Records in other shapes than a trail's archive: each is read, or named with the reason."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from orgtrail.errors import OrgtrailError
from orgtrail.logs import files, formats
from orgtrail.logs.bounds import Bounds
from orgtrail.logs.formats import RecordReader

from tests.log_records import AT, SINCE, UNTIL, ask, record, write_log
from tests.test_engines import read

PLACES = (
    "SELECT account, region, day, eventname, eventid, useridentity.username AS who, "
    "useridentity.sessioncontext.attributes.mfaauthenticated AS mfa, "
    "json_extract_scalar(requestparameters, '$.bucketName') AS bucket, \"$path\" AS path "
    "FROM organization_trail ORDER BY eventid"
)
IDENTITY = {
    "type": "IAMUser",
    "principalId": "AIDAEVE",
    "arn": "arn:aws:iam::222222222222:user/eve",
    "accountId": "222222222222",
    "userName": "eve",
    "sessionContext": {
        "attributes": {"mfaAuthenticated": "false", "creationDate": "2026-11-20T09:00:00Z"}
    },
}
PARAMETERS = {"bucketName": "patients", "Host": "s3.amazonaws.com", "acl": "a, b"}
LAKE_IDENTITY = (
    "{type=IAMUser, principalid=AIDAEVE, arn=arn:aws:iam::222222222222:user/eve, "
    "accountid=222222222222, accesskeyid=null, username=eve, sessioncontext={attributes="
    "{creationdate=2026-11-20 09:00:00.000, mfaauthenticated=false}, sessionissuer=null}}"
)
ROW = {
    "eventID": "one",
    "eventname": "PutBucketAcl",
    "EventTime": "2026-11-20 10:00:00.000",
    "eventSource": "s3.amazonaws.com",
    "awsRegion": "eu-west-1",
    "userIdentity": LAKE_IDENTITY,
    "requestParameters": "{bucketName=patients, Host=s3.amazonaws.com, acl=a, b}",
    "resources": "[{arn=arn:aws:s3:::patients, accountid=222222222222, type=AWS::S3::Bucket}]",
    "recipientAccountId": "222222222222",
    "errorcode": "null",
}


def one(name: str = "one", **changes: Any) -> dict[str, Any]:
    return record(
        "s3:PutBucketAcl",
        eventID=name,
        userIdentity=IDENTITY,
        requestParameters=PARAMETERS,
        awsRegion="eu-west-1",
        recipientAccountId="222222222222",
        **changes,
    )


def table(*rows: dict[str, str]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, [*rows[0]], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def bus(**changes: Any) -> dict[str, Any]:
    kind = "AWS API Call via CloudTrail"
    return {"version": "0", "id": "x", "detail-type": kind, "source": "aws.s3"} | changes


RECORD = json.dumps(one())
PRINTED = [{name: value} for name, value in ROW.items()]
SHAPES = {
    "log file": json.dumps({"Records": [one()]}),
    "Records last": json.dumps({"other": {"Records": 1}, "x": [1, "]}"], "Records": [one()]}),
    "list": json.dumps([one()]),
    "one": RECORD,
    "one, indented": json.dumps(one(), indent=2),
    "one, odd order": json.dumps({"resources": [], "zz": 1} | one()),
    "history": json.dumps(
        {"Events": [{"EventId": "one", "EventName": "x", "CloudTrailEvent": RECORD}]}
    ),
    "bus": json.dumps(bus(detail=one())),
    "bus, other order": json.dumps({"detail": one()} | bus()),
    "lake": json.dumps({"QueryStatus": "FINISHED", "QueryResultRows": [PRINTED]}),
    "lake, rows alone": json.dumps([PRINTED]),
    "lake, whole": json.dumps({"QueryResultRows": [[{"eventJson": RECORD}]]}),
    "lake, nested as JSON": json.dumps({"QueryResultRows": [[
        {"eventid": "one"}, {"eventname": "PutBucketAcl"}, {"awsregion": "eu-west-1"},
        {"eventtime": "2026-11-20 10:00:00.000"},
        {"useridentity": json.dumps(IDENTITY).lower()},
        {"requestparameters": json.dumps(PARAMETERS)},
    ]]}),
    "csv": table(ROW),
    "csv, whole": table({"eventJson": RECORD}),
    "csv, lower case": table({k.lower(): v for k, v in ROW.items()}).replace("\n", "\r\n"),
    "small letters": json.dumps({k.lower(): v for k, v in ROW.items()}),
    "console": table({
        "Event name": "PutBucketAcl", "Event time": "2026-11-20T10:00:00Z", "User name": "eve",
        "Event ID": "one", "AWS region": "eu-west-1", "Recipient Account Id": "222222222222",
    }),
}  # fmt: skip
PACKINGS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gzip": gzip.compress,
    "zstd": zstandard.compress,
    "zstd in frames": lambda data: zstandard.compress(data[:40]) + zstandard.compress(data[40:]),
    "UTF-8 with its mark": lambda data: b"\xef\xbb\xbf" + data,
    "UTF-16": lambda data: data.decode().encode("utf-16"),
    "spaces around": lambda data: b"\n \r\n\t" + data + b"\n\n",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_is_the_same_record(shape: str, tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    file.write_text(SHAPES[shape])
    rows, reading = read(tmp_path, PLACES)
    (row,) = rows
    assert row[:6] == ("222222222222", "eu-west-1", "2026/11/20", "PutBucketAcl", "one", "eve")
    if shape != "console":
        assert row[6:] == ("false", "patients", str(file))
    assert (reading.unread, reading.odd, reading.events) == ({}, {}, 1)


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("shape", ["log file", "one", "csv"])
def test_packing_and_encoding_are_told_by_content(shape: str, packing: str, tmp_path: Path) -> None:
    file = tmp_path / "whatever.json.gz"
    file.write_bytes(PACKINGS[packing](SHAPES[shape].encode()))
    rows, reading = read(file, PLACES)
    assert [row[4] for row in rows] == ["one"]
    assert reading.unread == {}


@pytest.mark.parametrize("between", ["\n", "", " \n\n ", "\r\n"])
@pytest.mark.parametrize("shape", [name for name in SHAPES if "c" not in name[:1]])
def test_documents_may_follow_each_other(shape: str, between: str, tmp_path: Path) -> None:
    more = [json.dumps(one(f"more-{n}")) for n in range(3)]
    (tmp_path / "x.ndjson").write_text(between.join([SHAPES[shape], *more, SHAPES["list"]]))
    rows, reading = read(tmp_path, PLACES)
    assert [row[4] for row in rows] == ["more-0", "more-1", "more-2", "one", "one"]
    assert (reading.unread, reading.odd) == ({}, {})


def test_values_of_lake_become_those_of_records() -> None:
    found = json.loads(formats.record_from_row(ROW) or "")
    assert found["eventTime"] == "2026-11-20T10:00:00Z"
    assert found["userIdentity"]["sessionContext"]["attributes"] == {
        "creationDate": "2026-11-20T09:00:00Z",
        "mfaAuthenticated": "false",
    }
    assert found["requestParameters"] == PARAMETERS
    assert found["resources"][0]["ARN"] == "arn:aws:s3:::patients"
    assert "errorCode" not in found
    nested = {"requestParameters": '{items={"a":[1]}, policyDocument={"Version":"x"}, n=null}'}
    found = json.loads(formats.record_from_row(ROW | nested) or "")
    assert found["requestParameters"] == {
        "items": {"a": [1]},
        "policyDocument": '{"Version":"x"}',
        "n": None,
    }


@given(st.dictionaries(st.sampled_from([*ROW]), st.text('{}[]=, a"\\n', max_size=30)))
def test_no_value_of_lake_is_too_odd(values: dict[str, str]) -> None:
    formats.record_from_row(ROW | values)


@given(st.text('{}[]",:\\ \nab1', max_size=60), st.integers(1, 7))
def test_cutting_says_the_same_whatever_the_pieces(text: str, size: int) -> None:
    def found(pieces: list[str]) -> tuple[object, ...]:
        records = RecordReader(iter(pieces))
        taken, said = [], ""
        try:
            for each in records:
                taken.append(each)  # noqa: PERF402  # what came before the fault counts
        except Exception as error:  # noqa: BLE001
            said = str(error)
        return taken, said, records.non_records, records.lists

    text = f'[{{"eventName":"x"}}, {text}'
    assert found([text]) == found([text[at : at + size] for at in range(0, len(text), size)])


def test_bounds_hold_on_the_records_themselves(tmp_path: Path) -> None:
    late = (AT + timedelta(days=9)).strftime("%Y-%m-%dT%H:%M:%SZ")
    lines = [one(), one("late", eventTime=late)]
    lines.append(one("other") | {"recipientAccountId": "111111111111", "awsRegion": "us-east-1"})
    (tmp_path / "x.jsonl").write_text("\n".join(map(json.dumps, lines)))

    def ids(bounds: Bounds) -> list[str]:
        return sorted(each["event_id"] for each in ask(tmp_path, "account-activity", {}, bounds))

    assert ids(Bounds(SINCE, UNTIL)) == ["one", "other"]
    assert ids(Bounds(SINCE, UNTIL, ("1" * 12,))) == ["other"]
    assert ids(Bounds(SINCE, UNTIL, (), ("eu-west-1",))) == ["one"]
    assert ids(Bounds(SINCE, datetime(2027, 1, 1, tzinfo=UTC))) == ["late", "one", "other"]


def test_the_caller_s_account_stands_in_for_the_recipient_s(tmp_path: Path) -> None:
    found = one()
    del found["recipientAccountId"]
    (tmp_path / "x.json").write_text(json.dumps([found, {"eventName": "Bare"}]))
    rows, _ = read(tmp_path, "SELECT eventname, account, region, day FROM organization_trail")
    assert set(rows) == {
        ("PutBucketAcl", "222222222222", "eu-west-1", "2026/11/20"),
        ("Bare", "", "", ""),
    }


def test_a_folder_is_searched_for_files_that_may_hold_records(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "123456789012" / "b"
    deep.mkdir(parents=True)
    for name in ("x.json", "x.JSON.GZ", "x.jsonl.zst", "x.json.cloudtrail"):
        (deep / name).write_text(RECORD)
    for name in ("README.md", ".hidden.json", "x.gz", "x.parquet"):
        (deep / name).write_text("no record")
    rows, reading = read(tmp_path)
    assert (rows, reading.files, reading.unread) == ([("PutBucketAcl", 4)], 4, {})
    assert files.accounts_and_regions(tmp_path) == {}
    assert files.accounts_and_regions(deep / "x.json") == {}
    (deep / "again").symlink_to(tmp_path)
    with pytest.raises(OrgtrailError, match="again: is a link to a folder that it is in"):
        read(tmp_path)


def test_one_file_is_read_whatever_its_name(tmp_path: Path) -> None:
    file = tmp_path / "evidence"
    file.write_text(RECORD)
    assert read(file)[0] == [("PutBucketAcl", 1)]
    assert read(tmp_path)[0] == [("PutBucketAcl", 1)]
    file.write_text("nothing of CloudTrail")
    with pytest.raises(OrgtrailError, match="has no log files, neither in the layout"):
        read(tmp_path)


def test_an_archive_of_files_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(RECORD)
    with zipfile.ZipFile(tmp_path / "more.zip", "w") as packed:
        packed.writestr("b.json", RECORD)
    rows, reading = read(tmp_path)
    assert rows == [("PutBucketAcl", 1)]
    assert [*reading.unread] == [str(tmp_path / "more.zip")]


def test_files_beside_the_layout_are_told(tmp_path: Path) -> None:
    path = write_log(tmp_path, [record("ec2:RunInstances")])
    (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "stories.json").write_text("[]")
    rows, reading = read(tmp_path)
    assert rows == [("RunInstances", 1)]
    assert reading.outside == [str(tmp_path / path.name)]


def test_digests_are_counted_apart(tmp_path: Path) -> None:
    digest = {"awsAccountId": "1" * 12, "digestStartTime": "2026-11-20T10:00:00Z", "logFiles": []}
    (tmp_path / "digest.json").write_text(json.dumps(digest))
    (tmp_path / "x.json").write_text(RECORD)
    rows, reading = read(tmp_path)
    assert (len(rows), reading.digests, reading.unread, reading.odd) == (1, 1, {}, {})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty file"),
        (" \n", "nothing in it"),
        ("hello", "no CloudTrail records in it"),
        ("null", "no CloudTrail records in it"),
        ('{"Records": null}', "no CloudTrail records in it"),
        ('{"Records": {"a": 1}}', "no CloudTrail records in it"),
        ('{"logFiles": []}', "no CloudTrail records in it"),
        ("[1, null, [], {}]", "no CloudTrail records in it"),
        ("a,b\n1,2\n", "no CloudTrail records in it"),
        ('{"Events": [{"CloudTrailEvent": "{"}]}', ""),
        ('{"Events": [{"CloudTrailEvent": 12}, 3]}', "no CloudTrail records in it"),
        (json.dumps(bus(detail="text")), ""),
        (json.dumps({"detail-type": "EC2 Instance State-change"}), "no CloudTrail records in it"),
        ('{"QueryResultRows": [[{"count": "1"}], {}, "x"]}', "no CloudTrail records in it"),
        ("eventID,eventName,eventTime\n1,x,yesterday\n", "no CloudTrail records in it"),
        ('eventID,eventName\n1,"x', "broken CSV: unexpected end of data"),
        ('{"eventName": "x"', "broken JSON: it ends before it is complete"),
        ('{"eventName" "x"}', "broken JSON: : expected at character"),
        ('{"other": }', "broken JSON: value expected at character 10"),
        ('{"other": 1 "b"}', "broken JSON: , or } expected at character 12"),
        ("[1 2]", "broken JSON: , or ] expected at character 3"),
        ("[}", "broken JSON: value expected at character 1"),
        ("}", "no CloudTrail records in it"),
    ],
)
def test_what_is_not_understood_is_named(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(text)
    (tmp_path / "good.json").write_text(RECORD)
    rows, reading = read(tmp_path)
    assert ("PutBucketAcl", 1) in rows
    assert reading.unread.get(str(tmp_path / "x.json"), "").startswith(said)
    assert bool(said) == bool(reading.unread)


def test_a_long_line_of_a_table_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "RECORD_LIMIT", 1000)
    long = table(ROW, {**ROW, "eventID": "x" * 2000}, ROW)
    (tmp_path / "x.csv").write_text(long)
    rows, reading = read(tmp_path)
    assert rows == [("PutBucketAcl", 1)]
    assert "field larger than field limit (1000)" in reading.unread[str(tmp_path / "x.csv")]
