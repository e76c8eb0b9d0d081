"""The tour of `make demo`: synthesizes all environments, then queries and reports on a sample."""

from __future__ import annotations

import os
import shutil
import sys
import time
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from orgtrail.cdktf.app import FOLDER, Synthesized, synthesize_folder
from orgtrail.ending import run_cli
from orgtrail.environments import load_environment
from orgtrail.logs.bounds import Bounds
from orgtrail.logs.files import log_files
from orgtrail.naming import verify_request
from orgtrail.output import AccountSummary, summarize
from orgtrail.query import local
from orgtrail.query.dialect import parse
from orgtrail.query.questions import Question, find_question, query_placeholders
from orgtrail.query.render import to_run
from orgtrail.report.bundle import PAGE, write_report
from orgtrail.report.model import ReportRequest
from orgtrail.sample import STORIES, make
from orgtrail.settings.environment import Environment
from orgtrail.verify.result import Result
from orgtrail.verify.run import verify

_QUESTIONS = {
    "trail-tampering": ("event_time", "account_id", "principal", "event_name", "error_code"),
    "console-login-failures": ("source_ip", "failures", "persons_tried", "successes"),
    "role-chain": ("started", "source_identity", "path"),
}
"""The questions of the tour, with the columns that it shows."""


def main() -> int:
    """Run the tour; return the exit code."""
    return run_cli(_tour)


def _tour() -> None:
    # A pipe has no width, and truncated lines are useless.
    console = Console(width=None if sys.stdout.isatty() else 120, highlight=False)
    started = time.perf_counter()
    made = synthesize_folder()
    for each in made:
        _show(console, each)
    seconds = time.perf_counter() - started
    console.print(f"{len(made)} environments in {seconds:.2f} s, from reading to writing.\n")
    # The organization with the fewest accounts keeps the tour short.
    _question(console, min(made, key=lambda each: len(each.environment.accounts)))


def _show(console: Console, made: Synthesized) -> None:
    environment = made.environment
    found = summarize(made.path)
    total = sum(each.count for each in found)
    tree = Tree(
        f"[bold]{environment.name}[/bold]: {len(environment.accounts)} accounts, "
        f"{total} resources in {environment.home_region}"
    )
    for each in found:
        _grow(tree, each)
    console.print(tree)
    console.print(f"  JSON      {made.path}", soft_wrap=True)
    console.print(f"  took      {made.seconds * 1000:.0f} ms")
    console.print(f"  next      cdktf plan {environment.name}")
    folder = made.path.parent
    console.print(
        f"  or        terraform -chdir={folder} init && terraform -chdir={folder} plan\n",
        soft_wrap=True,
    )


def _grow(tree: Tree, account: AccountSummary) -> None:
    where = f"{account.alias}: account {account.id}, {account.region}"
    branch = tree.add(f"{where} ({account.count} resources)")
    for kind, names in account.resources.items():
        listed = ", ".join(
            name if count == 1 else f"{name} x {count}" for name, count in names.items()
        )
        branch.add(f"{kind} ({sum(names.values())}): {listed}")
    for kind, names in account.data.items():
        branch.add(f"[dim]reads {kind}: {', '.join(names)}[/dim]")


def _question(console: Console, made: Synthesized) -> None:
    """Make a sample of one environment's organization; query, verify and report on it."""
    environment = made.environment
    folder = made.path.parents[2] / "sample"
    if (folder / STORIES).is_file():
        shutil.rmtree(folder)
    sample = make(folder, environment, days=2, events_per_day=1500)
    console.print(
        f"[bold]A sample of {environment.name}[/bold]: {sample.events} events in {sample.files} "
        f"files, {sample.digests} digests"
    )
    console.print(f"  in        {folder}", soft_wrap=True)
    for name, columns in _QUESTIONS.items():
        _ask(
            console,
            environment,
            folder,
            find_question(name),
            Bounds(sample.start, sample.until),
            columns,
        )
    console.print(f"  more      orgtrail query list, and --logs {folder}", soft_wrap=True)
    bounds = Bounds(sample.start, sample.until)
    _verify(console, made, folder, bounds)
    _report(console, made, folder, bounds)


def _report(console: Console, made: Synthesized, folder: Path, bounds: Bounds) -> None:
    """Write the report on the sample, and print where to open it."""
    started = time.perf_counter()
    file = _environment_file(made.environment.name)
    out = folder.parent / "report"
    request = ReportRequest(file, made.environment, bounds.since, bounds.until, logs=folder)
    said = write_report(request, out)
    took = time.perf_counter() - started
    counts = said["controls"]["counts"]
    console.print(
        f"\n  [bold]What an auditor gets[/bold] (orgtrail report {file} --logs {folder} ...; "
        f"{took:.1f} s)",
        soft_wrap=True,
    )
    console.print(
        f"    integrity {said['integrity']['verdict']}, {counts['pass']} controls pass, "
        f"{counts['fail']} fail; {said['access']['agree']} of {said['access']['total']} access "
        "checks match the intent"
    )
    console.print(f"    open {(out / PAGE).resolve()} in a browser", soft_wrap=True)


def _environment_file(name: str) -> Path:
    """Return the file of an environment."""
    folder = Path(os.environ.get(FOLDER) or "envs")
    return next(
        each for each in sorted(folder.glob("*.tfvars")) if load_environment(each).name == name
    )


def _verify(console: Console, made: Synthesized, folder: Path, bounds: Bounds) -> None:
    """Verify every digest and log file of the sample."""
    environment = made.environment
    started = time.perf_counter()
    result = Result()
    asked = verify_request(environment, bounds.since, bounds.until)
    asked = replace(asked, logs=folder, processes=1)
    for event in verify(asked):
        result.add(event)
    took = (time.perf_counter() - started) * 1000
    console.print(
        f"\n  [bold]Is every log file intact[/bold] (orgtrail verify --env FILE --logs {folder}; "
        f"{took:.0f} ms)",
        soft_wrap=True,
    )
    console.print(
        f"    {result.verdict}: {result.chains} chains, {result.digests.valid} digests and "
        f"{result.logs.valid} log files are valid"
    )


def _ask(
    console: Console,
    environment: Environment,
    folder: Path,
    asked: Question,
    bounds: Bounds,
    columns: tuple[str, ...],
) -> None:
    started = time.perf_counter()
    sql = to_run(asked, bounds, {}, query_placeholders(environment))
    with local.query_logs(parse(sql, asked.name), log_files(folder, bounds)) as answer:
        names, rows = answer.rows()
        table = Table(box=None, pad_edge=False, header_style="dim")
        for column in columns:
            table.add_column(column)
        for row in rows:
            found = dict(zip(names, row, strict=True))
            table.add_row(*(Text(str(found[column] or "")) for column in columns))
    took = (time.perf_counter() - started) * 1000
    console.print(
        f"\n  [bold]{asked.title}[/bold] (orgtrail query run {asked.name}; {took:.0f} ms)"
    )
    console.print(Padding(table, (0, 0, 0, 4)))


if __name__ == "__main__":
    sys.exit(main())
