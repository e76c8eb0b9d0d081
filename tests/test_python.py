"""The programs of docs/python.md run, and say what the commands say."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orgtrail as package
import orgtrail.check
import orgtrail.query
import orgtrail.report
import orgtrail.verify
import pytest
from orgtrail.environments import load_environment
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


@pytest.mark.parametrize("name", ["pipeline-health", "role-assumptions", "trail-tampering"])
@pytest.mark.parametrize("inside", ["", "*/*/*/*/us-east-1"])
def test_a_query_gives_the_rows_of_the_command(name: str, inside: str, folder: Path) -> None:
    """In the archive's key layout, and in a folder that has lost it."""
    (logs, *_) = sorted((folder / "logs").glob(inside)) if inside else [folder / "logs"]
    env = folder / "envs" / "healthcare.tfvars"
    environment = load_environment(env)
    end = datetime(2026, 11, 27, tzinfo=UTC)
    with query(name, logs=logs, environment=environment, until=end) as answer:
        rows = [dict(zip(answer.columns, each, strict=True)) for each in answer.rows]
        assert answer.unread == {}
        assert answer.is_complete
    asked = ("query", "run", name, "--logs", str(logs), "--env", str(env))
    done = command(*asked, "--to", end.isoformat(), "--format", "json")
    assert json.loads(json.dumps(rows, default=str)) == json.loads(done.stdout)
    assert rows or inside


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("cut.json", '{"Records": [{"eventName": "StopLogging"'),
        ("odd.json", '{"Records": [7, {"eventName": "StopLogging", "eventTime": ""}]}'),
        ("undated.json", '{"Records": [{"eventName": "StopLogging", "eventTime": "soon"}]}'),
    ],
)
def test_an_answer_is_complete_where_the_command_says_so(
    name: str, text: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_text(text)
    with query("trail-tampering", logs=tmp_path) as answer:
        assert not answer.is_complete
    assert command("query", "run", "trail-tampering", "--logs", str(tmp_path)).returncode == 2


def test_what_the_table_lacks_is_among_the_rows(folder: Path) -> None:
    environment = load_environment(folder / "envs" / "healthcare.tfvars")
    catalog = environment.catalog.model_copy(update={"regions": ("eu-central-1",)})
    narrow = environment.model_copy(update={"catalog": catalog})
    end = datetime(2026, 11, 27, tzinfo=UTC)
    with query("pipeline-health", logs=folder / "logs", environment=narrow, until=end) as answer:
        status = answer.columns.index("status")
        assert "not in table" in {row[status] for row in answer.rows}


MISTAKES: dict[str, dict[str, Any]] = {
    "root-use: give logs, or an environment to ask Athena": {"logs": None},
    'account: must be 12 digits; got "1\' OR"': {"accounts": ("1' OR",)},
    "region: must be a region's name, like us-east-1; got 'US'": {"regions": ("US",)},
    "since: must have a time zone; got 2026-11-25T00:00:00": {"since": datetime(2026, 11, 25)},  # noqa: DTZ001
    "since must be before until; got 2026-11-25T00:00:00+00:00 and 2026-11-24T00:00:00+00:00": {
        "since": datetime(2026, 11, 25, tzinfo=UTC),
        "until": datetime(2026, 11, 24, tzinfo=UTC),
    },
}


@pytest.mark.parametrize("message", MISTAKES)
def test_a_mistake_in_a_query_is_named(message: str, folder: Path) -> None:
    arguments = {"logs": folder / "logs", **MISTAKES[message]}
    with pytest.raises(OrgtrailError) as told, query("root-use", **arguments):
        pass
    assert str(told.value) == message


@pytest.mark.parametrize(
    "offered", [package, package.check, package.query, package.report, package.verify]
)
def test_every_name_that_a_package_offers_is_there(offered: Any) -> None:
    assert all(hasattr(offered, name) for name in offered.__all__)
    with pytest.raises(AttributeError, match=f"{offered.__name__} has no nothing"):
        _ = offered.nothing
