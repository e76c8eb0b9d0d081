"""Runs the checks in parallel, each after those that it depends on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed

from orgtrail.doctor.calls import AwsReader, UncheckedError
from orgtrail.doctor.checks import CHECKS, CREDENTIALS
from orgtrail.doctor.model import CheckState, Live, LiveCheck, LiveFault, Outcome, Subject
from orgtrail.settings.environment import Environment

_THREADS = 24
_Key = tuple[str, str, str, str]
"""Check, account, name and region."""


def run_checks(
    env: Environment,
    progress: Callable[[Outcome], None] = lambda _: None,
    aws: AwsReader | None = None,
) -> list[Outcome]:
    """Compare the live accounts with an environment; changes nothing.

    Args:
        env: the settings.
        progress: called with each outcome as it arrives.
        aws: reads the live accounts; by default with boto3 and the file's profiles and roles.

    Returns:
        the outcome of every check, in the order of the checks.

    """
    outcomes = []
    for each in _outcomes(Live(env, aws or AwsReader(env))):
        progress(each)
        outcomes.append(each)
    order = list(CHECKS)
    return sorted(
        outcomes,
        key=lambda each: (
            order.index(each.check), each.subject.account, each.subject.region, each.subject.name,
        ),
    )  # fmt: skip


def _outcomes(live: Live) -> Iterator[Outcome]:
    """Yield the outcome of every check as it arrives."""
    waiting = [(each, subject) for each in CHECKS.values() for subject in each.subjects(live)]
    # A check does not wait for one that never runs, as for a resource that we do not manage.
    planned = {_key(each.name, subject) for each, subject in waiting}
    done: dict[_Key, Outcome] = {}
    with ThreadPoolExecutor(_THREADS) as pool:
        while waiting:
            ready: list[tuple[LiveCheck, Subject]] = []
            later: list[tuple[LiveCheck, Subject]] = []
            for each in waiting:
                can = all(need in done for need in _dependencies(*each) if need in planned)
                (ready if can else later).append(each)
            waiting = later
            for run in as_completed([pool.submit(_outcome, live, *each, done) for each in ready]):
                outcome = run.result()
                done[_key(outcome.check, outcome.subject)] = outcome
                yield outcome


def _key(name: str, subject: Subject) -> _Key:
    if name == CREDENTIALS:
        return name, subject.account, "", ""
    return name, subject.account, subject.name, subject.region


def _dependencies(check: LiveCheck, subject: Subject) -> list[_Key]:
    """Return the keys of the outcomes that a check depends on."""
    if check.name == CREDENTIALS:
        return []
    names = (CREDENTIALS, check.after) if check.after else (CREDENTIALS,)
    return [_key(name, subject) for name in names]


def _outcome(live: Live, check: LiveCheck, subject: Subject, done: dict[_Key, Outcome]) -> Outcome:
    def ended(state: CheckState, faults: Iterable[LiveFault] = (), reason: str = "") -> Outcome:
        return Outcome(check.name, check.title, subject, state, tuple(faults), reason)

    for need in _dependencies(check, subject):
        if need in done and done[need].state is not CheckState.FINE:
            return ended(CheckState.UNCHECKED, reason=f"it waits for the check {need[0]}")
    try:
        faults = tuple(check.look(live, subject))
    except UncheckedError as error:
        return ended(CheckState.UNCHECKED, reason=str(error))
    except Exception as error:  # noqa: BLE001  # an answer that nobody foresaw is not fine
        said = f"what AWS answered was not understood: {type(error).__name__}: {error}"
        return ended(CheckState.UNCHECKED, reason=said)
    return ended(CheckState.FAULT if faults else CheckState.FINE, faults)
