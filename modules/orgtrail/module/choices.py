"""What the caller of a module chooses: each is a variable that takes a setting's place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from orgtrail.module.conditions import of_each, tests
from orgtrail.regions import partition
from orgtrail.settings.environment import Environment
from orgtrail.settings.trail import LogRetention
from orgtrail.settings.types import AccountId, RoleArn, metadata_in, models_in


@dataclass(frozen=True)
class Choice:
    """A variable.

    Args:
        name: its name.
        setting: the setting that it is the value of, from the top of an environment.
        stand_in: a value for that setting that occurs nowhere else; a list of them where the
            setting is one.
        value: what the settings say; the default, if the variable has one.
        is_asked: whether the caller has to say it.
        meaning: what it is for.
        rules: what the values keep to, as pydantic has it.
        derived: what its value ends with after the archive's name, where nothing is given.

    """

    name: str
    setting: tuple[str, ...]
    stand_in: str | int | tuple[str, ...]
    value: Any
    is_asked: bool
    meaning: str
    rules: tuple[object, ...]
    derived: str = ""

    @property
    def type(self) -> str:
        """Terraform's type of it."""
        if isinstance(self.stand_in, int):
            return "number"
        return "list(string)" if isinstance(self.stand_in, tuple) else "string"

    @property
    def expression(self) -> str:
        """What stands for it in the module."""
        is_worked_out = self.derived or self.setting == PREFIX
        return f"{'local' if is_worked_out else 'var'}.{self.name}"

    @property
    def template(self) -> str:
        """The same, in a text."""
        return f"${{{self.expression}}}"

    def conditions(self) -> Iterator[tuple[str, str]]:
        """Yield each condition of its values, in Terraform's language, and what to say of it."""
        value = f"var.{self.name}"
        if self.type == "list(string)":
            yield of_each(value, self.rules)
            return
        for test, text in tests(value, self.rules):
            yield f"{value} == null ? true : {test}" if self.derived else test, text
        if self.derived:
            yield (
                f"{value} != null || length(var.archive_bucket) <= {_LONGEST - len(self.derived)}",
                f"must be set, since archive_bucket and {self.derived} is over {_LONGEST} "
                "characters",
            )


_LONGEST = 63
"""Characters of a bucket's name."""
EXEMPT = ("guardrails", "exempt_roles")
HOME = ("home_region",)
PREFIX = ("trail", "key_prefix")
EXPIRY = ("archive", "expire_after_days")
_TEXTS = {
    "organization_id": (("organization", "id"), "o-{}"),
    "organization_root_id": (("organization", "root_id"), "r-{}"),
    "home_region": (HOME, "zz-{}-1"),
    # WAF delivers to buckets of such a name alone.
    "archive_bucket": (("archive", "bucket"), "aws-waf-logs-{}"),
    "trail_name": (("trail", "name"), "{}"),
    "key_prefix": (PREFIX, "{}"),
    "key_alias": (("key", "alias"), "alias/{}"),
    "log_group": (("delivery", "log_group"), "{}"),
    "delivery_role_name": (("delivery", "role_name"), "{}"),
    "policy_name": (("guardrails", "policy_name"), "{}"),
    "database": (("catalog", "database"), "{}"),
    "table": (("catalog", "table"), "{}"),
    "workgroup": (("catalog", "workgroup"), "{}"),
}
_DERIVED = {
    "access_log_bucket": (("archive", "access_log_bucket"), "-access-logs"),
    "result_bucket": (("catalog", "result_bucket"), "-athena-results"),
    "compacted_bucket": (("catalog", "compaction", "bucket"), "-compacted"),
    "findings_bucket": (("guardduty", "export", "bucket"), "-guardduty"),
}
_NUMBERS: dict[str, tuple[tuple[str, ...], Sequence[int]]] = {
    # Far apart, and in the order that the rules between them ask for.
    "glacier_after_days": (("archive", "glacier_after_days"), range(30000, 30100)),
    "deep_archive_after_days": (("archive", "deep_archive_after_days"), range(30200, 30300)),
    "object_lock_days": (("archive", "object_lock", "days"), range(30300, 30400)),
    "expire_after_days": (EXPIRY, range(30500, 30600)),
    "noncurrent_expire_after_days": (
        ("archive", "noncurrent_expire_after_days"), range(30600, 30700),
    ),
    "access_log_expire_after_days": (
        ("archive", "access_log_expire_after_days"), range(30700, 30800),
    ),
    "result_expire_after_days": (("catalog", "result_expire_after_days"), range(30800, 30900)),
    "log_retention_days": (("delivery", "retention_days"), get_args(LogRetention)[::-1]),
    "key_rotation_days": (("key", "rotation_days"), range(2500, 2560)),
}  # fmt: skip
"""Each with values that may stand in for it."""
_MEANINGS = {
    "expire_after_days": "Days until a log file expires.",
    "exempt_roles": "Roles in member accounts that the service control policy does not bind: "
    "those that Terraform deploys with, at least.",
}
"""Where a variable takes less than the setting does."""
_ASKED = ("organization_id", "organization_root_id", "home_region", "archive_bucket")
"""What no default can be right for."""


