"""The state file: what earlier runs found valid, so that only new or changed files are read.

Each row is signed with the user's key (`state_key`); rows with another signature are ignored.
"""

from __future__ import annotations

import json
import secrets
import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from orgtrail.drafts import temporary_folder
from orgtrail.errors import OrgtrailError, StoppedError
from orgtrail.verify.digest import LogFileEntry, PreviousDigest
from orgtrail.verify.names import ChainId
from orgtrail.verify.objects import ChainDigest
from orgtrail.verify.state_key import StateSigner, state_key
from orgtrail.verify.storage.store import ListedObject

DEFAULT_STATE = Path("orgtrail-verify.state")
"""The state file that an interrupted run without `--state` leaves."""

_FORMAT = "2"
_TABLES = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL, seal TEXT NOT NULL);
CREATE TABLE digests (
    bucket TEXT, key TEXT, stamp TEXT NOT NULL, text TEXT NOT NULL, seal TEXT NOT NULL,
    PRIMARY KEY (bucket, key)
) WITHOUT ROWID;
"""
_TABLE_NAMES = {"facts", "digests"}

TimeRange = tuple[datetime, datetime]


def object_stamp(listed: ListedObject) -> str:
    """Return a string that changes whenever the object is written."""
    return f"{listed.etag} {listed.size} {listed.modified}"


@dataclass(frozen=True, slots=True)
class StateRow:
    """A valid digest, as a row of the state file.

    Attributes:
        bucket: the digest's bucket.
        key: the digest's key.
        stamp: its `object_stamp`.
        text: a `KnownDigest`, as JSON.

    """

    bucket: str
    key: str
    stamp: str
    text: str

    def read(self) -> KnownDigest:
        """Parse the row."""
        fields, named, signer = json.loads(self.text)
        return KnownDigest(
            _digest_of(fields), {LogFileEntry(*each): stamp for *each, stamp in named}, signer
        )


@dataclass(frozen=True, slots=True)
class KnownDigest:
    """A digest that an earlier run found valid.

    Attributes:
        digest: the digest.
        logs: the `object_stamp` of each log file it names; empty if the file was not valid.
        signer: SHA-256 of the public key that verified it.

    """

    digest: ChainDigest
    logs: Mapping[LogFileEntry, str]
    signer: str

    def row(self, bucket: str, stamp: str) -> StateRow:
        """Return the row of the state file."""
        named = [
            (each.bucket, each.key, each.hash_value, each.algorithm, log_stamp)
            for each, log_stamp in self.logs.items()
        ]
        text = json.dumps([_digest_fields(self.digest), named, self.signer])
        return StateRow(bucket, self.digest.key, stamp, text)


class StateReader:
    """Reads the digests of a state file; ignores rows that `signer` did not sign."""

    def __init__(self, path: Path, signer: StateSigner) -> None:
        self._path = path
        self._signer = signer
        with _sqlite_errors(path):
            self._file = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)

    def digests(self, bucket: str, prefix: str) -> dict[str, StateRow]:
        """Return the rows of digests below a prefix, by key.

        Raises:
            OrgtrailError: the file cannot be read.

        """
        with _sqlite_errors(self._path):
            rows = self._file.execute(
                "SELECT bucket, key, stamp, text, seal FROM digests "
                "WHERE bucket = ? AND key > ? AND key < ?",
                (bucket, prefix, prefix + "\uffff"),
            ).fetchall()
        return {
            each[1]: StateRow(*each) for *each, seal in rows if self._signer.is_valid(seal, *each)
        }

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class StateFile:
    """A state file, open for writing.

    Args:
        path: the file; created if it does not exist.
        trail: ARN of the trail that the file must belong to; None for any.
        key: signs the rows; None for the user's key.

    Attributes:
        path: the file.
        last_run: when the last run started, ISO 8601; empty if there was none.
        has_other_key: whether another key signed the file, so that nothing in it is trusted.
        is_altered: whether somebody changed what earlier runs wrote about chains.

    Raises:
        OrgtrailError: it is not a state file, is in use or of another trail, or there is no key.

    """

    def __init__(self, path: Path, trail: str | None = None, key: bytes | None = None) -> None:
        self.path = path
        self._key = key or state_key()
        if path.exists() and not path.is_file():
            raise OrgtrailError(f"{path}: is no state file of orgtrail: it is no file")
        with _sqlite_errors(path):
            self._file = sqlite3.connect(path)
        try:
            with _sqlite_errors(path):
                self._open(path)
            trail = self._check_trail(trail)
            self._signer = StateSigner(self._key, trail)
            self.has_other_key = (
                self._unsigned_fact("trail") is not None and self.read_fact("trail") is None
            )
            # A completed run writes both, and writing them takes the key.
            self.is_altered = (
                not self.has_other_key
                and self._unsigned_fact("run") is not None
                and None in {self.read_fact("run"), self.read_fact("chains")}
            )
            self.last_run = self.read_fact("run") or self.read_fact("interrupted") or ""
            self.write_facts(trail=trail, version=_FORMAT)
        except OrgtrailError:
            self._file.close()
            raise

    def _open(self, path: Path) -> None:
        found = {
            name
            for (name,) in self._file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        }
        if found and not found >= _TABLE_NAMES:
            raise OrgtrailError(
                f"{path}: is no state file of orgtrail: it is a database of something else"
            )
        self._file.execute("PRAGMA journal_mode = WAL")
        self._file.execute("PRAGMA synchronous = NORMAL")
        if not found:
            self._file.executescript(_TABLES)

    def _check_trail(self, trail: str | None) -> str:
        """Return the ARN of the file's trail; refuse the file of another trail or format."""
        known, version = self._unsigned_fact("trail"), self._unsigned_fact("version")
        if known not in {None, trail or known} or version not in {None, _FORMAT}:
            raise OrgtrailError(
                f"{self.path}: is the state of {known}, version {version}; give another file for "
                f"{trail or known}, version {_FORMAT}"
            )
        return trail or known or ""

    def signer_for(self, source: str) -> StateSigner:
        """Return the signer for digests read from a source: an S3 endpoint or a folder."""
        return StateSigner(self._key, json.dumps([_FORMAT, self._unsigned_fact("trail"), source]))

    def read_fact(self, name: str) -> str | None:
        """Return a fact about earlier runs; None if it is missing or has another signature."""
        with _sqlite_errors(self.path):
            row = self._file.execute(
                "SELECT value, seal FROM facts WHERE name = ?", (name,)
            ).fetchone()
        return row[0] if row and self._signer.is_valid(row[1], name, row[0]) else None

    def write_facts(self, **facts: str) -> None:
        """Write facts about this run."""
        with _sqlite_errors(self.path), self._file:
            self._file.executemany(
                "INSERT OR REPLACE INTO facts VALUES (?, ?, ?)",
                [(name, value, self._signer.sign(name, value)) for name, value in facts.items()],
            )

    def chains(self) -> frozenset[ChainId]:
        """Return the chains in which earlier runs found valid digests."""
        return frozenset(ChainId(*each) for each in json.loads(self.read_fact("chains") or "[]"))

    def add_chains(self, chains: Iterable[ChainId]) -> None:
        """Add chains with valid digests to those of earlier runs."""
        known = sorted({*self.chains(), *chains})
        self.write_facts(chains=json.dumps([(each.account, each.region) for each in known]))

    def write_rows(self, rows: Sequence[StateRow], signer: StateSigner) -> None:
        """Write the digests of a day."""
        with _sqlite_errors(self.path), self._file:
            self._file.executemany(
                "INSERT OR REPLACE INTO digests VALUES (?, ?, ?, ?, ?)",
                [
                    (*fields, signer.sign(*fields))
                    for fields in ((row.bucket, row.key, row.stamp, row.text) for row in rows)
                ],
            )

    def close(self) -> None:
        """Merge the write-ahead log into the file and close it."""
        with suppress(sqlite3.Error):
            self._file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._file.execute("PRAGMA journal_mode = DELETE")
        self._file.close()

    def _unsigned_fact(self, name: str) -> str | None:
        with _sqlite_errors(self.path):
            row = self._file.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else None


