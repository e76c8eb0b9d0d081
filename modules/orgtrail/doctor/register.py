"""The checks by name, and their run: side by side, each after what it needs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from orgtrail.doctor.asking import Aws, UncheckedError
from orgtrail.doctor.outcome import Fault, Outcome, State, Subject
from orgtrail.settings.environment import Environment
from orgtrail.trail import build
from orgtrail.trail.resource import Stack

CREDENTIALS = "credentials"
"""The check that all others of an account wait for."""
_THREADS = 24


@dataclass(frozen=True)
class Live:
    """What checks are made of: the settings, the stack that they make, and AWS.

    Args:
        env: the settings.
        aws: how AWS is asked.
        now: the time that freshness is told by.

    """

    env: Environment
    aws: Aws
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    @cached_property
    def stack(self) -> Stack:
        """What the settings set up."""
        return build(self.env).expanded()

    def account(self, id: str) -> str:
        """Return the name of an account."""
        return next(name for name, each in self.env.accounts.items() if each.id == id)

    def key(self, account: str, alias: str) -> Any:
        """Return what AWS says of the key that has an alias, None where none has."""
        answer = self.aws.ask(
            account, "kms", "describe_key", absent=("NotFoundException",), KeyId=alias
        )
        return answer["KeyMetadata"] if answer else None


Look = Callable[[Live, Subject], Iterator[Fault]]
Over = Callable[[Live], Iterable[Subject]]


@dataclass(frozen=True, slots=True)
class Check:
    """One check.

    Args:
        name: its name.
        title: what should be so.
        look: yields what is wrong.
        over: what it looks at; nothing where the file does not ask for it.
        after: the check of the same subject that must be fine before; empty for none.

    """

    name: str
    title: str
    look: Look
    over: Over
    after: str = ""


CHECKS: dict[str, Check] = {}


def check(name: str, title: str, over: Over, after: str = "") -> Callable[[Look], Look]:
    """Register a check; the arguments are those of `Check`."""

    def registered(look: Look) -> Look:
        CHECKS[name] = Check(name, title, look, over, after)
        return look

    return registered


def examine(live: Live) -> Iterator[Outcome]:
    """Yield the outcome of every check as it comes.

    Args:
        live: what to look at.

    """
    waiting = [(each, subject) for each in CHECKS.values() for subject in each.over(live)]
    # What is not looked at, since it is somebody else's, nobody waits for.
    planned = {_key(each.name, subject) for each, subject in waiting}
    done: dict[tuple[str, str, str, str], Outcome] = {}
    with ThreadPoolExecutor(_THREADS) as pool:
        while waiting:
            ready: list[tuple[Check, Subject]] = []
            later: list[tuple[Check, Subject]] = []
            for each in waiting:
                can = all(need in done for need in _needs(*each) if need in planned)
                (ready if can else later).append(each)
            waiting = later
            for run in as_completed([pool.submit(_outcome, live, *each, done) for each in ready]):
                outcome = run.result()
                done[_key(outcome.check, outcome.subject)] = outcome
                yield outcome


def ordered(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Return outcomes in the order of the checks, whatever came first."""
    order = list(CHECKS)
    return sorted(
        outcomes,
        key=lambda each: (
            order.index(each.check), each.subject.account, each.subject.region, each.subject.name,
        ),
    )  # fmt: skip


def _key(name: str, subject: Subject) -> tuple[str, str, str, str]:
    if name == CREDENTIALS:
        return name, subject.account, "", ""
    return name, subject.account, subject.name, subject.region


def _needs(what: Check, subject: Subject) -> list[tuple[str, str, str, str]]:
    if what.name == CREDENTIALS:
        return []
    needed = [_key(CREDENTIALS, subject)]
    return [*needed, _key(what.after, subject)] if what.after else needed


def _outcome(
    live: Live, what: Check, subject: Subject, done: dict[tuple[str, str, str, str], Outcome]
) -> Outcome:
    def ended(state: State, faults: tuple[Fault, ...] = (), reason: str = "") -> Outcome:
        return Outcome(what.name, what.title, subject, state, faults, reason)

    for need in _needs(what, subject):
        if need in done and done[need].state is not State.FINE:
            return ended(State.UNCHECKED, reason=f"it waits for the check {need[0]}")
    try:
        faults = tuple(what.look(live, subject))
    except UncheckedError as error:
        return ended(State.UNCHECKED, reason=str(error))
    except Exception as error:  # noqa: BLE001  # an answer that nobody foresaw is not fine
        what_came = f"{type(error).__name__}: {error}"
        return ended(State.UNCHECKED, reason=f"what AWS answered was not understood: {what_came}")
    return ended(State.FAULT if faults else State.FINE, faults)
