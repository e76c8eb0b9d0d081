"""The interface of a module: its variables with their validation, and its providers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from orgtrail.module.conditions import cross_conditions, of_each
from orgtrail.module.variables import Variable, named_accounts
from orgtrail.regions import PARTITIONS
from orgtrail.settings.environment import Environment
from orgtrail.settings.types import AccountId, Target, metadata_in
from orgtrail.trail.stack import PROVIDER, TERRAFORM_VERSIONS, provider_versions

Json = dict[str, Any]

HEADER = "Written by orgtrail module. The next time it writes the module, changes here are lost."
"""The first line of each file of the configuration; by it, the next run knows its own files."""


def versions(env: Environment) -> Json:
    """Return `versions.tf.json`, with the required providers."""
    aliases = [f"aws.{name}" for name in env.provider_accounts]
    return {
        "terraform": {
            "required_version": TERRAFORM_VERSIONS,
            "required_providers": {
                "aws": {
                    "source": PROVIDER,
                    "version": provider_versions(env),
                    "configuration_aliases": aliases,
                }
            },
        }
    }


def variables_file(env: Environment, chosen: Sequence[Variable]) -> Json:
    """Return `variables.tf.json`.

    Args:
        env: the settings that the module is built from.
        chosen: its variables.

    """
    # A role that Terraform assumes in an administrator's account is exempt in any case.
    named = [each for each in env.provider_accounts[2:] if not env.accounts[each].role_arn]
    deployed = [f"{name}_account_id" for name in ("logging", *named)]
    together = cross_conditions([each.name for each in chosen], deployed)
    if "home_region" in together:
        together["home_region"] += tuple(_partition_conditions(env))
    made = {
        each.name: _variable(
            each.meaning,
            each.type,
            [
                (test, f"{each.name} {text}.")
                for test, text in (*each.conditions(), *together[each.name])
            ],
            default={} if each.is_asked else {"default": each.value},
            nullable=bool(each.derived),
        )
        for each in chosen
    }
    separate = named_accounts(env)
    others = sorted(each.id for name, each in env.accounts.items() if name not in separate)
    made["member_account_ids"] = _variable(
        "Ids of all other accounts: those that the table has to project.",
        "list(string)",
        [_each("member_account_ids", AccountId)],
        default={"default": others},
    )
    if env.policy_targets:
        made["policy_targets"] = _variable(
            "Where the service control policy is attached; null is the organization's root.",
            "list(string)",
            [_each("policy_targets", Target, nullable=True)],
            default={"default": _targets(env)},
            nullable=True,
        )
    return {"variable": made}


def _partition_conditions(env: Environment) -> Iterator[tuple[str, str]]:
    """Yield the conditions against partitions that lack a service which the module uses."""
    told = env.alarms.subscribers if env.alarms else None
    asked = {
        "chatbot": bool(told and (told.slack or told.teams)),
        "codebuild": env.verification is not None,
    }
    for service in (name for name, wanted in asked.items() if wanted):
        absent = [each for each in PARTITIONS if service in each.absent]
        prefixes = ", ".join(f'"{each.prefix}"' for each in absent)
        yield (
            f"!anytrue([for each in [{prefixes}] : startswith(var.home_region, each)])",
            f"must not be in {' or '.join(each.name for each in absent)}, without {service}, "
            "which this module has",
        )


def _targets(env: Environment) -> list[str] | None:
    """Return the targets that the policy is not attached to yet; None for the root."""
    if env.guardrails.targets is None and not env.adopt.scp:
        return None
    return [each for each in env.policy_targets if each not in env.attached_targets]


def _each(name: str, kind: object, *, nullable: bool = False) -> tuple[str, str]:
    test, text = of_each(f"var.{name}", metadata_in(kind))
    return (f"var.{name} == null ? true : {test}" if nullable else test), f"{name}: {text}."


def _variable(
    meaning: str,
    type_: str,
    conditions: list[tuple[str, str]],
    *,
    default: Json,
    nullable: bool = False,
) -> Json:
    return {
        "description": meaning,
        "type": type_,
        "nullable": nullable,
        **default,
        "validation": [
            {"condition": f"${{{test}}}", "error_message": text} for test, text in conditions
        ],
    }
