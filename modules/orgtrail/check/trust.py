"""Who may assume each role: every class of callers, with and without a second factor.

A second factor is what a caller has to know or to prove beyond its credentials: an external id,
MFA, or a source identity. https://docs.aws.amazon.com/IAM/latest/UserGuide/confused-deputy.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from orgtrail.check.asking import Asker
from orgtrail.check.classes import ANY_NAME, Member, classes, satisfying
from orgtrail.check.deliveries import services_of
from orgtrail.check.findings import Finding, Severity
from orgtrail.check.model import AttachedPolicy, IamRole, Model
from orgtrail.iam.evaluator import Decision
from orgtrail.iam.policy import Statement
from orgtrail.iam.request import Kind, RequestContext

RULE = "trust"
_FACTORS = {
    "sts:externalid": "external id",
    "aws:multifactorauthpresent": "MFA",
    "aws:multifactorauthage": "MFA",
    "sts:sourceidentity": "source identity",
}
_NO_SOURCE = {"chatbot.amazonaws.com"}
"""Services not documented to send a source."""
_ASSUME = {
    Kind.FEDERATED: "sts:AssumeRoleWithWebIdentity",
}
_NAMED = (
    "sts:AssumeRole", "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity",
    "sts:SetSourceIdentity", "sts:TagSession",
)  # fmt: skip
_SSO = ":role/aws-reserved/sso.amazonaws.com/"

_SECTIONS = {
    "auditor": "access.auditor.trusted",
    "siem_reader": "siem.reader.trusted",
    "catalog_compaction": "catalog.compaction",
    "verification": "verification",
    "delivery": "delivery",
    "alarms_chat": "alarms.subscribers",
}
"""The setting that a role's trust follows from, by how the role's name begins."""


@dataclass(frozen=True)
class Assumption:
    """One class of callers that asks to assume a role, with what it has to state for that.

    Args:
        role: the role.
        who: the caller that stands for the class.
        action: how it assumes the role, such as `sts:AssumeRole`.
        context: the condition keys of its request, those that it chooses too.
        is_intended: whether nothing is to be said against it.
        decision: what AWS decides.

    """

    role: IamRole
    who: Member
    action: str
    context: RequestContext
    is_intended: bool
    decision: Decision


def assumptions(asker: Asker) -> Iterator[Assumption]:
    """Yield, for each role of the stack, every class of callers that its trust tells apart."""
    services = {each.role for each in asker.model.flows}
    for role in asker.model.roles:
        attached = AttachedPolicy(
            role.address, role.account, role.region, role.trust, "", "trust of role"
        )
        for statement in role.trust.statements:
            if not statement.allows or statement.doubt:
                continue
            for who in classes(asker.model, attached, statement):
                context = {**satisfying(statement, who.caller), **who.context}
                is_used = role.arn in services
                yield Assumption(
                    role,
                    who,
                    assuming(who),
                    context,
                    _why_not(asker, role, statement, who, is_used=is_used) is None,
                    _assumes(asker, role, who, context),
                )


def assuming(who: Member) -> str:
    """Return the action by which a caller assumes a role."""
    return _ASSUME.get(who.caller.kind, "sts:AssumeRole")


def trust_findings(asker: Asker, *, by_setting: bool) -> Iterator[Finding]:
    """Yield a finding for each caller that may assume a role of the stack and should not."""
    for attached in asker.model.attached_policies:
        if attached.owner != "trust of role":
            continue
        role = next(each for each in asker.model.roles if each.address == attached.address)
        name = attached.address.partition(".")[2]
        place = attached.address if not by_setting else next(
            (section for start, section in _SECTIONS.items() if name.startswith(start)), "access"
        )  # fmt: skip
        for severity, message in _of_role(asker, attached, role):
            yield Finding(severity, RULE, place, message)


def _of_role(
    asker: Asker, attached: AttachedPolicy, role: IamRole
) -> Iterator[tuple[Severity, str]]:
    yield from _uneven(role)
    services = {each.role for each in asker.model.flows}
    for statement in role.trust.statements:
        if not statement.allows or statement.doubt:
            continue
        if others := [each for each in statement.actions if each not in _NAMED]:
            yield (
                Severity.MEDIUM,
                f"{statement.label} allows {', '.join(others)}: a trust needs "
                f"{', '.join(_NAMED)} at most. Name what is meant.",
            )
        found = classes(asker.model, attached, statement)
        # Of those whom a provider signs in, only strangers are known.
        signs_in = any(each.caller.kind is Kind.FEDERATED for each in found)
        let_in = signs_in or any(_let_in(asker, role, statement, each) for each in found)
        if found and not let_in:
            yield (
                Severity.MEDIUM,
                f"{statement.label} lets nobody assume role {role.arn.rpartition('/')[2]}: it does "
                "not allow sts:AssumeRole, or a deny stands against it.",
            )
        for who in found:
            if not role.account and who.is_named:
                continue  # whose account it is, and so who is a stranger, is not known
            name = role.arn.rpartition("/")[2]
            reason = _why_not(asker, role, statement, who, is_used=role.arn in services)
            if reason:
                severity, why = reason
                yield severity, f"{statement.label}: {who.title} can assume role {name} {why}"


def _why_not(
    asker: Asker, role: IamRole, statement: Statement, who: Member, *, is_used: bool
) -> tuple[Severity, str] | None:
    """Return why a caller that may assume a role should not; None if it may not, or should."""
    given = satisfying(statement, who.caller)
    bare = satisfying(statement, who.caller, frozenset(_FACTORS))
    bare["aws:MultiFactorAuthPresent"] = "false"
    asked = [_assumes(asker, role, who, each) for each in (given, bare, {**bare, **_GUESSED})]
    if any(each.is_allowed for each in asked):
        without = any(each.is_allowed for each in asked[1:])
        return _fault(asker, role, statement, who, is_used=is_used, without=without)
    doubts = [each.statement for each in asked if each.is_undecided]
    without = any(each.is_undecided for each in asked[1:])
    if doubts and (why := _fault(asker, role, statement, who, is_used=is_used, without=without)):
        return Severity.UNPROVEN, f"perhaps ({doubts[0]}), {why[1]}"
    return None


def _fault(
    asker: Asker, role: IamRole, statement: Statement, who: Member, *, is_used: bool, without: bool
) -> tuple[Severity, str] | None:
    """Return why a caller should not assume a role; None if it should.

    Args:
        asker: knows what uses the role.
        role: the role.
        statement: what lets the caller in.
        who: the caller.
        is_used: whether a flow uses the role.
        without: whether the caller needs no second factor.

    """
    is_strange = is_used and who.caller.arn not in _used_by(asker.model, role)
    if who.caller.kind is Kind.SERVICE:
        return _why_not_service(who, is_used=is_used, is_strange=is_strange)
    if who.caller.kind is Kind.FEDERATED and who.is_named:
        asked = [value for each in statement.conditions for value in each.values]
        if any(value.endswith(":pull_request") for value in asked):
            return Severity.MEDIUM, "from any pull request: name a branch or an environment."
        return None
    if who.caller.kind is Kind.FEDERATED:
        return Severity.HIGH, "by any identity: add a condition on the subject (sub) of its token."
    if not who.is_named:
        return Severity.HIGH, "by a principal of *: name who is meant."
    if is_strange:
        return Severity.HIGH, "which is made for a service: name the service alone."
    if without and not _is_known(who, statement):
        return Severity.HIGH, "without MFA, external id or source identity: ask for one."
    if _is_whole_account(who) and not who.is_ours:
        return Severity.LOW, "as everybody in that account can: name the role, in trusted."
    return None


_GUESSED = {"sts:ExternalId": "somebody-else's", "sts:SourceIdentity": "somebody-else"}


def _why_not_service(
    who: Member, *, is_used: bool, is_strange: bool
) -> tuple[Severity, str] | None:
    """Return why a service that may assume a role should not; None if it should."""
    if is_strange:
        return Severity.HIGH, "and nothing in the stack uses that service: name its own alone."
    if who.caller.arn in _NO_SOURCE:
        return None
    if not who.is_ours:
        return Severity.HIGH, "for whoever names it: add a condition on aws:SourceArn."
    if is_used and who.is_other:
        return Severity.LOW, "for any resource of the account: name the one that uses the role."
    return None


def _let_in(asker: Asker, role: IamRole, statement: Statement, who: Member) -> bool:
    """Return whether a caller that has all that a statement asks for may assume a role."""
    return not _assumes(asker, role, who, satisfying(statement, who.caller)).is_denied


def _assumes(asker: Asker, role: IamRole, who: Member, context: RequestContext) -> Decision:
    given = {**context, **who.context}
    return asker.ask(who.caller, who.policies, assuming(who), role.arn, given)


def _used_by(model: Model, role: IamRole) -> set[str]:
    kinds = {each.kind for each in model.flows if each.role == role.arn}
    return {name for kind, name in services_of(model).items() if kind in kinds}


def _is_known(who: Member, statement: Statement) -> bool:
    """Return whether nothing more need be asked.

    It is so for one role of the organization that is named, and for people whom IAM Identity Center
    signs in, who have a second factor there.
    """
    by_sso = any(
        _SSO in value
        for each in statement.conditions
        if each.key.lower() == "aws:principalarn"
        for value in each.values
    )
    return who.is_ours and (by_sso or not _is_whole_account(who))


def _is_whole_account(who: Member) -> bool:
    return who.caller.arn.endswith(ANY_NAME)


def _uneven(role: IamRole) -> Iterator[tuple[Severity, str]]:
    """Yield a fault if one statement of a trust asks for less than another one."""
    people = [
        each for each in role.trust.statements
        if each.allows and not each.doubt and each.principals_of("AWS")
    ]  # fmt: skip
    asked = {each.label: {_FACTORS[key] for key in each.keys & set(_FACTORS)} for each in people}
    everything = set().union(*asked.values()) if asked else set()
    for label, factors in asked.items():
        if missing := sorted(everything - factors):
            yield (
                Severity.MEDIUM,
                f"{label} asks for no {' and no '.join(missing)}, and another statement of the "
                "same trust does: the strict one guards nothing. Ask in both.",
            )
