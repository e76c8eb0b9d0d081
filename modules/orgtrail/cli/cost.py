"""`orgtrail cost`: what an audit trail stores and costs over its retention."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orgtrail.cli.root import Format, FormatOption, app
from orgtrail.errors import OrgtrailError

if TYPE_CHECKING:
    from orgtrail.cost.estimate import CostEstimate


@app.command()
def cost(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="The environment file.")
    ] = None,
    events_per_day: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Events of a day, all accounts together.")
    ] = None,
    data_events_per_day: Annotated[
        int, typer.Option(min=0, metavar="N", help="Those of them that are data events.")
    ] = 0,
    growth: Annotated[
        float,
        typer.Option(min=-90, max=1000, metavar="PERCENT", help="Growth of a year, in percent."),
    ] = 0.0,
    prices: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A file of prices, in place of those of us-east-1."),
    ] = None,
    show_prices: Annotated[
        bool, typer.Option("--show-prices", help="Print the file of prices, to start one from.")
    ] = False,
    format: FormatOption = Format.TEXT,
) -> None:
    """Estimate what the trail stores and costs over its retention, by storage class and service."""
    from orgtrail.cost.estimate import estimate_cost, estimate_volume
    from orgtrail.environments import load_environment
    from orgtrail.prices import load_prices as read

    given = read(prices)
    if show_prices:
        sys.stdout.write(given.model_dump_json(indent=2) + "\n")
        return
    if file is None or events_per_day is None:
        raise OrgtrailError("cost: needs FILE and --events-per-day N")
    if data_events_per_day > events_per_day:
        raise OrgtrailError(
            "--data-events-per-day must be a part of --events-per-day; got "
            f"{data_events_per_day} of {events_per_day}"
        )
    env = load_environment(file)
    found = estimate_cost(
        env, estimate_volume(env, events_per_day, data_events_per_day), given, growth / 100
    )
    if format is Format.JSON:
        sys.stdout.write(json.dumps({"name": env.name, **found.as_json()}, indent=2) + "\n")
    else:
        _show(env.name, found)


def _show(name: str, found: CostEstimate) -> None:
    from rich.console import Console
    from rich.table import Table

    from orgtrail.cost.estimate import year_ends

    console = Console(width=None if sys.stdout.isatty() else 120, highlight=False)
    answer = found.as_json()
    day, money = answer["day"], answer["currency"]
    console.print(
        f"[bold]{name}[/bold]: {day['events']:,} events a day, about {day['bytes'] / 1e6:,.1f} MB "
        f"in {day['files']:,} log files and {day['digests']:,} digests"
    )
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("after")
    for column in ("Standard GB", "Glacier GB", "Deep Archive GB", f"{money} a month"):
        table.add_column(column, justify="right")
    for each in (answer["months"][0], *year_ends(answer["months"])):
        table.add_row(
            _after(each["month"]),
            *(f"{each[n]:,.2f}" for n in ("standard_gb", "glacier_gb", "deep_archive_gb", "total")),
        )
    console.print(table)
    last = answer["months"][-1]
    parts = ", ".join(f"{part} {price:,.2f}" for part, price in last["cost"].items() if price)
    console.print(f"\nThe last month by part: {parts}.")
    kept = f"{answer['kept_days']:,} days" if answer["kept_days"] else "ever; seven years are shown"
    console.print(
        f"Files are kept for {kept}; {answer['total']:,.2f} {money} in all. A question over one "
        f"month of all accounts scans for {answer['athena_one_month']:,.2f} {money}."
    )
    console.print(
        f"Prices: {answer['prices']['region']}, {answer['prices']['as_of']}; list prices without "
        "discounts, free tiers and the requests of readers. Not in it: GuardDuty, Security Hub and "
        "the metrics of alarms."
    )


def _after(month: float) -> str:
    if month % 12:
        return f"{month} month{'s' if month > 1 else ''}"
    return f"{month // 12} year{'s' if month > 12 else ''}"
