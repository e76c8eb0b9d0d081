"""The tables of the documentation that are made from the code; `make docs` puts them into pages."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from types import NoneType
from typing import Literal, get_args, get_origin

from annotated_types import Ge, Le, MaxLen, MinLen
from orgtrail.alarms import ALARMS, Alarm
from orgtrail.check import actions, beyond, delivery, layers, reach, referred, trust
from orgtrail.check.controls import controls as all_controls
from orgtrail.check.from_terraform import model_of
from orgtrail.check.rules import RULES
from orgtrail.check.run import ACCESS_RULE, rule_meanings
from orgtrail.doctor.checks import CHECKS
from orgtrail.query.questions import Parameter, Question, pack
from orgtrail.settings.environment import Environment
from orgtrail.settings.loading import load_settings
from orgtrail.settings.rules import rule_descriptions
from orgtrail.settings.types import TextRule, metadata_in, models_in
from orgtrail.trail import build
from orgtrail.trail.resource import Stack
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

_ROOT = Path(__file__).parent.parent
_MODULES = {"auditor": "auditors", "trail_topic": "notices"}
"""The module of a part, where its name in addresses is another."""
_TYPES = {str: "text", int: "whole number", bool: "true or false", NoneType: "null"}
_PLURALS = {"text": "texts", "object": "objects"}


def rules() -> str:
    """Return the table of the rules that `orgtrail check` has."""
    rows = [(f"`{each.name}`", str(each.severity), each.meaning) for each in RULES]
    rows += [
        (f"`{name}`", severity, rule_meanings()[name])
        for name, severity in (
            (ACCESS_RULE, "high, low, unproven"),
            (delivery.RULE, "high, unproven"),
            (trust.RULE, "high to low, unproven"),
            (beyond.RULE, "high"),
            (reach.RULE, "high"),
            (layers.RULE, "one-layer"),
            (referred.RULE, "unproven"),
        )
    ]
    rows += [
        ("a control's id", "medium", "The control is met."),
    ]
    return _table(("rule", "severity", "what holds where it is kept"), rows)


def acts() -> str:
    """Return the table of what the check's matrix asks about, with the actions of AWS."""
    forging = {**actions.FORGING_ACTIONS, **actions.DELETING_ACTIONS, **actions.HOLDING_ACTIONS}
    catalog = {**actions.CATALOG_ACTIONS, **actions.DATABASE_ACTIONS, **actions.SHARING_ACTIONS}
    services = (
        ("cloudtrail", actions.TRAIL_ACTIONS),
        ("s3", {**forging, **actions.BUCKET_ACTIONS}),
        ("kms", {**actions.KEY_ACTIONS, **actions.ALIAS_ACTIONS}),
        ("glue", catalog),
        ("lakeformation", actions.LAKE_ACTIONS),
        ("athena", actions.WORKGROUP_ACTIONS),
        ("sns", actions.TOPIC_ACTIONS),
        ("codebuild", actions.PROJECT_ACTIONS),
        ("scheduler", actions.SCHEDULE_ACTIONS),
        ("iam", {**actions.SIGN_IN_ACTIONS, **actions.BOUNDARY_ACTIONS}),
        ("logs", actions.LOG_GROUP_ACTIONS),
        ("organizations", actions.ORGANIZATION_ACTIONS),
    )
    rows = [(title, f"`{service}:{act}`") for service, of in services for title, act in of.items()]
    rows += [
        (f"{title} ({name})", f"`{service}:{act}`")
        for service, (name, of) in actions.DETECTION_ACTIONS.items()
        for title, act in of.items()
    ]
    rows += [(title, f"`{act}`") for title, act in actions.MEMBER_ACTIONS.items()]
    return _table(("act", "action"), rows)


def controls() -> str:
    """Return the table of the controls that the check decides."""
    found = all_controls(model_of(Stack("", (), ())))
    rows = [(", ".join(each.ids), each.title, f"`{each.setting}`") for each in found]
    return _table(("control", "asks for", "setting"), rows)


def doctor_checks() -> str:
    """Return the table of all checks of the doctor."""
    rows = [
        (f"`{each.name}`", each.title, f"`{each.after}`" if each.after else "")
        for each in CHECKS.values()
    ]
    return _table(("check", "what should be so", "waits for"), rows)


