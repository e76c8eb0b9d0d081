"""Limits of AWS Organizations: how large its policies may be, and how many a target takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from orgtrail.environments import RCP_LIMIT, SCP_LIMIT
from orgtrail.proof.estate import Estate
from orgtrail.proof.findings import Severity, Trouble, rule

PER_TARGET = {"SCP": 10, "RCP": 5}
"""Policies of a kind on one target, the one that AWS attaches among them; SCP since 2026-05-15.
https://docs.aws.amazon.com/organizations/latest/userguide/orgs_reference_limits.html"""


@rule("policy-size", Severity.MEDIUM)
def _size(estate: Estate) -> Iterator[Trouble]:
    """Organization policies keep within AWS's size; white space counts."""
    for each in estate.controls:
        limit = SCP_LIMIT if each.kind == "SCP" else RCP_LIMIT
        if each.size > limit:
            yield Trouble(
                "guardrails.exempt_roles",
                each.address,
                f"{each.policy.name} has {each.size:,} characters; AWS takes {limit:,}. Name "
                "fewer roles, or several by one pattern.",
            )


@rule("policies-per-target", Severity.MEDIUM)
def _count(estate: Estate) -> Iterator[Trouble]:
    """A target has room for AWS's own policy and the stack's."""
    attached = Counter((each.kind, target) for each in estate.controls for target in each.targets)
    for (kind, target), count in attached.items():
        if count + 1 > PER_TARGET[kind]:
            yield Trouble(
                "guardrails.targets",
                "aws_organizations_policy_attachment",
                f"{target} would have {count} {kind}s beside AWS's own; it takes "
                f"{PER_TARGET[kind]} in all. Join some.",
            )


@rule("no-guardrail", Severity.HIGH)
def _there_is_one(estate: Estate) -> Iterator[Trouble]:
    """A service control policy binds the logging account: without one its administrator is free."""
    attached = [each for each in estate.controls if each.kind == "SCP" and each.targets]
    if attached and all(estate.binds(each, estate.logging) is False for each in attached):
        yield Trouble(
            "guardrails.targets",
            attached[0].address,
            "no service control policy is attached to the logging account or above it: its "
            "administrators are free. Attach one to its unit, or to the root.",
        )
    if not attached:
        yield Trouble(
            "guardrails.targets",
            "aws_organizations_policy_attachment",
            "no service control policy is attached: administrators of the logging account can "
            "change the archive. Attach it to the root.",
        )
