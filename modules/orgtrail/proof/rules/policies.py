"""Rules of policies: whom they let in, and whether they say what they seem to."""

from __future__ import annotations

import re
from collections.abc import Iterator

from orgtrail.layout import LOGS
from orgtrail.proof.acts import DIGESTS
from orgtrail.proof.estate import Attached, Estate
from orgtrail.proof.findings import Severity, Trouble, rule
from orgtrail.proof.iam.evaluator import Policies, Verdict, evaluate
from orgtrail.proof.iam.patterns import like
from orgtrail.proof.iam.policy import Policy, Statement
from orgtrail.proof.iam.request import Caller, Kind, Request
from orgtrail.proof.principals import ADMINISTRATOR, members
from orgtrail.regions import REGION

_SOURCES = {"aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid"}
_LIMITS = _SOURCES | {
    "aws:principalorgid", "aws:principalaccount", "aws:principalarn", "aws:principalorgpaths",
    "kms:calleraccount",
}  # fmt: skip
"""Keys that make `*` mean somebody in particular."""
_BOUND = ("stringequals", "stringlike", "arnequals", "arnlike", "stringequalsignorecase")
_SPARING = ("arnnotlike", "arnnotequals", "stringnotlike", "stringnotequals")
_ANY_NAME = "0-a-role-of-any-name"
_NEVER_SENT = {"chatbot.amazonaws.com"}
"""Services of which AWS does not say that they send a source; iam:PassRole binds their roles."""
_FOLDERS = (LOGS, DIGESTS, "CloudTrail-Insight", "CloudTrail-NetworkActivity")
_ACCOUNT = re.compile(r"\b\d{12}\b", re.ASCII)
_VARIABLE = re.compile(r"\$\{[^}]*\}")
_REGION = re.compile(rf"\b({REGION})\b", re.ASCII)
_SETTINGS = {
    "bucket": "archive", "key": "key", "topic": "alarms", "queue": "siem", "role": "access",
    "trust of role": "access", "organization policy": "guardrails",
}  # fmt: skip


@rule("confused-deputy", Severity.HIGH)
def _confused_deputy(estate: Estate) -> Iterator[Trouble]:
    """A policy that lets a service in names the resource or account that the service acts for."""
    for each in estate.attached:
        for statement in each.policy.statements:
            services = {name for kind, name in statement.principals or () if kind == "Service"}
            named = services - _NEVER_SENT
            if statement.allows and named and not _limited_by(statement, _SOURCES):
                yield _trouble(
                    each,
                    f"{statement.label} lets {', '.join(sorted(named))} in for anybody's "
                    "resource: a stranger's trail could write here. Add a condition on "
                    "aws:SourceArn with the trail's ARN.",
                )


@rule("everybody", Severity.HIGH)
def _everybody(estate: Estate) -> Iterator[Trouble]:
    """A policy that lets everybody in says whom it means by a condition."""
    for each in estate.attached:
        if each.setting == "organization policy":
            continue
        for statement in each.policy.statements:
            anybody = ("AWS", "*") in (statement.principals or ())
            open_ = statement.allows and not statement.doubt and anybody
            if open_ and not _limited_by(statement, _LIMITS):
                yield _trouble(
                    each,
                    f"{statement.label} lets everybody in. Name the principals, or add a "
                    "condition on aws:PrincipalOrgID.",
                )


@rule("not-but", Severity.MEDIUM)
def _all_but(estate: Estate) -> Iterator[Trouble]:
    """A policy that allows says what, not what not: the rest of AWS grows by itself."""
    for each in estate.attached:
        for statement in each.policy.statements:
            if statement.allows and (statement.all_principals_but or statement.all_actions_but):
                yield _trouble(
                    each, f"{statement.label} allows with Not...: name what it is to allow."
                )


@rule("member-isolation", Severity.HIGH)
def _members_see_their_own(estate: Estate) -> Iterator[Trouble]:
    """A reader in a member account reads the log files of that account alone."""
    archive = estate.archive
    if not archive or not archive.policy:
        return
    first, second = members(estate)
    for statement in archive.policy.statements:
        if not statement.allows or not statement.is_about("s3:GetObject"):
            continue
        people = [name for kind, name in statement.principals or () if kind == "AWS"]
        if all(f"::{estate.logging}:" in each or each == estate.logging for each in people):
            continue
        seen = [
            account
            for account in (first, second)
            if any(
                like(resource, f"arn:{estate.partition}:s3:::{archive.name}/{key}")
                for resource in statement.resources or ()
                for key in _keys(estate, account, _above(estate)[0])
            )
        ]
        if len(seen) > 1:
            yield Trouble(
                "access.member_readers",
                estate.policy_address(archive),
                f"{statement.label} lets a member read the log files of all accounts. Put "
                "${aws:PrincipalAccount} in the place of the account in its Resource.",
            )


