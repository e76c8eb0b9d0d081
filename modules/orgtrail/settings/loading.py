"""Loads an environment file: returns a valid environment, or reports all faults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, TypeAdapter, ValidationError

from orgtrail.errors import Fault, SettingPath, SettingsError, SettingsSource, dotted
from orgtrail.settings.environment import SECTIONS_ONLY, Environment
from orgtrail.settings.hcl import ParsedFile, read_hcl
from orgtrail.settings.rules import broken_rules
from orgtrail.settings.types import models_in

_TYPES = {
    "string_type": "must be text in quotes",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "dict_type": "must be an object, { ... }",
    "model_type": "must be an object, { ... }",
    "model_attributes_type": "must be an object, { ... }",
    "union_tag_not_found": "needs a type: local, s3 or cloud",
}
_BACKENDS = {"local", "s3", "cloud"}
_CONSEQUENTIAL_ERRORS = {"default_factory_not_called"}
"""Errors that are always consequences of another one."""


def load_settings(path: str | Path) -> tuple[Environment, SettingsSource]:
    """Read and validate an environment file.

    Returns:
        the environment, and the line of each setting in the file.

    Raises:
        OrgtrailError: the file cannot be read or is not HCL.
        SettingsError: it has faults; the error lists all of them, with file and line.

    """
    parsed = read_hcl(path)
    parsed.values.setdefault("name", Path(path).stem)
    try:
        environment = Environment.model_validate(parsed.values)
    except ValidationError:
        environment = None
    if environment and not parsed.faults:
        return environment, parsed.source
    raise SettingsError(_faults(parsed), parsed.source)


def _faults(parsed: ParsedFile) -> list[Fault]:
    """Return the faults of syntax, of each setting, and of the rules between valid sections."""
    faults = list(parsed.faults)
    known = _valid_sections(parsed.values)
    try:
        Environment.model_validate(parsed.values, context=SECTIONS_ONLY)
    except ValidationError as error:
        details = error.errors(include_url=False)
        wrong = {each["loc"][:end] for each in details for end in range(len(each["loc"]))}
        found = [
            _fault(each)
            for each in details
            # pydantic does not count invalid entries, and would report their list as too short.
            if each["type"] not in _CONSEQUENTIAL_ERRORS
            and not (each["type"] == "too_short" and each["loc"] in wrong)
        ]
        faults += [each for each in found if not _follows(each, parsed.faults)]
    for fault in parsed.faults:
        known.pop(str(fault.setting[0]) if fault.setting else "", None)
    partial = Environment.model_construct(_fields_set=set(known), **known)
    return faults + list(broken_rules(partial, set(known)))


def _follows(fault: Fault, others: Sequence[Fault]) -> bool:
    """Return whether a fault follows from another one at, in or around its setting."""
    return any(
        each.setting[: len(fault.setting)] == fault.setting
        or fault.setting[: len(each.setting)] == each.setting
        for each in others
        if each.setting
    )


def _valid_sections(values: Mapping[str, object]) -> dict[str, Any]:
    """Validate each section alone and return the valid ones."""
    known: dict[str, Any] = {}
    for name, field in Environment.model_fields.items():
        if name not in values:
            if not field.is_required():
                known[name] = field.get_default(call_default_factory=True, validated_data={})
            continue
        try:
            annotation: Any = field.rebuild_annotation()
            known[name] = TypeAdapter(annotation).validate_python(values[name], strict=True)
        except ValidationError:
            continue
    return known


def _fault(detail: Mapping[str, Any]) -> Fault:
    """Convert a pydantic error to a fault."""
    place = tuple(detail["loc"])
    if place[:1] == ("backend",) and place[1:2] and place[1] in _BACKENDS:
        place = (place[0], *place[2:])
    if place[-1:] == ("[key]",):
        place = place[:-1]
    kind, given, context = detail["type"], detail["input"], detail.get("ctx", {})
    if kind == "missing":
        return Fault(place, "is required")
    if kind == "extra_forbidden":
        return Fault(place, "is not a setting", given, _suggestion(place, detail["loc"]))
    if kind == "rule":
        return Fault(place, context["rule"], given)
    return Fault(place, _rule_text(kind, context, detail["msg"], given), given)


def _rule_text(kind: str, context: Mapping[str, Any], message: str, given: object) -> str:
    if kind in _TYPES:
        return _TYPES[kind]
    if kind == "literal_error":
        return f"must be {context['expected']}".replace("'", '"')
    if kind == "union_tag_invalid":
        return "must have the type local, s3 or cloud"
    for limit, word in (("ge", "at least"), ("le", "at most")):
        if limit in context:
            return f"must be {word} {context[limit]}"
    what = "characters" if isinstance(given, str) else "entries"
    for limit, word in (("min_length", "at least"), ("max_length", "at most")):
        if limit in context:
            return f"must have {word} {context[limit]} {what}"
    return f"is not valid: {message}"


def _suggestion(place: SettingPath, location: SettingPath) -> str:
    """Suggest the known setting with the most similar name."""
    known = _siblings(Environment, location[:-1])
    near = get_close_matches(str(place[-1]), known, n=1, cutoff=0.6)
    if near:
        return f"did you mean {dotted((*place[:-1], near[0]))}?"
    return f"the settings here are {', '.join(known)}"


def _siblings(model: type[BaseModel], location: SettingPath) -> list[str]:
    """Return the settings at a location, which may include the tag of a union's member."""
    choices: list[type[BaseModel]] = [model]
    for part in location:
        below = [each for each in choices if isinstance(part, str) and part in each.model_fields]
        if below:
            choices = list(models_in(below[0].model_fields[str(part)].annotation))
        elif part in _BACKENDS:
            choices = [
                each for each in choices if part in get_args(each.model_fields["type"].annotation)
            ]
    return list(choices[0].model_fields)