@contextmanager
def _sqlite_errors(path: Path) -> Iterator[None]:
    """Turn SQLite errors into messages for the user."""
    try:
        yield
    except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
        if "full" in str(error) or "disk I/O" in str(error):
            raise OrgtrailError(
                f"{path}: cannot be written: {error}; see whether the disk is full"
            ) from None
        if "unable to open" in str(error) or "readonly" in str(error):
            raise OrgtrailError(
                f"{path}: cannot be written: {error}; see whether its folder exists, and who may "
                "write there"
            ) from None
        if "locked" in str(error):
            raise OrgtrailError(
                f"{path}: is in use by another program; wait for it, or give another file"
            ) from None
        raise OrgtrailError(
            f"{path}: is no state file of orgtrail: {error}; give another file, or delete it"
        ) from None


def interrupted_window(path: Path) -> TimeRange:
    """Return start and end of the window of an interrupted run.

    Raises:
        OrgtrailError: there is no such file, or its last run was not interrupted.

    """
    facts = {}
    if path.is_file():
        state = StateFile(path)
        facts = {name: state.read_fact(name) for name in ("since", "until", "interrupted")}
        state.close()
    since, until = facts.get("since"), facts.get("until")
    if not facts.get("interrupted") or not since or not until:
        raise OrgtrailError(
            f"--resume: {path} holds no interrupted run; leave --resume out to start again"
        )
    return datetime.fromisoformat(since), datetime.fromisoformat(until)


