"""What earlier runs found valid, so that only what is new or changed is read again."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from orgtrail.integrity.digest import Named
from orgtrail.integrity.link import Link, link_fields, link_of
from orgtrail.integrity.storage.store import Listed
from orgtrail.settings.faults import OrgtrailError

_VERSION = "1"
_TABLES = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS digests (
    bucket TEXT, key TEXT, stamp TEXT NOT NULL, text TEXT NOT NULL, PRIMARY KEY (bucket, key)
) WITHOUT ROWID;
"""


def stamp(listed: Listed) -> str:
    """Return what changes when an object is written again."""
    return f"{listed.etag} {listed.size} {listed.modified}"


@dataclass(frozen=True, slots=True)
class Row:
    """A valid digest as a state file keeps it.

    Attributes:
        bucket: where it lies.
        key: its key.
        stamp: what changes when it is written again.
        text: its link, and the files it names with a stamp each, empty where one was not valid.

    """

    bucket: str
    key: str
    stamp: str
    text: str

    @classmethod
    def of(cls, stamp: str, link: Link, logs: Sequence[tuple[Named, str]]) -> Row:
        """Make one."""
        named = [(each.bucket, each.key, each.value, each.algorithm, mark) for each, mark in logs]
        return cls(link.bucket, link.key, stamp, json.dumps([link_fields(link), named]))

    def read(self) -> tuple[Link, dict[Named, str]]:
        """Return the link, and the files with their stamps."""
        fields, named = json.loads(self.text)
        return link_of(fields), {Named(*each): mark for *each, mark in named}


class Memory:
    """Reads a state file.

    Args:
        path: the file.

    """

    def __init__(self, path: Path) -> None:
        self._file = sqlite3.connect(f"file:{path}?mode=ro", uri=True)

    def digests(self, bucket: str, prefix: str) -> dict[str, Row]:
        """Return the digests below a prefix, by key."""
        rows = self._file.execute(
            "SELECT * FROM digests WHERE bucket = ? AND key > ? AND key < ?",
            (bucket, prefix, prefix + "\uffff"),
        )
        return {row.key: row for row in (Row(*each) for each in rows)}

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


class State:
    """Writes a state file, a day of a chain at a time.

    Args:
        path: the file; it is made where it is absent.
        trail: what it is of; another trail's file is refused. None to take any.

    Attributes:
        path: the file.
        before: when the run before began; empty where there was none.

    Raises:
        OrgtrailError: the file is none, or of another trail.

    """

    def __init__(self, path: Path, trail: str | None = None) -> None:
        self.path = path
        try:
            self._file = sqlite3.connect(path)
            self._file.execute("PRAGMA journal_mode = WAL")
            self._file.execute("PRAGMA synchronous = NORMAL")
            self._file.executescript(_TABLES)
        except sqlite3.Error as error:
            raise OrgtrailError(f"{path}: is no state file of orgtrail: {error}") from None
        known, version = self.fact("trail"), self.fact("version")
        trail = trail or known or ""
        if known not in {None, trail} or version not in {None, _VERSION}:
            self._file.close()
            raise OrgtrailError(
                f"{path}: is the state of {known}, version {version}; give another file for {trail}"
            )
        self.before = self.fact("run") or self.fact("interrupted") or ""
        self.note(trail=trail, version=_VERSION)

    def fact(self, name: str) -> str | None:
        """Return something noted."""
        row = self._file.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def note(self, **facts: str) -> None:
        """Note something about a run."""
        with self._file:
            self._file.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?)", facts.items())

    def keep(self, rows: Sequence[Row]) -> None:
        """Take what a day of a chain gave."""
        with self._file:
            self._file.executemany(
                "INSERT OR REPLACE INTO digests VALUES (?, ?, ?, ?)",
                [(row.bucket, row.key, row.stamp, row.text) for row in rows],
            )

    def close(self) -> None:
        """Let go of the file, all in one piece."""
        self._file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._file.execute("PRAGMA journal_mode = DELETE")
        self._file.close()
