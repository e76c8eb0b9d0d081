"""The principals of the access matrix: everybody whom an auditor would ask about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from orgtrail.naming import CLOUDTRAIL
from orgtrail.proof.estate import Estate, Trail
from orgtrail.proof.iam.patterns import like
from orgtrail.proof.iam.policy import Policy, parse
from orgtrail.proof.iam.request import Caller, Context, Kind
from orgtrail.proof.intent import Intent

STRANGER = "000000000000"
"""An account of another organization; AWS gives this id to nobody."""
STRANGERS = "o-strangers00"
_READER = "organization-trail-reader"

ADMINISTRATOR = parse(
    "AdministratorAccess",
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": "Everything", "Effect": "Allow", "Action": "*", "Resource": "*"},
        ],
    },
)


@dataclass(frozen=True)
class Principal:
    """One row of the matrix.

    Args:
        id: its name in the report.
        title: who that is, in words.
        caller: how AWS sees it.
        policies: what its own account allows it.
        context: condition keys that it always brings.
        is_administrator: its own account allows it everything.
        is_exempt: the SCP is meant to spare it.
        breaks_glass: it is meant to delete log files.
        administers_key: the key's policy is meant to name it.
        reads: it is meant to read the archive.

    """

    id: str
    title: str
    caller: Caller
    policies: tuple[Policy, ...] = ()
    context: Context = field(default_factory=dict)
    is_administrator: bool = False
    is_exempt: bool = False
    breaks_glass: bool = False
    administers_key: bool = True
    reads: bool = False


def principals(estate: Estate, intent: Intent) -> list[Principal]:
    """Return everybody whom the matrix asks about, CloudTrail first."""
    rows = _Rows(estate, intent)
    found: list[Principal] = []
    for each in (*rows.services(), *rows.administrators(), *rows.roles(), *rows.others()):
        # A role may be named twice: a deploy role is exempt too.
        known = any((each.caller, each.context) == (one.caller, one.context) for one in found)
        if not known:
            found.append(each)
    return found


def members(estate: Estate) -> tuple[str, str]:
    """Return two accounts of the organization beside management and logging, made up if need be."""
    known = [*estate.members, "333333333333", "444444444444"]
    taken = {estate.management, estate.logging}
    first, second = [each for each in dict.fromkeys(known) if each not in taken][:2]
    return first, second


@dataclass(frozen=True)
class _Rows:
    estate: Estate
    intent: Intent

    def services(self) -> Iterator[Principal]:
        trail = self.estate.trail
        if not trail:
            return
        member = members(self.estate)[0]
        ours = self.estate.organization
        yield self._cloudtrail("cloudtrail", "CloudTrail, for this trail", trail.arn, ours)
        yield self._cloudtrail(
            "cloudtrail-of-member",
            "CloudTrail, for a member's own trail",
            self._trail_of(trail, member),
            ours,
        )
        yield self._cloudtrail(
            "cloudtrail-of-stranger",
            "CloudTrail, for a stranger's trail",
            self._trail_of(trail, STRANGER),
            STRANGERS,
        )

    def administrators(self) -> Iterator[Principal]:
        for place, account in self._accounts().items():
            yield self._role(
                f"{place}-administrator",
                f"an administrator of the {place} account",
                self._arn(account, "Administrator"),
            )
            yield Principal(
                f"{place}-root",
                f"the root user of the {place} account",
                Caller(Kind.ROOT, f"arn:{self.estate.partition}:iam::{account}:root", account,
                       self.estate.organization),
                is_administrator=True,
                administers_key=not self.intent.key_administrators,
            )  # fmt: skip

    def roles(self) -> Iterator[Principal]:
        for place, account in self._accounts().items():
            role = self.estate.deploy_role(account)
            if role:
                yield self._role(f"deploy-{place}", f"the role that deploys to {place}", role)
        for kind, patterns in (
            ("break-glass", self.intent.break_glass_roles),
            ("exempt", self.intent.exempt_roles),
        ):
            for number, pattern in enumerate(patterns, start=1):
                # One name in every account: asked about where the evidence is.
                role = pattern.replace("::*:", f"::{self.estate.logging}:")
                role = role.replace("*", "any").replace("?", "x")
                name = kind if number == 1 else f"{kind}-{number}"
                yield self._role(name, f"the {kind} role {role.rpartition('/')[2]}", role)
        for each in self.estate.roles:
            if each.account == self.estate.logging:
                caller = Caller(Kind.ROLE, each.arn, each.account, self.estate.organization)
                name = each.address.partition(".")[2]
                yield Principal(
                    name, f"the role {each.arn.rpartition('/')[2]}", caller, each.policies,
                    reads=self._reads(each.policies),
                )  # fmt: skip

    def others(self) -> Iterator[Principal]:
        member = members(self.estate)[0]
        if self.intent.reader_accounts:
            member = self.intent.reader_accounts[0]
        reader = self.intent.member_reader or _READER
        yield self._role("member-reader", "a member's reader", self._arn(member, reader))
        outside = f"arn:{self.estate.partition}:iam::{STRANGER}:role/Administrator"
        yield Principal(
            "another-organization",
            "an administrator of another organization",
            Caller(Kind.ROLE, outside, STRANGER, STRANGERS),
            (ADMINISTRATOR,),
        )
        yield Principal("public", "the anonymous public", Caller(Kind.ANONYMOUS))

    def _accounts(self) -> dict[str, str]:
        accounts = {
            "management": self.estate.management,
            "logging": self.estate.logging,
            "member": members(self.estate)[0],
        }
        if self.intent.delegated:
            accounts["delegated"] = self.intent.delegated
        for watch in self.estate.watches:
            if watch.account not in accounts.values():
                accounts.setdefault("detecting", watch.account)
        return accounts

    def _arn(self, account: str, name: str) -> str:
        return f"arn:{self.estate.partition}:iam::{account}:role/{name}"

    def _role(self, name: str, title: str, arn: str) -> Principal:
        """Return a role whose own account allows it everything: the worst case."""
        intent, account = self.intent, arn.split(":")[4]
        deploys = arn == self.estate.deploy_role(self.estate.logging)

        def named(patterns: tuple[str, ...]) -> bool:
            return any(like(pattern, arn) for pattern in patterns)

        return Principal(
            name,
            title,
            Caller(Kind.ROLE, arn, account, self.estate.organization),
            (ADMINISTRATOR,),
            is_administrator=True,
            is_exempt=deploys or named(intent.exempt_roles),
            breaks_glass=named(intent.break_glass_roles),
            administers_key=deploys
            or not intent.key_administrators
            or named(intent.key_administrators),
        )

    def _reads(self, policies: tuple[Policy, ...]) -> bool:
        """Tell whether a role of the stack is meant to read: its own policy names the archive."""
        archive = self.estate.archive
        return archive is not None and any(
            f":{archive.name}/" in resource
            for policy in policies
            for each in policy.statements
            if each.allows and each.is_about("s3:GetObject")
            for resource in each.resources or ()
        )

    def _trail_of(self, trail: Trail, account: str) -> str:
        return trail.arn.replace(f":{trail.account}:", f":{account}:")

    def _cloudtrail(self, name: str, title: str, trail: str, organization: str) -> Principal:
        return Principal(
            name,
            title,
            Caller(Kind.SERVICE, CLOUDTRAIL),
            context={
                "aws:SourceArn": trail,
                "aws:SourceAccount": trail.split(":")[4],
                "aws:SourceOrgID": organization,
            },
        )
