"""Reading a stack's JSON or a plan from a file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from orgtrail.proof.terraform.plan import plan_of
from orgtrail.proof.terraform.resources import (
    REFERENCE,
    Json,
    Provider,
    Resource,
    Stack,
    provider_of,
)
from orgtrail.settings.faults import OrgtrailError

MALFORMED = (AttributeError, LookupError, TypeError, ValueError)
"""What Python says of JSON that has another shape than it should."""

_EACH = re.compile(r"\$\{each\.(key|value)(?:\.(\w+))?\}")


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
    resources: list[Resource] = []
    for prefix, section in (("", "resource"), ("data.", "data")):
        for part in _parts(content.get(section, {})):
            for kind, names in part.items():
                for named in _parts(names):
                    for name, values in named.items():
                        provider = providers.get(values.get("provider", "aws"), Provider())
                        address = f"{prefix}{kind}.{name}"
                        resources += _instances(f"{prefix}{kind}", address, values, provider)
    metadata = content.get("//", {}).get("metadata", {})
    return Stack(
        metadata.get("stackName") or path.parent.name or path.stem,
        tuple(resources),
        tuple(providers.values()),
    )


def _parts(given: Json | list[Json]) -> list[Json]:
    """Return the parts of a block: Terraform's JSON has one as an object or in a list."""
    return [given] if isinstance(given, dict) else given


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
        for found in REFERENCE.finditer(values):
            yield found[1]
