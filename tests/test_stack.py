"""The synthesized stack: what a plan would make, for the examples and for any settings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from orgtrail import naming, records
from orgtrail.cdktf import bindings as aws
from orgtrail.cdktf.organization_trail import OrganizationTrail
from orgtrail.environments import load_environment
from orgtrail.errors import SettingsError
from orgtrail.settings.environment import Environment
from orgtrail.terraform.render import stack_json
from orgtrail.trail import build
from orgtrail.trail.stack import deployer

from tests import golden
from tests.conftest import ROOT, Json, at_most, environment, synthesized
from tests.strategies import environments, extended

SOME = settings(
    max_examples=at_most(40), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


def blocks(stack: Json, *sections: str) -> Iterator[tuple[str, str, Json]]:
    for section in sections or ("resource", "data"):
        for kind, named in stack.get(section, {}).items():
            for name, block in named.items():
                yield kind, name, block


def the(stack: Json, kind: str, name: str) -> Any:
    return stack["resource"][kind][name]


@pytest.mark.parametrize("name", sorted(each.name for each in golden.FOLDER.iterdir()))
def test_golden(name: str) -> None:
    kept = (golden.FOLDER / name).read_text(encoding="utf-8")
    assert golden.fresh()[name] == kept, "run `make golden` and read the difference"


def test_no_golden_file_is_left_over() -> None:
    assert {each.name for each in golden.FOLDER.iterdir()} == set(golden.fresh())


@SOME
@given(environments())
def test_every_resource_names_its_account(env: Environment) -> None:
    stack = synthesized(env)
    providers = {f"aws.{each['alias']}": each for each in stack["provider"]["aws"]}
    assert set(providers) == {"aws.management", "aws.logging"}
    for kind, name, block in blocks(stack):
        assert block["provider"] in providers, (kind, name)
    for alias, account in (("management", env.management), ("logging", env.logging)):
        assert providers[f"aws.{alias}"]["allowed_account_ids"] == [account.id]
        assert providers[f"aws.{alias}"]["region"] == env.home_region


@SOME
@given(environments())
def test_every_bucket_is_private_versioned_encrypted_and_owned(env: Environment) -> None:
    stack = synthesized(env)
    buckets = {block["bucket"] for _, block in stack["resource"]["aws_s3_bucket"].items()}
    assert buckets == {env.archive.bucket, env.archive.access_log_bucket, env.result_bucket}
    for kind in (
        "aws_s3_bucket_public_access_block",
        "aws_s3_bucket_versioning",
        "aws_s3_bucket_server_side_encryption_configuration",
        "aws_s3_bucket_ownership_controls",
        "aws_s3_bucket_lifecycle_configuration",
        "aws_s3_bucket_policy",
    ):
        assert {each["bucket"] for each in stack["resource"][kind].values()} == buckets, kind
    for block in stack["resource"]["aws_s3_bucket_public_access_block"].values():
        assert [
            block[f"{verb}_{what}"]
            for verb, what in (
                ("block", "public_acls"),
                ("block", "public_policy"),
                ("ignore", "public_acls"),
                ("restrict", "public_buckets"),
            )
        ] == [True] * 4
    for block in stack["resource"]["aws_s3_bucket_ownership_controls"].values():
        assert block["rule"] == {"object_ownership": "BucketOwnerEnforced"}


@SOME
@given(environments())
def test_no_token_is_left_inside_a_policy(env: Environment) -> None:
    stack = synthesized(env)
    assert "TfToken" not in json.dumps(stack)
    for address, policy in golden.policies(stack).items():
        assert "${" not in json.dumps(policy), address


@SOME
@given(environments())
def test_the_trail_waits_for_all_that_its_first_write_needs(env: Environment) -> None:
    trail = the(synthesized(env), "aws_cloudtrail", "trail")
    needed = {
        "data.aws_organizations_organization.organization",
        "aws_s3_bucket_policy.archive_policy",
        "aws_s3_bucket_server_side_encryption_configuration.archive_encryption",
        "aws_kms_key.key",
    }
    if env.archive.object_lock:
        needed.add("aws_s3_bucket_object_lock_configuration.archive_lock")
    if env.delivery.enabled:
        needed.add("aws_iam_role_policy.delivery_role_policy")
    assert needed <= set(trail["depends_on"])
    assert trail["is_organization_trail"] is True
    assert trail["name"] == env.trail.name


@SOME
@given(environments())
def test_evidence_is_protected_exactly_where_asked_for(env: Environment) -> None:
    protected = {
        f"{kind}.{name}"
        for kind, name, block in blocks(synthesized(env), "resource")
        if block.get("lifecycle", {}).get("prevent_destroy")
    }
    evidence = {
        "aws_s3_bucket.archive",
        "aws_s3_bucket.archive_access_logs",
        "aws_kms_key.key",
        "aws_cloudtrail.trail",
    }
    if env.delivery.enabled:
        evidence.add("aws_cloudwatch_log_group.delivery_log_group")
    if env.organization.enable_trusted_access:
        evidence.add("aws_organizations_aws_service_access.organization_cloudtrail")
    assert protected == (evidence if env.archive.destroy_protection else set())


def test_the_organization_is_checked_before_anything_is_made() -> None:
    env = environment(guardrails={"resource_control_policy": True})
    data = synthesized(env)["data"]["aws_organizations_organization"]["organization"]
    conditions = [each["condition"] for each in data["lifecycle"]["postcondition"]]
    assert conditions == [
        '${self.id == "o-examplebank"}',
        '${self.master_account_id == "111111111111"}',
        '${self.feature_set == "ALL"}',
        '${contains(self.aws_service_access_principals, "cloudtrail.amazonaws.com")}',
        '${contains(self.enabled_policy_types, "SERVICE_CONTROL_POLICY")}',
        '${contains(self.enabled_policy_types, "RESOURCE_CONTROL_POLICY")}',
    ]


TRUSTING: Json = {
    "organization": {"enable_trusted_access": True},
    "guardduty": {"features": ["EBS_MALWARE_PROTECTION"]},
}


def test_the_plan_turns_on_trusted_access_where_the_file_says_so() -> None:
    env = environment(**TRUSTING)
    stack = synthesized(env)
    made = stack["resource"]["aws_organizations_aws_service_access"]
    assert [each["service_principal"] for each in made.values()] == naming.trusted_services(env)
    for name, each in made.items():
        assert each["provider"] == "aws.management"
        assert each["lifecycle"] == {"prevent_destroy": True}
        assert each["depends_on"] == ["data.aws_organizations_organization.organization"]
        after = the(stack, "aws_cloudtrail", "trail")["depends_on"]
        assert f"aws_organizations_aws_service_access.{name}" in after
    # It stops no plan that what it does not find is yet to be made.
    assert "aws_service_access_principals" not in json.dumps(stack["data"])
    assert "accounts[*].id" in json.dumps(stack)


def test_an_organization_that_is_not_listed_is_only_told_from_others() -> None:
    listless = {**TRUSTING["organization"], "list_accounts": False}
    env = environment(**{**TRUSTING, "organization": listless}, catalog={"accounts": "file"})
    stack = synthesized(env)
    read = stack["data"]["aws_organizations_organization"]["organization"]
    assert read["return_organization_only"] is True
    assert [each["condition"] for each in read["lifecycle"]["postcondition"]] == [
        '${self.id == "o-examplebank"}',
        '${self.master_account_id == "111111111111"}',
        '${self.feature_set == "ALL"}',
    ]
    # Nothing refers to what the provider leaves empty then.
    assert "check" not in stack
    assert ".accounts[*]" not in json.dumps(stack)
    actions = {
        action
        for each in deployer(env, "management")["Statement"]
        for action in each["Action"]
        if action.startswith("organizations:List") and each["Sid"] == "ReadOrganization"
    }
    assert actions == {"organizations:ListAWSServiceAccessForOrganization"}


@pytest.mark.parametrize(
    ("organization", "versions"),
    [
        ({}, "~> 6.25"),
        ({"enable_trusted_access": True}, "~> 6.39"),
        ({"enable_trusted_access": True, "list_accounts": False}, "~> 6.39"),
    ],
)
def test_the_provider_is_new_enough_for_what_the_file_asks(
    organization: Json, versions: str
) -> None:
    env = environment(organization=organization, catalog={"accounts": "file"})
    required = synthesized(env)["terraform"]["required_providers"]
    assert required == {"aws": {"source": "hashicorp/aws", "version": versions}}


def test_guardrails_can_be_left_out_and_aimed() -> None:
    without = synthesized(environment(guardrails={"targets": []}))
    assert "aws_organizations_policy" not in without["resource"]
    aimed = environment(guardrails={"targets": ["ou-bank-abcdefgh", "r-bank"]})
    attached = synthesized(aimed)["resource"]["aws_organizations_policy_attachment"]
    targets = ["ou-bank-abcdefgh", "r-bank"]
    for name in ("guardrails_scp", "guardrails_scp_readers"):
        policy = f"${{aws_organizations_policy.{name}.id}}"
        of_it = [each for each in attached.values() if each["policy_id"] == policy]
        assert [each["target_id"] for each in of_it] == targets
    assert all("aws_cloudtrail.trail" in each["depends_on"] for each in attached.values())


def test_the_table_projects_the_accounts_of_the_file() -> None:
    env = environment(catalog={"accounts": "file", "regions": ["us-west-2", "us-east-1"]})
    stack = synthesized(env)
    table = the(stack, "aws_glue_catalog_table", "catalog_table")["parameters"]
    assert table["projection.account.values"] == "111111111111,222222222222,333333333333"
    assert table["projection.region.values"] == "us-east-1,us-west-2"
    assert table["projection.day.range"] == "NOW-2557DAYS,NOW"
    assert table["storage.location.template"] == (
        "s3://example-bank-archive/AWSLogs/o-examplebank/$${account}/CloudTrail/$${region}/$${day}"
    )
    (warning,) = stack["check"]["catalog_every_account_in_table"]["assert"]
    assert "data.aws_organizations_organization.organization.accounts[*].id" in warning["condition"]


def test_the_table_completes_accounts_and_regions_from_aws() -> None:
    stack = synthesized(environment())
    table = the(stack, "aws_glue_catalog_table", "catalog_table")["parameters"]
    assert table["projection.account.values"] == (
        '${join(",", sort(distinct(concat(["111111111111", "222222222222", "333333333333"], '
        "data.aws_organizations_organization.organization.accounts[*].id))))}"
    )
    assert table["projection.region.values"] == (
        '${join(",", sort(data.aws_regions.catalog_regions.names))}'
    )
    assert "check" not in stack


def test_the_table_has_every_field_of_a_record() -> None:
    table = the(synthesized(environment()), "aws_glue_catalog_table", "catalog_table")
    columns = {each["name"]: each["type"] for each in table["storage_descriptor"]["columns"]}
    assert list(columns) == [each.name.lower() for each in records.FIELDS]
    assert "sourceidentity:string" in columns["useridentity"]
    assert columns["resources"].startswith("array<struct<arn:string")
    assert [each["name"] for each in table["partition_keys"]] == ["account", "region", "day"]


def test_results_are_encrypted_bounded_and_expire() -> None:
    env = environment(catalog={"bytes_scanned_limit": 10_000_000, "result_expire_after_days": 7})
    stack = synthesized(env)
    workgroup = the(stack, "aws_athena_workgroup", "catalog_workgroup")["configuration"]
    assert workgroup["enforce_workgroup_configuration"] is True
    assert workgroup["bytes_scanned_cutoff_per_query"] == 10_000_000
    assert workgroup["result_configuration"]["encryption_configuration"] == {
        "encryption_option": "SSE_KMS",
        "kms_key_arn": "${aws_kms_key.key.arn}",
    }
    rules = the(stack, "aws_s3_bucket_lifecycle_configuration", "catalog_results_lifecycle")
    assert rules["rule"][0]["expiration"] == [{"days": 7}]


def test_local_state_stays_beside_main_py_on_every_machine() -> None:
    backend = synthesized(environment())["terraform"]["backend"]
    assert backend == {"local": {"path": "../../../terraform.bank.tfstate"}}


def test_s3_state_is_locked_by_a_file() -> None:
    role = "arn:aws:iam::222222222222:role/state"
    given_ = {"type": "s3", "bucket": "example-state", "region": "eu-west-1", "role_arn": role}
    assert synthesized(environment(backend=given_))["terraform"]["backend"]["s3"] == {
        "assume_role": {"role_arn": role},
        "bucket": "example-state",
        "encrypt": True,
        "key": "orgtrail/bank.tfstate",
        "region": "eu-west-1",
        "use_lockfile": True,
    }


def test_versions_are_ranges() -> None:
    terraform = synthesized(environment())["terraform"]
    assert terraform["required_version"] == ">= 1.10"
    assert terraform["required_providers"] == {
        "aws": {"source": "hashicorp/aws", "version": "~> 6.25"}
    }


def test_hcp_terraform_and_a_laptop_run_the_same_json() -> None:
    cloud = {"type": "cloud", "organization": "example", "workspace": "trail", "project": "audit"}
    stack = synthesized(environment(backend=cloud))
    assert stack["terraform"]["cloud"] == {
        "hostname": "app.terraform.io",
        "organization": "example",
        "workspaces": {"name": "trail", "project": "audit"},
    }
    variable = stack["variable"]["tfc_aws_dynamic_credentials"]
    assert variable["default"] is None
    management, logging = stack["provider"]["aws"]
    mine = "var.tfc_aws_dynamic_credentials"
    assert management["profile"] == (
        f'${{can({mine}.aliases["MANAGEMENT"].shared_config_file) ? null : "bank-management"}}'
    )
    assert "assume_role" not in logging
    assert logging["dynamic"]["assume_role"] == {
        "content": {
            "role_arn": "arn:aws:iam::222222222222:role/orgtrail-deploy",
            "session_name": "orgtrail",
        },
        "for_each": f'${{can({mine}.aliases["LOGGING"].shared_config_file) ? [] : [1]}}',
    }
    assert logging["shared_config_files"] == (
        f'${{try([coalesce(try({mine}.aliases["LOGGING"].shared_config_file, null), '
        f"try({mine}.default.shared_config_file, null))], null)}}"
    )


def test_basic_selectors_reach_the_trail() -> None:
    selector = {
        "read_write_type": "WriteOnly",
        "exclude_management_event_sources": ["kms.amazonaws.com"],
        "data_resources": [{"type": "AWS::S3::Object", "values": ["arn:aws:s3:::x/"]}],
    }
    stack = synthesized(environment(trail={"event_selectors": [selector]}))
    assert the(stack, "aws_cloudtrail", "trail")["event_selector"] == [
        {
            "data_resource": [{"type": "AWS::S3::Object", "values": ["arn:aws:s3:::x/"]}],
            "exclude_management_event_sources": ["kms.amazonaws.com"],
            "include_management_events": True,
            "read_write_type": "WriteOnly",
        }
    ]


def test_outputs_tell_the_next_tool_all_it_needs() -> None:
    outputs = synthesized(environment())["output"]
    values = {name: each["value"] for name, each in outputs.items()}
    assert values == {
        "archive_bucket": "example-bank-archive",
        "database": "cloudtrail",
        "home_region": "us-east-1",
        "key_arn": "${aws_kms_key.key.arn}",
        "log_group": "/aws/cloudtrail/organization-trail",
        "log_prefix": "AWSLogs/o-examplebank/",
        "result_location": "s3://example-bank-archive-athena-results/results/",
        "table": "organization_trail",
        "trail_arn": naming.trail_arn(environment()),
        "workgroup": "organization-trail",
    }


def test_two_trails_in_one_foreign_stack_keep_apart() -> None:
    stack = aws.TerraformStack(aws.Testing.app(), "platform")
    for name in ("bank", "clinic"):
        providers = {
            account: aws.AwsProvider(stack, f"{name}-{account}", alias=f"{name}_{account}")
            for account in ("management", "logging")
        }
        OrganizationTrail(
            stack,
            name,
            environment=environment(name=name),
            management=providers["management"],
            logging=providers["logging"],
        )
    content = json.loads(aws.Testing.synth(stack))
    assert len(content["resource"]["aws_s3_bucket"]) == 6
    for kind, name, block in blocks(content):
        assert block["provider"].startswith(f"aws.{name.split('_')[0]}_"), (kind, name)


def test_settings_made_in_python_meet_the_limits_too() -> None:
    roles = [f"arn:aws:iam::222222222222:role/{'r' * 60}-{number}" for number in range(12)]
    roles.append("arn:aws:iam::222222222222:role/orgtrail-deploy")
    with pytest.raises(SettingsError, match="must keep the service control policy within"):
        synthesized(environment(guardrails={"exempt_roles": roles}))


def test_each_example_reaches_what_its_readers_look_for() -> None:
    healthcare = load_environment(ROOT / "envs" / "healthcare.tfvars")
    fintech = load_environment(ROOT / "envs" / "fintech.tfvars")
    assert set(healthcare.accounts) == {"management", "logging", "production", "development"}
    assert len(fintech.accounts) == 15
    lock = healthcare.archive.object_lock
    assert lock is not None
    assert lock.days >= 6 * 365, "HIPAA asks for six years"


def without_comments(content: Json) -> Json:
    """Return what Terraform reads of a stack's resources."""
    sections = ("data", "check", "resource", "output")
    made: Json = {name: content[name] for name in sections if name in content}
    for section in ("data", "resource"):
        for named in made.get(section, {}).values():
            for each in named.values():
                each.pop("//", None)
    return made


@pytest.mark.parametrize("env", golden.environments(), ids=lambda each: each.name)
def test_the_json_of_the_data_is_what_cdktf_synthesizes(env: Environment) -> None:
    content = json.loads(golden.fresh()[f"{env.name}.tf.json"])
    assert json.loads(json.dumps(stack_json(build(env)))) == without_comments(content)


@given(env=extended())
@settings(max_examples=at_most(15), deadline=None, suppress_health_check=list(HealthCheck))
def test_it_is_for_settings_of_every_shape(env: Environment) -> None:
    made = synthesized(env)
    assert json.loads(json.dumps(stack_json(build(env)))) == without_comments(made)
