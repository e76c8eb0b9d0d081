"""Sigma rules over the table: what each finds, what is left out and why, whatever a file holds."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlglot
from orgtrail.errors import OrgtrailError
from orgtrail.logs.bounds import Bounds
from orgtrail.logs.files import log_files
from orgtrail.query import dialect, local
from orgtrail.query.render import to_prepare, to_run, to_save
from orgtrail.query.sigma import Rules, SigmaQuestion, load_rules

from tests.log_records import SINCE, UNTIL, record, write_log
from tests.sigma_cases import CASES, RECORDS, RULES, Case, wanted

LIMITS = Bounds(SINCE, UNTIL)


def written(folder: Path, rules: list[tuple[str, str]]) -> Rules:
    for name, text in rules:
        (folder / f"{name}.yml").write_text(text, encoding="utf-8")
    return load_rules(folder)


def rule(detection: str, head: str = "") -> str:
    return Case("x", detection).rule + head


@pytest.fixture(scope="module")
def questions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, SigmaQuestion]:
    made = written(tmp_path_factory.mktemp("rules"), RULES)
    assert made.left_out == ()
    return {each.name.removeprefix("sigma:"): each for each in made.questions}


@pytest.fixture(scope="module")
def logs(
    questions: dict[str, SigmaQuestion], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[local.LoadedLogs]:
    root = tmp_path_factory.mktemp("archive")
    write_log(root, RECORDS)
    trees = [dialect.parse(to_run(e.question, LIMITS, {}, {}), e.name) for e in questions.values()]
    with local.load_logs(trees, log_files(root, LIMITS)) as made:
        yield made


@pytest.mark.parametrize("name", [each.name for each in CASES])
def test_a_rule_finds_what_it_should_and_no_near_miss(
    questions: dict[str, SigmaQuestion], logs: local.LoadedLogs, name: str
) -> None:
    sql = to_run(questions[name].question, LIMITS, {}, {})
    columns, rows = logs.ask(dialect.parse(sql, name)).rows()
    found = {dict(zip(columns, each, strict=True))["event_id"] for each in rows}
    assert {each for each in found if str(each).startswith(f"{name} ")} == wanted(name)


@pytest.mark.parametrize("name", [each.name for each in CASES])
def test_a_condition_is_never_null(
    questions: dict[str, SigmaQuestion], logs: local.LoadedLogs, name: str
) -> None:
    condition = questions[name].condition
    sql = f"SELECT count(*) AS n FROM organization_trail WHERE ({condition}) IS NULL"
    _, rows = logs.ask(dialect.parse(sql, name)).rows()
    assert [*rows] == [(0,)]


@pytest.mark.parametrize("name", [each.name for each in CASES])
def test_it_is_sql_of_athena_in_every_form(questions: dict[str, SigmaQuestion], name: str) -> None:
    query = questions[name].question
    for sql in (to_run(query, LIMITS, {}, {}), to_save(query, {}), to_prepare(query)[0]):
        tree = dialect.parse(sql, name)
        assert [each.name for each in dialect.table_scans(tree)] == ["organization_trail"]
        assert sqlglot.parse_one(dialect.to_duckdb(tree), read="duckdb")
        # Read and written again it is the same to Athena, backslashes and quotes too.
        again = sqlglot.parse_one(tree.sql("athena"), read="athena")
        assert again == tree


def test_a_question_has_what_those_of_the_pack_have(tmp_path: Path) -> None:
    head = """
level: informational
description: |
    Somebody asks
    for it
