"""The CDKTF app: one stack for each environment file, written whole or not at all."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from orgtrail.environments import load_environments
from orgtrail.settings.environment import Environment
from orgtrail.settings.faults import OrgtrailError

FOLDER = "ORGTRAIL_ENVS"
"""Environment variable that names another folder of environment files than `envs`."""


@dataclass(frozen=True, slots=True)
class Synthesized:
    """One environment's stack, as written."""

    environment: Environment
    path: Path
    """Its `cdk.tf.json`."""
    seconds: float
    """What making its constructs took."""


def main() -> int:
    """Synthesize every environment file; tell what is wrong with them if that cannot be.

    Returns:
        the exit code: 0, or 2 where an environment file is at fault.

    """
    try:
        synthesize(load_environments(os.environ.get(FOLDER) or "envs"), output_folder())
    except OrgtrailError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def output_folder() -> Path:
    """Return the folder that the CDKTF CLI reads: `cdktf.out` unless it says otherwise."""
    return Path(os.environ.get("CDKTF_OUTDIR") or "cdktf.out")


def synthesize(environments: Sequence[Environment], out: Path) -> list[Synthesized]:
    """Write `stacks/<name>/cdk.tf.json` of each environment, and the manifest.

    All files are written beside the old ones first and then take their places, so a failure
    leaves the old output as it was. What Terraform keeps in those folders stays.

    Returns:
        each environment with the path of its JSON.

    """
    from orgtrail.constructs.bindings import App
    from orgtrail.stack import EnvironmentStack

    made = []
    out.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=out))
    try:
        # Stack traces hold temporary paths: output must be the same on every machine.
        app = App(outdir=str(draft), stack_traces=False)
        for environment in environments:
            started = time.perf_counter()
            EnvironmentStack(app, environment)
            path = out / "stacks" / environment.name / "cdk.tf.json"
            made.append(Synthesized(environment, path, time.perf_counter() - started))
        app.synth()
        # The manifest comes last: it is what says that the others are there.
        for file in sorted(draft.rglob("*.json"), key=lambda each: each.name == "manifest.json"):
            place = out / file.relative_to(draft)
            place.parent.mkdir(parents=True, exist_ok=True)
            os.replace(file, place)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return made
