"""The container: pinned, without root, with the locked packages, and its commands work.

Where there is no builder, the commands of its build stage run on this machine instead.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import distributions
from pathlib import Path

import pytest

from container.constraints import constraints
from tests.conftest import ROOT, Json

CHECKOV = ROOT / ".tools" / "checkov" / "bin" / "checkov"
FILE = ROOT / "Dockerfile"
LOCK: Json = json.loads((ROOT / "Pipfile.lock").read_text(encoding="utf-8"))

Instruction = tuple[str, str]


def stages() -> list[list[Instruction]]:
    """Return the instructions before the first FROM, then those of each stage."""
    text = re.sub(r"^ *#.*\n", "", FILE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    found: list[list[Instruction]] = [[]]
    for line in re.sub(r"\\\n\s*", "", text).splitlines():
        if line:
            name, _, arguments = line.partition(" ")
            if name == "FROM":
                found.append([])
            found[-1].append((name, arguments))
    return found


def of(name: str, stage: list[Instruction]) -> list[str]:
    return [arguments for each, arguments in stage if each == name]


BEFORE, BUILD, FINAL = stages()


def test_every_base_image_is_pinned_by_its_digest() -> None:
    defaults = dict(each.split("=", 1) for each in of("ARG", BEFORE))
    for stage in (BUILD, FINAL):
        (base,) = of("FROM", stage)
        name = re.fullmatch(r"\$\{(\w+)\}( AS \w+)?", base)
        assert name, base
        assert re.fullmatch(
            r"docker\.io/library/\S+:\S+-slim@sha256:[0-9a-f]{64}", defaults[name[1]]
        )


def test_what_runs_is_not_root_and_cannot_change_the_program() -> None:
    (user,) = of("USER", FINAL)
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user), "a number, so that Kubernetes can compare it"
    assert FINAL.index(("USER", user)) > max(
        number for number, (name, _) in enumerate(FINAL) if name in ("RUN", "COPY")
    )
    assert of("COPY", FINAL) == ["--from=build /opt/orgtrail /opt/orgtrail"]
    assert json.loads(*of("ENTRYPOINT", FINAL)) == ["orgtrail"]


def test_the_context_is_what_is_copied_and_nothing_else() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert "*" in ignored
    given = {each.removeprefix("!") for each in ignored if each.startswith("!")}
    copied = {path for each in of("COPY", BUILD) for path in each.split()[:-1]}
    assert {each.split("/")[0] for each in given} == copied
    assert all((ROOT / each).exists() for each in given)


def test_the_extras_are_those_of_the_project() -> None:
    named = re.findall(r"%s\[([a-z,]+)\]", FILE.read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert named == ["verify,report"]
    assert set(named[0].split(",")) <= set(project["optional-dependencies"])


@pytest.mark.skipif(
    not CHECKOV.exists(), reason="checkov is not installed; `make test` installs it"
)
def test_checkov_finds_only_what_is_accepted() -> None:
    command = [CHECKOV, "-f", FILE, "--framework", "dockerfile", "-o", "json", "--compact",
               "--skip-download"]  # fmt: skip
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    report: Json = json.loads(done.stdout)
    assert report["summary"]["passed"] > 0
    # A command that ends has no state of health; the tag of the base is in its variable.
    found = {each["check_id"] for each in report["results"]["failed_checks"]}
    assert found == {"CKV_DOCKER_2", "CKV_DOCKER_7"}


def test_the_constraints_are_every_package_of_the_lock_file() -> None:
    for category in ("default", "develop"):
        lines = constraints(LOCK, category)
        named = {each.split("==")[0] for each in lines}
        assert named | {"orgtrail"} == {*LOCK[category], "orgtrail"}
        assert all(re.fullmatch(r"\S+==\S+( --hash=sha256:[0-9a-f]{64})+", each) for each in lines)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the commands of the build stage, with folders of the test in place of its own."""
    root = tmp_path_factory.mktemp("image")
    (workdir,) = of("WORKDIR", BUILD)
    source = root / workdir.lstrip("/")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for name, arguments in BUILD:
        if name == "ENV":
            environment |= dict(each.split("=", 1) for each in shlex.split(arguments))
            # It would fetch again what this machine has.
            environment.pop("PIP_NO_CACHE_DIR", None)
        elif name == "COPY":
            *paths, target = arguments.split()
            for path in paths:
                to = source / (target if target != "./" else path)
                to.parent.mkdir(parents=True, exist_ok=True)
                copy = shutil.copytree if (ROOT / path).is_dir() else shutil.copy
                copy(ROOT / path, to)
        elif name == "RUN":
            command = re.sub(r"(?<![\w.])/(tools|dist|opt)\b", rf"{root}/\1", arguments)
            done = subprocess.run(
                ["sh", "-c", command], cwd=source, env=environment,
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert done.returncode == 0, done.stdout + done.stderr
            assert "WARNING" not in done.stderr
    return root / "opt" / "orgtrail"


def test_the_packages_have_the_versions_of_the_lock_file(installed: Path) -> None:
    (site,) = installed.glob("lib/python3*/site-packages")
    found = {
        each.name.lower().replace("_", "-"): each.version
        for each in distributions(path=[str(site)])
    }
    found.pop("orgtrail")
    assert (
        found.items()
        <= {
            name: each["version"].removeprefix("==")
            for name, each in LOCK["default"].items()
            if "version" in each
        }.items()
    )
    assert "cdktf" not in found
    assert not {each for each in found if each.startswith("nodejs")}


def test_the_grammar_is_compiled_when_the_container_is_built(installed: Path) -> None:
    assert [*installed.rglob(".lark_cache.bin")]


@pytest.mark.parametrize("command", ["check", "verify", "report"])
def test_the_commands_are_there(installed: Path, command: str) -> None:
    program = installed / "bin" / "orgtrail"
    arguments = ["envs/healthcare.tfvars"] if command == "check" else ["--help"]
    done = subprocess.run(
        [program, command, *arguments], cwd=ROOT, capture_output=True, text=True, check=False,
        env={"PATH": os.environ["PATH"]},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
