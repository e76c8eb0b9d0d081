"""Providers as a stack's JSON or a plan configures them: the account, region and tags of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orgtrail.trail.resource import Provider, block


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
