"""The words that users read: spelled right, and the ones that a native reader expects."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
MODULES = sorted((ROOT / "modules" / "orgtrail").rglob("*.py"))
BANNED = {
    r"anew": "again",
    r"to be known": "note",
    r"lacks in": "it lacks",
    r"(the|its|their|a) begin": "the start",
    r"by (itself|themselves)": "automatically, alone, or separately",
    r"but for": "except",
    r"as meant": "as intended",
    r"not asked for": "not enabled, or not requested",
    r"(lies|lie|lay) (in|under|outside|below)": "is in",
    r"at whose": "a second sentence",
    r"may stand": "is allowed",
    r"nothing but": "only",
}
"""Forms that our pages and messages do not use, and what to write."""
DEPLOYED = {
    "docs/queries.md": ("by itself",),
    "modules/orgtrail/records.py": ("lie under", "lies in"),
}
"""What is in the text of deployed resources: a plan would change them for a word."""


def strings(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the texts of a module, with their lines; comments and docstrings are not of them."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or id(node) in docstrings:
            continue
        if isinstance(node.value, str):
            yield node.lineno, node.value


def banned(text: str) -> Iterator[str]:
    """Yield what to write in place of each banned form of a text."""
    for form, better in BANNED.items():
        if found := re.search(rf"\b{form}\b", text, re.IGNORECASE):
            yield f'"{found[0]}": write {better}'


def found_in(path: Path, texts: Iterable[tuple[int, str]]) -> list[tuple[int, str]]:
    """Return the banned forms of a file's texts, with their lines."""
    kept = DEPLOYED.get(path.relative_to(ROOT).as_posix(), ())
    found = ((line, each) for line, text in texts for each in banned(text))
    return [(line, each) for line, each in found if not any(f'"{one}"' in each for one in kept)]


@pytest.mark.parametrize("path", PAGES, ids=lambda each: each.name)
def test_a_page_has_no_banned_form(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert found_in(path, enumerate(lines, start=1)) == []


@pytest.mark.parametrize("path", MODULES, ids=lambda each: each.stem)
def test_no_message_has_a_banned_form(path: Path) -> None:
    assert found_in(path, strings(path)) == []


@pytest.mark.parametrize("text", ["Write it anew.", "The begin of it", "It lies in a folder"])
def test_a_banned_form_is_found(text: str) -> None:
    assert len([*banned(text)]) == 1


def test_everything_is_spelled_right() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "codespell_lib", "--skip=*.json", *PAGES, ROOT / "modules"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")
