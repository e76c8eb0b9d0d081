"""Rules on bucket, key, trust and other policies: whom they let in, and whether they work."""

from __future__ import annotations

import re
from collections.abc import Iterator

from orgtrail.check.asking import Asker
from orgtrail.check.attack import DIGESTS
from orgtrail.check.controls import denies_plain_text
from orgtrail.check.findings import Violation
from orgtrail.check.model import AttachedPolicy, Model
from orgtrail.check.principals import ADMINISTRATOR, members
from orgtrail.iam.patterns import like
from orgtrail.iam.policy import Statement
from orgtrail.iam.request import Caller, Kind
from orgtrail.naming import LOGS
from orgtrail.regions import REGION
from orgtrail.trail import writers

_SOURCES = {"aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid"}
_LIMITS = _SOURCES | {
    "aws:principalorgid", "aws:principalaccount", "aws:principalarn", "aws:principalorgpaths",
    "kms:calleraccount",
}  # fmt: skip
"""Condition keys that narrow a principal of `*` to certain callers."""
_BOUND = ("stringequals", "stringlike", "arnequals", "arnlike", "stringequalsignorecase")
_NO_SOURCE = {"chatbot.amazonaws.com"}
"""Services not documented to send a source; iam:PassRole limits who can use their roles."""
_FOLDERS = (
    LOGS,
    DIGESTS,
    "CloudTrail-Aggregated",
    "CloudTrail-Insight",
    "CloudTrail-NetworkActivity",
)
_ACCOUNT = re.compile(r"\b\d{12}\b", re.ASCII)
_ACCOUNT_IN_KEY = re.compile(r"/AWSLogs/\d{12}/", re.ASCII)
_VARIABLE = re.compile(r"\$\{[^}]*\}")
_REGION = re.compile(rf"\b({REGION})\b", re.ASCII)
_SECTIONS = {
    "bucket": "archive", "key": "key", "topic": "alarms", "queue": "siem", "role": "access",
    "trust of role": "access", "organization policy": "guardrails",
}  # fmt: skip


def confused_deputy(model: Model) -> Iterator[Violation]:
    """A policy that lets a service in names the resource or account that the service acts for."""
    for policy, statement in model.statements:
        services = set(statement.principals_of("Service"))
        named = services - _NO_SOURCE - _limited_by_path(statement)
        if statement.allows and named and not _limited_by(statement, _SOURCES):
            yield policy_violation(
                policy,
                f"{statement.label} lets {', '.join(sorted(named))} in for anybody's "
                "resource: a stranger's trail could write here. Add a condition on "
                "aws:SourceArn with the trail's ARN.",
            )


def everybody(model: Model) -> Iterator[Violation]:
    """A policy that lets everybody in says whom it means by a condition."""
    for policy, statement in model.statements:
        is_open = statement.allows and not statement.doubt and "*" in statement.principals_of("AWS")
        if policy.owner == "organization policy" or not is_open:
            continue
        if not _limited_by(statement, _LIMITS):
            yield policy_violation(
                policy,
                f"{statement.label} lets everybody in. Name the principals, or add a "
                "condition on aws:PrincipalOrgID.",
            )


def not_but(model: Model) -> Iterator[Violation]:
    """A policy that allows says what, not what not: the rest of AWS grows over time."""
    for policy, statement in model.statements:
        if statement.allows and (statement.all_principals_but or statement.all_actions_but):
            message = f"{statement.label} allows with Not...: name what it is to allow."
            yield policy_violation(policy, message)


def member_isolation(model: Model) -> Iterator[Violation]:
    """A reader in a member account reads the log files of that account alone."""
    archive = model.archive
    if not archive or not archive.policy:
        return
    first, second = members(model)
    for statement in archive.policy.statements:
        if not statement.allows or not statement.is_about("s3:GetObject"):
            continue
        people = statement.principals_of("AWS")
        # Roles and users that are named are intended; `*` or an account may be anybody.
        if not any(each == "*" or _is_account(each) for each in people):
            continue
        if all(f"::{model.logging}:" in each or each == model.logging for each in people):
            continue
        seen = [
            account
            for account in (first, second)
            if any(
                like(resource, f"arn:{model.partition}:s3:::{archive.name}/{key}")
                for resource in statement.resources or ()
                for key in _keys(model, account, _above(model)[0])
            )
        ]
        if len(seen) > 1:
            yield Violation(
                "access.member_readers",
                model.policy_address(archive),
                f"{statement.label} lets a member read the log files of all accounts. Put "
                "${aws:PrincipalAccount} in the place of the account in its Resource.",
            )


