"""`orgtrail report`: the evidence of a period, as one page, as JSON, and with a manifest."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from orgtrail.cli.root import (
    EnvFile,
    Format,
    FormatOption,
    LastOption,
    ProfileOption,
    RoleOption,
    SinceOption,
    UntilOption,
    app,
)
from orgtrail.errors import EXIT_BAD, EXIT_FAILED, EXIT_OK, OrgtrailError
from orgtrail.notes import shows_progress

_CODES = {"fine": EXIT_OK, "bad": EXIT_BAD, "incomplete": EXIT_FAILED}


@app.command(extra="report")
def report(
    file: EnvFile,
    out: Annotated[
        Path, typer.Option(metavar="DIR", readable=False, help="The folder for the report.")
    ],
    since: SinceOption = None,
    until: UntilOption = None,
    last: LastOption = None,
    logs: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="A copy of the archive, in place of the live accounts."),
    ] = None,
    prices: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A file of prices, in place of those of us-east-1."),
    ] = None,
    remarks: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A TOML file of a reviewer's remarks on controls."),
    ] = None,
    diff: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE|DIR",
            help="An older report, its folder or report.json: say what changed since.",
        ),
    ] = None,
    role: RoleOption = None,
    profile: ProfileOption = None,
    format: FormatOption = Format.TEXT,
) -> int:
    """Write an evidence bundle for an auditor: report.html, report.json and manifest.json.

    Exit code 0: all is well. 1: something is wrong. 2: something could not be found out. The page
    says it at its top.
    """
    from orgtrail.cli.query_options import time_range
    from orgtrail.environments import load_environment
    from orgtrail.prices import load_prices as read
    from orgtrail.report.bundle import write_report
    from orgtrail.report.model import ReportRequest

    if not (since or last):
        raise OrgtrailError("report: needs --from ISO, or --last such as 31d")
    times = time_range(since, until, last, hours=None)
    request = ReportRequest(
        file, load_environment(file), *times, logs=logs, role=role, profile=profile,
        remarks=remarks, older=diff,
    )  # fmt: skip
    with _progress() as tell:
        made = write_report(request, out, prices=read(prices), progress=tell)
    if format is Format.JSON:
        sys.stdout.write(json.dumps(_summary(made, out), indent=2) + "\n")
    else:
        _show(made, out)
    return _CODES[made["verdict"]]


def _summary(made: dict[str, Any], out: Path) -> dict[str, Any]:
    """Return the JSON output; the report itself is in its file."""
    from orgtrail.report.bundle import DATA, MANIFEST, PAGE

    return {
        "verdict": made["verdict"],
        "page": str(out / PAGE),
        "data": str(out / DATA),
        "manifest": str(out / MANIFEST),
        "happened": made["happened"] and made["happened"]["counts"],
        "integrity": made["integrity"]["verdict"],
        "controls": made["controls"]["counts"],
        "access": {"agree": made["access"]["agree"], "total": made["access"]["total"]},
        "not_checked": made["not_checked"],
    }


def _show(made: dict[str, Any], out: Path) -> None:
    from rich.console import Console
    from rich.text import Text

    from orgtrail.report.bundle import PAGE

    console = Console(highlight=False, soft_wrap=True)
    counts = made["controls"]["counts"]
    words = ("pass", "fail", "unproven", "off")
    controls = ", ".join(f"{counts.get(word, 0)} {word}" for word in words)
    about, access = made["report"], made["access"]
    console.print(Text(f"{about['environment']}, {about['from']} to {about['to']}", "bold"))
    if told := made["happened"]:
        found = [f"{count} {name}" for name, count in told["counts"].items() if count]
        console.print(Text(f"  happened: {', '.join(found) or 'nothing that a question finds'}"))
    console.print(Text(f"  integrity: {made['integrity']['verdict']}"))
    console.print(Text(f"  controls: {controls}"))
    console.print(Text(f"  access: {access['agree']} of {access['total']} as intended"))
    for each in made["not_checked"]:
        console.print(Text(f"  not checked: {each['what']}: {each['why']}"))
    console.print(Text(f"  open {(out / PAGE).resolve()}"))


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    from rich.console import Console

    if not shows_progress():
        yield lambda _: None
        return
    console = Console(stderr=True)
    with console.status("asking") as status:
        yield status.update
