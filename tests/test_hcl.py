"""Reading environment files: values, places and every way of not being HCL literals."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st
from orgtrail.errors import OrgtrailError, SettingsError
from orgtrail.settings.hcl import parse_hcl, read_hcl

from tests.conftest import ROOT, tfvars


def values(text: str) -> dict[str, object]:
    reading = parse_hcl(text, "x.tfvars")
    assert not reading.faults
    return reading.values


def complaint(text: str) -> str:
    try:
        reading = parse_hcl(text, "x.tfvars")
    except OrgtrailError as error:
        return str(error)
    return str(SettingsError(reading.faults, reading.source))


def test_literals_of_every_kind() -> None:
    text = """
    text   = "a \\"quoted\\" word, a tab\\t and \\u00e9"  # with a comment
    number = 12
    minus  = -3
    part   = 1.5
    yes    = true
    none   = null
    list   = ["a", 2, [true],]
    /* an object */
    object = { plain = 1, "in quotes" = "x", with : "colon" }
    heredoc = <<-EOT
      two
        lines
    EOT
    """
    assert values(text) == {
        "text": 'a "quoted" word, a tab\t and é',
        "number": 12,
        "minus": -3,
        "part": 1.5,
        "yes": True,
        "none": None,
        "list": ["a", 2, [True]],
        "object": {"plain": 1, "in quotes": "x", "with": "colon"},
        "heredoc": "two\n  lines\n",
    }


def test_places_of_nested_settings() -> None:
    text = 'a = 1\nb = {\n  c = [\n    "x",\n    "y",\n  ]\n}\n'
    source = parse_hcl(text, "x.tfvars").source
    assert source.at(("a",)) == "x.tfvars:1"
    assert source.at(("b", "c", 1)) == "x.tfvars:5"
    assert source.at(("b", "absent")) == "x.tfvars:2"


def test_windows_line_ends(env_file: Callable[[str], Path]) -> None:
    path = env_file("")
    path.write_bytes(b'name = "x"\r\nregion = "y"\r\n')
    reading = read_hcl(path)
    assert reading.values == {"name": "x", "region": "y"}
    assert reading.source.at(("region",)) == f"{path}:2"


def test_a_byte_order_mark_is_a_fault_beside_the_others() -> None:
    assert complaint("\ufeffa = b").splitlines() == [
        "x.tfvars:1: must not begin with a byte order mark; save it as plain UTF-8",
        "x.tfvars:1: a must be a literal; got b; write text in quotes",
    ]


def test_nesting_has_an_end() -> None:
    deep = "a = " + "[" * 50 + "]" * 50
    assert json.dumps(values(deep)).count("[") == 50
    for opening, closing in ("[]", "()", ("{b=", "}"), ('"${', '}"'), ("f(", ")"), ("a[", "]")):
        said = complaint("a = " + opening * 5000 + closing * 5000).splitlines()[0]
        assert re.fullmatch(r"x.tfvars:1:\d+: must not be nested so deeply", said)


@pytest.mark.parametrize(
    "text",
    [
        "-" * 5000 + "1",
        "-!" * 20 + "1",
        "a::" * 5000,
        "a" + "[0]" * 5000,
        "1" + "+1" * 5000,
        "!" * 5000,
    ],
)
def test_long_expressions_end_in_one_line(text: str) -> None:
    said = complaint(f"a = {text}")
    assert said.startswith("x.tfvars:1")
    assert len(said) < 300


@pytest.mark.parametrize(
    ("number", "said"),
    [
        ("9" * 4301, "9" * 79 + "…"),
        ("1e999999999", "1e999999999"),
        ("-1e-999999999", "-1e-999999999"),
        ("1e99999999999999999999", "1e99999999999999999999"),
        ("0.12345678901234567890123", "0.12345678901234567890123"),
    ],
)
def test_numbers_that_python_cannot_keep(number: str, said: str) -> None:
    assert complaint(f"\na = {number}") == (
        f"x.tfvars:2: a must be a shorter number; got {said}; "
        "a number of so many digits is not supported here"
    )


def test_whole_numbers_are_whole_however_they_are_written() -> None:
    read = values("a = 1e5\nb = 2557.0\nc = 0e99999999\nd = -0")
    assert read == {"a": 100000, "b": 2557, "c": 0, "d": 0}
    assert {type(each) for each in read.values()} == {int}


def test_a_fault_is_one_short_line_of_printable_text() -> None:
    said = complaint('a = f("\x1b[31m", [\n  "' + "x" * 500 + '",\n])')
    assert "\\x1b" in said
    assert said.isprintable()
    assert len(said) < 200
    assert "\x1b" not in complaint("a = 1 \x1b[31m 2")


def test_a_carriage_return_alone_ends_no_line(env_file: Callable[[str], Path]) -> None:
    path = env_file("")
    path.write_bytes(b'# comment\rhome_region = "x"\na = 1\n')
    assert read_hcl(path).values == {"a": 1}


def test_an_empty_file_has_no_settings() -> None:
    assert values("") == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "region = us-east-1",
            "x.tfvars:1: region must be a literal; got us-east-1; write text in quotes",
        ),
        (
            "a = var.x",
            "x.tfvars:1: a must be a literal; got var.x; an expression is not supported here",
        ),
        (
            'a = { b = "x-${var.y}" }',
            'x.tfvars:1: a.b must be a literal; got "x-${var.y}"; '
            "an expression is not supported here",
        ),
        (
            'a = [upper("x")]',
            'x.tfvars:1: a[0] must be a literal; got upper("x"); '
            "an expression is not supported here",
        ),
        (
            'a = -"x"',
            'x.tfvars:1: a must be a literal; got -"x"; an expression is not supported here',
        ),
        ("a = 1\nb = 2\na = 3", "x.tfvars:3: a is set twice, first in line 1; keep one of them"),
        (
            "a = {\n  b = 1\n  b = 2\n}",
            "x.tfvars:3: a.b is set twice, first in line 2; keep one of them",
        ),
        ("\ntrail {\n}", "x.tfvars:2: trail must be written trail = { ... }, with a = sign"),
        (
            "a = { (b.c) = 1 }",
            "x.tfvars:1: a must have plain names as keys; got (b.c); "
            "an expression is not supported here",
        ),
        (
            'a = "x\ny"\n',
            "x.tfvars:1: a must end with a quote in the line where it begins",
        ),
        (
            "id = 012345678901",
            "x.tfvars:1: id must be a literal; got 012345678901; write text in quotes",
        ),
    ],
)
def test_what_is_no_literal(text: str, expected: str) -> None:
    assert complaint(text) == expected


def test_all_faults_at_once_in_the_order_of_the_file() -> None:
    lines = complaint("a = var.x\nb {\n}\nc = 1\nc = 2\n").splitlines()
    assert [line.split(":")[1] for line in lines] == ["1", "2", "5"]


def test_broken_text_is_shown_with_its_place() -> None:
    assert complaint('a = 1\nb = [1, 2\nc = "x"\n') == (
        'x.tfvars:3:1: is not valid HCL here\n    c = "x"\n    ^'
    )
    assert complaint('a = "x\n') == 'x.tfvars:1:5: is not valid HCL here\n    a = "x\n        ^'
    assert complaint("a = {\n  b = 1\n\n") == (
        "x.tfvars:2:8: is not valid HCL here\n      b = 1\n           ^"
    )


def test_of_a_long_line_only_the_place_is_shown() -> None:
    head, shown, caret = complaint("a = [" + "1, " * 100 + "= 1" + ", 1" * 100).splitlines()
    assert head == "x.tfvars:1:306: is not valid HCL here"
    assert len(shown) < 130
    assert shown[caret.index("^")] == "="


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(OrgtrailError, match="cannot be read: No such file or directory"):
        read_hcl(tmp_path / "absent.tfvars")
    binary = tmp_path / "binary.tfvars"
    binary.write_bytes(b"name = \xff")
    with pytest.raises(OrgtrailError, match=r"must be UTF-8 text; byte 7 is not"):
        read_hcl(binary)


PLAIN = (
    st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=12)
    .filter(lambda text: "${" not in text and "%{" not in text)
    .map(lambda text: normalize("NFC", text))
)
NAMES = st.from_regex(r"(?!(null|true|false)$)[a-z_][a-z0-9_-]{0,8}", fullmatch=True)
LITERALS = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | PLAIN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(NAMES, LITERALS, max_size=4))
def test_what_is_written_is_read(settings: dict[str, object]) -> None:
    text = tfvars(settings)
    assert values(text) == settings


@given(st.integers(0, 2000), st.text(max_size=5))
def test_a_damaged_file_never_ends_in_a_traceback(place: int, noise: str) -> None:
    text = (ROOT / "envs" / "healthcare.tfvars").read_text()
    with suppress(OrgtrailError):
        parse_hcl(text[:place] + noise + text[place:], "x.tfvars")
