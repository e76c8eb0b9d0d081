"""The rules of settings: each broken one tells its place, itself, the value and the remedy."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from orgtrail.environments import load_environment, load_environments
from orgtrail.errors import OrgtrailError, SettingsError
from orgtrail.settings.environment import Environment
from pydantic import ValidationError

from tests.conftest import MINIMAL, ROOT, Json, environment, merged, orgtrail, tfvars

Write = Callable[[str], Path]
ARN = "arn:aws:iam::222222222222"
SSO_PATH = "aws-reserved/sso.amazonaws.com/"

TAG_FORM = "letters, digits, spaces or _ . : / = + - @, and not begin with aws:"
TAG_KEY = f"must have a key of 1 to 128 {TAG_FORM}"
TAG_VALUE = f"must have a value of at most 256 {TAG_FORM}"


def complaints(write: Write, changes: Json) -> list[str]:
    """Return the errors of the minimal file with changes, without the file's path."""
    settings = merged(MINIMAL, changes)
    path = write(tfvars(settings))
    with pytest.raises(SettingsError) as caught:
        load_environment(path)
    return [line.split(" ", 1)[1] for line in str(caught.value).splitlines()]


def test_the_least_file_is_enough(env_file: Write) -> None:
    path = env_file(tfvars(MINIMAL))
    assert load_environment(path) == environment()


def test_the_name_is_the_files_unless_it_is_set(env_file: Write) -> None:
    settings = merged(MINIMAL, {"name": ...})
    path = env_file(tfvars(settings))
    assert load_environment(path).name == "bank"


def test_example_files_are_valid() -> None:
    names = [each.name for each in load_environments(ROOT / "envs")]
    assert names == ["fintech", "healthcare"]


def test_lines_are_those_of_the_file(env_file: Write) -> None:
    path = env_file(
        'home_region = "us-east-1"\n'
        'organization = { id = "o-examplebank", root_id = "r-bank" }\n'
        "accounts = {\n"
        "  management = { id = 111111111111 }\n"
        '  logging = { id = "222222222222", profile = "logging" }\n'
        "}\n"
        "\n"
        "archive = {\n"
        '  bucket = "example-bank-archive"\n'
        "  glacier_after_days = 90\n"
        "  expire_after_days = 100\n"
        "}\n"
        'trial = { name = "x" }\n'
        'guardrails = { exempt_roles = ["arn:aws:iam::222222222222:role/deploy"] }\n'
    )
    with pytest.raises(SettingsError) as caught:
        load_environment(path)
    assert str(caught.value).splitlines() == [
        f"{path}:4: accounts.management.id must be text in quotes; got 111111111111",
        f"{path}:11: archive.expire_after_days must be at least "
        "archive.glacier_after_days + 90; got 100",
        f'{path}:13: trial is not a setting; got {{"name": "x"}}; did you mean trail?',
    ]


def test_faults_of_the_text_and_of_the_settings_at_once(env_file: Write) -> None:
    path = env_file(
        "home_region = us-east-1\n"
        'organization = { id = "o-examplebank", root_id = "r-bank" }\n'
        "accounts = {\n"
        '  management = { id = "111111111111" }\n'
        '  logging = { id = var.logging, profile = "logging" }\n'
        "}\n"
        'archive = { bucket = "example-bank-archive", bucket = "other" }\n'
        "key = { rotation_days = 1 }\n"
        "trail = { global_events = false }\n"
    )
    with pytest.raises(SettingsError) as caught:
        load_environment(path)
    assert str(caught.value).splitlines() == [
        f"{path}:1: home_region must be a literal; got us-east-1; write text in quotes",
        f"{path}:5: accounts.logging.id must be a literal; got var.logging; "
        "an expression is not supported here",
        f"{path}:7: archive.bucket is set twice, first in line 7; keep one of them",
        f"{path}:8: key.rotation_days must be at least 90; got 1",
        f"{path}:9: trail.global_events must be true where trail.multi_region is true; got false",
    ]


