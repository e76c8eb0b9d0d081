"""Makes up environment files, good and bad, and compares our reading with HashiCorp's.

`python -m tests.hcl_files COUNT SEED` compares as many as one likes.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from orgtrail.errors import OrgtrailError, SettingsError
from orgtrail.settings.hcl import parse_hcl

from tests.conftest import ROOT

REFERENCE = ROOT / "tests" / "hcl_reference"
GO = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")

_STRICTER = re.compile(
    r"is not supported here|is set twice|must not be nested so deeply|byte order mark"
    r"|got \(*0[0-9]+\)*; write text in quotes"
)
"""What we refuse though HCL reads it, each with a reason of its own (decision 3)."""
_PIECES = re.compile(r"\s+|[\w-]+|\"[^\"\n]*\"|.", re.DOTALL)
_POOL: list[str] = [
    *"=:,.{}[]()\"'`$%\\#/*+-?!<>&|~^;@\n\r\t \v\f\0_",
    *("\n\n", "\r\n", " \r\n", "/* x */", "/*\n*/", "/*", "*/", "# x\n", "# x\ry = 1\n", "// x\n", "//"),
    *("true", "false", "null", "for", "in", "if", "else", "endif", "each", "a", "x-y", "_", "-"),
    *("é", "e\u0301", "ключ", "名", "ª", "²", "·", "\u0301", "\u200b", "\u00a0", "\u2028", "\ufeff", "𝒳"),
    *("0", "1", "0012", "1.5", "1.", ".5", "1e5", "1E+5", "1e-7", "1.e3", "1e", "1.2.3", "1..2", "-0", "00"),
    *("1e999999999", "1e99999999999999999999", "-1", "- 1", "--1", "-(1)", "(1)", "+1", "!true", "0x1"),
    *("12345678901234567890123", "0.1234567890123456789", "1e400", "1.50", "9" * 200),
    *('""', '"x"', '"$"', '"%"', '"$$"', '"$${"', '"%%{"', '"$$${a}"', '"${1}"', '"%{if true}x%{endif}"'),
    *(r'"\n"', r'"\q"', r'"\""', r'"\\"', r'"\u00e9"', r'"\ud800"', r'"\U0001F600"', r'"\U00110000"', r'"\u12"'),
    *('"a\nb"', '"e\u0301"', '"${"x"}"', '"${', '"%{', "${", "%{", "}", "~}", "$${", "%%{", "\\", '"${"${1}"}"'),
    *("<<E\nx\nE\n", "<<-E\n  x\n   y\n\n  E\n", "<<E\n$${x} %%{y} \\n\nE\n", "<<E\n${1}\nE\n", "<<E\nE\n", "<<E\r\nx\r\nE\r\n"),
    *("<<-E\n\tx\n \n  y$\n  E\n", "<<E\nx\nE", "<<", "<<-", "<<E", "<<E\nx\ry\nE\n", "<<é\nx\né\n", "<<-E\n\u00a0\u00a0x\n\u2003y\nE\n"),
    *("[]", "{}", "[1, 2]", "[1,]", "[,]", "[1 2]", "{a = 1}", "{a = 1,}", "{a = 1 b = 2}", "{a = 1, b = 2}"),
    *("{\na = 1\nb = 2\n}", "{a = 1\n, b = 2}", "{for = 1}", "{a = 1, for = 2}", "{(a) = 1}", '{("a") = 1}', "{1 = 2}"),
    *("{1e2 = 1}", "{true = 1}", "{(null) = 1}", "{-1 = 2}", "{a.b = 1}", "{a : 1}", '{"e\u0301" = 1, "é" = 2}'),
    *('upper("x")', "var.x", "a ? b : c", "true ? 1 : 2", "1 + 2", "1 == 1", "a[0]", "a.0", "a.*.b", "a[*].b", "[1][0]"),
    *("a::b()", "a::b::c(1)", "[for x in [1]: x]", "{for k, v in {a = 1}: k => v if true}", "[for in in in: in]"),
    *("f(1...)", "f(\n1,\n2\n)", "(\n1\n)", "=>", "==", "...", "::", "&&", "b {}", "b {\nc = 1\n}", 'b "l" {}', "x = 1", "\nx = 1\n"),
]  # fmt: skip
"""What a mutation puts in: the words of the language, and what was read otherwise once."""


def snippets() -> list[str]:
    """Return the settings of our environment files, each with the comments before it."""
    files = [
        *sorted((ROOT / "envs").glob("*.tfvars")),
        *sorted((ROOT / "tests/envs").glob("*.tfvars")),
    ]
    texts = [path.read_text(encoding="utf-8") for path in files]
    return [part + "\n" for text in texts for part in re.split(r"\n(?=\S)(?![}\])])", text)]


def made_up(count: int, seed: int) -> Iterator[str]:
    """Yield files: some of settings that were damaged, some of values that were made up."""
    random = Random(seed)
    settings = snippets()
    for _ in range(count):
        kind = random.random()
        if kind < 0.3:
            yield _soup(random)
            continue
        if kind < 0.6:
            text = "".join(random.sample(settings, random.randint(1, 3)))
        else:
            text = "".join(
                f"{_name(random)}{_gap(random)}={_gap(random)}{_value(random, 3)}{_end(random)}"
                for _ in range(random.randint(1, 3))
            )
        for _ in range(random.choice((0, 0, 1, 1, 1, 2, 3))):
            text = _damaged(text, random)
        yield text


_SOUPS: dict[str, list[str]] = {
    'a = "@"\n': [*'$%{}\\"~ \n', "$${", "%%{", "x", "\\n", "\\u00", "e9", "\u0301", "e", "${", "1}", '"1"}'],
    "a = <<-E\n@\nE\n": [*" \t\n$%{}\\~", "x", "\n  ", "\n ", " \n", "\r\n", "\r", "$${", "${1}", "E", "\nE", "\u00a0",
                           "\u0301", "\u200d", "\x1c", "\x85", "\u2003", "\n\n", '"', "/*", "#"],
    "a = <<E\n@\nE\n": [*" \t\n$%{}\\~", "x", "\r\n", "$${", "%%{", "${1}", "E", "\nE\n", "\u00a0", "e\u0301", "<<F\n", "F\n"],
    "a = @\n": [*"0123.eE+-() \n", "1", "5", "00", "e1", "/**/"],
    "@ = 1\n": [*"ab_-01.\u0301\u00b7\u200dé²ªΩ名𝒳 ", "\u2118", "\u037a", "\u0e33", "\u212e", "\u309b", "x"],
    "a = {@ = 1}\n": [*'ab_-01.()"', "true", "null", "for", "e\u0301", "é", "1e2", ".5", "$", "${1}", " ", "\n", "::", "名"],
    "a = @\n ": [*"=:,{}[]()\n.?!*-", "for", "in", "x", "1", '"s"', " ", " ", "# c\n", "/**/", "a = ", "b = 1", "=>", "...", "::",
                  "if", "null", "true", "<<E\nE\n", "\r\n", "+", "\na = 1\n"],
    "a = [@]\n": [*"=:,{}[]()\n.?!*-", "for", "in", "x", "1", '"s"', " ", "1, ", "x, ", "{a = 1}", "# c\n", "/**/", "a::b", "(1)"],
    "a = {@}\n": [*"=:,{}()\n", "for", "in", "x", "1", '"s"', " ", "# c\n", "/**/", "a = 1", "b = 2", ", ", "\n", "c : [1]", "?",
                    "d = <<E\nE\n", "(e) = 1", '"f" = 2', "1 = 1", "g = -1", "\r\n", "//\n", "h = {}"],
    "a = (@)\n": [*"()[].?:!-*,\n", "1", "x", '"s"', "true", "? 1 :", "== 1", "+ 2", ".b", ".0", "[0]", "[*]", ".*", "f(", "a::b(", " ",
                  "[for x in [1] : x]", "{for k, v in {} : k => v}", "/**/", "-", "&& ", "if", "!", "- "],
    "a = {for k, v in {b = [1]} : @}\n": ["k", "=>", "v", "...", "if", "true", " ", "\n", "v[0]", "(k)", "in", "for", ",", "/**/", "k => v", "if true"],
    "a = [for @]\n": ["x", "in", "if", "for", "[1]", ":", " ", ",", "true", "null", "\n", "x in", "[1] : x", "k, v in {} : v", "if true", "# c\n"],
    "@": [*"=:,{}[]()\n", "a = 1", "b = 2", "\n", "\nc = x\n", "d {}", "e {\nf = 1\n}", "# c\n", "/**/", " ", "\r\n", "\r", '"s"',
           "true = 1\n", "for = 1\n", "# c\rx = 1\n", "null", "\ufeff"],
}  # fmt: skip
"""Files with a hole, and what to fill it with."""


def _soup(random: Random) -> str:
    frame = random.choice(list(_SOUPS))
    hole = "".join(random.choices(_SOUPS[frame], k=random.randint(0, 7)))
    before, after = frame.split("@")
    return before + hole + after


def _damaged(text: str, random: Random) -> str:
    """Delete, insert, double or swap characters or words."""
    pieces = list(text) if random.random() < 0.3 else _PIECES.findall(text)
    if not pieces:
        return random.choice(_POOL)
    place = random.randrange(len(pieces))
    match random.randrange(6):
        case 0:
            del pieces[place]
        case 1:
            pieces[place] = random.choice(_POOL)
        case 2:
            pieces.insert(place, pieces[place])
        case 3:
            other = min(place + random.randint(1, 3), len(pieces) - 1)
            pieces[place], pieces[other] = pieces[other], pieces[place]
        case _:
            pieces.insert(place, random.choice(_POOL))
    return "".join(pieces)


def _gap(random: Random) -> str:
    return random.choices(
        ["", " ", "\t", " /* c */ ", "/*\n*/", "\n", "# c\n"], [20, 40, 2, 4, 2, 1, 1]
    )[0]


def _end(random: Random) -> str:
    return random.choices(["\n", "\r\n", " # c\n", "\n\n", "", ", "], [40, 4, 4, 4, 1, 1])[0]


def _name(random: Random) -> str:
    return random.choices(
        [
            random.choice("abcdefghi"),
            random.choice(("true", "for", "é", "a-b", "_", "名1", "e\u0301")),
        ],
        [9, 1],
    )[0]


def _key(random: Random) -> str:
    return random.choice(
        [
            _name(random),
            _name(random),
            f'"{_name(random)}"',
            f"({_value(random, 0)})",
            _value(random, 0),
        ]
    )


def _value(random: Random, depth: int) -> str:
    kind = random.randrange(10 if depth else 5)
    if kind < 3:
        return random.choice(('"x"', "1", "true", "null", '"us-east-1"', "-3", '"a b"', "2.5"))
    if kind < 5:
        return random.choice(_POOL)
    parts = [_value(random, depth - 1) for _ in range(random.randint(0, 3))]
    if kind < 7:
        gaps = [f"{_gap(random)},{_gap(random)}" for _ in parts]
        body = "".join(f"{part}{gap}" for part, gap in zip(parts, gaps, strict=True))
        return f"[{_gap(random)}{body if random.random() < 0.3 else body.rstrip(', ')}]"
    if kind < 9:
        entries = [
            f"{_key(random)}{_gap(random)}{random.choice('===:')}{_gap(random)}{part}"
            f"{random.choices([', ', chr(10), ' # c' + chr(10), ',' + chr(10), ' '], [20, 20, 4, 4, 1])[0]}"
            for part in parts
        ]
        return "{" + random.choice(("", " ", "\n", "\n\n  ")) + "".join(entries) + "}"
    inner = _value(random, depth - 1)
    return random.choice(
        (f"({inner})", f"-{inner}", f"(\n{inner}\n)", f"-({inner})", f'"${{{inner}}}"', f"{inner} ")
    )


def build_reference(folder: Path) -> tuple[Path | None, str]:
    """Build the program around HashiCorp's parser; None and the reason if that fails."""
    program = folder / "hcl_reference"
    command = [str(GO), "build", "-buildvcs=false", "-o", str(program), "."]
    done = subprocess.run(command, cwd=REFERENCE, capture_output=True, text=True, check=False)
    return (None if done.returncode else program), " ".join(done.stderr.split())[:300]


