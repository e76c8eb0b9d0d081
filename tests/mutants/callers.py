"""Who could notice a change: those whom a statement names, and those who should stay out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.conftest import Json
from tests.mutants.patterns import example, listed
from tests.mutants.world import STRANGER, STRANGERS_ORGANIZATION, Document, World


@dataclass(frozen=True)
class Caller:
    """Who asks.

    Args:
        arn: a role, a service's name, a provider of identities; empty for the anonymous public.
        account: the caller's account; empty for those that have none.

    """

    arn: str = ""
    account: str = ""

    @property
    def is_role(self) -> bool:
        return ":role/" in self.arn

    @property
    def is_service(self) -> bool:
        return self.arn.endswith(".amazonaws.com") and "/" not in self.arn

    def principal(self) -> str | dict[str, str]:
        """Return the caller as the simulator wants it: a role by its session."""
        if not self.arn:
            return {"type": "Anonymous"}
        if self.is_role:
            name = self.arn.rsplit("/", 1)[-1]
            return f"arn:aws:sts::{self.account}:assumed-role/{name}/session"
        return self.arn

    def keys(self, world: World) -> dict[str, str]:
        """Return the condition keys that follow from the caller.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
        """
        if self.is_service:
            return {"aws:PrincipalIsAWSService": "true", "aws:PrincipalServiceName": self.arn}
        if not self.arn:
            return {
                "aws:PrincipalIsAWSService": "false",
                "aws:PrincipalType": "Anonymous",
                "aws:PrincipalAccount": "anonymous",
            }
        if not self.is_role:
            return {"aws:PrincipalIsAWSService": "false"}
        ours = self.account in world.accounts.values()
        return {
            "aws:PrincipalIsAWSService": "false",
            "aws:PrincipalType": "AssumedRole",
            "aws:PrincipalArn": self.arn,
            "aws:PrincipalAccount": self.account,
            "aws:PrincipalOrgID": world.organization if ours else STRANGERS_ORGANIZATION,
            "kms:CallerAccount": self.account,
        }


CALLER_KEYS = ("aws:PrincipalArn", "aws:PrincipalAccount", "aws:PrincipalOrgID",
               "aws:PrincipalType", "aws:PrincipalIsAWSService", "aws:PrincipalServiceName",
               "kms:CallerAccount")  # fmt: skip
ANONYMOUS = Caller()


def role(account: str, name: str = "dev") -> Caller:
    return Caller(f"arn:aws:iam::{account}:role/{name}", account)


def callers(document: Document, statements: list[Json], world: World) -> list[Caller]:
    """Return who could notice that statements of a policy change."""
    if document.kind == "role":
        return [Caller(document.about, document.account)]
    found = [role(world.logging), role(world.members[0])]
    found += _named(statements, world)
    if document.kind == "rcp":
        # It asks of whose organization somebody is, and these are those.
        found += [role(world.management), role(STRANGER), ANONYMOUS]
        return list(dict.fromkeys(found))
    found += [
        Caller(each.about, each.account)
        for each in world.documents.values()
        if each.kind == "trust"
    ]
    found.append(role(world.members[-1]))
    found += _privileged(world)
    if document.kind != "scp":
        found += [role(world.management), role(STRANGER), ANONYMOUS]
    return list(dict.fromkeys(found))


def _privileged(world: World) -> Iterator[Caller]:
    """Yield the roles of the organization that any policy names: those that deploy, say."""
    for document in world.documents.values():
        for statement in document.content["Statement"]:
            conditions = statement.get("Condition", {}).values()
            names = [
                each for keys in conditions for each in listed(keys.get("aws:PrincipalArn", []))
            ]
            if isinstance(principal := statement.get("Principal"), dict):
                names += listed(principal.get("AWS", []))
            for each in names:
                account = each.split(":")[4] if ":role/" in each else ""
                if account in world.accounts.values() and "*" not in each:
                    yield Caller(each, account)


def _named(statements: Iterable[Json], world: World) -> Iterator[Caller]:
    for statement in statements:
        principal = statement.get("Principal", {})
        pairs = [] if principal == "*" else principal.items()
        for kind, given in pairs:
            for each in listed(given):
                if kind != "AWS":
                    yield Caller(each)
                elif each != "*":
                    account = each.split(":")[4]
                    if ":role/" in each:
                        yield Caller(each, account)
                    yield role(account)
        yield from _by_conditions(statement, world)


def _by_conditions(statement: Json, world: World) -> Iterator[Caller]:
    """Yield the roles that conditions mean; a name in any account is tried in several."""
    accounts = [world.members[0], STRANGER, world.management, world.members[-1]]
    for keys in statement.get("Condition", {}).values():
        accounts += [
            each for each in listed(keys.get("aws:PrincipalAccount", [])) if each.isdigit()
        ]
    for keys in statement.get("Condition", {}).values():
        for pattern in listed(keys.get("aws:PrincipalArn", [])):
            if ":role/" not in pattern:
                continue
            where = pattern.split(":")[4]
            for account in dict.fromkeys(accounts) if where == "*" else [where]:
                arn = example(pattern.replace(f"::{where}:", f"::{account}:", 1), account)
                yield Caller(arn, account)
        for account in listed(keys.get("aws:PrincipalAccount", [])):
            if account.isdigit():
                yield role(account)
