"""Checks of every role that the stack makes: who may assume it, and what it may then do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from orgtrail import naming
from orgtrail.doctor.comparing import difference
from orgtrail.doctor.explaining import of_reader
from orgtrail.doctor.outcome import DEPLOY, MAKE, Fault, Subject
from orgtrail.doctor.register import Live, check


def roles(live: Live) -> Iterator[Subject]:
    """Yield every role that is ours."""
    for each in live.stack.of("aws_iam_role"):
        yield Subject(live.account(each.provider.account), each.text("name"), resource=each)


def _role(live: Live, subject: Subject) -> Any:
    answer = live.aws.ask(
        subject.account, "iam", "get_role", absent=("NoSuchEntity",), RoleName=subject.name
    )
    return answer["Role"] if answer else None


@check("role", "The role exists", roles)
def _exists(live: Live, subject: Subject) -> Iterator[Fault]:
    if not _role(live, subject):
        yield Fault(f"the role {subject.name} does not exist", MAKE)


@check("role-trust", "Only those that the file names may assume it", roles, "role")
def _trust(live: Live, subject: Subject) -> Iterator[Fault]:
    assert subject.resource
    has = _role(live, subject)["AssumeRolePolicyDocument"]
    if lines := difference(subject.resource.document("assume_role_policy"), has):
        gone = "AIDA" in lines or "AROA" in lines
        yield Fault(
            "its trust policy is not the file's"
            + ("; a principal that AWS writes as an id was deleted and made again" if gone else ""),
            DEPLOY,
            lines,
        )


@check("role-boundary", "Its permissions boundary is the file's", roles, "role")
def _boundary(live: Live, subject: Subject) -> Iterator[Fault]:
    assert subject.resource
    wanted = subject.resource.text("permissions_boundary")
    bounded = _role(live, subject).get("PermissionsBoundary") or {}
    has = bounded.get("PermissionsBoundaryArn") or ""
    if has != wanted:
        yield Fault(
            f"its permissions boundary is {has or 'none'}, and the file's {wanted or 'none'}: "
            "who may write its policies could do more with it",
            DEPLOY,
        )


@check("role-policy", "It may do what the file says, and nothing else", roles, "role")
def _permissions(live: Live, subject: Subject) -> Iterator[Fault]:
    wanted = next(
        each for each in live.stack.of("aws_iam_role_policy") if each.text("role") == subject.name
    )
    names = live.aws.ask(subject.account, "iam", "list_role_policies", RoleName=subject.name)[
        "PolicyNames"
    ]
    documents = {
        name: live.aws.ask(
            subject.account, "iam", "get_role_policy", RoleName=subject.name, PolicyName=name
        )["PolicyDocument"]
        for name in names
    }
    differs = {name: difference(wanted.document("policy"), has) for name, has in documents.items()}
    others = sorted(differs)
    if name := min(differs, key=lambda each: len(differs[each]), default=""):
        others.remove(name)
    if not name or differs[name]:
        has = documents.get(name)
        reads = naming.role_arn(live.env, live.env.logging.id, subject.name)
        reads_logs = reads in naming.reading_roles(live.env)
        cause = of_reader(has) if reads_logs else "the policy is not the file's"
        lines = differs.get(name) or difference(wanted.document("policy"), None)
        yield Fault(cause, DEPLOY, lines)
    attached = live.aws.ask(
        subject.account, "iam", "list_attached_role_policies", RoleName=subject.name
    )["AttachedPolicies"]
    others += [each["PolicyArn"] for each in attached]
    if others:
        yield Fault(
            f"the role has policies that the file does not give it: {', '.join(others)}",
            "take them away, or see who attached them: "
            "orgtrail query run privilege-changes --env FILE",
        )
