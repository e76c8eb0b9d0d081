"""What a reviewer adds to a report, and what changed since an older one."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from orgtrail.errors import OrgtrailError
from orgtrail.report.bundle import write_report
from orgtrail.report.model import ReportRequest
from orgtrail.report.since import changes_since

from tests.conftest import orgtrail
from tests.log_records import record, write_log
from tests.reports import END, ENV, SINCE, Json, Made, asked, made, make_logs

REMARK = """
[[remark]]
control = "NIST 800-53 AU-9"
text = "The change of 2026-11-20 was ticket 4711 <b>."
by = "Ann Lee"
on = 2026-11-27
"""


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_logs(tmp_path_factory.mktemp("logs") / "made")


@pytest.fixture(scope="module")
def report(logs: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    return made(logs, tmp_path_factory.mktemp("report"))


def _run(logs: Path, out: Path, *options: str) -> tuple[int, str]:
    result = orgtrail("report", str(ENV), "--from", f"{SINCE:%FT%TZ}", "--to", f"{END:%FT%TZ}",
                      "--logs", str(logs), "--out", str(out), *options)  # fmt: skip
    return result.returncode, result.stderr


def _control(data: Json, number: str) -> Json:
    return next(dict(each) for each in data["controls"]["rows"] if each["id"] == number)


def test_a_remark_stands_beside_its_control_and_changes_no_verdict(
    logs: Path, report: Made, tmp_path: Path
) -> None:
    file = tmp_path / "remarks.toml"
    file.write_text(REMARK)
    code, _ = _run(logs, tmp_path / "out", "--remarks", str(file))
    data = json.loads((tmp_path / "out/report.json").read_text())
    found, before = _control(data, "AU-9"), _control(report.data, "AU-9")
    assert found["remark"] == {
        "text": "The change of 2026-11-20 was ticket 4711 <b>.",
        "by": "Ann Lee",
        "on": "2026-11-27",
    }
    assert {**found, "remark": None} == before
    assert code == 2  # the verdict is still unproven
    assert data["controls"]["counts"] == report.data["controls"]["counts"]
    page = (tmp_path / "out/report.html").read_text()
    assert "ticket 4711 &lt;b&gt;." in page
    assert "Ann Lee, 2026-11-27" in page


@pytest.mark.parametrize("name", ["3.1", "CIS 3.1", "CloudTrail.1"])
def test_a_merged_control_is_found_by_each_of_its_numbers(name: str, tmp_path: Path) -> None:
    file = tmp_path / "remarks.toml"
    file.write_text(REMARK.replace("NIST 800-53 AU-9", name))
    write_log(tmp_path / "logs", [record("ec2:DescribeRegions")])
    request = ReportRequest(ENV, asked(None).env, SINCE, END, tmp_path / "logs", remarks=file)
    if name == "3.1":
        with pytest.raises(OrgtrailError, match=r"remark.control must be a control of the report"):
            write_report(request, tmp_path / "out")
    else:
        data = write_report(request, tmp_path / "out")
        assert _control(data, "CIS 3.1, CloudTrail.1")["remark"]["by"] == "Ann Lee"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[[remark]\n", "remarks.toml: is not TOML: "),
        ("\xff", "remarks.toml: is not TOML: "),
        (REMARK.replace("by =", "who ="), "remarks.toml: remark.0.by: Field required"),
        (REMARK + 'verdict = "pass"\n', "remarks.toml: remark.0.verdict: Extra inputs"),
        (REMARK.replace("2026-11-27", '"soon"', 1).replace("on = 2026-11-27", 'on = "soon"'),
         "remarks.toml: remark.0.on: "),
        (REMARK.replace("AU-9", "AU-99"),
         "--remarks: remark.control must be a control of the report, such as NIST 800-53 AU-9; "
         "got NIST 800-53 AU-99"),
    ],
)  # fmt: skip
def test_mistakes_in_remarks(content: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "remarks.toml"
    file.write_bytes(content.encode("latin-1"))
    (tmp_path / "logs").mkdir()
    code, stderr = _run(tmp_path / "logs", tmp_path / "out", "--remarks", str(file))
    assert (code, said in stderr, "Traceback" in stderr) == (2, True, False), stderr
    assert not (tmp_path / "out").exists()


def test_nothing_changed_since_the_same_report(report: Made) -> None:
    changed = changes_since(report.data, report.data)
    assert {name: rows for name, rows in changed.items() if rows and name != "older"} == {}


def test_what_changed_is_told(logs: Path, report: Made, tmp_path: Path) -> None:
    spoiled = Path(shutil.copytree(logs, tmp_path / "spoiled"))
    # What is delivered late lies under the next day.
    for folder in spoiled.glob("AWSLogs/*/444444444444/CloudTrail/*/2026/11/[12][90]"):
        shutil.rmtree(folder)
    code, _ = _run(spoiled, tmp_path / "out", "--diff", str(report.out))
    data = json.loads((tmp_path / "out/report.json").read_text())
    since = data["since"]
    assert since["older"]["made"] == report.data["report"]["made"]
    assert {"what": "account 444444444444", "before": "", "after": "2026-11-19"} in [
        *since["silences"]
    ]
    assert {"what": "verification", "before": report.data["integrity"]["verdict"],
            "after": data["integrity"]["verdict"]} in since["integrity"]  # fmt: skip
    changed = {each["what"] for each in since["controls"]}
    verdicts = {
        f"{each['framework']} {each['id']}: {each['title']}": each["verdict"]
        for each in report.data["controls"]["rows"]
    }
    now = {
        f"{each['framework']} {each['id']}: {each['title']}": each["verdict"]
        for each in data["controls"]["rows"]
    }
    assert changed == {name for name in now if now[name] != verdicts[name]} != set()
    assert since["accesses"] == since["accounts"] == []
    page = (tmp_path / "out/report.html").read_text()
    assert f"What changed since the report of {since['older']['made']}" in page
    assert code == 1


def test_an_account_that_came_and_an_access_that_opened_are_told(report: Made) -> None:
    older = json.loads(json.dumps(report.data))
    gone = older["coverage"]["accounts"].pop()
    older["access"]["cells"][0]["decision"] = "undecided"
    changed = changes_since(older, report.data)
    assert changed["accounts"] == [
        {"what": f"account {gone['id']}", "before": "", "after": gone["name"]}
    ]
    (access,) = changed["accesses"]
    assert (access["before"], access["after"]) == (
        "undecided", report.data["access"]["cells"][0]["decision"],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is not JSON; --diff takes the folder of a report"),
        ("[" * 100_000, "is not JSON; --diff takes the folder of a report"),
        ("[]", "is not a report; --diff takes the folder of one"),
        ('{"report": {}, "controls": {}, "access": {}}', "--diff: "),
        ('{"report": 1, "controls": 1, "access": 1}', "--diff: "),
        (None, "cannot be read: No such file or directory"),
    ],
)
def test_mistakes_in_what_is_compared(content: str | None, said: str, tmp_path: Path) -> None:
    older = tmp_path / "older"
    older.mkdir()
    if content is not None:
        (older / "report.json").write_text(content)
    (tmp_path / "logs").mkdir()
    code, stderr = _run(tmp_path / "logs", tmp_path / "out", "--diff", str(older))
    assert (code, said in stderr, "Traceback" in stderr) == (2, True, False), stderr
    assert not (tmp_path / "out").exists()


def test_a_report_of_another_organization_is_refused_before_the_work(
    report: Made, tmp_path: Path
) -> None:
    data = {**report.data, "report": {**report.data["report"], "organization": "o-other"}}
    (tmp_path / "report.json").write_text(json.dumps(data))
    request = ReportRequest(
        ENV, asked(None).env, SINCE, END + timedelta(0), tmp_path / "absent", older=tmp_path
    )
    with pytest.raises(OrgtrailError, match="--diff: must be a report on organization o-exampleh"):
        write_report(request, tmp_path / "out")
