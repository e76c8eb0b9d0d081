"""What an administrator of the logging account can still do who is not exempt: nothing of these."""

from __future__ import annotations

import json

import pytest
from orgtrail import naming
from orgtrail.check.principals import ADMINISTRATOR
from orgtrail.iam.evaluator import ControlPolicies, Policies, Verdict, evaluate
from orgtrail.iam.policy import Policy, parse
from orgtrail.iam.request import Caller, Kind, Request
from orgtrail.settings.environment import Environment
from orgtrail.trail import boundary, key, service_control
from orgtrail.trail.policy import text
from orgtrail.trail.stack import deployer

from tests import golden
from tests.conftest import Json, environment

ENV = next(each for each in golden.environments() if each.name == "everything")
LOGGING = ENV.logging.id
assert ENV.verification
assert ENV.siem
assert ENV.siem.reader
assert ENV.catalog.compaction
HOME = f"{ENV.home_region}:{LOGGING}"
KEYS = f"arn:aws:kms:{HOME}:key/1"
QUEUE = f"arn:aws:sqs:{HOME}:{ENV.siem.queue}"
TOPIC = f"arn:aws:sns:{HOME}:{ENV.siem.topic}"
WORKGROUP = naming.workgroup_arn(ENV)
PROJECT = naming.project_arn(ENV, ENV.verification)
COMPACTION = naming.role_arn(ENV, LOGGING, ENV.catalog.compaction.role_name)
READER = naming.role_arn(ENV, LOGGING, ENV.siem.reader.role_name)
STARTER = naming.role_arn(ENV, LOGGING, ENV.verification.schedule_role_name)
LOG_FILE = naming.bucket_arn(ENV, ENV.archive.bucket, "audit/trail/AWSLogs/x.json.gz")
CATALOG = f"arn:aws:glue:{HOME}:catalog"

HARMS = [
    ("organizations:AcceptHandshake", "arn:aws:organizations::1:handshake/o-other/invite/h-1", ""),
    ("organizations:LeaveOrganization", "*", ""),
    ("account:CloseAccount", "*", ""),
    ("account:DisableRegion", "*", ""),
    ("iam:PassRole", COMPACTION, ""),
    ("scheduler:UpdateSchedule", f"arn:aws:scheduler:{HOME}:schedule/default/compacted-take", ""),
    ("scheduler:DeleteSchedule", f"arn:aws:scheduler:{HOME}:schedule/default/verification", ""),
    ("codebuild:StartBuild", PROJECT, ""),
    ("codebuild:StopBuild", PROJECT, ""),
    ("codebuild:StartSandbox", PROJECT, ""),
    *(
        (f"kms:{action}", KEYS, alias)
        for action in ("ScheduleKeyDeletion", "DisableKey", "PutKeyPolicy", "DeleteAlias")
        for alias in (ENV.key.alias, naming.key_alias(ENV.siem.topic), "alias/guardduty-findings")
    ),
    ("kms:UpdateAlias", f"arn:aws:kms:{HOME}:{ENV.key.alias}", ""),
    ("kms:DeleteAlias", f"arn:aws:kms:{HOME}:alias/guardduty-findings", ""),
    ("sqs:AddPermission", QUEUE, ""),
    ("sqs:RemovePermission", QUEUE, ""),
    ("sqs:ReceiveMessage", QUEUE, ""),
    ("sqs:DeleteMessage", f"{QUEUE}-dead", ""),
    ("sns:AddPermission", TOPIC, ""),
    ("sns:PutDataProtectionPolicy", TOPIC, ""),
    ("athena:UpdatePreparedStatement", WORKGROUP, ""),
    ("athena:UpdateNamedQuery", WORKGROUP, ""),
    ("glue:PutResourcePolicy", CATALOG, ""),
    ("glue:PutDataCatalogEncryptionSettings", CATALOG, ""),
    ("lakeformation:PutDataLakeSettings", "*", ""),
    ("s3:PutObjectLegalHold", LOG_FILE, ""),
    ("s3:PutObjectRetention", LOG_FILE, ""),
    ("logs:DeleteLogGroup", f"arn:aws:logs:{HOME}:log-group:{ENV.verification.log_group}", ""),
    ("logs:PutLogEvents", f"arn:aws:logs:{HOME}:log-group:{ENV.verification.log_group}", ""),
    ("logs:PutAccountPolicy", "*", ""),
    ("s3:PutObject", naming.bucket_arn(ENV, ENV.result_bucket, "results/answer.csv"), ""),
    ("iam:UpdateSAMLProvider", f"arn:aws:iam::{LOGGING}:saml-provider/AWSSSO_x_DO_NOT_DELETE", ""),
    ("iam:DeleteOpenIDConnectProvider", f"arn:aws:iam::{LOGGING}:oidc-provider/app.example", ""),
    ("securityhub:StartConfigurationPolicyAssociation", "*", ""),
    ("guardduty:CreateIPSet", f"arn:aws:guardduty:{HOME}:detector/1", ""),
    ("guardduty:CreateTrustedEntitySet", f"arn:aws:guardduty:{HOME}:detector/1", ""),
    ("guardduty:ArchiveFindings", f"arn:aws:guardduty:{HOME}:detector/1", ""),
    ("securityhub:CreateAutomationRule", "*", ""),
    ("securityhub:UpdateStandardsControl", "*", ""),
    ("access-analyzer:ApplyArchiveRule", "*", ""),
]


