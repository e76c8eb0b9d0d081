"""The life of a deployment with the real provider: made, unchanged, changed, refused, destroyed.

The tests build on each other, in the order of this file.
"""

from __future__ import annotations

import json
import re
import shlex
import sys
from dataclasses import replace

import pytest
from orgtrail import naming
from orgtrail.check.run import check
from orgtrail.environments import load_environment
from orgtrail.iam.evaluator import Policies, Verdict, evaluate
from orgtrail.iam.policy import parse
from orgtrail.iam.request import Caller, Kind, Request
from orgtrail.settings.environment import Environment
from orgtrail.trail import archive, auditors, catalog, delivery, key, service_control
from orgtrail.trail.stack import deployer

from tests import cdktn
from tests.conftest import ROOT
from tests.e2e.authority import UNSEEN, allows, asked
from tests.e2e.cloud import Cloud, Organization, member
from tests.e2e.reading import empty, has_role, key_arn, only, policies_of_root
from tests.e2e.terraform import CDKTF, NODE, Folder, Project, run

pytestmark = pytest.mark.usefixtures("deployed")
CHANGES = (
    # The exact text of the example, and what takes its place.
    ('  Owner     = "compliance"\n  Data      = "audit-trail"', '  Owner     = "security"'),
    ("trail = {", 'trail = {\n  enabled = false\n  log_file_validation = false\n'
     '  insights = ["ApiCallRateInsight"]'),
    ("rotation_days = 180", 'rotation_days = 365\n  administrators = '
     '["arn:aws:iam::222222222222:role/keys"]'),
    ("retention_days = 731", "retention_days = 0"),
    ("  exempt_roles = [", '  exempt_roles = [\n    "arn:aws:iam::222222222222:role/second",'),
    ('trusted     = ["', 'trusted     = ["arn:aws:iam::888888888888:role/second", "'),
)  # fmt: skip
CLI = ("--skip-provider-lock",)


@pytest.fixture(scope="module")
def environment(project: Project) -> Environment:
    return load_environment(project.file)


@pytest.fixture(scope="module")
def deployed(project: Project, here: Cloud) -> Folder:
    """Deploy with the commands of the README."""
    project.stack.override(here, "management", "logging")
    planned = run(CDKTF, "plan", "healthcare", *CLI, cwd=project.path, PATH=NODE)
    assert planned.code == 0, planned.said
    assert f"{project.stack.count} to add, 0 to change, 0 to destroy" in planned.said
    done = run(CDKTF, "deploy", "healthcare", "--auto-approve", *CLI, cwd=project.path, PATH=NODE)
    assert done.code == 0, done.said
    return project.stack


def test_a_second_plan_isempty(deployed: Folder) -> None:
    deployed.must("validate")
    plan = deployed.plan()
    assert plan.changes == {}
    assert len(plan.actions) == deployed.count
    report = check(deployed.path / "plan.json")
    assert report.findings == ()
    assert len(report.access) > 800


@pytest.mark.skipif(not cdktn.is_here(), reason=cdktn.ABSENT)
def test_moving_to_cdk_terrain_plans_nothing(deployed: Folder, project: Project) -> None:
    """As docs/cdktn.md says: another interpreter in cdktf.json, and the other CLI."""
    settings = project.path / "cdktf.json"
    before = settings.read_text()
    settings.write_text(before.replace(sys.executable, str(cdktn.PYTHON)))
    variables = {"PATH": cdktn.node(), "PYTHONPATH": str(ROOT / "modules")}
    try:
        made = run(cdktn.CLI, "synth", cwd=project.path, **variables)
        assert made.code == 0, made.said
        assert '"version": "0.24' in (deployed.path / "cdk.tf.json").read_text()
        plan = deployed.plan()
        assert plan.changes == {}
        assert len(plan.actions) == deployed.count
        planned = run(cdktn.CLI, "plan", "healthcare", *CLI, cwd=project.path, **variables)
        assert planned.code == 0, planned.said
        assert "No changes. Your infrastructure matches the configuration." in planned.said
    finally:
        settings.write_text(before)
        made = run(sys.executable, "main.py", cwd=project.path)
        assert made.code == 0, made.said


def test_the_state_lies_beside_main(project: Project) -> None:
    assert (project.path / "terraform.healthcare.tfstate").exists()


