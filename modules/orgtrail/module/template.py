"""From the stack of an environment of stand-ins to a module with variables in their place."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from orgtrail.errors import OrgtrailError, dotted
from orgtrail.module.choices import (
    EXEMPT,
    EXPIRY,
    HOME,
    PREFIX,
    Choice,
    named_accounts,
    value_at,
)
from orgtrail.regions import PARTITIONS, partition
from orgtrail.settings.environment import Environment

Json = dict[str, Any]

_ACCOUNTS = "account_ids"
_ATTACHMENT = "aws_organizations_policy_attachment"


def stand_in(env: Environment, chosen: Sequence[Choice]) -> Environment:
    """Return the environment with every choice at its stand-in, and nothing of anybody's own.

    Args:
        env: the settings.
        chosen: the choices of that environment.

    """
    values = env.model_dump()
    named = named_accounts(env)
    renamed = {
        str(value_at(env, each.setting)): str(each.stand_in)
        for each in chosen
        if each.setting[0] in ("organization", *HOME)
    }
    ids = {each.setting[1]: str(each.stand_in) for each in chosen if is_account(each)}
    roles = {
        each.setting[1]: str(each.stand_in) for each in chosen if each.setting[-1] == "role_arn"
    }
    if any(each.setting == HOME for each in chosen):
        renamed[f"arn:{partition(env.home_region)}"] = "arn:aws"
    renamed |= {env.accounts[name].id: ids[name] for name in named}
    values["archive"]["statements"] = _of_bucket(env, chosen)
    values = _renamed(values, renamed)
    values["accounts"] = {name: {"id": ids[name], **_reached(name, env, roles)} for name in named}
    values |= {"backend": {"type": "local"}, "tags": {}}
    values["guardrails"]["targets"] = None if env.policy_targets else ()
    if env.adopt.scp:
        values["adopt"]["scp"]["attached"] = ()
    for each in chosen:
        if each.setting[0] != "accounts":
            inner = values
            for name in each.setting[:-1]:
                inner = inner[name]
            inner[each.setting[-1]] = each.stand_in
    return _valid(values)


def _of_bucket(env: Environment, chosen: Sequence[Choice]) -> tuple[Json, ...]:
    """Return the kept statements with the stand-in of the bucket that they are about."""
    stands = next(str(each.stand_in) for each in chosen if each.setting == ("archive", "bucket"))
    name = re.compile(rf"(?<=:::){re.escape(env.archive.bucket)}(?=/|$)")

    def renamed(resource: str) -> str:
        return name.sub(stands, resource)

    kept = []
    for each in env.archive.statements:
        given = each.Resource
        about = renamed(given) if isinstance(given, str) else tuple(map(renamed, given))
        kept.append({**each.model_dump(), "Resource": about})
    return tuple(kept)


def is_account(choice: Choice) -> bool:
    """Tell whether a choice is of an account's id."""
    return choice.setting[0] == "accounts" and choice.setting[-1] == "id"


def _reached(name: str, env: Environment, roles: Mapping[str, str]) -> Json:
    """Return how an account is reached: in the module that is up to the caller's provider."""
    if name not in env.provider_accounts:
        return {}
    bounded = {"permissions_boundary": env.accounts[name].permissions_boundary}
    return ({"role_arn": roles[name]} if name in roles else {"profile": "caller"}) | bounded


def _valid(values: Json) -> Environment:
    """Make an environment of settings.

    Raises:
        OrgtrailError: settings and stand-ins do not go together.

    """
    try:
        return Environment.model_validate(values)
    except ValidationError as error:
        faults = "; ".join(
            f"{dotted(each['loc'])} {each['msg']}" for each in error.errors(include_url=False)
        )
        raise OrgtrailError(f"cannot be made a module: {faults}") from None


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    """Put stand-ins into every text: an ARN names an account and a region."""
    match value:
        case dict():
            return {key: _renamed(each, names) for key, each in value.items()}
        case tuple() | list():
            return tuple(_renamed(each, names) for each in value)
        case str():
            for old, new in names.items():
                value = new if value == old else f":{value}".replace(f":{old}:", f":{new}:")[1:]
            return value
        case _:
            return value


def body(
    content: Json, env: Environment, chosen: Sequence[Choice]
) -> tuple[dict[str, Json], list[Choice]]:
    """Return `main.tf.json` and `outputs.tf.json` of a module, and the choices that they have.

    Args:
        content: the stack of the environment of stand-ins.
        env: that environment.
        chosen: its choices; one of what is only referred to may be in none of its resources.

    """
    filling = _Filling(env, chosen)
    parts = {name: content[name] for name in ("data", "check", "resource") if name in content}
    _rename_attachments(parts["resource"].get(_ATTACHMENT, {}), env)
    parts["data"]["aws_caller_identity"] = dict(map(_its_account, content["provider"]["aws"]))
    filled, outputs = filling.fill(parts), filling.fill(content["output"])
    text = json.dumps((filled, outputs))
    used = [
        each
        for each in chosen
        if each.expression in text or is_account(each) or each.setting[0] == "organization"
    ]
    return {
        "main.tf.json": {"locals": _locals(env, used), **filled},
        "outputs.tf.json": {"output": outputs},
    }, used


