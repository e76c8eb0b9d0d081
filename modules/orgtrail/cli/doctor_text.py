"""Text output of `orgtrail doctor`: faults with cause and next step, then a summary."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import groupby

from rich.console import Console
from rich.text import Text

from orgtrail.doctor.model import CheckState, Outcome
from orgtrail.notes import shows_progress
from orgtrail.settings.environment import Environment

_STYLES = {"+": "green", "-": "red", "@": "dim"}


@contextmanager
def progress() -> Iterator[Callable[[Outcome], None]]:
    """Show how many checks are done, if stderr is a terminal."""
    if not shows_progress():
        yield lambda _: None
        return
    console = Console(stderr=True)
    done = 0
    with console.status("asking AWS") as status:

        def tell(outcome: Outcome) -> None:
            nonlocal done
            done += 1
            status.update(f"asking AWS: {done} checks done, {outcome.check} among them")

        yield tell


def show(env: Environment, outcomes: list[Outcome]) -> None:
    """Print what is wrong, what was not checked, and how many checks are fine."""
    console = Console(highlight=False, soft_wrap=True)
    faults = [each for each in outcomes if each.state is CheckState.FAULT]
    unchecked = [each for each in outcomes if each.state is CheckState.UNCHECKED]
    for each in faults:
        _fault(console, each)
    if unchecked:
        console.print("[bold]Not checked[/bold], so not known to be fine:")
        for reason, alike in groupby(sorted(unchecked, key=_reason), key=_reason):
            # As Text: a message of AWS may contain what rich reads as markup.
            console.print(Text(f"  {', '.join(_named(each) for each in alike)}"))
            console.print(Text(f"    {reason}"))
        console.print()
    for part in env.adopt.referenced:
        console.print(f"adopt.{part} is only referred to: it is compared where it is managed.")
    fine = sum(each.state is CheckState.FINE for each in outcomes)
    console.print(
        f"{env.name}: {len(faults)} of {len(outcomes)} checks found a fault, "
        f"{len(unchecked)} could not be made, {fine} are fine."
    )


def _fault(console: Console, outcome: Outcome) -> None:
    console.print(Text.assemble(("fault ", "bold red"), (_named(outcome), "bold")))
    for each in outcome.faults:
        console.print(Text(f"  {each.cause}."))
        console.print(Text.assemble(("  next: ", "bold"), each.step))
        for line in each.diff.splitlines():
            console.print(Text(f"    {line}", _STYLES.get(line[:1], "")))
    console.print()


def _named(outcome: Outcome) -> str:
    about = outcome.subject
    where = " ".join(filter(None, (about.account, about.region, about.name)))
    return f"{outcome.check} ({where})"


def _reason(outcome: Outcome) -> str:
    return outcome.reason
