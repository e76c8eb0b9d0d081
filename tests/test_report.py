"""`orgtrail report` over a copy of the archive: what it says, how it is repeated, what is cut."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import shlex
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet
import pytest
from orgtrail.errors import OrgtrailError
from orgtrail.query import local
from orgtrail.report import model
from orgtrail.report.activity import EVIDENCE
from orgtrail.report.controls import REQUIREMENTS
from sqlglot import exp

from tests.conftest import ROOT, orgtrail
from tests.reports import END, ENV, SINCE, Json, Made, made, make_logs


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_logs(tmp_path_factory.mktemp("logs") / "made")


@pytest.fixture(scope="module")
def report(logs: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    return made(logs, tmp_path_factory.mktemp("report"))


@pytest.fixture
def spoiled(logs: Path, tmp_path: Path) -> Path:
    """A copy of the logs that a test may spoil."""
    return Path(shutil.copytree(logs, tmp_path / "spoiled"))


def _verdicts(data: Json) -> dict[str, str]:
    return {f"{each['framework']} {each['id']}": each["verdict"]
            for each in data["controls"]["rows"]}  # fmt: skip


def test_the_manifest_has_every_other_file_with_its_hash(report: Made) -> None:
    manifest = json.loads((report.out / "manifest.json").read_text())
    names = {each["name"] for each in manifest["files"]}
    assert names == {"report.html", "report.json"}
    for each in manifest["files"]:
        content = (report.out / each["name"]).read_bytes()
        assert each["sha256"] == hashlib.sha256(content).hexdigest()
        assert each["bytes"] == len(content)


def test_it_says_at_its_top_what_was_not_checked(report: Made) -> None:
    live, changed = report.data["not_checked"]
    assert live == {
        "section": "deployed",
        "what": "that the deployment is as the file declares it",
        "why": "the report was made from a copy of the logs (--logs): what runs was not asked",
    }
    # Something was changed, and nobody but a reader can say whether that was meant.
    assert (changed["section"], changed["what"]) == ("controls", "NIST 800-53 AU-9")
    assert changed["why"].endswith("; a reader has to say whether they were meant")
    page = report.page
    for each in (live, changed):
        assert page.index(each["what"]) < page.index('<h2 id="deployed">')


def test_every_requirement_has_a_verdict_evidence_and_a_way_to_repeat_it(report: Made) -> None:
    rows = report.data["controls"]["rows"]
    assert {each["framework"] for each in rows} == {
        "CIS v3, v5 and Security Hub", "HIPAA", "PCI DSS", "NIST 800-53", "SOC 2",
    }  # fmt: skip
    assert all(each["evidence"] and each["repeat"] for each in rows)
    known = report.data["controls"]["evidence"]
    assert {name for each in REQUIREMENTS for name in each.evidence} == set(known)
    nist = {each["id"] for each in rows if each["framework"] == "NIST 800-53"}
    assert nist == {f"AU-{number}" for number in range(2, 13)}
    verdicts = _verdicts(report.data)
    assert verdicts["HIPAA 164.312(b)"] == "pass"
    assert verdicts["HIPAA 164.316(b)(2)(i)"] == "pass"
    assert verdicts["NIST 800-53 AU-12"] == "pass"
    # The file asks for no alarm.
    assert verdicts["SOC 2 CC7.2"] == "off"
    # Somebody changed things: people have to look.
    assert verdicts["NIST 800-53 AU-9"] == "unproven"


def test_what_is_to_be_repeated_can_be(report: Made) -> None:
    """Each command that the report names runs, and says what the report says."""
    for each in report.data["activity"][::3]:
        words = shlex.split(each["repeat"])
        assert words[0] == "orgtrail"
        result = orgtrail(*words[1:], "--format", "json")
        assert len(json.loads(result.stdout)) == each["total"], each["repeat"]
    for section in ("integrity", "access", "coverage", "cost"):
        words = shlex.split(report.data[section]["repeat"])
        more = () if "--format" in words else ("--format", "json")
        result = orgtrail(*words[1:], *more)
        assert result.returncode == 0, result.stderr
        assert json.loads(result.stdout)


def test_activity_names_the_person(report: Made) -> None:
    rows = report.activity("dynamodb-access")["rows"]
    assert rows
    assert {each["table_name"].rpartition("/")[2] for each in rows} <= {"patients", "patient-notes"}
    persons = {each["person"] for each in rows}
    assert "arn" not in "".join(persons)
    by_principal = {each["principal"]: each["person"] for each in rows}
    assert all(principal.endswith(person) for principal, person in by_principal.items())


def test_every_attempt_to_stop_the_trail_is_there(report: Made) -> None:
    rows = report.activity("trail-tampering")["rows"]
    assert {each["event_name"] for each in rows} >= {"StopLogging", "DeleteTrail"}
    page = report.page
    for each in rows:
        assert each["person"] in page
    evidence = report.data["controls"]["evidence"]["untampered"]
    assert re.fullmatch(
        rf"changes of {EVIDENCE}: \d+ made, \d+ refused; a reader .*",
        evidence["says"],
    )


def test_a_day_without_events_is_a_silence(spoiled: Path, tmp_path: Path) -> None:
    for folder in spoiled.glob("AWSLogs/*/444444444444/CloudTrail/*/2026/11/19"):
        shutil.rmtree(folder)
    data = made(spoiled, tmp_path / "out").data
    (account,) = (a for a in data["coverage"]["accounts"] if a["id"] == "444444444444")
    # What was delivered late lies under the next day.
    assert account["days"]["2026-11-19"]["events"] < 20
    for folder in spoiled.glob("AWSLogs/*/444444444444/CloudTrail/*/2026/11/20"):
        shutil.rmtree(folder)
    # Until midnight: half a day without an event is no silence.
    report = made(spoiled, tmp_path / "later", until=END + timedelta(hours=12))
    (account,) = (a for a in report.data["coverage"]["accounts"] if a["id"] == "444444444444")
    assert account["silent"] == [{"first": "2026-11-19", "last": "2026-11-20", "days": 2}]
    assert _verdicts(report.data)["NIST 800-53 AU-12"] == "unproven"
    shorter = made(spoiled, tmp_path / "shorter").data["coverage"]["accounts"]
    assert [e["silent"] for e in shorter if e["id"] == "444444444444"] == [
        [{"first": "2026-11-19", "last": "2026-11-19", "days": 1}]
    ]
    assert "2026-11-19 to 2026-11-20 (2 days)" in report.page


def test_an_account_without_any_event_fails(spoiled: Path, tmp_path: Path) -> None:
    shutil.rmtree(next(spoiled.glob("AWSLogs/*/444444444444/CloudTrail")))
    data = made(spoiled, tmp_path / "out").data
    assert _verdicts(data)["NIST 800-53 AU-12"] == "fail"
    says = data["controls"]["evidence"]["delivering"]["says"]
    assert says == "no event of 444444444444 in the period"


def test_a_log_file_that_was_altered_is_told_and_the_exit_code_is_1(
    spoiled: Path, tmp_path: Path
) -> None:
    file = next(spoiled.glob("AWSLogs/*/333333333333/CloudTrail/us-east-1/2026/11/19/*.gz"))
    records = json.loads(gzip.decompress(file.read_bytes()))
    records["Records"] = records["Records"][1:]
    file.write_bytes(gzip.compress(json.dumps(records).encode(), mtime=0))
    out = tmp_path / "out"
    result = orgtrail(
        "report", str(ENV), "--from", "2026-11-18T13:00Z", "--to", "2026-11-20T12:00Z",
        "--out", str(out), "--logs", str(spoiled), "--format", "json",
    )  # fmt: skip
    told = json.loads(result.stdout)
    assert (result.returncode, told["verdict"], told["integrity"]) == (1, "bad", "invalid")
    data = json.loads((out / "report.json").read_text())
    assert [each["kind"] for each in data["integrity"]["findings"]] == ["log-altered"]
    assert _verdicts(data)["PCI DSS 10.3.4"] == "fail"
    assert file.name in (out / "report.html").read_text()


def test_a_log_file_that_cannot_be_read_is_told_and_the_exit_code_is_2(
    logs: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(logs, tmp_path / "logs"))
    for each in folder.glob("AWSLogs/*/*/CloudTrail-Digest"):
        shutil.rmtree(each)
    file = next(folder.glob("AWSLogs/*/333333333333/CloudTrail/us-east-1/2026/11/19/*.gz"))
    file.write_bytes(b"no gzip")
    result = orgtrail(
        "report", str(ENV), "--from", "2026-11-18T13:00Z", "--to", "2026-11-20T12:00Z",
        "--out", str(tmp_path / "out"), "--logs", str(folder),
    )  # fmt: skip
    assert result.returncode == 2
    assert re.search(r"not checked: log file AWSLogs/.*\.json\.gz: not gzip", result.stdout)
    assert "  integrity: unproven" in result.stdout
    page = (tmp_path / "out" / "report.html").read_text()
    data = json.loads((tmp_path / "out" / "report.json").read_text())
    assert f"{data['happened']['asked']} questions were put to the logs" in page
    assert page.index(file.name) < page.index('<h2 id="deployed">')


def test_the_command_says_where_to_open_it(logs: Path, tmp_path: Path) -> None:
    result = orgtrail(
        "report", str(ENV), "--from", "2026-11-18T13:00Z", "--to", "2026-11-20T12:00Z",
        "--out", str(tmp_path / "out"), "--logs", str(logs),
    )  # fmt: skip
    assert result.stderr == ""
    assert result.returncode == 2, "something is unproven in it"
    assert f"  open {tmp_path / 'out' / 'report.html'}\n" in result.stdout
    assert "  integrity: valid\n" in result.stdout
    assert re.search(r"^  access: (\d+) of \1 as intended$", result.stdout, re.MULTILINE)


def test_long_answers_are_cut_with_a_count_and_whole_beside(
    logs: Path, tmp_path: Path, report: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model, "KEPT", 3)
    short = made(logs, tmp_path / "out")
    for each in short.data["activity"]:
        whole = report.activity(each["query"])
        assert each["total"] == whole["total"]
        assert len(each["rows"]) == min(3, whole["total"])
        if each["total"] > 3:
            stored = pyarrow.parquet.read_table(short.out / each["whole"])
            assert stored.num_rows == whole["total"]
            assert f"the others are in {each['whole']}" in short.page or each["total"] <= 200
    # What is counted is counted over all rows, those that are not shown too.
    evidence = "controls", "evidence", "untampered"
    assert (
        short.data[evidence[0]][evidence[1]][evidence[2]]
        == (report.data[evidence[0]][evidence[1]][evidence[2]])
    )
    manifest = json.loads((short.out / "manifest.json").read_text())
    assert {each["name"] for each in manifest["files"]} > {"report.html", "report.json"}
    # The next report leaves none of them beside itself.
    monkeypatch.undo()
    made(logs, tmp_path / "out")
    assert [*(tmp_path / "out").rglob("*.parquet")] == []


def test_a_question_that_fails_leaves_the_others(
    logs: Path, tmp_path: Path, report: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = local.LoadedLogs.ask

    def ask(stage: local.LoadedLogs, tree: exp.Query) -> local.LocalResult:
        if "athena.amazonaws.com" in tree.sql() and "s.workgroup" in tree.sql():
            return local.LocalResult(stage.connection, stage.reading, "SELECT no_such_column")
        return asked(stage, tree)

    monkeypatch.setattr(local.LoadedLogs, "ask", ask)
    data = made(logs, tmp_path / "out").data
    (told,) = (each for each in data["not_checked"] if each["section"] == "activity")
    assert told["what"] == "the question athena-queries"
    assert told["why"].startswith("the query cannot be answered: ")
    assert len(data["activity"]) == len(report.data["activity"]) - 1
    assert data["verdict"] == "incomplete"


def test_nothing_is_half_written(logs: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "report.html").write_text("an older one")
    with pytest.raises(OrgtrailError, match="is no folder and no file; --logs takes"):
        made(logs / "absent", out)
    assert [each.name for each in out.iterdir()] == ["report.html"]
    assert (out / "report.html").read_text() == "an older one"


def test_a_period_without_events_is_no_error(logs: Path, tmp_path: Path) -> None:
    data = made(logs, tmp_path / "out", SINCE - timedelta(days=400), END - timedelta(days=400)).data
    assert data["cost"] is None
    assert data["integrity"]["verdict"] == "unproven"
    assert all(each["events"] == 0 for each in data["coverage"]["accounts"])


@pytest.mark.parametrize(
    ("since", "until"),
    [
        (END - timedelta(minutes=30), END),
        (END, END + timedelta(days=400)),
        (datetime.now(UTC), datetime.now(UTC) + timedelta(days=3)),
    ],
)
def test_what_is_not_over_or_shorter_than_a_day_fails_no_control(
    since: datetime, until: datetime, logs: Path, tmp_path: Path
) -> None:
    data = made(logs, tmp_path / "out", since, until).data
    if until - since < timedelta(days=30):
        assert data["controls"]["counts"]["fail"] == 0
        assert data["verdict"] == "incomplete"
    now = f"{datetime.now(UTC):%Y-%m-%d}"
    for each in data["coverage"]["accounts"]:
        assert all(one["last"] < now for one in each["silent"])


def test_a_long_period_is_drawn_by_weeks_or_months(logs: Path, tmp_path: Path) -> None:
    weeks = made(logs, tmp_path / "weeks", END - timedelta(days=365)).data["coverage"]
    assert weeks["picture"]["unit"] == "week"
    assert len(weeks["picture"]["columns"]) == 53
    assert sum(map(sum, (row["counts"] for row in weeks["picture"]["cells"]))) == weeks["events"]
    months = made(logs, tmp_path / "months", END - timedelta(days=2192)).data["coverage"]
    assert months["picture"]["unit"] == "month"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--from", "yesterday", "--to", "2026-11-20"), "--from: must be ISO 8601"),
        (("--from", "2026-11-20", "--to", "2026-11-18"), "--from must be before --to"),
        ((), "report: needs --from ISO, or --last such as 31d"),
        (("--from", "2026-11-20", "--last", "24h"), "both say when to begin"),
    ],
)
def test_mistakes(options: tuple[str, ...], said: str, tmp_path: Path) -> None:
    result = orgtrail("report", str(ENV), *options, "--out", str(tmp_path / "out"))
    assert (result.returncode, result.stdout) == (2, "")
    assert said in result.stderr
    assert not (tmp_path / "out").exists()


def test_the_picture_in_the_readme_is_there() -> None:
    readme = (ROOT / "README.md").read_text()
    for name in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", readme):
        assert (ROOT / name).is_file()
