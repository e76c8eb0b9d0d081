"""The pack: every question parses in both dialects, finds what it should, and nothing near it."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import botocore.session
import pytest
import sqlglot
from orgtrail.errors import OrgtrailError
from orgtrail.logs.bounds import Bounds
from orgtrail.query import dialect
from orgtrail.query.questions import Question, find_question, pack
from orgtrail.query.render import fill, to_prepare, to_run, to_save
from sqlglot import exp

from tests.log_records import AT, GIVEN, SINCE, UNTIL, Record, ask, record, write_log
from tests.query_cases import HITS, MISSES

ALL = sorted(pack())
DETECTIONS = [each for each in ALL if each != "pipeline-health"]

NO_OPERATIONS = {
    # https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-aws-console-sign-in-events.html
    "ConsoleLogin", "CheckMfa", "GetSigninToken", "SwitchRole", "PasswordUpdated", "EmailUpdated",
    "PasswordRecoveryRequested", "PasswordRecoveryCompleted",
    # https://docs.aws.amazon.com/singlesignon/latest/userguide/understanding-sign-in-events.html
    "CredentialVerification", "UserAuthentication",
    # https://docs.aws.amazon.com/singlesignon/latest/userguide/logging-using-cloudtrail.html
    "EnableExternalIdPConfigurationForDirectory", "DisableExternalIdPConfigurationForDirectory",
    "CreateExternalIdPConfigurationForDirectory", "UpdateExternalIdPConfigurationForDirectory",
    "AddMemberToGroup", "RemoveMemberFromGroup", "DeleteMfaDeviceForUser", "DisassociateMfaDevice",
    "UpdatePassword", "PutMfaDeviceManagementForDirectory", "AssociateDirectory",
    "DisassociateDirectory",
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-s3-info.html
    "PutBucketPublicAccessBlock", "DeleteBucketPublicAccessBlock",
    "PutAccountPublicAccessBlock", "DeleteAccountPublicAccessBlock",
    "PutBucketObjectLockConfiguration",
    # https://docs.aws.amazon.com/lambda/latest/dg/logging-using-cloudtrail.html
    "CreateFunction20150331", "CreateFunction20141111", "UpdateFunctionCode20150331v2",
    "UpdateFunctionCode20150331", "UpdateFunctionCode20141111", "PublishLayerVersion20181031",
    "AddLayerVersionPermission20181031", "AddPermission20150331v2", "AddPermission20150331",
    "CreateEventSourceMapping20150331", "UpdateAlias20150331",
    "UpdateFunctionConfiguration20150331v2",
    "UpdateFunctionConfiguration20150331", "UpdateFunctionConfiguration20141111",
    # https://docs.aws.amazon.com/athena/latest/ug/monitor-with-cloudtrail.html
    "GetQueryResultsStream",
}  # fmt: skip
"""Event names that are no operation of any service's API, each with where AWS tells of it."""


def test_every_question_has_its_cases() -> None:
    assert set(HITS) == set(MISSES) == set(DETECTIONS)


@pytest.mark.parametrize("name", ALL)
def test_header_is_whole(name: str) -> None:
    found = find_question(name)
    assert found.title
    assert found.answers.endswith(".")
    assert found.hit.endswith(".")
    assert found.severity in {"info", "low", "medium", "high", "critical"}
    assert found.hours > 0
    assert all(re.fullmatch(r"T\d{4}(\.\d{3})?", each) for each in found.mitre)
    assert all(re.fullmatch(r"4\.([1-9]|1[0-6])", each) for each in found.cis)
    assert ":bounds" in found.sql
    used: list[str] = []
    fill(found.sql, lambda each: (used.append(each), "")[1])  # type: ignore[func-returns-value]
    assert set(used) - {"bounds", "since", "until"} == {each.name for each in found.parameters}


@pytest.mark.parametrize("name", ALL)
def test_parses_in_both_dialects_in_every_form(name: str) -> None:
    found = find_question(name)
    forms = (
        to_run(found, Bounds(SINCE, UNTIL, ("1" * 12,), ("us-east-1",)), _given(found), {}),
        to_save(found, {}),
        to_prepare(found)[0],
    )
    for sql in forms:
        tree = dialect.parse(sql, name)
        assert sqlglot.parse_one(dialect.to_duckdb(tree), read="duckdb")


@pytest.mark.parametrize("name", ALL)
def test_every_reading_of_the_table_is_bounded(name: str) -> None:
    found = find_question(name)
    tree = dialect.parse(to_run(found, Bounds(SINCE, UNTIL), _given(found), {}), name)
    readings = dialect.table_scans(tree)
    assert readings
    for table in readings:
        select = table.find_ancestor(exp.Select)
        assert select is not None
        where = select.args["where"].sql()
        assert "day >= '2026/11/19' AND day <= '2026/11/22'" in where
        assert f"eventtime >= '{SINCE:%Y-%m-%dT%H:%M:%S}'" in where
        assert f"eventtime < '{UNTIL:%Y-%m-%dT%H:%M:%S}'" in where


def test_every_event_name_is_real() -> None:
    session = botocore.session.get_session()
    operations: set[str] = set()
    for service in session.get_available_services():
        operations |= set(session.get_service_model(service).operation_names)
    assert not NO_OPERATIONS & operations
    known = NO_OPERATIONS | operations
    for name in ALL:
        tree = dialect.parse(to_save(find_question(name), {}), name)
        used = {
            literal.this
            for test in tree.find_all(exp.In, exp.EQ)
            if isinstance(test.this, exp.Column) and test.this.name in {"eventname", "event_name"}
            for literal in test.find_all(exp.Literal)
        }
        assert used <= known, f"{name}: {sorted(used - known)}"


