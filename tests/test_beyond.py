"""What the roles of a stack may do beyond their purpose."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.changes import added, edited, told
from tests.conftest import Json
from tests.mistakes import Change

SIEM = ("aws_iam_role_policy.siem_reader_policy", "policy")
NOT_ASKED = "which its purpose does not ask for."
NOT_ITS_OWN = "which is not its own: name the resources."
MAY = "high beyond-purpose aws_iam_role.siem_reader: the role everything-siem may use"


def beyond(folder: Path, change: Change) -> list[str]:
    """Return the findings about the SIEM's role, for a change of its policy."""
    found = told(folder, "everything", *SIEM, change)
    return [each for each in found if " beyond-purpose " in each]


def put(sid: str, **values: Any) -> Change:
    return edited(sid, lambda statement: statement.update(values))


def test_everything_is_found(tmp_path: Path) -> None:
    found = beyond(tmp_path, added(Action="*", Resource="*"))
    assert any(each.startswith(f"{MAY} * (which holds iam:P") and each.endswith(NOT_ASKED)
               for each in found)  # fmt: skip
    assert any(each.endswith(NOT_ITS_OWN) for each in found)


def test_passing_a_role_is_found(tmp_path: Path) -> None:
    found = beyond(tmp_path, added(Action="iam:PassRole", Resource="*"))
    assert f"{MAY} iam:PassRole, {NOT_ASKED}" in found
    assert f"{MAY} iam:PassRole on arn:aws:iam::600000000002:role/unrelated, {NOT_ITS_OWN}" in found


def test_another_service_is_found(tmp_path: Path) -> None:
    found = beyond(tmp_path, added(Action="lambda:*", Resource="*"))
    assert any(each.startswith(f"{MAY} lambda:* (which holds lambda:") for each in found)


def test_all_but_some_actions_are_found(tmp_path: Path) -> None:
    found = told(tmp_path, "everything", *SIEM, added(NotAction="iam:*", Resource="*"))
    assert (
        "medium not-but aws_iam_role_policy.siem_reader_policy: "
        "aws_iam_role_policy.siem_reader_policy: Added allows with Not...: name what it is to "
        "allow."
    ) in found


def test_writing_where_it_reads_is_found(tmp_path: Path) -> None:
    acts = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"]
    assert beyond(tmp_path, put("ReadLogFiles", Action=acts)) == [
        f"{MAY} s3:PutObject, {NOT_ASKED}"
    ]


@pytest.mark.parametrize(
    ("sid", "act", "resource"),
    [
        ("TakeMessages", "sqs:ReceiveMessage", "arn:aws:sqs:us-east-1:600000000002:unrelated"),
        ("ReadLogFiles", "s3:GetObject", "arn:aws:s3:::unrelated/unrelated"),
        ("FindLogFiles", "s3:ListBucket", "arn:aws:s3:::unrelated"),
    ],
)
def test_a_resource_that_is_widened_is_found(
    sid: str, act: str, resource: str, tmp_path: Path
) -> None:
    (found,) = beyond(tmp_path, put(sid, Action=act, Resource="*"))
    assert found.startswith(f"{MAY} {act} on {resource}")
    assert found.endswith(NOT_ITS_OWN)


def test_all_but_some_resources_are_found(tmp_path: Path) -> None:
    def all_but(statement: Json) -> None:
        statement["NotResource"] = "arn:aws:sqs:us-east-1:600000000002:another"
        del statement["Resource"]

    (found,) = beyond(tmp_path, edited("TakeMessages", all_but))
    assert found.startswith(f"{MAY} sqs:ChangeMessageVisibility on arn:aws:sqs:us-east-1:")


def test_keys_that_no_alias_names_are_found(tmp_path: Path) -> None:
    def forget(statement: Json) -> None:
        del statement["Condition"]

    assert beyond(tmp_path, edited("DecryptLogFilesAndMessages", forget)) == [
        f"{MAY} kms:Decrypt on arn:aws:kms:us-east-1:600000000002:key/unrelated, {NOT_ITS_OWN}"
    ]


def test_a_key_that_an_alias_names_is_its_own(tmp_path: Path) -> None:
    assert beyond(tmp_path, put("DecryptLogFilesAndMessages", Resource="*")) == []


def test_a_statement_that_denies_takes_it_away_again(tmp_path: Path) -> None:
    def both(by_sid: Json) -> None:
        by_sid["TakeMessages"]["Resource"] = "*"
        own = "arn:aws:sqs:us-east-1:600000000002:everything-files"
        by_sid["Not"] = {"Sid": "Not", "Effect": "Deny", "Action": "sqs:*", "NotResource": own}

    assert beyond(tmp_path, both) == []
