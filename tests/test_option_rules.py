"""Rules of the options, each in the exact words that its user reads, and the warnings."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from orgtrail.environments import load_environment
from orgtrail.errors import SettingsError, SettingsWarning
from orgtrail.regions import GUARDDUTY_FEATURES_AS_OF

from tests.conftest import MINIMAL, ROOT, Json, merged, tfvars

ROLE = "arn:aws:iam::222222222222:role/orgtrail-deploy"
LOOP = (
    "must leave out writes to the archive's own buckets: the trail would record its own "
    "deliveries without end; describe it in recording, which leaves them out"
)


def data(*fields: Json) -> Json:
    category = {"field": "eventCategory", "equals": ["Data"]}
    objects = {"field": "resources.type", "equals": ["AWS::S3::Object"]}
    return {"trail": {"advanced_event_selectors": [{"fields": [category, objects, *fields]}]}}


CASES: list[tuple[Json, list[str]]] = [
    (data(), [f"trail.advanced_event_selectors[0] {LOOP}"]),
    (
        data({"field": "resources.ARN", "starts_with": ["arn:aws:s3:::example-bank-archive/"]}),
        [f"trail.advanced_event_selectors[0] {LOOP}"],
    ),
    (
        {
            "trail": {
                "event_selectors": [
                    {"data_resources": [{"type": "AWS::S3::Object", "values": ["arn:aws:s3"]}]}
                ]
            }
        },
        [f"trail.event_selectors[0] {LOOP}"],
    ),
    (
        {"trail": {"event_selectors": [{}]}, "recording": {}},
        ["trail.event_selectors must not be set together with recording"],
    ),
    (
        data(
            {"field": "readOnly", "equals": ["yes"]},
            {"field": "eventName", "equals": ["Get*"]},
        ),
        [
            'trail.advanced_event_selectors[0].fields[2].equals must be "true" or "false"; '
            'got ["yes"]',
            "trail.advanced_event_selectors[0].fields[3] must have no *: selectors know no "
            "wildcards; use starts_with",
        ],
    ),
    (
        data(
            {"field": "vpcEndpointId", "equals": ["vpce-1"]},
            {"field": "readOnly", "not_equals": ["true"]},
        ),
        [
            "trail.advanced_event_selectors[0].fields[2].field must be one of eventCategory, "
            "eventName, eventSource, eventType, readOnly, resources.ARN, resources.type, "
            'sessionCredentialFromConsole, userIdentity.arn for Data events; got "vpcEndpointId"',
            "trail.advanced_event_selectors[0].fields[3] must use equals alone for readOnly",
            f"trail.advanced_event_selectors[0] {LOOP}",
        ],
    ),
    (
        {"recording": {"management": "none", "leave_out": ["kms.amazonaws.com"]}},
        [
            'recording.leave_out must be empty where management is "none"',
            "recording must record something; got null",
        ],
    ),
    (
        {"recording": {"data": [{"service": "dynamodb", "arns": ["arn:aws:s3:::photos"]}]}},
        [
            "recording.data[0].arns[0] must be like "
            'arn:aws:dynamodb:us-east-1:111111111111:table/name; got "arn:aws:s3:::photos"'
        ],
    ),
    (
        {"recording": {"data": [{"service": "s3", "arns": ["arn:aws:s3:::a*b/c"]}]}},
        [
            "recording.data[0].arns[0] must have * at its end alone: selectors know no wildcards; "
            'got "arn:aws:s3:::a*b/c"'
        ],
    ),
    (
        {"recording": {"management": "read"}, "trail": {"insights": ["ApiCallRateInsight"]}},
        ['trail.insights[0] needs recording.management with writes; got "ApiCallRateInsight"'],
    ),
    (
        {"trail": {"delegated_administrator": "management"}},
        [
            "trail.delegated_administrator must be the name of a member account in accounts; "
            'got "management"'
        ],
    ),
    (
        {"alarms": {}, "delivery": {"enabled": False}},
        ["delivery.enabled must be true where alarms is given; got false"],
    ),
    (
        {"alarms": {"by_account": False, "totals": False}},
        ["alarms.by_account must be true where alarms.totals is false; got false"],
    ),
    (
        {
            "alarms": {
                "names": ["root-user"],
                "tuning": {"vpc-changes": {}, "delivery-silence": {}},
            }
        },
        [
            "alarms.tuning.vpc-changes must be one of alarms.names",
            "alarms.tuning.delivery-silence must be set by alarms.silence_minutes",
        ],
    ),
    (
        {"alarms": {"subscribers": {"email": ["nobody"], "https": ["http://example.com"]}}},
        [
            'alarms.subscribers.email[0] must be an e-mail address; got "nobody"',
            "alarms.subscribers.https[0] must be an address that begins with https://; "
            'got "http://example.com"',
        ],
    ),
    (
        {"access": {"auditor": {"trusted": [ROLE], "mfa": False}}},
        [
            "access.auditor needs external_id or source_identity where trusted names a role "
            "(arn:aws:iam::222222222222:role/orgtrail-deploy): MFA cannot be asked of it"
        ],
    ),
    (
        {"access": {"auditor": {"trusted": [ROLE], "mfa": True, "external_id": "audit"}}},
        [
            "access.auditor.mfa must be left out where access.auditor.trusted names a role "
            "(arn:aws:iam::222222222222:role/orgtrail-deploy): no session of a role carries "
            "aws:MultiFactorAuthPresent, so that nobody could assume the auditors' role; got "
            "true; set access.auditor.external_id or source_identity"
        ],
    ),
    (
        {"access": {"auditor": {"trusted": [ROLE.replace("role", "user")], "mfa": False}}},
        [
            "access.auditor.mfa must be true where neither access.auditor.external_id nor "
            "source_identity is set; got false"
        ],
    ),
    (
        {"access": {"member_readers": {"accounts": ["nowhere"]}}},
        ['access.member_readers.accounts[0] must be a name in accounts; got "nowhere"'],
    ),
    (
        {
            "access": {"auditor": {"trusted": [ROLE], "external_id": "xx", "role_name": "x"}},
            "siem": {"reader": {"trusted": [ROLE], "external_id": "xx", "role_name": "x"}},
        },
        ['siem.reader.role_name must not be access.auditor.role_name; got "x"'],
    ),
    (
        {
            "access": {
                "auditor": {
                    "trusted": [f"{ROLE}-{n:0>60}" for n in range(30)],
                    "external_id": "audit",
                }
            }
        },
        [
            "access.auditor.trusted must keep the auditors' trust policy within 2,048 characters; "
            "it has 3,542; name fewer principals, or several by one pattern with *"
        ],
    ),
    (
        {"guardduty": {"administrator": "management"}},
        [
            "guardduty.administrator must be the name of a member account in accounts; "
            'got "management"'
        ],
    ),
    (
        {"guardduty": {"administrator": "production"}},
        [
            "accounts.production needs profile or role_arn: one set of credentials cannot reach "
            "two accounts"
        ],
    ),
    (
        {
            "guardduty": {"administrator": "production"},
            "accounts": {"production": {"profile": "security"}},
        },
        [
            "guardrails.exempt_roles must include the role that deploys guardduty to account "
            f'production (333333333333): the policy would lock it out; got ["{ROLE}"]'
        ],
    ),
    (
        {"security_hub": {"regions": ["eu-west-1", "cn-north-1"]}},
        [
            'security_hub.regions must include home_region (us-east-1); got ["eu-west-1", '
            '"cn-north-1"]',
            'security_hub.regions[1] must be in the partition of us-east-1; got "cn-north-1"',
        ],
    ),
    (
        {"guardduty": {"runtime_agents": ["EC2_AGENT_MANAGEMENT"]}},
        [
            "guardduty.runtime_agents needs RUNTIME_MONITORING in guardduty.features; "
            'got ["EC2_AGENT_MANAGEMENT"]'
        ],
    ),
    (
        {"guardduty": {"export": {"bucket": "example-bank-archive"}}},
        ['guardduty.export.bucket must be a bucket of its own; got "example-bank-archive"'],
    ),
    (
        {"home_region": "me-central-1", "guardduty": {"regions": ["me-central-1", "us-east-1"]}},
        [
            "guardduty.export must be null: GuardDuty does not export findings of us-east-1 to "
            "me-central-1, a region that accounts opt in to"
        ],
    ),
    (
        {"home_region": "me-central-1", "security_hub": {}},
        [
            "security_hub must be null: Security Hub gathers no findings in me-central-1, a region "
            "that accounts opt in to, and central configuration needs that of the home region"
        ],
    ),
    (
        {"retired": {"accounts": ["security"]}},
        ['retired.accounts[0] must be the name of a member account in accounts; got "security"'],
    ),
    (
        {"retired": {"accounts": ["production"]}},
        [
            "accounts.production needs profile or role_arn: one set of credentials cannot reach "
            "two accounts"
        ],
    ),
    (
        {"retired": {"accounts": ["logging"]}},
        [
            "retired.accounts[0] must be an account that is no longer deployed to: it always is; "
            'got "logging"'
        ],
    ),
    (
        {
            "retired": {"accounts": ["production"]},
            "accounts": {"production": {"role_arn": "arn:aws:iam::333333333333:role/deploy"}},
            "guardduty": {"administrator": "production"},
            "access_analyzer": {"administrator": "production"},
        },
        [
            "retired.accounts[0] must be an account that is no longer deployed to: "
            "guardduty.administrator names it and access_analyzer.administrator names it; "
            'got "production"'
        ],
    ),
    (
        {
            "retired": {"accounts": ["production"]},
            "accounts": {"production": {"profile": "security"}},
            "guardduty": {},
        },
        [
            "guardrails.exempt_roles must include the role that removes detection from account "
            f'production (333333333333): the policy would lock it out; got ["{ROLE}"]'
        ],
    ),
]

CHINA: Json = {
    "home_region": "cn-north-1",
    "accounts": {"logging": {"role_arn": "arn:aws-cn:iam::222222222222:role/orgtrail-deploy"}},
}


@pytest.mark.parametrize(("changes", "expected"), CASES, ids=lambda case: str(case)[:60])
def test_every_fault_in_its_words(tmp_path: Path, changes: Json, expected: list[str]) -> None:
    path = tmp_path / "bank.tfvars"
    path.write_text(tfvars(merged(MINIMAL, changes)))
    with pytest.raises(SettingsError) as told:
        load_environment(path)
    lines = str(told.value).splitlines()
    assert all(line.startswith(f"{path}:") for line in lines)
    assert sorted(line.partition(": ")[2] for line in lines) == sorted(expected)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"recording": {"leave_out": ["kms.amazonaws.com"]}},
            "recording.leave_out leaves out management events: Security Hub fails CloudTrail.1 "
            '(CIS 3.1); got ["kms.amazonaws.com"]',
        ),
        (
            {"recording": {"management": "write"}},
            "recording.management leaves out management events: Security Hub fails CloudTrail.1 "
            '(CIS 3.1); got "write"',
        ),
        (
            {
                "trail": {
                    "event_selectors": [
                        {"exclude_management_event_sources": ["rdsdata.amazonaws.com"]}
                    ]
                }
            },
            "trail.event_selectors[0].exclude_management_event_sources leaves out management "
            'events: Security Hub fails CloudTrail.1 (CIS 3.1); got ["rdsdata.amazonaws.com"]',
        ),
        (
            {"alarms": {}},
            "alarms.subscribers is empty: nobody hears the alarms, and Security Hub fails "
            "CloudWatch.1 to .14",
        ),
        (
            {
                "accounts": {"logging": {"role_arn": None, "profile": "logging"}},
                "guardrails": {"exempt_roles": [ROLE]},
                "key": {"administrators": [ROLE]},
            },
            "key.administrators may lock out who deploys, and KMS makes no such key: "
            f'accounts.logging says of no role that it deploys there; got ["{ROLE}"]; name it as '
            "accounts.logging.session_role",
        ),
        (
            {"guardrails": {"member_trails": False}},
            "guardrails.member_trails leaves the members' own trails to their administrators: set "
            "it true when the old ones are gone; got false",
        ),
        (
            {"guardduty": {"members": "NEW"}},
            "guardduty.members leaves accounts without GuardDuty until somebody enrols them; "
            'got "NEW"',
        ),
        (
            {**CHINA, "guardduty": {"features": ["S3_DATA_EVENTS", "RUNTIME_MONITORING"]}},
            "guardduty.features[1] is left out in cn-north-1: GuardDuty has it in other regions "
            f'alone, as of {GUARDDUTY_FEATURES_AS_OF}; got "RUNTIME_MONITORING"',
        ),
    ],
    ids=lambda case: str(case)[:60],
)
def test_what_is_unwise_is_told_and_not_refused(
    tmp_path: Path, changes: Json, expected: str
) -> None:
    path = tmp_path / "bank.tfvars"
    path.write_text(tfvars(merged(MINIMAL, changes)))
    with pytest.warns(SettingsWarning) as told:
        assert load_environment(path).name == "bank"
    (warning,) = told
    assert str(warning.message).partition(": ")[2] == expected
    assert str(warning.message).startswith(f"{path}:")


def test_the_examples_give_no_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for path in sorted((ROOT / "envs").glob("*.tfvars")):
            load_environment(path)


def test_the_app_tells_a_warning_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "envs").mkdir()
    (tmp_path / "envs" / "bank.tfvars").write_text(tfvars(merged(MINIMAL, {"alarms": {}})))
    result = subprocess.run(
        [sys.executable, str(ROOT / "main.py")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0
    (line,) = result.stderr.splitlines()
    assert line.startswith("warning: envs/bank.tfvars:")
