"""Each extra alone in a fresh environment: its commands run, and the others name what they need."""

from __future__ import annotations

import json
import re
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from orgtrail import extras
from orgtrail.extras import MODULES

from tests.conftest import ROOT, orgtrail
from tests.consumer import PROGRAM
from tests.installing import Installed, Result, build_wheel, install

ENV = ROOT / "envs" / "healthcare.tfvars"
DISTRIBUTIONS = {"sigma": "pysigma"}
"""Where a package's name differs from that of its module."""
KITS = {"cdktf", "cdktn"}

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make up the logs that the commands read."""
    folder = tmp_path_factory.mktemp("logs") / "logs"
    made = orgtrail(
        "sample", str(folder), "--env", str(ENV), "--days", "1", "--events-per-day", "50"
    )
    assert made.returncode == 0, made.stderr
    return folder


def test_the_wheel_holds_the_library_and_nothing_else(wheel: Path) -> None:
    files = zipfile.ZipFile(wheel).namelist()
    roots = {name.split("/")[0] for name in files}
    assert roots == {"orgtrail", wheel.name.rsplit("-", 3)[0] + ".dist-info"}
    assert {"orgtrail/py.typed", "orgtrail/cdktf/lazy_index.cjs"} <= set(files)


def declared() -> dict[str, list[str]]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return {"": project["dependencies"], **project["optional-dependencies"]}


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=@ ]", each)[0] for each in requirements} - {"orgtrail"}


def test_what_an_extra_declares_is_what_its_code_imports() -> None:
    """A report is a run of the three others, and jinja2."""
    found = declared()
    for extra, modules in MODULES.items():
        wanted = {DISTRIBUTIONS.get(each, each) for each in modules}
        if extra == "report":
            assert wanted <= names([each for name in MODULES for each in found[name]])
        else:
            assert wanted == names(found[extra])
    assert set(found) == {"", *MODULES, *KITS, "all"}


def core(run: Run, _: Path, folder: Path) -> None:
    report = json.loads(run("check", ENV, "--format", "json").stdout)
    assert [each["name"] for each in report["environments"]] == ["healthcare"]
    assert report["environments"][0]["findings"] == []
    assert "who-can" in run("--help").stdout
    assert run("who-can", "cloudtrail:StopLogging", ENV).stdout
    assert "USD" in run("cost", ENV, "--events-per-day", "1000").stdout
    assert json.loads(run("permissions", ENV, "management").stdout)["Statement"]
    assert run("module", folder / "module").returncode == 0
    assert "README.md" in {each.name for each in (folder / "module").iterdir()}
    assert "root-use" in run("query", "list").stdout
    assert "SELECT" in run("query", "show", "root-use").stdout


def verify(run: Run, logs: Path, folder: Path) -> None:
    own = folder / "own"
    assert run("sample", own, "--env", ENV, "--days", "1", "--events-per-day", "5").returncode == 0
    for each in (own, logs):
        found = json.loads(
            run("verify", "--env", ENV, "--logs", each, "--last", "12h", "--format", "json").stdout
        )
        assert found["verdict"] == "valid"
        assert found["logs"]["valid"] > 0


def query(run: Run, logs: Path, folder: Path) -> None:
    asked = "--logs", logs, "--env", ENV, "--last", "30h"
    rows = json.loads(run("query", "run", "trail-tampering", *asked, "--format", "json").stdout)
    assert rows
    out = folder / "rows.parquet"
    done = run("query", "run", "root-use", *asked, "--format", "parquet", "--out", out)
    assert (done.returncode, out.read_bytes()[:4]) == (0, b"PAR1"), done.stderr
    hits = json.loads(run("query", "triage", *asked, "--format", "json").stdout)
    assert hits
    assert "FROM" in run("query", "show", "root-use", "--dialect", "duckdb").stdout


def doctor(run: Run, _: Path, __: Path) -> None:
    done = run("doctor", ENV)
    assert done.returncode == 2
    assert "credentials" in done.stdout + done.stderr


def report(run: Run, logs: Path, folder: Path) -> None:
    out = folder / "evidence"
    done = run("report", ENV, "--last", "24h", "--logs", logs, "--out", out)
    assert done.returncode in (0, 2), done.stderr
    assert json.loads((out / "report.json").read_text())["happened"]
    query(run, logs, folder)
    verify(run, logs, folder)


COMMANDS = {"": core, "verify": verify, "query": query, "doctor": doctor, "report": report}
NEEDS = {
    ("verify", "--env", str(ENV), "--last", "1h"): "verify",
    ("sample", "made-up", "--env", str(ENV)): "verify",
    ("query", "run", "root-use", "--logs", "."): "query",
    ("query", "triage", "--logs", "."): "query",
    ("query", "show", "root-use", "--dialect", "duckdb"): "query",
    ("doctor", str(ENV)): "doctor",
    ("report", str(ENV), "--last", "1h", "--logs", ".", "--out", "evidence"): "report",
}
BRINGS: dict[str, set[str]] = {
    "": set(),
    "verify": {"verify", "doctor"},
    "query": {"query", "doctor"},
    "doctor": {"doctor"},
    "report": set(MODULES),
}
"""The extras whose commands run with an extra."""


@pytest.mark.parametrize("extra", COMMANDS)
def test_each_extra_alone(extra: str, wheel: Path, logs: Path, tmp_path: Path) -> None:
    here = install(wheel, extra, tmp_path / "venv")

    def run(*arguments: str | Path) -> Result:
        return here.run("orgtrail", *arguments, cwd=tmp_path)

    COMMANDS[extra](run, logs, tmp_path)
    found = declared()
    brought = {each for name in ("", *BRINGS[extra]) for each in names(found[name])}
    others = {each for name in found for each in names(found[name])} - brought
    # pySigma brings jinja2 too.
    assert not here.distributions() & {*others, "jsii", "pyarrow"} - {"jinja2"}
    for arguments, needed in NEEDS.items():
        if needed not in BRINGS[extra]:
            _names_what_it_needs(run(*arguments), needed, here)
    done = here.run("python", ROOT / "main.py", ENV, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (
        2, "", "making stacks needs CDKTF or CDK Terrain: pip install 'orgtrail[cdktf]' or "
        "pip install 'orgtrail[cdktn]'\n",
    )  # fmt: skip


def _names_what_it_needs(done: Result, extra: str, here: Installed) -> None:
    """A command without its packages says in one line what to install."""
    assert (done.returncode, done.stdout) == (2, "")
    pattern = (
        r"orgtrail [\w -]+ needs ([\w, ]+), not installed here: "
        rf"pip install 'orgtrail\[{extra}\]'\n"
    )
    found = re.fullmatch(pattern, done.stderr)
    assert found, done.stderr
    missing = {DISTRIBUTIONS.get(each, each) for each in found[1].split(", ")}
    assert missing
    assert not missing & here.distributions()


@pytest.mark.parametrize("extra", sorted(KITS))
def test_each_kit_alone_in_another_repository(extra: str, wheel: Path, tmp_path: Path) -> None:
    here = install(wheel, extra, tmp_path / "venv")
    assert not (here.distributions() & (KITS | {"boto3", "duckdb"}) - {extra})
    here.must("python", ROOT / "main.py", ENV, cwd=tmp_path)
    assert (tmp_path / "cdktf.out/stacks/healthcare/cdk.tf.json").exists()

    assert PROGRAM is not None, "docs/other-repositories.md shows a consumer"
    (tmp_path / "audit.tfvars").write_text(ENV.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "app.py").write_text(PROGRAM[1], encoding="utf-8")
    here.must("python", "app.py", cwd=tmp_path)
    stack = json.loads((tmp_path / "cdktf.out/stacks/platform/cdk.tf.json").read_text())
    assert len(stack["resource"]["aws_cloudtrail"]) == 1
    assert {each["alias"] for each in stack["provider"]["aws"]} == {"management", "logging"}


def test_what_is_imported_from_the_library_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "is_installed", {"boto3"}.__contains__)
    with pytest.raises(ImportError) as caught:
        extras.require("verify", "orgtrail verify")
    assert str(caught.value) == (
        "orgtrail verify needs cryptography, pycurl, not installed here: "
        "pip install 'orgtrail[verify]'"
    )
