"""Rules on what bounds nothing: a boundary of everything, an exemption that anybody can take."""

from __future__ import annotations

import re
from collections.abc import Iterator

from orgtrail.check.findings import Violation, listed
from orgtrail.check.from_resource import policy_of
from orgtrail.check.model import IamRole, Model
from orgtrail.check.rules.guardrails import exempted
from orgtrail.check.rules.policies import policy_violation
from orgtrail.iam.patterns import like
from orgtrail.iam.policy import Policy, Statement

_ANY_ACCOUNT = re.compile(r"arn:[\w*-]*:iam::\*:role/(?P<name>.+)")
_BY_AWS = ("aws-reserved/sso.amazonaws.com/", "aws-service-role/")
"""Paths under which AWS alone makes roles."""
_BY_CONTROL_TOWER = ("aws-controltower-*", "*AWSControlTower*", "stacksets-exec-*")
"""Roles that Control Tower's own policies let nobody else make or change.
https://docs.aws.amazon.com/controltower/latest/controlreference/mandatory-controls.html"""
_TAKING = ("iam:CreateRole", "iam:UpdateAssumeRolePolicy")
"""Acts by which an account's administrator becomes a role of a name."""
_EVERYTHING = "policy/AdministratorAccess"


def boundary_of_everything(model: Model) -> Iterator[Violation]:
    """A permissions boundary leaves something out: one that allows everything bounds nothing."""
    for role in model.roles:
        if policy := _boundary(model, role):
            yield Violation(
                "accounts.logging.permissions_boundary",
                role.address,
                f"has the permissions boundary {policy}, which allows every action on everything: "
                "it bounds nothing. Allow there only what `orgtrail permissions FILE PLACE --for "
                "boundary` prints.",
            )


def table_elsewhere(model: Model) -> Iterator[Violation]:
    """The table over log files reads the archive, under the prefix that the trail writes to."""
    archive = model.archive
    for each in model.tables if archive and model.trail else ():
        bucket, _, key = each.template.partition("://")[2].partition("/")
        if not (each.accounts or "/AWSLogs/" in each.template) or not bucket or "${" in bucket:
            continue
        if archive and bucket != archive.name:
            yield Violation(
                "catalog",
                each.address,
                f"reads bucket {bucket}, and the trail writes to {archive.name}: Athena answers "
                f"from files that somebody else may have written. Write s3://{archive.name}/.",
            )
        elif not key.startswith(model.logs_prefix):
            yield Violation(
                "catalog",
                each.address,
                f"reads {key}, and the trail writes under {model.logs_prefix}: Athena finds no "
                f"row, or those of other files. Write s3://{bucket}/{model.logs_prefix}.",
            )


def exempt_anywhere(model: Model) -> Iterator[Violation]:
    """A role that a deny exempts in every account, nobody there can make or take over."""
    controls = {each.address: each for each in model.control_policies}
    for attached in model.attached_policies:
        if attached.address not in controls:
            continue
        for pattern in dict.fromkeys(exempted(attached.policy)):
            found = _ANY_ACCOUNT.fullmatch(pattern)
            if not found or _is_kept(model, found["name"]):
                continue
            if free := [act for act in _TAKING if not _is_denied(model, act, pattern)]:
                yield policy_violation(
                    attached,
                    f"{attached.policy.name} exempts {pattern}, in any account, and nothing "
                    f"denies {listed(free)} on it: an administrator of any account becomes that "
                    "role, and is exempt. Name the accounts, or deny it there.",
                )


def _is_kept(model: Model, name: str) -> bool:
    """Return whether others than this stack keep a role of a name from being made or changed."""
    read = [each.template.partition("://")[2] for each in model.tables]
    names = [*read, *(each.bucket for each in model.trails)]
    tower = any(each.startswith("aws-controltower-") for each in names)
    patterns = _BY_CONTROL_TOWER if tower else ()
    return name.startswith(_BY_AWS) or any(like(each, name) for each in patterns)


def _boundary(model: Model, role: IamRole) -> str:
    """Return the boundary of a role, if it allows everything; otherwise empty."""
    if role.boundary.endswith(f":aws:{_EVERYTHING}"):
        return role.boundary
    named = model.stack.find(role.boundary)
    for each in model.stack.of("aws_iam_policy"):
        path = each.text("path") or "/"
        arn = f":iam::{each.provider.account}:policy{path}{each.text('name')}"
        if (each is named or role.boundary.endswith(arn)) and _allows_everything(
            policy_of(each.address, each.document("policy"))
        ):
            return each.address
    return ""


def _allows_everything(policy: Policy) -> bool:
    return any(map(_is_everything, policy.statements)) and all(
        each.allows for each in policy.statements
    )


def _is_everything(each: Statement) -> bool:
    plain = not each.conditions and not each.all_actions_but and not each.all_resources_but
    return each.allows and not each.doubt and plain and (
        "*" in (each.resources or ()) and any(one in ("*", "*:*") for one in each.actions)
    )  # fmt: skip


def _is_denied(model: Model, act: str, pattern: str) -> bool:
    """Return whether a service control policy that is attached denies an act on any such role.

    Its own exemption is of those who are that role already.
    """
    role = pattern.replace("*", "any")
    return any(
        not each.allows
        and not each.doubt
        and each.is_about(act)
        and each.keys <= {"aws:principalarn"}
        and any(like(one, role) for one in each.resources or ())
        for control in model.scps
        if control.targets
        for each in control.policy.statements
    )  # fmt: skip
