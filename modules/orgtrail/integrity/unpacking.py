"""Unpacking gzip as it arrives, to the last byte of its trailer and not one further."""

from __future__ import annotations

import hashlib
import zlib
from enum import StrEnum

_STEP = 1 << 20
"""Bytes that are unpacked at a time, so that a bomb fills no memory."""


class Flaw(StrEnum):
    """What can be wrong with an object's bytes, before anything is compared."""

    MALFORMED = "malformed"
    TRUNCATED = "truncated"
    TRAILING = "trailing-data"
    TOO_LARGE = "too-large"


class FlawedError(Exception):
    """The bytes are not one whole gzip stream.

    Attributes:
        flaw: what is wrong.

    """

    def __init__(self, flaw: Flaw) -> None:
        super().__init__(flaw.value)
        self.flaw = flaw


class Unpacker:
    """Unpacks one gzip stream in pieces, and hashes what was in it.

    Args:
        most: bytes it may hold once unpacked.
        keep: whether to keep them.

    Attributes:
        seen: whether any byte came.

    """

    def __init__(self, most: int, *, keep: bool = False) -> None:
        self._stream = zlib.decompressobj(wbits=31)
        self._hash = hashlib.sha256()
        self._left = most
        self._kept: list[bytes] | None = [] if keep else None
        self.seen = False

    def feed(self, data: bytes) -> None:
        """Take the next bytes.

        Raises:
            FlawedError: they cannot be a part of one gzip stream, or hold too much.

        """
        self.seen = self.seen or bool(data)
        if data and self._stream.eof:
            raise FlawedError(Flaw.TRAILING)
        while not self._stream.eof:
            try:
                part = self._stream.decompress(data, _STEP)
            except zlib.error:
                raise FlawedError(Flaw.MALFORMED) from None
            self._take(part)
            data = self._stream.unconsumed_tail
            if not data and len(part) < _STEP:
                break
        if self._stream.unused_data:
            raise FlawedError(Flaw.TRAILING)

    def _take(self, part: bytes) -> None:
        self._left -= len(part)
        if self._left < 0:
            raise FlawedError(Flaw.TOO_LARGE)
        self._hash.update(part)
        if self._kept is not None:
            self._kept.append(part)

    def finish(self) -> str:
        """Return the SHA-256 of what was in it, in hexadecimal.

        Raises:
            FlawedError: the stream does not end, or was never one.

        """
        if not self._stream.eof:
            raise FlawedError(Flaw.TRUNCATED if self.seen else Flaw.MALFORMED)
        return self._hash.hexdigest()

    @property
    def body(self) -> bytes:
        """What was in it, if it was to be kept."""
        return b"".join(self._kept or ())
