"""A plan, as `terraform show -json` writes it, as a stack of the resources that it would create.

https://developer.hashicorp.com/terraform/internals/json-format
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from orgtrail.terraform.configuration import provider_of
from orgtrail.trail.resource import Json, Provider, Resource, Stack

_KEY = re.compile(r"\[[^\]]*\]")
"""The key of one instance of a resource or module."""


def planned_stack(content: Json, path: Path) -> Stack:
    """Return the stack that a plan would create."""
    configuration = content.get("configuration", {})
    providers = {
        key: provider_of(_constants(each.get("expressions", {})))
        for key, each in configuration.get("provider_config", {}).items()
    }
    configured = dict(_configured(configuration.get("root_module", {}), ""))
    resources = []
    # Data sources that were read before are in the prior state.
    read = content.get("prior_state", {}).get("values", {}).get("root_module", {})
    planned = [
        *_planned(content["planned_values"].get("root_module", {})),
        *(each for each in _planned(read) if each.get("mode") == "data"),
    ]
    for each in planned:
        data = "data." if each.get("mode") == "data" else ""
        module, known = configured.get(_KEY.sub("", each["address"]), ("", {}))
        values = dict(each.get("values") or {})
        _fill(values, known.get("expressions", {}), module)
        before = (*known.get("depends_on", ()), *_referred(known.get("expressions", {})))
        after = tuple(f"{module}{one}" for one in before)
        provider = providers.get(known.get("provider_config_key", ""), Provider())
        resources.append(
            Resource(
                f"{data}{each['type']}",
                each["address"],
                values,
                provider,
                after,
                provisioners=tuple(one["type"] for one in known.get("provisioners", ())),
            )
        )
    # A root module that calls another may configure a provider that no resource uses.
    used = tuple(
        one for one in providers.values() if any(each.provider is one for each in resources)
    )
    return Stack(path.stem, tuple(resources), used, is_plan=True)


def _configured(module: Json, path: str) -> Iterator[tuple[str, tuple[str, Json]]]:
    """Yield the address of each resource, with the path of its module and its configuration.

    References in a module's configuration are relative to the module.
    """
    for each in module.get("resources", ()):
        yield f"{path}{each['address']}", (path, each)
    for name, call in module.get("module_calls", {}).items():
        yield from _configured(call.get("module", {}), f"{path}module.{name}.")


def _planned(module: Json) -> Iterator[Json]:
    yield from module.get("resources", ())
    for child in module.get("child_modules", ()):
        yield from _planned(child)


def _constants(expressions: Any) -> Any:
    """Return the constant values of a plan's configuration."""
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


def _fill(values: Json, expressions: Mapping[str, Any], module: str) -> None:
    """Add references where the plan has no value yet, as in a stack's JSON."""
    for name, each in expressions.items():
        if isinstance(each, dict) and values.get(name) is None:
            if references := each.get("references"):
                values[name] = f"${{{module}{references[0]}}}"
        elif isinstance(each, list) and isinstance(values.get(name), list):
            for block, inner in zip(values[name], each, strict=False):
                if isinstance(block, dict) and isinstance(inner, dict):
                    _fill(block, inner, module)


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