@contextmanager
def open_state(
    path: Path | None, trail: str, window: TimeRange, *, resume: bool
) -> Iterator[StateFile]:
    """Open the state of a run.

    Without a path, the run leaves a file only if it is interrupted.

    Args:
        path: the state file; None for a temporary one.
        trail: ARN of the trail.
        window: start and end of the window.
        resume: without a path, whether to continue from the default file.

    Raises:
        OrgtrailError: the file is not a state file, or of another trail.
        StoppedError: Ctrl-C, SIGTERM or SIGHUP; the message says where the state is.

    """
    if path is None and not resume:
        with temporary_folder() as folder:
            draft = folder / DEFAULT_STATE
            try:
                with _run_state(draft, trail, window, _key_or_random()) as state:
                    yield state
            except KeyboardInterrupt:
                try:
                    shutil.move(draft, DEFAULT_STATE)
                except OSError as error:
                    raise StoppedError(
                        f"interrupted; {DEFAULT_STATE} cannot be written here: {error.strerror}; "
                        "give --state FILE to keep what was verified"
                    ) from None
                raise StoppedError(_interrupted_message(DEFAULT_STATE)) from None
        return
    try:
        with _run_state(path or DEFAULT_STATE, trail, window) as state:
            yield state
    except KeyboardInterrupt:
        raise StoppedError(_interrupted_message(path or DEFAULT_STATE)) from None
    if path is None:
        DEFAULT_STATE.unlink(missing_ok=True)


def _key_or_random() -> bytes:
    """Return the user's key, or a random one if there is no home folder to keep a key in.

    A state signed with a random key is ignored by the next run, which reads all files again.
    """
    try:
        return state_key()
    except OrgtrailError:
        return secrets.token_bytes(32)


@contextmanager
def _run_state(
    path: Path, trail: str, window: TimeRange, key: bytes | None = None
) -> Iterator[StateFile]:
    state = StateFile(path, trail, key)
    try:
        now = datetime.now(UTC).replace(microsecond=0).isoformat()
        since, until = (each.isoformat() for each in window)
        state.write_facts(since=since, until=until, interrupted=now)
        yield state
        state.write_facts(interrupted="", run=now)
    finally:
        state.close()


def _interrupted_message(path: Path) -> str:
    return f"interrupted; what was verified is kept in {path}: go on with --resume" + (
        "" if path == DEFAULT_STATE else f" --state {path}"
    )


def _digest_fields(digest: ChainDigest) -> list[object]:
    """Return a valid digest as JSON values."""
    before = digest.previous
    times = (digest.named_end, digest.start, digest.end)
    previous = before and (
        before.bucket, before.key, before.hash_value, before.algorithm, before.signature
    )  # fmt: skip
    return [
        digest.bucket, digest.key, digest.backfill, digest.sha256, digest.signature,
        digest.log_count, *(each and each.isoformat() for each in times), previous,
    ]  # fmt: skip


def _digest_of(fields: list[Any]) -> ChainDigest:
    """Create a digest from `_digest_fields`."""
    bucket, key, backfill, sha256, signature, log_count, *times, previous = fields
    named_end, start, end = map(datetime.fromisoformat, times)
    previous = PreviousDigest(*previous) if previous else None
    return ChainDigest(
        bucket, key, named_end, backfill, None, start, end, sha256, signature, previous, log_count
    )