@pytest.mark.parametrize("name", DETECTIONS)
def test_finds_what_it_should(name: str, tmp_path: Path) -> None:
    for number, records in enumerate(HITS[name]):
        root = tmp_path / str(number)
        write_log(root, records)
        once = ask(root, name)
        assert once, records
        # Delivered again, in another file and another folder: the same answer.
        write_log(root, records, name="again", at=AT + timedelta(days=1))
        assert ask(root, name) == once


@pytest.mark.parametrize("name", DETECTIONS)
def test_leaves_near_misses(name: str, tmp_path: Path) -> None:
    for number, records in enumerate(MISSES[name]):
        root = tmp_path / str(number)
        write_log(root, records)
        assert ask(root, name) == [], records


@pytest.mark.parametrize("name", DETECTIONS)
def test_ends_where_its_bounds_do(name: str, tmp_path: Path) -> None:
    before = [_at(each, SINCE - timedelta(seconds=1)) for group in HITS[name] for each in group]
    after = [_at(each, UNTIL) for group in HITS[name] for each in group]
    write_log(tmp_path, before + after)
    assert ask(tmp_path, name) == []
    assert ask(tmp_path, name, bounds=Bounds(SINCE, UNTIL + timedelta(seconds=1)))
    elsewhere = Bounds(SINCE, UNTIL + timedelta(seconds=1), ("444444444444",))
    assert ask(tmp_path, name, bounds=elsewhere) == []


def test_attempts_and_successes_stand_apart(tmp_path: Path) -> None:
    write_log(tmp_path, [record("cloudtrail:StopLogging"), *HITS["trail-tampering"][0]])
    rows = ask(tmp_path, "trail-tampering")
    assert sorted(each["outcome"] for each in rows) == ["attempt", "success"]


def test_a_failed_login_of_root_is_an_attempt(tmp_path: Path) -> None:
    root = {"type": "Root", "accountId": "333333333333"}
    failed = record("signin:ConsoleLogin", userIdentity=root, errorMessage="Failed authentication")
    write_log(tmp_path, [failed])
    assert [each["outcome"] for each in ask(tmp_path, "root-use")] == ["attempt"]


def test_spraying_counts_persons(tmp_path: Path) -> None:
    base = HITS["console-login-failures"][0][0]
    tried = [
        base | {"userIdentity": {"type": "IAMUser", "userName": f"u{n}"}, "eventID": str(n)}
        for n in range(5)
    ]
    write_log(tmp_path, tried)
    (row,) = ask(tmp_path, "console-login-failures")
    assert (row["failures"], row["persons_tried"], row["successes"]) == (5, 5, 0)
    assert ask(tmp_path, "console-login-failures", {"least": "6"}) == []


def test_named_tables_are_told_from_those_with_longer_names(tmp_path: Path) -> None:
    names = ("patients", "patients-archive", "old.patients", "patient.s")
    write_log(
        tmp_path,
        [record("dynamodb:Scan", requestParameters={"tableName": each}) for each in names],
    )
    rows = ask(tmp_path, "dynamodb-access", {"tables": "patients"})
    assert [each["table_name"] for each in rows] == ["patients"]
    rows = ask(tmp_path, "dynamodb-access", {"tables": "patients,patient.s"})
    assert sorted(each["table_name"] for each in rows) == ["patient.s", "patients"]


def test_outsiders_are_told_from_members(tmp_path: Path) -> None:
    (found,) = HITS["cross-account-roles"][0]
    stranger = found["userIdentity"] | {"accountId": "999999999999"}
    write_log(tmp_path, [found, found | {"userIdentity": stranger, "eventID": "2"}])
    rows = ask(tmp_path, "cross-account-roles")
    assert {each["caller_account"]: each["organization"] for each in rows} == {
        "333333333333": "inside",
        "999999999999": "outside",
    }


def test_prepared_statement_asks_in_order() -> None:
    sql, order = to_prepare(find_question("denied-calls"))
    assert sql.count("?") == len(order)
    assert order == (
        *("first_day", "last_day", "since", "until"),
        *("account", "account", "region", "region", "least"),
    )


def test_text_in_quotes_and_comments_is_left() -> None:
    text = "-- of :since\nSELECT ':since', 'it''s :since', :since"
    assert fill(text, str.upper) == "-- of :since\nSELECT ':since', 'it''s :since', SINCE"


def test_values_cannot_leave_their_quotes(tmp_path: Path) -> None:
    write_log(tmp_path, [record("ec2:RunInstances")])
    hostile = {"principal": "x' OR '1'='1"}
    assert ask(tmp_path, "principal-activity", hostile) == []


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        (
            "denied-calls",
            {"lest": "1"},
            "--param lest: is no parameter of denied-calls; it has least",
        ),
        ("root-use", {"x": "1"}, "--param x: is no parameter of root-use; it has none"),
        ("denied-calls", {"least": "two"}, "--param least: must be a whole number; got 'two'"),
        (
            "access-key-history",
            {},
            "access-key-history: needs --param access_key=...: The id of the access key",
        ),
        (
            "logging-account-access",
            {},
            "logging-account-access: needs --param logging=...: The logging account's id, "
            "or --env FILE",
        ),
    ],
)
def test_wrong_parameters_are_told(name: str, given: dict[str, str], message: str) -> None:
    with pytest.raises(OrgtrailError) as caught:
        to_run(find_question(name), Bounds(SINCE, UNTIL), given, {})
    assert str(caught.value) == message


def _given(found: Question) -> dict[str, str]:
    return GIVEN.get(found.name, {})


def _at(found: Record, moment: object) -> Record:
    text = f"{moment:%Y-%m-%dT%H:%M:%SZ}"
    return found | {"eventTime": text, "eventID": f"{found['eventID']}-{text}"}
