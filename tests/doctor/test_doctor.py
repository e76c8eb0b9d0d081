"""`orgtrail doctor` against a deployment on moto: sound, and with each fault that it knows."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from orgtrail.doctor.calls import AwsReader, Clients
from orgtrail.doctor.checks import CHECKS
from orgtrail.doctor.model import CheckState, Outcome
from orgtrail.doctor.run import run_checks
from orgtrail.environments import load_environment
from orgtrail.trail.policy import text
from orgtrail.trail.reading import doctor_policy

from tests.conftest import MINIMAL, Json, merged, orgtrail, tfvars
from tests.doctor.cases import CASES
from tests.doctor.conftest import Patient, lay_digests, settings
from tests.doctor.faults import Case, aged, denied, on_key, refused, status
from tests.e2e.cloud import Organization

_CASES = [
    pytest.param(each, id=f"{number:02}-{each.check}")
    for number, each in sorted(enumerate(CASES), key=lambda pair: pair[1].changes_deployment)
]
"""First those that only change an answer, since they share all other answers."""


@pytest.fixture(autouse=True)
def _as_it_was(patient: Patient) -> Iterator[None]:
    yield
    patient.seam.changes.clear()


def _of(outcomes: list[Outcome], state: CheckState) -> list[Outcome]:
    return [each for each in outcomes if each.state is state]


def test_a_sound_deployment_is_fine(patient: Patient) -> None:
    outcomes = patient.examined()
    assert [each for each in outcomes if each.state is not CheckState.FINE] == []
    assert {each.check for each in outcomes} == set(CHECKS)


def test_every_check_has_a_fault_here() -> None:
    assert {each.check for each in CASES} == set(CHECKS)


@pytest.mark.parametrize("case", _CASES)
def test_a_fault_is_found_and_nothing_else(patient: Patient, case: Case) -> None:
    case.inject(patient)
    try:
        outcomes = patient.examined()
    finally:
        patient.seam.changes.clear()
        for address in case.restore:
            patient.deployment.apply(address)
        case.undo(patient)
    found = _of(outcomes, CheckState.FAULT)
    assert {each.check for each in found} == {case.check}
    for outcome in found:
        for fault in outcome.faults:
            assert case.cause in fault.cause
            assert fault.step
    waits = {each.reason for each in _of(outcomes, CheckState.UNCHECKED)}
    assert waits <= {f"it waits for the check {each}" for each in _waiting(case.check)}


def _waiting(check: str) -> Iterator[str]:
    yield check
    for each in CHECKS.values():
        if each.after == check:
            yield from _waiting(each.name)


def test_after_all_faults_it_is_sound_again(patient: Patient) -> None:
    assert {each.state for each in patient.examined()} == {CheckState.FINE}


_REFUSALS = {
    "ThrottlingException": "AWS throttles cloudtrail:GetTrailStatus (ThrottlingException); run the "
    "doctor again in a minute",
    "AccessDeniedException": "cloudtrail:GetTrailStatus is denied (said AWS); give the role "
    "what `orgtrail permissions FILE management --for doctor` prints, then run again",
    "InternalError": "cloudtrail:GetTrailStatus: AWS answers InternalError: said AWS",
}


@pytest.mark.parametrize("code", _REFUSALS)
def test_what_aws_refuses_is_not_checked(patient: Patient, code: str) -> None:
    refused("management", "cloudtrail", "get_trail_status", code)(patient)
    outcomes = patient.examined()
    assert _of(outcomes, CheckState.FAULT) == []
    unchecked = _of(outcomes, CheckState.UNCHECKED)
    assert {each.check for each in unchecked} == {
        "trail-logging", "log-delivery", "digest-delivery", "stream-delivery", "log-freshness",
        "digest-freshness",
    }  # fmt: skip
    said = {each.reason for each in unchecked} - {"it waits for the check trail-logging"}
    assert said == {f"accounts.management (111111111111): {_REFUSALS[code]}"}


_EXPLICIT = (
    "User: arn is not authorized to perform: cloudtrail:GetTrailStatus with an explicit deny in a "
    "service control policy"
)


@pytest.mark.parametrize(
    ("service", "operation", "message", "step"),
    [
        ("cloudtrail", "get_trail_status", _EXPLICIT,
         "a statement of a service control policy denies it, so no permission of the role helps"),
        ("s3", "get_bucket_location", "no identity-based policy allows the action",
         "if the bucket is another account's, choose another name in the file"),
    ],
)  # fmt: skip
def test_what_no_permission_would_mend_is_not_a_question_of_permissions(
    patient: Patient, service: str, operation: str, message: str, step: str
) -> None:
    account = "management" if service == "cloudtrail" else "logging"
    denied(account, service, operation, message)(patient)
    said = {each.reason for each in _of(patient.examined(), CheckState.UNCHECKED)}
    assert any(step in each for each in said)
    assert not any("give the role what" in each for each in said)


def test_a_silent_organization_is_told_once(patient: Patient) -> None:
    aged(days=2)(patient)
    outcomes = patient.examined()
    found = _of(outcomes, CheckState.FAULT)
    assert [(each.check, each.subject.name) for each in found] == [
        ("digest-freshness", patient.env.management.id)
    ]
    waits = f"it waits for the check digest-freshness of {patient.env.management.id}"
    assert {each.reason for each in _of(outcomes, CheckState.UNCHECKED)} == {waits}


def test_who_has_just_joined_is_not_silent(patient: Patient) -> None:
    aged(days=1, accounts=("production",), drop=True)(patient)
    production = patient.env.accounts["production"].id

    def joined(ask: Callable[[], Json], _: Json) -> Json:
        return {
            "Accounts": [
                {**each, "JoinedTimestamp": datetime.now(UTC) - timedelta(hours=1)}
                if each["Id"] == production
                else each
                for each in ask()["Accounts"]
            ]
        }

    patient.seam.changes["management", "organizations", "list_accounts"] = joined
    assert _of(patient.examined(), CheckState.FAULT) == []


def test_a_delivery_is_refused_by_the_key(patient: Patient) -> None:
    status(LatestDeliveryError="AccessDenied")(patient)
    on_key("disable_key")(patient)
    try:
        found = {each.check: each for each in _of(patient.examined(), CheckState.FAULT)}
    finally:
        patient.deployment.apply("aws_kms_key.key")
    assert "the key alias/organization-trail is disabled" in found["log-delivery"].faults[0].cause


def test_every_question_that_is_refused_is_not_fine(patient: Patient) -> None:
    """Whatever a check asks: where AWS refuses it, the check is not fine."""
    asked: set[tuple[str, str, str]] = set()

    def note(account: str, region: str, service: str, operation: str, given: object) -> object:
        asked.add((account, service, operation))
        return patient.seam(account, region, service, operation, given)  # type: ignore[arg-type]

    run_checks(patient.env, aws=AwsReader(patient.env, note))
    for call in asked:
        refused(*call, "AccessDeniedException")(patient)
    outcomes = patient.examined()
    assert {each.state for each in outcomes} == {CheckState.UNCHECKED}


_ACTIONS = {
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "ListObjectsV2": "ListBucket",
    "ListAwsServiceAccessForOrganization": "ListAWSServiceAccessForOrganization",
}
"""The operations that ask for an action of another name (service authorization reference)."""


def test_the_policy_for_the_doctor_allows_what_it_asks_and_no_more(patient: Patient) -> None:
    asked: set[tuple[str, str]] = set()

    def note(account: str, region: str, service: str, operation: str, given: object) -> object:
        name = "".join(part.capitalize() for part in operation.split("_"))
        if service != "sts":
            prefix = {"accessanalyzer": "access-analyzer"}.get(service, service)
            asked.add((account, f"{prefix}:{_ACTIONS.get(name, name)}"))
        return patient.seam(account, region, service, operation, given)  # type: ignore[arg-type]

    run_checks(patient.env, aws=AwsReader(patient.env, note))
    # What Athena does in the caller's name, for the query of one partition.
    by_athena = {
        "glue:GetDatabase", "glue:GetPartitions", "s3:GetObject", "s3:GetObjectVersion",
        "s3:PutObject", "kms:Decrypt", "kms:GenerateDataKey",
    }  # fmt: skip
    for name in ("management", "logging"):
        policy = doctor_policy(patient.env, name)
        allowed = {action for each in policy["Statement"] for action in each["Action"]}
        wanted = {action for account, action in asked if account == name}
        # The trails of the logging account are listed where the trail is not found.
        assert wanted <= allowed
        # Control policies above an account are looked at where a delivery is refused.
        above = {"organizations:ListParents", "organizations:ListPoliciesForTarget"}
        assert allowed - wanted <= by_athena | above | {"cloudtrail:ListTrails"}
        assert len(text(policy)) <= 6_144  # a managed policy (IAM guide, quotas)
    file = "envs/fintech.tfvars"
    printed = json.loads(orgtrail("permissions", file, "logging", "--for", "doctor").stdout)
    assert printed == doctor_policy(load_environment(file), "logging")


def test_a_role_of_its_own(patient: Patient) -> None:
    clients = Clients(patient.env, "orgtrail-doctor")
    asked = AwsReader(patient.env, clients.call).ask("logging", "sts", "get_caller_identity")
    assert asked["Arn"].split("/")[1] == "orgtrail-doctor"


def test_an_account_that_cannot_be_reached_is_not_checked(patient: Patient) -> None:
    refused("logging", "sts", "get_caller_identity", "AccessDenied")(patient)
    outcomes = patient.examined()
    assert _of(outcomes, CheckState.FAULT) == []
    logging = [each for each in outcomes if each.subject.account == "logging"]
    assert {each.state for each in logging} == {CheckState.UNCHECKED}
    reasons = {each.reason for each in logging} - {"it waits for the check credentials"}
    assert len(reasons) == 1


def test_an_answer_that_nobody_foresaw_is_not_fine(patient: Patient) -> None:
    patient.seam.changes["management", "organizations", "list_roots"] = lambda *_: {"Roots": [{}]}
    found = {each.check: each for each in patient.examined()}["policy-types"]
    assert found.state is CheckState.UNCHECKED
    assert found.reason == "what AWS answered was not understood: KeyError: 'Id'"


@pytest.mark.parametrize(
    ("account", "service", "operation", "path", "check"),
    [
        ("management", "cloudtrail", "get_trail", "Trail.IsOrganizationTrail",
         "trail-organization"),
        ("management", "cloudtrail", "get_trail", "Trail.IsMultiRegionTrail", "trail-regions"),
        ("management", "cloudtrail", "get_trail", "Trail.LogFileValidationEnabled",
         "trail-validation"),
        ("logging", "kms", "get_key_rotation_status", "KeyRotationEnabled", "key-rotation"),
        ("logging", "scheduler", "get_schedule", "State", "schedule"),
    ],
)  # fmt: skip
def test_an_answer_without_what_aws_always_gives_is_no_fault(
    patient: Patient, account: str, service: str, operation: str, path: str, check: str
) -> None:
    block, _, name = path.rpartition(".")

    def change(ask: Callable[[], Json], _: Json) -> Json:
        answer = ask()
        held = answer[block] if block else answer
        held = {each: value for each, value in held.items() if each != name}
        return {**answer, block: held} if block else held

    patient.seam.changes[account, service, operation] = change
    outcomes = patient.examined()
    assert _of(outcomes, CheckState.FAULT) == []
    found = [e for e in outcomes if (e.check, e.subject.account) == (check, account)]
    assert {each.reason for each in found} == {f"the answer of AWS has no {name}"}


def test_without_credentials_nothing_is_fine(
    patient: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    outcomes = run_checks(patient.env)
    assert {each.state for each in outcomes} == {CheckState.UNCHECKED}
    said = next(each.reason for each in outcomes if each.check == "credentials")
    assert said.endswith("sts:get_caller_identity: Unable to locate credentials")


def test_eventbridge_is_told_where_the_file_says_so(patient: Patient) -> None:
    archive = patient.env.archive.model_copy(update={"eventbridge": True})
    outcomes = patient.examined(patient.env.model_copy(update={"archive": archive}))
    (found,) = [each for each in outcomes if each.state is not CheckState.FINE]
    assert found.check == "bucket-notification"
    (fault,) = found.faults
    assert fault.cause == "the archive does not notify EventBridge of its events"


def test_what_is_only_referred_to_is_not_compared(patient: Patient) -> None:
    env = patient.env.model_dump(exclude_unset=True)
    for name in ("object_lock", "glacier_after_days", "notifications"):
        env["archive"].pop(name)
    env.pop("siem")
    env["access"].pop("member_readers")
    env["adopt"] = {"bucket": {"manage": False}, "scp": {"manage": False, "id": "p-examplepolicy"}}
    referring = type(patient.env).model_validate(env)
    names = {
        (each.check, each.subject.name)
        for each in patient.examined(referring)
        if each.check.startswith(("bucket", "control-policy-content"))
    }
    assert ("bucket-policy", referring.archive.bucket) not in names
    assert ("bucket-policy", referring.result_bucket) in names
    contents = {name for check, name in names if check == "control-policy-content"}
    assert contents == {f"{referring.guardrails.policy_name}-resources"}


def test_a_trail_that_is_only_referred_to_is_looked_at_all_the_same(patient: Patient) -> None:
    env = patient.env.model_dump(exclude_unset=True)
    for name in ("insights", "sns_topic"):
        env["trail"].pop(name)
    env.pop("recording")
    env["adopt"] = {
        "trail": {"manage": False},
        "log_group": {"manage": False},
        "owner_roles": (),
    }
    outcomes = patient.examined(type(patient.env).model_validate(env))
    names = {each.check for each in outcomes}
    assert {"trail", "trail-logging", "log-delivery", "member-view"} <= names
    assert not names & {
        "trail-organization", "trail-selectors", "trail-destination", "trail-topic",
        "trail-summaries",
    }  # fmt: skip
    assert _of(outcomes, CheckState.FAULT) == []


@pytest.fixture
def digests(patient: Patient) -> None:
    """Have digests in the archive itself; its lock keeps them there."""
    lay_digests(patient.deployment)


@pytest.mark.usefixtures("digests")
def test_the_command(patient: Patient, tmp_path: Path) -> None:
    file = written(patient, tmp_path)
    result = orgtrail("doctor", str(file), "--format", "json")
    assert result.stderr == ""
    told = json.loads(result.stdout)
    # What moto has no answer for.
    assert {each["check"] for each in told["checks"] if each["state"] != "fine"} == {
        "guardduty-export", "alarm-channels",
    }  # fmt: skip
    assert (told["name"], told["verdict"], result.returncode) == ("bank", "unchecked", 2)


@pytest.mark.usefixtures("digests")
def test_the_command_shows_cause_step_and_difference(patient: Patient, tmp_path: Path) -> None:
    file = written(patient, tmp_path)
    case = next(each for each in CASES if "service principal" in each.cause)
    case.inject(patient)
    try:
        result = orgtrail("doctor", str(file))
    finally:
        for address in case.restore:
            patient.deployment.apply(address)
    assert "fault bucket-policy (logging example-bank-archive)" in result.stdout
    assert "next: deploy again: the plan shows the change" in result.stdout
    assert re.search(r'^ +- +"cloudtrail.amazonaws.com"$', result.stdout, re.MULTILINE)
    assert re.search(r'^ +\+ +"cloudtrail.amazon.com"$', result.stdout, re.MULTILINE)
    assert re.search(r"bank: 1 of \d+ checks found a fault, 2 could not be made", result.stdout)


def written(patient: Patient, folder: Path) -> Path:
    """Write the patient's environment file."""
    env = patient.env
    made = Organization(
        env.organization.id,
        env.organization.root_id,
        env.management.id,
        {name: env.accounts[name].id for name in ("logging", "production")},
    )
    file = folder / "bank.tfvars"
    file.write_text(tfvars(merged(MINIMAL, settings(made))))
    return file
