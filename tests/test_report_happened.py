"""What a report says first: each answer in words whose numbers are those of its rows."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from orgtrail.report import model
from orgtrail.report.activity import EVIDENCE
from orgtrail.report.page import matrix, render, sentence

from tests.conftest import at_most
from tests.log_records import AT, record, write_log
from tests.reports import END, SAMPLED, SINCE, Json, Made, made, make_logs

SEVERITIES = ["critical", "high", "medium", "low"]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("happened")
    return made(make_logs(folder / "logs"), folder / "out")


def _said(data: Json, query: str) -> list[str]:
    return [each["says"] for each in data["happened"]["sentences"] if query in each["queries"]]


def test_the_most_severe_comes_first_and_links_to_its_rows(report: Made) -> None:
    told = report.data["happened"]["sentences"]
    ranks = [SEVERITIES.index(each["severity"]) for each in told]
    assert ranks == sorted(ranks)
    assert report.data["happened"]["counts"] == Counter(each["severity"] for each in told)
    page = report.page
    assert page.index('id="happened"') < page.index('class="tiles"') < page.index('id="unknown"')
    for each in told:
        for query in each["queries"]:
            assert f'<a href="#q-{query}">' in page
            assert f'<h3 id="q-{query}">' in page


def test_all_questions_are_asked_and_those_without_a_hit_are_counted(report: Made) -> None:
    happened = report.data["happened"]
    shown = {each["title"] for each in report.data["activity"] if each["total"]}
    assert len(shown) + len(happened["nothing"]) == happened["asked"]
    assert not shown & set(happened["nothing"])
    evidence = report.data["controls"]["evidence"]["asked"]["says"]
    assert evidence.startswith(f"{happened['asked']} questions ")
    assert f"<p>{happened['asked']} questions were put to the logs" in report.page


@pytest.mark.parametrize(
    ("records", "query", "says"),
    [
        (
            [record("cloudtrail:StopLogging")],
            "trail-tampering",
            "Attempts to stop or change the trail: 1 successful call, by eve, from 192.0.2.1.",
        ),
        (
            [
                record("cloudtrail:StopLogging", errorCode="AccessDenied"),
                record("cloudtrail:DeleteTrail", errorCode="AccessDenied",
                       sourceIPAddress="192.0.2.2"),
                record("cloudtrail:DeleteTrail"),
            ],
            "trail-tampering",
            "Attempts to stop or change the trail: 1 successful call and 2 refused calls, by eve, "
            "from 2 addresses.",
        ),
        (
            [
                record(
                    "signin:ConsoleLogin",
                    eventID=f"{number}",
                    eventType="AwsConsoleSignIn",
                    responseElements={"ConsoleLogin": "Failure" if number else "Success"},
                    errorMessage="Failed authentication" if number else None,
                )
                for number in range(12)
            ],
            "console-login-failures",
            "Failed console logins: 11 failed calls and 1 successful call, from 192.0.2.1.",
        ),
        (
            [
                record(
                    "iam:CreateAccessKey",
                    userIdentity={
                        "type": "Root",
                        "arn": "arn:aws:iam::333333333333:root",
                        "accountId": "333333333333",
                    },
                )
            ],
            "root-use",
            "Use of root: 1 successful call, from 192.0.2.1.",
        ),
    ],
)  # fmt: skip
def test_sentences(records: list[Json], query: str, says: str, tmp_path: Path) -> None:
    write_log(tmp_path / "logs", records)
    data = made(
        tmp_path / "logs", tmp_path / "out", AT - timedelta(hours=1), AT + timedelta(hours=1)
    ).data
    assert says in _said(data, query)


def test_reads_of_whole_tables_are_counted_and_a_part_is_told_as_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scans = [
        record(
            "dynamodb:Scan",
            eventID=f"{number}",
            readOnly=True,
            sourceIPAddress=f"192.0.2.{number % 2 + 1}",
            requestParameters={"tableName": "patients"},
        )
        for number in range(4)
    ]
    write_log(tmp_path / "logs", scans)
    period = AT - timedelta(hours=1), AT + timedelta(hours=1)
    data = made(tmp_path / "logs", tmp_path / "out", *period).data
    whole = "Whole-table reads of patients: 4 calls, by eve, from 2 addresses."
    assert whole in _said(data, "dynamodb-access")
    monkeypatch.setattr(model, "KEPT", 1)
    data = made(tmp_path / "logs", tmp_path / "cut", *period).data
    part = "Whole-table reads of patients: at least 2 calls, by eve, from "
    assert any(each.startswith(part) for each in _said(data, "dynamodb-access"))


def test_an_event_that_two_questions_find_counts_once(tmp_path: Path) -> None:
    narrowing = record(
        "cloudtrail:PutEventSelectors",
        errorCode="AccessDenied",
        requestParameters={
            "trailName": "t",
            "eventSelectors": [{"readWriteType": "ReadOnly", "includeManagementEvents": True}],
        },
    )
    write_log(tmp_path / "logs", [narrowing])
    data = made(
        tmp_path / "logs", tmp_path / "out", AT - timedelta(hours=1), AT + timedelta(hours=1)
    ).data
    assert _said(data, "trail-narrowed")
    every = f"Attempts to change {EVIDENCE}, all together: 1 refused call, by eve, from 192.0.2.1."
    assert every in _said(data, "trail-tampering")
    assert every in _said(data, "trail-narrowed")
    assert data["controls"]["evidence"]["untampered"]["says"] == (
        f"changes of {EVIDENCE}: 0 made, 1 refused"
    )


@settings(
    max_examples=at_most(15),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(done=st.lists(st.booleans(), min_size=1, max_size=9))
def test_the_sum_of_attempts_is_a_count_by_hand(
    done: list[bool], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("sum")
    calls = ("cloudtrail:PutEventSelectors", "organizations:DetachPolicy", "kms:DisableKey",
             "cloudtrail:UpdateTrail")  # fmt: skip
    # The audit's key is in the logging account; that of another account holds no log file.
    told = [each for number, each in enumerate(done) if calls[number % 4] != "kms:DisableKey"]
    write_log(folder / "logs", [
        record(calls[number % len(calls)], eventID=f"{number}",
               requestParameters={"name": "t", "isMultiRegionTrail": False, "keyId": "k",
                                  "eventSelectors": [{"readWriteType": "ReadOnly"}]},
               **({} if each else {"errorCode": "AccessDenied"}))
        for number, each in enumerate(done)
    ])  # fmt: skip
    data = made(
        folder / "logs", folder / "out", AT - timedelta(hours=1), AT + timedelta(hours=1)
    ).data
    says = data["controls"]["evidence"]["untampered"]["says"]
    counted = f"changes of {EVIDENCE}: {sum(told)} made, {len(told) - sum(told)} refused"
    assert says.partition(";")[0] == counted


def test_without_a_hit_the_page_says_so(tmp_path: Path) -> None:
    write_log(tmp_path / "logs", [record("ec2:DescribeRegions", readOnly=True)])
    found = made(
        tmp_path / "logs", tmp_path / "out", AT - timedelta(hours=1), AT + timedelta(hours=1)
    )
    happened = found.data["happened"]
    assert happened["sentences"] == []
    assert len(happened["nothing"]) == happened["asked"]
    assert "None found anything." in found.page


def test_logs_that_cannot_be_asked_are_no_calm(report: Made) -> None:
    data = json.loads(json.dumps(report.data))
    data.update(happened=None, activity=[], coverage=None, cost=None)
    page = render(data)
    assert "The logs could not be asked; see below what could not be checked." in page
    assert "None found anything" not in page


@pytest.mark.parametrize(("days", "unit"), [(2, "hour"), (3, "hour"), (4, "day"), (30, "day")])
def test_the_picture_has_a_column_each_hour_or_day(
    days: int, unit: str, report: Made, tmp_path: Path
) -> None:
    logs = report.out.parent / "logs"
    data = made(logs, tmp_path / "out", END - timedelta(days=days), END).data
    timeline = data["happened"]["timeline"]
    assert timeline["unit"] == unit
    # The period begins in the middle of a day, so that one more day has a part of it.
    assert len(timeline["columns"]) == (days * 24 if unit == "hour" else days + 1)
    assert len(set(timeline["columns"])) == len(timeline["columns"])


def test_every_hit_is_in_the_picture(report: Made) -> None:
    timeline = report.data["happened"]["timeline"]
    drawn = {each["severity"]: sum(each["counts"]) for each in timeline["rows"]}
    rows: Counter[str] = Counter()
    for each in report.data["activity"]:
        rows[each["severity"]] += each["total"]
    assert drawn == {name: rows[name] for name in SEVERITIES}
    assert SINCE < SAMPLED


def test_acts_that_the_same_may_do_stand_together_and_wrong_ones_first(report: Made) -> None:
    access = json.loads(json.dumps(report.data["access"]))
    found = matrix(access)
    assert [one for row in found["alike"] for one in row["acts"]] != access["acts"]
    assert sorted(one for row in found["alike"] for one in row["acts"]) == sorted(access["acts"])
    signs = {row["act"]: row["cells"] for row in found["rows"]}
    for row in found["alike"]:
        assert all(signs[act] == row["cells"] for act in row["acts"])
    access["cells"][-1]["agrees"] = False
    first = matrix(access)["alike"][0]
    assert first["acts"] == [access["cells"][-1]["act"]]
    assert any(one["kind"] == "wrong" for one in first["cells"])


def test_names_in_sentences_are_code_and_nothing_else_is_markup() -> None:
    assert sentence("`omitted` means <b> & `x`") == (
        "<code>omitted</code> means &lt;b&gt; &amp; <code>x</code>"
    )


def test_arns_break_only_where_they_are_read(report: Made) -> None:
    cells = re.findall(r'<td class="long">([^\n]*?)</td>', report.page)
    assert any("<wbr>" in each for each in cells)
    for each in cells:
        assert "<wbr>" not in re.sub(r"[:/]<wbr>", "", each)
        assert "&lt;wbr" not in each
