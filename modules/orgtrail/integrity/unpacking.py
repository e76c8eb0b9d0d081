"""Unpacking gzip as it arrives, to the last byte of its trailer and not one further."""

from __future__ import annotations

import hashlib
import zlib
from enum import StrEnum

_STEP = 1 << 20
"""Bytes that are unpacked at a time, so that a bomb fills no memory."""
_JSON = b"{"
"""What a file of CloudTrail begins with, once unpacked."""
_SPACE = b" \t\r\n"
"""What JSON may have before it."""


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
        json: whether to refuse at once what is no JSON object.
        plain: whether JSON that is not packed is taken as it is.

    Attributes:
        seen: whether any byte came.
        packed: bytes that came.
        was_plain: whether it came unpacked.
        body: what was in it, if it was to be kept.

    """

    def __init__(
        self, most: int, *, keep: bool = False, json: bool = False, plain: bool = False
    ) -> None:
        self._stream = zlib.decompressobj(wbits=31)
        self._hash = hashlib.sha256()
        self._left = most
        self._keep = keep
        self._must_be_json = json
        self._may_be_plain = plain
        self.body = bytearray()
        self.seen = False
        self.packed = 0
        self.was_plain = False

    def feed(self, data: bytes) -> None:
        """Take the next bytes.

        Raises:
            FlawedError: they cannot be a part of one gzip stream, or hold too much.

        """
        self.packed += len(data)
        if not self.seen and data:
            self.seen = True
            self.was_plain = self._may_be_plain and data.startswith(_JSON)
        if self.was_plain:
            self._take(data)
            return
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
            self.body.clear()
            raise FlawedError(Flaw.TOO_LARGE)
        self._hash.update(part)
        if part and self._must_be_json:
            self._must_be_json = False
            if not part.lstrip(_SPACE).startswith(_JSON):
                raise FlawedError(Flaw.MALFORMED)
        if self._keep:
            self.body += part

    def finish(self) -> str:
        """Return the SHA-256 of what was in it, in hexadecimal.

        Raises:
            FlawedError: the stream does not end, or was never one.

        """
        if not self.was_plain and not self._stream.eof:
            raise FlawedError(Flaw.TRUNCATED if self.seen else Flaw.MALFORMED)
        return self._hash.hexdigest()
