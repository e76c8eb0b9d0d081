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
_KINDS_WITH_AWS_IDS = ("aws_kms_key", "aws_organizations_policy", "aws_sns_topic")
"""Kinds that others refer to by an attribute that AWS generates."""


class Expression(str):
    """A Terraform expression in place of a number or a block, such as `${each.value.period}`.

    In place of text, a plain `str` is enough.
    """

    __slots__ = ()


@dataclass(frozen=True)
class Provider:
    """A provider: the account and region that it acts in, and how."""

    account: str = ""
    """The account's id."""
    region: str = ""
    role: str = ""
    """The role that it assumes, if any."""
    pinned: bool = False
    """Whether it refuses to act in any other account."""
    tags: tuple[tuple[str, str], ...] = ()
    """The tags that it gives to every resource."""
    name: str = field(default="", compare=False)
    """The account's name in the environment file, which is the provider's alias."""


@dataclass(frozen=True)
class Resource:
    """A resource or data source, or one instance of a resource with `for_each`.

    Attributes:
        kind: Terraform's type such as `aws_s3_bucket`, or `data.aws_regions` for a data source.
        address: its address in the stack.
        values: its arguments, as in Terraform's JSON; unset ones are omitted.
        provider: the provider, with its account and region.
        depends_on: addresses that Terraform creates before it, in addition to those in values.
        lifecycle: Terraform's block of that name.
        for_each: the entries for its instances; None for a single one.
        imported_as: the id that the first plan imports; empty to import nothing.
        is_managed: whether the stack manages it; False if the settings only refer to it.
        path: the ids of the enclosing constructs and its own, from the root of the trail.
        perhaps: the expression that decides whether it is there at all; empty if it is.
        dynamic: the names of the blocks that expressions make, so that they are not in `values`.
        computed: the names of numbers and flags that expressions make, which are not there either.
        provisioners: the kinds of programs that it runs, such as `local-exec`.

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
    perhaps: str = ""
    dynamic: tuple[str, ...] = ()
    computed: tuple[str, ...] = ()
    provisioners: tuple[str, ...] = ()

    def attribute(self, name: str) -> str:
        """Return an expression for an attribute that AWS generates, such as a key's ARN."""
        return f"${{{self.address}.{name}}}"

    def many(self, block: str) -> list[Json]:
        """Return the blocks of a name; Terraform's JSON may have a single one without a list."""
        given = self.values.get(block)
        return [given] if isinstance(given, dict) else list(given or ())

    def one(self, *path: str) -> Json:
        """Return the block at a path, empty if there is none."""
        found: Mapping[str, Any] = self.values
        for name in path:
            found = block(found, name)
        return dict(found)

    def text(self, name: str) -> str:
        """Return a text argument, empty if there is none."""
        given = self.values.get(name)
        return given if isinstance(given, str) else ""

    def document(self, name: str) -> str:
        """Return a text argument as AWS gets it, without Terraform's escapes."""
        return self.text(name).replace("$${", "${").replace("%%{", "%{")

    @property
    def region(self) -> str:
        """Its own region argument, or its provider's region."""
        return self.text("region") or self.provider.region

    @property
    def plain_address(self) -> str:
        """The address without an instance key."""
        return self.address.partition("[")[0]

    @property
    def after(self) -> frozenset[str]:
        """The addresses that Terraform creates before it, by `depends_on` or by reference."""
        return frozenset((*self.depends_on, *_references(self.values)))

    def instances(self) -> Iterator[Resource]:
        """Yield an instance for each entry of its `for_each`, or the resource itself."""
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
    """A Terraform `check` block: every plan warns if the condition is false."""

    name: str
    condition: str
    message: str


@dataclass(frozen=True)
class Output:
    """An output of the stack: its value and description."""

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
    modules: tuple[tuple[str, str], ...] = ()
    """Pairs of name and source of the modules whose content is not known."""
    is_plan: bool = False
    """Whether it is a plan, where a resource has arguments that nobody wrote, too."""

    def expanded(self) -> Stack:
        """Return the stack with each instance of a `for_each` as a separate resource."""
        instances = (one for each in self.resources for one in each.instances())
        return replace(self, resources=tuple(instances))

    def at(self, address: str) -> Resource:
        """Return the resource at an address.

        Raises:
            OrgtrailError: there is no such resource.

        """
        if found := self._by_address.get(address):
            return found
        raise OrgtrailError(f"{self.name} has no resource {address}")

    def of(self, kind: str) -> Iterator[Resource]:
        """Yield the resources of a kind, `data.aws_...` for data sources."""
        return iter(self._by_kind.get(kind, ()))

    def find(self, text: str) -> Resource | None:
        """Return the resource of a reference such as `${aws_kms_key.key.arn}`.

        A plan of existing resources has the ARN or id instead of a reference.
        """
        named = REFERENCE.fullmatch(text)
        return self._by_address.get(named[1]) if named else self._by_identity.get(text)

    def said(self, text: str, attribute: str) -> str:
        """Return a text, or if it is a reference, an attribute of the resource referred to."""
        found = self.find(text)
        if found is None:
            return text
        # A bucket without a name gets a random one.
        return found.text(attribute) or (found.address if attribute == "bucket" else "")

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
            for kind in _KINDS_WITH_AWS_IDS
            for each in self.of(kind)
            for name in ("arn", "id")
            if each.text(name)
        }


def block(given: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return the block of a name, which may be in a list; empty if there is none."""
    found = given.get(name) or {}
    return found[0] if isinstance(found, list) else found


def literal(text: str) -> str:
    """Escape `${` and `%{` in text for Terraform."""
    return text.replace("${", "$${").replace("%{", "%%{")


def _with_each(values: Any, key: str, value: Any) -> Any:
    """Replace `each` with one entry of a `for_each`."""
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
