"""A plan, as `terraform show -json` writes it, as the resources that it would make.

https://developer.hashicorp.com/terraform/internals/json-format
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from orgtrail.proof.terraform.resources import Json, Provider, Resource, Stack, provider_of


def plan_of(content: Json, path: Path) -> Stack:
    """Make a stack of the content of a plan."""
    configuration = content.get("configuration", {})
    providers = {
        key: provider_of(_constants(each.get("expressions", {})))
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
