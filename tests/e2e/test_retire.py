"""What goes from the file goes from AWS, with the real provider: a region, then an account.

Access Analyzer stands for the detecting services: of GuardDuty and Security Hub moto lacks the
calls that take a delegation back. Moto lacks Access Analyzer too; the tests' server answers for it
(see `beside/server.py`), account by account and region by region. The tests build on each other.
"""

from __future__ import annotations

import json
import re
import sys

import pytest
from orgtrail.environments import load_environment
from orgtrail.trail.stack import deployer

from tests.e2e.cloud import Cloud, Organization, organization
from tests.e2e.conftest import MANAGEMENT
from tests.e2e.terraform import Folder, Plan, Project, run

ROLE = 'role_arn = "arn:aws:iam::333333333333:role/orgtrail-deploy"'
SECTION = """
access_analyzer = {
  administrator = "security"
  regions       = ["us-east-1", "eu-west-1"]
}
"""
SETTINGS = f"""
home_region  = "us-east-1"
organization = {{ id = "o-examplebank", root_id = "r-bank" }}

accounts = {{
  management = {{ id = "111111111111", role_arn = "arn:aws:iam::111111111111:role/deploy" }}
  logging    = {{ id = "222222222222", role_arn = "arn:aws:iam::222222222222:role/deploy" }}
  security   = {{ id = "333333333333", {ROLE} }}
}}

archive    = {{ bucket = "example-bank-archive" }}
catalog    = {{ queries = false, accounts = "file", regions = ["us-east-1"] }}
delivery   = {{ enabled = false }}
{SECTION}"""
HOME = "aws_accessanalyzer_analyzer.access_analyzer_us_east_1_administrator_external"
ELSEWHERE = "aws_accessanalyzer_analyzer.access_analyzer_eu_west_1_administrator_external"
DELEGATION = (
    "aws_organizations_delegated_administrator.access_analyzer_us_east_1_management_delegation"
)
POLICY = "aws_organizations_policy.guardrails_scp_detection"
NEEDED = {
    "GET /analyzer": "access-analyzer:GetAnalyzer",
    "GET /tags": "access-analyzer:ListTagsForResource",
    "DELETE /analyzer": "access-analyzer:DeleteAnalyzer",
}
"""What a call asks of IAM."""
BEFORE = "security_eu_west_1"
RETIRED = 'retired = { accounts = ["security"] }'


@pytest.fixture(scope="module")
def watched(here: Cloud) -> Organization:
    """Make an organization with a security account, which trusts Access Analyzer."""
    made = organization(here, MANAGEMENT, "logging", "security")
    client = here.client(MANAGEMENT, "organizations")
    client.enable_aws_service_access(ServicePrincipal="access-analyzer.amazonaws.com")
    return made


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, watched: Organization) -> Project:
    return Project.made(
        tmp_path_factory.mktemp("project") / "main", "bank", watched.placed(SETTINGS)
    )


@pytest.fixture(scope="module", autouse=True)
def _deployed(here: Cloud, project: Project) -> None:
    """Deploy as earlier versions did, by a provider for each region; then as this one does."""
    stack = synthesized(here, project)
    path = stack.path / "cdk.tf.json"
    content = json.loads(path.read_text())
    security = next(each for each in content["provider"]["aws"] if each["alias"] == "security")
    content["provider"]["aws"].append({**security, "alias": BEFORE, "region": "eu-west-1"})
    kind, name = ELSEWHERE.split(".")
    analyzer = content["resource"][kind][name]
    analyzer["provider"] = f"aws.{BEFORE}"
    del analyzer["region"]
    path.write_text(json.dumps(content))
    stack.override(here, "management", "logging", "security", BEFORE)
    stack.must("init")
    assert len(stack.plan().changes) == stack.count
    stack.apply()
    assert applied(synthesized(here, project)).changes == {}