def controls(env: Environment) -> tuple[Policy, ...]:
    return tuple(
        parse(f"SCP {name}", each) for name, each in service_control.service_control(env).items()
    )


def verdict(role: str, action: str, resource: str, alias: str, env: Environment = ENV) -> Verdict:
    account = role.split(":")[4]
    caller = Caller(Kind.ROLE, role, account, env.organization.id)
    context: dict[str, str | tuple[str, ...]] = {
        "aws:SecureTransport": "true",
        "aws:ViaAWSService": "false",
    }
    context["kms:ResourceAliases"] = (alias,) if alias else ()
    request = Request(caller, action, resource, account, context)
    return evaluate(request, Policies((ADMINISTRATOR, *controls(env)))).verdict


@pytest.mark.parametrize(("action", "resource", "alias"), HARMS)
def test_an_administrator_who_is_not_exempt_cannot(action: str, resource: str, alias: str) -> None:
    somebody = f"arn:aws:iam::{LOGGING}:role/Administrator"
    assert verdict(somebody, action, resource, alias) is Verdict.EXPLICIT_DENY


def test_the_role_that_deploys_detection_is_not_rewritten() -> None:
    fintech = next(each for each in golden.environments() if each.name == "fintech")
    account = fintech.accounts["security"]
    assert account.role_arn
    somebody = f"arn:aws:iam::{account.id}:role/Administrator"
    for action in ("iam:UpdateAssumeRolePolicy", "iam:PassRole"):
        denied = verdict(somebody, action, account.role_arn, "", fintech)
        assert denied is Verdict.EXPLICIT_DENY
        assert verdict(account.role_arn, action, account.role_arn, "", fintech) is Verdict.ALLOW


def test_what_runs_by_itself_still_runs() -> None:
    """Our own roles do their work under the SCPs."""
    for role, action, resource in (
        (READER, "sqs:ReceiveMessage", QUEUE),
        (STARTER, "codebuild:StartBuild", PROJECT),
        (COMPACTION, "glue:UpdateTable", f"arn:aws:glue:{HOME}:table/everything/compacted"),
    ):
        assert verdict(role, action, resource, "") is Verdict.ALLOW, action


def test_members_may_use_lake_formation_of_their_own() -> None:
    theirs = "arn:aws:iam::600000000004:role/data"
    assert verdict(theirs, "lakeformation:PutDataLakeSettings", "*", "") is Verdict.ALLOW


def test_the_archives_key_ends_by_break_glass_alone() -> None:
    """A COMPLIANCE lock keeps every file, and nobody can read one without the key."""
    glass = "arn:aws:iam::222222222222:role/break-glass"
    lock = {"mode": "COMPLIANCE", "days": 365}
    env = environment(archive={"object_lock": lock, "break_glass_roles": [glass]})
    deploy = env.logging.role_arn
    assert deploy
    for action in ("kms:ScheduleKeyDeletion", "kms:DisableKey", "kms:PutKeyPolicy"):
        arn = "arn:aws:kms:us-east-1:222222222222:key/1"
        assert verdict(deploy, action, arn, env.key.alias, env) is Verdict.EXPLICIT_DENY
        # The rest is for the key's own policy to say.
        assert verdict(glass, action, arn, env.key.alias, env) is Verdict.IMPLICIT_DENY


