"""Changes of a stack's policies, and the findings that the check adds for them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from orgtrail.check.findings import Finding

from tests.conftest import Json
from tests.mistakes import Change, checked, rewrite, stack

FILLER = {
    "Sid": "Filler", "Effect": "Deny", "Principal": "*", "Action": "s3:DeleteBucket",
    "Resource": "arn:aws:s3:::nobody-elses",
}  # fmt: skip
"""Keeps a policy whole from which the last statement was taken."""


def added(**statement: Any) -> Change:
    """Add a statement, named Added; it allows unless it says otherwise."""
    whole = {"Sid": "Added", "Effect": "Allow", **statement}
    return lambda by_sid: by_sid.update(Added=whole)


def without(*sids: str) -> Change:
    """Take statements out."""

    def change(by_sid: Json) -> None:
        for sid in sids:
            del by_sid[sid]
        if not by_sid:
            by_sid["Filler"] = FILLER

    return change


def edited(sid: str, change: Callable[[Json], Any]) -> Change:
    """Change a statement."""
    return lambda by_sid: change(by_sid[sid])


@cache
def _known(name: str) -> frozenset[Finding]:
    with tempfile.TemporaryDirectory() as folder:
        return frozenset(checked(Path(folder), stack(name)).findings)


def findings(folder: Path, name: str, *changes: Change) -> list[Finding]:
    """Return what the check finds in a changed stack and did not find before."""
    content = stack(name)
    for change in changes:
        change(content)
    return [each for each in checked(folder, content).findings if each not in _known(name)]


def told(folder: Path, name: str, address: str, attribute: str, change: Change) -> list[str]:
    """Return the findings for a change of one policy, each in a line: severity, rule, place, text.

    The place is the address of what is to be changed.
    """
    found = findings(folder, name, rewrite(address, attribute, change))
    return [f"{each.severity} {each.rule} {each.setting}: {each.message}" for each in found]
