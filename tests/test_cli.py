"""The `orgtrail` command: what it prints, its exit codes, and what it says of bad input."""

from __future__ import annotations

import copy
import json
import re
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import given as drawn
from hypothesis import strategies as st
from orgtrail.check.acceptance import read_acceptances
from orgtrail.check.controls import Status
from orgtrail.check.findings import Severity
from orgtrail.check.run import check
from orgtrail.errors import OrgtrailError

from tests.conftest import MINIMAL, ROOT, at_most, merged, orgtrail, tfvars
from tests.mistakes import BROKEN, stack

Done = subprocess.CompletedProcess[str]
DEMOS = [str(path) for path in sorted((ROOT / "envs").glob("*.tfvars"))]


def test_both_examples_have_no_finding() -> None:
    done = orgtrail("check", *DEMOS)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(
        r"^healthcare \(.*healthcare\.tfvars\): no finding; "
        r"(\d,\d{3}) of \1 access checks match the intent, (\d+) of \2 deliveries are allowed\.$",
        done.stdout,
        re.MULTILINE,
    )
    limit = "An administrator of the management account (111111111111) can stop this trail"
    assert limit in " ".join(done.stdout.split())


def test_the_long_lists_are_printed_only_when_asked_for() -> None:
    """The act of the matrix and the name of the control are in nothing else that is printed."""
    act, control = re.compile(r"^delete a log file +break-glass", re.MULTILINE), "CIS 3.1"
    short, long = orgtrail("check", *DEMOS).stdout, orgtrail("check", *DEMOS, "--verbose").stdout
    assert not act.search(short)
    assert control not in short
    assert short.count("--verbose lists who may do each act, and every control.\n") == 1
    assert act.search(long)
    assert re.search(r"^pass +CIS 3\.1, CloudTrail\.1 ", long, re.MULTILINE)
    assert "--verbose" not in long
    assert "\x1b" not in short + long


def test_the_verdict_is_first_and_the_findings_follow_by_severity(tmp_path: Path) -> None:
    path = ROOT / "tests" / "golden" / "everything.tf.json"
    lines = orgtrail("check", str(path), "--accept", "no-trail").stdout.splitlines()
    first, *rest = lines
    found = check(path).findings
    counts = Counter(each.severity for each in found if each.rule != "no-trail")
    told = ", ".join(f"{counts[each]} {each}" for each in Severity if counts[each])
    assert counts.total() < len(found)
    accepted = len(found) - counts.total()
    assert first.startswith(
        f"everything ({path}): {counts.total()} findings ({told}), {accepted} accepted; "
    )
    order = [each.split()[0] for each in rest if re.match(r"  [a-z]+ .* · ", each)]
    assert len(order) == len(found)
    ranks = [*map(str, Severity), "accepted"]
    assert order == sorted(order, key=ranks.index)
    after = [each for each in rest[len(found) :] if each]
    assert after[0].startswith("Note: ")
    verdicts = Counter(each.verdict for each in check(path).controls)
    assert f"Controls: {verdicts[Status.PASS]} pass, {verdicts[Status.FAIL]} fail, " in after[-2]
    # Nothing can be proven of settings that break rules.
    path = tmp_path / "bank.tfvars"
    path.write_text(tfvars(merged(MINIMAL, {"trail": {"global_events": False}})))
    first, finding, end = orgtrail("check", str(path)).stdout.splitlines()
    assert first == (
        f"bank ({path}): 1 finding (1 high); settings must be valid before access can be proven."
    )
    assert finding.startswith("  high      settings · trail.global_events: line ")
    assert end == ""


def test_a_name_with_brackets_is_printed_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "[bold]bank[red].tfvars"
    path.write_text(tfvars(MINIMAL))
    assert f"bank ({path}): 1 finding (1 low); " in orgtrail("check", str(path)).stdout


