"""The register of rules: each is a check of some sections, and is run where they are valid."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from orgtrail.settings.faults import Fault, Path
from orgtrail.settings.shape import Shape

Check = Callable[[Shape], Iterator[Fault]]

_CHECKS: list[tuple[frozenset[str], Check]] = []


def rule(*needs: str) -> Callable[[Check], Check]:
    """Register a check of these sections; its docstring is the rule in words."""

    def register(check: Check) -> Check:
        _CHECKS.append((frozenset(needs), check))
        return check

    return register


def broken(environment: Shape, known: set[str]) -> Iterator[Fault]:
    """Yield the faults of every rule whose sections are known to be valid by themselves."""
    for needs, check in _CHECKS:
        if needs <= known:
            yield from check(environment)


def documented() -> Iterator[str]:
    """Yield what each rule is for, in a sentence."""
    for _, check in _CHECKS:
        yield " ".join((check.__doc__ or "").split())


def member(environment: Shape, setting: Path, name: str) -> Iterator[Fault]:
    """Yield a fault where a name is not that of a member account."""
    if name == "management" or name not in environment.accounts:
        yield Fault(setting, "must be the name of a member account in accounts", name)


def account_of(arn: str) -> str:
    """Return the account's id in an ARN."""
    return arn.split(":")[4]