ROLE = "arn:aws:iam::222222222222:role/orgtrail-deploy"
CASES: list[tuple[Json, list[str]]] = [
    ({"home_region": ...}, ["home_region is required"]),
    (
        {"home_region": "virginia"},
        ['home_region must be a region name such as us-east-1; got "virginia"'],
    ),
    (
        {"organization": {"id": "x"}},
        ['organization.id must be o- and 10 to 32 lower-case letters or digits; got "x"'],
    ),
    (
        {"organization": {"list_accounts": False}},
        [
            "organization.enable_trusted_access must be true where organization.list_accounts is "
            "false: nothing else would prove that the organization trusts CloudTrail; got false",
            'catalog.accounts must be "file" where organization.list_accounts is false: a plan '
            'does not know the others; got "organization"',
        ],
    ),
    (
        {"organization": {"root": "r-bank"}},
        ['organization.root is not a setting; got "r-bank"; did you mean organization.root_id?'],
    ),
    (
        {"trail": {"zzz": 1}},
        [
            "trail.zzz is not a setting; got 1; the settings here are name, key_prefix, "
            "multi_region, global_events, log_file_validation, enabled, event_selectors, "
            "advanced_event_selectors, delegated_administrator, sns_topic, insights"
        ],
    ),
    ({"tags": {"cost": 4}}, ["tags.cost must be text in quotes; got 4"]),
    (
        {"accounts": {"production": {"id": "12345"}}},
        ['accounts.production.id must be 12 digits in quotes; got "12345"'],
    ),
    (
        {"accounts": {"production": {"id": "333333333333", "profil": "x"}}},
        [
            'accounts.production.profil is not a setting; got "x"; '
            "did you mean accounts.production.profile?"
        ],
    ),
    ({"accounts": {"logging": ...}}, ["accounts.logging is required"]),
    (
        {"accounts": {"we ird": {"id": "444444444444"}}},
        [
            'accounts["we ird"] must be 1 to 63 letters, digits, - or _, beginning with a '
            'letter; got "we ird"'
        ],
    ),
    (
        {"guardrails": {"policy_name": ""}},
        ['guardrails.policy_name must have at least 1 characters; got ""'],
    ),
    (
        {
            "trail": {
                "advanced_event_selectors": [{"fields": []}],
            }
        },
        ["trail.advanced_event_selectors[0].fields must have at least 1 entries; got []"],
    ),
    (
        {"accounts": {"production": {"id": "111111111111"}}},
        ['accounts.production.id must not be the id of accounts.management; got "111111111111"'],
    ),
    (
        {"accounts": {"logging": {"id": "111111111111", "role_arn": ..., "profile": "x"}}},
        [
            "accounts.logging.id must not be the id of accounts.management: logs must be out of "
            'the reach of the management account\'s administrators; got "111111111111"',
            "guardrails.exempt_roles must include the role that deploys to the logging account "
            "(111111111111): the policy would lock it out; got []",
        ],
    ),
    (
        {"accounts": {"production": {"id": "333333333333", "profile": "x"}}},
        [
            "accounts.production.profile must be left out: only management, logging and "
            'delegated administrators are deployed to; got "x"; name a former administrator in '
            "retired.accounts",
        ],
    ),
    (
        {"accounts": {"logging": {"profile": "x"}}},
        ['accounts.logging.profile must not be set together with role_arn; got "x"'],
    ),
    (
        {"accounts": {"management": {"external_id": "secret"}}},
        ['accounts.management.external_id needs role_arn; got "secret"'],
    ),
    (
        {"accounts": {"management": {"profile": ..., "role_arn": ROLE}}},
        [f'accounts.management.role_arn must be a role of account 111111111111; got "{ROLE}"'],
    ),
    (
        {"accounts": {"logging": {"role_arn": ...}}, "guardrails": {"targets": []}},
        [
            "accounts.logging needs profile or role_arn: one set of credentials cannot reach "
            "two accounts"
        ],
    ),
    (
        {"trail": {"global_events": False}},
        ["trail.global_events must be true where trail.multi_region is true; got false"],
    ),
    ({"trail": {"multi_region": "yes"}}, ['trail.multi_region must be true or false; got "yes"']),
    ({"trail": []}, ["trail must be an object, { ... }; got []"]),
    (
        {"trail": {"insights": ["Calls"]}},
        [
            'trail.insights[0] must be "ApiCallRateInsight" or "ApiErrorRateInsight"; got "Calls"',
        ],
    ),
    (
        {"trail": {"key_prefix": "/logs"}},
        [
            "trail.key_prefix must be up to 200 characters, with no slash at either end and not "
            'AWSLogs itself; got "/logs"'
        ],
    ),
    (
        {"trail": {"name": "a..b"}},
        ['trail.name must be 3 to 128 letters, digits, single dots, - or _; got "a..b"'],
    ),
    (
        {
            "trail": {
                "event_selectors": [{}],
                "advanced_event_selectors": [
                    {"fields": [{"field": "eventCategory", "equals": ["Management"]}]}
                ],
            }
        },
        ["trail.event_selectors must not be set together with trail.advanced_event_selectors"],
    ),
    (
        {"trail": {"event_selectors": [{}] * 6}},
        ["trail.event_selectors must be at most 5 selectors; got 6"],
    ),
    (
        {
            "trail": {
                "event_selectors": [
                    {"data_resources": [{"type": "AWS::S3::Object", "values": ["arn:x"] * 251}]}
                ]
            }
        },
        ["trail.event_selectors must name at most 250 data resources in all; got 251"],
    ),
    (
        {
            "trail": {
                "advanced_event_selectors": [
                    {
                        "fields": [
                            {"field": "eventCategory", "equals": ["Management"]},
                            {"field": "eventSource", "not_equals": ["x"] * 500},
                        ]
                    }
                ]
            }
        },
        [
            "trail.advanced_event_selectors must have at most 500 values in all; got 501",
            "trail.advanced_event_selectors[0].fields[1] must use not_equals with "
            "kms.amazonaws.com or rdsdata.amazonaws.com",
        ],
    ),
    (
        {"trail": {"advanced_event_selectors": [{"fields": [{"field": "readOnly"}]}]}},
        [
            "trail.advanced_event_selectors[0].fields[0] needs an operator such as equals",
            "trail.advanced_event_selectors[0].fields must have eventCategory equal to "
            "Management, Data or NetworkActivity",
        ],
    ),
    (
        {
            "trail": {
                "advanced_event_selectors": [
                    {"fields": [{"field": "eventCategory", "equals": ["Data"]}]}
                ]
            }
        },
        [
            "trail.advanced_event_selectors[0].fields must have resources.type equal to a value "
            "for Data events"
        ],
    ),
    (
        {"archive": {"bucket": "Example"}},
        [
            "archive.bucket must be a bucket name: 3 to 63 lower-case letters, digits, dots and "
            'hyphens; got "Example"'
        ],
    ),
    (
        {"archive": {"bucket": "b" * 55}},
        [
            "catalog.result_bucket must be set, since the archive's name and -athena-results is "
            f'over 63 characters; got "{"b" * 55}-athena-results"',
            "archive.access_log_bucket must be set, since the archive's name and -access-logs is "
            f'over 63 characters; got "{"b" * 55}-access-logs"',
        ],
    ),
    (
        {"archive": {"access_log_bucket": "example-bank-archive"}},
        [
            "archive.access_log_bucket must be another bucket: S3 would log its own log "
            'deliveries without end; got "example-bank-archive"'
        ],
    ),
    (
        {"catalog": {"result_bucket": "example-bank-archive"}},
        ['catalog.result_bucket must be a bucket of its own; got "example-bank-archive"'],
    ),
    (
        {"archive": {"glacier_after_days": 90, "deep_archive_after_days": 100}},
        [
            "archive.deep_archive_after_days must be at least archive.glacier_after_days + 90; "
            "got 100"
        ],
    ),
    (
        {"archive": {"deep_archive_after_days": 90, "expire_after_days": 200}},
        [
            "archive.expire_after_days must be at least archive.deep_archive_after_days + 180; "
            "got 200"
        ],
    ),
    (
        {"archive": {"expire_after_days": 0}},
        ["archive.expire_after_days must be at least 1; got 0"],
    ),
    (
        {"archive": {"expire_after_days": 365, "object_lock": {"mode": "GOVERNANCE", "days": 400}}},
        ["archive.object_lock.days must be at most archive.expire_after_days (365); got 400"],
    ),
    (
        {
            "archive": {
                "destroy_protection": False,
                "object_lock": {"mode": "COMPLIANCE", "days": 30},
            }
        },
        [
            "archive.destroy_protection must be true where archive.object_lock.mode is "
            "COMPLIANCE: a bucket with locked files cannot be destroyed; got false"
        ],
    ),
    (
        {"archive": {"break_glass_roles": ["arn:aws:iam::*:role/x"]}},
        [
            "archive.break_glass_roles[0] must be a role's ARN with its account id in digits "
            '(* is allowed in the role\'s name); got "arn:aws:iam::*:role/x"'
        ],
    ),
    ({"key": {"rotation_days": 30}}, ["key.rotation_days must be at least 90; got 30"]),
    ({"key": {"rotation_days": 3000}}, ["key.rotation_days must be at most 2560; got 3000"]),
    ({"key": {"rotation_days": 90.5}}, ["key.rotation_days must be a whole number; got 90.5"]),
    (
        {"delivery": {"retention_days": 8}},
        [
            "delivery.retention_days must be 0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, "
            "400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653; got 8"
        ],
    ),
    (
        {"delivery": {"kms_key_arn": "arn:aws:kms:eu-west-1:111111111111:key/a"}},
        [
            "delivery.kms_key_arn must be a key in us-east-1; "
            'got "arn:aws:kms:eu-west-1:111111111111:key/a"'
        ],
    ),
    (
        {"guardrails": {"exempt_roles": ["arn:aws:iam::222222222222:role/other"]}},
        [
            f"guardrails.exempt_roles must include accounts.logging.role_arn ({ROLE}): the policy "
            'would lock the deploying role out; got ["arn:aws:iam::222222222222:role/other"]'
        ],
    ),
    (
        {"guardrails": {"exempt_roles": [ROLE, "arn:aws:iam::999999999999:role/x"]}},
        [
            "guardrails.exempt_roles[1] must be a role of a member account in accounts; "
            'got "arn:aws:iam::999999999999:role/x"'
        ],
    ),
    (
        {"guardrails": {"targets": ["root"]}},
        [
            "guardrails.targets[0] must be a root id (r-...), an organizational unit id (ou-...) "
            'or an account id; got "root"'
        ],
    ),
    (
        {"catalog": {"regions": ["eu-west-1"]}},
        ['catalog.regions must include home_region (us-east-1); got ["eu-west-1"]'],
    ),
    (
        {"catalog": {"first_day": "2026-02-30"}},
        ['catalog.first_day must be a day such as 2026-01-31; got "2026-02-30"'],
    ),
    (
        {"catalog": {"regions": "us-east-1"}},
        ['catalog.regions must be a list; got "us-east-1"'],
    ),
    ({"backend": {}}, ["backend needs a type: local, s3 or cloud; got {}"]),
    (
        {"backend": {"type": "consul"}},
        ['backend must have the type local, s3 or cloud; got {"type": "consul"}'],
    ),
    (
        {"backend": {"type": "s3", "bucket": "example-state"}},
        ["backend.region is required"],
    ),
    (
        {"tags": {"": "x", "aws:owner": "x", "AWS:x": "y", "a\tb": "c", "a" * 129: "x"}},
        [
            f'tags{place} {TAG_KEY}; got "{key}"'
            for place, key in (
                ('[""]', ""),
                ('["aws:owner"]', "aws:owner"),
                ('["AWS:x"]', "AWS:x"),
                ('["a\\tb"]', "a\\tb"),
            )
        ]
        + [f'tags.{"a" * 129} {TAG_KEY}; got "{"a" * 78}…'],
    ),
    (
        {"tags": {"Owner": "a\0b", "Note": "x" * 300, "Empty": "", "Straße": "größer 5"}},
        [
            f'tags.Owner {TAG_VALUE}; got "a\\u0000b"',
            f'tags.Note {TAG_VALUE}; got "{"x" * 78}…',
        ],
    ),
    (
        {"tags": {"Owner": "x", "owner": "y"}},
        ['tags.owner must differ from tags.Owner by more than case; keep one; got "owner"'],
    ),
    (
        {"tags": {f"key-{n}": "x" for n in range(51)}},
        [
            "tags must have at most 50 entries; got "
            f"{json.dumps({f'key-{n}': 'x' for n in range(51)})[:79]}…"
        ],
    ),
    (
        {
            "backend": {
                "type": "cloud",
                "organization": "an organization",
                "workspace": "trail." + "x" * 90,
                "project": " audit",
            }
        },
        [
            'backend.organization must be 3 to 40 letters, digits, - or _; got "an organization"',
            f'backend.workspace must be 1 to 90 letters, digits, - or _; got "trail.{"x" * 72}…',
            "backend.project must be 3 to 40 letters, digits, spaces, - or _, with no space at "
            'either end; got " audit"',
        ],
    ),
    (
        {"guardrails": {"exempt_roles": [ROLE, f"{ARN}:role/AWSReservedSSO_Admin_0a1b2c3d4e5f"]}},
        [
            "guardrails.exempt_roles[1] must have the path of IAM Identity Center, or it matches "
            "nobody: ...:role/aws-reserved/sso.amazonaws.com/*AWSReservedSSO_<permission set>_*; "
            f'got "{ARN}:role/AWSReservedSSO_Admin_0a1b2c3d4e5f"'
        ],
    ),
    (
        {"archive": {"break_glass_roles": [f"{ARN}:role/AWSReservedSSO_Glass_*"]}},
        [
            "archive.break_glass_roles[0] must have the path of IAM Identity Center, or it matches "
            "nobody: ...:role/aws-reserved/sso.amazonaws.com/*AWSReservedSSO_<permission set>_*; "
            f'got "{ARN}:role/AWSReservedSSO_Glass_*"'
        ],
    ),
    (
        {
            "access": {
                "auditor": {"trusted": [f"{ARN}:role/AWSReservedSSO_X_*"], "external_id": "x1"}
            }
        },
        [
            "access.auditor.trusted[0] must have the path of IAM Identity Center, or it matches "
            "nobody: ...:role/aws-reserved/sso.amazonaws.com/*AWSReservedSSO_<permission set>_*; "
            f'got "{ARN}:role/AWSReservedSSO_X_*"'
        ],
    ),
    (
        {"key": {"administrators": [f"{ARN}:role/AWSReservedSSO_Keys_0a1b2c3d4e5f"]}},
        [
            "key.administrators[0] must have the path of IAM Identity Center, or the key refuses "
            "it: ...:role/aws-reserved/sso.amazonaws.com/[<region>/]AWSReservedSSO_<permission "
            f'set>_<id>; got "{ARN}:role/AWSReservedSSO_Keys_0a1b2c3d4e5f"'
        ],
    ),
    (
        {"accounts": {"logging": {"role_arn": f"{ARN}:role/{SSO_PATH}AWSReservedSSO_Admin_0a1b"}}},
        [
            "accounts.logging.role_arn must not be a role of IAM Identity Center: nobody can "
            "assume it but by signing in there; set profile and session_role; got "
            f'"{ARN}:role/{SSO_PATH}AWSReservedSSO_A…'
        ],
    ),
    (
        {"archive": {"bucket": "aws-controltower-logs"}},
        [
            "catalog.result_bucket must be set to a name that does not begin with "
            "aws-controltower: Control Tower lets nobody else set anything on such a bucket; got "
            '"aws-controltower-logs-athena-results"'
        ],
    ),
    (
        {"guardrails": {"exempt_roles": [ROLE, f"{ARN}:role/{SSO_PATH}*"]}},
        [
            "guardrails.exempt_roles[1] must name the permission set: a pattern of all roles of "
            "IAM Identity Center is everybody who signs in there; got "
            f'"{ARN}:role/{SSO_PATH}*"'
        ],
    ),
    (
        {"guardrails": {"exempt_roles": [ROLE, "arn:aws:iam::*:role/*"]}},
        [
            "guardrails.exempt_roles[1] must be a role's ARN; * is allowed in the role's name, and "
            "in place of the account id for a role of one name (8 characters of it at least) "
            'in every account; got "arn:aws:iam::*:role/*"'
        ],
    ),
    (
        {
            "accounts": {
                "logging": {
                    "role_arn": None,
                    "profile": "logging",
                    "session_role": f"{ARN}:role/deploy",
                }
            },
            "guardrails": {"exempt_roles": [f"{ARN}:role/another"]},
        },
        [
            f"guardrails.exempt_roles must include accounts.logging.session_role ({ARN}:role/"
            "deploy): the policy would lock the deploying role out; got "
            f'["{ARN}:role/another"]'
        ],
    ),
    (
        {
            "archive": {"object_lock": {"mode": "COMPLIANCE", "days": 30}},
            "key": {"deletion_window_days": 7},
        },
        [
            "key.deletion_window_days must be 30 where archive.object_lock.mode is COMPLIANCE: "
            "locked files are unreadable without their key; got 7"
        ],
    ),
    (
        {"backend": {"type": "cloud", "organization": "one", "workspce": "y", "workspace": "z"}},
        ['backend.workspce is not a setting; got "y"; did you mean backend.workspace?'],
    ),
]


