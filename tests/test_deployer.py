"""The roles that Terraform deploys with: enough for the stack, and no more than they have to be."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from hypothesis import given
from orgtrail.settings.environment import Environment
from orgtrail.trail.policy import Document, text
from orgtrail.trail.stack import deployer

from tests import golden
from tests.conftest import Json, environment, orgtrail
from tests.strategies import extended

INLINE_LIMIT = 10_240
"""Characters of all policies in a role, white space left out (IAM guide, quotas)."""


def statements(policy: Document) -> Iterator[Json]:
    yield from policy["Statement"]


def actions(policy: Document) -> set[str]:
    return {action for each in statements(policy) for action in each["Action"]}


@given(env=extended())
def test_it_fits_into_a_role(env: Environment) -> None:
    for name in env.provider_accounts:
        policy = deployer(env, name)
        assert len(text(policy)) <= INLINE_LIMIT
        sids = [each["Sid"] for each in statements(policy)]
        assert len(set(sids)) == len(sids)
        assert all(map(str.isalnum, sids))


@given(env=extended())
def test_who_deploys_reads_forges_and_deletes_no_log_file(env: Environment) -> None:
    for name in env.provider_accounts:
        policy = deployer(env, name)
        # The metadata of the compacted table, which is made in the caller's name.
        kept = [each for each in policy["Statement"] if each["Sid"] != "EncryptTable"]
        allowed = actions({"Statement": kept})
        assert not any("*" in action for action in allowed)
        assert not {each for each in allowed if re.search(r"Object(Version|Acl|Tagging)?$", each)}
        assert not allowed & {
            "kms:Decrypt", "kms:GenerateDataKey", "kms:CreateGrant", "sts:AssumeRole",
            "logs:PutLogEvents", "athena:StartQueryExecution", "sqs:ReceiveMessage",
            "iam:AttachRolePolicy", "organizations:DeleteOrganization",
            "organizations:DisablePolicyType",
        }  # fmt: skip
        may_end = env.organization.enable_trusted_access and not env.archive.destroy_protection
        assert may_end or "organizations:DisableAWSServiceAccess" not in allowed


@given(env=extended())
def test_roles_and_buckets_are_named(env: Environment) -> None:
    for name in env.provider_accounts:
        account = env.accounts[name].id
        for each in statements(deployer(env, name)):
            resources = each["Resource"]
            for resource in [resources] if isinstance(resources, str) else resources:
                services = {action.split(":")[0] for action in each["Action"]}
                if services == {"s3"}:
                    assert resource.split(":::")[1] in env.own_buckets
                if services == {"iam"} and "aws-service-role" not in resource:
                    assert re.fullmatch(rf"arn:[\w-]+:iam::{account}:role/[\w+=,.@-]+", resource)


def test_what_is_only_referred_to_is_out_of_reach() -> None:
    env = next(each for each in golden.environments() if each.name == "referred")
    reached = json.dumps([deployer(env, name) for name in env.provider_accounts])
    assert env.archive.bucket not in reached.replace(env.result_bucket, "")
    assert "cloudtrail:" not in reached
    assert "logs:DeleteLogGroup" not in reached


def test_each_option_adds_what_it_needs_alone() -> None:
    core = actions(deployer(environment(), "management"))
    with_alarms = actions(deployer(environment(alarms={}), "management"))
    assert {each.split(":")[0] for each in with_alarms - core} == {
        "cloudwatch", "kms", "logs", "sns",
    }  # fmt: skip
    logging = actions(deployer(environment(), "logging"))
    with_feed = actions(deployer(environment(siem={}), "logging"))
    assert {each.split(":")[0] for each in with_feed - logging} == {"s3", "sns", "sqs"}


def retired() -> Environment:
    return next(each for each in golden.environments() if each.name == "retired")


def test_the_role_of_a_retired_account_removes_what_any_service_left_and_makes_nothing() -> None:
    allowed = actions(deployer(retired(), "security"))
    for each in (
        "guardduty:DeleteDetector", "guardduty:DeletePublishingDestination",
        "guardduty:UpdateOrganizationConfiguration", "securityhub:DisableSecurityHub",
        "securityhub:DeleteConfigurationPolicy", "securityhub:DeleteFindingAggregator",
        "securityhub:StartConfigurationPolicyDisassociation", "access-analyzer:DeleteAnalyzer",
    ):  # fmt: skip
        assert each in allowed
    assert not [each for each in allowed if re.search(":(Create|Enable|TagResource)", each)]


def test_the_management_account_takes_back_what_a_retired_one_administered() -> None:
    allowed = actions(deployer(retired(), "management"))
    for service in ("guardduty", "securityhub"):
        assert f"{service}:DisableOrganizationAdminAccount" in allowed
    assert "organizations:DeregisterDelegatedAdministrator" in allowed


def test_the_command_prints_what_a_retired_account_needs_and_the_doctor_looks_at_none() -> None:
    file = "tests/envs/retired.tfvars"
    done = orgtrail("permissions", file, "security")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == deployer(retired(), "security")
    done = orgtrail("permissions", file, "security", "--for", "doctor")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "ACCOUNT must be one that is deployed to: management, logging; got security\n"
    )


def test_the_command_prints_a_policy_and_nothing_else() -> None:
    done = orgtrail("permissions", "envs/healthcare.tfvars", "logging")
    env = next(each for each in golden.environments() if each.name == "healthcare")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == deployer(env, "logging")


def test_the_command_names_the_accounts_that_are_deployed_to() -> None:
    done = orgtrail("permissions", "envs/healthcare.tfvars", "production")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "ACCOUNT must be one that is deployed to: management, logging; got production\n"
    )
