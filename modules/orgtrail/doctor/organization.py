"""Checks of the organization, its accounts, control policies and roles."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from orgtrail import naming
from orgtrail.doctor.model import Ask, Live, LiveFault, Subject, resources
from orgtrail.doctor.policies import difference, reader_mistakes

_POLICY_TYPES = {
    "SERVICE_CONTROL_POLICY": "service control",
    "RESOURCE_CONTROL_POLICY": "resource control",
}
_SERVICE_ROLE = "AWSServiceRoleForCloudTrail"


def accounts(live: Live) -> Iterator[Subject]:
    """Yield each account that the stack deploys to."""
    for name in live.env.deployed_accounts:
        yield Subject(name, live.env.accounts[name].id)


def organization(live: Live) -> list[Subject]:
    """Return the organization, which only the management account can describe."""
    return [Subject("management", live.env.organization.id)]


def credentials(live: Live, subject: Subject) -> Iterator[LiveFault]:
    """Report credentials that reach another account."""
    found = live.aws.ask(subject.account, "sts", "get_caller_identity")
    if found["Account"] != subject.name:
        yield LiveFault(
            f"the credentials of accounts.{subject.account} reach account {found['Account']} "
            f"({found['Arn']}), not {subject.name}",
            f"correct profile or role_arn of accounts.{subject.account}, or AWS_PROFILE; in "
            "another account AWS would answer TrailNotFoundException, or show another trail",
        )


def identity(live: Live, subject: Subject) -> Iterator[LiveFault]:
    """Report a wrong organization or management account."""
    found = live.aws.ask(
        "management",
        "organizations",
        "describe_organization",
        absent=("AWSOrganizationsNotInUseException",),
    )
    if found is None:
        yield LiveFault(
            f"account {live.env.management.id} is in no organization",
            "correct accounts.management, or make an organization there",
        )
        return
    about = found["Organization"]
    if about["Id"] != subject.name:
        yield LiveFault(
            f"the account is in organization {about['Id']}, not {subject.name}: CloudTrail would "
            f"write below AWSLogs/{about['Id']}/, where neither policy nor table looks",
            "correct organization.id, or the management account's credentials",
        )
    elif about["MasterAccountId"] != live.env.management.id:
        yield LiveFault(
            f"the organization is managed by account {about['MasterAccountId']}, not "
            f"{live.env.management.id}",
            "correct accounts.management.id",
        )


def members(live: Live, _: Subject) -> Iterator[LiveFault]:
    """Report accounts in the file that the organization lacks or that are not active."""
    answer = live.aws.ask("management", "organizations", "list_accounts")
    has = {each["Id"]: each.get("Status", "ACTIVE") for each in answer["Accounts"]}
    for name, account in live.env.accounts.items():
        state = has.get(account.id)
        if state is None:
            yield LiveFault(
                f"accounts.{name} ({account.id}) is not in the organization: the trail records "
                "nothing of it",
                f"invite the account, or take {name} out of accounts",
            )
        elif state != "ACTIVE":
            yield LiveFault(
                f"accounts.{name} ({account.id}) is {state.lower()}: nothing happens in it",
                f"take {name} out of accounts once its log files have expired",
            )


def features(live: Live, _: Subject) -> Iterator[LiveFault]:
    """Report an organization that has consolidated billing only."""
    about = live.aws.ask("management", "organizations", "describe_organization")["Organization"]
    if about["FeatureSet"] != "ALL":
        yield LiveFault(
            "the organization has consolidated billing only: it knows neither organization "
            "trails nor control policies",
            "aws organizations enable-all-features",
        )


def trusted_access(live: Live, _: Subject) -> Iterator[LiveFault]:
    """Report services without trusted access to the organization."""
    found = live.aws.ask("management", "organizations", "list_aws_service_access_for_organization")
    trusted = {each["ServicePrincipal"] for each in found["EnabledServicePrincipals"]}
    for service in naming.trusted_services(live.env):
        if service not in trusted:
            yield LiveFault(
                f"the organization does not trust {service}: it sees the management account alone",
                f"aws organizations enable-aws-service-access --service-principal {service}",
            )


def policy_types(live: Live, _: Subject) -> Iterator[LiveFault]:
    """Report policy types that the stack uses but the root does not enable."""
    wanted = dict.fromkeys(each.text("type") for each in live.stack.of("aws_organizations_policy"))
    roots = live.aws.ask("management", "organizations", "list_roots")["Roots"]
    root_id = live.env.organization.root_id
    root = next((each for each in roots if each["Id"] == root_id), None)
    if root is None:
        named = ", ".join(each["Id"] for each in roots)
        yield LiveFault(
            f"the organization's root is {named}, not {root_id}", "correct organization.root_id"
        )
        return
    enabled = {each["Type"] for each in root["PolicyTypes"] if each["Status"] == "ENABLED"}
    for kind in wanted:
        if kind not in enabled:
            yield LiveFault(
                f"the root does not enable {_POLICY_TYPES[kind]} policies: those that are attached "
                "bind nobody",
                f"aws organizations enable-policy-type --root-id {root['Id']} --policy-type {kind}",
            )


def service_role(live: Live, _: Subject) -> Iterator[LiveFault]:
    """Report that CloudTrail's service-linked role is missing."""
    if not live.aws.ask(
        "management", "iam", "get_role", absent=("NoSuchEntity",), RoleName=_SERVICE_ROLE
    ):
        yield LiveFault(
            f"{_SERVICE_ROLE} is not in the management account: CloudTrail cannot make the trail "
            "in the members",
            "aws iam create-service-linked-role --aws-service-name cloudtrail.amazonaws.com",
        )


