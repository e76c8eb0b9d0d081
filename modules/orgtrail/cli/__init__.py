"""The `orgtrail` command. It starts fast: each subcommand imports what it needs, never CDKTF."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer
from typer.exceptions import Abort, TyperException

from orgtrail.errors import OrgtrailError, run_cli


class Format(StrEnum):
    """The output format of a command."""

    TEXT = "text"
    JSON = "json"


FormatOption = Annotated[
    Format, typer.Option("--format", help="Tables for people, or JSON for programs.")
]

SinceOption = Annotated[
    str | None, typer.Option("--from", help="Begin, ISO 8601; UTC unless it has an offset.")
]
UntilOption = Annotated[str | None, typer.Option("--to", help="End, ISO 8601; by default now.")]
LastOption = Annotated[str | None, typer.Option(help="Instead of --from: 90m, 24h, 7d.")]

_INTERRUPTED = 130
"""The exit code that Typer returns for Ctrl-C."""

RoleOption = Annotated[
    str | None,
    typer.Option(help="Name or ARN of a role to assume, in place of the file's."),
]
ProfileOption = Annotated[
    str | None,
    typer.Option(help="Profile of the shared AWS configuration, in place of the file's."),
]

app = typer.Typer(
    name="orgtrail",
    help="The audit trail of an AWS Organization: proof before the plan, questions after it.",
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main() -> int:
    """Run the command; return the exit code."""
    return run_cli(_run)


def _run() -> object:
    # Importing a module registers its command.
    from orgtrail.cli import check as check
    from orgtrail.cli import cost as cost
    from orgtrail.cli import doctor as doctor
    from orgtrail.cli import module as module
    from orgtrail.cli import permissions as permissions
    from orgtrail.cli import query as query
    from orgtrail.cli import report as report
    from orgtrail.cli import sample as sample
    from orgtrail.cli import verify as verify
    from orgtrail.cli import who_can as who_can

    try:
        result = app(prog_name="orgtrail", standalone_mode=False)
    except TyperException as error:
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "orgtrail"
        raise OrgtrailError(f"{error.format_message()}\nSee {command} --help.") from None
    except Abort:
        raise KeyboardInterrupt from None
    except SystemExit:
        # Typer exits on a broken pipe, and has replaced both streams.
        sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
        raise BrokenPipeError from None
    if result == _INTERRUPTED:
        raise KeyboardInterrupt
    return result
