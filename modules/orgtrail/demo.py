"""The tour of `make demo`: synthesizes every environment and shows what came of it."""

from __future__ import annotations

import sys
import time

from rich.console import Console
from rich.tree import Tree

from orgtrail.app import Synthesized, synthesize_folder
from orgtrail.summary import Account, accounts
from orgtrail.telling import told


def main() -> int:
    """Synthesize and show; return the exit code."""
    return told(_tour)


def _tour() -> None:
    # A pipe has no width of its own, and cut lines help nobody.
    console = Console(width=None if sys.stdout.isatty() else 120, highlight=False)
    started = time.perf_counter()
    made = synthesize_folder()
    for each in made:
        _show(console, each)
    seconds = time.perf_counter() - started
    console.print(f"{len(made)} environments in {seconds:.2f} s, from reading to writing.")


def _show(console: Console, made: Synthesized) -> None:
    environment = made.environment
    found = accounts(made.path)
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


def _grow(tree: Tree, account: Account) -> None:
    where = f"{account.alias}: account {account.id}, {account.region}"
    branch = tree.add(f"{where} ({account.count} resources)")
    for kind, names in account.resources.items():
        listed = ", ".join(
            name if count == 1 else f"{name} x {count}" for name, count in names.items()
        )
        branch.add(f"{kind} ({sum(names.values())}): {listed}")
    for kind, names in account.data.items():
        branch.add(f"[dim]reads {kind}: {', '.join(names)}[/dim]")


if __name__ == "__main__":
    sys.exit(main())