def control_policy(live: Live, subject: Subject) -> Any:
    """Return the organization's policy of the subject's name, None if there is none."""
    assert subject.resource
    adopted = live.env.adopt.scp
    answer = live.aws.ask(
        "management", "organizations", "list_policies", Filter=subject.resource.text("type")
    )
    # An adopted policy replaces the one for trail and evidence, whatever its name.
    is_adopted = adopted and subject.name == live.env.guardrails.policy_name
    for each in answer["Policies"]:
        if each["Id"] == adopted.id if adopted and is_adopted else each["Name"] == subject.name:
            return each
    return None


def control_policy_content(live: Live, subject: Subject) -> Any:
    """Return the content of an existing policy."""
    known = control_policy(live, subject)["Id"]
    found = live.aws.ask("management", "organizations", "describe_policy", PolicyId=known)
    return found["Policy"]["Content"]


def attachments(live: Live, subject: Subject) -> Iterator[LiveFault]:
    """Report targets that a policy is not attached to."""
    known = control_policy(live, subject)["Id"]
    answer = live.aws.ask("management", "organizations", "list_targets_for_policy", PolicyId=known)
    has = {each["TargetId"] for each in answer["Targets"]}
    for each in live.stack.of("aws_organizations_policy_attachment"):
        target = each.text("target_id")
        policy = live.stack.find(each.text("policy_id"))
        if policy is subject.resource and target not in has:
            yield LiveFault(
                f"the policy is not attached to {target}: it binds nobody there",
                f"deploy again, or: aws organizations attach-policy --policy-id {known} "
                f"--target-id {target}",
            )


control_policies = resources("aws_organizations_policy", referred=True)
role = Ask("iam", "get_role", "RoleName", ("NoSuchEntity",), "Role")


def trust_policy(live: Live, subject: Subject) -> Any:
    """Return a role's trust policy."""
    return role(live, subject)["AssumeRolePolicyDocument"]


def trust_mistakes(_: Live, _subject: Subject, _policy: Any, lines: str) -> str:
    """Describe what is wrong with a trust policy."""
    gone = "AIDA" in lines or "AROA" in lines
    return "its trust policy is not the file's" + (
        "; a principal that AWS writes as an id was deleted and made again" if gone else ""
    )


def permissions(live: Live, subject: Subject) -> Iterator[LiveFault]:
    """Report a role whose policies are not the file's."""
    wanted = live.resource(subject, "aws_iam_role_policy").document("policy")
    names = live.aws.ask(subject.account, "iam", "list_role_policies", RoleName=subject.name)[
        "PolicyNames"
    ]
    documents = {
        name: live.aws.ask(
            subject.account, "iam", "get_role_policy", RoleName=subject.name, PolicyName=name
        )["PolicyDocument"]
        for name in names
    }
    differs = {name: difference(wanted, has) for name, has in documents.items()}
    others = sorted(differs)
    if name := min(differs, key=lambda each: len(differs[each]), default=""):
        others.remove(name)
    if not name or differs[name]:
        has = documents.get(name)
        reads = naming.role_arn(live.env, live.env.logging.id, subject.name)
        reads_logs = reads in naming.reading_roles(live.env)
        cause = reader_mistakes(has) if reads_logs else "the policy is not the file's"
        yield LiveFault(cause, diff=differs.get(name) or difference(wanted, None))
    attached = live.aws.ask(
        subject.account, "iam", "list_attached_role_policies", RoleName=subject.name
    )["AttachedPolicies"]
    others += [each["PolicyArn"] for each in attached]
    if others:
        yield LiveFault(
            f"the role has policies that the file does not give it: {', '.join(others)}",
            "take them away, or see who attached them: "
            "orgtrail query run privilege-changes --env FILE",
        )