def test_programs_read_json() -> None:
    done = orgtrail("check", *DEMOS, "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    answer = json.loads(done.stdout)
    assert [each["name"] for each in answer["environments"]] == ["fintech", "healthcare"]
    for each in answer["environments"]:
        assert each["findings"] == []
        stop = next(
            cell for cell in each["access"]
            if cell["principal"] == "member-root" and cell["action"] == "cloudtrail:StopLogging"
        )  # fmt: skip
        assert (stop["expected"], stop["decision"]) == ("deny", "explicit deny")
        assert stop["statement"] == "SCP protect-organization-trail: ProtectTrails"
        assert stop["resource"].startswith("arn:aws:cloudtrail:")
        assert {"ids", "title", "verdict", "resource", "setting"} == set(each["controls"][0])


def test_a_finding_is_exit_code_one(tmp_path: Path) -> None:
    name, change, rule, by_rule, _ = BROKEN["locked out"]
    content = stack(name)
    change(content)
    path = tmp_path / "cdk.tf.json"
    path.write_text(json.dumps(content))
    done = orgtrail("check", str(path))
    assert done.returncode == 1
    assert f"high      {rule} · aws_organizations_policy.guardrails_scp: {by_rule}" in done.stdout
    answer = json.loads(orgtrail("check", str(path), "--format", "json").stdout)
    (environment,) = answer["environments"]
    assert {each["severity"] for each in environment["findings"]} == {"high"}
    assert set(environment["findings"][0]) >= {"severity", "rule", "setting", "message"}


def test_a_known_finding_can_be_accepted(tmp_path: Path) -> None:
    path = tmp_path / "bank.tfvars"
    path.write_text(tfvars(MINIMAL))
    done = orgtrail("check", str(path))
    assert done.returncode == 1
    assert "low       no-lock · archive.object_lock: log files have no lock" in done.stdout
    done = orgtrail("check", str(path), "--accept", "no-lock")
    assert done.returncode == 0
    assert "accepted  no-lock" in done.stdout


def test_an_unknown_rule_cannot_be_accepted() -> None:
    done = orgtrail("check", DEMOS[0], "--accept", "no-luck")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "--accept no-luck: is no rule; did you mean no-lock?\n"


def test_a_finding_can_be_accepted_at_one_place(tmp_path: Path) -> None:
    path = tmp_path / "bank.tfvars"
    path.write_text(tfvars(MINIMAL))
    done = orgtrail("check", str(path), "--accept", "no-lock@archive.object_lock")
    assert (done.returncode, done.stderr) == (0, "")
    done = orgtrail("check", str(path), "--accept", "no-lock@archive")
    assert done.returncode == 1
    assert done.stderr == (
        "--accept no-lock@archive: no finding of no-lock at archive is left to accept; remove it\n"
    )
    done = orgtrail("check", str(path), "--accept", "no-lock@")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "--accept no-lock@: needs a setting after @; without @ it is for every place\n"
    )


ENTRY = '[[accept]]\nrule = "no-lock"\nsetting = "archive.object_lock"\nreason = "Not in tests."\n'


def test_a_baseline_accepts_with_a_reason(tmp_path: Path) -> None:
    path, baseline = tmp_path / "bank.tfvars", tmp_path / "accepted.toml"
    path.write_text(tfvars(MINIMAL))
    baseline.write_text(ENTRY)
    options = ("check", str(path), "--baseline", str(baseline))
    done = orgtrail(*options)
    assert (done.returncode, done.stderr) == (0, "")
    assert "accepted  no-lock · archive.object_lock: log files have no lock" in done.stdout
    assert "Set mode and days. Accepted: Not in tests.\n" in done.stdout
    answer = json.loads(orgtrail(*options, "--accept", "no-lock", "--format", "json").stdout)
    (finding,) = answer["environments"][0]["findings"]
    assert (finding["accepted"], finding["reason"]) == (True, "Not in tests.")
    done = orgtrail("check", str(path), "--format", "json")
    (finding,) = json.loads(done.stdout)["environments"][0]["findings"]
    assert (done.returncode, finding["accepted"], finding["reason"]) == (1, False, None)


