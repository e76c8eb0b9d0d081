"""Another repository installs the library and uses it in a stack and with providers of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.installing import build_wheel

PROGRAM = re.search(
    r"<!-- consumer -->\s*```python\n(.*?)```",
    (ROOT / "docs" / "other-repositories.md").read_text(),
    re.DOTALL,
)


def run(*command: str | Path, cwd: Path) -> str:
    # What is on the path of these tests is not there in another repository.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    result = subprocess.run(
        [*map(str, command)], cwd=cwd, capture_output=True, text=True, check=False, env=env
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


def test_the_wheel_holds_the_library_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    roots = {name.split("/")[0] for name in names}
    assert roots == {"orgtrail", wheel.name.rsplit("-", 3)[0] + ".dist-info"}
    assert {"orgtrail/py.typed", "orgtrail/cdktf/lazy_index.cjs"} <= set(names)


def test_five_lines_in_another_repository(wheel: Path, tmp_path: Path) -> None:
    """Install for real, with dependencies resolved from those that are here already."""
    run(sys.executable, "-m", "venv", tmp_path / "venv", cwd=tmp_path)
    python = tmp_path / "venv" / "bin" / "python"
    site = Path(
        run(python, "-c", "import site; print(site.getsitepackages()[0])", cwd=tmp_path).strip()
    )
    (site / "here.pth").write_text(sysconfig.get_path("purelib") + "\n")
    wanted = f"orgtrail[cdktf] @ {wheel.as_uri()}"
    run(python, "-m", "pip", "install", "--no-index", wanted, cwd=tmp_path)

    assert PROGRAM is not None, "docs/other-repositories.md shows a consumer"
    (tmp_path / "audit.tfvars").write_text((ROOT / "envs" / "healthcare.tfvars").read_text())
    (tmp_path / "main.py").write_text(PROGRAM[1])
    run(python, "main.py", cwd=tmp_path)

    place = run(python, "-c", "import orgtrail; print(orgtrail.__file__)", cwd=tmp_path)
    assert place.startswith(str(tmp_path / "venv"))
    stack = json.loads((tmp_path / "cdktf.out/stacks/platform/cdk.tf.json").read_text())
    assert len(stack["resource"]["aws_cloudtrail"]) == 1
    assert {each["alias"] for each in stack["provider"]["aws"]} == {"management", "logging"}