@pytest.mark.parametrize(("changes", "expected"), CASES, ids=lambda case: str(case)[:60])
def test_every_fault_in_its_words(env_file: Write, changes: Json, expected: list[str]) -> None:
    assert sorted(complaints(env_file, changes)) == sorted(expected)


@pytest.mark.parametrize(("changes", "expected"), CASES, ids=lambda case: str(case)[:60])
def test_settings_made_in_python_keep_the_same_rules(changes: Json, expected: list[str]) -> None:
    with pytest.raises(ValidationError) as caught:
        Environment.model_validate(merged(MINIMAL, changes))
    assert caught.value.error_count() >= 1, expected


def test_a_policy_too_large_for_aws(env_file: Write) -> None:
    roles = [f"arn:aws:iam::222222222222:role/{'r' * 60}-{number}" for number in range(12)]
    (line,) = complaints(env_file, {"guardrails": {"exempt_roles": [ROLE, *roles]}})
    head, size = "guardrails.exempt_roles must keep the service control policy within 10,240 ", "it"
    assert line.startswith(f"{head}characters; {size} has ")
    assert line.endswith("; name fewer roles, or several by one pattern with *")


def test_a_deploy_role_may_be_exempt_by_a_pattern() -> None:
    pattern = "arn:aws:iam::222222222222:role/orgtrail-*"
    assert environment(guardrails={"exempt_roles": [pattern]}).exempt_roles == (pattern,)