def test_a_baseline_is_for_the_environment_that_it_names(tmp_path: Path) -> None:
    path, baseline = tmp_path / "bank.tfvars", tmp_path / "accepted.toml"
    path.write_text(tfvars(MINIMAL))
    for environment, code in (("bank", 0), ("grid", 1)):
        baseline.write_text(f'{ENTRY}environment = "{environment}"\n')
        done = orgtrail("check", str(path), "--baseline", str(baseline))
        assert (done.returncode, done.stderr) == (code, "")


def test_a_baseline_accepts_until_its_last_day(tmp_path: Path) -> None:
    path, baseline = tmp_path / "bank.tfvars", tmp_path / "accepted.toml"
    path.write_text(tfvars(MINIMAL))
    baseline.write_text(f"{ENTRY}until = 2027-03-31\n")
    report = check(path)
    on_the_day = read_acceptances((), baseline, date(2027, 3, 31))
    assert on_the_day.open(report) == []
    assert [*on_the_day.ended([report])] == []
    after = read_acceptances((), baseline, date(2027, 4, 1))
    assert after.open(report) == list(report.findings)
    told = (
        f"{baseline}: accept[0]: the acceptance of no-lock at archive.object_lock ended on "
        "2027-03-31; mend the finding, or give the entry a later date"
    )
    assert [*after.ended([report])] == [told]
    # An option accepts on every day.
    both = read_acceptances(["no-lock"], baseline, date(2027, 4, 1))
    assert both.open(report) == []


def test_an_acceptance_that_ended_changes_the_exit_code(tmp_path: Path) -> None:
    path, baseline = tmp_path / "bank.tfvars", tmp_path / "accepted.toml"
    path.write_text(tfvars(MINIMAL))
    options = ("check", str(path), "--baseline", str(baseline))
    baseline.write_text(f"{ENTRY}until = 2999-12-31\n")
    done = orgtrail(*options)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Set mode and days. Accepted until 2999-12-31: Not in tests.\n" in done.stdout
    (finding,) = json.loads(orgtrail(*options, "--format", "json").stdout)["environments"][0][
        "findings"
    ]
    assert (finding["accepted"], finding["until"]) == (True, "2999-12-31")
    baseline.write_text(f"{ENTRY}until = 2020-12-31\n")
    done = orgtrail(*options, "--format", "json")
    assert done.returncode == 1
    assert done.stderr == (
        f"{baseline}: accept[0]: the acceptance of no-lock at archive.object_lock ended on "
        "2020-12-31; mend the finding, or give the entry a later date\n"
    )
    (finding,) = json.loads(done.stdout)["environments"][0]["findings"]
    assert (finding["accepted"], finding["reason"], finding["until"]) == (False, None, None)


def test_an_acceptance_that_ended_and_is_not_needed_is_only_stale(tmp_path: Path) -> None:
    path, baseline = tmp_path / "bank.tfvars", tmp_path / "accepted.toml"
    lock = {"archive": {"object_lock": {"mode": "GOVERNANCE", "days": 30}}}
    path.write_text(tfvars(merged(MINIMAL, lock)))
    baseline.write_text(f"{ENTRY}until = 2020-12-31\n")
    done = orgtrail("check", str(path), "--baseline", str(baseline))
    assert done.returncode == 0
    assert done.stderr.endswith("is left to accept; remove it\n")
    assert len(done.stderr.splitlines()) == 1