def test_break_glass_is_not_for_who_changes_the_settings() -> None:
    glass = "arn:aws:iam::222222222222:role/break-glass"
    deploy = "arn:aws:iam::222222222222:role/orgtrail-deploy"
    env = environment(
        archive={"break_glass_roles": [glass]}, guardrails={"exempt_roles": [deploy, glass]}
    )
    denied = verdict(deploy, "iam:UpdateAssumeRolePolicy", glass, "", env)
    assert denied is Verdict.EXPLICIT_DENY
    assert verdict(glass, "iam:UpdateAssumeRolePolicy", glass, "", env) is Verdict.ALLOW


def test_break_glass_ends_the_key_where_others_administer_it() -> None:
    glass = "arn:aws:iam::222222222222:role/break-glass"
    keys = "arn:aws:iam::222222222222:role/keys"
    env = environment(archive={"break_glass_roles": [glass]}, key={"administrators": [keys]})
    own = parse("key", key.key_policy(env))
    for role, expected in ((glass, Verdict.ALLOW), (keys, Verdict.EXPLICIT_DENY)):
        caller = Caller(Kind.ROLE, role, "222222222222", env.organization.id)
        context: dict[str, str | tuple[str, ...]] = {
            "kms:ResourceAliases": (env.key.alias,),
            "aws:ViaAWSService": "false",
        }
        arn = "arn:aws:kms:us-east-1:222222222222:key/1"
        request = Request(caller, "kms:PutKeyPolicy", arn, "222222222222", context)
        level = ((ADMINISTRATOR, *controls(env)),)
        organization = ControlPolicies(env.organization.id, env.management.id, level, ())
        policies = Policies((ADMINISTRATOR,), own, controls=organization)
        assert evaluate(request, policies).verdict is expected


def test_the_boundary_is_not_rewritten() -> None:
    env = environment(access={"auditor": {"trusted": ["arn:aws:iam::999999999999:root"]}})
    somebody = "arn:aws:iam::222222222222:role/Administrator"
    limit = "arn:aws:iam::222222222222:policy/orgtrail-boundary"
    for action in ("iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion", "iam:DeletePolicy"):
        assert verdict(somebody, action, limit, "", env) is Verdict.EXPLICIT_DENY


def test_who_deploys_hands_no_other_service_over() -> None:
    fintech = next(each for each in golden.environments() if each.name == "fintech")
    (delegate,) = [
        each for each in deployer(fintech, "management")["Statement"] if each["Sid"] == "Delegate"
    ]
    named = delegate["Condition"]["StringEquals"]["organizations:ServicePrincipal"]
    assert "guardduty.amazonaws.com" in named
    assert not {"sso.amazonaws.com", "member.org.stacksets.cloudformation.amazonaws.com"} & {*named}


OWN_TRAIL = "arn:aws:cloudtrail:us-east-1:333333333333:trail/old"


def test_old_trails_can_be_cleared_away_for_a_while() -> None:
    somebody = "arn:aws:iam::333333333333:role/Administrator"
    for given, expected in (
        ({}, Verdict.EXPLICIT_DENY),
        ({"member_trails": False}, Verdict.ALLOW),
    ):
        env = environment(guardrails=given)
        assert verdict(somebody, "cloudtrail:DeleteTrail", OWN_TRAIL, "", env) is expected
    ours = naming.trail_arn(environment())
    env = environment(guardrails={"member_trails": False})
    assert verdict(somebody, "cloudtrail:StopLogging", ours, "", env) is Verdict.EXPLICIT_DENY


def test_one_name_is_exempt_in_every_account() -> None:
    deploy = "arn:aws:iam::222222222222:role/orgtrail-deploy"
    roles = [deploy, "arn:aws:iam::*:role/trail-cleanup"]
    env = environment(guardrails={"exempt_roles": roles})
    for account in ("222222222222", "333333333333", "444444444444"):
        cleanup = f"arn:aws:iam::{account}:role/trail-cleanup"
        assert verdict(cleanup, "cloudtrail:DeleteTrail", OWN_TRAIL, "", env) is Verdict.ALLOW
        made = verdict(
            f"arn:aws:iam::{account}:role/Administrator", "iam:CreateRole", cleanup, "", env
        )
        assert made is Verdict.EXPLICIT_DENY, "whoever could make it would be exempt"


TOWER = next(each for each in golden.environments() if each.name == "control-tower")


