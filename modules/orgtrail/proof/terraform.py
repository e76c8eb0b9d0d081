"""Terraform as the proof reads it: the resources of a stack's JSON or of a plan, with accounts.

A stack is `cdk.tf.json`, or any Terraform JSON; a plan is what `terraform show -json` writes.
Both become the same resources, one for each instance of a `for_each`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from orgtrail.settings.faults import OrgtrailError

Json = dict[str, Any]

_REFERENCE = re.compile(r"\$\{((?:data\.)?[\w-]+\.[\w-]+)(?:\[[^\]]*\])?\.(\w+)\}")
_EACH = re.compile(r"\$\{each\.(key|value)(?:\.(\w+))?\}")


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
    def plain_address(self) -> str:
        """The address without the key of an instance."""
        return self.address.partition("[")[0]


@dataclass(frozen=True)
class Stack:
    """All resources and data sources of one stack."""

    name: str
    resources: tuple[Resource, ...]
    providers: tuple[Provider, ...]
    checks: Json = field(default_factory=dict)

    def of(self, kind: str) -> Iterator[Resource]:
        """Yield the resources of a kind; data sources are `data.aws_...`."""
        return iter(self._by_kind.get(kind, ()))

    def find(self, text: str) -> Resource | None:
        """Return the resource that a reference such as `${aws_kms_key.key.arn}` names."""
        named = _REFERENCE.fullmatch(text)
        return self._by_address.get(named[1]) if named else None

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


def read(path: Path) -> Stack:
    """Read a stack or a plan.

    Raises:
        OrgtrailError: the file cannot be read, or is neither.

    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise OrgtrailError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise OrgtrailError(f"{path}: is not UTF-8") from None
    except (json.JSONDecodeError, RecursionError) as error:
        raise OrgtrailError(f"{path}: is not JSON: {error}") from None
    return stack_of(content, path)


def stack_of(content: Any, path: Path) -> Stack:
    """Make a stack of the content of a file.

    Raises:
        OrgtrailError: it is neither Terraform's JSON nor a plan.

    """
    try:
        if isinstance(content, dict) and "planned_values" in content:
            return _plan(content, path)
        if isinstance(content, dict) and isinstance(content.get("resource"), dict):
            return _stack(content, path)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise OrgtrailError(f"{path}: is not as Terraform writes it: {error!r}") from None
    raise OrgtrailError(
        f"{path}: must be an environment file (.tfvars), a stack's cdk.tf.json or the output of "
        "terraform show -json"
    )


def _stack(content: Json, path: Path) -> Stack:
    given = content.get("provider", {}).get("aws", [])
    providers = {
        f"aws.{each['alias']}" if "alias" in each else "aws": _provider(each)
        for each in ([given] if isinstance(given, dict) else given)
    }
    resources: list[Resource] = []
    for prefix, section in (("", "resource"), ("data.", "data")):
        for kind, named in content.get(section, {}).items():
            for name, values in named.items():
                address = f"{prefix}{kind}.{name}"
                resources += _instances(
                    f"{prefix}{kind}",
                    address,
                    values,
                    providers.get(values.get("provider", "aws"), Provider()),
                )
    metadata = content.get("//", {}).get("metadata", {})
    return Stack(
        metadata.get("stackName") or path.parent.name or path.stem,
        tuple(resources),
        tuple(providers.values()),
        content.get("check", {}),
    )


def _provider(given: Mapping[str, Any]) -> Provider:
    """Read a provider block; HCP Terraform's has its role in a `dynamic` block."""
    pinned = given.get("allowed_account_ids") or []
    dynamic = block(block(given, "dynamic"), "assume_role")
    assumed = block(given, "assume_role") or block(dynamic, "content")
    role = assumed.get("role_arn") or ""
    account = pinned[0] if len(pinned) == 1 else ""
    if not account and role.count(":") >= 5:
        account = role.split(":")[4]
    return Provider(account, given.get("region") or "", role, len(pinned) == 1)


def _instances(kind: str, address: str, values: Json, provider: Provider) -> Iterator[Resource]:
    after = frozenset((*values.get("depends_on", ()), *_references(values)))
    table = values.get("for_each")
    if not isinstance(table, dict):
        yield Resource(kind, address, values, provider, after)
        return
    for key, value in table.items():
        yield Resource(kind, f'{address}["{key}"]', _with_each(values, key, value), provider, after)


def _with_each(values: Any, key: str, value: Any) -> Any:
    """Put one entry of a `for_each` in the place of `each`."""
    if isinstance(values, dict):
        return {
            name: _with_each(each, key, value)
            for name, each in values.items()
            if name != "for_each"
        }
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
        for name, each in values.items():
            if name not in ("//", "depends_on"):
                yield from _references(each)
    elif isinstance(values, list):
        for each in values:
            yield from _references(each)
    elif isinstance(values, str) and "${" in values:
        for found in _REFERENCE.finditer(values):
            yield found[1]


def _plan(content: Json, path: Path) -> Stack:
    configuration = content.get("configuration", {})
    providers = {
        key: _provider(_constants(each.get("expressions", {})))
        for key, each in configuration.get("provider_config", {}).items()
    }
    configured = {
        each["address"]: each for each in configuration.get("root_module", {}).get("resources", ())
    }
    resources = []
    # What was only read stands in the state that the plan started from.
    read = content.get("prior_state", {}).get("values", {}).get("root_module", {})
    planned = [
        *_planned(content["planned_values"].get("root_module", {})),
        *(each for each in _planned(read) if each.get("mode") == "data"),
    ]
    for each in planned:
        data = "data." if each.get("mode") == "data" else ""
        place = each["address"].partition("[")[0]
        known = configured.get(place, {})
        values = dict(each.get("values") or {})
        _fill(values, known.get("expressions", {}))
        after = frozenset((*known.get("depends_on", ()), *_referred(known.get("expressions", {}))))
        provider = providers.get(known.get("provider_config_key", ""), Provider())
        resources.append(
            Resource(f"{data}{each['type']}", each["address"], values, provider, after)
        )
    return Stack(path.stem, tuple(resources), tuple(providers.values()))


def _planned(module: Json) -> Iterator[Json]:
    yield from module.get("resources", ())
    for child in module.get("child_modules", ()):
        yield from _planned(child)


def _constants(expressions: Any) -> Any:
    """Return the values that a plan's configuration gives as constants."""
    if isinstance(expressions, list):
        return [_constants(each) for each in expressions]
    if not isinstance(expressions, dict):
        return expressions
    if "constant_value" in expressions:
        return expressions["constant_value"]
    return {
        name: value
        for name, each in expressions.items()
        if (value := _constants(each)) not in ({}, None)
    }


def _fill(values: Json, expressions: Mapping[str, Any]) -> None:
    """Put references where a plan has no value yet, as they stand in the stack's JSON."""
    for name, each in expressions.items():
        if isinstance(each, dict) and values.get(name) is None:
            if references := each.get("references"):
                values[name] = f"${{{references[0]}}}"
        elif isinstance(each, list) and isinstance(values.get(name), list):
            for block, inner in zip(values[name], each, strict=False):
                if isinstance(block, dict) and isinstance(inner, dict):
                    _fill(block, inner)


def _referred(expressions: Any) -> Iterator[str]:
    if isinstance(expressions, list):
        for each in expressions:
            yield from _referred(each)
    elif isinstance(expressions, dict):
        for name, each in expressions.items():
            if name == "references":
                yield from each
            else:
                yield from _referred(each)
