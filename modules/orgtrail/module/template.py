"""Renders the stack of a module, with variables in place of the values that a caller chooses."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

from pydantic import BaseModel

from orgtrail.module.locals import ACCOUNTS, local_values
from orgtrail.module.variables import (
    EXEMPT,
    HOME,
    PREFIX,
    Variable,
    is_account,
    named_accounts,
)
from orgtrail.regions import partition
from orgtrail.settings.environment import Environment
from orgtrail.terraform.render import stack_json
from orgtrail.trail.resource import Json
from orgtrail.trail.stack import build

_ACCOUNTS_OF_FILE = "accounts in the environment file"
_IDENTITY = "aws_caller_identity"
_ATTACHMENT = "aws_organizations_policy_attachment"


class _Number(int):
    """A number that computes as its value but is written as its variable's placeholder."""

    placeholder: str

    def __new__(cls, value: int, placeholder: str) -> Self:
        made = super().__new__(cls, value)
        made.placeholder = placeholder
        return made

    def __format__(self, specification: str) -> str:
        return self.placeholder

    def __str__(self) -> str:
        return self.placeholder


@dataclass(frozen=True)
class Template:
    """A module's configuration, before it is written in JSON or HCL.

    Attributes:
        locals: its local values.
        content: its data sources, checks and resources, in Terraform's JSON.
        outputs: its outputs.
        variables: the variables that it uses.
        order: the addresses of its resources and data sources, in the order of their parts.
        settings: the settings, with a placeholder for each variable.
        replacements: the placeholders with what takes their place, in order.

    """

    locals: Json
    content: Json
    outputs: Json
    variables: Sequence[Variable]
    order: Sequence[str]
    settings: Environment
    replacements: Sequence[tuple[str, str]]

    def filled(self, value: Any) -> Any:
        """Return a value of Terraform's JSON with expressions in the place of placeholders."""
        return _filled(value, self.replacements)


def template(env: Environment, chosen: Sequence[Variable]) -> Template:
    """Return the configuration of a module.

    Args:
        env: the settings.
        chosen: the candidate variables; one for a resource that the file only refers to may be
            unused.

    """
    general = _with_placeholders(env, chosen)
    stack = build(general)
    content = stack_json(stack)
    outputs = content.pop("output")
    renamed = _rename_attachments(content["resource"].get(_ATTACHMENT, {}), general)
    content["data"][_IDENTITY] = {
        name: _account_check(name, general) for name in general.provider_accounts
    }
    identities = (f"data.{_IDENTITY}.{name}" for name in general.provider_accounts)
    managed = (each.address for each in stack.resources if each.is_managed)
    replacements = _replacements(general, chosen)
    content = _in_variables(content, chosen)
    content, outputs = (_filled(each, replacements) for each in (content, outputs))
    text = json.dumps((content, outputs))
    used = [
        each
        for each in chosen
        if each.expression in text or is_account(each) or each.setting[0] == "organization"
    ]
    order = [*identities, *(renamed.get(each, each) for each in managed)]
    return Template(
        local_values(env, used),
        content,
        outputs,
        used,
        tuple(dict.fromkeys(order)),
        general,
        tuple(replacements),
    )


def _with_placeholders(env: Environment, chosen: Sequence[Variable]) -> Environment:
    """Return the settings with a placeholder for each variable, without the user's own values.

    They are no longer valid settings: placeholders have characters that AWS does not accept.
    """
    names = {
        str(each.value): each.placeholder
        for each in chosen
        if each.setting[0] in ("organization", *HOME) or is_account(each)
    }
    if any(each.setting == HOME for each in chosen):
        names[f"arn:{partition(env.home_region)}"] = "arn:aws"
    general: Environment = _map_texts(env, lambda text: _renamed(text, names))
    statements = tuple(
        each.model_copy(update={"Resource": resource})
        for each, resource in zip(
            general.archive.statements, _kept_resources(env, chosen), strict=True
        )
    )
    general = _put(general, ("archive", "statements"), statements)
    kept = {name: general.accounts[name] for name in named_accounts(env)}
    general = _put(general, ("accounts",), kept)
    general = _put(general, ("guardrails", "targets"), None if env.policy_targets else ())
    if general.adopt.scp:
        general = _put(general, ("adopt", "scp", "attached"), ())
    for each in chosen:
        general = _put(general, each.setting, _in_place_of(each))
    return general


def _in_place_of(variable: Variable) -> Any:
    if variable.type == "number":
        return _Number(variable.value, variable.placeholder)
    return (variable.placeholder,) if variable.setting == EXEMPT else variable.placeholder


def _kept_resources(env: Environment, chosen: Sequence[Variable]) -> Iterator[Any]:
    """Yield the resources of the archive's kept statements, with the bucket's placeholder."""
    ours = next(each.placeholder for each in chosen if each.setting == ("archive", "bucket"))
    name = re.compile(rf"(?<=:::){re.escape(env.archive.bucket)}(?=/|$)")
    for each in env.archive.statements:
        yield _map_texts(each.Resource, lambda text: name.sub(ours, text))


