"""Rules of policies: whom they let in, and whether they say what they seem to."""

from __future__ import annotations

import re
from collections.abc import Iterator

from orgtrail.naming import LOGS
from orgtrail.proof.acts import DIGESTS
from orgtrail.proof.estate import Attached, Estate
from orgtrail.proof.findings import Severity, Trouble, rule
from orgtrail.proof.iam.patterns import like
from orgtrail.proof.iam.policy import Statement
from orgtrail.proof.principals import members
from orgtrail.regions import REGION
from orgtrail.trail import writers

_SOURCES = {"aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid"}
_LIMITS = _SOURCES | {
    "aws:principalorgid", "aws:principalaccount", "aws:principalarn", "aws:principalorgpaths",
    "kms:calleraccount",
}  # fmt: skip
"""Keys that make `*` mean somebody in particular."""
_BOUND = ("stringequals", "stringlike", "arnequals", "arnlike", "stringequalsignorecase")
_NEVER_SENT = {"chatbot.amazonaws.com"}
"""Services of which AWS does not say that they send a source; iam:PassRole binds their roles."""
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
            named = services - _NEVER_SENT - _bound_by_key(statement)
            if statement.allows and named and not _limited_by(statement, _SOURCES):
                yield of_policy(
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
                yield of_policy(
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
                yield of_policy(
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
        # Roles and users that are named are meant; whoever is behind `*` or an account is not.
        if not any(each == "*" or _is_account(each) for each in people):
            continue
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
                of_others = any(each in key for each in writers.FOLDERS)
                if of_logs and not of_others and not _is_written(estate, key):
                    yield of_policy(
                        each,
                        f"{statement.label} names {resource}, and CloudTrail writes no such key. "
                        f"Its folders are {', '.join(_FOLDERS)}.",
                    )


@rule("unreadable-policy", Severity.UNPROVEN)
def _readable(estate: Estate) -> Iterator[Trouble]:
    """Every policy is literal text, so that it can be read before the deploy."""
    for each in estate.attached:
        doubts = {statement.doubt for statement in each.policy.statements if statement.doubt}
        for doubt in sorted(doubts):
            yield of_policy(each, f"{doubt}. Write it as literal JSON to have it checked.")


def of_policy(attached: Attached, message: str) -> Trouble:
    """Return a finding about a policy, with the section that it follows from."""
    return Trouble(_SETTINGS[attached.setting], attached.address, message)


def _is_account(principal: str) -> bool:
    return principal.endswith(":root") or _ACCOUNT.fullmatch(principal) is not None


def _bound_by_key(statement: Statement) -> set[str]:
    """Return the services that send no source, where every key that they write names an account."""
    named = all(_ACCOUNT_IN_KEY.search(each) for each in statement.resources or ("",))
    return {writers.LOAD_BALANCING} if named else set()


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