def _its_account(provider: Json) -> tuple[str, Json]:
    """Return what stops a plan where the caller passes the provider of another account.

    A provider of ours would refuse by itself; whether his does is up to him.
    """
    alias, (account,) = provider["alias"], provider["allowed_account_ids"]
    condition = {
        "condition": f'${{self.account_id == "{account}"}}',
        "error_message": f"aws.{alias} reaches another account than {account}. "
        "Pass the provider of that account.",
    }
    return alias, {"provider": f"aws.{alias}", "lifecycle": {"postcondition": [condition]}}


def _rename_attachments(attachments: Json, env: Environment) -> None:
    """Attach the service control policy to every target that the caller names.

    The address of an attachment has its target's id in it: no other address has one.
    """
    for name in list(attachments):
        attachment = attachments.pop(name)
        if name.endswith(f"_{env.organization.root_id}"):
            attachment |= {
                "for_each": "${toset(local.policy_targets)}", "target_id": "${each.value}",
            }  # fmt: skip
        attachments[name.rpartition("_")[0]] = attachment


class _Filling:
    """Puts expressions in the place of stand-ins."""

    def __init__(self, env: Environment, chosen: Sequence[Choice]) -> None:
        self.numbers = {each.stand_in: each for each in chosen if isinstance(each.stand_in, int)}
        ids = env.account_ids
        self.texts = [
            # In the table: as Terraform's list, or as the text that joins it.
            (json.dumps(ids), f"local.{_ACCOUNTS}"),
            (",".join(ids), f'${{join(",", local.{_ACCOUNTS})}}'),
            # In what the daily verification runs.
            (" ".join(f"--expect {each}" for each in ids),
             f'${{join(" ", [for each in local.{_ACCOUNTS} : "--expect ${{each}}"])}}'),
        ]  # fmt: skip
        by_setting = {each.setting: each for each in chosen}
        if exempt := by_setting.get(EXEMPT):
            # They stand in quotes, one after the other, in a list of JSON.
            assert isinstance(exempt.stand_in, tuple)
            between = '","'
            listed = '${join("\\",\\"", var.exempt_roles)}'
            self.texts.append((between.join(exempt.stand_in), listed))
        # Roles hold the stand-ins of accounts and of the partition.
        self.texts += [
            (str(each.stand_in), each.template) for each in chosen if each.setting[-1] == "role_arn"
        ]
        if expiry := by_setting.get(EXPIRY):
            for form in ("NOW-{}DAYS", "interval '{}' day"):
                self.texts.append((form.format(expiry.stand_in), form.format(expiry.template)))
        if home := by_setting.get(HOME):
            self.texts += [
                (f".{home.stand_in}.amazonaws.com", ".${var.home_region}.${local.dns_suffix}"),
                ("arn:aws:", "arn:${local.partition}:"),
            ]
        if prefix := by_setting.get(PREFIX):
            self.texts += [
                (f"{prefix.stand_in}/", "${local.key_prefix}"),
                (str(prefix.stand_in), '${var.key_prefix == "" ? null : var.key_prefix}'),
            ]
        self.texts += [
            (str(each.stand_in), each.template)
            for each in chosen
            if each.setting not in (EXEMPT, PREFIX) and isinstance(each.stand_in, str)
        ]

    def fill(self, value: Any) -> Any:
        """Return a value of Terraform's JSON with the expressions in it."""
        match value:
            case dict():
                return {name: self.fill(each) for name, each in value.items() if name != "//"}
            case list():
                return [self.fill(each) for each in value]
            case bool():
                return value
            case int() if value in self.numbers:
                return self.numbers[value].template
            case str():
                for old, new in self.texts:
                    value = value.replace(old, new)
                return value
            case _:
                return value


def _locals(env: Environment, chosen: Sequence[Choice]) -> Json:
    settings = {each.setting for each in chosen}
    ids = ", ".join(f"var.{each.name}" for each in chosen if is_account(each))
    made = {_ACCOUNTS: f"${{sort(distinct(concat([{ids}], var.member_account_ids)))}}"}
    if PREFIX in settings:
        made["key_prefix"] = '${var.key_prefix == "" ? "" : "${var.key_prefix}/"}'
    if HOME in settings:
        made["partition"] = _by_partition("name")
        made["dns_suffix"] = _by_partition("suffix")
    if env.policy_targets:
        made["policy_targets"] = (
            "${var.policy_targets == null ? [var.organization_root_id] : var.policy_targets}"
        )
    for each in chosen:
        if each.derived:
            ours = f'"${{var.archive_bucket}}{each.derived}"'
            made[each.name] = f"${{var.{each.name} == null ? {ours} : var.{each.name}}}"
    return made


def _by_partition(attribute: str) -> str:
    """Return what says a thing of the home region's partition, whichever the caller's is."""
    *others, commercial = PARTITIONS
    cases = "".join(
        f'startswith(var.home_region, "{each.prefix}") ? "{getattr(each, attribute)}" : '
        for each in others
    )
    return f'${{{cases}"{getattr(commercial, attribute)}"}}'
