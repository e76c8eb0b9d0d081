"""The page of a report against hostile logs: no value becomes markup, script or a hidden text."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from orgtrail.report.page import render
from orgtrail.report.pictures import heat_map, short

from tests.conftest import at_most
from tests.log_records import record, write_log
from tests.reports import END, ENV, Json, Made, asked, made, make_logs

HOSTILE = [
    "<script>alert(1)</script>", "</style><script>alert(1)</script>", "</title><h1>owned</h1>",
    '"><img src=x onerror=alert(1)>', "' onmouseover='alert(1)", "javascript:alert(1)",
    "{{ 7 * 7 }}{% include 'x' %}", "<!--", "-->", "]]>", "&lt;script&gt;", "&#60;b&#62;",
    "a\u202egnp.exe", "zero\u200bwidth", "\x00nul", "\ud800 alone", "\x1b[31mred",
    '=HYPERLINK("http://x")', "<svg/onload=alert(1)>", "<base href=//evil>", "\u2028\u2029",
    "<a href=javascript:alert(1)>x</a>", "x" * 5000, "",
]  # fmt: skip


class Shape(HTMLParser):
    """The tags of a page with the names of their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, ...]] = []
        self.texts: list[str] = []
        self.links: list[str] = []
        self.inline: dict[str, str] = {}
        self._within = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # Where a long value may break depends on its colons and slashes.
        if tag != "wbr" or attrs:
            self.tags.append((tag, *(name for name, _ in attrs)))
        self.links += [value or "" for name, value in attrs if name in {"href", "src"}]
        self._within = tag if tag in {"style", "script"} else ""

    def handle_endtag(self, tag: str) -> None:
        self.tags.append((f"/{tag}",))
        self._within = ""

    def handle_comment(self, data: str) -> None:
        self.tags.append(("comment", data))

    def handle_data(self, data: str) -> None:
        if self._within:
            self.inline[self._within] = self.inline.get(self._within, "") + data
        else:
            self.texts.append(data)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("page")
    return made(make_logs(folder / "logs"), folder / "out")


def _spoiled(data: Json, text: str) -> Json:
    """Put a text wherever a log can have a say."""
    spoiled = copy.deepcopy(data)
    for answer in spoiled["activity"]:
        for row in answer["rows"]:
            row.update({name: text for name, value in row.items() if isinstance(value, str)})
    for each in spoiled["not_checked"]:
        each.update(what=text, why=text)
    spoiled["integrity"]["findings"] = [
        dict.fromkeys(("account", "region", "kind", "key", "detail"), text)
    ]
    spoiled["integrity"]["notes"] = [text]
    for account in spoiled["coverage"]["accounts"]:
        account["name"] = text or "none"
    return spoiled


@pytest.mark.parametrize("text", HOSTILE)
def test_no_value_becomes_markup(report: Made, text: str) -> None:
    plain = Shape(render(_spoiled(report.data, "harmless")))
    assert Shape(render(_spoiled(report.data, text))).tags == plain.tags


