"""Rules on the organization's policies: whom they exempt, and the limits of AWS Organizations."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from orgtrail.check.findings import Violation
from orgtrail.check.model import ControlPolicy, Model
from orgtrail.check.principals import ADMINISTRATOR
from orgtrail.check.rules.policies import policy_violation
from orgtrail.environments import RCP_LIMIT, SCP_LIMIT
from orgtrail.iam.evaluator import Policies, Verdict, evaluate
from orgtrail.iam.patterns import like
from orgtrail.iam.policy import Policy
from orgtrail.iam.request import Caller, Kind, Request
from orgtrail.settings.archive import CONTROL_TOWER

_EXEMPTING = ("arnnotlike", "arnnotequals", "stringnotlike", "stringnotequals")
_ANY_NAME = "0-a-role-of-any-name"
_ANY_SET = "aws-reserved/sso.amazonaws.com/AWSReservedSSO_0-a-set-of-any-name_0123456789abcdef"
_ACCOUNT = re.compile(r"\b\d{12}\b", re.ASCII)


def deploy_lockout(model: Model) -> Iterator[Violation]:
    """The service control policy spares the role that deploys to the logging account."""
    role = model.deploy_role(model.logging) or model.session_role
    if not role or not model.archive:
        return
    role = role.replace("*", "any").replace("?", "x")
    for control in model.scps:
        # If it is not known whether the policy applies, the access is unproven.
        binds = model.binds(control, model.logging)
        if binds and (statement := _locks_out(model, control, role, model.archive.name)):
            yield Violation(
                "guardrails.exempt_roles",
                control.address,
                f"{statement} binds {role}: the first deploy would lock itself out "
                "of the archive. Add the role to the exemption.",
            )


def deploy_role_unknown(model: Model) -> Iterator[Violation]:
    """Which role deploys to the logging account is known, so that a lockout can be found."""
    binding = [each for each in model.scps if each.targets]
    known = model.deploy_role(model.logging) or model.session_role
    if model.archive and binding and not known:
        yield Violation(
            "accounts.logging.session_role",
            binding[0].address,
            "which role deploys to the logging account is not said, so whether the policy would "
            "lock it out cannot be decided. Name the role of the profile's session, or of HCP "
            "Terraform's, as accounts.logging.session_role.",
        )


def owner_locked_out(model: Model) -> Iterator[Violation]:
    """What the stack only refers to stays open to its owner: no SCP shuts Control Tower out."""
    elsewhere = {each.address for each in model.stack.resources if not each.is_managed}
    made = {each.name for each in model.buckets if each.address not in elsewhere}
    if any("${" in each or each.startswith("aws_s3_bucket.") for each in made):
        return  # a bucket that the policy names may be the one whose name is not known
    owner = f"arn:{model.partition}:iam::{model.logging}:role/{CONTROL_TOWER[0]}"
    for control in model.scps:
        for bucket in _named_buckets(control.policy) - made:
            if statement := _locks_out(model, control, owner, bucket):
                yield Violation(
                    "adopt.owner_roles",
                    control.address,
                    f"{statement} locks bucket {bucket}, which this stack does not make, "
                    f"to {owner} too: Control Tower could not update what is its own. Add the "
                    "owner's roles to the exemption.",
                )


def broad_exemption(model: Model) -> Iterator[Violation]:
    """A deny spares roles that are named; one that spares every role of an account spares all."""
    for each in model.attached_policies:
        for pattern in dict.fromkeys(exempted(each.policy)):
            account = next(iter(_ACCOUNT.findall(pattern)), model.logging)
            roles = f"arn:{model.partition}:iam::{account}:role"
            if like(pattern, f"{roles}/{_ANY_NAME}"):
                yield policy_violation(
                    each,
                    f"{each.policy.name} spares {pattern}: that is every role, and whoever can "
                    "make one. Name the roles.",
                )
            elif like(pattern, f"{roles}/{_ANY_SET}"):
                yield policy_violation(
                    each,
                    f"{each.policy.name} spares {pattern}: that is everybody who signs in by IAM "
                    "Identity Center. Name the permission set.",
                )


def _locks_out(model: Model, control: ControlPolicy, role: str, bucket: str) -> str:
    """Return the statement that stops a role from changing a bucket policy; empty if none does."""
    caller = Caller(Kind.ROLE, role, model.logging, model.organization)
    arn = f"arn:{model.partition}:s3:::{bucket}"
    given = {"aws:SecureTransport": "true"}
    request = Request(caller, "s3:PutBucketPolicy", arn, model.logging, given)
    decision = evaluate(request, Policies((ADMINISTRATOR, control.policy)))
    return decision.statement if decision.verdict is Verdict.EXPLICIT_DENY else ""


def _named_buckets(policy: Policy) -> set[str]:
    """Return the names of the buckets for which a policy denies changes of the bucket policy."""
    return {
        resource.partition(":s3:::")[2]
        for each in policy.statements
        if not each.allows and not each.doubt and each.is_about("s3:PutBucketPolicy")
        for resource in each.resources or ()
        if ":s3:::" in resource and "*" not in resource
    }


def exempted(policy: Policy) -> Iterator[str]:
    """Yield the principals that the deny statements of a policy exempt, as ARN patterns."""
    for statement in policy.statements:
        for condition in statement.conditions:
            spares = condition.operator.lower().rpartition(":")[2] in _EXEMPTING
            if not statement.allows and spares and condition.key.lower() == "aws:principalarn":
                yield from condition.values


PER_TARGET = {"SCP": 10, "RCP": 5}
"""Policies of a kind on one target, including the one that AWS attaches; SCP since 2026-05-15.
https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html"""


def policy_size(model: Model) -> Iterator[Violation]:
    """Organization policies keep within AWS's size; white space counts."""
    for each in model.control_policies:
        limit = SCP_LIMIT if each.kind == "SCP" else RCP_LIMIT
        if each.size > limit:
            yield Violation(
                "guardrails.exempt_roles",
                each.address,
                f"{each.policy.name} has {each.size:,} characters; AWS takes {limit:,}. Name "
                "fewer roles, or several by one pattern.",
            )


def policies_per_target(model: Model) -> Iterator[Violation]:
    """A target has room for AWS's own policy and the stack's."""
    attached = Counter(
        (each.kind, target) for each in model.control_policies for target in each.targets
    )
    for (kind, target), count in attached.items():
        if count + 1 > PER_TARGET[kind]:
            yield Violation(
                "guardrails.targets",
                "aws_organizations_policy_attachment",
                f"{target} would have {count} {kind}s beside AWS's own; it takes "
                f"{PER_TARGET[kind]} in all. Join some.",
            )


def no_guardrail(model: Model) -> Iterator[Violation]:
    """A service control policy binds the logging account: without one its administrator is free."""
    attached = [each for each in model.scps if each.targets]
    if attached and all(model.binds(each, model.logging) is False for each in attached):
        yield Violation(
            "guardrails.targets",
            attached[0].address,
            "no service control policy is attached to the logging account or above it: its "
            "administrators are free. Attach one to its unit, or to the root.",
        )
    if not attached:
        yield Violation(
            "guardrails.targets",
            "aws_organizations_policy_attachment",
            "no service control policy is attached: administrators of the logging account can "
            "change the archive. Attach it to the root.",
        )
