"""What a new synthesis would leave behind is told, and never stops it."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
from orgtrail.cdktf.app import synthesize
from orgtrail.errors import SettingsWarning
from orgtrail.settings.environment import Environment

from tests.conftest import MINIMAL, Json, merged

SECURITY: Json = {
    "accounts": {"security": {"id": "555555555555", "role_arn": "arn:aws:iam::555555555555:role/d"}}
}
WATCHED: Json = {"guardduty": {"administrator": "security"}}


def bank(*changes: Json, **more: Any) -> Environment:
    settings = MINIMAL
    for each in (*changes, more):
        settings = merged(settings, each)
    return Environment.model_validate(settings)


def told(out: Path, *environments: Environment) -> list[str]:
    """Synthesize, and return the warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        synthesize(environments, out)
    assert all(each.category is SettingsWarning for each in caught)
    return [str(each.message) for each in caught]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Return the output's folder, with the stack of a bank whose security account watches."""
    folder = tmp_path / "cdktf.out"
    assert told(folder, bank(SECURITY, WATCHED)) == []
    return folder


def test_an_account_that_goes_is_told_with_the_line_to_add(out: Path) -> None:
    left = {"accounts": {"security": {"role_arn": ...}}}
    assert told(out, bank(SECURITY, left)) == [
        "bank: the last stack had resources in security, which this one does not reach: Terraform "
        'could not remove them ("Provider configuration not present"); for the next apply add '
        'retired = { accounts = ["security"] }'
    ]


def test_an_account_that_has_left_the_file_is_asked_for_again(out: Path) -> None:
    (warning,) = told(out, bank())
    assert warning.endswith(
        'add retired = { accounts = ["security"] }, and keep accounts.security until then'
    )


def test_who_retires_it_reads_nothing_and_neither_when_the_line_goes(out: Path) -> None:
    assert told(out, bank(SECURITY, retired={"accounts": ["security"]})) == []
    assert told(out, bank()) == []


def test_a_region_may_go(tmp_path: Path) -> None:
    two = {"guardduty": {"regions": ["us-east-1", "eu-west-1"]}}
    assert told(tmp_path, bank(two)) == []
    assert told(tmp_path, bank(guardduty={})) == []


def test_a_region_with_a_provider_of_its_own_is_told(out: Path) -> None:
    """Earlier versions made a provider for each account and region."""
    stack = out / "stacks" / "bank" / "cdk.tf.json"
    content = json.loads(stack.read_text())
    (first, *_) = content["provider"]["aws"]
    content["provider"]["aws"].append({**first, "alias": "management_eu_west_1"})
    old = {"provider": "aws.management_eu_west_1"}
    content["resource"]["aws_guardduty_detector"]["guardduty_eu_west_1_management_detector"] = old
    stack.write_text(json.dumps(content))
    assert told(out, bank(SECURITY, WATCHED)) == [
        "bank: the last stack reached some resources by provider management_eu_west_1, which is no "
        'longer made: Terraform could not remove them ("Provider configuration not present"); '
        "apply once with the file as it was, then with this one"
    ]


def test_a_section_that_moves_to_another_account_is_told(out: Path) -> None:
    assert told(out, bank(guardduty={})) == [
        "bank: aws_guardduty_detector.guardduty_us_east_1_administrator_detector and 4 more would "
        "move from account 555555555555 to 222222222222: Terraform would make them there, and lose "
        "track of those that exist; leave their section out and add retired = { accounts = "
        '["security"] }, and keep accounts.security until then, apply, and bring the section back'
    ]


@pytest.mark.parametrize(
    "content",
    ["", "[", "[]", "{}", '{"provider": {"aws": [{}]}}', '{"provider": 1}', "\udcff", "[" * 9999],
)
def test_a_stack_that_cannot_be_read_is_passed_over(out: Path, content: str) -> None:
    stack = out / "stacks" / "bank" / "cdk.tf.json"
    stack.write_bytes(content.encode("utf-8", "surrogateescape"))
    assert told(out, bank()) == []
    assert "555555555555" not in stack.read_text()


RENAMED = (
    "credit: begins with an empty state, while bank was of the same organization and has no file "
    "any more: Terraform would try to make everything again; if it was renamed, take its state "
    "along: "
)


def test_a_renamed_file_begins_an_empty_state(out: Path) -> None:
    (warning,) = told(out, bank(name="credit"))
    assert warning == f"{RENAMED}mv terraform.bank.tfstate terraform.credit.tfstate"


def test_a_renamed_file_with_its_state_in_a_bucket(out: Path) -> None:
    state = {"type": "s3", "bucket": "example-bank-state", "region": "us-east-1"}
    (warning,) = told(out, bank(name="credit", backend=state))
    assert warning == f'{RENAMED}set backend.key = "orgtrail/bank.tfstate"'


@pytest.mark.parametrize(
    "backend",
    [
        {"type": "s3", "bucket": "example-bank-state", "region": "us-east-1", "key": "one"},
        {"type": "cloud", "organization": "example", "workspace": "trail"},
    ],
)
def test_a_state_that_the_file_names_comes_along(out: Path, backend: Json) -> None:
    assert told(out, bank(name="credit", backend=backend)) == []


def test_a_state_that_was_moved_is_not_told_again(out: Path) -> None:
    (out.parent / "terraform.credit.tfstate").touch()
    assert told(out, bank(name="credit")) == []


def test_another_organizations_stack_and_one_with_a_file_are_no_concern(out: Path) -> None:
    other = {"id": "o-examplebank2", "root_id": "r-bank"}
    assert told(out, bank(name="credit", organization=other)) == []
    assert told(out, bank(SECURITY, WATCHED), bank(name="debit")) == []
