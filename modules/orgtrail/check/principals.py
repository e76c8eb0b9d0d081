"""The principals of the access matrix: everybody an auditor would ask about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from orgtrail.check.intent import Intent
from orgtrail.check.model import Model
from orgtrail.iam.patterns import like
from orgtrail.iam.policy import Policy, parse
from orgtrail.iam.request import Caller, Kind, RequestContext
from orgtrail.naming import CLOUDTRAIL

FOREIGN_ACCOUNT = "000000000000"
"""An account of another organization; AWS does not assign this id."""
FOREIGN_ORGANIZATION = "o-strangers00"
_READER = "organization-trail-reader"
ADMINISTRATOR = parse(
    "assumed",
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "its account allows it everything",
                "Effect": "Allow",
                "Action": "*",
                "Resource": "*",
            },
        ],
    },
)


@dataclass(frozen=True)
class Principal:
    """One row of the matrix.

    Args:
        id: its name in the report.
        title: who it is, in words.
        caller: how AWS sees it.
        policies: its identity policies.
        context: condition keys of all of its requests.
        is_administrator: whether its own account allows it everything.
        is_exempt: whether the SCP is intended to exempt it.
        breaks_glass: whether it is intended to delete log files.
        administers_key: whether the key's policy is intended to name it.
        reads: whether it is intended to read the archive.

    """

    id: str
    title: str
    caller: Caller
    policies: tuple[Policy, ...] = ()
    context: RequestContext = field(default_factory=dict)
    is_administrator: bool = False
    is_exempt: bool = False
    breaks_glass: bool = False
    administers_key: bool = True
    reads: bool = False


def principals(model: Model, intent: Intent) -> list[Principal]:
    """Return every principal of the matrix, CloudTrail first."""
    rows = _Rows(model, intent)
    found: list[Principal] = []
    for each in (*rows.services(), *rows.administrators(), *rows.roles(), *rows.others()):
        # A role may be found twice: a deploying role may be exempt too.
        known = any((each.caller, each.context) == (one.caller, one.context) for one in found)
        if not known:
            found.append(each)
    return found


def members(model: Model) -> tuple[str, str]:
    """Return two member accounts other than management and logging, invented if there are none."""
    known = [*model.members, "333333333333", "444444444444"]
    taken = {model.management, model.logging}
    first, second = [each for each in dict.fromkeys(known) if each not in taken][:2]
    return first, second


@dataclass(frozen=True)
class _Rows:
    """Builds the rows of the matrix, group by group."""

    model: Model
    intent: Intent

    def services(self) -> Iterator[Principal]:
        trail, ours = self.model.trail, self.model.organization
        if not trail:
            return
        for name, title, account, organization in (
            ("cloudtrail", "this trail", trail.account, ours),
            ("cloudtrail-of-member", "a member's own trail", members(self.model)[0], ours),
            ("cloudtrail-of-stranger", "a stranger's trail", FOREIGN_ACCOUNT, FOREIGN_ORGANIZATION),
        ):
            keys = {
                "aws:SourceArn": trail.arn.replace(f":{trail.account}:", f":{account}:"),
                "aws:SourceAccount": account,
                "aws:SourceOrgID": organization,
            }
            caller = Caller(Kind.SERVICE, CLOUDTRAIL)
            yield Principal(name, f"CloudTrail, for {title}", caller, context=keys)

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
                Caller(Kind.ROOT, f"arn:{self.model.partition}:iam::{account}:root", account,
                       self.model.organization),
                is_administrator=True,
                administers_key=not self.intent.key_administrators,
            )  # fmt: skip

    def roles(self) -> Iterator[Principal]:
        for place, account in self._accounts().items():
            role = self.model.deploy_role(account)
            if role:
                yield self._role(f"deploy-{place}", f"the role that deploys to {place}", role)
        for kind, patterns in (
            ("break-glass", self.intent.break_glass_roles),
            ("exempt", self.intent.exempt_roles),
            ("key-administrator", self.intent.key_administrators),
        ):
            for number, pattern in enumerate(patterns, start=1):
                # If the pattern is for every account, only the one with the evidence matters.
                title = f"the {kind} role {pattern.rpartition('/')[2]}"
                if "*" in title or "?" in title:
                    title = f"any {kind} role {pattern.rpartition('/')[2]}"
                role = pattern.replace("::*:", f"::{self.model.logging}:")
                role = role.replace("*", "any").replace("?", "x")
                role = role if role.startswith("arn:") else self._arn(self.model.logging, role)
                name = kind if number == 1 else f"{kind}-{number}"
                yield self._role(name, title, role)
        for each in self.model.roles:
            if each.account == self.model.logging:
                caller = Caller(Kind.ROLE, each.arn, each.account, self.model.organization)
                name = each.address.partition(".")[2]
                yield Principal(
                    name, f"the role {each.arn.rpartition('/')[2]}", caller, each.policies,
                    reads=self._reads(each.policies),
                )  # fmt: skip

    def others(self) -> Iterator[Principal]:
        member = members(self.model)[0]
        if self.intent.reader_accounts:
            member = self.intent.reader_accounts[0]
        reader = self.intent.member_reader or _READER
        yield self._role("member-reader", "a member's reader", self._arn(member, reader))
        outside = f"arn:{self.model.partition}:iam::{FOREIGN_ACCOUNT}:role/Administrator"
        yield Principal(
            "another-organization",
            "an administrator of another organization",
            Caller(Kind.ROLE, outside, FOREIGN_ACCOUNT, FOREIGN_ORGANIZATION),
            (ADMINISTRATOR,),
        )
        yield Principal("public", "the anonymous public", Caller(Kind.ANONYMOUS))

    def _accounts(self) -> dict[str, str]:
        accounts = {
            "management": self.model.management,
            "logging": self.model.logging,
            "member": members(self.model)[0],
        }
        if self.intent.delegated_administrator:
            accounts["delegated"] = self.intent.delegated_administrator
        for detection in self.model.detection_services:
            if detection.account not in accounts.values():
                accounts.setdefault("detecting", detection.account)
        return accounts

    def _arn(self, account: str, name: str) -> str:
        return f"arn:{self.model.partition}:iam::{account}:role/{name}"

    def _role(self, name: str, title: str, arn: str) -> Principal:
        """Return a role that its own account allows everything, which is the worst case."""
        intent, account = self.intent, arn.split(":")[4]
        deploys = arn == self.model.deploy_role(self.model.logging)

        def named(patterns: tuple[str, ...]) -> bool:
            return any(like(pattern, arn) for pattern in patterns)

        return Principal(
            name,
            title,
            Caller(Kind.ROLE, arn, account, self.model.organization),
            (ADMINISTRATOR,),
            is_administrator=True,
            is_exempt=deploys or named(intent.exempt_roles),
            breaks_glass=named(intent.break_glass_roles),
            administers_key=deploys
            or not intent.key_administrators
            or named(intent.key_administrators),
        )

    def _reads(self, policies: tuple[Policy, ...]) -> bool:
        """Return whether a role of the stack is intended to read: its policy names the archive."""
        archive = self.model.archive
        return archive is not None and any(
            f":{archive.name}/" in resource
            for policy in policies
            for each in policy.statements
            if each.allows and each.is_about("s3:GetObject")
            for resource in each.resources or ()
        )