def test_what_a_baseline_no_longer_needs_is_told(tmp_path: Path) -> None:
    path, baseline = tmp_path / "bank.tfvars", tmp_path / "accepted.toml"
    lock = {"archive": {"object_lock": {"mode": "GOVERNANCE", "days": 30}}}
    path.write_text(tfvars(merged(MINIMAL, lock)))
    baseline.write_text(ENTRY)
    done = orgtrail("check", str(path), "--baseline", str(baseline), "--format", "json")
    stale = (
        f"{baseline}: accept[0]: no finding of no-lock at archive.object_lock is left to accept; "
        "remove it\n"
    )
    assert (done.returncode, done.stderr) == (0, stale)
    assert json.loads(done.stdout)
    # Settings that break rules are all that is told; the rest may still be needed.
    path.write_text(tfvars(merged(MINIMAL, {"trail": {"global_events": False}})))
    done = orgtrail("check", str(path), "--baseline", str(baseline))
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.parametrize(
    ("text", "complaints"),
    [
        (ENTRY.replace('reason = "Not in tests."\n', ""), ["accept[0].reason is required"]),
        (
            ENTRY.replace("Not in tests.", " "),
            ['accept[0].reason must say something; got " "'],
        ),
        (ENTRY.replace("setting = ", "# "), ["accept[0].setting is required"]),
        (
            f"{ENTRY}\n{ENTRY.replace('no-lock', 'no-luck')}why = 7\n",
            [
                'accept[1].rule is no rule; got "no-luck"; did you mean no-lock?',
                "accept[1].why is not known; got 7; the keys allowed here are rule, setting, "
                "reason, environment, until",
            ],
        ),
        (
            f'{ENTRY}until = "2027-03-31"\n',
            ['accept[0].until must be a date; got "2027-03-31"; write it without quotes and '],
        ),
        (
            f"{ENTRY}until = 2027-03-31T12:00:00Z\n",
            ['accept[0].until must be a date; got "2027-03-31 12:00:00+00:00"; write it without '],
        ),
        (f"{ENTRY}until = 2027-03-31T00:00:00\n", ["accept[0].until must be a date; got "]),
        (f"{ENTRY}until = 20270331\n", ["accept[0].until must be a date; got 20270331; "]),
        (f"{ENTRY}until = 2027-02-30\n", ["is not TOML: "]),
        (
            "accepted = 7\n",
            ["accepted is not known; got 7; the keys allowed here are accept"],
        ),
        (
            'accept = "no-lock"\n',
            ['accept must be tables, each below a line [[accept]]; got "no-lock"'],
        ),
        (
            '[accept]\nrule = "no-lock"\n',
            ['accept must be tables, each below a line [[accept]]; got {"rule": "no-lock"}'],
        ),
        ('accept = "\n', ["is not TOML: Illegal character '\\n' (at line 1, column 11)"]),
        ("accept = " + "[" * 9999, ["is not TOML: "]),
        (None, ["cannot be read: No such file or directory"]),
    ],
)
def test_a_bad_baseline_is_told(text: str | None, complaints: list[str], tmp_path: Path) -> None:
    baseline = tmp_path / "accepted.toml"
    if text is not None:
        baseline.write_text(text)
    done = orgtrail("check", DEMOS[0], "--baseline", str(baseline))
    assert (done.returncode, done.stdout) == (2, "")
    lines = done.stderr.splitlines()
    assert len(lines) == len(complaints)
    for line, complaint in zip(lines, complaints, strict=True):
        assert line.startswith(f"{baseline}: {complaint}")