def hashicorp(program: Path, texts: Sequence[str]) -> list[dict[str, Any]]:
    """Return what HashiCorp's parser says of each text: `values`, `refused` or `endless`."""
    lines = "\n".join(map(json.dumps, texts))
    done = subprocess.run([program], input=lines, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.split("\n") if line]


def reading(text: str) -> tuple[dict[str, object], str]:
    """Return the values that we read, and our complaint, which may be empty."""
    try:
        parsed = parse_hcl(text, "x.tfvars")
    except OrgtrailError as error:
        return {}, str(error)
    return parsed.values, str(SettingsError(parsed.faults, parsed.source)) if parsed.faults else ""


def disagreement(text: str, answer: dict[str, Any]) -> str:
    """Return how our reading of a text differs from HashiCorp's; empty if it does not."""
    try:
        values, complaint = reading(text)
    except Exception as error:  # noqa: BLE001  # that is what must not happen
        return f"ends in {type(error).__name__}: {error}"
    if "endless" in answer:
        return ""
    if "refused" in answer:
        return "" if complaint else f"is read as {values!r}; HCL: {answer['refused']}"
    lines = complaint.split("\n")
    if complaint and not all(map(_STRICTER.search, lines)):
        return f"is refused: {complaint}; HCL: {answer['values']!r}"
    if not complaint and not _same(values, {"object": answer["values"]}):
        return f"is read as {values!r}; HCL: {answer['values']!r}"
    return ""


