"""`orgtrail report` over the live accounts: the doctor's word decides, and what fails is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from orgtrail.report import sections
from orgtrail.report.bundle import write_report
from orgtrail.report.model import Json, ReportRequest

from tests.doctor.conftest import Patient
from tests.doctor.faults import detached, refused
from tests.doctor.test_doctor import written
from tests.reports import END, SINCE


@pytest.fixture
def report(patient: Patient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Json:
    """Make a report with the doctor's answers as they are now."""
    return _made(patient, tmp_path, monkeypatch)


def _made(patient: Patient, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Json:
    monkeypatch.setattr(sections, "Clients", lambda *_: patient.seam)
    monkeypatch.setattr(type(patient.seam), "call", type(patient.seam).__call__, raising=False)
    asked = ReportRequest(written(patient, folder), patient.env, SINCE, END)
    write_report(asked, folder / "out")
    patient.seam.changes.clear()
    return dict(json.loads((folder / "out" / "report.json").read_text()))


def _required(data: Json, number: str) -> Json:
    return next(each for each in data["controls"]["rows"] if each["id"] == number)


def test_what_runs_is_compared(report: Json, tmp_path: Path) -> None:
    assert report["deployed"]["live"]
    assert report["deployed"]["verdict"] == "fine"
    assert report["report"]["source"] == "the live accounts"
    assert any("so it runs" in each for each in _required(report, "AU-5")["evidence"])
    page = (tmp_path / "out" / "report.html").read_text()
    assert "The live accounts were compared with the environment file: fine." in page


def test_a_fault_fails_what_it_is_about(
    patient: Patient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    detached(patient)
    try:
        data = _made(patient, tmp_path, monkeypatch)
    finally:
        patient.deployment.lay_out_kind("aws_organizations_policy_attachment", "guardrails_scp")
    assert data["verdict"] == "bad"
    protected = _required(data, "AU-9")
    assert protected["verdict"] == "fail"
    assert any("what runs differs: control-policy-targets" in e for e in protected["evidence"])
    assert any("orgtrail doctor" in each for each in protected["repeat"])


def test_what_was_not_checked_is_at_the_top(
    patient: Patient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused("logging", "s3", "get_bucket_lifecycle_configuration", "AccessDenied")(patient)
    data = _made(patient, tmp_path, monkeypatch)
    (told,) = (e for e in data["not_checked"] if "bucket-lifecycle" in e["what"])
    assert "is denied" in told["why"]
    assert _required(data, "AU-11")["verdict"] == "unproven"
    page = (tmp_path / "out" / "report.html").read_text()
    assert page.index("bucket-lifecycle of logging") < page.index('<h2 id="deployed">')


def test_logs_that_cannot_be_asked_leave_the_rest(
    patient: Patient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    data = _made(patient, tmp_path, monkeypatch)
    assert data["integrity"]["verdict"] == "unproven"
    assert data["coverage"] is None
    assert data["activity"] == []
    told = {each["section"] for each in data["not_checked"]}
    assert told >= {"integrity", "activity"}
    assert data["access"]["agree"] == data["access"]["total"]
    assert _required(data, "AU-6")["verdict"] == "unproven"
    assert "The logs could not be asked" in (tmp_path / "out" / "report.html").read_text()
