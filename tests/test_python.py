"""The programs of docs/python.md run, and say what the commands say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orgtrail as package
import orgtrail.check
import orgtrail.query
import orgtrail.report
import orgtrail.verify
import pytest
from orgtrail.errors import OrgtrailError
from orgtrail.query import query

from tests.conftest import ROOT
from tests.conftest import orgtrail as command

PAGE = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
PROGRAMS = dict(re.findall(r"^## (\w+)\n\n```python\n(.*?)```", PAGE, re.DOTALL | re.MULTILINE))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the environments and, as `logs`, a sample of the days that the page names."""
    folder = tmp_path_factory.mktemp("python")
    (folder / "envs").symlink_to(ROOT / "envs")
    made = command(
        "sample", "logs", "--env", "envs/healthcare.tfvars", "--to", "2026-11-27", cwd=folder
    )
    assert made.returncode == 0, made.stderr
    return folder


def result_of(program: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Run a program of the page; return its variables."""
    monkeypatch.chdir(folder)
    names: dict[str, Any] = {}
    exec(PROGRAMS[program], names)
    return names


def test_every_program_of_the_page_is_tested() -> None:
    assert set(PROGRAMS) == {"Check", "Query", "Verify", "Report"}


def test_check(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = result_of("Check", folder, monkeypatch)
    assert names["report"].access
    assert names["refused"] == []


def test_query(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    result_of("Query", folder, monkeypatch)
    said = capsys.readouterr().out
    assert "'StopLogging'" in said
    assert "not complete" not in said
    asked = ("query", "run", "trail-tampering", "--logs", "logs", "--env", "envs/healthcare.tfvars")
    rows = command(*asked, "--from", "2026-11-25", "--format", "csv", cwd=folder).stdout
    assert len(said.splitlines()) == len(rows.splitlines()) - 1


def test_verify(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert result_of("Verify", folder, monkeypatch)["result"].verdict == "valid"


def test_report(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = result_of("Report", folder, monkeypatch)["report"]
    assert report["integrity"]["verdict"] == "valid"
    assert {each.name for each in (folder / "evidence").iterdir()} >= {"report.html", "report.json"}


def test_a_query_of_nothing_says_what_it_needs() -> None:
    needs = "root-use: give logs, or an environment to ask Athena"
    with pytest.raises(OrgtrailError, match=needs), query("root-use"):
        pass


@pytest.mark.parametrize(
    "offered", [package, package.check, package.query, package.report, package.verify]
)
def test_every_name_that_a_package_offers_is_there(offered: Any) -> None:
    assert all(hasattr(offered, name) for name in offered.__all__)
    with pytest.raises(AttributeError, match=f"{offered.__name__} has no nothing"):
        _ = offered.nothing