def choices(env: Environment, *, given: bool) -> list[Choice]:
    """Return the variables of a module.

    Args:
        env: the settings that the module is made of.
        given: whether they are somebody's own, and so the defaults.

    """
    return [
        *_accounts(env, given=given),
        *_texts(env, given=given),
        *_exempt_roles(env, given=given),
        *_buckets(env),
        *_numbers(env),
    ]


def named_accounts(env: Environment) -> list[str]:
    """Return the accounts that the module has to tell apart; of others it needs the id alone."""
    readers = env.access.member_readers
    named = [*env.provider_accounts, *((readers and readers.accounts) or ())]
    for writer in env.archive.writers:
        named += writer.accounts or ()
    if env.trail.delegated_administrator:
        named.append(env.trail.delegated_administrator)
    return list(dict.fromkeys(named))


def _accounts(env: Environment, *, given: bool) -> Iterator[Choice]:
    for number, name in enumerate(named_accounts(env), start=1):
        yield Choice(
            f"{name}_account_id",
            ("accounts", name, "id"),
            _stand_in(number),
            env.accounts[name].id,
            not given,
            f"Id of the {name} account.",
            tuple(metadata_in(AccountId)),
        )
        if (role := env.accounts[name].role_arn) and name != "management":
            # A pattern that is exempt covers it, and it differs from that pattern.
            yield Choice(
                f"{name}_role_arn",
                ("accounts", name, "role_arn"),
                _exempt(env, number).replace("*", "deploys"),
                role,
                False,
                f"Role that Terraform deploys with in the {name} account.",
                tuple(metadata_in(RoleArn)),
            )


def _texts(env: Environment, *, given: bool) -> Iterator[Choice]:
    for number, (name, (setting, form)) in enumerate(_TEXTS.items()):
        # In which regions there is detection is part of what the module is made of.
        if setting == HOME and env.detection:
            continue
        stand_in = form.format(f"zz{_letters(number)}standin")
        is_asked = name in _ASKED and not given
        yield _choice(name, setting, stand_in, value_at(env, setting), is_asked=is_asked)


def _exempt_roles(env: Environment, *, given: bool) -> Iterator[Choice]:
    if env.policy_targets:
        # The policy would lock out whoever deploys to an account and is not exempt.
        roles = tuple(_exempt(env, number) for number in range(2, len(env.provider_accounts) + 1))
        yield _choice("exempt_roles", EXEMPT, roles, list(env.exempt_roles), is_asked=not given)


def _buckets(env: Environment) -> Iterator[Choice]:
    for number, (name, (setting, ending)) in enumerate(_DERIVED.items()):
        bucket = value_at(env, setting)
        if bucket is None and value_at(env, setting[:-1]) is None:
            continue
        value = None if bucket == f"{env.archive.bucket}{ending}" else bucket
        stand_in = f"zz-standin-{_letters(number)}"
        yield _choice(name, setting, stand_in, value, derived=ending)


def _numbers(env: Environment) -> Iterator[Choice]:
    taken = set(_numbers_in(env.model_dump()))
    for name, (setting, candidates) in _NUMBERS.items():
        if (value := value_at(env, setting)) is not None:
            stand_in = next(each for each in candidates if each not in taken)
            yield _choice(name, setting, stand_in, value)


def _numbers_in(value: Any) -> Iterator[int]:
    match value:
        case dict():
            for each in value.values():
                yield from _numbers_in(each)
        case list() | tuple():
            for each in value:
                yield from _numbers_in(each)
        case int():
            yield value


def _choice(
    name: str,
    setting: tuple[str, ...],
    stand_in: str | int | tuple[str, ...],
    value: Any,
    *,
    is_asked: bool = False,
    derived: str = "",
) -> Choice:
    field = _field(setting)
    rules = (*field.metadata, *metadata_in(field.annotation))
    if get_origin(field.annotation) is Literal:
        rules = (get_args(field.annotation),)
    meaning = _MEANINGS.get(name) or field.description or ""
    return Choice(name, setting, stand_in, value, is_asked, meaning, rules, derived)


def _stand_in(account: int) -> str:
    return f"99000000{account:04}"


def _exempt(env: Environment, account: int) -> str:
    home = partition(env.home_region) if env.detection else "aws"
    return f"arn:{home}:iam::{_stand_in(account)}:role/zzstandin*"


def _letters(number: int) -> str:
    # Letters alone: where a name of digits begins, Terraform might read a number.
    return chr(ord("a") + number) * 2


def value_at(env: Environment, setting: tuple[str, ...]) -> Any:
    """Return a setting's value, or None where a section above it is off."""
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