def _same(ours: object, theirs: Any) -> bool:
    match ours:
        case dict():
            entries = theirs.get("object") if isinstance(theirs, dict) else None
            return (
                isinstance(entries, dict)
                and ours.keys() == entries.keys()
                and all(_same(ours[name], entries[name]) for name in ours)
            )
        case list():
            return (
                isinstance(theirs, list)
                and len(ours) == len(theirs)
                and all(map(_same, ours, theirs))
            )
        case bool() | str() | None:
            return type(ours) is type(theirs) and ours == theirs
        case int() | float():
            number = theirs.get("number") if isinstance(theirs, dict) else None
            return number is not None and Decimal(repr(ours)) == Decimal(number)
    return False


def main(count: int, seed: int) -> int:
    """Compare made-up files, print the disagreements, and count."""
    with TemporaryDirectory() as folder:
        program, reason = build_reference(Path(folder))
        assert program, reason
        texts = list(made_up(count, seed))
        kinds: Counter[str] = Counter()
        for text, answer in zip(texts, hashicorp(program, texts), strict=True):
            kinds[next(iter(answer)).replace("values", "read")] += 1
            if found := disagreement(text, answer):
                kinds["disagree: " + " ".join(found.split()[:2])] += 1
                print(repr(text), "\n   ", found[:300])  # noqa: T201
            elif "values" in answer and not reading(text)[1]:
                kinds["both read"] += 1
        print(dict(kinds))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
