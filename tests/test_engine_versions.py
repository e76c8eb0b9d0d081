"""The versions of a stack, as an engine reads them on a laptop or in a workspace.

The providers here have a version and nothing else. For `init` that is enough: it runs none.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import golden
from tests.e2e.engines import OPENTOFU, TERRAFORM

ENGINES = sorted({each for each in (TERRAFORM, OPENTOFU) if each})
REGISTRIES = {False: "registry.terraform.io", True: "registry.opentofu.org"}
HCP = "fintech.tf.json"
"""A stack with the `cloud` block."""
OFFERED = ("6.24.0", "6.25.0", "6.47.1", "6.99.0", "7.0.0-beta1", "7.0.0")

pytestmark = pytest.mark.skipif(not ENGINES, reason="neither terraform nor tofu is here")


@dataclass(frozen=True)
class Workspace:
    """A folder with a stack, an engine, and a registry that offers what the test says."""

    path: Path
    engine: str

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.engine, *arguments], cwd=self.path / "config", capture_output=True, text=True,
            check=False, stdin=subprocess.DEVNULL,
            env={**os.environ, "TF_CLI_CONFIG_FILE": str(self.path / "engine.rc"),
                 "CHECKPOINT_DISABLE": "1"},
        )  # fmt: skip

    def offer(self, versions: Iterable[str]) -> None:
        shutil.rmtree(self.path / "registry", ignore_errors=True)
        (self.path / "engine.rc").write_text("")
        platform = json.loads(self.run("version", "-json").stdout)["platform"]
        for version in versions:
            folder = Path(
                REGISTRIES[self.engine == OPENTOFU], "hashicorp", "aws", version, platform
            )
            (self.path / "registry" / folder).mkdir(parents=True)
            program = f"terraform-provider-aws_v{version}"
            (self.path / "registry" / folder / program).write_text(version)
        place = json.dumps(str(self.path / "registry"))
        (self.path / "engine.rc").write_text(
            f"provider_installation {{\n  filesystem_mirror {{\n    path = {place}\n  }}\n}}\n"
        )

    def taken(self) -> str:
        """Return the version that `init` takes."""
        done = self.run("init", "-backend=false", "-input=false")
        assert done.returncode == 0, done.stdout + done.stderr
        lock = (self.path / "config" / ".terraform.lock.hcl").read_text()
        (version,) = re.findall(r'^ +version += "(.+)"$', lock, re.MULTILINE)
        return str(version)


@pytest.fixture(params=ENGINES, ids=lambda each: Path(each).name)
def workspace(request: pytest.FixtureRequest, tmp_path: Path) -> Workspace:
    (tmp_path / "config").mkdir()
    shutil.copy(golden.FOLDER / HCP, tmp_path / "config" / "cdk.tf.json")
    return Workspace(tmp_path, request.param)


def test_without_a_lock_file_it_is_the_newest_of_the_major_version(workspace: Workspace) -> None:
    workspace.offer(OFFERED)
    assert workspace.taken() == "6.99.0"


def test_with_a_lock_file_it_is_the_version_of_that_file(workspace: Workspace) -> None:
    workspace.offer(["6.25.0"])
    assert workspace.taken() == "6.25.0"
    workspace.offer(OFFERED)
    assert workspace.taken() == "6.25.0"


def test_older_and_newer_ones_are_refused(workspace: Workspace) -> None:
    workspace.offer(["6.24.0", "7.0.0-beta1", "7.0.0"])
    done = workspace.run("init", "-backend=false", "-input=false")
    assert done.returncode == 1
    assert "~> 6.25" in done.stdout + done.stderr