def test_what_cannot_be_decided_is_exit_code_two(tmp_path: Path) -> None:
    path = tmp_path / "bank.tfvars"
    unit = {"guardrails": {"targets": ["ou-bank-12345678"]}}
    lock = {"archive": {"object_lock": {"mode": "GOVERNANCE", "days": 30}}}
    path.write_text(tfvars(merged(merged(MINIMAL, unit), lock)))
    done = orgtrail("check", str(path))
    assert done.returncode == 2, done.stdout
    assert (
        "unproven  access · guardrails: an administrator of the logging account may be able to "
        "write a log file for another organization (s3:PutObject), change the archive's policy "
        "(s3:PutBucketPolicy), delete the archive's policy (s3:DeleteBucketPolicy) and "
    ) in done.stdout
    assert "whether account 222222222222 is under ou-bank-12345678 is not known here" in done.stdout


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("bank.tfvars", None, "cannot be read"),
        ("bank.tfvars", 'name = "', "bank.tfvars:1"),
        ("stack.json", "{", "is not JSON"),
        ("stack.json", "[]", "must be an environment file (.tfvars), a stack's cdk.tf.json or"),
        ("stack.json", '{"resource": {"aws_s3_bucket": [7]}}', "is not as Terraform writes it"),
        ("stack.json", '{"planned_values": 7}', "is not as Terraform writes it"),
        ("stack.json", '{"resource": {"aws_s3_bucket": {"a": 7}}}', "is not as Terraform writes"),
        ("stack.json", '{"resource": 7}', "is not as Terraform writes it"),
        (
            "stack.json",
            '{"resource": {"aws_cloudtrail": {"a": {"insight_selector": [{}]}}}}',
            "is not as Terraform writes it: insight_type is missing",
        ),
    ],
)
def test_bad_input_is_told_without_a_traceback(
    name: str, text: str | None, complaint: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    if text is not None:
        path.write_text(text)
    done = orgtrail("check", str(path), "--format", "json")
    assert done.returncode == 2
    assert json.loads(done.stdout) == {"environments": []}
    assert complaint in done.stderr
    assert done.stderr.startswith(str(path))
    assert "Traceback" not in done.stderr


def test_a_stack_with_nothing_in_it_is_a_finding(tmp_path: Path) -> None:
    path = tmp_path / "stack.json"
    path.write_text('{"resource": {}}')
    done = orgtrail("check", str(path))
    assert done.returncode == 1
    assert "no-trail · aws_cloudtrail: there is no trail: nothing is recorded." in done.stdout


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((), "Missing command.\nSee orgtrail --help.\n"),
        (("check",), "Missing argument 'files'.\nSee orgtrail check --help.\n"),
        (("check", "--xyz"), "No such option: --xyz\nSee orgtrail check --help.\n"),
        (("chek",), "No such command 'chek'. Did you mean 'check'?\nSee orgtrail --help.\n"),
    ],
)
def test_a_wrong_command_line_is_told(arguments: tuple[str, ...], complaint: str) -> None:
    done = orgtrail(*arguments)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", complaint)


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Return the paths of everything in a document."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    found = [path] if path else []
    if isinstance(value, dict | list):
        for key, each in inner:
            below = (*path, key)
            found += leaves(each, below) if isinstance(each, dict | list) else [below]
    return found


STACK = stack("fintech")
PATHS = [
    path for path in leaves(STACK)
    if path[0] in ("provider", "resource", "data") and "//" not in path
]  # fmt: skip


@drawn(
    path=st.sampled_from(PATHS),
    value=st.none() | st.booleans() | st.integers() | st.text() | st.just([]) | st.just({})
    | st.just([7]) | st.just({"a": 7}) | st.just("${var.x}") | st.just("{}"),
)  # fmt: skip
@settings(max_examples=at_most(150), deadline=None, suppress_health_check=list(HealthCheck))
def test_no_stack_makes_the_check_fall_over(path: tuple[str | int, ...], value: Any) -> None:
    """Whatever stands in a place where something else should: a report, or a message."""
    content = copy.deepcopy(STACK)
    target: Any = content
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "cdk.tf.json"
        file.write_text(json.dumps(content), encoding="utf-8")
        with suppress(OrgtrailError):
            assert check(file).controls


def test_the_command_starts_without_cdktf() -> None:
    code = (
        "import sys; from orgtrail.cli import main; sys.argv = ['orgtrail', 'check', *sys.argv[1:]]"
        "; main(); print(*(each for each in sys.modules "
        "if each.partition('.')[0] in ('cdktf', 'jsii', 'cdktf_cdktf_provider_aws')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *DEMOS], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == ""
