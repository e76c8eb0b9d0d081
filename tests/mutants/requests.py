"""The requests that a mutant could decide otherwise, from its statement before and after."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from functools import cached_property

from tests.conftest import Json
from tests.mutants.callers import Caller, callers
from tests.mutants.contexts import contexts
from tests.mutants.mutate import SERVICES, Mutant
from tests.mutants.patterns import example, is_of_type, listed, meets, of_type
from tests.mutants.world import WITH_RESOURCE_CONTROL, Document, World

MOST = 800
"""Requests per mutant; of more, so many are drawn, always the same ones."""
Catalog = dict[str, Json]
"""Every action of the services at hand: its access level, and the ARNs of what it is about."""


class Requests:
    """Finds the requests for mutants of one stack."""

    def __init__(self, world: World, catalog: Catalog) -> None:
        self.world = world
        self.catalog = catalog
        self._listed: dict[tuple[str, str], list[str]] = {}
        self._of_types: dict[tuple[str, ...], list[str]] = {}

    def of(self, mutant: Mutant) -> list[Json]:
        """Return the requests to ask, those about the nearest callers first."""
        document = self.world.documents[mutant.address]
        changed = [each for each in (mutant.before, mutant.after) if each]
        near = [*changed, *_allowing(document, changed)]
        found: dict[str, Json] = {}
        people = callers(document, near, self.world)
        for action in self._actions(document, mutant):
            for caller in people:
                for resource, account in self._resources(document, mutant, action, caller):
                    for each in self._asked(caller, action, resource, account, changed):
                        found.setdefault(json.dumps(each), each)
        requests = [*found.values()]
        if len(requests) > MOST:
            requests = random.Random(mutant.name).sample(requests, MOST)
        return requests

    def _asked(
        self, caller: Caller, action: str, resource: str, account: str, changed: list[Json]
    ) -> Iterator[Json]:
        world, service = self.world, action.split(":", maxsplit=1)[0]
        identity = world.identity_of(caller.arn) if caller.is_role else []
        policy = self._policy_of(resource, account, service)
        frames = [
            *self._frames(policy, action, resource, caller),
            *(frame for each in identity for frame in self._frames(each, action, resource, caller)),
        ]
        request = {
            "principal": caller.principal(),
            "action": action,
            "resource": resource,
            "account": account,
            "identity": identity,
            "policy": policy,
            "scp": world.service_control.get(caller.account, []),
            "rcp": world.resource_control.get(account, [])
            if service in WITH_RESOURCE_CONTROL
            else [],
        }
        # Both the role's own conditions and those of the resource's policy have to be met.
        for context in contexts(caller, resource, frames or [{}], changed, world):
            yield {**request, "context": context}

    def _policy_of(self, resource: str, account: str, service: str) -> str | None:
        if service == "iam":
            return None
        found = self.world.policy_of(resource)
        if not found and service == "kms" and ":key/" in resource:
            return f"default {account}"
        return found

    def _frames(
        self, address: str | None, action: str, resource: str, caller: Caller
    ) -> Iterator[Json]:
        document = self.world.documents.get(address or "")
        for each in document.content["Statement"] if document else ():
            if (
                each["Effect"] == "Allow"
                and _is_about(each, "Action", action)
                and _is_about(each, "Resource", resource)
                and _could_name(each, caller)
            ):
                yield each

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
        """Return actions that a pattern means: those that the stack mentions, a few of each level."""
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
        for resource in self._pool(document, types, caller):
            about = [
                bool(each and _is_about(each, "Resource", resource)) for each in (before, after)
            ]
            if (about[0] != about[1]) if moved else any(about):
                yield resource, world.owner(resource) or caller.account or world.logging

    def _pool(self, document: Document, types: list[str], caller: Caller) -> Iterator[str]:
        if document.kind in ("key", "topic", "queue", "trust"):
            yield document.about
            return
        kinds = tuple(types)
        if kinds not in self._of_types:
            known = [each for each in self._known if any(is_of_type(arn, each) for arn in kinds)]
            self._of_types[kinds] = known
        own = caller.account or self.world.logging
        made = [of_type(each, self.world.region, own) for each in types]
        for each in dict.fromkeys((*self._of_types[kinds], *made)):
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
            for statement in document.content["Statement"]:
                for each in listed(statement.get("Resource", [])):
                    if each != "*" and not each.endswith(":key/*"):
                        found.append(example(each, world.members[0]))
        return list(dict.fromkeys(found))


def _allowing(document: Document, changed: list[Json]) -> list[Json]:
    """Return what else a policy allows, where a denial changes: it may be denied then."""
    if not any(each["Effect"] == "Deny" for each in changed):
        return []
    return [each for each in document.content["Statement"] if each["Effect"] == "Allow"]


def _is_about(statement: Json, element: str, text: str) -> bool:
    if element not in statement:
        return True
    any_case = element == "Action"
    return any(meets(each, text, any_case=any_case) for each in listed(statement[element]))


def _could_name(statement: Json, caller: Caller) -> bool:
    """Tell whether an allow could be for a caller: a service's is for it alone."""
    principal = statement.get("Principal", "*")
    if principal == "*":
        return True
    if caller.is_service:
        return caller.arn in listed(principal.get("Service", []))
    return "AWS" in principal or "Federated" in principal
