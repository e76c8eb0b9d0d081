"""Reading a stack's JSON or a plan from a file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orgtrail.errors import OrgtrailError
from orgtrail.proof.terraform.plan import plan_of
from orgtrail.proof.terraform.provider import provider_of
from orgtrail.trail.resource import Json, Provider, Resource, Stack, block

_META = ("//", "depends_on", "for_each", "lifecycle", "provider")
"""What Terraform reads of every resource, beside its arguments."""

MALFORMED = (AttributeError, LookupError, TypeError, ValueError)
"""What Python says of JSON that has another shape than it should."""


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
            return plan_of(content, path)
        if isinstance(content, dict) and "resource" in content:
            return _stack(content, path)
    except MALFORMED as error:
        raise malformed(path, error) from None
    raise OrgtrailError(
        f"{path}: must be an environment file (.tfvars), a stack's cdk.tf.json or the output of "
        "terraform show -json"
    )


def malformed(path: Path, error: Exception) -> OrgtrailError:
    """Return what to tell of a file that has another shape than Terraform gives it."""
    return OrgtrailError(f"{path}: is not as Terraform writes it: {error!r}")


def _stack(content: Json, path: Path) -> Stack:
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
    """Return the parts of a block: Terraform's JSON has one as an object or in a list."""
    return [given] if isinstance(given, dict) else given
