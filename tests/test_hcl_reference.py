"""Environment files are read as HashiCorp's own parser reads them, or refused with a reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, at_most
from tests.hcl_files import GO, build_reference, disagreement, hashicorp, made_up, reading

CASES = ROOT / "tests" / "hcl_cases"
REFUSED, READ, UNSUPPORTED = (
    sorted((CASES / kind).glob("*.tfvars")) for kind in ("refused", "read", "unsupported")
)


def text_of(path: Path) -> str:
    return path.read_bytes().decode()


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program around HashiCorp's parser."""
    if GO is None:
        pytest.skip("Go is not installed; with it, HashiCorp's parser reads the same files")
    built, reason = build_reference(tmp_path_factory.mktemp("hcl"))
    if built is None:
        pytest.skip(f"HashiCorp's parser cannot be built: {reason}")
    return built


@pytest.mark.parametrize("path", READ, ids=lambda path: path.stem)
def test_what_is_read(path: Path) -> None:
    values, complaint = reading(text_of(path))
    assert not complaint
    expected: Any = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    assert values == expected


@pytest.mark.parametrize("path", REFUSED, ids=lambda path: path.stem)
def test_what_is_refused(path: Path) -> None:
    _, complaint = reading(text_of(path))
    assert complaint.startswith("x.tfvars:")
    assert "Error" not in complaint


@pytest.mark.parametrize("path", UNSUPPORTED, ids=lambda path: path.stem)
def test_what_is_not_supported(path: Path) -> None:
    """Each setting of these files is valid HCL, and gets one short line."""
    _, complaint = reading(text_of(path))
    lines = complaint.splitlines()
    assert lines
    for line in lines:
        assert line.startswith("x.tfvars:")
        assert "is not supported here" in line
        assert len(line) < 200
        assert line.isprintable()


def test_hashicorp_reads_the_kept_cases_so(program: Path) -> None:
    paths = [*REFUSED, *READ, *UNSUPPORTED]
    texts = [text_of(path) for path in paths]
    for path, text, answer in zip(paths, texts, hashicorp(program, texts), strict=True):
        assert ("refused" in answer) or path.parent.name != "refused", path.name
        assert ("values" in answer) or path.parent.name != "read", path.name
        assert not disagreement(text, answer), path.name


def test_hashicorp_reads_made_up_files_so(program: Path) -> None:
    texts = list(made_up(at_most(4_000), seed=1))
    answers = hashicorp(program, texts)
    wrong = [
        f"{text!r} {found}"
        for text, answer in zip(texts, answers, strict=True)
        if (found := disagreement(text, answer))
    ]
    assert not wrong
    if len(texts) > 100:
        # The files are neither all good nor all bad.
        assert 0.2 < sum("values" in answer for answer in answers) / len(texts) < 0.8
