"""The key that signs state files (HMAC-SHA-256); it is stored outside of them."""

from __future__ import annotations

import hmac
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from orgtrail.drafts import draft_folder
from orgtrail.errors import OrgtrailError

KEY_VARIABLE = "ORGTRAIL_STATE_KEY"
"""Environment variable with the key file; by default the key is in the user's state folder."""

_KEY_BYTES = 32
_MAX_KEY_CHARS = 1000
"""Characters read from a key file; a key has 64."""


@dataclass(frozen=True, slots=True)
class StateSigner:
    """Signs the rows of a state file.

    Attributes:
        key: the secret.
        scope: signed with every row: the trail, and where its files were read from.

    """

    key: bytes = field(repr=False)
    scope: str

    def sign(self, *parts: str) -> str:
        """Return the signature of some texts."""
        # With lengths, so that no two lists of texts encode to the same bytes.
        encoded = [each.encode("utf-8", "surrogatepass") for each in (self.scope, *parts)]
        text = b"".join(b"%d:%b" % (len(each), each) for each in encoded)
        return hmac.digest(self.key, text, "sha256").hex()

    def is_valid(self, seal: object, *parts: object) -> bool:
        """Return whether a signature is valid for values, which may have any type."""
        if not isinstance(seal, str) or not all(isinstance(each, str) for each in parts):
            return False
        return hmac.compare_digest(seal.encode(), self.sign(*map(str, parts)).encode())


def state_key() -> bytes:
    """Return the user's key for state files, and create it if there is none.

    Raises:
        OrgtrailError: the key cannot be read or created, or is not valid.

    """
    given = os.environ.get(KEY_VARIABLE)
    try:
        path = Path(given) if given else _state_folder() / "orgtrail" / "state.key"
    except RuntimeError:
        raise OrgtrailError(
            f"there is no home for the key that seals state files: name one by {KEY_VARIABLE}"
        ) from None
    try:
        if not path.exists():
            _create_key(path)
        if not path.is_file():
            raise OrgtrailError(f"{path}: is no key of state files: it is no file")
        with path.open(encoding="ascii") as file:
            key = bytes.fromhex(file.read(_MAX_KEY_CHARS))
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


def _create_key(path: Path) -> None:
    """Create a key file atomically; if two runs do so at once, the first wins."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with draft_folder(path.parent) as folder:
        draft = folder / path.name
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_hex(_KEY_BYTES) + "\n", encoding="ascii")
        with suppress(FileExistsError):
            os.link(draft, path)


def _state_folder() -> Path:
    """Return the user's folder for state that programs keep between runs."""
    if state := os.environ.get("XDG_STATE_HOME"):
        return Path(state)
    if local := os.environ.get("LOCALAPPDATA"):
        return Path(local)
    return Path.home() / ".local" / "state"
