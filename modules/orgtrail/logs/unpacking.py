"""The text of a log file: a small one whole, any other a piece at a time.

What a file is packed with is told by its first bytes, not by its name: whoever downloads a log
file with a browser gets it unpacked and still called `.json.gz`.
"""

from __future__ import annotations

import codecs
import os
import stat
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import zstandard

from orgtrail.records import LARGEST_LOG

SIZE_LIMIT = LARGEST_LOG
"""Bytes of one file once unpacked that are read."""
SMALL = 4 << 20
"""Bytes, packed and unpacked, of a file that is read whole."""

_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
"""How a text begins that says its encoding; PowerShell writes UTF-16 where a user writes `>`."""
_PIECE = 1 << 20
_MOUTHFUL = 1024
"""Bytes of zstd at a time: a thousand of them can unpack to 32 MB, and nothing sets a limit."""
_ZSTD_WINDOW = 32 << 20
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""Nobody waits for a writer to a pipe."""


class UnreadableError(Exception):
    """Why a file cannot be read, or not further."""


class DamagedError(UnreadableError):
    """The same, where what was read before may be wrong as well."""


def small(path: str) -> str | None:
    """Return the text of a small and sound file; None where `pieces` is to read it."""
    try:
        handle = os.open(path, _FLAGS)
    except OSError:
        return None
    try:
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode) or not 0 < about.st_size <= SMALL:
            return None
        data = os.read(handle, about.st_size + 1)
        if len(data) != about.st_size:
            return None
        if data.startswith(_GZIP):
            stream = zlib.decompressobj(wbits=31)
            data = stream.decompress(data, SMALL + 1)
            if not stream.eof or stream.unused_data or len(data) > min(SMALL, SIZE_LIMIT):
                return None
        return data.decode()
    except (OSError, zlib.error, UnicodeDecodeError):
        return None
    finally:
        os.close(handle)


def pieces(path: str) -> Iterator[str]:
    """Give the text of a file, piece by piece.

    Raises:
        UnreadableError: it is empty, no file, cut off, too large or not UTF-8; also while pieces
            are taken, which are sound then.
        DamagedError: the packing is broken, so that pieces before may be wrong.

    """
    try:
        handle = os.open(path, _FLAGS)
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise UnreadableError("no file: a folder, a pipe or a device")
            yield from _decoded(_limited(_unpacked(file)))
    except OSError as error:
        raise UnreadableError(error.strerror or str(error)) from None


def is_as_named(path: str) -> bool:
    """Whether a file that is called `.gz` is gzip, as far as can be seen."""
    with suppress(OSError), Path(path).open("rb") as file:
        return not path.endswith(".gz") or file.read(len(_GZIP)) == _GZIP
    return True


def _unpacked(file: BinaryIO) -> Iterator[bytes]:
    start = file.read(len(_ZSTD))
    if not start:
        raise UnreadableError("empty file")
    file.seek(0)
    if start.startswith(_GZIP):
        return _gunzipped(file)
    if start == _ZSTD:
        return _unzstd(file)
    return iter(lambda: file.read(_PIECE), b"")


def _gunzipped(file: BinaryIO) -> Iterator[bytes]:
    stream = zlib.decompressobj(wbits=31)
    members = size = 0
    while data := file.read(_PIECE):
        while data:
            if stream.eof:
                stream = zlib.decompressobj(wbits=31)
                members, size = members + 1, 0
            try:
                part = stream.decompress(data, _PIECE)
            except zlib.error as error:
                # What follows a sound member takes nothing from it.
                kind = UnreadableError if members and not size else DamagedError
                raise kind(f"broken gzip: {error}") from None
            size += len(part)
            yield part
            data = stream.unused_data if stream.eof else stream.unconsumed_tail
    while not stream.eof:
        if not (part := stream.decompress(b"", _PIECE)):
            raise UnreadableError("truncated gzip")
        yield part


def _unzstd(file: BinaryIO) -> Iterator[bytes]:
    packing = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
    stream = packing.decompressobj()
    while data := file.read(_MOUTHFUL):
        while data:
            if stream.eof:
                stream = packing.decompressobj()
            try:
                yield stream.decompress(data)
            except zstandard.ZstdError as error:
                raise DamagedError(f"broken zstd: {error}") from None
            data = stream.unused_data if stream.eof else b""
    if not stream.eof:
        raise UnreadableError("truncated zstd")


def _limited(parts: Iterator[bytes]) -> Iterator[bytes]:
    size = 0
    for part in parts:
        size += len(part)
        if size > SIZE_LIMIT:
            raise UnreadableError(f"more than {SIZE_LIMIT} bytes once unpacked")
        yield part


def _decoded(parts: Iterator[bytes]) -> Iterator[str]:
    start = b""
    for part in parts:
        start += part
        if len(start) > len(codecs.BOM_UTF8):
            break
    mark = next((each for each in _MARKS if start.startswith(each)), b"")
    encoding = _MARKS.get(mark, "utf-8")
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        yield decoder.decode(start[len(mark) :])
        for part in parts:
            yield decoder.decode(part)
        yield decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        yield error.object[: error.start].decode(encoding)
        raise UnreadableError(f"not {encoding.upper()}") from None


def beginning(path: str) -> bytes:
    """Return the first bytes of a file, unpacked; none where it cannot be read."""
    try:
        with os.fdopen(os.open(path, _FLAGS), "rb") as file:
            packed = file.read(_MOUTHFUL)
    except OSError:
        return b""
    try:
        if packed.startswith(_GZIP):
            return zlib.decompressobj(wbits=31).decompress(packed, _PIECE)
        if packed.startswith(_ZSTD):
            window = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
            return window.decompressobj().decompress(packed)[:_PIECE]
    except (zlib.error, zstandard.ZstdError):
        return b""
    return packed
