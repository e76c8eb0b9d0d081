"""What the tests of reports share: a sample of the hospital, and its report."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from orgtrail import sample
from orgtrail.environments import load_environment
from orgtrail.report.bundle import write_report
from orgtrail.report.model import ReportRequest

from tests.conftest import ROOT

Json = dict[str, Any]
ENV = ROOT / "envs" / "healthcare.tfvars"
SAMPLED = datetime(2026, 11, 20, 13, 0, tzinfo=UTC)
END = SAMPLED - timedelta(hours=1)
"""The last hour of a sample has no digest yet, as in life."""
SINCE = END - timedelta(days=2) + timedelta(hours=1)


@dataclass(frozen=True)
class Made:
    """A report and where it lies."""

    out: Path
    data: Json

    @property
    def page(self) -> str:
        """The page."""
        return (self.out / "report.html").read_text(encoding="utf-8")

    def activity(self, name: str) -> Json:
        """Return the answer to a question."""
        (found,) = (each for each in self.data["activity"] if each["query"] == name)
        return dict(found)


def make_logs(folder: Path) -> Path:
    """Make a sample of the hospital's logs: two days that end at `SAMPLED`."""
    sample.make(folder, load_environment(ENV), days=2, events_per_day=1200, until=SAMPLED)
    return folder


def asked(logs: Path | None, since: datetime = SINCE, until: datetime = END) -> ReportRequest:
    """Ask for a report of the hospital."""
    return ReportRequest(ENV, load_environment(ENV), since, until, logs)


def made(logs: Path, out: Path, since: datetime = SINCE, until: datetime = END) -> Made:
    """Make a report of the hospital."""
    write_report(asked(logs, since, until), out)
    return Made(out, json.loads((out / "report.json").read_text()))
