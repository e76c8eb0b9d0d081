"""Rules of roles: that those who should can assume them, and that nobody grows by changing them."""

from __future__ import annotations

from collections.abc import Iterator

from orgtrail.proof.estate import Estate
from orgtrail.proof.findings import Severity, Trouble, rule
from orgtrail.proof.iam.policy import Statement

_MFA = "aws:multifactorauthpresent"
_CALLER = "aws:principalarn"
_SSO = ":role/AWSReservedSSO_"
_PATH = "aws-reserved/sso.amazonaws.com/"


@rule("nobody-can-assume", Severity.HIGH)
def _assumable(estate: Estate) -> Iterator[Trouble]:
    """A trust that asks for MFA names no roles: their sessions never carry it."""
    for each in estate.roles:
        for statement in each.trust.statements:
            named = _callers(statement)
            roles = [arn for arn in named if ":role/" in arn]
            if statement.allows and roles == named and roles and _asks_mfa(statement):
                yield Trouble(
                    "access.auditor",
                    each.address,
                    f"{statement.label} asks {', '.join(roles)} for MFA, and no session of a role "
                    "carries aws:MultiFactorAuthPresent: nobody can assume the role. Ask for an "
                    "external id or a source identity.",
                )


@rule("sso-path", Severity.HIGH)
def _with_their_path(estate: Estate) -> Iterator[Trouble]:
    """A role of IAM Identity Center is named with its path: without, nothing matches it."""
    for each in estate.attached:
        for statement in each.policy.statements:
            for arn in dict.fromkeys((*_callers(statement), *_named(statement))):
                if _SSO in arn:
                    yield Trouble(
                        "guardrails.exempt_roles",
                        each.address,
                        f"{statement.label} names {arn}, which is the ARN of no role: one of IAM "
                        f"Identity Center has a path. Write role/{_PATH}*"
                        f"{arn.partition(':role/')[2]}.",
                    )


@rule("no-boundary", Severity.LOW)
def _bounded(estate: Estate) -> Iterator[Trouble]:
    """Every role has a permissions boundary: else who deploys can give it, and so himself, more."""
    for account in dict.fromkeys(each.account for each in estate.roles):
        open_ = [each for each in estate.roles if each.account == account and not each.boundary]
        if open_:
            place = "management" if account == estate.management else "logging"
            names = ", ".join(each.arn.rpartition("/")[2] for each in open_)
            yield Trouble(
                f"accounts.{place}.permissions_boundary",
                open_[0].address,
                f"{names} of account {account} have no permissions boundary: who may write their "
                "policies can do whatever those allow. Make the policy that `orgtrail permissions "
                f"FILE {place} --for boundary` prints, and name it.",
            )


def _asks_mfa(statement: Statement) -> bool:
    return any(
        each.key.lower() == _MFA and each.operator.lower() == "bool" and "true" in each.values
        for each in statement.conditions
    )


def _callers(statement: Statement) -> list[str]:
    """Return whom a statement is about by condition or, where none says it, by principal."""
    by_condition = [
        value
        for each in statement.conditions
        if each.key.lower() == _CALLER
        for value in each.values
    ]
    return by_condition or [name for kind, name in statement.principals or () if kind == "AWS"]


def _named(statement: Statement) -> list[str]:
    """Return the roles that a statement is about by resource."""
    return [each for each in statement.resources or () if ":role/" in each]