def test_the_deploy_role_is_exempt_where_nothing_is_said() -> None:
    assert environment().exempt_roles == (ROLE,)


def test_settings_never_change() -> None:
    env = environment()
    with pytest.raises(ValidationError, match="frozen"):
        env.trail.name = "other"  # type: ignore[misc]


def test_a_folder_tells_the_faults_of_all_its_files(tmp_path: Path) -> None:
    good = tfvars(MINIMAL)
    (tmp_path / "a.tfvars").write_text(good.replace('"bank"', "bank"))
    (tmp_path / "b.tfvars").write_text("= 1")
    for name in ("c.tfvars", "d.tfvars"):
        (tmp_path / name).write_text(good)
    with pytest.raises(OrgtrailError) as caught:
        load_environments(tmp_path)
    assert str(caught.value).splitlines() == [
        f"{tmp_path}/a.tfvars:1: name must be a literal; got bank; write text in quotes",
        f"{tmp_path}/b.tfvars:1:1: is not valid HCL here",
        "    = 1",
        "    ^",
        f'{tmp_path}/d.tfvars: name must be unique; got "bank", the name of {tmp_path}/c.tfvars',
    ]


TWIN: Json = {
    "organization": {"id": "o-examplegrid"},
    "archive": {"bucket": "example-grid-archive"},
    "name": "grid",
}
"""What makes another environment of the minimal one."""


