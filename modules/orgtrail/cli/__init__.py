"""The `orgtrail` command. It starts fast: each subcommand imports what it needs, never CDKTF."""

from __future__ import annotations


def main() -> int:
    """Run the command; return the exit code."""
    # Not at the top: `python -m orgtrail.cli` imports this before anything can guard it.
    from orgtrail.cli.root import run
    from orgtrail.ending import run_cli

    return run_cli(run)
