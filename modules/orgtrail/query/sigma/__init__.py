"""Converts Sigma rules for AWS CloudTrail to questions, in Athena's dialect.

Users bring their own rules; orgtrail ships none. Importing this module is cheap: pySigma is
imported only when rules are loaded.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from orgtrail.query.questions import Question


@dataclass(frozen=True, slots=True)
class SigmaQuestion:
    """A rule that was converted to a question.

    Attributes:
        name: `sigma:` and the name of its file, with a number if two would have the same name.
        title: its title.
        severity: its level, as a severity of the pack; `medium` if it has none.
        mitre: ids of MITRE ATT&CK techniques, from its tags.
        file: its file.
        condition: its condition on a record, as SQL over the table's columns; never null.
        question: the rule as a question that runs like those of the pack.

    """

    name: str
    title: str
    severity: str
    mitre: tuple[str, ...]
    file: Path
    condition: str
    question: Question


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of a file or folder.

    Attributes:
        questions: the converted rules, in the order of their files.
        left_out: the other rules, each by its file (and title, if the file has several), with the
            reason.

    """

    questions: tuple[SigmaQuestion, ...]
    left_out: tuple[tuple[str, str], ...]


def load_rules(path: Path) -> Rules:
    """Load the rules of a file, or of a folder and all folders below it.

    Args:
        path: a file, or a folder with `*.yml` and `*.yaml`.

    Raises:
        OrgtrailError: the path does not exist, or has no rule file. Problems with single rules do
            not raise; they are in `Rules.left_out`.

    """
    from orgtrail.query.sigma.rules import read_rules

    with _quiet_stderr():
        return read_rules(path)


@contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Silence stderr output of native code below pySigma: `left_out` has the same reasons."""
    sys.stderr.flush()
    try:
        kept = os.dup(2)
    except OSError:
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
