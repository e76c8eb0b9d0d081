"""A module's variables, each in place of a setting."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from orgtrail.module.conditions import of_each, tests
from orgtrail.settings.environment import Environment
from orgtrail.settings.types import AccountId, RoleArn, metadata_in, models_in


@dataclass(frozen=True)
class Variable:
    """A variable of a module.

    Args:
        name: its name.
        setting: the path of its setting, from the top of an environment.
        value: the setting's value, which is the default if the variable has one.
        is_asked: whether the caller has to set it.
        meaning: its description.
        rules: the rules for its values, as pydantic metadata.
        derived: the suffix after the archive's name in the value if the caller sets none; empty if
            the value is not derived.

    """

    name: str
    setting: tuple[str, ...]
    value: Any
    is_asked: bool
    meaning: str
    rules: tuple[object, ...]
    derived: str = ""

    @property
    def type(self) -> str:
        """Its type in Terraform."""
        if isinstance(self.value, int):
            return "number"
        return "list(string)" if self.setting == EXEMPT else "string"

    @property
    def placeholder(self) -> str:
        """The text that stands for it while the stack is built; no setting can have this text.

        It sorts after all names.
        """
        kind = "arn:" if self.setting == EXEMPT or self.setting[-1] == "role_arn" else ""
        return f"{kind}zz@{{{self.name}}}"

    @property
    def expression(self) -> str:
        """The expression that refers to it in the module."""
        is_worked_out = self.derived or self.setting == PREFIX
        return f"{'local' if is_worked_out else 'var'}.{self.name}"

    @property
    def template(self) -> str:
        """The expression as an interpolation."""
        return f"${{{self.expression}}}"

    def conditions(self) -> Iterator[tuple[str, str]]:
        """Yield the conditions on its values in Terraform's language, with their error messages."""
        value = f"var.{self.name}"
        if self.type == "list(string)":
            yield of_each(value, self.rules)
            return
        for test, text in tests(value, self.rules):
            yield f"{value} == null ? true : {test}" if self.derived else test, text
        if self.derived:
            yield (
                f"{value} != null || length(var.archive_bucket) <= {_MAX_NAME - len(self.derived)}",
                f"must be set, since archive_bucket and {self.derived} is over {_MAX_NAME} "
                "characters",
            )


_MAX_NAME = 63
"""Most characters of a bucket's name."""
EXEMPT = ("guardrails", "exempt_roles")
HOME = ("home_region",)
PREFIX = ("trail", "key_prefix")
EXPIRY = ("archive", "expire_after_days")
_TEXTS = {
    "organization_id": ("organization", "id"),
    "organization_root_id": ("organization", "root_id"),
    "home_region": HOME,
    "archive_bucket": ("archive", "bucket"),
    "trail_name": ("trail", "name"),
    "key_prefix": PREFIX,
    "key_alias": ("key", "alias"),
    "log_group": ("delivery", "log_group"),
    "delivery_role_name": ("delivery", "role_name"),
    "policy_name": ("guardrails", "policy_name"),
    "database": ("catalog", "database"),
    "table": ("catalog", "table"),
    "workgroup": ("catalog", "workgroup"),
}
_DERIVED = {
    "access_log_bucket": (("archive", "access_log_bucket"), "-access-logs"),
    "result_bucket": (("catalog", "result_bucket"), "-athena-results"),
    "compacted_bucket": (("catalog", "compaction", "bucket"), "-compacted"),
    "findings_bucket": (("guardduty", "export", "bucket"), "-guardduty"),
}
_NUMBERS = {
    "glacier_after_days": ("archive", "glacier_after_days"),
    "deep_archive_after_days": ("archive", "deep_archive_after_days"),
    "object_lock_days": ("archive", "object_lock", "days"),
    "expire_after_days": EXPIRY,
    "noncurrent_expire_after_days": ("archive", "noncurrent_expire_after_days"),
    "access_log_expire_after_days": ("archive", "access_log_expire_after_days"),
    "result_expire_after_days": ("catalog", "result_expire_after_days"),
    "log_retention_days": ("delivery", "retention_days"),
    "key_rotation_days": ("key", "rotation_days"),
}
_MEANINGS = {
    "expire_after_days": "Days until a log file expires.",
    "exempt_roles": "Roles in member accounts that the service control policy does not bind: "
    "those that Terraform deploys with, at least.",
}
"""Descriptions of variables that accept less than their setting does."""
_REQUIRED = ("organization_id", "organization_root_id", "home_region", "archive_bucket")
"""Variables without a sensible default."""


