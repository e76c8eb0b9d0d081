"""The state file of a run: which one is used, and what becomes of it."""

from __future__ import annotations

import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from orgtrail.errors import OrgtrailError, StoppedError
from orgtrail.integrity.memory import State
from orgtrail.integrity.sealing import sealing_key

DEFAULT = Path("orgtrail-verify.state")
"""Where an interrupted run without `--state` leaves what it found."""

Window = tuple[datetime, datetime]


def interrupted_window(path: Path) -> Window:
    """Return the window of the run that was interrupted.

    Raises:
        OrgtrailError: there is no such file, or its run was not interrupted.

    """
    facts = {}
    if path.is_file():
        state = State(path)
        facts = {name: state.fact(name) for name in ("since", "until", "interrupted")}
        state.close()
    since, until = facts.get("since"), facts.get("until")
    if not facts.get("interrupted") or not since or not until:
        raise OrgtrailError(
            f"--resume: {path} holds no interrupted run; leave --resume out to begin anew"
        )
    return datetime.fromisoformat(since), datetime.fromisoformat(until)


@contextmanager
def kept(path: Path | None, trail: str, window: Window, *, resume: bool) -> Iterator[State]:
    """Open the state of a run.

    With a path the file stays. Without one there is a file only if the run is interrupted.

    Args:
        path: the state file; None for none.
        trail: what is verified.
        window: the time that is verified.
        resume: whether to go on from the default file, where no path is given.

    Raises:
        OrgtrailError: the file is none, or that of another trail.
        StoppedError: Ctrl-C, SIGTERM or SIGHUP came; the message says where the state is.

    """
    if path is None and not resume:
        with tempfile.TemporaryDirectory(prefix="orgtrail-") as folder:
            draft = Path(folder) / DEFAULT
            try:
                with _running(draft, trail, window, _key_if_any()) as state:
                    yield state
            except KeyboardInterrupt:
                try:
                    shutil.move(draft, DEFAULT)
                except OSError as error:
                    raise StoppedError(
                        f"interrupted; {DEFAULT} cannot be written here: {error.strerror}; give "
                        "--state FILE to keep what was verified"
                    ) from None
                raise StoppedError(_told(DEFAULT)) from None
        return
    try:
        with _running(path or DEFAULT, trail, window) as state:
            yield state
    except KeyboardInterrupt:
        raise StoppedError(_told(path or DEFAULT)) from None
    if path is None:
        DEFAULT.unlink(missing_ok=True)


def _key_if_any() -> bytes:
    """Return the key that seals state files, or one that nobody else has.

    A run that keeps nothing has to run without a home, too; what it leaves is read again then.
    """
    try:
        return sealing_key()
    except OrgtrailError:
        return secrets.token_bytes(32)


@contextmanager
def _running(path: Path, trail: str, window: Window, key: bytes | None = None) -> Iterator[State]:
    state = State(path, trail, key)
    try:
        now = datetime.now(UTC).replace(microsecond=0).isoformat()
        since, until = (each.isoformat() for each in window)
        state.note(since=since, until=until, interrupted=now)
        yield state
        state.note(interrupted="", run=now)
    finally:
        state.close()


def _told(path: Path) -> str:
    return f"interrupted; what was verified is kept in {path}: go on with --resume" + (
        "" if path == DEFAULT else f" --state {path}"
    )
