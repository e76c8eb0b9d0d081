"""Counts the mutants that change an access, and those of them that the check finds."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from orgtrail.check.run import check
from orgtrail.errors import OrgtrailError

from tests.conftest import Json
from tests.mistakes import stack
from tests.mutants.judge import Flip, Judge
from tests.mutants.memory import Memory, remember
from tests.mutants.mutate import Mutant, mutants
from tests.mutants.world import World, encoded, read

STACKS = ("healthcare", "fintech", "everything")
LEAST = 0.95
"""The share of mutants with an effect that the check has to find."""
HARMLESS = Path(__file__).with_name("harmless.json")
_CHUNK = 10
_Findings = set[tuple[str, str, str, str]]


@dataclass(frozen=True)
class Result:
    """What became of one mutant.

    Args:
        stack: the stack's name.
        name: the mutant's name.
        flip: a request that it decides otherwise; None if none was found.
        killed: whether the check has a new finding; only asked of those with a flip.
        failure: why the check could not read the mutant, which is no finding.

    """

    stack: str
    name: str
    flip: Flip | None
    killed: bool = False
    failure: str = ""

    @property
    def survives(self) -> bool:
        return self.flip is not None and not self.killed


@dataclass
class Outcome:
    """The results, and what the simulator could not say.

    Args:
        results: one per mutant, in the order of the stacks and their mutants.
        errors: how many requests the simulator could not decide, by its reason.
        refused: the mutants whose policy AWS would refuse, with the reason.

    """

    results: list[Result]
    errors: Counter[str]
    refused: list[str]


@cache
def world_of(name: str) -> World:
    return read(name, stack(name))


@cache
def mutants_of(name: str) -> dict[str, Mutant]:
    listed = mutants(world_of(name))
    found = {each.name: each for each in listed}
    assert len(found) == len(listed), "two mutants have one name"
    return found


def mutated(name: str, mutant: Mutant) -> Json:
    """Return a stack with a mutant in it."""
    content = stack(name)
    kind, label = mutant.address.split(".")
    if mutant.document is None:
        del content["resource"][kind][label]
    else:
        attribute = world_of(name).documents[mutant.address].attribute
        content["resource"][kind][label][attribute] = encoded(mutant.document)
    return content


def findings(content: Json) -> _Findings:
    """Check a stack as a user would, from its file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cdk.tf.json"
        path.write_text(json.dumps(content), encoding="utf-8")
        found = check(path).findings
    return {(str(each.severity), each.rule, each.setting, each.message) for each in found}


@cache
def known_findings(name: str) -> _Findings:
    return findings(stack(name))


@cache
def _judge(name: str) -> Judge:
    """Return this process's simulator for a stack; it ends with the process."""
    return Judge(world_of(name))


@cache
def _memory() -> Memory:
    return remember()


def examine(task: tuple[str, Sequence[str]]) -> Outcome:
    """Judge some mutants of a stack, and check those that change an access."""
    name, names = task
    judge = _judge(name)
    _memory()
    judge.errors, judge.refused = Counter(), []
    results = []
    for each in names:
        mutant = mutants_of(name)[each]
        flip = judge.flip(mutant)
        result = Result(name, each, flip)
        if flip:
            _memory().begin()
            try:
                new = findings(mutated(name, mutant)) - known_findings(name)
                result = replace(result, killed=bool(new))
            except OrgtrailError as error:
                result = replace(result, failure=str(error).partition(": ")[2])
        results.append(result)
    return Outcome(results, judge.errors, judge.refused)


def examine_all(
    stacks: Sequence[str], *, sample: int | None = None, seed: int = 0, jobs: int = 2
) -> Outcome:
    """Examine the mutants of stacks, or a sample of them that is the same for the same seed."""
    chosen = [(name, each) for name in stacks for each in mutants_of(name)]
    if sample is not None and sample < len(chosen):
        order = {each: place for place, each in enumerate(chosen)}
        chosen = sorted(random.Random(seed).sample(chosen, sample), key=order.__getitem__)
    tasks = [
        (name, part)
        for name in stacks
        for part in _parts([each for stack_name, each in chosen if stack_name == name])
    ]
    outcome = Outcome([], Counter(), [])
    # A fork of a process with threads, such as one of pytest's, can hang.
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        for part in pool.imap(examine, tasks):
            outcome.results += part.results
            outcome.errors += part.errors
            outcome.refused += part.refused
    return outcome