@rule("unknown-keys", Severity.MEDIUM)
def _keys_that_nothing_has(estate: Estate) -> Iterator[Trouble]:
    """A policy names keys of the archive that CloudTrail writes: a misspelt one matches nothing."""
    archive = estate.archive
    if not archive:
        return
    bucket = f"arn:{estate.partition}:s3:::{archive.name}/"
    for each in estate.attached:
        for statement in each.policy.statements:
            for resource in statement.resources or ():
                key = resource.removeprefix(bucket)
                of_logs = key != resource and key.startswith(estate.logs_prefix)
                if of_logs and not _is_written(estate, key):
                    yield _trouble(
                        each,
                        f"{statement.label} names {resource}, and CloudTrail writes no such key. "
                        f"Its folders are {', '.join(_FOLDERS)}.",
                    )


@rule("deploy-lockout", Severity.HIGH)
def _deploy_role_is_exempt(estate: Estate) -> Iterator[Trouble]:
    """The service control policy spares the role that deploys to the logging account."""
    role = estate.deploy_role(estate.logging)
    if not role or not estate.archive:
        return
    caller = Caller(Kind.ROLE, role, estate.logging, estate.organization)
    arn = f"arn:{estate.partition}:s3:::{estate.archive.name}"
    request = Request(
        caller, "s3:PutBucketPolicy", arn, estate.logging, {"aws:SecureTransport": "true"}
    )
    for control in estate.controls:
        # Where nobody knows whether it binds, the access is unproven.
        if control.kind == "SCP" and estate.binds(control, estate.logging):
            alone = Policies((ADMINISTRATOR, control.policy))
            decision = evaluate(request, alone)
            if decision.verdict is Verdict.EXPLICIT_DENY:
                yield Trouble(
                    "guardrails.exempt_roles",
                    control.address,
                    f"{decision.statement} binds {role}: the first deploy would lock itself out "
                    "of the archive. Add the role to the exemption.",
                )


@rule("broad-exemption", Severity.HIGH)
def _exemptions_are_narrow(estate: Estate) -> Iterator[Trouble]:
    """A deny spares roles that are named; one that spares every role of an account spares all."""
    for each in estate.attached:
        for pattern in dict.fromkeys(_spared(each.policy)):
            account = next(iter(_ACCOUNT.findall(pattern)), estate.logging)
            if like(pattern, f"arn:{estate.partition}:iam::{account}:role/{_ANY_NAME}"):
                yield _trouble(
                    each,
                    f"{each.policy.name} spares {pattern}: that is every role, and whoever can "
                    "make one. Name the roles.",
                )


@rule("unreadable-policy", Severity.UNPROVEN)
def _readable(estate: Estate) -> Iterator[Trouble]:
    """Every policy is literal text, so that it can be read before the deploy."""
    for each in estate.attached:
        doubts = {statement.doubt for statement in each.policy.statements if statement.doubt}
        for doubt in sorted(doubts):
            yield _trouble(each, f"{doubt}. Write it as literal JSON to have it checked.")


def _trouble(attached: Attached, message: str) -> Trouble:
    return Trouble(_SETTINGS[attached.setting], attached.address, message)


def _spared(policy: Policy) -> Iterator[str]:
    """Yield the principals that denies leave out."""
    for statement in policy.statements:
        for condition in statement.conditions:
            spares = condition.operator.lower().rpartition(":")[2] in _SPARING
            if not statement.allows and spares and condition.key.lower() == "aws:principalarn":
                yield from condition.values


def _limited_by(statement: Statement, keys: set[str]) -> bool:
    """Tell whether a condition holds one of the keys to values that are not just `*`."""
    return any(
        condition.key.lower() in keys
        and condition.operator.lower().rpartition(":")[2] in _BOUND
        and "*" not in condition.values
        for condition in statement.conditions
    )


def _above(estate: Estate) -> tuple[str, str]:
    """Return what is above the accounts: the organization's folder, and that of its own accounts.

    The second has the management account alone: CreateTrail asks for it. A key's prefix may be the
    organization's id too, as in AWS Control Tower's buckets (o-xxx/AWSLogs/o-xxx/...).
    """
    return f"{estate.logs_prefix}{estate.organization}/", estate.logs_prefix


def _keys(estate: Estate, account: str, above: str) -> list[str]:
    region = estate.trail.region if estate.trail else ""
    prefix = f"{above}{account}"
    return [f"{prefix}/{folder}/{region}/2026/01/31/file.json.gz" for folder in _FOLDERS]


def _is_written(estate: Estate, pattern: str) -> bool:
    """Tell whether a pattern covers any key that CloudTrail writes for any account and region."""
    accounts = {*_ACCOUNT.findall(pattern), estate.management, *members(estate)}
    for anything in (_VARIABLE, _REGION):
        pattern = anything.sub("*", pattern)
    return any(
        like(pattern, key)
        for account in accounts
        for above in _above(estate)
        for key in _keys(estate, account, above)
    )