def variables(env: Environment, *, given: bool) -> list[Variable]:
    """Return the variables of a module.

    Args:
        env: the settings that the module is built from.
        given: whether they are a user's settings, and thus the variables' defaults.

    """
    return [
        *_accounts(env, given=given),
        *_texts(env, given=given),
        *_exempt_roles(env, given=given),
        *_buckets(env),
        *_numbers(env),
    ]


def is_account(variable: Variable) -> bool:
    """Return whether a variable is an account's id."""
    return variable.setting[0] == "accounts" and variable.setting[-1] == "id"


def named_accounts(env: Environment) -> list[str]:
    """Return the accounts with a separate variable; other accounts are only ids in a list."""
    readers = env.access.member_readers
    named = [*env.provider_accounts, *((readers and readers.accounts) or ())]
    for writer in env.archive.writers:
        named += writer.accounts or ()
    if env.trail.delegated_administrator:
        named.append(env.trail.delegated_administrator)
    return list(dict.fromkeys(named))


def _accounts(env: Environment, *, given: bool) -> Iterator[Variable]:
    for name in named_accounts(env):
        yield Variable(
            f"{name}_account_id",
            ("accounts", name, "id"),
            env.accounts[name].id,
            not given,
            f"Id of the {name} account.",
            tuple(metadata_in(AccountId)),
        )
        if (role := env.accounts[name].role_arn) and name != "management":
            yield Variable(
                f"{name}_role_arn",
                ("accounts", name, "role_arn"),
                role,
                False,
                f"Role that Terraform deploys with in the {name} account.",
                tuple(metadata_in(RoleArn)),
            )


def _texts(env: Environment, *, given: bool) -> Iterator[Variable]:
    for name, setting in _TEXTS.items():
        # The regions of the detection services are fixed when the module is built.
        if setting == HOME and env.detection:
            continue
        is_asked = name in _REQUIRED and not given
        yield _variable(name, setting, value_at(env, setting), is_asked=is_asked)


def _exempt_roles(env: Environment, *, given: bool) -> Iterator[Variable]:
    if env.policy_targets:
        yield _variable("exempt_roles", EXEMPT, list(env.exempt_roles), is_asked=not given)


def _buckets(env: Environment) -> Iterator[Variable]:
    for name, (setting, ending) in _DERIVED.items():
        bucket = value_at(env, setting)
        if bucket is None and value_at(env, setting[:-1]) is None:
            continue
        value = None if bucket == f"{env.archive.bucket}{ending}" else bucket
        yield _variable(name, setting, value, derived=ending)


def _numbers(env: Environment) -> Iterator[Variable]:
    for name, setting in _NUMBERS.items():
        if (value := value_at(env, setting)) is not None:
            yield _variable(name, setting, value)


def _variable(
    name: str,
    setting: tuple[str, ...],
    value: Any,
    *,
    is_asked: bool = False,
    derived: str = "",
) -> Variable:
    field = _field(setting)
    rules = (*field.metadata, *metadata_in(field.annotation))
    if get_origin(field.annotation) is Literal:
        rules = (get_args(field.annotation),)
    meaning = _MEANINGS.get(name) or field.description or ""
    return Variable(name, setting, value, is_asked, meaning, rules, derived)


def value_at(env: Environment, setting: tuple[str, ...]) -> Any:
    """Return a setting's value, or None if a section above it is off."""
    value: Any = env
    for name in setting:
        value = getattr(value, name, None)
    return value


def _field(setting: tuple[str, ...]) -> FieldInfo:
    model: Any = Environment
    for name in setting[:-1]:
        model = next(models_in(model.model_fields[name].annotation))
    found: FieldInfo = model.model_fields[setting[-1]]
    return found