def _parts(names: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(names), _CHUNK):
        yield names[start : start + _CHUNK]


def harmless() -> dict[str, str]:
    """Return the reasons, by the name of a mutant or a pattern of names."""
    found: dict[str, str] = json.loads(HARMLESS.read_text(encoding="utf-8"))
    return found


def reason(result: Result, reasons: dict[str, str]) -> str | None:
    """Return why a survivor is harmless; a pattern may begin with a stack's name."""
    for pattern, why in reasons.items():
        # A name may have brackets and stars of its own.
        names = (result.name, f"{result.stack} {result.name}")
        if pattern in names or any(fnmatchcase(each, pattern) for each in names):
            return why
    return None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program.

    Returns:
        1 if the check finds too few, a survivor has no reason or a reason no survivor; else 0.

    """
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("stacks", nargs="*", default=[], help=f"of {', '.join(STACKS)}")
    parser.add_argument("--sample", type=int, metavar="N", help="examine N mutants")
    parser.add_argument("--seed", type=int, default=0, help="which sample")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--survivors", type=Path, metavar="FILE", help="list survivors as JSON")
    given = parser.parse_args(arguments)
    stacks = given.stacks or STACKS
    if unknown := set(stacks) - set(STACKS):
        parser.error(f"there is no stack {', '.join(sorted(unknown))}: {', '.join(STACKS)}")
    outcome = examine_all(stacks, sample=given.sample, seed=given.seed, jobs=given.jobs)
    reasons = harmless()
    survivors = [each for each in outcome.results if each.survives]
    if given.survivors:
        told = [_told(each, reasons) for each in survivors]
        given.survivors.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    score = _report(outcome, stacks, reasons)
    unexplained = [each for each in survivors if not reason(each, reasons)]
    is_whole = given.sample is None and set(stacks) == set(STACKS)
    stale = [each for each in reasons if not any(reason(one, {each: "-"}) for one in survivors)]
    if is_whole:
        for each in stale:
            _say(f"no survivor is named {each}: remove it from {HARMLESS.name}")
    return int(score < LEAST or bool(unexplained) or (is_whole and bool(stale)))


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


def _report(outcome: Outcome, stacks: Sequence[str], reasons: dict[str, str]) -> float:
    """Print the scores and the survivors; return the score of all together."""
    score = 1.0
    for name in (*stacks, "all"):
        results = [each for each in outcome.results if name in (each.stack, "all")]
        effective = [each for each in results if each.flip]
        killed = sum(each.killed for each in effective)
        score = killed / len(effective) if effective else 1.0
        _say(f"{name}: effective {len(effective)} of {len(results)}, killed {killed} ({score:.1%})")
    if outcome.errors:
        _say("requests that the simulator did not decide: " + ", ".join(
            f"{count} {why.removeprefix('error: ')}" for why, count in outcome.errors.items()
        ))  # fmt: skip
    for each in outcome.refused:
        _say(f"AWS would refuse {each}")
    survivors = [each for each in outcome.results if each.survives]
    for title, wanted in (("survivors", False), ("harmless survivors", True)):
        those = [each for each in survivors if bool(reason(each, reasons)) is wanted]
        _say(f"{title}: {len(those)}")
        for one in those:
            _say(f"- {one.stack} {one.name}")
            _say(f"    {one.flip}")
            if one.failure:
                _say(f"    the check failed: {one.failure}")
            if why := reason(one, reasons):
                _say(f"    harmless: {why}")
    return score


def _told(result: Result, reasons: dict[str, str]) -> Json:
    assert result.flip
    return {
        "stack": result.stack,
        "mutant": result.name,
        "flip": str(result.flip),
        "before": result.flip.before,
        "after": result.flip.after,
        "request": result.flip.request,
        "harmless": reason(result, reasons),
    }
