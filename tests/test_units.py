"""Organizational units: where accounts say in which they lie, the check decides what binds them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from orgtrail.check.from_terraform import model_of
from orgtrail.check.run import Report, check
from orgtrail.errors import SettingsError
from orgtrail.settings.environment import Environment
from orgtrail.settings.loading import load_settings
from orgtrail.trail import build

from tests.conftest import MINIMAL, Json, merged, synthesized, tfvars
from tests.mistakes import SCP, checked, drop_exemption, rewrite

SECURITY = "r-bank/ou-bank-11111111"
ARCHIVES = f"{SECURITY}/ou-bank-22222222"
WORK = "r-bank/ou-bank-33333333"
LOCK: Json = {"archive": {"object_lock": {"mode": "GOVERNANCE", "days": 365}}}


def report(folder: Path, targets: list[str], **units: str) -> Report:
    """Check the minimal file with a lock, the policy's targets and the units of accounts."""
    accounts = {name: {"ou": path} for name, path in units.items()}
    changes = {"guardrails": {"targets": targets}, "accounts": accounts}
    path = folder / "bank.tfvars"
    path.write_text(tfvars(merged(merged(MINIMAL, LOCK), changes)), encoding="utf-8")
    return check(path)


@pytest.mark.parametrize(
    "targets",
    [
        ["ou-bank-11111111", "ou-bank-33333333"],
        ["ou-bank-22222222", "ou-bank-33333333"],
        ["222222222222", "ou-bank-33333333"],
        ["r-bank"],
    ],
)
def test_accounts_below_a_target_are_bound(targets: list[str], tmp_path: Path) -> None:
    found = report(tmp_path, targets, logging=ARCHIVES, production=WORK)
    assert found.findings == ()
    assert all(each.agrees for each in found.access)


def test_where_an_account_says_nothing_it_is_not_decided(tmp_path: Path) -> None:
    found = report(tmp_path, ["ou-bank-11111111", "ou-bank-33333333"], logging=ARCHIVES)
    assert {each.severity for each in found.findings} == {"unproven"}
    assert {each.message.split(" may be able to")[0] for each in found.findings} == {
        "an administrator of the member account", "the root user of the member account",
        "a member's reader",
    }  # fmt: skip


def test_a_member_outside_of_the_targets_is_free(tmp_path: Path) -> None:
    found = report(tmp_path, ["ou-bank-11111111"], logging=ARCHIVES, production=WORK)
    assert {(each.severity, each.rule) for each in found.findings} == {("high", "access")}
    assert all("member" in each.message for each in found.findings)


def test_a_policy_elsewhere_leaves_the_logging_account_free(tmp_path: Path) -> None:
    found = report(tmp_path, ["ou-bank-33333333"], logging=ARCHIVES, production=WORK)
    told = {each.rule: each.message for each in found.findings}
    assert set(told) == {"no-guardrail", "access", "member-trails", "one-layer"}
    assert told["no-guardrail"] == (
        "no service control policy is attached to the logging account or above it: its "
        "administrators are free. Attach one to its unit, or to the root."
    )
    assert {each.severity for each in found.findings} == {"high", "low", "one-layer"}


def test_of_several_members_the_matrix_asks_the_one_that_least_binds() -> None:
    accounts = {
        "logging": {"ou": ARCHIVES},
        "production": {"ou": WORK},
        "sandbox": {"id": "444444444444", "ou": "r-bank"},
        "unknown": {"id": "555555555555"},
    }
    changes = {"guardrails": {"targets": ["ou-bank-33333333"]}, "accounts": accounts}
    env = Environment.model_validate(merged(MINIMAL, changes))
    estate = model_of(build(env).expanded())
    assert estate.members == ("333333333333", "444444444444", "555555555555")
    units = {"333333333333": ("r-bank", "ou-bank-33333333"), "444444444444": ("r-bank",)}
    assert replace(estate, units=units).members == (
        "444444444444", "555555555555", "333333333333",
    )  # fmt: skip


def test_a_stack_does_not_say_whether_a_unit_locks_the_deployer_out(tmp_path: Path) -> None:
    changes = {"guardrails": {"targets": ["ou-bank-33333333"]}}
    content = synthesized(Environment.model_validate(merged(merged(MINIMAL, LOCK), changes)))
    rewrite(*SCP, drop_exemption)(content)
    found = checked(tmp_path, content).findings
    assert {each.severity for each in found} == {"unproven"}
    attachments = content["resource"]["aws_organizations_policy_attachment"].values()
    for target, rule in (
        ("r-bank", "deploy-lockout"),
        ("222222222222", "deploy-lockout"),
        ("${data.aws_organizations_organization.organization.roots[0].id}", "deploy-lockout"),
        ("333333333333", "no-guardrail"),
    ):
        for attachment in attachments:
            attachment["target_id"] = target
        assert rule in {each.rule for each in checked(tmp_path, content).findings}
    for attachment in attachments:
        attachment["target_id"] = "${aws_organizations_organizational_unit.security.id}"
    assert {each.severity for each in checked(tmp_path, content).findings} == {"unproven"}


PATH = (
    "must be the ids from the root down to the account's unit, at most five units, such as "
    "r-ab12/ou-ab12-11111111/ou-ab12-22222222"
)


@pytest.mark.parametrize(
    ("units", "complaint"),
    [
        ({"logging": f"o-examplebank/{WORK}/"}, f'{PATH}; got "o-examplebank/{WORK}/"'),
        ({"logging": "ou-bank-11111111"}, f'{PATH}; got "ou-bank-11111111"'),
        ({"logging": "Security"}, f'{PATH}; got "Security"'),
        ({"logging": f"r-bank{'/ou-bank-11111111' * 6}"}, f'{PATH}; got "r-bank/ou-'),
        (
            {"logging": "r-shop/ou-shop-11111111"},
            'must begin with organization.root_id (r-bank); got "r-shop/ou-shop-11111111"',
        ),
        (
            {"logging": "r-bank/ou-shop-11111111"},
            "must have units of the root r-bank alone, whose ids have its own in them; "
            'ou-shop-11111111 is of another; got "r-bank/ou-shop-11111111"',
        ),
        (
            {"logging": ARCHIVES, "production": "r-bank/ou-bank-22222222"},
            "must have ou-bank-22222222 below ou-bank-11111111, as accounts.logging.ou has it; "
            'got "r-bank/ou-bank-22222222"',
        ),
    ],
)
def test_a_path_that_cannot_be_is_told(
    units: Json, complaint: str, env_file: Callable[[str], Path]
) -> None:
    accounts = {name: {"ou": path} for name, path in units.items()}
    path = env_file(tfvars(merged(MINIMAL, {"accounts": accounts})))
    with pytest.raises(SettingsError) as caught:
        load_settings(path)
    (line,) = str(caught.value).splitlines()
    name = [*units][-1]
    assert line.split(" ", 1)[1].startswith(f"accounts.{name}.ou {complaint}")


def test_a_stack_is_the_same_whatever_is_said_of_units() -> None:
    accounts = {"logging": {"ou": ARCHIVES}, "production": {"ou": WORK}}
    told = Environment.model_validate(merged(MINIMAL, {"accounts": accounts}))
    assert synthesized(told) == synthesized(Environment.model_validate(MINIMAL))
