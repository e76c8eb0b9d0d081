"""Fresh environments with the wheel of this tree and one extra each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from container.constraints import constraints
from tests.conftest import ROOT

Result = subprocess.CompletedProcess[str]
CDKTN = ROOT / "tests" / "cdktn" / "requirements.txt"


@dataclass(frozen=True)
class Installed:
    """An environment that has orgtrail."""

    path: Path

    def run(self, *command: str | Path, cwd: Path, **variables: str) -> Result:
        """Run a program of the environment, or a path, without anything of our own environment."""
        found = self.path / "bin" / str(command[0])
        program = found if found.exists() else command[0]
        kept = {
            name: value
            for name, value in os.environ.items()
            if name in ("HOME", "PATH", "TMPDIR") or name.startswith(("PIP_", "SSL_"))
        }
        kept |= {"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.devnull}
        return subprocess.run(
            [str(program), *map(str, command[1:])],
            cwd=cwd, env=kept | variables, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, check=False, timeout=900,
        )  # fmt: skip

    def must(self, *command: str | Path, cwd: Path) -> str:
        """Run a program that has to end with 0; return its output."""
        done = self.run(*command, cwd=cwd)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def distributions(self) -> set[str]:
        """Return the names of all that is installed."""
        listed = json.loads(self.must("pip", "list", "--format", "json", cwd=self.path))
        return {each["name"].lower() for each in listed} - {"pip", "setuptools"}


def build_wheel(folder: Path) -> Path:
    """Build the wheel as `pip install git+...` does."""
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT],
        check=True, capture_output=True,
    )  # fmt: skip
    (built,) = folder.glob("*.whl")
    return built


def install(wheel: Path, extra: str, path: Path, *, compiled: bool = False) -> Installed:
    """Make an environment with the wheel and an extra, in the versions that are locked.

    Args:
        wheel: the wheel.
        extra: the extra; empty for none.
        path: a folder that does not exist.
        compiled: whether pip also compiles all modules, as it does for users.

    """
    subprocess.run([sys.executable, "-m", "venv", path], check=True)
    locked = path / "locked.txt"
    locked.write_text(CDKTN.read_text() if extra == "cdktn" else _locked_versions())
    made = Installed(path)
    wanted = f"orgtrail[{extra}] @ {wheel.as_uri()}" if extra else f"orgtrail @ {wheel.as_uri()}"
    made.must(
        "pip", "install", "--quiet", "--disable-pip-version-check",
        "--compile" if compiled else "--no-compile", "--constraint", locked, wanted,
        cwd=path,
    )  # fmt: skip
    return made


def _locked_versions() -> str:
    """Return the locked versions of all that runs, without hashes, which an older pip refuses."""
    lock = json.loads((ROOT / "Pipfile.lock").read_text())
    return "\n".join(each.partition(" ")[0] for each in constraints(lock, "default"))