def test_the_outputs_name_what_stands(deployed: Folder, environment: Environment) -> None:
    outputs = json.loads(deployed.must("output", "-json"))
    assert outputs["trail_arn"]["value"] == naming.trail_arn(environment)
    assert outputs["archive_bucket"]["value"] == environment.archive.bucket


def test_the_trail_records_the_organization(here: Cloud, environment: Environment) -> None:
    client = here.client(environment.management.id, "cloudtrail")
    (trail,) = client.describe_trails()["trailList"]
    assert trail["TrailARN"] == naming.trail_arn(environment)
    assert trail["S3BucketName"] == environment.archive.bucket
    assert trail["IsOrganizationTrail"] is trail["IsMultiRegionTrail"] is True
    assert trail["LogFileValidationEnabled"] is trail["IncludeGlobalServiceEvents"] is True
    assert trail["KmsKeyId"] == key_arn(here, environment)
    group = naming.log_group_arn(environment, environment.management.id)
    assert trail["CloudWatchLogsLogGroupArn"] == f"{group}:*"
    assert trail["CloudWatchLogsRoleArn"] == naming.delivery_role_arn(environment)
    assert client.get_trail_status(Name=trail["TrailARN"])["IsLogging"] is True
    selectors = client.get_event_selectors(TrailName=trail["TrailARN"])
    recorded = json.dumps(selectors["AdvancedEventSelectors"])
    assert environment.recording is not None
    for recording in environment.recording.data:
        for arn in recording.arns:
            assert arn.rstrip("*") in recorded
    assert naming.bucket_arn(environment, environment.archive.bucket) in recorded


def test_the_archive_is_closed_versioned_encrypted_and_locked(
    here: Cloud, environment: Environment
) -> None:
    client = here.client(environment.logging.id, "s3")
    name = environment.archive.bucket
    names = {each["Name"] for each in client.list_buckets()["Buckets"]}
    assert names == set(environment.own_buckets)
    policies = {
        name: archive.archive_policy(environment),
        environment.archive.access_log_bucket: archive.access_log_policy(environment),
        environment.result_bucket: catalog.results_policy(environment),
    }
    for bucket, policy in policies.items():
        assert json.loads(client.get_bucket_policy(Bucket=bucket)["Policy"]) == policy
        access = client.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
        assert len(access) == 4
        assert all(access.values())
        assert client.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    rule = only(client.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"])
    assert rule["ApplyServerSideEncryptionByDefault"] == {
        "SSEAlgorithm": "aws:kms",
        "KMSMasterKeyID": key_arn(here, environment),
    }
    lock = client.get_object_lock_configuration(Bucket=name)["ObjectLockConfiguration"]
    retention = lock["Rule"]["DefaultRetention"]
    assert (retention["Mode"], retention["Days"]) == ("GOVERNANCE", 2192)
    lifecycle = only(client.get_bucket_lifecycle_configuration(Bucket=name))
    assert lifecycle["Expiration"]["Days"] == environment.archive.expire_after_days
    logging = client.get_bucket_logging(Bucket=name)["LoggingEnabled"]
    assert logging["TargetBucket"] == environment.archive.access_log_bucket


def test_the_key_rotates_under_its_policy(here: Cloud, environment: Environment) -> None:
    client = here.client(environment.logging.id, "kms")
    arn = key_arn(here, environment)
    policy = client.get_key_policy(KeyId=arn, PolicyName="default")["Policy"]
    assert json.loads(policy) == key.key_policy(environment)
    assert client.get_key_rotation_status(KeyId=arn)["KeyRotationEnabled"] is True


def test_the_policy_binds_the_root(here: Cloud, environment: Environment) -> None:
    assert policies_of_root(here, environment) == service_control.service_control(environment)


def test_events_reach_cloudwatch_by_a_role_for_it_alone(
    here: Cloud, environment: Environment
) -> None:
    logs = here.client(environment.management.id, "logs")
    (group,) = logs.describe_log_groups()["logGroups"]
    assert group["logGroupName"] == environment.delivery.log_group
    assert group["retentionInDays"] == environment.delivery.retention_days
    has_role(
        here.client(environment.management.id, "iam"),
        environment.delivery.role_name,
        delivery.delivery_trust(environment),
        delivery.delivery_permissions(environment),
    )


def test_auditors_have_a_role(here: Cloud, environment: Environment) -> None:
    auditor = environment.access.auditor
    assert auditor is not None
    has_role(
        here.client(environment.logging.id, "iam"),
        auditor.role_name,
        auditors.auditor_trust(auditor),
        auditors.auditor_permissions(environment),
    )


def test_an_auditor_comes_in_by_the_documented_command(
    here: Cloud, environment: Environment
) -> None:
    """The command of docs/auditor.md, by a session of the trusted role, for real.

    moto asks no trust policy, so what stands there is decided beside it, for the same session.
    """
    page = (ROOT / "docs" / "auditor.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^aws sts assume-role (.*)$", page, re.MULTILINE)
    words = shlex.split(command)
    given = dict(zip(words[::2], words[1::2], strict=True))
    auditor = environment.access.auditor
    assert auditor
    role = naming.role_arn(environment, environment.logging.id, auditor.role_name)
    assert given["--role-arn"].split(":")[5] == role.split(":")[5]
    (trusted,) = auditor.trusted
    theirs = here.as_role(trusted, "sts")
    session = theirs.assume_role(
        RoleArn=role,
        RoleSessionName=given["--role-session-name"],
        ExternalId=given["--external-id"],
    )["Credentials"]
    s3 = here.as_session(session, "s3")
    assert s3.list_objects_v2(Bucket=environment.archive.bucket)["KeyCount"] >= 0
    stands = here.client(environment.logging.id, "iam").get_role(RoleName=auditor.role_name)
    trust = parse("trust", stands["Role"]["AssumeRolePolicyDocument"])
    # A session of a role has no aws:MultiFactorAuthPresent.
    asking = Caller(Kind.ROLE, trusted, trusted.split(":")[4])
    request = Request(
        asking,
        "sts:AssumeRole",
        role,
        environment.logging.id,
        {"sts:ExternalId": given["--external-id"]},
    )
    own = parse(
        "own", {"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": role}]}
    )
    assert evaluate(request, Policies((own,), trust)).verdict is Verdict.ALLOW
    without = replace(request, context={})
    assert evaluate(without, Policies((own,), trust)).verdict is Verdict.IMPLICIT_DENY