def unknown_keys(model: Model) -> Iterator[Violation]:
    """A policy names keys of the archive that CloudTrail writes: a misspelt one matches nothing."""
    archive = model.archive
    if not archive:
        return
    bucket = f"arn:{model.partition}:s3:::{archive.name}/"
    for policy, statement in model.statements:
        for resource in statement.resources or ():
            key = resource.removeprefix(bucket)
            of_logs = key != resource and key.startswith(model.logs_prefix)
            of_others = any(each in key for each in writers.FOLDERS)
            if of_logs and not of_others and not _is_written(model, key):
                yield policy_violation(
                    policy,
                    f"{statement.label} names {resource}, and CloudTrail writes no such key. "
                    f"Its folders are {', '.join(_FOLDERS)}.",
                )


def unreadable_policy(model: Model) -> Iterator[Violation]:
    """Every policy is literal text, so that it can be read before the deploy."""
    for each in model.attached_policies:
        doubts = {statement.doubt for statement in each.policy.statements if statement.doubt}
        for doubt in sorted(doubts):
            yield policy_violation(each, f"{doubt}. Write it as literal JSON to have it checked.")
    for each, statement in model.statements:
        for kind, name in statement.principals or ():
            if statement.allows and not _is_known(kind, name):
                message = (
                    f"{statement.label} lets {kind} {name} in, and whom that is no stack tells."
                )
                yield policy_violation(each, f"{message} Name an account, a role or a service.")


def plain_text(model: Model) -> Iterator[Violation]:
    """The policies of topics and queues deny calls without TLS, as those of buckets do."""
    for each in model.receivers:
        acts = (
            ("sqs:SendMessage", "sqs:ReceiveMessage") if ":sqs:" in each.arn else ("sns:Publish",)
        )
        policy = each.policy
        if policy and all(statement.doubt for statement in policy.statements):
            continue
        if not policy or not all(denies_plain_text(model, policy, act, each.arn) for act in acts):
            section = "alarms" if each.account == model.management else "siem"
            yield Violation(
                section,
                each.address,
                f"{each.arn} takes calls without TLS. Deny them in its policy, where "
                "aws:SecureTransport is false.",
            )


def member_trails(model: Model) -> Iterator[Violation]:
    """A service control policy keeps trails from being stopped in the accounts that it binds."""
    binding = [each for each in model.scps if each.targets]
    if not binding or not model.is_known or not model.trail:
        return
    asker = Asker(model)
    arn = f"arn:{model.partition}:iam::{model.logging}:role/any"
    caller = Caller(Kind.ROLE, arn, model.logging, model.organization)
    trail = f"arn:{model.partition}:cloudtrail:{model.trail.region}:{model.logging}:trail/its-own"
    open_ = [
        act
        for act in ("cloudtrail:StopLogging", "cloudtrail:DeleteTrail", "cloudtrail:UpdateTrail")
        if asker.ask(caller, (ADMINISTRATOR,), act, trail).is_allowed
    ]
    if open_:
        yield Violation(
            "guardrails",
            binding[0].address,
            f"{', '.join(open_)} on trails of an account's own: no service control policy denies "
            "it, and whoever takes an account over could blind it. Deny it.",
        )


def policy_violation(attached: AttachedPolicy, message: str) -> Violation:
    """Return a violation by a policy, with the section of the settings that creates the policy."""
    return Violation(_SECTIONS[attached.owner], attached.address, message)


def _is_known(kind: str, name: str) -> bool:
    """Return whether a principal says whom it names; a canonical user's id does not."""
    if kind == "AWS":
        parts = name.split(":")
        return name == "*" or _is_account(name) or (len(parts) >= 6 and parts[4].isdigit())
    return kind in ("Service", "Federated")


def _is_account(principal: str) -> bool:
    return principal.endswith(":root") or _ACCOUNT.fullmatch(principal) is not None