def synthesized(here: Cloud, project: Project, *, security: bool = True, told: str = "") -> Folder:
    """Synthesize, hold the warnings against what should be told, and point the providers here."""
    done = run(sys.executable, "main.py", cwd=project.path)
    assert (done.code, done.said.strip()) == (0, told)
    project.stack.override(here, "management", "logging", *(["security"] if security else []))
    return project.stack


def applied(stack: Folder) -> Plan:
    """Plan, apply, and see that a second plan is empty."""
    plan = stack.plan()
    stack.apply()
    assert stack.plan().changes == {}
    return plan


def analyzers(here: Cloud, bank: Organization, region: str) -> list[str]:
    client = here.client(bank.members["security"], "accessanalyzer", region)
    return [each["name"] for each in client.list_analyzers()["analyzers"]]


def test_both_regions_are_watched_by_one_provider(here: Cloud, watched: Organization) -> None:
    for region in ("us-east-1", "eu-west-1"):
        assert analyzers(here, watched, region) == ["organization-external-access"]


def test_a_region_that_goes_is_emptied(
    here: Cloud, watched: Organization, project: Project
) -> None:
    project.write(project.file.read_text().replace(', "eu-west-1"]', "]"))
    assert applied(synthesized(here, project)).changes == {ELSEWHERE: ("delete",)}
    assert analyzers(here, watched, "eu-west-1") == []
    assert analyzers(here, watched, "us-east-1") == ["organization-external-access"]


def test_an_account_that_goes_at_once_cannot_be_planned(here: Cloud, project: Project) -> None:
    """The warning names the line; Terraform's own words do not."""
    text = project.file.read_text()
    section, role = (
        re.search(r"access_analyzer = \{[^}]*\}", text),
        re.search(r", role_arn[^}]*:role/orgtrail-deploy\"", text),
    )
    assert section
    assert role
    project.write(text.replace(section[0], "").replace(role[0], ""))
    stack = synthesized(
        here,
        project,
        security=False,
        told="warning: bank: the last stack had resources in security, which this one does not "
        'reach: Terraform could not remove them ("Provider configuration not present"); for the '
        f"next apply add {RETIRED}",
    )
    done = stack.run("plan")
    assert done.code == 1
    assert "Provider configuration not present" in done.said
    project.write(text)
    synthesized(here, project)


def test_a_retired_account_is_emptied(here: Cloud, watched: Organization, project: Project) -> None:
    text = project.file.read_text()
    section = text[text.index("access_analyzer = {") :]
    project.write(text.replace(section, f"{RETIRED}\n"))
    start = len(here.calls())
    plan = applied(synthesized(here, project))
    # The policy that protected Access Analyzer goes with it.
    attachment = f"{POLICY.replace('policy.', 'policy_attachment.')}_{watched.root_id}"
    gone = (HOME, DELEGATION, POLICY, attachment)
    assert plan.changes == dict.fromkeys(gone, ("delete",))
    # Its role needs no more than `orgtrail permissions` prints for it.
    policy = deployer(load_environment(project.file), "security")
    allowed = {action for each in policy["Statement"] for action in each["Action"]}
    done = {
        re.sub(r"^(\w+ /\w+).*", r"\1", call.operation)
        for call in here.calls(start)
        if call.is_terraforms and call.account == watched.members["security"]
    } - {"GetCallerIdentity"}
    assert done <= NEEDED.keys()
    assert "DELETE /analyzer" in done
    assert {NEEDED[each] for each in done} <= allowed
    assert analyzers(here, watched, "us-east-1") == []


def test_then_the_line_goes_and_nothing_is_left_to_plan(here: Cloud, project: Project) -> None:
    text = project.file.read_text().replace(RETIRED, "")
    project.write(re.sub(r", role_arn[^}]*:role/orgtrail-deploy\"", "", text))
    stack = synthesized(here, project, security=False)
    assert stack.plan().changes == {}
