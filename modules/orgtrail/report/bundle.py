"""The files of a report: page, JSON, answers that are long, and a manifest of their hashes."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path

from orgtrail.costs.prices import Prices
from orgtrail.output import atomic_output
from orgtrail.report.asking import Asked, Json
from orgtrail.report.compose import compose
from orgtrail.report.page import render

PAGE, DATA, MANIFEST = "report.html", "report.json", "manifest.json"


def bundle(
    asked: Asked, prices: Prices, out: Path, tell: Callable[[str], None] = lambda _: None
) -> Json:
    """Write a report; its files appear together or not at all.

    Args:
        asked: environment, period and where the logs are.
        prices: what AWS asks for what is stored.
        out: the folder for it.
        tell: is told how far it is.

    Returns:
        the report, as its JSON has it.

    Raises:
        OrgtrailError: the environment file or the copy of the logs cannot be read, or the folder
            cannot be written.

    """
    before = _answers(out)
    with atomic_output(out) as draft:
        report = compose(asked, prices, draft, tell)
        text = json.dumps(report, indent=1, default=str)
        (draft / DATA).write_text(text + "\n", encoding="utf-8")
        # From the text: the page says what the JSON says.
        (draft / PAGE).write_text(render(json.loads(text)), encoding="utf-8")
        (draft / MANIFEST).write_text(json.dumps(_manifest(report, draft), indent=1) + "\n")
    for name in before - _answers(out):
        (out / name).unlink(missing_ok=True)
    return report


def _answers(out: Path) -> set[str]:
    """Return the long answers that the manifest of a report names."""
    try:
        files = json.loads((out / MANIFEST).read_text(encoding="utf-8"))["files"]
        names = {each["name"] for each in files}
    except (OSError, ValueError, TypeError, KeyError):
        return set()
    return {each for each in names if re.fullmatch(r"activity/[a-z-]+\.parquet", str(each))}


def _manifest(report: Json, folder: Path) -> Json:
    """Name every file with its size and hash."""
    return {
        "report": report["report"],
        "files": [
            {
                "name": file.relative_to(folder).as_posix(),
                "bytes": file.stat().st_size,
                "sha256": _sha256(file),
            }
            for file in sorted(folder.rglob("*"))
            if file.is_file()
        ],
    }


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
