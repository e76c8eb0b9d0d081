"""What a release consists of: packages, SBOM and addresses; and the updates between two."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from tests.conftest import ROOT, Json

BESIDE = ROOT / ".tools" / "release" / "bin"
PROJECT: Json = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCK: Json = json.loads((ROOT / "Pipfile.lock").read_text(encoding="utf-8"))
PLACEHOLDER = "https://example.com/your-copy/orgtrail"
PAGES = [*ROOT.glob("*.md"), *sorted((ROOT / "docs").rglob("*.md"))]

beside = pytest.mark.skipif(
    not BESIDE.exists(),
    reason="twine and cyclonedx-py are not installed; `make test` installs them",
)


def run(*command: str | Path, cwd: Path = ROOT, **environment: str) -> str:
    done = subprocess.run(
        [*map(str, command)], cwd=cwd, capture_output=True, text=True, check=False,
        env={**os.environ, **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Build the source and the wheel twice, from copies whose files have different times."""
    folders = [tmp_path_factory.mktemp(name) for name in ("first", "second")]
    for folder, time in zip(folders, (10**9, 10**9 + 86400), strict=True):
        copy = folder / "checkout"
        copy.mkdir()
        for name in ("README.md", "LICENSE", "pyproject.toml"):
            shutil.copy(ROOT / name, copy)
        shutil.copytree(
            ROOT / "modules", copy / "modules", ignore=shutil.ignore_patterns("__pycache__")
        )
        for path in copy.rglob("*"):
            os.utime(path, (time, time))
        run(
            sys.executable, "-m", "build", "--no-isolation", "--outdir", folder / "dist",
            cwd=copy, SOURCE_DATE_EPOCH="1764288000",
        )  # fmt: skip
    return [folder / "dist" for folder in folders]


def test_two_builds_of_a_commit_are_the_same_bytes(built: list[Path]) -> None:
    first, second = ({each.name: each.read_bytes() for each in one.iterdir()} for one in built)
    assert {name.rpartition(".")[2] for name in first} == {"gz", "whl"}
    assert first == second


@beside
def test_the_index_takes_what_is_built(built: list[Path]) -> None:
    assert "PASSED" in run(BESIDE / "twine", "check", "--strict", *built[0].iterdir())


VALIDATES = """
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
text = open(sys.argv[1], encoding="utf-8").read()
print(JsonStrictValidator(SchemaVersion.V1_6).validate_str(text))
"""


@pytest.fixture(scope="module")
def sbom(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the command of `make sbom`, with a file of the test as its target."""
    dry = run("make", "--dry-run", "--silent", "sbom")
    (command,) = re.findall(r"^.*cyclonedx-py(?:.*\\\n)*.*$", dry, re.MULTILINE)
    path = tmp_path_factory.mktemp("sbom") / "sbom.json"
    changed, count = re.subn(r"dist/orgtrail-\S+\.cdx\.json", str(path), command)
    assert count == 1
    run("sh", "-c", changed)
    return path


@beside
def test_the_sbom_is_valid_cyclonedx(sbom: Path, tmp_path: Path) -> None:
    assert json.loads(sbom.read_text(encoding="utf-8"))["specVersion"] == "1.6"
    assert run(BESIDE / "python", "-c", VALIDATES, sbom).strip() == "None"
    broken = tmp_path / "broken.json"
    broken.write_text('{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": 1}')
    assert run(BESIDE / "python", "-c", VALIDATES, broken).strip() != "None"


@beside
def test_the_sbom_has_every_package_that_runs(sbom: Path) -> None:
    content = json.loads(sbom.read_text(encoding="utf-8"))
    assert content["metadata"]["component"]["version"] == PROJECT["version"]
    assert {each["purl"].partition("?")[0] for each in content["components"]} == {
        f"pkg:pypi/{name}@{each['version'].removeprefix('==')}"
        for name, each in LOCK["default"].items()
        if "version" in each
    }


def test_every_page_and_the_project_have_one_address() -> None:
    """Who moves the project to a public host replaces it everywhere, as docs/releasing.md says."""
    (address,) = {url.partition("/blob/")[0] for url in PROJECT["urls"].values()}
    text = "".join(each.read_text(encoding="utf-8") for each in PAGES)
    told = set(re.findall(r"(https://[^\s\"`]+?/orgtrail)\.git", text))
    assert told == {address}
    for url in PROJECT["urls"].values():
        _, _, path = url.partition("/blob/main/")
        assert not path or (ROOT / path).exists(), url


MANAGERS = {
    "Dockerfile": "dockerfile",
    "Makefile": "custom.regex",
    "Pipfile.lock": "pipenv",
    "go.mod": "gomod",
    "package-lock.json": "npm",
    "pom.xml": "maven",
    "pyproject.toml": "pep621",
    "requirements.txt": "pip_requirements",
    ".pre-commit-config.yaml": "pre-commit",
}
"""By the name of a file that pins something: Renovate's manager of it."""


def test_renovate_looks_at_every_file_that_pins_something() -> None:
    settings: Json = json.loads((ROOT / "renovate.json").read_text(encoding="utf-8"))
    assert {*settings["enabledManagers"]} == {*MANAGERS.values()}
    pinning = [
        path.relative_to(ROOT).as_posix()
        for name in MANAGERS
        for path in ROOT.rglob(name)
        if not {".tools", ".venv", "node_modules", "cdktf.out"} & {*path.relative_to(ROOT).parts}
    ]
    assert {Path(each).name for each in pinning} >= {*MANAGERS} - {".pre-commit-config.yaml"}
    # The recommended settings leave out every folder called tests, where most of these files are.
    ignored = settings["ignorePaths"]
    for path in pinning:
        assert not any(fnmatchcase(f"/{path}", f"*{each.strip('*')}*") for each in ignored), path


def test_renovate_finds_the_version_of_pipenv() -> None:
    settings: Json = json.loads((ROOT / "renovate.json").read_text(encoding="utf-8"))
    (manager,) = settings["customManagers"]
    (pattern,) = manager["matchStrings"]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.findall(pattern.replace("(?<", "(?P<"), makefile)


def test_renovate_leaves_only_packages_alone_that_are_pinned_here() -> None:
    settings: Json = json.loads((ROOT / "renovate.json").read_text(encoding="utf-8"))
    names = {
        name for rule in settings["packageRules"] for name in rule.get("matchPackageNames", ())
    }
    pinned = "".join(
        path.read_text(encoding="utf-8")
        for path in (
            ROOT / "Pipfile.lock",
            *ROOT.glob("tests/*/package.json"),
            *ROOT.glob("tests/*/*/package.json"),
            *ROOT.glob("tests/*/*/requirements.txt"),
        )
    )
    assert [each for each in sorted(names) if each not in pinned] == []
