"""Checks of accounts and organization: credentials, features, trust, policy types."""

from __future__ import annotations

from collections.abc import Iterator

from orgtrail import naming
from orgtrail.doctor.outcome import Fault, Subject
from orgtrail.doctor.register import CREDENTIALS, Live, check

_KINDS = {
    "SERVICE_CONTROL_POLICY": "service control",
    "RESOURCE_CONTROL_POLICY": "resource control",
}
_ROLE = "AWSServiceRoleForCloudTrail"


def _accounts(live: Live) -> Iterator[Subject]:
    for name in live.env.deployed_accounts:
        yield Subject(name, live.env.accounts[name].id)


def organization(live: Live) -> list[Subject]:
    """Return the organization, which only the management account can speak of."""
    return [Subject("management", live.env.organization.id)]


@check(CREDENTIALS, "The credentials reach the account", _accounts)
def _credentials(live: Live, subject: Subject) -> Iterator[Fault]:
    found = live.aws.ask(subject.account, "sts", "get_caller_identity")
    if found["Account"] != subject.name:
        yield Fault(
            f"the credentials of accounts.{subject.account} reach account {found['Account']} "
            f"({found['Arn']}), not {subject.name}",
            f"correct profile or role_arn of accounts.{subject.account}, or AWS_PROFILE; in "
            "another account AWS would answer TrailNotFoundException, or show another trail",
        )


@check("organization", "The organization is the file's", organization)
def _organization(live: Live, subject: Subject) -> Iterator[Fault]:
    found = live.aws.ask(
        "management",
        "organizations",
        "describe_organization",
        absent=("AWSOrganizationsNotInUseException",),
    )
    if found is None:
        yield Fault(
            f"account {live.env.management.id} is in no organization",
            "correct accounts.management, or make an organization there",
        )
        return
    about = found["Organization"]
    if about["Id"] != subject.name:
        yield Fault(
            f"the account is in organization {about['Id']}, not {subject.name}: CloudTrail would "
            f"write below AWSLogs/{about['Id']}/, where neither policy nor table looks",
            "correct organization.id, or the management account's credentials",
        )
    elif about["MasterAccountId"] != live.env.management.id:
        yield Fault(
            f"the organization is managed by account {about['MasterAccountId']}, not "
            f"{live.env.management.id}",
            "correct accounts.management.id",
        )


@check("accounts", "The organization has every account of the file", organization, "organization")
def _members(live: Live, _: Subject) -> Iterator[Fault]:
    answer = live.aws.ask("management", "organizations", "list_accounts")
    has = {each["Id"]: each.get("Status", "ACTIVE") for each in answer["Accounts"]}
    for name, account in live.env.accounts.items():
        state = has.get(account.id)
        if state is None:
            yield Fault(
                f"accounts.{name} ({account.id}) is not in the organization: the trail records "
                "nothing of it",
                f"invite the account, or take {name} out of accounts",
            )
        elif state != "ACTIVE":
            yield Fault(
                f"accounts.{name} ({account.id}) is {state.lower()}: nothing happens in it",
                f"take {name} out of accounts once its log files have expired",
            )


@check("all-features", "The organization has all features", organization, "organization")
def _features(live: Live, _: Subject) -> Iterator[Fault]:
    about = live.aws.ask("management", "organizations", "describe_organization")["Organization"]
    if about["FeatureSet"] != "ALL":
        yield Fault(
            "the organization has consolidated billing only: it knows neither organization "
            "trails nor control policies",
            "aws organizations enable-all-features",
        )


@check("trusted-access", "The organization trusts the services", organization, "organization")
def _trusted(live: Live, _: Subject) -> Iterator[Fault]:
    found = live.aws.ask("management", "organizations", "list_aws_service_access_for_organization")
    trusted = {each["ServicePrincipal"] for each in found["EnabledServicePrincipals"]}
    for service in naming.trusted_services(live.env):
        if service not in trusted:
            yield Fault(
                f"the organization does not trust {service}: it sees the management account alone",
                f"aws organizations enable-aws-service-access --service-principal {service}",
            )


@check("policy-types", "The root enables the types of policies", organization, "organization")
def _types(live: Live, _: Subject) -> Iterator[Fault]:
    env, wanted = live.env, []
    if env.policy_targets:
        wanted.append("SERVICE_CONTROL_POLICY")
    if env.guardrails.resource_control_policy:
        wanted.append("RESOURCE_CONTROL_POLICY")
    roots = live.aws.ask("management", "organizations", "list_roots")["Roots"]
    root = next((each for each in roots if each["Id"] == env.organization.root_id), None)
    if root is None:
        named = ", ".join(each["Id"] for each in roots)
        yield Fault(
            f"the organization's root is {named}, not {env.organization.root_id}",
            "correct organization.root_id",
        )
        return
    enabled = {each["Type"] for each in root["PolicyTypes"] if each["Status"] == "ENABLED"}
    for kind in wanted:
        if kind not in enabled:
            yield Fault(
                f"the root does not enable {_KINDS[kind]} policies: those that are attached "
                "bind nobody",
                f"aws organizations enable-policy-type --root-id {root['Id']} --policy-type {kind}",
            )


@check("service-linked-role", "CloudTrail's own role exists", organization)
def _service_role(live: Live, _: Subject) -> Iterator[Fault]:
    if not live.aws.ask("management", "iam", "get_role", absent=("NoSuchEntity",), RoleName=_ROLE):
        yield Fault(
            f"{_ROLE} is not in the management account: CloudTrail cannot make the trail in the "
            "members",
            "aws iam create-service-linked-role --aws-service-name cloudtrail.amazonaws.com",
        )