def test_roles_are_within_their_boundary(here: Cloud, environment: Environment) -> None:
    for account, name in (
        (environment.logging, "organization-trail-auditor"),
        (environment.management, environment.delivery.role_name),
    ):
        role = here.client(account.id, "iam").get_role(RoleName=name)["Role"]
        arn = f"arn:aws:iam::{account.id}:policy/{account.permissions_boundary}"
        assert role["PermissionsBoundary"]["PermissionsBoundaryArn"] == arn


def test_the_table_projects_every_account(here: Cloud, environment: Environment) -> None:
    glue = here.client(environment.logging.id, "glue")
    table = glue.get_table(
        DatabaseName=environment.catalog.database, Name=environment.catalog.table
    )["Table"]
    given = table["Parameters"]
    assert given["projection.account.values"] == ",".join(environment.account_ids)
    assert given["storage.location.template"] == naming.partition_template(environment)
    athena = here.client(environment.logging.id, "athena")
    group = athena.get_work_group(WorkGroup=environment.catalog.workgroup)["WorkGroup"]
    assert group["Configuration"]["EnforceWorkGroupConfiguration"] is True


def test_nothing_of_ours_is_in_the_other_account(here: Cloud, environment: Environment) -> None:
    assert here.client(environment.management.id, "s3").list_buckets()["Buckets"] == []
    # A member is shown the organization's trail, which is the management account's.
    trails = here.client(environment.logging.id, "cloudtrail").describe_trails(
        includeShadowTrails=False
    )
    homes = {each["TrailARN"].split(":")[4] for each in trails["trailList"]}
    assert homes <= {environment.management.id}


def test_an_account_left_out_is_warned_of_and_added_changes_what_knows_accounts(
    deployed: Folder, here: Cloud, bank: Organization, project: Project
) -> None:
    added = member(here, bank.management, "research")
    warned = deployed.run("plan")
    assert "Athena would return no rows for them, and no error" in re.sub(r"\s+", " ", warned.said)
    text = project.file.read_text()
    research = f'research = {{ id = "{added}" }}\n  development ='
    project.write(text.replace("development =", research))
    plan = project.synthesize(here).plan()
    table = "aws_glue_catalog_table.catalog_table"
    # Two saved queries know the accounts; Athena's can only be made anew.
    saved = {
        f'aws_athena_named_query.catalog_questions_saved["{name}"]': ("delete", "create")
        for name in ("cross-account-roles", "pipeline-health")
    }
    assert plan.changes == {table: ("update",)} | saved
    assert plan.changed[table] == {"parameters"}
    deployed.apply()
    assert deployed.plan().changes == {}


