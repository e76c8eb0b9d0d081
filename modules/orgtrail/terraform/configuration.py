"""Terraform's JSON configuration, such as a synthesized `cdk.tf.json`, as a stack of resources."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from orgtrail.errors import OrgtrailError
from orgtrail.terraform.conversion import typed
from orgtrail.trail.resource import Json, Provider, Resource, Stack, block

_META = (
    "//", "connection", "count", "depends_on", "dynamic", "for_each", "lifecycle", "provider",
    "provisioner",
)  # fmt: skip
"""Keys of a resource block that are not arguments of the resource."""
_SET = re.compile(r"\$\{toset\((\[[^\]]*\])\)\}")
"""`${toset(["a", "b"])}`: the entries of a `for_each`, all of them known."""


def configured_stack(content: Json, path: Path) -> Stack:
    """Return the stack of a configuration, with each `for_each` expanded.

    Raises:
        OrgtrailError: a block is not an object, where Terraform has one.

    """
    providers = {
        f"aws.{each['alias']}" if "alias" in each else "aws": provider_of(each)
        for part in _parts(path, content.get("provider", {}), "provider")
        for each in _parts(path, part.get("aws", []), "provider.aws")
    }
    resources = [
        _resource(f"{prefix}{kind}", name, values, providers)
        for prefix, section in (("", "resource"), ("data.", "data"))
        for kind, name, values in _named(path, content, section)
        if _times(values.get("count")) != 0
    ]
    metadata = content.get("//", {}).get("metadata", {})
    stack = Stack(
        metadata.get("stackName") or path.parent.name or path.stem,
        tuple(resources),
        tuple(providers.values()),
        modules=tuple(
            (name, str(each.get("source", "")))
            for part in _parts(path, content.get("module", {}), "module")
            for name, given in part.items()
            for each in _parts(path, given, f"module.{name}")
            if _times(each.get("count")) != 0
        ),
    )
    return replace(stack, resources=tuple(map(typed, stack.expanded().resources)))


def _named(path: Path, content: Json, section: str) -> Iterator[tuple[str, str, Json]]:
    """Yield the kind, the name and the block of every resource of a section."""
    for part in _parts(path, content.get(section, {}), section):
        for kind, names in part.items():
            for named in _parts(path, names, f"{section}.{kind}"):
                for name, given in named.items():
                    for each in _parts(path, given, f"{section}.{kind}.{name}"):
                        yield kind, name, each


def _resource(kind: str, name: str, given: Json, providers: Mapping[str, Provider]) -> Resource:
    entries = _entries(given.get("for_each"))
    perhaps = [
        str(each)
        for each in (given.get("count"), entries)
        if each is not None and not isinstance(each, dict) and _times(each) is None
    ]
    return Resource(
        kind,
        f"{kind}.{name}",
        {argument: each for argument, each in given.items() if argument not in _META},
        providers.get(given.get("provider", "aws"), Provider()),
        tuple(given.get("depends_on", ())),
        dict(block(given, "lifecycle")),
        entries if isinstance(entries, dict) else None,
        perhaps=next(iter(perhaps), ""),
        dynamic=tuple(_keys(given.get("dynamic"))),
        provisioners=tuple(_keys(given.get("provisioner"))),
    )


def _times(count: Any) -> int | None:
    """Return how often a resource is there; None if it has no `count` or one that is computed."""
    if isinstance(count, str) and count.strip().isdecimal():
        return int(count)
    return int(count) if isinstance(count, int | float) else None


def _entries(given: Any) -> Any:
    """Return the entries of a `for_each`: an object if they are known, otherwise what is given."""
    written = _SET.fullmatch(given) if isinstance(given, str) else None
    try:
        names = json.loads(written[1]) if written else None
    except json.JSONDecodeError:
        return given
    return given if names is None else {str(each): each for each in names}


def _keys(given: Any) -> Iterator[str]:
    """Yield the keys of a block, or of those in a list of blocks."""
    for part in given if isinstance(given, list) else [given]:
        yield from part if isinstance(part, dict) else ()


def _parts(path: Path, given: Any, where: str) -> list[Json]:
    """Return the parts of a block; Terraform's JSON has an object or a list of objects."""
    parts = [given] if isinstance(given, dict) else given
    if isinstance(parts, list) and all(isinstance(each, dict) for each in parts):
        return parts
    raise OrgtrailError(
        f"{path}: is not as Terraform writes it: {where} must be an object or a list of objects."
    )


def provider_of(given: Mapping[str, Any]) -> Provider:
    """Read a provider block; for HCP Terraform the role is in a `dynamic` block."""
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
    """Return the tags of a block or resource, sorted by key; none if they are computed."""
    tags = given.get("tags")
    if not isinstance(tags, dict):
        return ()
    return tuple(sorted((str(key), str(value)) for key, value in tags.items()))
