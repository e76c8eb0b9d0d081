"""Sigma rules for AWS CloudTrail as questions about the table, in Athena's dialect.

The rules are the user's own; orgtrail ships none. Importing this is cheap: pySigma is imported
only when rules are loaded.
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
    """A rule that can be asked.

    Attributes:
        name: `sigma:` and the name of its file, with a number if two would have the same name.
        title: its title.
        severity: its level, in the words of the pack; `medium` if it has none.
        mitre: ids of MITRE ATT&CK techniques, from its tags.
        file: its file.
        condition: the condition on a record, as SQL over the table's columns; never null.
        question: the same as a question that runs like one of the pack.

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
        questions: the rules that can be asked, in the order of their files.
        left_out: the others, each by its file (and title, if the file has several), and why.

    """

    questions: tuple[SigmaQuestion, ...]
    left_out: tuple[tuple[str, str], ...]


def load_rules(path: Path) -> Rules:
    """Load the rules of a file, or of a folder and all folders below it.

    Args:
        path: a file, or a folder with `*.yml` and `*.yaml`.

    Raises:
        OrgtrailError: there is no such path, or no rule file in it. A problem with a single rule
            is in `Rules.left_out`.

    """
    from orgtrail.query.sigma.rules import read_rules

    with _quiet_stderr():
        return read_rules(path)


@contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Silence native code of pySigma's libraries on stderr: `left_out` has the same reasons."""
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
