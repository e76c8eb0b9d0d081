"""The module, called from HCL with two aliased providers: it validates, refuses and deploys."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from orgtrail.check.run import check
from orgtrail.environments import load_environment
from orgtrail.module import write_module
from orgtrail.settings.environment import Environment
from orgtrail.trail import archive, catalog, key, service_control

from tests.conftest import MINIMAL, merged, tfvars
from tests.e2e.cloud import Cloud, Organization, organization
from tests.e2e.reading import policies_of_root
from tests.e2e.terraform import Folder
from tests.forms import decoded
from tests.test_module import ENVIRONMENTS

SOURCE = """
terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.25"
    }
  }
}

provider "aws" {
  alias               = "management"
  region              = "us-east-1"
  allowed_account_ids = ["%(management)s"]
  assume_role {
    role_arn = "arn:aws:iam::%(management)s:role/deploy"
  }
  default_tags {
    tags = { Team = "audit" }
  }
}

provider "aws" {
  alias               = "logging"
  region              = "us-east-1"
  allowed_account_ids = ["%(logging)s"]
  assume_role {
    role_arn = "arn:aws:iam::%(logging)s:role/deploy"
  }
  default_tags {
    tags = { Team = "audit" }
  }
}

variable "expire" {
  type    = number
  default = 400
}

variable "management" {
  type    = string
  default = "%(management)s"
}

variable "bank" {
  type    = string
  default = "%(organization)s"
}

module "trail" {
  source = "./module"
  providers = {
    aws.management = aws.management
    aws.logging    = aws.logging
  }

  organization_id       = var.bank
  organization_root_id  = "%(root)s"
  management_account_id = var.management
  logging_account_id    = "%(logging)s"
  member_account_ids    = ["%(production)s"]
  home_region           = "us-east-1"
  archive_bucket        = "example-called-archive"
  key_prefix            = "audit"
  exempt_roles          = ["arn:aws:iam::%(logging)s:role/deploy"]
  expire_after_days     = var.expire
  log_retention_days    = 90
}

