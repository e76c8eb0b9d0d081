"""`orgtrail sample`: write a made-up organization trail, to try questions and verification on."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from orgtrail.cli.root import Format, FormatOption, UntilOption, app


@app.command(extra="verify")
def sample(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", readable=False, help="Where to write; empty or absent.")
    ],
    env: Annotated[
        Path, typer.Option(metavar="FILE", help="The environment file of the organization.")
    ],
    days: Annotated[
        int, typer.Option(min=1, max=366, metavar="N", help="Days before the end.")
    ] = 3,
    events_per_day: Annotated[
        int,
        typer.Option(
            min=0, metavar="N", help="Ordinary events of the whole organization in a day."
        ),
    ] = 5000,
    seed: Annotated[int, typer.Option(metavar="N", help="The same makes the same log files.")] = 1,
    until: UntilOption = None,
    format: FormatOption = Format.TEXT,
) -> None:
    """Write a made-up organization trail in the archive's key layout, with digests and stories."""
    from orgtrail.cli.query_options import time_range
    from orgtrail.cli.query_output import file_progress
    from orgtrail.environments import load_environment
    from orgtrail.sample import make

    environment = load_environment(env)
    end = time_range(None, until, None, hours=1)[1]
    with file_progress() as tell:
        made = make(
            folder,
            environment,
            days=days,
            events_per_day=events_per_day,
            seed=seed,
            until=end,
            progress=tell,
        )
    if format is Format.JSON:
        answer = {
            "folder": str(folder),
            "files": made.files,
            "events": made.events,
            "digests": made.digests,
            "from": made.start.isoformat(),
            "to": made.until.isoformat(),
            "stories": [
                {"name": s.name, "told": s.summary, "queries": s.queries} for s in made.stories
            ],
        }
        sys.stdout.write(json.dumps(answer, indent=2) + "\n")
        return
    lines = [
        f"{made.events} events in {made.files} files, {made.digests} digests, "
        f"{made.start:%Y-%m-%d %H:%M} to {made.until:%Y-%m-%d %H:%M} UTC",
        *(f"  {each.name}: {each.summary} ({', '.join(each.queries)})" for each in made.stories),
        f"next: orgtrail query run trail-tampering --logs {folder} --env {env}",
    ]
    sys.stdout.write("\n".join(lines) + "\n")
