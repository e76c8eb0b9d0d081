"""Broken environments: each is caught, by rule and by matrix, with what to change."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from orgtrail.check.asking import Asker
from orgtrail.check.controls import controls
from orgtrail.check.findings import Severity
from orgtrail.check.from_terraform import model_of
from orgtrail.check.intent import intent_from_policies, intent_from_settings
from orgtrail.check.matrix import matrix
from orgtrail.check.rules import RULES
from orgtrail.check.run import check
from orgtrail.settings.environment import Environment
from orgtrail.trail import build

from tests import golden
from tests.conftest import MINIMAL, ROOT, Json, at_most, merged, synthesized, tfvars
from tests.gaps import GAPS
from tests.mistakes import (
    ARCHIVE,
    BROKEN,
    KEY,
    MISTAKES,
    attach_elsewhere,
    checked,
    resource,
    rewrite,
    stack,
)
from tests.strategies import extended


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_environment_is_caught_by_rule_and_by_matrix(case: str, tmp_path: Path) -> None:
    name, change, rule, by_rule, by_matrix = BROKEN[case]
    content = stack(name)
    assert checked(tmp_path, content).findings == ()
    change(content)
    found = {(each.rule, each.message) for each in checked(tmp_path, content).findings}
    assert (rule, by_rule) in found
    assert ("access", by_matrix) in found


def test_every_rule_has_a_mistake_that_breaks_it() -> None:
    # Rules on what beside its policies opens a way have their mistakes in tests/gaps.py.
    assert set(MISTAKES) | {each.rule for each in GAPS} == {each.name for each in RULES}
    assert all(each.meaning.endswith(".") for each in RULES)


@pytest.mark.parametrize(
    ("rule", "number"), [(rule, n) for rule, cases in MISTAKES.items() for n in range(len(cases))]
)
def test_a_mistake_is_found(rule: str, number: int, tmp_path: Path) -> None:
    name, change, words = MISTAKES[rule][number]
    content = stack(name)
    change(content)
    found = [each for each in checked(tmp_path, content).findings if each.rule == rule]
    assert any(words in each.message for each in found), found
    known = {f"{kind}.{name}" for kind, named in content["resource"].items() for name in named}
    for each in found:
        assert (
            each.setting in known
            or each.setting.partition(".")[0] in ("archive", "trail")
            or (each.setting.startswith(("aws_", "provider.")))
        )


@pytest.mark.parametrize("env", golden.environments()[:2], ids=lambda env: env.name)
def test_the_demo_environments_have_no_finding_and_a_complete_matrix(env: Environment) -> None:
    report = check(ROOT / "envs" / f"{env.name}.tfvars")
    assert report.findings == ()
    assert all(each.agrees for each in report.access)
    asked = {(each.principal.id, each.attack.title) for each in report.access}
    assert len(asked) == len(report.access) > 1200
    principals = {each.principal.id for each in report.access}
    assert principals >= {
        "cloudtrail", "cloudtrail-of-stranger", "management-administrator", "management-root",
        "logging-administrator", "logging-root", "member-administrator", "member-root",
        "deploy-management", "deploy-logging", "member-reader", "another-organization", "public",
    }  # fmt: skip


def test_the_report_says_what_no_policy_prevents_and_what_tells_of_it() -> None:
    told = "Whoever administers the management account (500000000001), its root user and its"
    meant, key, limit = check(ROOT / "envs" / "fintech.tfvars").limits
    assert meant == (
        "By this file, exempt from the guardrails: orgtrail-deploy of 500000000002; meant to "
        "delete log files: nobody."
    )
    assert limit.startswith(told)
    detectors = "alarm and GuardDuty (Stealth:IAMUser/CloudTrailLoggingDisabled)"
    assert limit.endswith(f"Detected by: {detectors}.")
    assert key == (
        "Who deletes the key makes every log file unreadable, a locked one too. Who can schedule "
        "that: none of those asked about. It waits for 7 to 30 days. Detected by: alarm."
    )
    _, key, limit = check(ROOT / "envs" / "healthcare.tfvars").limits
    assert limit.endswith("Nothing here detects it: add alarms.")
    assert "that: the break-glass role compliance-break-glass. It waits" in key


def with_root_target(env: Environment) -> Environment:
    """Attach the SCP to the root: below which unit an account lies no file says."""
    guardrails = env.guardrails.model_copy(update={"targets": None})
    return env.model_copy(update={"guardrails": guardrails})


@given(env=extended())
@examples(max_examples=at_most(40), deadline=None, suppress_health_check=list(HealthCheck))
def test_no_valid_settings_make_an_access_that_is_not_meant(env: Environment) -> None:
    bound = with_root_target(env)
    model = model_of(build(bound).expanded())
    cells = matrix(Asker(model), intent_from_settings(bound))
    assert [
        (each.principal.id, each.attack.title, each.decision) for each in cells if not each.agrees
    ] == []


@given(env=extended())
@examples(max_examples=at_most(40), deadline=None, suppress_health_check=list(HealthCheck))
def test_the_intent_of_a_file_can_be_read_from_its_policies(env: Environment) -> None:
    bound = with_root_target(env)
    # Who is meant to subscribe, a topic's policy cannot show: it is what a mistake would change.
    stated = replace(intent_from_settings(bound), subscribers=())
    assert intent_from_policies(model_of(build(bound).expanded())) == stated


def findings_of(folder: Path, *changes: Json) -> list[tuple[str, str]]:
    """Return rule and message of what the check finds in the minimal file with a lock."""
    lock = {"archive": {"object_lock": {"mode": "GOVERNANCE", "days": 365}}}
    settings = merged(MINIMAL, lock)
    for each in changes:
        settings = merged(settings, each)
    path = folder / "bank.tfvars"
    path.write_text(tfvars(settings), encoding="utf-8")
    return [(each.rule, each.message) for each in check(path).findings]


@pytest.mark.parametrize("prefix", ["", "o-examplebank", "audit/o-examplebank", "111111111111"])
def test_aws_own_statement_names_known_keys_under_any_prefix(prefix: str, tmp_path: Path) -> None:
    readers: Json = {"access": {"member_readers": {}}}
    assert findings_of(tmp_path, {"trail": {"key_prefix": prefix}}, readers) == []


def test_a_misspelt_key_is_found_under_the_prefix_of_control_tower(tmp_path: Path) -> None:
    env = Environment.model_validate(merged(MINIMAL, {"trail": {"key_prefix": "o-examplebank"}}))
    content = synthesized(env)
    arn = "arn:aws:s3:::example-bank-archive/o-examplebank/AWSLogs/o-examplebank/*/CloudTrial/*"

    def misspell(statements: Json) -> None:
        statements["AWSCloudTrailOrganizationWrite20150319"]["Resource"] = arn

    rewrite(*ARCHIVE, misspell)(content)
    found = [each for each in checked(tmp_path, content).findings if each.rule == "unknown-keys"]
    assert [arn in each.message for each in found] == [True]


def test_a_table_of_all_regions_and_thousands_of_accounts_is_told(tmp_path: Path) -> None:
    members = {f"member-{n}": {"id": f"4{n:011}"} for n in range(4998)}
    some = dict(list(members.items())[:200])
    assert findings_of(tmp_path, {"accounts": some}) == []
    accounts = {"accounts": members}
    told = "name the regions that are used."
    assert findings_of(tmp_path, accounts) == [
        (
            "projection-size",
            "projects at least 170,034 prefixes (5,001 accounts, all 34 regions) for each day, "
            f"over 10,000: {told}",
        )
    ]
    three = {"catalog": {"regions": ["us-east-1", "us-east-2", "us-west-2"]}}
    assert findings_of(tmp_path, accounts, three) == [
        ("projection-size", f"projects at least 15,003 prefixes for each day, over 10,000: {told}")
    ]
    assert findings_of(tmp_path, accounts, {"catalog": {"regions": ["us-east-1"]}}) == []


def test_the_bucket_of_the_compacted_table_expires_by_itself(tmp_path: Path) -> None:
    assert findings_of(tmp_path, {"catalog": {"compaction": {}}}) == []
    content = stack("fintech")
    bucket = resource(content, "aws_s3_bucket.archive_access_logs")["bucket"]
    kept = resource(content, "aws_s3_bucket_lifecycle_configuration.archive_access_logs_lifecycle")
    kept["rule"][0].pop("expiration")
    (finding,) = checked(tmp_path, content).findings
    assert finding.message == f"bucket {bucket} expires old versions, but current ones never."


def test_the_wording_of_cis_rings_at_single_sign_on(tmp_path: Path) -> None:
    subscribers = {"email": ["security@example.com"]}
    alarms = {"patterns": "cis", "subscribers": subscribers}
    found = findings_of(tmp_path, {"alarms": alarms})
    advised = (
        "alarms.patterns makes console-login-without-mfa ring at every sign-in through IAM "
        'Identity Center, whose MFA the event does not show; got "cis"; use "security-hub", or '
        "leave console-login-without-mfa out of alarms.names"
    )
    assert [message.partition(": ")[2] for rule, message in found if rule == "settings"] == [
        advised
    ]
    names = {**alarms, "names": ["root-user"]}
    assert [rule for rule, _ in findings_of(tmp_path, {"alarms": names})] != ["settings"]


def test_settings_that_break_rules_are_findings_with_their_line(tmp_path: Path) -> None:
    path = tmp_path / "bank.tfvars"
    early = {"object_lock": {"mode": "GOVERNANCE", "days": 2192}, "expire_after_days": 400}
    path.write_text(tfvars(merged(MINIMAL, {"archive": early})))
    report = check(path)
    (finding,) = report.findings
    assert (finding.severity, finding.rule, finding.setting) == (
        Severity.HIGH, "settings", "archive.object_lock.days",
    )  # fmt: skip
    assert finding.message.endswith(
        ": archive.object_lock.days must be at most archive.expire_after_days (400); got 2192"
    )
    assert finding.message.startswith("line ")
    assert report.access == ()


def test_advice_on_settings_is_a_finding() -> None:
    report = check(ROOT / "tests" / "envs" / "everything.tfvars")
    assert {each.rule for each in report.findings} >= {"settings", "CloudTrail.1"}


@pytest.mark.parametrize(
    ("changes", "control"),
    [
        ({"trail": {"multi_region": False}}, "CloudTrail.1"),
        ({"recording": {"management": "write"}}, "CloudTrail.1"),
        ({"recording": {"leave_out": ["kms.amazonaws.com"]}}, "CloudTrail.1"),
        ({"trail": {"event_selectors": [{"read_write_type": "ReadOnly"}]}}, "CloudTrail.1"),
        ({"trail": {"log_file_validation": False}}, "CloudTrail.4"),
        ({"trail": {"enabled": False}}, "CloudTrail.3"),
        ({"delivery": {"enabled": False}}, "CloudTrail.5"),
        ({"alarms": {"names": ["trail-changes"]}}, "CloudWatch.1"),
    ],
)
def test_a_control_fails_where_settings_leave_it_open(changes: Json, control: str) -> None:
    env = Environment.model_validate(merged(MINIMAL, changes))
    verdicts = {
        name: each.verdict
        for each in controls(model_of(build(env).expanded()))
        for name in each.ids
    }
    assert verdicts[control] == "fail"
    whole = Environment.model_validate(MINIMAL)
    before = {
        name: each.verdict
        for each in controls(model_of(build(whole).expanded()))
        for name in each.ids
    }
    assert before[control] in ("pass", "off")


def test_a_role_with_a_policy_from_elsewhere_is_not_decided(tmp_path: Path) -> None:
    content = stack()
    attach_elsewhere(content)
    findings = checked(tmp_path, content).findings
    assert findings
    for each in findings:
        assert each.severity is Severity.UNPROVEN
        assert each.message.startswith("the role organization-trail-auditor may be able to ")
        assert "organization-trail-auditor is attached from elsewhere" in each.message


def test_a_key_without_a_policy_has_that_of_aws(tmp_path: Path) -> None:
    content = stack()
    resource(content, "aws_kms_key.key").pop("policy")
    report = checked(tmp_path, content)
    decrypting = [
        each.principal.id
        for each in report.access
        if each.attack.title == "decrypt without CloudTrail's context"
        and each.decision.statement == "the policy of key alias/healthcare-audit: Default"
    ]
    assert "logging-administrator" in decrypting
    found = {each.rule for each in report.findings}
    assert found == {"key-refuses-trail", "access", "delivery"}


def test_a_reader_who_may_read_but_not_decrypt_is_found(tmp_path: Path) -> None:
    content = stack("fintech")
    rewrite(*KEY, lambda by_sid: by_sid.pop("MembersDecryptLogs"))(content)
    by_rule = {each.rule: each.message for each in checked(tmp_path, content).findings}
    assert set(by_rule) == {"access", "delivery"}
    assert by_rule["access"] == (
        "a member's reader cannot decrypt a log file (kms:Decrypt): no statement of the policy of "
        "key alias/fintech-audit allows it. Intended: allow."
    )
