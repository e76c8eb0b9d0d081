"""Sigma rules of AWS CloudTrail as questions over the table, in Athena's dialect.

The rules are the user's own: none comes with orgtrail. Importing this is cheap; pySigma is loaded
by whoever loads rules.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from orgtrail.queries import Query


@dataclass(frozen=True, slots=True)
class SigmaQuestion:
    """A rule that can be asked.

    Attributes:
        name: `sigma:` and its file's name; a number after it where two would be called the same.
        title: its title.
        severity: its level in the words of the pack; `medium` where it has none.
        mitre: ids of MITRE ATT&CK techniques, from its tags.
        file: where it stands.
        condition: what a record must be, as SQL over the table's columns; never null.
        query: the same as a question that can be run like one of the pack.

    """

    name: str
    title: str
    severity: str
    mitre: tuple[str, ...]
    file: Path
    condition: str
    query: Query


@dataclass(frozen=True, slots=True)
class Rules:
    """What a file or folder of rules comes to.

    Attributes:
        questions: the rules that can be asked, in the order of their files.
        left_out: the others, each by its file (and title, where the file has several), and why.

    """

    questions: tuple[SigmaQuestion, ...]
    left_out: tuple[tuple[str, str], ...]


def load(path: Path) -> Rules:
    """Make questions of the rules in a file, or in a folder and all below it.

    Args:
        path: a file, or a folder with `*.yml` and `*.yaml`.

    Raises:
        OrgtrailError: there is no such place, or no rule's file in it. What is wrong with one
            rule is told in `left_out`.

    """
    from orgtrail.sigma.reading import read

    with _quiet():
        return read(path)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what a library of pySigma's writes past Python from stderr: `left_out` says it too."""
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


__all__ = ["Rules", "SigmaQuestion", "load"]
