"""Seals on what a state file holds (HMAC-SHA-256), and the key, which lies outside the file."""

from __future__ import annotations

import hmac
import os
import secrets
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from orgtrail.errors import OrgtrailError

KEY_VARIABLE = "ORGTRAIL_STATE_KEY"
"""Names the file of the key that seals state files; by default it lies with the user's state."""

_KEY_BYTES = 32
_LONGEST = 1000
"""Characters of a key's file that are read; a key takes 64."""


@dataclass(frozen=True, slots=True)
class Seal:
    """What seals the rows of a run.

    Attributes:
        key: the secret.
        scope: what a row is of: the trail, and where its files were read.

    """

    key: bytes = field(repr=False)
    scope: str

    def of(self, *parts: str) -> str:
        """Return the seal of some texts together."""
        # Each with its length, so that no two lists of texts become the same bytes.
        encoded = [each.encode("utf-8", "surrogatepass") for each in (self.scope, *parts)]
        text = b"".join(b"%d:%b" % (len(each), each) for each in encoded)
        return hmac.digest(self.key, text, "sha256").hex()

    def fits(self, seal: object, *parts: object) -> bool:
        """Tell whether a seal is that of some values, which may be of any type."""
        if not isinstance(seal, str) or not all(isinstance(each, str) for each in parts):
            return False
        return hmac.compare_digest(seal.encode(), self.of(*map(str, parts)).encode())


def sealing_key() -> bytes:
    """Return the user's key that seals state files; it is made where it is absent.

    Raises:
        OrgtrailError: it cannot be read or made, or is none.

    """
    given = os.environ.get(KEY_VARIABLE)
    try:
        path = Path(given) if given else _folder() / "orgtrail" / "state.key"
    except RuntimeError:
        raise OrgtrailError(
            f"there is no home for the key that seals state files: name one by {KEY_VARIABLE}"
        ) from None
    try:
        if not path.exists():
            _make_key(path)
        if not path.is_file():
            raise OrgtrailError(f"{path}: is no key of state files: it is no file")
        with path.open(encoding="ascii") as file:
            key = bytes.fromhex(file.read(_LONGEST))
    except OSError as error:
        raise OrgtrailError(
            f"{path}: cannot be read or made: {error.strerror}; state files are sealed with the "
            f"key in it: name a file that can by {KEY_VARIABLE}"
        ) from None
    except ValueError:
        key = b""
    if len(key) != _KEY_BYTES:
        raise OrgtrailError(f"{path}: is no key of state files; delete it, and a new one is made")
    return key


def _make_key(path: Path) -> None:
    """Write a key, whole or not at all; of two runs at once the first wins."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(prefix=f"{path.name}.", dir=path.parent) as folder:
        draft = Path(folder) / path.name
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_hex(_KEY_BYTES) + "\n", encoding="ascii")
        with suppress(FileExistsError):
            os.link(draft, path)


def _folder() -> Path:
    """Return where programs keep what they need from run to run."""
    if state := os.environ.get("XDG_STATE_HOME"):
        return Path(state)
    if local := os.environ.get("LOCALAPPDATA"):
        return Path(local)
    return Path.home() / ".local" / "state"
