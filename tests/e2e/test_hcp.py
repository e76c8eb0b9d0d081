"""A run in HCP Terraform: the stack takes the credentials that a workspace has."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from tests.conftest import ROOT
from tests.e2e.cloud import Call, Cloud, Organization
from tests.e2e.conftest import EXAMPLE
from tests.e2e.hcp import remote_run, token
from tests.e2e.terraform import Folder, Project, run

PAGE = (ROOT / "docs" / "hcp-terraform.md").read_text(encoding="utf-8")
BACKEND = """
backend = {
  type         = "cloud"
  organization = "example-bank"
  project      = "security"
  workspace    = "organization-trail"
}
"""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, bank: Organization) -> Folder:
    """Synthesize the stack of a file whose state is in HCP Terraform."""
    text = bank.placed(EXAMPLE.read_text(encoding="utf-8")) + BACKEND
    project = Project.made(tmp_path_factory.mktemp("hcp") / "main", "healthcare", text)
    done = run(sys.executable, "main.py", cwd=project.path)
    assert done.code == 0, done.said
    return project.stack


def deploys(account: str) -> str:
    """Return a role of the workspace, which is not the one that the file names."""
    return f"arn:aws:iam::{account}:role/hcp-terraform"


def signed_in(calls: list[Call]) -> set[tuple[str, str]]:
    """Return the roles that were assumed with a token, and the tokens."""
    asked = [parse_qs(each.body) for each in calls if "WebIdentity" in each.operation]
    return {(each["RoleArn"][0], each["WebIdentityToken"][0]) for each in asked}


def assumed(calls: list[Call]) -> set[str]:
    """Return the roles that were assumed with credentials."""
    return {parse_qs(each.body)["RoleArn"][0] for each in calls if each.operation == "AssumeRole"}


def documented(bank: Organization) -> dict[str, str]:
    """Return the variables that the page asks for, with the roles that it means."""
    rows = re.findall(r"\| `(TFC_AWS_\w+_(MANAGEMENT|LOGGING))` \| (.+) \|", PAGE)
    roles = {"MANAGEMENT": deploys(bank.management), "LOGGING": deploys(bank.members["logging"])}
    return {name: "true" if value == "`true`" else roles[tag] for name, tag, value in rows}


def test_each_provider_takes_the_credentials_with_its_tag(
    stack: Folder, bank: Organization, here: Cloud, tmp_path: Path
) -> None:
    variables = documented(bank)
    assert len(variables) == 4
    planned = remote_run(stack, variables, tmp_path, here)
    start = len(here.calls())
    plan = planned.plan()
    assert set(plan.changes.values()) == {("create",)}
    assert len(plan.changes) == planned.count
    calls = [each for each in here.calls(start) if each.is_terraforms]
    assert signed_in(calls) == {
        (deploys(bank.management), token("MANAGEMENT")),
        (deploys(bank.members["logging"]), token("LOGGING")),
    }
    assert assumed(calls) == set()
    assert {each.account for each in calls if each.account} == {
        bank.management,
        bank.members["logging"],
    }


def test_with_default_credentials_alone_each_provider_assumes_the_role_of_the_file(
    stack: Folder, bank: Organization, here: Cloud, tmp_path: Path
) -> None:
    one = deploys(bank.management)
    variables = {"TFC_AWS_PROVIDER_AUTH": "true", "TFC_AWS_RUN_ROLE_ARN": one}
    planned = remote_run(stack, variables, tmp_path, here)
    start = len(here.calls())
    plan = planned.plan()
    assert len(plan.changes) == planned.count
    calls = [each for each in here.calls(start) if each.is_terraforms]
    assert signed_in(calls) == {(one, token(""))}
    providers = json.loads((stack.path / "cdk.tf.json").read_text())["provider"]["aws"]
    named = {each["dynamic"]["assume_role"]["content"]["role_arn"] for each in providers}
    assert assumed(calls) == named
    assert len(named) == 2


def test_roles_of_the_wrong_account_are_refused(
    stack: Folder, bank: Organization, here: Cloud, tmp_path: Path
) -> None:
    variables = documented(bank)
    management, logging = (f"TFC_AWS_RUN_ROLE_ARN_{each}" for each in ("MANAGEMENT", "LOGGING"))
    variables[management], variables[logging] = variables[logging], variables[management]
    done = remote_run(stack, variables, tmp_path, here).run("plan")
    assert done.code == 1
    assert re.sub(r"\s+", " ", done.said).count("AWS account ID not allowed") == 2