def test_longer_retention_changes_the_lifecycle_alone(
    deployed: Folder, here: Cloud, project: Project
) -> None:
    text = project.file.read_text()
    project.write(re.sub(r"(\bexpire_after_days\s*=) 2557", r"\1 3653", text))
    plan = project.synthesize(here).plan()
    place = "aws_s3_bucket_lifecycle_configuration.archive_lifecycle"
    assert plan.changes == {place: ("update",)}
    assert plan.changed == {place: frozenset({"rule"})}
    deployed.apply()
    assert deployed.plan().changes == {}


def test_what_can_change_changes_where_it_is(
    deployed: Folder, here: Cloud, project: Project, bank: Organization
) -> None:
    text = project.file.read_text()
    for old, new in CHANGES:
        assert old in text
        text = text.replace(old, new.replace("222222222222", bank.members["logging"]), 1)
    project.write(text)
    plan = project.synthesize(here).plan()
    assert {done for each in plan.changes.values() for done in each} == {"update"}
    for place, attribute in (
        ("aws_cloudtrail.trail", "enable_logging"),
        ("aws_cloudwatch_log_group.delivery_log_group", "retention_in_days"),
        ("aws_iam_role.auditor", "assume_role_policy"),
        ("aws_kms_key.key", "policy"),
        ("aws_organizations_policy.guardrails_scp", "content"),
        ("aws_s3_bucket.archive", "tags_all"),
    ):
        assert attribute in plan.changed[place]
    deployed.apply()
    assert deployed.plan().changes == {}


def test_destroying_is_refused_while_protected(deployed: Folder, here: Cloud) -> None:
    start = len(here.calls())
    done = deployed.run("destroy")
    assert done.code == 1
    assert "instance cannot be destroyed" in done.said.lower()
    changed = [call.operation for call in here.calls(start) if _changes(call.operation)]
    assert changed == []


def test_destroying_is_complete_where_it_is_allowed(
    here: Cloud, project: Project, environment: Environment
) -> None:
    text = project.file.read_text()
    project.write(text.replace("archive = {", "archive = {\n  destroy_protection = false", 1))
    stack = project.synthesize(here)
    assert set(stack.plan().changes) == {"aws_athena_workgroup.catalog_workgroup"}
    stack.apply()
    # S3 has delivered access logs by now, and only an empty bucket can go.
    assert "BucketNotEmpty" in stack.run("destroy").said
    empty(here.client(environment.logging.id, "s3"), environment.archive.access_log_bucket)
    stack.must("destroy")
    state = json.loads((project.path / "terraform.healthcare.tfstate").read_text())
    assert state["resources"] == []
    assert here.client(environment.logging.id, "s3").list_buckets()["Buckets"] == []
    # Moto 5.2.5 does not take an ARN in DeleteTrail, and keeps the trail.
    assert "DeleteTrail" in {call.operation for call in here.calls()}


def _changes(operation: str) -> bool:
    name = re.sub(r"^(PUT|POST|DELETE) ", "Change", operation)
    return not re.match(r"Get|List|Describe|Assume|GET|HEAD|Head", name)


def test_the_deploy_roles_may_do_what_was_done_and_nothing_else(
    here: Cloud, environment: Environment
) -> None:
    """The recorded calls of the whole life are the evidence for `orgtrail permissions`."""
    listed, seen = set(), set()
    for name in ("management", "logging"):
        account = environment.accounts[name].id
        policy = deployer(environment, name)
        calls = [each for each in here.calls() if each.is_terraforms and each.account == account]
        used = {one for each in calls for one in asked(each, environment)}
        assert len(used) > 30
        assert [each for each in sorted(used) if not allows(environment, name, *each)] == []
        seen |= {action for action, _ in used}
        listed |= {action for each in policy["Statement"] for action in each["Action"]}
    assert listed - seen == UNSEEN.keys()
