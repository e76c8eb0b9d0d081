"""`orgtrail check --format sarif`: valid, with a place in the file for every finding."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from orgtrail.check.acceptance import Acceptances
from orgtrail.check.findings import Severity
from orgtrail.check.places import Place, json_keys, places
from orgtrail.check.run import Report, check, rule_meanings
from orgtrail.cli.check_sarif import LEVELS, SCORES, as_sarif, file_uri, fingerprint

from tests import golden
from tests.conftest import MINIMAL, ROOT, Json, at_most, merged, orgtrail, tfvars
from tests.mistakes import BROKEN, stack
from tests.test_plans import as_plan, in_module

SCHEMA = Path(__file__).parent / "sarif" / "sarif-schema-2.1.0.json"
"""The schema that OASIS publishes, as the crate serde-sarif 0.8.0 has it."""
PYTHON = ROOT / ".tools" / "checkov" / "bin" / "python"
"""checkov comes with a validator of JSON schemas."""
VALIDATE = """
import json, sys
from jsonschema import validators
schema, *logs = (json.load(open(each, encoding="utf-8")) for each in sys.argv[1:])
validator = validators.validator_for(schema)(schema)
print(*(error.message for log in logs for error in validator.iter_errors(log)), sep="\\n")
"""
FILES = [
    *sorted((ROOT / "envs").glob("*.tfvars")),
    *sorted((ROOT / "tests" / "envs").glob("*.tfvars")),
    *sorted(golden.FOLDER.glob("*.tf.json")),
]
WRONG = {"trail": {"global_events": False}, "archive": {"bucket": "B"}}


def log_of(*arguments: str, cwd: Path = ROOT) -> Json:
    log: Json = json.loads(orgtrail("check", *arguments, "--format", "sarif", cwd=cwd).stdout)
    return log


def run_of(*arguments: str, cwd: Path = ROOT) -> Json:
    (run,) = log_of(*arguments, cwd=cwd)["runs"]
    assert isinstance(run, dict)
    return run


def at(path: Path, place: Place) -> str:
    """Return what a file has at a place, which must be in one of its lines."""
    line = path.read_text(encoding="utf-8").split("\n")[place.line - 1]
    assert 1 <= place.column <= place.end <= len(line) + 1
    return line[place.column - 1 : place.end - 1]


def assert_at_address(path: Path, address: str, place: Place) -> None:
    """Assert that a place in JSON has the address, its name, or what is nearest to it."""
    whole = re.sub(r"\[[^\]]*\]$", "", address)
    kind, _, name = whole.rpartition(".")
    content = json.loads(path.read_text(encoding="utf-8"))
    if address == "provider.aws":
        expected = '"aws"'
    elif name in content.get("resource", {}).get(kind, {}):
        expected = f'"{name}"'
    elif whole in content.get("resource", {}):
        expected = f'"{whole}"'
    else:
        # The stack has no resource of that kind.
        expected = '"resource"'
    assert at(path, place) == expected, address


@pytest.mark.parametrize("path", FILES, ids=lambda each: each.name)
def test_every_finding_has_a_place_in_its_file(path: Path) -> None:
    report = check(path)
    place_of = places(report)
    for each in report.findings:
        place = place_of(each)
        if report.source is None:
            assert_at_address(path, each.setting, place)
        else:
            assert_at_setting(path, report, each.setting, place)


def assert_at_setting(path: Path, report: Report, setting: str, place: Place) -> None:
    text = at(path, place)
    lines = {line for known, line in report.source.lines.items()} if report.source else set()
    assert place.line in lines
    section = setting.partition(".")[0]
    known = {str(each[0]) for each in (report.source.lines if report.source else ()) if each}
    if section in known and "." not in setting:
        assert re.match(rf"{section}\b", text), text
    elif section not in known:
        assert place.line == 1


def test_the_files_have_findings_of_every_severity() -> None:
    """Without them the test above would show nothing."""
    found = {each.severity for path in FILES for each in check(path).findings}
    # Nothing of ours is held by one layer only: test_layers.py has what is.
    assert found == set(LEVELS) - {Severity.ONE_LAYER}


@pytest.mark.parametrize("indent", [2, None])
def test_every_mistake_in_a_stack_is_shown_at_its_address(
    indent: int | None, tmp_path: Path
) -> None:
    for name, change, *_ in BROKEN.values():
        content = stack(name)
        change(content)
        path = tmp_path / "cdk.tf.json"
        path.write_text(json.dumps(content, indent=indent))
        report = check(path)
        place_of = places(report)
        assert report.findings
        for each in report.findings:
            place = place_of(each)
            assert_at_address(path, each.setting, place)
            assert indent or place.line == 1


@pytest.mark.parametrize("indent", [2, None])
def test_a_finding_in_a_plan_is_shown_at_its_resource(indent: int | None, tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    content = stack("healthcare")
    content["resource"]["aws_cloudtrail"]["trail"]["depends_on"] = []
    path.write_text(json.dumps(in_module(as_plan(content), "trail"), indent=indent))
    report = check(path)
    (finding,) = report.findings
    place = places(report)(finding)
    assert at(path, place) == '"address"'
    line = path.read_text().split("\n")[place.line - 1]
    assert line[place.end - 1 :].startswith(': "module.trail.aws_cloudtrail.trail"')


JSON_TEXTS = st.text(st.sampled_from('ab"\\\\{}[]:,\n \u00fc'), max_size=5)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | JSON_TEXTS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(JSON_TEXTS.filter(bool), inner, max_size=4)
    ),
)


def keys_in(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the path of every key, and its value if that is text, as Python's decoder reads it."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield (*path, key), each if isinstance(each, str) else ""
            yield from keys_in(each, (*path, key))
    elif isinstance(value, list):
        for each in value:
            yield from keys_in(each, path)


@given(value=JSON_VALUES, indent=st.sampled_from([None, 2]), ascii_only=st.booleans())
@settings(max_examples=at_most(300))
def test_every_key_of_a_json_text_is_found_where_it_is(
    value: Any, indent: int | None, *, ascii_only: bool
) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    found = [*json_keys(text)]
    assert [(each.path, each.value) for each in found] == [*keys_in(value)]
    assert [json.loads(text[each.start : each.end]) for each in found] == [
        each.path[-1] for each in found
    ]


def test_a_setting_is_shown_at_its_line_or_its_section(tmp_path: Path) -> None:
    path = tmp_path / "bank.tfvars"
    path.write_text(tfvars(MINIMAL))
    (result,) = run_of(str(path))["results"]
    (location,) = result["locations"]
    region = location["physicalLocation"]["region"]
    # archive.object_lock is not in the file; archive is.
    text = "archive = {"
    number = path.read_text().split("\n").index(text) + 1
    assert region == {
        "startLine": number, "startColumn": 1, "endLine": number, "endColumn": len(text) + 1,
    }  # fmt: skip
    assert location["logicalLocations"][0]["fullyQualifiedName"] == "archive.object_lock"


def test_settings_that_break_rules_are_results_at_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "bank.tfvars"
    path.write_text(tfvars(merged(MINIMAL, WRONG)))
    results = run_of(str(path))["results"]
    assert len(results) > 1
    lines = path.read_text().split("\n")
    for each in results:
        (location,) = each["locations"]
        setting = location["logicalLocations"][0]["fullyQualifiedName"]
        line = lines[location["physicalLocation"]["region"]["startLine"] - 1]
        assert line.startswith(f'"{setting.rpartition(".")[2]}"'), line
        assert (each["ruleId"], each["level"]) == ("settings", "error")
        # The region says which line it is.
        assert each["message"]["text"].startswith(f"{setting} ")


def test_results_point_at_their_rules_and_say_how_severe_they_are() -> None:
    run = run_of(*map(str, FILES))
    rules, results = run["tool"]["driver"]["rules"], run["results"]
    assert {each["id"] for each in rules} == {each["ruleId"] for each in results}
    severities = [each["properties"]["severity"] for each in results]
    assert severities == sorted(severities, key=[str(each) for each in LEVELS].index)
    for each in results:
        rule = rules[each["ruleIndex"]]
        assert rule["id"] == each["ruleId"]
        assert rule["shortDescription"]["text"] == f"Not met: {rule_meanings()[each['ruleId']]}"
        score = SCORES[each["properties"]["severity"]]
        # A rule has one score: that of its most severe result.
        assert float(rule["properties"]["security-severity"]) >= float(score)
        severity = each["properties"]["severity"]
        levels = {"high": "error", "medium": "warning", "low": "note", "unproven": "note"}
        assert each["level"] == levels[severity]


def test_every_rule_has_a_meaning() -> None:
    assert all(each.endswith(".") and len(each) > 10 for each in rule_meanings().values())


def test_accepted_findings_are_suppressed(tmp_path: Path) -> None:
    path, baseline = tmp_path / "bank.tfvars", tmp_path / "accepted.toml"
    path.write_text(tfvars(MINIMAL))
    baseline.write_text(
        '[[accept]]\nrule = "no-lock"\nsetting = "archive.object_lock"\nreason = "Ticket 4711."\n'
        "until = 2999-12-31\n"
    )
    (open_,) = run_of(str(path))["results"]
    assert open_["suppressions"] == []
    (result,) = run_of(str(path), "--baseline", str(baseline))["results"]
    because = "Ticket 4711. Accepted until 2999-12-31."
    assert result["suppressions"] == [{"kind": "external", "justification": because}]
    (result,) = run_of(str(path), "--accept", "no-lock")["results"]
    assert result["suppressions"] == [{"kind": "external", "justification": "--accept no-lock"}]


def test_fingerprints_stay_when_lines_move_and_differ_between_findings(tmp_path: Path) -> None:
    path = tmp_path / "bank.tfvars"
    twice = tfvars(merged(MINIMAL, WRONG)) + 'home_region = "us-east-1"\n'
    path.write_text(twice)
    before = run_of(str(path))["results"]
    path.write_text("# One.\n# Two.\n" + twice)
    after = run_of(str(path))["results"]
    assert [starts(each) + 2 for each in before] == [starts(each) for each in after]
    # One of the messages names the line of the other value.
    assert (
        sum(one["message"] != two["message"] for one, two in zip(before, after, strict=True)) == 1
    )
    prints = [each["partialFingerprints"]["orgtrail/v1"] for each in before]
    assert prints == [each["partialFingerprints"]["orgtrail/v1"] for each in after]
    assert len(set(prints)) == len(prints) > 2


def starts(result: Json) -> int:
    region: Json = result["locations"][0]["physicalLocation"]["region"]
    return int(region["startLine"])


def test_another_account_or_another_act_is_another_fingerprint() -> None:
    report = check(ROOT / "tests" / "golden" / "everything.tf.json")
    unproven = [each for each in report.findings if each.severity is Severity.UNPROVEN]
    first, second, *_ = (each for each in unproven if each.rule == "access")
    assert (first.setting, first.rule) == (second.setting, second.rule)
    assert fingerprint("bank", first) != fingerprint("bank", second)
    assert fingerprint("bank", first) != fingerprint("grid", first)


def test_a_file_that_cannot_be_read_is_a_notification(tmp_path: Path) -> None:
    missing = tmp_path / "none.tfvars"
    done = orgtrail("check", str(FILES[0]), str(missing), "--format", "sarif")
    (run,) = json.loads(done.stdout)["runs"]
    (invocation,) = run["invocations"]
    assert not invocation["executionSuccessful"]
    (told,) = invocation["toolExecutionNotifications"]
    assert told["message"]["text"] == done.stderr.strip()
    assert done.returncode == 2
    assert run_of(str(FILES[0]))["invocations"][0]["executionSuccessful"]


def test_only_as_many_results_are_written_as_github_takes() -> None:
    report = check(ROOT / "tests" / "golden" / "everything.tf.json")
    assert len(report.findings) > 5
    (run,) = as_sarif([report], Acceptances((), date.min), (), most=5)["runs"]
    assert run["results"][0]["properties"]["severity"] == "high"
    assert len(run["results"]) == 5
    (told,) = run["invocations"][0]["toolExecutionNotifications"]
    left_out = len(report.findings) - 5
    assert told["message"]["text"] == f"{left_out} less severe findings are left out"


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("envs/bank.tfvars", "envs/bank.tfvars"),
        ("./envs/../envs/bank.tfvars", "envs/bank.tfvars"),
        ("a b/50%#ü:1.tfvars", "a%20b/50%25%23%C3%BC%3A1.tfvars"),
        ("\udcff.tfvars", "%FF.tfvars"),
    ],
)
def test_a_uri_is_relative_to_the_working_folder(
    path: str, uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert file_uri(Path(path)) == uri
    assert file_uri(tmp_path / path) == uri
    assert file_uri(Path("..") / "bank.tfvars") == (tmp_path.parent / "bank.tfvars").as_uri()


@pytest.mark.skipif(not PYTHON.exists(), reason="checkov is not installed; `make test` installs it")
def test_the_logs_are_as_oasis_says(tmp_path: Path) -> None:
    broken = tmp_path / "bank.tfvars"
    broken.write_text(tfvars(merged(MINIMAL, WRONG)))
    logs = [
        log_of(*map(str, FILES), str(broken), "--accept", "no-lock"),
        log_of(str(FILES[0])),
        log_of(str(tmp_path / "none.tfvars")),
    ]
    assert invalid(logs, tmp_path) == [""]
    del logs[0]["runs"][0]["tool"]["driver"]["name"]
    logs[0]["runs"][0]["results"][0]["level"] = "high"
    assert len(invalid(logs, tmp_path)) == 2


def invalid(logs: list[Any], folder: Path) -> list[str]:
    """Return what the schema finds wrong in logs."""
    files = []
    for number, log in enumerate(logs):
        files.append(folder / f"{number}.sarif")
        files[-1].write_text(json.dumps(log), encoding="utf-8")
    done = subprocess.run(
        [PYTHON, "-c", VALIDATE, SCHEMA, *files], capture_output=True, text=True, check=True
    )
    return done.stdout.removesuffix("\n").split("\n")
