"""`orgtrail module`: the same resources as a plain Terraform module."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orgtrail.cli.root import app
from orgtrail.notes import note


@app.command()
def module(
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", readable=False, help="Where the module's files are written."),
    ],
    env: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="An environment file: the module has what it asks for, and its values as "
            "defaults.",
        ),
    ] = None,
    as_json: Annotated[  # noqa: FBT002
        bool,
        typer.Option("--json", help="Write the configuration in Terraform's JSON in place of HCL."),
    ] = False,
) -> None:
    """Write a plain Terraform module that takes variables, in HCL."""
    from orgtrail.environments import load_environment
    from orgtrail.module import write_module

    files = write_module(folder, load_environment(env) if env else None, as_json=as_json)
    note(f"{folder}: {len(files)} files; README.md tells how to call it")
