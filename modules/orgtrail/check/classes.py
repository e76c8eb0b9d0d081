"""Classes of callers: one caller for all whom a statement that lets somebody in treats alike.

A policy knows a caller only by what its principals and conditions compare: the account, the ARN,
the organization, the service and its source. Two callers that agree in all of these get the same
answer, so that one stands for the class. Every pattern gives a caller that matches it, in the
organization and outside; who matches no statement is let in by none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from orgtrail.check.model import AttachedPolicy, Model
from orgtrail.check.principals import ADMINISTRATOR, FOREIGN_ACCOUNT, FOREIGN_ORGANIZATION
from orgtrail.iam.patterns import sample
from orgtrail.iam.policy import Policy, Statement
from orgtrail.iam.request import Caller, Kind, RequestContext

_ACCOUNT = re.compile(r"(?<!\d)\d{12}(?!\d)", re.ASCII)
_OPEN = re.compile(r"(\w+:)?[^:/]*[*?]")
"""A subject of a token that anybody can have: its owner, `repo:OWNER/...`, has a wildcard."""
ANY_NAME = "of-any-name"
"""The name of the role that stands for all roles and users of an account."""
_SOURCES = ("aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid", "aws:sourceorgpaths")
_POSITIVE = ("stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike")
_OF_CALLER = frozenset({
    "aws:principalarn", "aws:principalaccount", "aws:principalorgid", "aws:principaltype",
    "aws:principalisawsservice", "aws:principalservicename", "aws:principalorgpaths",
    "kms:calleraccount", "kms:resourcealiases", "aws:securetransport", *_SOURCES,
})  # fmt: skip
"""Keys that follow from who asks and from the resource, whatever the request says."""


@dataclass(frozen=True)
class Member:
    """One caller that stands for a class.

    Args:
        title: who it is, in words.
        caller: how AWS sees it.
        context: condition keys of all of its requests: what a service acts for.
        is_ours: whether it acts for this organization.
        is_named: whether a principal names its account, and not only `*`.

    """

    title: str
    caller: Caller
    context: RequestContext
    is_ours: bool
    is_named: bool
    is_exact: bool = False
    """Whether a principal names this very role or user."""
    is_other: bool = False
    """Whether a service acts for a resource of ours that nothing names."""

    @property
    def policies(self) -> tuple[Policy, ...]:
        """Its own policies: its account allows it whatever there is."""
        return (ADMINISTRATOR,) if self.caller.account else ()


def classes(model: Model, attached: AttachedPolicy, statement: Statement) -> list[Member]:
    """Return a caller for each class that a statement of a resource's policy can tell apart."""
    found = _Classes(model, attached, statement)
    members: dict[tuple[Caller, str], Member] = {}
    for each in (*found.services(), *found.people(), *found.federated()):
        members.setdefault((each.caller, str(sorted(each.context.items()))), each)
    return list(members.values())


def known_accounts(model: Model) -> frozenset[str]:
    """Return the accounts that are known to be of the organization."""
    of_providers = (each.account for each in model.providers)
    return frozenset((*of_providers, *model.members, model.management, model.logging)) - {""}


def satisfying(
    statement: Statement, caller: Caller, without: frozenset[str] = frozenset()
) -> dict[str, str | tuple[str, ...]]:
    """Return condition keys that meet a statement's conditions, as far as a caller chooses them.

    Args:
        statement: the statement.
        caller: who asks; its account stands for policy variables.
        without: keys in lower case that the request leaves out.

    """
    given: dict[str, str | tuple[str, ...]] = {}
    for condition in statement.conditions:
        key, quantifier = condition.key.lower(), condition.operator.lower().rpartition(":")[0]
        operator = condition.operator.lower().rpartition(":")[2].removesuffix("ifexists")
        if key in _OF_CALLER or key in without or not condition.values:
            continue
        value = sample(condition.values[0].replace("${aws:PrincipalAccount}", caller.account))
        if operator == "null":
            if condition.values[0].lower() == "false":
                given.setdefault(condition.key, "arn:aws:any:any:any:any")
        elif operator in _POSITIVE or operator in ("bool", "numericequals"):
            given[condition.key] = (value,) if quantifier else value
        elif operator.startswith("numericlessthan"):
            given[condition.key] = "0"
    return given


