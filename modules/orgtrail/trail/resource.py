"""A resource as plain data: what the trail is built of, and what a stack's JSON or a plan holds."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from orgtrail.errors import OrgtrailError

Json = dict[str, Any]

REFERENCE = re.compile(
    r"\$\{((?:module\.[\w-]+\.)*(?:data\.)?[\w-]+\.[\w-]+)(?:\[[^\]]*\])?\.(\w+)\}"
)
"""`${aws_kms_key.key.arn}`: the address of a resource, and an attribute of it."""

_EACH = re.compile(r"\$\{each\.(key|value)(?:\.(\w+))?\}")
_NAMED_BY_AWS = ("aws_kms_key", "aws_organizations_policy", "aws_sns_topic")
"""Kinds that others refer to by what AWS made up."""


class Expression(str):
    """A Terraform expression in the place of a number or a block: `${each.value.period}`.

    In the place of text, a plain `str` does.
    """

    __slots__ = ()


@dataclass(frozen=True)
class Provider:
    """Where a provider acts."""

    account: str = ""
    """The account's id."""
    region: str = ""
    role: str = ""
    """The role that it assumes, if any."""
    pinned: bool = False
    """Whether it refuses to act in any other account."""
    tags: tuple[tuple[str, str], ...] = ()
    """Those that it gives to every resource."""
    name: str = field(default="", compare=False)
    """The account's name in the environment file, which is the provider's alias."""


@dataclass(frozen=True)
class Resource:
    """A resource or data source, or one instance of it where it has a `for_each`.

    Attributes:
        kind: Terraform's type, `aws_s3_bucket`; of a data source, `data.aws_regions`.
        address: its address in the stack.
        values: its arguments, as Terraform's JSON has them; what is not set is left out.
        provider: the account and region that it is made in.
        depends_on: addresses that Terraform makes before it, beside those that values refer to.
        lifecycle: Terraform's block of that name.
        for_each: the entries that it is made for; None makes it once.
        imported_as: the id that the first plan imports; empty where nothing is imported.
        is_managed: whether the stack makes it; False for what the settings only refer to.
        path: the ids of the constructs that it is in and its own, from the root of the trail.

    """

    kind: str
    address: str
    values: Json
    provider: Provider = field(default_factory=Provider)
    depends_on: tuple[str, ...] = ()
    lifecycle: Json = field(default_factory=dict)
    for_each: Mapping[str, Any] | None = None
    imported_as: str = ""
    is_managed: bool = True
    path: tuple[str, ...] = ()

    def attribute(self, name: str) -> str:
        """Return the expression of what AWS makes up, such as a key's ARN."""
        return f"${{{self.address}.{name}}}"

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

    def document(self, name: str) -> str:
        """Return a text as AWS will have it, without what Terraform needs to leave it as it is."""
        return self.text(name).replace("$${", "${").replace("%%{", "%{")

    @property
    def region(self) -> str:
        """The region that it names itself, or its provider's."""
        return self.text("region") or self.provider.region

    @property
    def plain_address(self) -> str:
        """The address without the key of an instance."""
        return self.address.partition("[")[0]

    @property
    def after(self) -> frozenset[str]:
        """The addresses that Terraform makes before it, by `depends_on` or by reference."""
        return frozenset((*self.depends_on, *_references(self.values)))

    def instances(self) -> Iterator[Resource]:
        """Yield the resource once for each entry of its `for_each`, or itself."""
        if not isinstance(self.for_each, Mapping):
            yield self
            return
        for key, value in self.for_each.items():
            yield replace(
                self,
                address=f'{self.address}["{key}"]',
                values=_with_each(self.values, key, value),
                for_each=None,
            )


@dataclass(frozen=True)
class Check:
    """A Terraform `check` block: every plan warns where the condition does not hold."""

    name: str
    condition: str
    message: str


@dataclass(frozen=True)
class Output:
    """An output of the stack: its value, and what it is."""

    value: str
    meaning: str


@dataclass(frozen=True)
class Stack:
    """All resources and data sources of one stack."""

    name: str
    resources: tuple[Resource, ...]
    providers: tuple[Provider, ...]
    checks: tuple[Check, ...] = ()
    outputs: Mapping[str, Output] = field(default_factory=dict)

    def expanded(self) -> Stack:
        """Return the stack with each instance of a `for_each` as a resource of its own."""
        instances = (one for each in self.resources for one in each.instances())
        return replace(self, resources=tuple(instances))

    def at(self, address: str) -> Resource:
        """Return the resource at an address.

        Raises:
            OrgtrailError: there is none.

        """
        if found := self._by_address.get(address):
            return found
        raise OrgtrailError(f"{self.name} has no resource {address}")

    def of(self, kind: str) -> Iterator[Resource]:
        """Yield the resources of a kind; data sources are `data.aws_...`."""
        return iter(self._by_kind.get(kind, ()))

    def find(self, text: str) -> Resource | None:
        """Return the resource that a reference such as `${aws_kms_key.key.arn}` names.

        A plan of resources that exist already has the ARN or id in its place.
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


def block(given: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return the block of a name, empty where there is none; it may be an object or in a list."""
    found = given.get(name) or {}
    return found[0] if isinstance(found, list) else found


def literal(text: str) -> str:
    """Write text that holds `${` so that Terraform leaves it as it is."""
    return text.replace("${", "$${").replace("%{", "%%{")


def _with_each(values: Any, key: str, value: Any) -> Any:
    """Put one entry of a `for_each` in the place of `each`."""
    if isinstance(values, dict):
        return {name: _with_each(each, key, value) for name, each in values.items()}
    if isinstance(values, list):
        return [_with_each(each, key, value) for each in values]
    if not isinstance(values, str):
        return values
    found = _EACH.fullmatch(values)
    if found is None:
        return values.replace("${each.key}", key)
    if found[1] == "key":
        return key
    return value.get(found[2]) if found[2] else value


def _references(values: Any) -> Iterator[str]:
    if isinstance(values, dict):
        for each in values.values():
            yield from _references(each)
    elif isinstance(values, list):
        for each in values:
            yield from _references(each)
    elif isinstance(values, str) and "${" in values:
        for found in REFERENCE.finditer(values):
            yield found[1]
