"""Terraform as the proof reads it: the resources of a stack's JSON or of a plan, with accounts.

A stack is `cdk.tf.json`, or any Terraform JSON; a plan is what `terraform show -json` writes.
Both become the same resources, one for each instance of a `for_each`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

Json = dict[str, Any]

REFERENCE = re.compile(
    r"\$\{((?:module\.[\w-]+\.)*(?:data\.)?[\w-]+\.[\w-]+)(?:\[[^\]]*\])?\.(\w+)\}"
)

_NAMED_BY_AWS = ("aws_kms_key", "aws_organizations_policy", "aws_sns_topic")
"""Kinds that others refer to by what AWS made up."""


def block(given: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return the block of a name, empty where there is none; it may be an object or in a list."""
    found = given.get(name) or {}
    return found[0] if isinstance(found, list) else found


@dataclass(frozen=True)
class Provider:
    """Where a provider acts."""

    account: str = ""
    region: str = ""
    role: str = ""
    """The role that it assumes, if any."""
    pinned: bool = False
    """Whether it refuses to act in any other account."""
    tags: tuple[tuple[str, str], ...] = ()
    """Those that it gives to every resource."""


@dataclass(frozen=True)
class Resource:
    """One instance of a resource."""

    kind: str
    address: str
    values: Json
    provider: Provider
    after: frozenset[str] = frozenset()
    """The addresses that Terraform makes before it, by `depends_on` or by reference."""

    def many(self, block: str) -> list[Json]:
        """Return the blocks of a name: Terraform's JSON has one as an object or in a list."""
        given = self.values.get(block)
        return [given] if isinstance(given, dict) else list(given or ())

    def one(self, *path: str) -> Json:
        """Return the block at a path, empty where there is none."""
        found: Mapping[str, Any] = self.values
        for name in path:
            found = block(found, name)
        return dict(found)

    def text(self, name: str) -> str:
        """Return a text, empty where there is none."""
        given = self.values.get(name)
        return given if isinstance(given, str) else ""

    @property
    def region(self) -> str:
        """Where it stands: the region that it names itself, or its provider's."""
        return self.text("region") or self.provider.region

    @property
    def plain_address(self) -> str:
        """The address without the key of an instance."""
        return self.address.partition("[")[0]


@dataclass(frozen=True)
class Stack:
    """All resources and data sources of one stack."""

    name: str
    resources: tuple[Resource, ...]
    providers: tuple[Provider, ...]

    def of(self, kind: str) -> Iterator[Resource]:
        """Yield the resources of a kind; data sources are `data.aws_...`."""
        return iter(self._by_kind.get(kind, ()))

    def find(self, text: str) -> Resource | None:
        """Return the resource that a reference such as `${aws_kms_key.key.arn}` names.

        In the plan of what stands already, the ARN or id of it stands there instead.
        """
        named = REFERENCE.fullmatch(text)
        return self._by_address.get(named[1]) if named else self._by_identity.get(text)

    def said(self, text: str, attribute: str) -> str:
        """Return a text, or what the resource that it refers to says of itself."""
        found = self.find(text)
        return found.text(attribute) if found else text

    @cached_property
    def _by_kind(self) -> dict[str, list[Resource]]:
        kinds: dict[str, list[Resource]] = {}
        for each in self.resources:
            kinds.setdefault(each.kind, []).append(each)
        return kinds

    @cached_property
    def _by_address(self) -> dict[str, Resource]:
        return {each.plain_address: each for each in self.resources}

    @cached_property
    def _by_identity(self) -> dict[str, Resource]:
        return {
            each.text(name): each
            for kind in _NAMED_BY_AWS
            for each in self.of(kind)
            for name in ("arn", "id")
            if each.text(name)
        }


def provider_of(given: Mapping[str, Any]) -> Provider:
    """Read a provider block; HCP Terraform's has its role in a `dynamic` block."""
    pinned = given.get("allowed_account_ids") or []
    dynamic = block(block(given, "dynamic"), "assume_role")
    assumed = block(given, "assume_role") or block(dynamic, "content")
    role = assumed.get("role_arn") or ""
    account = pinned[0] if len(pinned) == 1 else ""
    if not account and role.count(":") >= 5:
        account = role.split(":")[4]
    tags = tags_of(block(given, "default_tags"))
    return Provider(account, given.get("region") or "", role, len(pinned) == 1, tags)


def tags_of(given: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return the tags that a block or a resource names, by key; none where they are computed."""
    tags = given.get("tags")
    if not isinstance(tags, dict):
        return ()
    return tuple(sorted((str(key), str(value)) for key, value in tags.items()))
