"""What guardrails deny to bystanders: what is not the trail's, and reading.

A service control policy is meant to protect the resources of the trail. One that binds everybody's
own resources, or that keeps readers from reading, was written too wide.
"""

from __future__ import annotations

from collections.abc import Iterator

from orgtrail.check.actions import SIGN_IN_ACTIONS
from orgtrail.check.asking import ALWAYS
from orgtrail.check.findings import Violation, listed
from orgtrail.check.model import Model
from orgtrail.check.principals import ADMINISTRATOR, members
from orgtrail.check.unrelated import LOG_GROUPS, NAME, unrelated_arns
from orgtrail.iam.evaluator import Policies, Verdict, evaluate
from orgtrail.iam.policy import Policy, Statement
from orgtrail.iam.reference import Level, action, matching
from orgtrail.iam.request import Caller, Kind, Request

_BY_DESIGN = frozenset({
    "cloudtrail", "organizations", "account", "guardduty", "securityhub", "access-analyzer",
    "config", "detective", "macie2", "inspector2", "sso", "controltower", "cloudformation",
})  # fmt: skip
"""Services that a guardrail denies for every resource: what they keep is the organization's."""
_NARROW = frozenset({
    "aws:principalarn", "aws:principalaccount", "aws:viaawsservice", "kms:resourcealiases",
})  # fmt: skip


def binds_bystanders(model: Model) -> Iterator[Violation]:
    """A service control policy binds the resources of the trail, not those of every account."""
    for control in model.scps:
        for statement in control.policy.statements:
            if _is_guard(statement) and (denied := _denied(model, statement)):
                yield Violation(
                    "guardrails",
                    control.address,
                    f"{statement.label} denies {listed(denied)}, which is not the trail's: who "
                    "works there is bound too. Name the trail's resources.",
                )


def denies_reading(model: Model) -> Iterator[Violation]:
    """A service control policy leaves reading to who may read: it denies what changes."""
    for control in model.scps:
        for statement in control.policy.statements:
            if statement.all_actions_but or not _is_guard(statement):
                continue
            for pattern in statement.actions:
                if "*" not in pattern and "?" not in pattern:
                    continue
                reads = [
                    each.name
                    for each in matching(pattern)
                    if each.level in (Level.READ, Level.LIST)
                ]
                if reads:
                    yield Violation(
                        "guardrails",
                        control.address,
                        f"{statement.label} denies {pattern}, which holds reading, such as "
                        f"{reads[0]}: auditors could not read. Name what changes.",
                    )


def _is_guard(statement: Statement) -> bool:
    """Return whether a statement denies for good, and not by where or how somebody calls."""
    return not statement.allows and not statement.doubt and statement.keys <= _NARROW


def _denied(model: Model, statement: Statement) -> list[str]:
    """Return what a statement denies administrators on resources that are not the trail's."""
    found: list[str] = []
    for name in statement.actions:
        service = name.partition(":")[0].lower()
        known = action(name)
        if not known or service in _BY_DESIGN or statement.all_actions_but:
            continue
        for account in (members(model)[0], model.logging):
            caller = Caller(
                Kind.ROLE, f"arn:{model.partition}:iam::{account}:role/{NAME}", account,
                model.organization,
            )  # fmt: skip
            if account == model.logging and name.partition(":")[2] in _OF_ACCOUNT:
                continue
            found += [
                f"{known.name} on {arn}"
                for arn in _own(model, known.resources, account)
                if _matches(statement, caller, name, arn)
            ]
    return list(dict.fromkeys(found))


_OF_ACCOUNT = frozenset(SIGN_IN_ACTIONS.values())
"""What a guardrail denies for all resources of a kind in the logging account."""


def _own(model: Model, patterns: tuple[str, ...], account: str) -> Iterator[str]:
    region = model.trail.region if model.trail else ""
    if not patterns and account != model.logging:
        yield "*"
    for pattern in patterns:
        names = LOG_GROUPS if ":logs:" in pattern else (NAME,)
        yield from unrelated_arns(pattern, model.partition, region, account, names)


def _matches(statement: Statement, caller: Caller, name: str, arn: str) -> bool:
    aliases = {"kms:ResourceAliases": (f"alias/{NAME}",)} if ":kms:" in arn else {}
    request = Request(caller, name, arn, caller.account, {**ALWAYS, **aliases})
    alone = Policy(statement.label, (statement,))
    decision = evaluate(request, Policies((ADMINISTRATOR, alone)))
    return decision.verdict is Verdict.EXPLICIT_DENY
