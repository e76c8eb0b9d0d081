"""Warns of orphans: resources that Terraform could no longer reach after a new synthesis.

It compares the new stacks with the last written ones, without reading Terraform's state.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from orgtrail.settings.environment import CloudBackend, Environment, S3Backend

_STACK = "cdk.tf.json"
_REGION_SUFFIX = re.compile(r"(_[a-z]+){2,}_\d$")
"""The suffix of provider aliases outside the home region, in earlier versions."""


@dataclass(frozen=True)
class _Stack:
    """The accounts of a stack's providers by alias, and the alias of each resource by address."""

    accounts: Mapping[str, str]
    resources: Mapping[str, str]

    def account(self, address: str) -> str:
        """Return the id of a resource's account, empty if it is unknown."""
        return self.accounts.get(self.resources[address], "")


def orphan_warnings(environments: Sequence[Environment], draft: Path, out: Path) -> Iterator[str]:
    """Yield warnings about resources that the next apply would lose, with the remedy.

    Args:
        environments: the environments of the new stacks.
        draft: the folder of the new stacks.
        out: the folder of the last stacks; unreadable files in it are ignored.

    """
    names = {env.name for env in environments}
    for env in environments:
        old, new = (folder / "stacks" / env.name / _STACK for folder in (out, draft))
        before = _read_text(old)
        if before is None:
            yield from _renamed(env, names, out)
        elif (
            before != (after := _read_text(new))
            and (last := _stack(before))
            and (now := _stack(after))
        ):
            yield from _unreachable(env, last, now)
            yield from _moved(env, last, now)


def _unreachable(env: Environment, before: _Stack, now: _Stack) -> Iterator[str]:
    """Yield warnings about resources that are removed together with their provider.

    https://developer.hashicorp.com/terraform/language/providers/configuration
    """
    going = {before.resources[each] for each in before.resources.keys() - now.resources.keys()}
    lost = sorted(going - now.accounts.keys())
    names = {alias: _name(env, before.accounts.get(alias, ""), alias) for alias in lost}
    unreached = dict.fromkeys(name for name in names.values() if name not in env.provider_accounts)
    if unreached:
        yield (
            f"{env.name}: the last stack had resources in {', '.join(unreached)}, which this one "
            'does not reach: Terraform could not remove them ("Provider configuration not '
            f'present"); for the next apply add {_retirement(env, unreached)}'
        )
    for alias in (alias for alias, name in names.items() if name in env.provider_accounts):
        yield (
            f"{env.name}: the last stack reached some resources by provider {alias}, which is no "
            'longer made: Terraform could not remove them ("Provider configuration not present"); '
            "apply once with the file as it was, then with this one"
        )


def _moved(env: Environment, before: _Stack, now: _Stack) -> Iterator[str]:
    """Yield warnings about resources that would be created again in another account."""
    moves: dict[tuple[str, str], list[str]] = {}
    for address in sorted(before.resources.keys() & now.resources.keys()):
        move = before.account(address), now.account(address)
        if move[0] != move[1]:
            moves.setdefault(move, []).append(address)
    for (source, target), addresses in moves.items():
        name = _name(env, source, before.resources[addresses[0]])
        more = f" and {len(addresses) - 1} more" if len(addresses) > 1 else ""
        retired = "" if name in env.provider_accounts else f" and add {_retirement(env, [name])}"
        yield (
            f"{env.name}: {addresses[0]}{more} would move from account {source} to {target}: "
            "Terraform would make them there, and lose track of those that exist; leave their "
            f"section out{retired}, apply, and bring the section back"
        )


def _renamed(env: Environment, names: set[str], out: Path) -> Iterator[str]:
    """Yield a warning if the state may be in a stack with an earlier name of the file."""
    backend = env.backend
    if isinstance(backend, CloudBackend) or (isinstance(backend, S3Backend) and backend.key):
        # The file sets the location of the state.
        return
    ours = re.compile(rf"(?<![\w-]){re.escape(env.organization.id)}(?![\w-])")
    former = [
        each.parent.name
        for each in sorted(out.glob(f"stacks/*/{_STACK}"))
        if each.parent.name not in names and ours.search(_read_text(each) or "")
    ]
    if not former:
        return
    old = former[0]
    if isinstance(backend, S3Backend):
        step = f'set backend.key = "orgtrail/{old}.tfstate"'
    elif (out.parent / f"terraform.{env.name}.tfstate").exists():
        return
    else:
        step = f"mv terraform.{old}.tfstate terraform.{env.name}.tfstate"
    yield (
        f"{env.name}: begins with an empty state, while {old} was of the same organization and has "
        "no file any more: Terraform would try to make everything again; if it was renamed, take "
        f"its state along: {step}"
    )


def _retirement(env: Environment, names: Iterable[str]) -> str:
    """Return the settings that retire accounts, for one apply."""
    listed = json.dumps(list(dict.fromkeys((*env.retired.accounts, *names))))
    absent = [f"accounts.{name}" for name in names if name not in env.accounts]
    keep = f", and keep {' and '.join(absent)} until then" if absent else ""
    return f"retired = {{ accounts = {listed} }}{keep}"


def _name(env: Environment, account: str, alias: str) -> str:
    """Return the account's name in the file, else the name in its provider's alias."""
    known = (name for name, each in env.accounts.items() if each.id == account)
    return next(known, _REGION_SUFFIX.sub("", alias))


def _read_text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None


def _stack(text: str | None) -> _Stack | None:
    """Parse a stack; None if the text is not one of our stacks."""
    try:
        content = json.loads(text or "")
        return _Stack(
            {each["alias"]: each["allowed_account_ids"][0] for each in content["provider"]["aws"]},
            {
                f"{kind}.{name}": each["provider"].removeprefix("aws.")
                for kind, named in content["resource"].items()
                for name, each in named.items()
            },
        )
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None