output "key" {
  value = module.trail.key_arn
}
"""


@pytest.fixture(scope="module")
def bank(here: Cloud) -> Organization:
    return organization(here, "111111111111", "logging", "production")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory, bank: Organization) -> Environment:
    """Return the environment file that says the same."""
    logging = bank.members["logging"]
    changes = {
        "organization": {"id": bank.id, "root_id": bank.root_id},
        "accounts": {
            "management": {"id": bank.management},
            "logging": {"id": logging, "role_arn": f"arn:aws:iam::{logging}:role/deploy"},
            "production": {"id": bank.members["production"]},
        },
        "trail": {"key_prefix": "audit"},
        "archive": {"bucket": "example-called-archive", "expire_after_days": 400},
        "delivery": {"retention_days": 90},
    }
    path = tmp_path_factory.mktemp("settings") / "bank.tfvars"
    path.write_text(tfvars(merged(MINIMAL, changes)))
    return load_environment(path)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, here: Cloud, bank: Organization) -> Folder:
    path = tmp_path_factory.mktemp("root")
    write_module(path / "module")
    ids = {
        **bank.members,
        "organization": bank.id,
        "root": bank.root_id,
        "management": bank.management,
    }
    (path / "main.tf").write_text(SOURCE % ids)
    folder = Folder(path)
    folder.override(here, "management", "logging")
    folder.must("init")
    return folder


def test_it_validates(root: Folder) -> None:
    assert "configuration is valid" in root.must("validate")


def test_it_is_as_terraform_formats_it(root: Folder) -> None:
    root.must("fmt", "-check", "-recursive", "module")


def test_the_json_form_plans_the_same(
    root: Folder, here: Cloud, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = Folder(tmp_path_factory.mktemp("json"))
    write_module(other.path / "module", as_json=True)
    shutil.copy(root.path / "main.tf", other.path)
    other.override(here, "management", "logging")
    other.must("init")
    planned = []
    for each in (root, other):
        each.plan()
        plan = json.loads((each.path / "plan.json").read_text())
        planned.append({one["address"]: one["change"] for one in plan["resource_changes"]})
    hcl, in_json = planned
    assert hcl.keys() == in_json.keys()
    for address, change in in_json.items():
        assert decoded(hcl[address]) == decoded(change), address


def test_what_no_environment_file_may_say_it_refuses(root: Folder) -> None:
    wrong = ("-var=expire=0.5", "-var=bank=bank")
    done = root.run("plan", *wrong)
    assert done.code == 1
    said = re.sub(r"[\s│]+", " ", done.said)
    assert "expire_after_days must be at least 1." in said
    assert "organization_id must be o- and 10 to 32 lower-case letters or digits." in said


def test_a_provider_of_another_account_is_refused(root: Folder, bank: Organization) -> None:
    done = root.run("plan", f"-var=management={bank.members['production']}")
    assert done.code == 1
    said = re.sub(r"[\s│]+", " ", done.said)
    told = f"aws.management reaches another account than {bank.members['production']}."
    assert f"{told} Pass the provider of that account." in said


def test_it_deploys_what_an_environment_file_would(
    root: Folder, here: Cloud, environment: Environment
) -> None:
    plan = root.plan()
    assert {done for each in plan.actions.values() for done in each} == {"create"}
    root.apply()
    assert root.plan().changes == {}
    # Whoever has deployed one form can go on with the other.
    for as_json in (True, False):
        write_module(root.path / "module", as_json=as_json)
        assert root.plan().changes == {}
    report = check(root.path / "plan.json")
    assert [each.rule for each in report.findings] == ["no-lock", "no-boundary"]
    assert len(report.access) > 800
    s3 = here.client(environment.logging.id, "s3")
    for bucket, policy in (
        (environment.archive.bucket, archive.archive_policy(environment)),
        (environment.archive.access_log_bucket, archive.access_log_policy(environment)),
        (environment.result_bucket, catalog.results_policy(environment)),
    ):
        assert json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"]) == policy
    kms = here.client(environment.logging.id, "kms")
    arn = json.loads(root.must("output", "-json"))["key"]["value"]
    policy = kms.get_key_policy(KeyId=arn, PolicyName="default")["Policy"]
    assert json.loads(policy) == key.key_policy(environment)
    assert policies_of_root(here, environment) == service_control.service_control(environment)
    (trail,) = here.client(environment.management.id, "cloudtrail").describe_trails()["trailList"]
    assert (trail["S3KeyPrefix"], trail["KmsKeyId"]) == ("audit", arn)
    glue = here.client(environment.logging.id, "glue")
    parameters = glue.get_table(
        DatabaseName=environment.catalog.database, Name=environment.catalog.table
    )["Table"]["Parameters"]
    assert parameters["projection.account.values"] == ",".join(environment.account_ids)
    assert parameters["projection.day.range"] == "NOW-400DAYS,NOW"


def test_its_own_example_is_valid(root: Folder) -> None:
    example = Folder(root.path / "module" / "examples" / "organization")
    example.must("init")
    assert "configuration is valid" in example.must("validate")


# The others take minutes more: Terraform evaluates the saved queries of the JSON form slowly.
@pytest.mark.parametrize("name", [None, "everything", "referred", "sovereign"])
def test_its_own_tests_pass_and_both_forms_plan_the_same(tmp_path: Path, name: str | None) -> None:
    """With mocked providers, which need no API of AWS."""
    if "  test " not in Folder(tmp_path).must("-help"):
        pytest.skip("needs Terraform 1.7 or newer for mocked providers")
    plans = []
    for as_json in (False, True):
        folder = Folder(tmp_path / ("json" if as_json else "hcl"))
        write_module(folder.path, ENVIRONMENTS[name] if name else None, as_json=as_json)
        folder.must("init")
        if not as_json:
            assert ", 0 failed." in folder.must("test")
        plans.append(planned(folder))
    hcl, in_json = plans
    assert hcl.keys() == in_json.keys()
    for address, change in in_json.items():
        assert hcl[address] == change, address


def planned(folder: Folder) -> dict[str, Any]:
    """Return what the first of a module's own tests plans, by address."""
    path = folder.path / "tests" / "module.tftest.hcl"
    first, second, *_ = re.split(r"(?=^run )", path.read_text(), flags=re.MULTILINE)
    path.write_text(first + second)
    said = [json.loads(line) for line in folder.must("test", "-json", "-verbose").splitlines()]
    (plan,) = (each["test_plan"] for each in said if each["type"] == "test_plan")
    return {each["address"]: decoded(each["change"]) for each in plan["resource_changes"]}