falsepositives: [Unknown, The nightly job.]
tags: [attack.persistence, attack.t1562.008, attack.T1098, attack.t1562.008, cve.2021-1]
"""
    (found,) = written(
        tmp_path, [("AWS_Some rule", rule("a:\n  eventName: x\ncondition: a\n", head))]
    ).questions
    assert found.name == found.question.name == "sigma:aws-some-rule"
    assert found.title == found.question.title == "Made up for x"
    assert found.severity == found.question.severity == "info"
    assert found.mitre == found.question.mitre == ("T1562.008", "T1098")
    assert found.file == tmp_path / "AWS_Some rule.yml"
    assert found.question.answers == "Somebody asks for it."
    assert (
        found.question.hit
        == "A call that the rule looks for; it may be well meant: The nightly job."
    )
    assert found.condition == "coalesce(lower(eventname) = 'x', false)"
    assert found.condition in found.question.sql
    write_log(tmp_path, [record("s3:X", errorCode="AccessDenied", eventID="1")])
    sql = to_run(found.question, LIMITS, {}, {})
    with local.query_logs(dialect.parse(sql, found.name), log_files(tmp_path, LIMITS)) as answer:
        columns, rows = answer.rows()
        (row,) = [dict(zip(columns, each, strict=True)) for each in rows]
    assert {"event_time", "event_id", "account_id", "aws_region", "principal", "source_ip",
            "event_source", "event_name", "outcome", "error_code"} == set(row)  # fmt: skip
    assert (row["event_id"], row["outcome"], row["error_code"]) == ("1", "attempt", "AccessDenied")


def test_a_file_alone_and_folders_below(tmp_path: Path) -> None:
    text = rule("a:\n  eventName: x\ncondition: a\n")
    for place in ("b/one.yml", "a/one.yaml", "a/one.txt", "c/d/two.YML"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text(text)
    (tmp_path / "a" / "folder.yml").mkdir()
    names = [(each.name, each.file) for each in load_rules(tmp_path).questions]
    assert names == [
        ("sigma:one", tmp_path / "a/one.yaml"),
        ("sigma:one-2", tmp_path / "b/one.yml"),
        ("sigma:two", tmp_path / "c/d/two.YML"),
    ]
    # Whoever names a file means it, whatever it is called.
    (alone,) = load_rules(tmp_path / "a" / "one.txt").questions
    assert alone.name == "sigma:one"
    assert alone.severity == "medium"


def test_nothing_to_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OrgtrailError, match="has no Sigma rule: no file"):
        load_rules(tmp_path)
    with pytest.raises(OrgtrailError, match="nowhere: is no file and no folder"):
        load_rules(tmp_path / "nowhere")


def _one(body: str) -> str:
    return rule(f"a:\n  {body}\ncondition: a\n")


_GOOD = _one("eventName: x")
LEFT_OUT = {
    "other-source": (
        _GOOD.replace("cloudtrail", "guardduty"),
        "its log source is aws guardduty, not aws cloudtrail",
    ),
    "other-product": (
        _GOOD.replace("product: aws", "product: windows"),
        "its log source is windows cloudtrail, not aws cloudtrail",
    ),
    "no-source": (_GOOD.replace("logsource", "source"), "its log source is not told"),
    "no-such-field": (_one("CommandLine: x"), "a record has no field 'CommandLine'"),
    "partition": (_one("account: x"), "a record has no field 'account'"),
    "no-such-member": (_one("userIdentity.name: x"), "a record has no 'name' there"),
    "of-text": (_one("eventName.x: y"), "it is text there, and has no 'x'"),
    "odd-member": (_one("requestParameters.a{}.b: y"), "'a{}' is no name that can be looked for"),
    "number": (_one("requestParameters.a.0: y"), "'0' is no name that can be looked for"),
    "way-out": (_one("\"requestParameters.x') OR ('1'='1\": y"), "is no name that can be looked"),
    "odd-modifier": (_one("eventName|soundex: x"), "Unknown modifier 'soundex'"),
    "placeholder": (_one("eventName|expand: '%names%'"), "unhandled placeholder 'names'"),
    "placeholder-re": (_one("eventName|re|expand: '%names%'"), "placeholders (modifier expand)"),
    "hour": (_one("eventTime|hour: 3"), "eventTime: parts of times are not supported"),
    "hours": (_one("eventTime|hour: [3, 4]"), "eventTime: parts of times are not supported"),
    "after-hour": (_one("eventTime|hour|gt: 3"), "eventTime: parts of times are not supported"),
    "list-of-fields": (
        _one("eventName|fieldref: resources.ARN"),
        "resources.ARN: it is a list, which no field is compared to",
    ),
    "counts": (
        rule("a:\n  eventName: x\ncondition: a | count() > 5\n"),
        "it counts events (| count(), timeframe), which is not supported",
    ),
    "timeframe": (
        rule("a:\n  eventName: x\ntimeframe: 5m\ncondition: a\n"), "it counts events",
    ),
    "no-condition": (rule("a:\n  eventName: x\n"), "must contain at least one condition"),
    "no-such-part": (rule("a:\n  eventName: x\ncondition: b\n"), "'b' not defined in detections"),
    "odd-condition": (rule("a:\n  eventName: x\ncondition: a and (\n"), ""),
    "no-detection": (_GOOD.split("detection")[0], "must have a detection"),
    "odd-level": (_GOOD + "level: awful\n", "'awful' is no"),
    "look-ahead": (_one("eventName|re: 'a(?=b)'"), "invalid perl operator: (?="),
    "reference": (_one(r"eventName|re: '(a)\1'"), "invalid escape sequence"),
    "named-group": (
        _one("eventName|re: '(?P<a>b)'"),
        "the regular expression has '(?P', which Athena reads otherwise than DuckDB",
    ),
    "greedy": (_one("eventName|re: 'a++'"), "bad repetition operator"),
    "often": (_one("eventName|re: 'a{2000}'"), "invalid repetition size"),
    "classes": (_one("eventName|re: '[a&&b]'"), "has '[a&&b]'"),
    "named-class": (_one("eventName|re: '[[:alpha:]]'"), "has '[[:alpha:]]'"),
    "single-byte": (_one(r"eventName|re: 'a\C'"), r"has '\\C'"),
    "broken-re": (_one("eventName|re: 'a('"), "Regular expression 'a(' is invalid"),
    "zeros": (_one("sourceIPAddress|cidr: '2001:0::/32'"), "zeros at the start of a group"),
    "zero": (_one("sourceIPAddress|cidr: '2001:db8:0800::/37'"), "zeros at the start of a group"),
    "no-network": (_one("sourceIPAddress|cidr: 10.0.0.1/8"), "Invalid CIDR expression"),
    "nothing": (_one('eventName: "a\\0b"'), "a value has a character that no record has"),
    "correlation": (
        "title: Many\ncorrelation:\n  type: event_count\n  rules: [base]\n  group-by: [x]\n"
        "  timespan: 5m\n  condition:\n    gte: 5\n",
        "it is a correlation of several events, which is not supported",
    ),
    "base": (_GOOD + "name: base\n", "it is a part of a correlation, which is not supported"),
    "filter": (
        "title: Filter\nlogsource:\n  product: aws\n  service: cloudtrail\nfilter:\n"
        "  rules: [x]\n  a:\n    eventName: x\n  condition: not a\n",
        "it is a filter of other rules, which is not supported",
    ),
    "long": (
        _one("eventName:\n" + "".join(f"    - a{n}{'x' * 90}*\n" for n in range(3000))),
        "its query would be longer than Athena takes",
    ),
    "large": ("#" * (2 << 20), "the file is larger than 1 MiB"),
    "empty": ("", "there is no rule in it"),
    "comment": ("# nothing\n---\n", "there is no rule in it"),
    "text": ("just some words", "it is no Sigma rule"),
    "list": ("- a\n- b\n", "it is no Sigma rule"),
    "compose": ("services:\n  web:\n    image: nginx\n", ""),
    "no-yaml": ("a: [b\nc: }", ""),
    "tag": ("title: !!python/object/apply:os.system ['true']\n", "could not determine a cons"),
    "twice": (_one("eventName: x\n  eventName: y"), "Duplicate key 'eventName'"),
    "bomb": (
        "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
        + "".join(
            f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]\n"
            for old, new in zip("abcdef", "bcdefg", strict=True)
        ),
        "YAML aliases expand to too many nodes",
    ),
    "deep": (_GOOD + "x: " + "[" * 5000 + "]" * 5000, ""),
    "deep-condition": (
        rule(
            "a:\n  eventName: x\nb:\n  eventName: y\n"
            f"condition: {'a and not (b or ' * 25}a{')' * 25}\n"
        ),
        "it is nested too deeply",
    ),
    "deeper-condition": (
        rule(f"a:\n  eventName: x\ncondition: {'not ' * 3000}a\n"), "it is nested too deeply",
    ),
    "odd-keys": ("? [a, b]\n: c\n? {d: e}\n: f\n", ""),
    "odd-types": ("title: [x]\nid: 7\nlogsource: []\ndetection: 5\nlevel: {}\ntags: 5\n", ""),
    "odd-detection": (rule("a: {b: {c: d}}\ncondition: a\n"), ""),
    "odd-conditions": (rule("a:\n  eventName: x\ncondition: [5, {}]\n"), ""),
    "nobody-home": (rule("condition: 1 of them\n"), ""),
}  # fmt: skip


@pytest.fixture(scope="module")
def left_out(tmp_path_factory: pytest.TempPathFactory) -> Rules:
    folder = tmp_path_factory.mktemp("odd")
    (folder / "binary.yml").write_bytes(b"\xff\xfe\x00")
    (folder / "gone.yml").symlink_to("nowhere")
    if hasattr(os, "mkfifo"):
        os.mkfifo(folder / "pipe.yml")
    return written(
        folder, [*((name, text) for name, (text, _) in LEFT_OUT.items()), ("good", _GOOD)]
    )


@pytest.mark.parametrize("name", LEFT_OUT)
def test_what_cannot_be_asked_is_left_out_and_told(left_out: Rules, name: str) -> None:
    (reason,) = [why for file, why in left_out.left_out if file == f"{name}.yml"]
    assert LEFT_OUT[name][1] in reason
    assert reason
    assert len(reason) <= 300
    assert "\n" not in reason


def test_one_broken_file_hides_no_other(left_out: Rules) -> None:
    assert [each.name for each in left_out.questions] == ["sigma:good"]
    assert ("binary.yml", "it is no UTF-8 text") in left_out.left_out
    assert len(left_out.left_out) == len(LEFT_OUT) + 1


def test_several_rules_in_a_file(tmp_path: Path) -> None:
    other = _GOOD.replace("Made up for x", "Another").replace("cloudtrail", "waf")
    found = written(tmp_path, [("many", f"{_GOOD}---\n{_GOOD}---\n{other}---\n")])
    assert [each.name for each in found.questions] == ["sigma:many", "sigma:many-2"]
    assert found.left_out == (
        ("many.yml: Another", "its log source is aws waf, not aws cloudtrail"),
    )


def test_a_base_that_is_to_be_told_is_asked(tmp_path: Path) -> None:
    correlation = LEFT_OUT["correlation"][0].replace("type:", "generate: true\n  type:")
    found = written(tmp_path, [("a", correlation), ("base", LEFT_OUT["base"][0])])
    assert [each.name for each in found.questions] == ["sigma:base"]


def test_nothing_of_a_file_reaches_a_terminal_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "odd\x1b[31m.yml").write_text(
        '"title": "a\\e[2J\\nb"\n' + _GOOD.split("\n", 1)[1].replace("cloudtrail", '"x\\e[2J"')
    )
    (tmp_path / "fine.yml").write_text('"title": "a\\e[2J\\nb"\n' + _GOOD.split("\n", 1)[1])
    found = load_rules(tmp_path)
    assert [each.title for each in found.questions] == ["a[2J b"]
    assert found.left_out == (("odd[31m.yml", "its log source is aws x[2J, not aws cloudtrail"),)


def test_pysigma_is_loaded_by_whoever_loads_rules() -> None:
    code = "import sys, orgtrail.query.sigma; sys.exit('sigma' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
