"""The root of the command line: what all commands share, and how a command line is run."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer
from typer.exceptions import Abort, Exit, TyperException

from orgtrail.cli.commands import App, QuietOption
from orgtrail.errors import EXIT_OK, OrgtrailError
from orgtrail.notes import set_quiet


class Format(StrEnum):
    """The output format of a command."""

    TEXT = "text"
    JSON = "json"


FormatOption = Annotated[
    Format, typer.Option("--format", help="Tables for people, or JSON for programs.")
]

EnvFile = Annotated[Path, typer.Argument(metavar="FILE", help="The environment file.")]
SinceOption = Annotated[
    str | None,
    typer.Option("--from", metavar="TIME", help="Begin, ISO 8601; UTC unless it has an offset."),
]
UntilOption = Annotated[
    str | None, typer.Option("--to", metavar="TIME", help="End, ISO 8601; by default now.")
]
LastOption = Annotated[
    str | None, typer.Option(metavar="SPAN", help="Instead of --from: 90m, 24h, 7d.")
]

_COMMANDS = (
    "check", "who_can", "cost", "permissions", "query", "verify", "doctor", "report", "sample",
    "module",
)  # fmt: skip
"""The modules of the commands, in the order of the help."""
_LEAST_COLUMNS = 60
_INTERRUPTED = 130
"""The exit code that Typer returns for Ctrl-C."""

RoleOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|ARN", help="Name or ARN of a role to assume, in place of the file's."
    ),
]
ProfileOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="Profile of the shared AWS configuration, in place of the file's."
    ),
]

app = App(
    name="orgtrail",
    help="The audit trail of an AWS Organization: proof before the plan, questions after it.\n\n"
    "Exit codes: 0, the answer is good; 1, it is bad; 2, there is none, or only a part.",
)


def _show_version(asked: bool) -> None:  # noqa: FBT001  # the value of an option
    if asked:
        from importlib.metadata import version

        sys.stdout.write(f"orgtrail {version('orgtrail')}\n")
        raise Exit(EXIT_OK)


@app.callback()
def root(
    *,
    version: Annotated[  # noqa: ARG001  # its callback acts
        bool,
        typer.Option("--version", help="Print the version.", is_eager=True, callback=_show_version),
    ] = False,
    quiet: QuietOption = False,
) -> None:
    """Act on the options before the name of a command; `app` has the help."""
    if quiet:
        set_quiet(True)


def _widen() -> None:
    """Let nobody be asked for fewer columns than a word has: the help would be empty."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns) < _LEAST_COLUMNS:
        os.environ["COLUMNS"] = str(_LEAST_COLUMNS)


def run() -> object:
    """Run the command line of this process; return what its command returns.

    Raises:
        OrgtrailError: the command line is wrong, or what the command raises.
        BrokenPipeError: the reader of the output is gone.

    """
    for name in _COMMANDS:
        # Importing a module registers its command.
        import_module(f"orgtrail.cli.{name}")

    _widen()
    streams = sys.stdout, sys.stderr
    try:
        result = app(prog_name="orgtrail", standalone_mode=False)
    except TyperException as error:
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "orgtrail"
        wrong = error.format_message() or "A command is missing."
        raise OrgtrailError(f"{wrong}\nSee {command} --help.") from None
    except Abort:
        raise KeyboardInterrupt from None
    except SystemExit as ended:
        # Typer and rich exit with 1 on a broken pipe, and Typer has replaced both streams.
        sys.stdout, sys.stderr = streams
        if not ended.code:
            # Shell completion ends so.
            return EXIT_OK
        raise BrokenPipeError from None
    if result == _INTERRUPTED:
        raise KeyboardInterrupt
    return result
