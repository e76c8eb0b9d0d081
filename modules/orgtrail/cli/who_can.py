"""`orgtrail who-can`: everybody who may do an action, and the statement that decides."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orgtrail.cli import Format, FormatOption, app
from orgtrail.errors import EXIT_FAILED, EXIT_OK, OrgtrailError

if TYPE_CHECKING:
    from orgtrail.check.who_can import Answer

_LISTED = 3
"""The number of actions and resources that a row names; JSON names all."""


@app.command("who-can")
def who_can(
    action: Annotated[
        str, typer.Argument(help="An action of AWS, or a pattern: kms:Decrypt, s3:Delete*.")
    ],
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="[RESOURCE] FILE",
            help="An ARN or an address of the stack, such as aws_s3_bucket.archive (left out: "
            "every resource that the action is about); then an environment file, a stack's "
            "cdk.tf.json or a plan.",
        ),
    ],
    all_: Annotated[
        bool, typer.Option("--all", help="List who is denied too, with the deciding statement.")
    ] = False,
    format: FormatOption = Format.TEXT,
) -> int:
    """List everybody who may do an action, and which statement decides."""
    from orgtrail.check.run import asker_of
    from orgtrail.check.who_can import answers, everybody, question

    if len(words) > 2:
        raise OrgtrailError(
            f"who-can takes ACTION, RESOURCE and FILE; got {', '.join((action, *words))}"
        )
    *resource, file = words
    asker, intent = asker_of(Path(file))
    asked = question(asker, intent, action, *resource)
    found = list(answers(asker, everybody(asker, intent), asked))
    undecided = [each for each in found if each.decision.is_undecided]
    if format is Format.JSON:
        answer = _as_json(asker.model.name, action, found, asked.notes, with_denied=all_)
        sys.stdout.write(json.dumps(answer, indent=2) + "\n")
    else:
        _show(asker.model.name, action, found, asked.notes, with_denied=all_)
    return EXIT_FAILED if undecided else EXIT_OK


def _as_json(
    name: str, action: str, found: Sequence[Answer], notes: Sequence[str], *, with_denied: bool
) -> dict[str, Any]:
    denied = [each for each in found if each.decision.is_denied]
    answer: dict[str, Any] = {
        "name": name,
        "action": action,
        "notes": notes,
        "allowed": [_answer_json(each) for each in found if each.decision.is_allowed],
        "undecided": [_answer_json(each) for each in found if each.decision.is_undecided],
        "denied_count": len(denied),
    }
    if with_denied:
        answer["denied"] = [_answer_json(each) for each in denied]
    return answer


def _answer_json(answer: Answer) -> dict[str, Any]:
    return {
        "who": answer.who,
        "principal": answer.principal,
        "action": answer.action,
        "resource": answer.resource,
        "needs": answer.needs,
        "decision": answer.decision.verdict,
        "statement": answer.decision.statement,
    }


def _show(
    name: str, action: str, found: Sequence[Answer], notes: Sequence[str], *, with_denied: bool
) -> None:
    from rich.console import Console
    from rich.text import Text

    # A pipe has no width, and a row must not be cut.
    console = Console(width=None if sys.stdout.isatty() else 4000, highlight=False)
    allowed = [each for each in found if each.decision.is_allowed]
    undecided = [each for each in found if each.decision.is_undecided]
    denied = [each for each in found if each.decision.is_denied]
    may = len({each.who for each in allowed})
    console.print(
        Text(
            f"{name}: {may or 'nobody'} of {len({each.who for each in found})} who were asked "
            f"can do {action}. Of {len(found):,} requests {len(allowed):,} are allowed, "
            f"{len(denied):,} denied, {len(undecided):,} undecided."
        )
    )
    for each in notes:
        console.print(Text(f"Note: {each}"))
    for title, rows in (
        ("Can", allowed),
        ("Cannot be decided", undecided),
        ("Cannot", denied if with_denied else []),
    ):
        if rows:
            console.print()
            console.print(_table(title, rows))
    if denied and not with_denied:
        console.print(Text("--all lists who is denied, and by which statement."))


def _table(title: str, found: Iterable[Answer]) -> Any:
    """Return a table: a row is for somebody, one reason, and actions with the same resources.

    So what a row says is true of each of its actions on each of its resources.
    """
    from rich.table import Table
    from rich.text import Text

    by_action: dict[tuple[str, str, str, str], list[str]] = {}
    for each in found:
        reason = (each.who, ", ".join(each.needs), each.decision.statement)
        by_action.setdefault((*reason, each.action), []).append(each.resource)
    groups: dict[tuple[str, str, str, tuple[str, ...]], list[str]] = {}
    for (*same, action), resources in by_action.items():
        who, needs, statement = same
        groups.setdefault((who, needs, statement, tuple(resources)), []).append(action)
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 2))
    for heading in ("who", "action", "on", "has to state", "decided by"):
        table.add_column(heading)
    for (who, needs, statement, on), actions in groups.items():
        cells = (
            who,
            _listing(actions),
            _listing(on),
            needs or "-",
            statement,
        )
        table.add_row(*map(Text, cells))
    return table


def _listing(texts: Iterable[str]) -> str:
    named = list(dict.fromkeys(texts))
    more = len(named) - _LISTED
    return ", ".join(named[:_LISTED]) + (f" and {more} more" if more > 0 else "")