def _renamed(text: str, names: dict[str, str]) -> str:
    """Replace a text, or the account and region in an ARN, with placeholders."""
    for old, new in names.items():
        text = new if text == old else f":{text}".replace(f":{old}:", f":{new}:")[1:]
    return text


def _map_texts(value: Any, change: Callable[[str], str]) -> Any:
    """Apply a change to every text in settings, without validation."""
    match value:
        case BaseModel():
            fields = {
                name: _map_texts(getattr(value, name), change) for name in type(value).model_fields
            }
            return value.model_copy(update=fields)
        case dict():
            return {key: _map_texts(each, change) for key, each in value.items()}
        case tuple():
            return tuple(_map_texts(each, change) for each in value)
        case str():
            return change(value)
        case _:
            return value


def _put(value: Any, setting: tuple[str, ...], new: Any) -> Any:
    """Return settings with one setting replaced, without validation."""
    if not setting:
        return new
    name, *inner = setting
    if isinstance(value, dict):
        return {**value, name: _put(value[name], tuple(inner), new)}
    return value.model_copy(update={name: _put(getattr(value, name), tuple(inner), new)})


def _account_check(name: str, env: Environment) -> Json:
    """Return a data source that stops a plan if the caller passes the wrong account's provider.

    The stack's own providers set `allowed_account_ids`; the caller's might not.
    """
    account = env.accounts[name].id
    condition = {
        "condition": f'${{self.account_id == "{account}"}}',
        "error_message": f"aws.{name} reaches another account than {account}. "
        "Pass the provider of that account.",
    }
    return {"provider": f"aws.{name}", "lifecycle": {"postcondition": [condition]}}


def _in_variables(content: Json, chosen: Sequence[Variable]) -> Json:
    """Return the configuration with messages that name variables in the place of settings."""
    names = {f"{'.'.join(each.setting)}": each.name for each in chosen}
    names[_ACCOUNTS_OF_FILE] = "member_account_ids"
    # The longest first: it may have another in it.
    ordered = sorted(names, key=len, reverse=True)
    setting = re.compile(rf"\b(?:{'|'.join(map(re.escape, ordered))})\b")

    def changed(value: Any, name: str = "") -> Any:
        match value:
            case dict():
                return {key: changed(each, key) for key, each in value.items()}
            case list():
                return [changed(each, name) for each in value]
            case str() if name == "error_message":
                return setting.sub(lambda found: names[found[0]], value)
            case _:
                return value

    found: Json = changed(content)
    return found


def _rename_attachments(attachments: Json, env: Environment) -> dict[str, str]:
    """Attach the service control policy to every target in `policy_targets`.

    The address of an attachment has its target's id in it, which no other address has.

    Returns:
        the new address of each attachment.

    """
    renamed = {}
    for name in list(attachments):
        attachment = attachments.pop(name)
        if name.endswith(f"_{env.organization.root_id}"):
            attachment |= {
                "for_each": "${toset(local.policy_targets)}", "target_id": "${each.value}",
            }  # fmt: skip
        target = attachment["target_id"]
        short = env.organization.root_id if target == "${each.value}" else target
        new = name.removesuffix(f"_{short}")
        attachments[new] = attachment
        renamed[f"{_ATTACHMENT}.{name}"] = f"{_ATTACHMENT}.{new}"
    return renamed


def _replacements(env: Environment, chosen: Sequence[Variable]) -> list[tuple[str, str]]:
    """Return the replacements of texts, in order: a list or a prefix comes before its parts."""
    ids = env.account_ids
    by_setting = {each.setting: each for each in chosen}
    found = [
        # In the table: a Terraform list, or the list joined to a text.
        (json.dumps(ids), f"local.{ACCOUNTS}"),
        (",".join(ids), f'${{join(",", local.{ACCOUNTS})}}'),
        # In the command of the daily verification.
        (" ".join(f"--expect {each}" for each in ids),
         f'${{join(" ", [for each in local.{ACCOUNTS} : "--expect ${{each}}"])}}'),
    ]  # fmt: skip
    if exempt := by_setting.get(EXEMPT):
        # They are quoted items of a JSON list.
        found.append((exempt.placeholder, '${join("\\",\\"", var.exempt_roles)}'))
    if home := by_setting.get(HOME):
        found += [
            (f".{home.placeholder}.amazonaws.com", ".${var.home_region}.${local.dns_suffix}"),
            ("arn:aws:", "arn:${local.partition}:"),
        ]
    if prefix := by_setting.get(PREFIX):
        found += [
            (f"{prefix.placeholder}/", "${local.key_prefix}"),
            (prefix.placeholder, '${var.key_prefix == "" ? null : var.key_prefix}'),
        ]
    return found + [(each.placeholder, each.template) for each in chosen]


def _filled(value: Any, replacements: Sequence[tuple[str, str]]) -> Any:
    """Return a value of Terraform's JSON with placeholders replaced by expressions."""
    match value:
        case dict():
            return {name: _filled(each, replacements) for name, each in value.items()}
        case list():
            return [_filled(each, replacements) for each in value]
        case str() | _Number():
            text = str(value)
            for old, new in replacements:
                text = text.replace(old, new)
            return text
        case _:
            return value
