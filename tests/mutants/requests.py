"""The requests that a mutant could decide otherwise, from its statement before and after."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import product

from tests.conftest import Json
from tests.mutants.callers import Caller, callers
from tests.mutants.contexts import contexts
from tests.mutants.mutate import SERVICES, Mutant
from tests.mutants.patterns import example, is_of_type, listed, meets, of_type
from tests.mutants.world import WITH_RESOURCE_CONTROL, Document, World

MOST = 500
"""Requests per mutant: so many that something allows, and so many others."""
_CALLERS = "000000000000"
"""Stands for the caller's account in an ARN."""
Catalog = dict[str, Json]
"""Every action of the services at hand: its access level, and the ARNs of what it is about."""


class Requests:
    """Finds the requests for mutants of one stack."""

    def __init__(self, world: World, catalog: Catalog) -> None:
        self.world = world
        self.catalog = catalog
        self._listed: dict[tuple[str, str], list[str]] = {}
        self._statements: dict[tuple[str, str, str, str], list[Json]] = {}
        self._of_types: dict[tuple[str, ...], list[str]] = {}

    def of(self, mutant: Mutant) -> list[Json]:
        """Return the requests to ask, those about the nearest callers first."""
        document = self.world.documents[mutant.address]
        changed = [each for each in (mutant.before, mutant.after) if each]
        beside = self._allowed_beside(document, changed)
        near = [*changed, *beside]
        likely: dict[str, Json] = {}
        others: dict[str, Json] = {}
        people = callers(document, near, self.world)
        for action in self._actions(document, mutant):
            for caller in people:
                for resource, account in self._resources(document, mutant, action, caller):
                    for each, is_granted in self._asked(caller, action, resource, account, changed):
                        # A denial changes only what something allows.
                        matters = (
                            is_granted
                            if denies(changed)
                            else any(_names(one, caller) for one in changed)
                        )
                        found = likely if matters else others
                        found.setdefault(repr(each), each)
        return [*_few(mutant.name, likely), *_few(mutant.name, others)]

    def _allowed_beside(self, document: Document, changed: list[Json]) -> list[Json]:
        """Return what policies allow where a denial changes: it may be denied then."""
        if not denies(changed):
            return []
        documents = [document]
        if document.kind == "rcp":
            documents = [
                each for each in self.world.documents.values() if each.kind in ("bucket", "key")
            ]
        return [
            each
            for one in documents
            for each in one.content["Statement"]
            if each["Effect"] == "Allow"
        ]

    def _asked(
        self, caller: Caller, action: str, resource: str, account: str, changed: list[Json]
    ) -> Iterator[tuple[Json, bool]]:
        """Yield requests, each with whether a policy names what is asked as allowed."""
        world, service = self.world, action.split(":", maxsplit=1)[0]
        identity = world.identity_of(caller.arn) if caller.is_role else []
        policy = self._policy_of(resource, account, service)
        controls = {
            "scp": world.service_control.get(caller.account, []) if caller.is_role else [],
            "rcp": world.resource_control.get(account, [])
            if service in WITH_RESOURCE_CONTROL
            else [],
        }
        own, theirs = (
            [each for each in self._about(some, "Allow", action, resource) if _names(each, caller)]
            for some in (identity, [policy])
        )
        frames = [list(each) for each in product(*(some for some in (theirs, own) if some))]
        applying = [policy, *identity, *controls["scp"], *controls["rcp"]]
        denials = [
            each
            for each in self._about(applying, "Deny", action, resource)
            if all(each is not one for one in changed)
        ]
        request = {
            "principal": caller.principal(),
            "action": action,
            "resource": resource,
            "account": account,
            "identity": identity,
            "policy": policy,
            **controls,
        }
        for context in contexts(caller, resource, frames, denials, changed, world):
            yield {**request, "context": context}, bool(own or theirs)

    def _policy_of(self, resource: str, account: str, service: str) -> str | None:
        if service == "iam":
            return None
        found = self.world.policy_of(resource)
        if not found and service == "kms" and ":key/" in resource:
            return f"default {account}"
        return found

    def _about(
        self, addresses: Sequence[str | None], effect: str, action: str, resource: str
    ) -> list[Json]:
        """Return the statements of policies that are about an action and a resource."""
        return [
            each
            for address in addresses
            if address
            for each in self._of_policy(address, effect, action, resource)
        ]

    def _of_policy(self, address: str, effect: str, action: str, resource: str) -> list[Json]:
        whole, part = (address, effect, action, ""), (address, effect, action, resource)
        if whole not in self._statements:
            document = self.world.documents.get(address)
            self._statements[whole] = [
                each
                for each in (document.content["Statement"] if document else ())
                if each["Effect"] == effect and _is_about(each, "Action", action)
            ]
        if part not in self._statements:
            self._statements[part] = [
                each for each in self._statements[whole] if _is_about(each, "Resource", resource)
            ]
        return self._statements[part]

    # Actions

    @cached_property
    def _mentioned(self) -> list[str]:
        return sorted({
            action
            for document in self.world.documents.values()
            for statement in document.content["Statement"]
            for action in listed(statement["Action"])
            if "*" not in action
        })  # fmt: skip

    def _meant(self, pattern: str, service: str) -> list[str]:
        """Return actions that a pattern means: what the stack mentions, and a few of each level."""
        key = pattern, service
        if key not in self._listed:
            found: list[str] = []
            levels: dict[tuple[str, str], int] = {}
            for action, details in self.catalog.items():
                if (service and action.split(":")[0] != service) or not meets(
                    pattern, action, any_case=True
                ):
                    continue
                level = details["level"], ",".join(details["arns"][:1])
                levels[level] = levels.get(level, 0) + 1
                if action in self._mentioned or levels[level] <= 2:
                    found.append(action)
            self._listed[key] = found
        return self._listed[key]

    def _actions(self, document: Document, mutant: Mutant) -> list[str]:
        service = SERVICES.get(document.kind, "")
        before, after = (
            [
                action
                for pattern in listed(each["Action"] if each else [])
                for action in self._meant(pattern, service)
            ]
            for each in (mutant.before, mutant.after)
        )
        both = dict.fromkeys((*before, *after))
        if mutant.before and mutant.after and mutant.before["Action"] != mutant.after["Action"]:
            return [
                each
                for each in both
                if _is_about(mutant.before, "Action", each)
                != _is_about(mutant.after, "Action", each)
            ]
        return [*both]

    # Resources

    def _resources(
        self, document: Document, mutant: Mutant, action: str, caller: Caller
    ) -> Iterator[tuple[str, str]]:
        """Yield what an action is asked for, with its account: what the change is about."""
        world = self.world
        types = self.catalog[action]["arns"]
        if not types:
            yield "*", caller.account or world.logging
            return
        before, after = mutant.before, mutant.after
        moved = before and after and before.get("Resource") != after.get("Resource")
        changed = [each for each in (before, after) if each]
        for resource in dict.fromkeys(self._pool(document, types, caller, changed)):
            about = [
                bool(each and _is_about(each, "Resource", resource)) for each in (before, after)
            ]
            if (about[0] != about[1]) if moved else any(about):
                yield resource, world.owner(resource) or caller.account or world.logging

    def _pool(
        self, document: Document, types: list[str], caller: Caller, changed: list[Json]
    ) -> Iterator[str]:
        if document.kind in ("key", "topic", "queue", "trust"):
            yield document.about
            return
        kinds = tuple(types)
        if kinds not in self._of_types:
            self._of_types[kinds] = [
                each for each in self._known if any(is_of_type(arn, each) for arn in kinds)
            ]
        own = caller.account or self.world.logging
        made = [
            *(of_type(each, self.world.region, own) for each in types),
            *(each for each in self._examples(changed) if any(is_of_type(t, each) for t in kinds)),
        ]
        for arn in dict.fromkeys((*self._of_types[kinds], *made)):
            each = arn.replace(_CALLERS, own)
            if document.kind != "bucket" or each.split("/")[0] == document.about:
                yield each

    @cached_property
    def _known(self) -> list[str]:
        """Return what the stack has and names: an example of each pattern."""
        world = self.world
        logs = f"{world.archive}/{world.log_folder}"
        ours = f"{logs}/{world.organization}"
        found = [
            world.archive,
            f"{ours}/{world.members[0]}/CloudTrail/log.json.gz",
            f"{ours}/{world.members[-1]}/CloudTrail/log.json.gz",
            f"{ours}/{world.members[0]}/CloudTrail-Digest/digest.json.gz",
            f"{logs}/{world.management}/CloudTrail/log.json.gz",
            f"{logs}/other/file",
            world.trail,
            *world.arns,
        ]
        for bucket in world.owners:
            found += [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/elsewhere/file"]
        for document in world.documents.values():
            found += self._examples(document.content["Statement"])
        return list(dict.fromkeys(found))

    def _examples(self, statements: list[Json]) -> list[str]:
        """Return examples of each pattern of resources, in the caller's account if any will do."""
        found = []
        for statement in statements:
            for each in listed(statement.get("Resource", [])):
                if each == "*" or each.endswith(":key/*"):
                    continue
                parts = each.split(":", 5)
                if parts[3] == "*":
                    parts[3] = self.world.region
                if parts[4] == "*":
                    parts[4] = _CALLERS
                arn = ":".join(parts)
                found += [example(arn, self.world.members[0]), example(arn, _CALLERS)]
                if ":log-group:" in arn and ":log-stream:" not in arn:
                    # A pattern of groups covers their streams.
                    found.append(f"{example(arn, '')}:log-stream:x")
        return found


def denies(statements: list[Json]) -> bool:
    return any(each["Effect"] == "Deny" for each in statements)


def _few(name: str, requests: dict[str, Json]) -> list[Json]:
    """Draw the requests to ask about a mutant; it is always asked about the same."""
    listed = [*requests.values()]
    return random.Random(name).sample(listed, MOST) if len(listed) > MOST else listed


def _is_about(statement: Json, element: str, text: str) -> bool:
    if element not in statement:
        return True
    any_case = element == "Action"
    return any(meets(each, text, any_case=any_case) for each in listed(statement[element]))


def _names(statement: Json, caller: Caller) -> bool:
    """Tell whether a statement could be about a caller."""
    principal = statement.get("Principal", "*")
    if principal == "*":
        return True
    if not caller.is_role:
        return any(
            name in (caller.arn, "*") for each in principal.values() for name in listed(each)
        )
    return any(each == "*" or caller.account in each for each in listed(principal.get("AWS", [])))
