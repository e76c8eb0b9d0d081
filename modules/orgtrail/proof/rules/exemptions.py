"""Rules of exemptions: whom the organization's policies spare, by mistake or by none."""

from __future__ import annotations

import re
from collections.abc import Iterator

from orgtrail.proof.estate import Bucket, Control, Estate
from orgtrail.proof.findings import Severity, Trouble, rule
from orgtrail.proof.iam.evaluator import Policies, Verdict, evaluate
from orgtrail.proof.iam.patterns import like
from orgtrail.proof.iam.policy import Policy
from orgtrail.proof.iam.request import Caller, Kind, Request
from orgtrail.proof.principals import ADMINISTRATOR
from orgtrail.proof.rules.policies import of_policy
from orgtrail.settings.archive import CONTROL_TOWER

_SPARING = ("arnnotlike", "arnnotequals", "stringnotlike", "stringnotequals")
_ANY_NAME = "0-a-role-of-any-name"
_ANY_SET = "aws-reserved/sso.amazonaws.com/AWSReservedSSO_0-a-set-of-any-name_0123456789abcdef"
_ACCOUNT = re.compile(r"\b\d{12}\b", re.ASCII)


@rule("deploy-lockout", Severity.HIGH)
def _deploy_role_is_exempt(estate: Estate) -> Iterator[Trouble]:
    """The service control policy spares the role that deploys to the logging account."""
    role = estate.deploy_role(estate.logging) or estate.session_role
    if not role or not estate.archive:
        return
    role = role.replace("*", "any").replace("?", "x")
    # Where nobody knows whether it binds, the access is unproven.
    binding = (c for c in estate.controls if c.kind == "SCP" and estate.binds(c, estate.logging))
    for control in binding:
        if statement := _locks_out(estate, control, role, estate.archive.name):
            yield Trouble(
                "guardrails.exempt_roles",
                control.address,
                f"{statement} binds {role}: the first deploy would lock itself out "
                "of the archive. Add the role to the exemption.",
            )


@rule("deploy-role-unknown", Severity.UNPROVEN)
def _deploy_role_is_known(estate: Estate) -> Iterator[Trouble]:
    """Which role deploys to the logging account is known, so that a lockout can be told."""
    binding = [each for each in estate.controls if each.kind == "SCP" and each.targets]
    known = estate.deploy_role(estate.logging) or estate.session_role
    if estate.archive and binding and not known:
        yield Trouble(
            "accounts.logging.session_role",
            binding[0].address,
            "which role deploys to the logging account is not said, so whether the policy would "
            "lock it out cannot be told. Name the role of the profile's session, or of HCP "
            "Terraform's, as accounts.logging.session_role.",
        )


@rule("owner-locked-out", Severity.MEDIUM)
def _owners_keep_theirs(estate: Estate) -> Iterator[Trouble]:
    """What the stack only refers to stays open to its owner: no SCP shuts Control Tower out."""
    made = {each.name for each in estate.buckets if not _is_others(each)}
    owner = f"arn:{estate.partition}:iam::{estate.logging}:role/{CONTROL_TOWER[0]}"
    for control in estate.controls:
        if control.kind != "SCP":
            continue
        for bucket in _named_buckets(control.policy) - made:
            if statement := _locks_out(estate, control, owner, bucket):
                yield Trouble(
                    "adopt.owner_roles",
                    control.address,
                    f"{statement} locks bucket {bucket}, which this stack does not make, "
                    f"to {owner} too: Control Tower could not update what is its own. Add the "
                    "owner's roles to the exemption.",
                )


@rule("broad-exemption", Severity.HIGH)
def _exemptions_are_narrow(estate: Estate) -> Iterator[Trouble]:
    """A deny spares roles that are named; one that spares every role of an account spares all."""
    for each in estate.attached:
        for pattern in dict.fromkeys(_spared(each.policy)):
            account = next(iter(_ACCOUNT.findall(pattern)), estate.logging)
            roles = f"arn:{estate.partition}:iam::{account}:role"
            if like(pattern, f"{roles}/{_ANY_NAME}"):
                yield of_policy(
                    each,
                    f"{each.policy.name} spares {pattern}: that is every role, and whoever can "
                    "make one. Name the roles.",
                )
            elif like(pattern, f"{roles}/{_ANY_SET}"):
                yield of_policy(
                    each,
                    f"{each.policy.name} spares {pattern}: that is everybody who signs in by IAM "
                    "Identity Center. Name the permission set.",
                )


def _locks_out(estate: Estate, control: Control, role: str, bucket: str) -> str:
    """Return the statement that denies a role changing a bucket's policy; empty where none does."""
    caller = Caller(Kind.ROLE, role, estate.logging, estate.organization)
    arn = f"arn:{estate.partition}:s3:::{bucket}"
    given = {"aws:SecureTransport": "true"}
    request = Request(caller, "s3:PutBucketPolicy", arn, estate.logging, given)
    decision = evaluate(request, Policies((ADMINISTRATOR, control.policy)))
    return decision.statement if decision.verdict is Verdict.EXPLICIT_DENY else ""


def _is_others(bucket: Bucket) -> bool:
    """Tell whether a bucket is only referred to: its policy is known to nobody here."""
    return bucket.policy is not None and all(each.doubt for each in bucket.policy.statements)


def _named_buckets(policy: Policy) -> set[str]:
    """Return the buckets whose policy's change a document denies, by name."""
    return {
        resource.partition(":s3:::")[2]
        for each in policy.statements
        if not each.allows and not each.doubt and each.is_about("s3:PutBucketPolicy")
        for resource in each.resources or ()
        if ":s3:::" in resource and "*" not in resource
    }


def _spared(policy: Policy) -> Iterator[str]:
    """Yield the principals that denies leave out."""
    for statement in policy.statements:
        for condition in statement.conditions:
            spares = condition.operator.lower().rpartition(":")[2] in _SPARING
            if not statement.allows and spares and condition.key.lower() == "aws:principalarn":
                yield from condition.values