_COGNITO = "cognito-identity.amazonaws.com"
"""It gives tokens to people who have not signed in too.
https://docs.aws.amazon.com/cognito/latest/developerguide/role-trust-and-permissions.html"""


@dataclass(frozen=True)
class _Classes:
    model: Model
    attached: AttachedPolicy
    statement: Statement

    def services(self) -> Iterator[Member]:
        """Yield each named service: for what the conditions name, a member's and a stranger's."""
        for name in self.statement.principals_of("Service"):
            for title, context, ours, other in self._sources():
                caller = Caller(Kind.SERVICE, name)
                who = f"{name}, acting for {title},"
                yield Member(who, caller, context, ours, is_named=True, is_other=other)

    def _sources(self) -> Iterator[tuple[str, RequestContext, bool, bool]]:
        """Yield what a service may act for: words, condition keys, whether ours, whether another.

        Every value that a condition compares is a class of its own.
        """
        arns = [sample(each) for each in self._values("aws:sourcearn")]
        accounts = [_account_like(each) for each in self._values("aws:sourceaccount")]
        named = [(arn, _account_of(arn)) for arn in arns] or [("", "")]
        pairs = [(arn, account or own) for arn, own in named for account in (accounts or [own])]
        for given, account in dict.fromkeys(pairs):
            owner = account or self.attached.account
            arn = given or f"arn:{self.model.partition}:any:any:{owner}:any"
            ours = owner in known_accounts(self.model) or owner == self.attached.account
            own = self._source(arn, owner, self.model.organization if ours else "")
            yield f"{given or 'a resource'} of account {owner}", own, ours, False
            unrelated = ":".join((*arn.split(":")[:5], "unrelated"))
            other = {**own, "aws:SourceArn": unrelated}
            yield f"another resource of account {owner}", other, ours, True
        arn = _in_account((arns or [f"arn:{self.model.partition}:any:any:0:any"])[0],
                          FOREIGN_ACCOUNT)  # fmt: skip
        for organization in ("", *self._foreign_organizations("aws:sourceorgid")):
            foreign = self._source(arn, FOREIGN_ACCOUNT, organization)
            yield "a stranger's resource", foreign, False, False

    def _source(self, arn: str, account: str, organization: str) -> RequestContext:
        return {
            "aws:SourceArn": arn,
            "aws:SourceAccount": account,
            "aws:SourceOrgID": organization or FOREIGN_ORGANIZATION,
        }

    def _foreign_organizations(self, key: str) -> list[str]:
        """Return the organizations other than ours that a condition lets in."""
        named = map(sample, self._values(key))
        return [each for each in named if each != self.model.organization]

    def people(self) -> Iterator[Member]:
        """Yield who is named, and of `*` and of accounts those that conditions tell apart."""
        # A statement that allows all but some is asked about as one that allows everybody.
        everybody = ["*"] if self.statement.all_principals_but else None
        for name in everybody or self.statement.principals_of("AWS"):
            if name == "*":
                yield Member(
                    "anybody without credentials", Caller(Kind.ANONYMOUS), {}, False, False
                )
                for account in self._accounts():
                    yield from self._of_account(account, named=False)
                for each in self._foreign_organizations("aws:principalorgid"):
                    yield from self._of_organization(each)
            elif name.endswith(":root") or _ACCOUNT.fullmatch(name):
                account = next(iter(_ACCOUNT.findall(name)), "")
                if account:
                    yield from self._of_account(account, named=True)
            elif name.startswith("arn:"):
                yield replace(self._person(name, named=True), is_exact=True)

    def _accounts(self) -> list[str]:
        """Return the accounts that the conditions of a statement for `*` can tell apart."""
        named = [*self._values("aws:principalaccount"), *self._values("kms:calleraccount")]
        arns = [each.split(":") for each in self._values("aws:principalarn")]
        named += [each[4] for each in arns if len(each) > 5]
        inside = self.model.members[:1] or ("333333333333",)
        return list(dict.fromkeys(
            [FOREIGN_ACCOUNT, *inside, self.model.management, *map(_account_like, named)]
        ))  # fmt: skip

    def _of_account(self, account: str, *, named: bool) -> Iterator[Member]:
        arns = [each for each in self._values("aws:principalarn") if each.count(":") >= 5]
        for arn in arns:
            yield self._person(_in_account(sample(arn), account), named=named)
        name = f"arn:{self.model.partition}:iam::{account}:role/{ANY_NAME}"
        yield self._person(name, named=named)

    def _of_organization(self, organization: str) -> Iterator[Member]:
        """Yield strangers whose organization a condition names."""
        for who in self._of_account(FOREIGN_ACCOUNT, named=False):
            caller = replace(who.caller, organization=organization)
            yield replace(who, title=f"{who.title} (of {organization})", caller=caller)

    def _person(self, arn: str, *, named: bool) -> Member:
        account = next(iter(_ACCOUNT.findall(arn)), "")
        ours = account in known_accounts(self.model)
        organization = self.model.organization if ours else FOREIGN_ORGANIZATION
        kind = Kind.USER if ":user/" in arn else Kind.ROLE
        session = "session"
        if ":assumed-role/" in arn:
            base, _, session = arn.rpartition("/")
            arn = base.replace(":sts:", ":iam:").replace(":assumed-role/", ":role/")
        caller = Caller(kind, arn, account, organization, session)
        place = "" if ours else ", which is not of the organization,"
        name = "any role" if arn.endswith(ANY_NAME) else arn.partition(f":{account}:")[2] or arn
        title = f"{name} of account {account}{place}"
        return Member(title, caller, {}, ours, is_named=named)

    def federated(self) -> Iterator[Member]:
        """Yield whom a named identity provider signs in: who is meant, and a stranger."""
        for name in self.statement.principals_of("Federated"):
            issuer = name.partition("-provider/")[2] or name
            caller = Caller(Kind.FEDERATED, name)
            meant = f"whom {issuer} signs in as the policy asks"
            yield Member(meant, caller, {}, is_ours=False, is_named=True)
            if ":saml-provider/" in name:
                continue  # it signs in the organization's own people
            open_ = (each for each in self._values(f"{issuer}:sub".lower()) if _OPEN.match(each))
            subject = sample(next(open_, "somebody-else"))
            for title, amr in (
                (f"a stranger signed in by {issuer}", "authenticated"),
                (f"anybody whom {issuer} lets in without a sign-in", "unauthenticated"),
            ):
                if amr == "unauthenticated" and issuer != _COGNITO:
                    continue
                claims = {f"{issuer}:sub": subject, f"{issuer}:amr": amr}
                yield Member(title, caller, claims, is_ours=False, is_named=False)

    def _values(self, key: str) -> list[str]:
        return [
            value
            for each in self.statement.conditions
            if each.key.lower() == key and each.operator.lower().startswith(_POSITIVE)
            for value in each.values
        ]


def _in_account(arn: str, account: str) -> str:
    """Return an ARN in another account, if it has one."""
    parts = arn.split(":", 5)
    if len(parts) < 6 or not parts[4]:
        return arn
    return ":".join((*parts[:4], account, parts[5]))


def _account_of(arn: str) -> str:
    """Return the account in an ARN, empty if it has none."""
    parts = arn.split(":", 5)
    return parts[4] if len(parts) == 6 and _ACCOUNT.fullmatch(parts[4]) else ""


def _account_like(pattern: str) -> str:
    """Return an account id that matches a pattern: digits in the place of wildcards."""
    if _ACCOUNT.fullmatch(pattern):
        return pattern
    digits = "".join(
        "0" if each == "?" else each for each in pattern if each.isdigit() or each in "?*"
    )
    filled = digits.replace("*", "0" * (12 - len(digits.replace("*", ""))), 1).replace("*", "")
    return filled if _ACCOUNT.fullmatch(filled) else FOREIGN_ACCOUNT
