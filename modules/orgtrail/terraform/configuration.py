"""Terraform's JSON configuration, such as a synthesized `cdk.tf.json`, as a stack of resources."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orgtrail.trail.resource import Json, Provider, Resource, Stack, block

_META = ("//", "depends_on", "for_each", "lifecycle", "provider")
"""Keys of a resource block that are not arguments of the resource."""


def configured_stack(content: Json, path: Path) -> Stack:
    """Return the stack of a configuration, with each `for_each` expanded."""
    providers = {
        f"aws.{each['alias']}" if "alias" in each else "aws": provider_of(each)
        for part in _parts(content.get("provider", {}))
        for each in _parts(part.get("aws", []))
    }
    resources = [
        _resource(f"{prefix}{kind}", name, values, providers)
        for prefix, section in (("", "resource"), ("data.", "data"))
        for part in _parts(content.get(section, {}))
        for kind, names in part.items()
        for named in _parts(names)
        for name, values in named.items()
    ]
    metadata = content.get("//", {}).get("metadata", {})
    stack = Stack(
        metadata.get("stackName") or path.parent.name or path.stem,
        tuple(resources),
        tuple(providers.values()),
    )
    return stack.expanded()


def _resource(kind: str, name: str, given: Json, providers: Mapping[str, Provider]) -> Resource:
    entries = given.get("for_each")
    return Resource(
        kind,
        f"{kind}.{name}",
        {argument: each for argument, each in given.items() if argument not in _META},
        providers.get(given.get("provider", "aws"), Provider()),
        tuple(given.get("depends_on", ())),
        dict(block(given, "lifecycle")),
        entries if isinstance(entries, dict) else None,
    )


def _parts(given: Json | list[Json]) -> list[Json]:
    """Return the parts of a block; Terraform's JSON has an object or a list of objects."""
    return [given] if isinstance(given, dict) else given


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