def _limited_by_path(statement: Statement) -> set[str]:
    """Return the services without a source that can write only to keys that name an account."""
    named = all(_ACCOUNT_IN_KEY.search(each) for each in statement.resources or ("",))
    return {writers.LOAD_BALANCING} if named else set()


def _limited_by(statement: Statement, keys: set[str]) -> bool:
    """Return whether a condition limits one of the keys to values other than `*`."""
    return any(
        condition.key.lower() in keys
        and condition.operator.lower().rpartition(":")[2] in _BOUND
        and "*" not in condition.values
        for condition in statement.conditions
    )


def _above(model: Model) -> tuple[str, str]:
    """Return the prefixes above accounts: the organization's, and the one for management only.

    CreateTrail requires the second. The prefix of the trail may be the organization's id too, as
    in AWS Control Tower's buckets (o-xxx/AWSLogs/o-xxx/...).
    """
    return f"{model.logs_prefix}{model.organization}/", model.logs_prefix


def _keys(model: Model, account: str, above: str) -> list[str]:
    region = model.trail.region if model.trail else ""
    prefix = f"{above}{account}"
    return [f"{prefix}/{folder}/{region}/2026/01/31/file.json.gz" for folder in _FOLDERS]


def _is_written(model: Model, pattern: str) -> bool:
    """Return whether a pattern covers a key that CloudTrail writes for any account and region."""
    accounts = {*_ACCOUNT.findall(pattern), model.management, *members(model)}
    for anything in (_VARIABLE, _REGION):
        pattern = anything.sub("*", pattern)
    return any(
        like(pattern, key)
        for account in accounts
        for above in _above(model)
        for key in _keys(model, account, above)
    )


def nobody_can_assume(model: Model) -> Iterator[Violation]:
    """A trust that asks for MFA names no roles: their sessions never carry it."""
    for each in model.roles:
        for statement in each.trust.statements:
            named = _callers(statement)
            roles = [arn for arn in named if ":role/" in arn]
            if statement.allows and roles == named and roles and _requires_mfa(statement):
                yield Violation(
                    "access.auditor",
                    each.address,
                    f"{statement.label} asks {', '.join(roles)} for MFA, and no session of a role "
                    "carries aws:MultiFactorAuthPresent: nobody can assume the role. Ask for an "
                    "external id or a source identity.",
                )


def sso_path(model: Model) -> Iterator[Violation]:
    """A role of IAM Identity Center is named with its path: without, nothing matches it."""
    for policy, statement in model.statements:
        roles = [each for each in statement.resources or () if ":role/" in each]
        for arn in dict.fromkeys((*_callers(statement), *roles)):
            if ":role/AWSReservedSSO_" in arn:
                yield Violation(
                    "guardrails.exempt_roles",
                    policy.address,
                    f"{statement.label} names {arn}, which is the ARN of no role: one of IAM "
                    "Identity Center has a path. Write role/aws-reserved/sso.amazonaws.com/*"
                    f"{arn.partition(':role/')[2]}.",
                )


def no_boundary(model: Model) -> Iterator[Violation]:
    """Every role has a permissions boundary: without one, whoever deploys can give it more."""
    for account in dict.fromkeys(each.account for each in model.roles):
        open_ = [each for each in model.roles if each.account == account and not each.boundary]
        if open_:
            place = "management" if account == model.management else "logging"
            names = ", ".join(each.arn.rpartition("/")[2] for each in open_)
            yield Violation(
                f"accounts.{place}.permissions_boundary",
                open_[0].address,
                f"no permissions boundary on {names} of account {account}: who may write their "
                "policies can do whatever those allow. Make the policy that `orgtrail permissions "
                f"FILE {place} --for boundary` prints, and name it.",
            )


def _requires_mfa(statement: Statement) -> bool:
    return any(
        each.key.lower() == "aws:multifactorauthpresent"
        and each.operator.lower() == "bool"
        and "true" in each.values
        for each in statement.conditions
    )


def _callers(statement: Statement) -> list[str]:
    """Return the callers that conditions name or, if none does, the principals."""
    by_condition = [
        value
        for each in statement.conditions
        if each.key.lower() == "aws:principalarn"
        for value in each.values
    ]
    return by_condition or statement.principals_of("AWS")
