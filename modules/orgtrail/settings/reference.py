"""Renders the reference of all settings, `docs/settings.md`, from the models."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import NoneType
from typing import Literal, get_args, get_origin

from annotated_types import Ge, Le, MaxLen, MinLen
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from orgtrail.settings.environment import Environment
from orgtrail.settings.rules import rule_descriptions
from orgtrail.settings.types import TextRule, metadata_in, models_in

_INTRODUCTION = """\
# Settings of an environment file

One file describes one AWS Organization. It is HCL with literal values only, in UTF-8, such as
[healthcare.tfvars](../envs/healthcare.tfvars) and [fintech.tfvars](../envs/fintech.tfvars).
Whatever has a default may be left out. All faults of a file are reported at once, with their lines:

    envs/bank.tfvars:14: archive.expire_after_days must be at least archive.glacier_after_days + 90; got 100

Ids, names and ARNs are ASCII throughout: digits are 0 to 9, letters a to z and A to Z. Texts that people read, such as
tags and names of policies, may have any letters.

This page is made from the code by `make docs`; a test keeps it so.
"""  # noqa: E501
_TYPES = {str: "text", int: "whole number", bool: "true or false", NoneType: "null"}
_PLURALS = {"text": "texts", "object": "objects"}


def render() -> str:
    """Return the reference as Markdown."""
    parts = [_INTRODUCTION]
    for title, model, place in _sections():
        rows = [
            _row(f"{place}{name}", field)
            for name, field in model.model_fields.items()
            if place or not _is_section(field)
        ]
        parts.append(f"## {title}\n\n{_prose(model)}\n")
        head = "| setting | type | default | rule | meaning |\n|---|---|---|---|---|"
        parts.append("\n".join((head, *rows)) + "\n")
    parts.append("## Rules between settings\n")
    parts.append("\n".join(f"- {line}" for line in rule_descriptions()) + "\n")
    return "\n".join(parts)


def _sections() -> Iterator[tuple[str, type[BaseModel], str]]:
    """Yield each model with its title and the path of its settings, depth first."""
    yield "The top of the file", Environment, ""
    for name, field in Environment.model_fields.items():
        yield from _below(name, _place(name, field), field)


def _below(name: str, place: str, field: FieldInfo) -> Iterator[tuple[str, type[BaseModel], str]]:
    models = list(models_in(field.annotation))
    for model in models:
        tag = get_args(model.model_fields["type"].annotation) if len(models) > 1 else ()
        title = f"{name} (type {tag[0]})" if tag else name
        yield title, model, place
        for inner, its in model.model_fields.items():
            if _is_section(its):
                inside = f"{place}{inner}"
                yield from _below(inside, _place(inside, its), its)


def _place(name: str, field: FieldInfo) -> str:
    origin = get_origin(field.annotation)
    if origin is dict:
        return f"{name}.<name>."
    return f"{name}[]." if origin is tuple else f"{name}."


def _row(name: str, field: FieldInfo) -> str:
    rules = "; ".join(dict.fromkeys(_rules(field)))
    meaning = (field.description or "").strip()
    cells = (f"`{name}`", _kind(field.annotation), _default(field), rules, meaning)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _kind(annotation: object) -> str:
    if isinstance(annotation, type) and annotation in _TYPES:
        return _TYPES[annotation]
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return "one of " + ", ".join(f"`{each}`" for each in inner)
    if origin is tuple:
        kind = _kind(inner[0])
        return f"list of {_PLURALS.get(kind, kind)}"
    if origin is dict:
        return f"{_kind(inner[1])} by name"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "object"
    if origin is not None and hasattr(annotation, "__metadata__"):
        return _kind(inner[0])
    models = [each for each in inner if isinstance(each, type) and issubclass(each, BaseModel)]
    if models and NoneType not in inner:
        return "object"
    return " or ".join(_kind(each) for each in inner)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if field.default is PydanticUndefined:
        return "see meaning"
    value = field.default
    if isinstance(value, BaseModel):
        return "all defaults"
    if isinstance(value, tuple):
        return "`[]`"
    if isinstance(value, dict):
        return "`{ " + ", ".join(f'{name} = "{each}"' for name, each in value.items()) + " }`"
    if value == "":
        return "none"
    if value is None or isinstance(value, bool):
        return {True: "`true`", False: "`false`", None: "`null`"}[value]
    return f"`{value}`"


def _rules(field: FieldInfo) -> Iterator[str]:
    for each in (*field.metadata, *metadata_in(field.annotation)):
        match each:
            case TextRule():
                yield each.text
            case Ge():
                yield f"at least {each.ge:,}" if isinstance(each.ge, int) else ""
            case Le():
                yield f"at most {each.le:,}" if isinstance(each.le, int) else ""
            case MinLen():
                yield f"at least {each.min_length} long"
            case MaxLen():
                yield f"at most {each.max_length} long"
            case _:
                pass


def _is_section(field: FieldInfo) -> bool:
    return next(models_in(field.annotation), None) is not None


def _prose(model: type[BaseModel]) -> str:
    text = (model.__doc__ or "").partition("Raises:")[0]
    return "\n".join(line.removeprefix("    ") for line in text.strip().splitlines())


if __name__ == "__main__":
    sys.stdout.write(render())