def beside(folder: Path, first: Json, second: Json) -> list[str]:
    """Return the errors of a folder with the minimal file and its twin, each with changes."""
    folder.mkdir(exist_ok=True)
    (folder / "bank.tfvars").write_text(tfvars(merged(MINIMAL, first)))
    (folder / "grid.tfvars").write_text(tfvars(merged(merged(MINIMAL, TWIN), second)))
    try:
        load_environments(folder)
    except OrgtrailError as error:
        return str(error).replace(f"{folder}/", "").splitlines()
    return []


S3 = {"type": "s3", "bucket": "example-state", "region": "us-east-1"}
HCP = {"type": "cloud", "organization": "example", "workspace": "trail"}


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ({}, {}, []),
        (
            {},
            {"organization": {"id": "o-examplebank"}},
            [
                "grid.tfvars:4: organization.id must be in one file alone, and bank.tfvars:4 has "
                'the same one; got "o-examplebank"; one organization has one trail and one state: '
                "keep one of the files"
            ],
        ),
        (
            {},
            {"archive": {"bucket": "example-bank-archive"}},
            [
                "grid.tfvars:23: archive.bucket must be a bucket of this file alone, and "
                'bank.tfvars:23 has the same one; got "example-bank-archive"; name another: S3 '
                "has each name once"
            ],
        ),
        (
            {},
            {"archive": {"bucket": "example-bank-archive-athena-results"}},
            [
                "grid.tfvars:23: archive.bucket must be a bucket of this file alone, and "
                'bank.tfvars:23 has the same one; got "example-bank-archive-athena-results"; name '
                "another: S3 has each name once"
            ],
        ),
        (
            {},
            {"catalog": {"result_bucket": "example-bank-archive"}},
            [
                "grid.tfvars:26: catalog.result_bucket must be a bucket of this file alone, and "
                'bank.tfvars:23 has the same one; got "example-bank-archive"; name another: S3 '
                "has each name once"
            ],
        ),
        (
            {},
            {
                "archive": {
                    "bucket": "example-bank-archive",
                    "access_log_bucket": "example-grid-logs",
                },
                "adopt": {"bucket": {"manage": False}},
                "catalog": {"result_bucket": "example-grid-results"},
            },
            [],
        ),
        # The other partition's S3 is another one.
        (
            {},
            {
                "archive": {"bucket": "example-bank-archive"},
                "home_region": "cn-north-1",
                "accounts": {
                    "logging": {"role_arn": "arn:aws-cn:iam::222222222222:role/orgtrail-deploy"}
                },
            },
            [],
        ),
        ({"backend": S3}, {"backend": S3}, []),
        (
            {"backend": {**S3, "key": "trail.tfstate"}},
            {"backend": {**S3, "key": "trail.tfstate"}},
            [
                "grid.tfvars:29: backend.key must be a state of this file's own, and "
                'bank.tfvars:29 has the same one; got "example-state/trail.tfstate"; choose '
                "another: a plan would destroy what the other file made"
            ],
        ),
        (
            {"backend": HCP},
            {"backend": HCP},
            [
                "grid.tfvars:28: backend.workspace must be a state of this file's own, and "
                'bank.tfvars:28 has the same one; got "example/trail"; choose another: a plan '
                "would destroy what the other file made"
            ],
        ),
        ({"backend": HCP}, {"backend": {**HCP, "workspace": "grid"}}, []),
    ],
)
def test_two_files_share_no_organization_bucket_or_state(
    first: Json, second: Json, expected: list[str], tmp_path: Path
) -> None:
    assert beside(tmp_path / "envs", first, second) == expected