def questions() -> str:
    """Return the table of all questions."""
    rows = [
        (
            f"`{each.name}`",
            f"{each.answers} {each.hit}",
            _span(each),
            each.severity,
            ", ".join(each.mitre),
            ", ".join(each.cis),
        )
        for each in pack().values()
    ]
    head = ("question", "what it tells", "looks back", "severity", "MITRE", "CIS")
    return _table(head, rows)


def parameters() -> str:
    """Return the table of the questions' parameters."""
    rows = [
        (f"`{each.name}`", f"`{one.name}`", one.kind, _parameter_default(one), one.meaning)
        for each in pack().values()
        for one in each.parameters
    ]
    return _table(("question", "parameter", "type", "default", "meaning"), rows)


def alarms() -> str:
    """Return the table of all alarms and a section for each."""
    rows = [
        (f"[`{each.name}`](#{each.name})", ", ".join(each.controls), each.title) for each in ALARMS
    ]
    index = _table(("alarm", "controls", "what it tells"), rows)
    return "\n".join((index, *("\n".join(_alarm(each)) for each in ALARMS)))


def resources() -> str:
    """Return the table of all resources, part by part, of environments that have every option."""
    accounts: dict[str, dict[str, None]] = {}
    kinds: dict[str, dict[str, None]] = {}
    options = (_ROOT / "tests" / "envs" / f"{name}.tfvars" for name in ("everything", "trusting"))
    for file in (*options, *sorted(_ROOT.glob("envs/*"))):
        for each in build(load_settings(file)[0]).resources:
            part = _MODULES.get(each.path[0], each.path[0])
            named = each.provider.name
            where = named if named in ("management", "logging") else "administrator"
            accounts.setdefault(part, {})[where] = None
            kinds.setdefault(part, {})[each.kind.replace("data.", "reads ")] = None
    rows = [
        (
            (import_module(f"orgtrail.trail.{part}").__doc__ or "").partition("\n")[0],
            ", ".join(accounts[part]),
            ", ".join(re.sub(r"(aws_\w+)", r"`\1`", each) for each in kinds[part]),
        )
        for part in kinds
    ]
    return _table(("part", "accounts", "resources"), rows)


def settings() -> str:
    """Return all settings, a section for each part of the file, and the rules between them."""
    parts = []
    for title, model, place in _sections():
        rows = [
            _setting(f"{place}{name}", field)
            for name, field in model.model_fields.items()
            if place or not _is_section(field)
        ]
        head = ("setting", "type", "default", "rule", "meaning")
        parts.append(f"## {title}\n\n{_prose(model)}\n\n{_table(head, rows)}")
    parts.append("## Rules between settings\n")
    parts.append("\n".join(f"- {line}" for line in rule_descriptions()) + "\n")
    return "\n".join(parts)


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, *rows]
    lines[1:1] = [("---",) * len(head)]
    texts = [f"| {' | '.join(line)} |" for line in lines]
    texts[1] = f"|{'---|' * len(head)}"
    return "\n".join(texts) + "\n"


def _span(question: Question) -> str:
    days, hours = divmod(question.hours, 24)
    return f"{question.hours} h" if hours or days == 1 else f"{days} days"


def _parameter_default(parameter: Parameter) -> str:
    if parameter.fact:
        return f"`<{parameter.fact}>`"
    if parameter.required:
        return "required"
    return f"`{parameter.default}`" if parameter.default else "none"


def _alarm(alarm: Alarm) -> Iterator[str]:
    yield f"## {alarm.name}\n"
    rings = (
        f"Rings at {alarm.threshold} in 5 minutes."
        if alarm.pattern
        else "Rings where the log group takes nothing in for `alarms.silence_minutes`."
    )
    yield f"{alarm.title} ({', '.join(alarm.controls)}). {rings}\n"
    if alarm.pattern:
        yield f"```text\n{alarm.pattern}\n```\n"
    if alarm.cis:
        yield f'With `patterns = "cis"`:\n\n```text\n{alarm.cis}\n```\n'
    yield f"**When it rings.** {alarm.response}\n"


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


def _setting(name: str, field: FieldInfo) -> tuple[str, ...]:
    rules = "; ".join(dict.fromkeys(_rules(field)))
    meaning = (field.description or "").strip()
    cells = (f"`{name}`", _kind(field.annotation), _default(field), rules, meaning)
    return tuple(cell.replace("|", r"\|") for cell in cells)


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