@settings(max_examples=at_most(40), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(text=st.text(st.characters(), max_size=60))
def test_no_text_becomes_markup(report: Made, text: str) -> None:
    short = copy.deepcopy(report.data)
    for each in short["activity"]:
        each["rows"] = each["rows"][:2]
    plain = Shape(render(_spoiled(short, "harmless")))
    page = render(_spoiled(short, text))
    assert Shape(page).tags == plain.tags
    page.encode()


def test_what_hides_or_turns_text_is_written_out(report: Made) -> None:
    page = render(_spoiled(report.data, "a\u202eb\u200bc\x00d\ud800e"))
    assert r"a\u202eb\u200bc\u0000d\ud800e" in page
    assert not set("\u202e\u200b\x00\ud800") & set(page)


def test_long_values_are_cut_with_their_length(report: Made) -> None:
    page = render(_spoiled(report.data, "y" * 5000))
    assert f"{'y' * 300}… (5,000 characters)" in page


def test_nothing_is_loaded_and_only_its_own_script_may_run(report: Made) -> None:
    page = report.page
    shape = Shape(page)
    assert all(each.startswith("#") for each in shape.links)
    attributes = {name for tag in shape.tags for name in tag[1:]}
    assert not {each for each in attributes if each.startswith("on")}
    assert "style" not in attributes
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy
    hashes = {
        tag: base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        for tag, text in shape.inline.items()
    }
    assert policy[1].replace("&#39;", "'") == (
        f"default-src 'none'; style-src 'sha256-{hashes['style']}'; "
        f"script-src 'sha256-{hashes['script']}'; base-uri 'none'; form-action 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )
    assert page.index("Content-Security-Policy") < page.index("<style>")
    script = shape.inline["script"]
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval|Function\(",
                         script)  # fmt: skip


def test_every_picture_has_words_and_every_table_headings(report: Made) -> None:
    page = report.page
    for drawing in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
        assert 'role="img"' in drawing
        assert "<title id=" in drawing
        assert "<desc id=" in drawing
    for table in re.findall(r"<table.*?</table>", page, re.DOTALL):
        assert "<caption>" in table
        assert 'scope="' in table
    ids = re.findall(r'\sid="([^"]*)"', page)
    assert len(ids) == len(set(ids))
    assert '<html lang="en">' in page


def test_hostile_records_from_the_log_to_the_page(tmp_path: Path) -> None:
    """The whole way: what a caller writes into a record stands in the page as text."""
    attack = '<script>alert("a")</script>\u202e'
    records = [
        record(
            "cloudtrail:StopLogging",
            eventTime="2026-11-20T10:00:00Z",
            userIdentity={
                "type": "AssumedRole",
                "arn": f"arn:aws:sts::333333333333:assumed-role/x/{attack}",
                "accountId": "333333333333",
            },
            userAgent=attack,
            errorCode="AccessDenied",
            errorMessage=attack,
            requestParameters={"name": attack},
            sourceIPAddress=attack,
        )
    ]
    write_log(tmp_path / "logs", records, at=END)
    report = made(tmp_path / "logs", tmp_path / "out")
    (row,) = report.activity("trail-tampering")["rows"]
    assert row["person"] == row["target"] == row["source_ip"] == attack
    page = report.page
    assert "&lt;script&gt;alert(&#34;a&#34;)&lt;/script&gt;\\u202e" in page
    assert page.count("<script") == 1
    assert attack not in page
    # In JSON it is what it was.
    text = (report.out / "report.json").read_text()
    assert json.dumps(attack) in text


def test_shades_and_short_counts() -> None:
    assert [short(each) for each in (0, 950, 999, 1000, 1234, 9950, 34_000, 999_600,
                                              1_200_000, 2 * 10**9)] == [
        "0", "950", "999", "1.0k", "1.2k", "10k", "34k", "1.0M", "1.2M", "2.0G",
    ]  # fmt: skip
    coverage = {
        "accounts": [{"id": "1", "name": "", "in_file": False}],
        "picture": {
            "unit": "day",
            "columns": ["a", "b", "c"],
            "cells": [{"account": "1", "counts": [0, 1, 10_000], "silent": [1, 0, 0]}],
        },
    }
    heat = heat_map(coverage)
    assert [each["shade"] for each in heat["cells"]] == [0, 1, 5]
    assert [each["text"] for each in heat["cells"]] == ["0", "1", "10k"]
    assert heat["cells"][2]["says"] == "1 not in the file, c: 10,000 events"


def test_an_account_that_the_file_does_not_have_is_shown(tmp_path: Path) -> None:
    write_log(
        tmp_path / "logs", [record("ec2:RunInstances", eventTime="2026-11-20T10:00:00Z")], at=END
    )
    for folder in (tmp_path / "logs").glob("AWSLogs/*/333333333333"):
        folder.rename(folder.with_name("777777777777"))
    data = made(tmp_path / "logs", tmp_path / "out").data
    (account,) = (a for a in data["coverage"]["accounts"] if a["id"] == "777777777777")
    assert (account["in_file"], account["events"]) == (False, 1)
    assert asked(None).options == (
        f"--env {ENV} --from 2026-11-18T13:00:00Z --to 2026-11-20T12:00:00Z"
    )
