"""The command `orgtrail query`: list the questions, show one, run one, or triage with all."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from orgtrail.cli.commands import App
from orgtrail.cli.root import (
    Format,
    FormatOption,
    LastOption,
    ProfileOption,
    RoleOption,
    SinceOption,
    UntilOption,
    app,
)
from orgtrail.errors import OrgtrailError
from orgtrail.extras import require

queries = App(
    name="query",
    help="Ask the logs: on Athena, or on this machine over a folder of log files.",
)
app.add_typer(queries)


class Dialect(StrEnum):
    """The dialect of the SQL to show."""

    ATHENA = "athena"
    DUCKDB = "duckdb"


class Output(StrEnum):
    """The format of rows."""

    TEXT = "text"
    JSON = "json"
    CSV = "csv"
    PARQUET = "parquet"


def _question_names() -> list[str]:
    """Return the names of the pack for shell completion, which must not read the questions."""
    folder = Path(__file__).parents[1] / "query" / "pack"
    return sorted(each.stem for each in folder.glob("*.sql"))


QuestionArgument = typer.Argument(
    metavar="NAME", help="A question of the pack.", autocompletion=_question_names
)
LogsOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE|DIR", help="A copy of the archive, or any file or folder of records."
    ),
]
EnvOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="The environment file: alone it means Athena; with --logs, its facts."
    ),
]
AccountOption = Annotated[
    list[str] | None,
    typer.Option(metavar="ACCOUNT", help="Only this account, by its id; may be repeated."),
]
RegionOption = Annotated[
    list[str] | None,
    typer.Option(metavar="REGION", help="Only this region's folder; may be repeated."),
]
ZoneOption = Annotated[
    str | None,
    typer.Option(
        metavar="ZONE", help="Show times as in this zone, like Europe/Berlin; UTC if not."
    ),
]
MaxBytesOption = Annotated[
    int | None,
    typer.Option(min=0, metavar="N", help="Athena: refuse a query that would scan more bytes."),
]


@queries.command("list")
def list_queries(format: FormatOption = Format.TEXT) -> None:
    """List all questions of the pack."""
    from orgtrail.query.questions import pack

    found = pack().values()
    if format is Format.JSON:
        described = [
            {
                "name": each.name,
                "title": each.title,
                "answers": each.answers,
                "hours": each.hours,
                "severity": each.severity,
                "mitre": each.mitre,
                "cis": each.cis,
                "parameters": [
                    {
                        "name": one.name,
                        "type": one.kind,
                        "default": (one.fact and f"<{one.fact}>") or one.default,
                        "required": one.required,
                        "meaning": one.meaning,
                    }
                    for one in each.parameters
                ],
            }
            for each in found
        ]
        sys.stdout.write(json.dumps(described, indent=2) + "\n")
        return
    from orgtrail.cli.query_output import write_table

    write_table(
        ["name", "title", "looks back", "severity"],
        ((each.name, each.title, f"{each.hours} h", each.severity) for each in found),
    )


@queries.command()
def show(
    name: Annotated[str, QuestionArgument],
    dialect: Annotated[Dialect, typer.Option(help="SQL dialect to print.")] = Dialect.ATHENA,
    format: FormatOption = Format.TEXT,
) -> None:
    """Show what a question answers, what may be set, and its SQL over its usual time."""
    from orgtrail.query.questions import find_question
    from orgtrail.query.render import to_save

    found = find_question(name)
    sql = to_save(found, {})
    if dialect is Dialect.DUCKDB:
        require("query", "orgtrail query show --dialect duckdb")
        from orgtrail.query.dialect import parse, to_duckdb

        sql = to_duckdb(parse(sql, name)) + "\n"
    if format is Format.JSON:
        sys.stdout.write(
            json.dumps({"name": name, "dialect": dialect, "sql": sql}, indent=2) + "\n"
        )
        return
    lines = [f"-- {found.title}", f"-- {found.answers}", f"-- A row: {found.hit}"]
    lines += [
        f"-- --param {each.name}={each.default or f'<{each.fact or each.kind}>'}: {each.meaning}"
        for each in found.parameters
    ]
    sys.stdout.write("\n".join(lines) + f"\n{sql}")


@queries.command(extra="query")
def run(
    name: Annotated[str | None, QuestionArgument] = None,
    sql: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="A file with one SELECT of your own, in Athena's dialect."
        ),
    ] = None,
    logs: LogsOption = None,
    env: EnvOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    last: LastOption = None,
    account: AccountOption = None,
    region: RegionOption = None,
    param: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="A parameter; may be repeated.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="At most so many rows.")
    ] = None,
    format: Annotated[Output, typer.Option(help="How rows are given.")] = Output.TEXT,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", readable=False, help="Write rows to this file.")
    ] = None,
    compacted: Annotated[
        bool | None, typer.Option("--compacted", help="Athena: ask the compacted table.")
    ] = None,
    max_bytes: MaxBytesOption = None,
    zone: ZoneOption = None,
    raw: Annotated[
        bool | None,
        typer.Option("--raw", help="The records behind the rows, as they were written."),
    ] = None,
    role: RoleOption = None,
    profile: ProfileOption = None,
) -> int:
    """Ask one question, and give its rows."""
    from orgtrail.cli import query_options, query_run
    from orgtrail.query.request import HEALTH

    if (name is None) == (sql is None):
        raise OrgtrailError("query run: takes a NAME of the pack, or --sql FILE; give one of them")
    if logs is None and env is None:
        raise OrgtrailError(
            "query run: needs --logs DIR to ask a folder, or --env FILE to ask Athena"
        )
    if format is Output.PARQUET and out is None:
        raise OrgtrailError("--format parquet: needs --out FILE, since it is no text")
    if compacted and (logs is not None or name == HEALTH):
        what = "a folder" if logs is not None else HEALTH
        raise OrgtrailError(f"--compacted: is a table in Athena; {what} is about the log files")
    if raw and format is not Output.TEXT:
        raise OrgtrailError("--raw: gives records as CloudTrail wrote them; leave --format out")
    request = query_options.query_request(
        name,
        sql,
        times=(since, until, last),
        accounts=account or [],
        regions=region or [],
        given=query_options.parameters(param or []),
        env=env,
        logs=logs,
    )
    output = query_run.OutputOptions(limit, format, out, query_options.time_zone(zone), bool(raw))
    if logs is not None:
        return query_run.on_folder(request, logs, output)
    return query_run.on_athena(
        request,
        output,
        max_bytes=max_bytes,
        compacted=bool(compacted),
        access=(role, profile),
    )


@queries.command(extra="query")
def triage(
    logs: LogsOption = None,
    env: EnvOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    last: LastOption = None,
    account: AccountOption = None,
    region: RegionOption = None,
    sigma: Annotated[
        Path | None,
        typer.Option(metavar="FILE|DIR", help="A Sigma rule, or a folder of them, to ask as well."),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="At most so many hits of a question.")
    ] = None,
    format: Annotated[Output, typer.Option(help="text, json or csv.")] = Output.TEXT,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", readable=False, help="Write hits to this file.")
    ] = None,
    max_bytes: MaxBytesOption = None,
    zone: ZoneOption = None,
    role: RoleOption = None,
    profile: ProfileOption = None,
) -> int:
    """Ask all questions at once: what was found, the worst first, a line each."""
    if logs is None and env is None:
        raise OrgtrailError(
            "query triage: needs --logs DIR to ask a folder, or --env FILE to ask Athena"
        )
    from orgtrail.cli import query_options, query_triage
    from orgtrail.query.request import check_places
    from orgtrail.query.sigma import Rules, load_rules

    environment = None
    if env is not None:
        from orgtrail.environments import load_environment

        environment = load_environment(env)
    check_places(account or [], region or [], prefix="--")
    rules = Rules((), ()) if sigma is None else load_rules(sigma)
    if format is Output.PARQUET:
        raise OrgtrailError("--format parquet: is for query run; triage has text, json and csv")
    request = query_triage.TriageRequest(
        environment,
        rules,
        (since, until, last),
        tuple(account or ()),
        tuple(region or ()),
        limit,
        format,
        query_options.time_zone(zone),
        out,
    )
    if logs is not None:
        return query_triage.on_folder(request, logs)
    return query_triage.on_athena(request, max_bytes=max_bytes, access=(role, profile))
