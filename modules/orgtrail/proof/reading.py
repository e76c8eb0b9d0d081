"""Reading a stack's JSON or a plan from a file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from orgtrail.proof.plan import plan_of
from orgtrail.proof.terraform import REFERENCE, Json, Provider, Resource, Stack, provider_of
from orgtrail.settings.faults import OrgtrailError

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
        f"aws.{each['alias']}" if "alias" in each else "aws": provider_of(each)
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
    )


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
