"""Who may assume the roles of a stack: outsiders, other services, whoever signs in somewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.changes import added, edited, told
from tests.conftest import Json

AUDITOR = ("aws_iam_role.auditor", "assume_role_policy")
SIEM = ("aws_iam_role.siem_reader", "assume_role_policy")
DELIVERY = ("aws_iam_role.delivery_role", "assume_role_policy")
OUTSIDER = {"AWS": "arn:aws:iam::999999999990:root"}
GITHUB = "token.actions.githubusercontent.com"
PROVIDER = {"Federated": f"arn:aws:iam::222222222222:oidc-provider/{GITHUB}"}
NO_FACTOR = "without MFA, external id or source identity: ask for one."
ANY_IDENTITY = "by any identity: add a condition on the subject (sub) of its token."


def trust(folder: Path, name: str, where: tuple[str, str], statement: Json) -> list[str]:
    """Return the findings about a statement that is added to a trust."""
    found = told(folder, name, *where, added(**{"Action": "sts:AssumeRole", **statement}))
    return [each for each in found if f" trust {where[0]}: " in each]


def by_token(**condition: Json) -> Json:
    return {"Principal": PROVIDER, "Action": "sts:AssumeRoleWithWebIdentity",
            **({"Condition": condition} if condition else {})}  # fmt: skip


def test_an_auditor_without_external_id_is_found(tmp_path: Path) -> None:
    def forget(statement: Json) -> None:
        del statement["Condition"]["StringEquals"]

    assert told(tmp_path, "healthcare", *AUDITOR, edited("Trusted1", forget)) == [
        "high trust aws_iam_role.auditor: the trust of role organization-trail-auditor: Trusted1: "
        "role/hospital-audit of account 999999999999, which is not of the organization, can assume "
        f"role organization-trail-auditor {NO_FACTOR}"
    ]


def test_an_external_id_that_any_text_meets_is_none(tmp_path: Path) -> None:
    def anything(statement: Json) -> None:
        statement["Condition"] = {"StringLike": {"sts:ExternalId": "*"}}

    found = told(tmp_path, "everything", *SIEM, edited("Trusted1", anything))
    assert any(each.startswith("high trust aws_iam_role.siem_reader") and each.endswith(NO_FACTOR)
               for each in found)  # fmt: skip


def test_a_siem_without_external_id_is_found(tmp_path: Path) -> None:
    found = told(
        tmp_path, "everything", *SIEM, edited("Trusted1", lambda one: one.pop("Condition"))
    )
    assert found == [
        "high trust aws_iam_role.siem_reader: the trust of role everything-siem: Trusted1: any "
        "role of account 700000000002, which is not of the organization, can assume role "
        f"everything-siem {NO_FACTOR}"
    ]


def test_an_outsider_is_found_and_so_is_the_weaker_of_two_statements(tmp_path: Path) -> None:
    first, second = trust(tmp_path, "healthcare", AUDITOR, {"Principal": OUTSIDER})
    assert "Added: any role of account 999999999990, which is not of the organization" in first
    assert first.endswith(NO_FACTOR)
    assert second == (
        "medium trust aws_iam_role.auditor: the trust of role organization-trail-auditor: Added "
        "asks for no external id, and another statement of the same trust does: the strict one "
        "guards nothing. Ask in both."
    )


def test_an_outsider_with_external_id_may_and_is_advised_to_be_one_role(tmp_path: Path) -> None:
    asked = {"StringEquals": {"sts:ExternalId": "somewhat-secret"}}
    (found,) = trust(tmp_path, "healthcare", AUDITOR, {"Principal": OUTSIDER, "Condition": asked})
    assert found.startswith("low trust ")
    assert found.endswith("as everybody in that account can: name the role, in trusted.")


@pytest.mark.parametrize("form", ["999999999990", "arn:aws:iam::999999999990:user/ann",
                                  "arn:aws:sts::999999999990:assumed-role/dev/ann"])  # fmt: skip
def test_outsiders_of_every_form_are_found(form: str, tmp_path: Path) -> None:
    found = trust(tmp_path, "healthcare", AUDITOR, {"Principal": {"AWS": form}})
    assert any("of account 999999999990" in each and each.endswith(NO_FACTOR) for each in found)


@pytest.mark.parametrize("named", [{"Principal": "*"}, {"NotPrincipal": OUTSIDER}])
def test_a_trust_of_everybody_is_found(named: Json, tmp_path: Path) -> None:
    found = trust(tmp_path, "healthcare", AUDITOR, named)
    assert any(each.startswith("high ") and each.endswith("by a principal of *: name who is meant.")
               for each in found)  # fmt: skip


def test_mfa_that_is_asked_for_if_present_is_not_asked_of_roles(tmp_path: Path) -> None:
    optional = {"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}}
    found = trust(tmp_path, "everything", SIEM, {"Principal": OUTSIDER, "Condition": optional})
    assert any("asks for no external id" in each for each in found)


@pytest.mark.parametrize(
    "statement",
    [
        by_token(),
        by_token(StringEquals={f"{GITHUB}:aud": "sts.amazonaws.com"}),
        by_token(StringLike={f"{GITHUB}:sub": "*"}),
        by_token(StringLike={f"{GITHUB}:sub": "repo:*"}),
        by_token(StringLike={f"{GITHUB}:sub": "repo:ba*/audit:*"}),
    ],
)
def test_a_provider_that_signs_anybody_in_is_found(statement: Json, tmp_path: Path) -> None:
    assert trust(tmp_path, "healthcare", AUDITOR, statement) == [
        "high trust aws_iam_role.auditor: the trust of role organization-trail-auditor: Added: a "
        f"stranger signed in by {GITHUB} can assume role organization-trail-auditor {ANY_IDENTITY}"
    ]


@pytest.mark.parametrize("subject", ["repo:bank/audit:*", "repo:bank/*", "repo:bank/a:ref:x"])
def test_a_provider_that_signs_the_bank_in_is_no_finding(subject: str, tmp_path: Path) -> None:
    statement = by_token(
        StringEquals={f"{GITHUB}:aud": "sts.amazonaws.com"},
        StringLike={f"{GITHUB}:sub": subject},
    )
    assert told(tmp_path, "healthcare", *AUDITOR, added(**statement)) == []


def test_a_role_of_a_service_for_whoever_names_it_is_found(tmp_path: Path) -> None:
    found = told(
        tmp_path, "healthcare", *DELIVERY,
        edited("CloudTrailDelivers", lambda one: one.pop("Condition")),
    )  # fmt: skip
    assert (
        "high trust aws_iam_role.delivery_role: the trust of role organization-trail-delivery: "
        "CloudTrailDelivers: cloudtrail.amazonaws.com, acting for a stranger's resource, can "
        "assume role organization-trail-delivery for whoever names it: add a condition on "
        "aws:SourceArn."
    ) in found


def test_another_service_and_people_in_the_role_of_a_service_are_found(tmp_path: Path) -> None:
    own = {"StringEquals": {"aws:SourceAccount": "111111111111"}}
    strange = {"Principal": {"Service": "lambda.amazonaws.com"}, "Condition": own}
    found = trust(tmp_path, "healthcare", DELIVERY, strange)
    assert any("lambda.amazonaws.com, acting for a resource of account 111111111111, can" in each
               and each.endswith("and nothing in the stack uses that service: name its own alone.")
               for each in found)  # fmt: skip
    people = {"Principal": {"AWS": "arn:aws:iam::111111111111:role/ops"}}
    (found_people,) = trust(tmp_path, "healthcare", DELIVERY, people)
    assert found_people.endswith("which is made for a service: name the service alone.")


def test_a_trust_that_allows_more_than_to_assume_is_found(tmp_path: Path) -> None:
    change = edited("Trusted1", lambda one: one.update(Action="sts:*"))
    (found,) = told(tmp_path, "healthcare", *AUDITOR, change)
    assert found.startswith("medium trust aws_iam_role.auditor: ")
    assert "Trusted1 allows sts:*: a trust needs sts:AssumeRole, " in found


def test_what_a_trust_leaves_open_is_unproven(tmp_path: Path) -> None:
    somewhere = {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}
    statement = {"Principal": OUTSIDER, "Condition": somewhere}
    found = trust(tmp_path, "healthcare", AUDITOR, statement)
    assert [each for each in found if each.startswith("unproven")] == [
        "unproven trust aws_iam_role.auditor: the trust of role organization-trail-auditor: Added: "
        "any role of account 999999999990, which is not of the organization, can assume role "
        "organization-trail-auditor perhaps (the trust of role organization-trail-auditor: Added: "
        f"nothing is known of the condition key aws:SourceIp), {NO_FACTOR}"
    ]


def test_a_condition_without_values_lets_nobody_in(tmp_path: Path) -> None:
    nobody: Json = {"StringEquals": {"sts:ExternalId": []}}
    statement = {"Principal": OUTSIDER, "Condition": nobody}
    assert trust(tmp_path, "healthcare", AUDITOR, statement) == [
        "medium trust aws_iam_role.auditor: the trust of role organization-trail-auditor: Added "
        "lets nobody assume role organization-trail-auditor: it does not allow sts:AssumeRole, or "
        "a deny stands against it."
    ]


def test_one_role_of_the_organization_needs_no_second_factor(tmp_path: Path) -> None:
    own = {"Principal": {"AWS": "arn:aws:iam::111111111111:role/audit"}}
    found = trust(tmp_path, "healthcare", AUDITOR, own)
    assert not any(each.startswith("high") for each in found)


def test_a_pool_that_lets_in_who_has_not_signed_in_is_found(tmp_path: Path) -> None:
    pool = "cognito-identity.amazonaws.com"
    statement = {
        "Principal": {"Federated": pool},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringEquals": {f"{pool}:aud": "us-east-1:1234"},
            "ForAnyValue:StringLike": {f"{pool}:amr": "unauthenticated"},
        },
    }
    assert trust(tmp_path, "healthcare", AUDITOR, statement) == [
        "high trust aws_iam_role.auditor: the trust of role organization-trail-auditor: Added: "
        f"anybody whom {pool} lets in without a sign-in can assume role organization-trail-auditor "
        f"{ANY_IDENTITY}"
    ]


def test_whoever_can_open_a_pull_request_is_found(tmp_path: Path) -> None:
    statement = by_token(StringEquals={f"{GITHUB}:sub": "repo:hospital/audit:pull_request"})
    assert trust(tmp_path, "healthcare", AUDITOR, statement) == [
        "medium trust aws_iam_role.auditor: the trust of role organization-trail-auditor: Added: "
        f"whom {GITHUB} signs in as the policy asks can assume role organization-trail-auditor "
        "from any pull request: name a branch or an environment."
    ]
