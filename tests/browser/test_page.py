"""The page of a report in a real browser: it opens, filters, sorts and prints, and is silent."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from orgtrail.report.page import render

from tests.conftest import ROOT
from tests.reports import made, make_logs

DRIVER = ROOT / ".tools" / "browser" / "bin" / "python"
"""Playwright, in an environment of its own (see the Makefile)."""
AXE = ROOT / "tests" / "browser" / "axe" / "node_modules" / "axe-core" / "axe.min.js"
"""Deque's rules of accessibility: an independent judge of the page."""
SCRIPT = Path(__file__).parent / "beside" / "drive.py"
HOSTILE = """</script><script>window.owned = 1; alert(1)</script><img src=x onerror=alert(2)>
"><svg onload=alert(3)> javascript:alert(4) {{ 7 * 7 }} ' onfocus=alert(5) autofocus='"""


def _seen(page: Path, axe: Path | str = "") -> dict[str, Any]:
    browser = shutil.which("chromium")
    if not browser or not DRIVER.exists() or not AXE.exists():
        pytest.skip("Chromium, Playwright or axe is not installed; make test does that if it can")
    done = subprocess.run(
        [DRIVER, SCRIPT, page, browser, axe],
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_it_opens_from_the_disk_filters_sorts_and_prints(tmp_path: Path) -> None:
    report = made(make_logs(tmp_path / "logs"), tmp_path / "out")
    page = report.out / "report.html"
    seen = _seen(page, AXE)
    assert seen["said"] == []
    assert seen["asked"] == [page.as_uri()]
    assert seen["title"].startswith("Audit trail of healthcare, 2026-11-18T13:00:00Z")
    assert seen["headings"] == [
        "What happened", "What could not be checked", "What is deployed, and where", "Controls",
        "Who may do what", "Integrity", "Activity", "Coverage", "Volume, growth and cost",
    ]  # fmt: skip
    shown = [
        each for each in report.data["controls"]["rows"]
        if each["framework"] == "PCI DSS" and each["verdict"] != "off"
    ]  # fmt: skip
    assert seen["rows"] == seen["again"] == len(shown)
    assert seen["told"] == f"1 of {seen['rows']} rows"
    assert all("central" in each for each in seen["filtered"])
    # On a wide and a narrow screen, light and dark.
    assert len(seen["axe"]) == 4
    assert {screen: wrong for screen, wrong in seen["axe"].items() if wrong} == {}
    events = sorted(each["events"] for each in report.data["coverage"]["accounts"])
    assert (seen["up"], seen["down"]) == (events, events[::-1])
    assert seen["aria"] == ["ascending", "descending"]
    assert (seen["first_stop"], seen["by_enter"]) == ("To the first section", "ascending")
    assert not seen["wider"]
    assert seen["pdf"]
    assert seen["open"]
    # What a screen reader is told of the pictures.
    assert 'img "Events by account and day ' in seen["tree"]
    assert 'img "What is stored, year by year ' in seen["tree"]


def test_no_log_content_runs(tmp_path: Path) -> None:
    report = made(make_logs(tmp_path / "logs"), tmp_path / "out")
    for each in report.data["activity"]:
        for row in each["rows"]:
            row.update({name: HOSTILE for name, value in row.items() if isinstance(value, str)})
    for finding in report.data["not_checked"]:
        finding["what"] = HOSTILE
    page = tmp_path / "hostile.html"
    page.write_text(render(report.data), encoding="utf-8")
    seen = _seen(page)
    assert seen["said"] == []
    assert seen["asked"] == [page.as_uri()]
    assert seen["own_scripts"]