def test_the_check_tells_what_two_files_share(tmp_path: Path) -> None:
    beside(tmp_path, {}, {"organization": {"id": "o-examplebank"}})
    files = [str(tmp_path / f"{name}.tfvars") for name in ("bank", "grid")]
    done = orgtrail("check", *files, "--format", "json")
    found = [
        (each["name"], finding["severity"], finding["message"])
        for each in json.loads(done.stdout)["environments"]
        for finding in each["findings"]
        if finding["setting"] == "organization.id"
    ]
    message = (
        f"line 4: organization.id must be in one file alone, and {files[0]}:4 has the same one; "
        'got "o-examplebank"; one organization has one trail and one state: keep one of the files'
    )
    assert (done.returncode, found) == (1, [("grid", "medium", message)])
    done = orgtrail("check", files[1], files[1], "--format", "json")
    assert "organization.id" not in done.stdout


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OrgtrailError, match="has no environment file; write one"):
        load_environments(tmp_path)


def test_the_default_of_one_environment_is_not_shared() -> None:
    first: dict[str, Any] = environment().tags
    first["x"] = "y"
    assert environment().tags == {"ManagedBy": "orgtrail"}


def test_roles_are_in_the_partition_of_the_home_region(env_file: Callable[[str], Path]) -> None:
    role = "arn:aws-cn:iam::222222222222:role/break-glass"
    path = env_file(tfvars(merged(MINIMAL, {"archive": {"break_glass_roles": [role]}})))
    with pytest.raises(SettingsError) as told:
        load_environment(path)
    assert str(told.value).endswith(
        "archive.break_glass_roles[0] must be in the partition of home_region (arn:aws:); "
        f'got "{role}"'
    )
