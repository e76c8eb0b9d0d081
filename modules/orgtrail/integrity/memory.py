"""What earlier runs found valid, so that only what is new or changed is read again.

What somebody wrote into the file by hand has no seal, and is not believed.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from orgtrail.errors import OrgtrailError
from orgtrail.integrity.digest import Named
from orgtrail.integrity.link import Link, link_fields, link_of
from orgtrail.integrity.names import ChainId
from orgtrail.integrity.sealing import Seal, sealing_key
from orgtrail.integrity.storage.store import Listed

_VERSION = "2"
_TABLES = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL, seal TEXT NOT NULL);
CREATE TABLE digests (
    bucket TEXT, key TEXT, stamp TEXT NOT NULL, text TEXT NOT NULL, seal TEXT NOT NULL,
    PRIMARY KEY (bucket, key)
) WITHOUT ROWID;
"""
_OURS = {"facts", "digests"}


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
        text: what was found, as JSON.

    """

    bucket: str
    key: str
    stamp: str
    text: str

    def read(self) -> Kept:
        """Return what was found."""
        fields, named, signer = json.loads(self.text)
        return Kept(link_of(fields), {Named(*each): mark for *each, mark in named}, signer)


@dataclass(frozen=True, slots=True)
class Kept:
    """What was found of a valid digest.

    Attributes:
        link: its place in the chain.
        logs: the files it names, with a stamp each, empty where one was not valid.
        signer: the SHA-256 of the public key that it verified with.

    """

    link: Link
    logs: Mapping[Named, str]
    signer: str

    def row(self, bucket: str, stamp: str) -> Row:
        """Return it as a state file keeps it.

        Args:
            bucket: where the digest was listed.
            stamp: what changes when the digest is written again.

        """
        named = [
            (each.bucket, each.key, each.value, each.algorithm, mark)
            for each, mark in self.logs.items()
        ]
        text = json.dumps([link_fields(self.link), named, self.signer])
        return Row(bucket, self.link.key, stamp, text)


class Memory:
    """Reads a state file.

    Args:
        path: the file.
        seal: what its rows must be sealed with; others are not believed.

    """

    def __init__(self, path: Path, seal: Seal) -> None:
        self._path = path
        self._seal = seal
        with _told(path):
            self._file = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)

    def digests(self, bucket: str, prefix: str) -> dict[str, Row]:
        """Return the digests below a prefix, by key.

        Raises:
            OrgtrailError: the file cannot be read.

        """
        with _told(self._path):
            rows = self._file.execute(
                "SELECT bucket, key, stamp, text, seal FROM digests "
                "WHERE bucket = ? AND key > ? AND key < ?",
                (bucket, prefix, prefix + "\uffff"),
            ).fetchall()
        return {each[1]: Row(*each) for *each, seal in rows if self._seal.fits(seal, *each)}

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


class State:
    """Writes a state file, a day of a chain at a time.

    Args:
        path: the file; it is made where it is absent.
        trail: what it is of; another trail's file is refused. None to take any.
        key: seals it; by default the user's own.

    Attributes:
        path: the file.
        before: when the run before began; empty where there was none.
        is_foreign: whether it was sealed with another key, so that nothing in it is believed.
        is_altered: whether what earlier runs noted is not as they noted it.

    Raises:
        OrgtrailError: the file is none, in use, of another trail, or there is no key.

    """

    def __init__(self, path: Path, trail: str | None = None, key: bytes | None = None) -> None:
        self.path = path
        self._key = key or sealing_key()
        if path.exists() and not path.is_file():
            raise OrgtrailError(f"{path}: is no state file of orgtrail: it is no file")
        with _told(path):
            self._file = sqlite3.connect(path)
        try:
            with _told(path):
                self._open(path)
            trail = self._known(trail)
            self._seal = Seal(self._key, trail)
            self.is_foreign = self._plain("trail") is not None and self.fact("trail") is None
            # A run that came to its end has noted both, and nobody else can.
            self.is_altered = (
                not self.is_foreign
                and self._plain("run") is not None
                and None in {self.fact("run"), self.fact("chains")}
            )
            self.before = self.fact("run") or self.fact("interrupted") or ""
            self.note(trail=trail, version=_VERSION)
        except OrgtrailError:
            self._file.close()
            raise

    def _open(self, path: Path) -> None:
        found = {
            name
            for (name,) in self._file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        }
        if found and not found >= _OURS:
            raise OrgtrailError(
                f"{path}: is no state file of orgtrail: it is a database of something else"
            )
        self._file.execute("PRAGMA journal_mode = WAL")
        self._file.execute("PRAGMA synchronous = NORMAL")
        if not found:
            self._file.executescript(_TABLES)

    def _known(self, trail: str | None) -> str:
        """Return the trail that the file is of."""
        known, version = self._plain("trail"), self._plain("version")
        if known not in {None, trail or known} or version not in {None, _VERSION}:
            raise OrgtrailError(
                f"{self.path}: is the state of {known}, version {version}; give another file for "
                f"{trail or known}, version {_VERSION}"
            )
        return trail or known or ""

    def seal(self, source: str) -> Seal:
        """Return what seals the rows of files that are read from somewhere."""
        return Seal(self._key, json.dumps([_VERSION, self._plain("trail"), source]))

    def fact(self, name: str) -> str | None:
        """Return something noted; None where it was not, or not by a run of this user."""
        with _told(self.path):
            row = self._file.execute(
                "SELECT value, seal FROM facts WHERE name = ?", (name,)
            ).fetchone()
        return row[0] if row and self._seal.fits(row[1], name, row[0]) else None

    def note(self, **facts: str) -> None:
        """Note something about a run."""
        with _told(self.path), self._file:
            self._file.executemany(
                "INSERT OR REPLACE INTO facts VALUES (?, ?, ?)",
                [(name, value, self._seal.of(name, value)) for name, value in facts.items()],
            )

    def chains(self) -> frozenset[ChainId]:
        """Return the chains that earlier runs found valid digests of."""
        return frozenset(ChainId(*each) for each in json.loads(self.fact("chains") or "[]"))

    def note_chains(self, chains: Iterable[ChainId]) -> None:
        """Note chains that have valid digests; those of earlier runs stay known."""
        known = sorted({*self.chains(), *chains})
        self.note(chains=json.dumps([(each.account, each.region) for each in known]))

    def keep(self, rows: Sequence[Row], seal: Seal) -> None:
        """Take what a day of a chain gave."""
        with _told(self.path), self._file:
            self._file.executemany(
                "INSERT OR REPLACE INTO digests VALUES (?, ?, ?, ?, ?)",
                [
                    (*fields, seal.of(*fields))
                    for fields in ((row.bucket, row.key, row.stamp, row.text) for row in rows)
                ],
            )

    def close(self) -> None:
        """Let go of the file, all in one piece."""
        with suppress(sqlite3.Error):
            self._file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._file.execute("PRAGMA journal_mode = DELETE")
        self._file.close()

    def _plain(self, name: str) -> str | None:
        with _told(self.path):
            row = self._file.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else None


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Tell in plain words what SQLite refuses."""
    try:
        yield
    except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
        if "full" in str(error) or "disk I/O" in str(error):
            raise OrgtrailError(
                f"{path}: cannot be written: {error}; see whether the disk is full"
            ) from None
        if "locked" in str(error):
            raise OrgtrailError(
                f"{path}: is in use by another program; wait for it, or give another file"
            ) from None
        raise OrgtrailError(
            f"{path}: is no state file of orgtrail: {error}; give another file, or delete it"
        ) from None
