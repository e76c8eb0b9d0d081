"""The CDKTF app: one stack for each environment file; either all are written or none."""

from __future__ import annotations

import os
import sys
import time
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from orgtrail.cdktf.fastpath import trust_types
from orgtrail.cdktf.kit import kit
from orgtrail.ending import run_cli
from orgtrail.environments import load_environments
from orgtrail.errors import EXIT_OK, OrgtrailError, SettingsWarning
from orgtrail.notes import shows_progress
from orgtrail.orphans import orphan_warnings
from orgtrail.output import atomic_output
from orgtrail.settings.environment import Environment

FOLDER = "ORGTRAIL_ENVS"
"""Environment variable for a folder of environment files other than `envs`."""

MANY = 20
"""This many environments take about a second."""


@dataclass(frozen=True, slots=True)
class Synthesized:
    """One environment's stack, as written."""

    environment: Environment
    path: Path
    """Its `cdk.tf.json`."""
    seconds: float
    """The time that creating its constructs took."""


def main() -> int:
    """Synthesize the files that are named, or every file of the folder; return the exit code."""
    return run_cli(_run)


def _run() -> object:
    given = sys.argv[1:]
    if not given:
        # As `cdktf synth` runs it.
        return synthesize_folder()
    from orgtrail.cdktf.arguments import files_to_synthesize

    files = files_to_synthesize(given)
    return synthesize_folder(files) if files is not None else EXIT_OK


def synthesize_folder(files: Sequence[Path] = ()) -> list[Synthesized]:
    """Synthesize environment files to the CDKTF CLI's output folder, `CDKTF_OUTDIR`.

    Args:
        files: files, and folders of them; by default the folder `ORGTRAIL_ENVS`, or `envs`.

    """
    # Before the settings: who lacks the packages should hear of that first.
    kit()
    trust_types()
    environments = load_environments(*(files or [Path(os.environ.get(FOLDER) or "envs")]))
    return synthesize(environments, Path(os.environ.get("CDKTF_OUTDIR") or "cdktf.out"))


def synthesize(environments: Sequence[Environment], out: Path) -> list[Synthesized]:
    """Write `stacks/<name>/cdk.tf.json` of each environment, and the manifest.

    All files are written to a draft folder first, so that a failure leaves the old output
    unchanged. Terraform's own files in the output folder are kept.

    Returns:
        the environments with the paths of their JSON files.

    Raises:
        OrgtrailError: the folder cannot be written, or CDKTF fails.

    Warns:
        SettingsWarning: Terraform could no longer reach resources of the last written stack.

    """
    # Imported late: reading settings should not wait for Node.
    from orgtrail.cdktf.bindings import FAILURES

    with atomic_output(out) as draft:
        try:
            made = _make(environments, draft, out)
        except FAILURES as error:
            raise OrgtrailError(f"CDKTF cannot synthesize: {error}") from None
        for warning in orphan_warnings(environments, draft, out):
            warnings.warn(warning, SettingsWarning, stacklevel=2)
    return made


def _make(environments: Sequence[Environment], draft: Path, out: Path) -> list[Synthesized]:
    """Synthesize into a draft folder."""
    from orgtrail.cdktf.bindings import App
    from orgtrail.cdktf.stack import EnvironmentStack

    # Stack traces have temporary paths, and output must be the same on every machine.
    # CDKTF's validation runs `terraform version`, but the machine may not have Terraform;
    # our tests cover its other check (a provider for each resource).
    app = App(outdir=str(draft), stack_traces=False, skip_validation=True)
    made = []
    for environment in _with_progress(environments):
        started = time.perf_counter()
        EnvironmentStack(app, environment)
        path = out / "stacks" / environment.name / "cdk.tf.json"
        made.append(Synthesized(environment, path, time.perf_counter() - started))
    app.synth()
    return made


def _with_progress(environments: Sequence[Environment]) -> Iterable[Environment]:
    """Show progress on a terminal if there are many environments."""
    if len(environments) < MANY or not shows_progress():
        return environments
    from rich.console import Console
    from rich.progress import track

    return track(environments, "Synthesizing", console=Console(stderr=True), transient=True)