@pytest.mark.parametrize("name", ["AWSControlTowerExecution", "aws-controltower-ForwardSnsRole"])
def test_control_tower_keeps_what_is_its_own(name: str) -> None:
    role = f"arn:aws:iam::{TOWER.logging.id}:role/{name}"
    archive = naming.bucket_arn(TOWER, TOWER.archive.bucket)
    results = naming.bucket_arn(TOWER, TOWER.result_bucket)
    assert verdict(role, "s3:PutBucketPolicy", archive, "", TOWER) is Verdict.ALLOW
    assert verdict(role, "cloudtrail:UpdateTrail", OWN_TRAIL, "", TOWER) is Verdict.ALLOW
    assert verdict(role, "s3:PutBucketPolicy", results, "", TOWER) is Verdict.EXPLICIT_DENY
    others = f"arn:aws:iam::{TOWER.logging.id}:role/Administrator"
    assert verdict(others, "s3:PutBucketPolicy", archive, "", TOWER) is Verdict.EXPLICIT_DENY
    assert verdict(others, "iam:CreateRole", role, "", TOWER) is Verdict.EXPLICIT_DENY


def test_nothing_is_left_to_an_owner_where_all_is_ours() -> None:
    assert environment().owner_roles == ()
    assert "aws-controltower" not in str(service_control.service_control(environment()))


@pytest.mark.parametrize("name", ["management", "logging"])
def test_the_boundary_leaves_each_role_what_it_is_for_and_nothing_of_iam(name: str) -> None:
    limit = boundary.boundary(ENV, name)
    assert len(text(limit)) <= 6_144, "AWS's size of a managed policy"
    bound = parse("boundary", limit)
    stack = golden.policies(golden_stack())
    account = ENV.accounts[name].id
    for address, document in stack.items():
        if not address.startswith("aws_iam_role_policy.") or _place(address) != name:
            continue
        for statement in document["Statement"]:
            for action in _many(statement["Action"]):
                for resource in _many(statement["Resource"]):
                    caller = Caller(Kind.ROLE, f"arn:aws:iam::{account}:role/x", account)
                    via = {"kms:ViaService": f"s3.{ENV.home_region}.amazonaws.com"}
                    request = Request(caller, action, resource, account, via)
                    own = parse("own", {"Statement": [{**statement, "Condition": {}}]})
                    # Of a key, or of another account's topic, its own policy decides too.
                    open_ = {"Effect": "Allow", "Action": "*", "Resource": "*"}
                    root = {"AWS": f"arn:aws:iam::{account}:root"}
                    theirs = parse("theirs", {"Statement": [{**open_, "Principal": root}]})
                    decision = evaluate(request, Policies((own,), theirs, boundary=(bound,)))
                    assert decision.verdict is Verdict.ALLOW, (address, action, resource)
    for action in ("iam:PutRolePolicy", "sts:AssumeRole", "s3:PutBucketPolicy", "kms:PutKeyPolicy"):
        assert not any(each.is_about(action) for each in bound.statements)
    written = naming.bucket_arn(ENV, ENV.archive.bucket)
    puts = [each for each in bound.statements if each.is_about("s3:PutObject")]
    assert not any(one.startswith(f"{written}/") for each in puts for one in each.resources or ())


def test_who_deploys_gives_a_role_no_more_than_the_boundary() -> None:
    env = environment(access={"auditor": {"trusted": ["arn:aws:iam::999999999999:root"]}})
    for name in ("management", "logging"):
        arn = f"arn:aws:iam::{env.accounts[name].id}:policy/orgtrail-boundary"
        growing = [
            each
            for each in deployer(env, name)["Statement"]
            if {"iam:CreateRole", "iam:PutRolePolicy"} & set(each["Action"])
        ]
        assert growing
        for each in growing:
            assert each["Condition"] == {"StringEquals": {"iam:PermissionsBoundary": arn}}
        assert "iam:DeleteRolePermissionsBoundary" not in str(deployer(env, name))


def test_who_deploys_changes_the_policy_of_our_keys_alone() -> None:
    for each in deployer(ENV, "logging")["Statement"]:
        if "kms:PutKeyPolicy" in each["Action"]:
            named = each["Condition"]["ForAnyValue:StringEquals"]["kms:ResourceAliases"]
            assert ENV.key.alias in named
            break
    else:
        pytest.fail("nothing changes a key's policy")


def golden_stack() -> Json:
    content: Json = json.loads(golden.fresh()["everything.tf.json"])
    return content


def _place(address: str) -> str:
    in_management = ("delivery", "alarms")
    name = address.removeprefix("aws_iam_role_policy.")
    return "management" if name.startswith(in_management) else "logging"


def _many(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
