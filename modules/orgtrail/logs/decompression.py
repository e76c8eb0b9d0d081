"""The text of a log file, decompressed: a small file at once, a larger one in pieces.

The first bytes of a file decide how it is decompressed, not its name: a browser that downloads a
log file decompresses it and still calls it `.json.gz`.
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

from orgtrail.records import LARGEST_LOG

SIZE_LIMIT = LARGEST_LOG
"""The most decompressed bytes of one file that are read."""
SMALL = 4 << 20
"""Bytes, compressed and decompressed, up to which a file is read at once."""

_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
"""PowerShell writes UTF-16 when a user redirects with `>`."""
_START = 1 << 10
_PIECE = 1 << 20
_ZSTD_PIECE = 256
"""Compressed bytes of zstd at a time: these can expand to 8 MB, returned as one piece."""
_ZSTD_WINDOW = 32 << 20
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
"""Opening a pipe must not block until somebody writes to it."""


class UnreadableLogError(Exception):
    """A file cannot be read, or not to its end; the message says why."""


class DamagedLogError(UnreadableLogError):
    """The same, but the text that was read before may be wrong as well."""


def read_small(path: str) -> str | None:
    """Return the text of a small, sound file; None if `text_pieces` has to read it."""
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


def text_pieces(path: str) -> Iterator[str]:
    """Yield the text of a file in pieces.

    Raises:
        UnreadableLogError: the file is empty, not a regular file, cut off, too large or not UTF-8.
            Pieces yielded before are sound.
        DamagedLogError: the compressed data is broken, so pieces yielded before may be wrong.

    """
    try:
        handle = os.open(path, _FLAGS)
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise UnreadableLogError("no file: a folder, a pipe or a device")
            yield from _decoded(_limited(_decompressed(file)))
    except OSError as error:
        raise UnreadableLogError(error.strerror or str(error)) from None


def first_bytes(path: str) -> bytes:
    """Return the first decompressed bytes of a file; empty if it cannot be read."""
    try:
        with os.fdopen(os.open(path, _FLAGS), "rb") as file:
            data = file.read(_START)
    except OSError:
        return b""
    try:
        if data.startswith(_GZIP):
            return zlib.decompressobj(wbits=31).decompress(data, _PIECE)
    except zlib.error:
        return b""
    return _unzstd_first(data) if data.startswith(_ZSTD) else data


def is_gzip_as_named(path: str) -> bool:
    """Return False if a file is named `.gz` but is not gzip; True if it cannot be read."""
    with suppress(OSError), Path(path).open("rb") as file:
        return not path.endswith(".gz") or file.read(len(_GZIP)) == _GZIP
    return True


def _decompressed(file: BinaryIO) -> Iterator[bytes]:
    start = file.read(len(_ZSTD))
    if not start:
        raise UnreadableLogError("empty file")
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
                # Junk after a sound member does not make that member wrong.
                kind = UnreadableLogError if members and not size else DamagedLogError
                raise kind(f"broken gzip: {error}") from None
            size += len(part)
            yield part
            data = stream.unused_data if stream.eof else stream.unconsumed_tail
    while not stream.eof:
        if not (part := stream.decompress(b"", _PIECE)):
            raise UnreadableLogError("truncated gzip")
        yield part


def _unzstd_first(data: bytes) -> bytes:
    # Few archives have such files, and what only verifies log files is installed without zstandard.
    import zstandard

    decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
    try:
        return decompressor.decompressobj().decompress(data)[:_PIECE]
    except zstandard.ZstdError:
        return b""


def _unzstd(file: BinaryIO) -> Iterator[bytes]:
    import zstandard

    decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
    stream = decompressor.decompressobj()
    while data := file.read(_ZSTD_PIECE):
        while data:
            if stream.eof:
                stream = decompressor.decompressobj()
            try:
                yield stream.decompress(data)
            except zstandard.ZstdError as error:
                raise DamagedLogError(f"broken zstd: {error}") from None
            data = stream.unused_data if stream.eof else b""
    if not stream.eof:
        raise UnreadableLogError("truncated zstd")


def _limited(parts: Iterator[bytes]) -> Iterator[bytes]:
    size = 0
    for part in parts:
        size += len(part)
        if size > SIZE_LIMIT:
            raise UnreadableLogError(f"more than {SIZE_LIMIT} bytes once unpacked")
        yield part


def _decoded(parts: Iterator[bytes]) -> Iterator[str]:
    start = b""
    for part in parts:
        start += part
        if len(start) > len(codecs.BOM_UTF8):
            break
    mark = next((each for each in _BYTE_ORDER_MARKS if start.startswith(each)), b"")
    encoding = _BYTE_ORDER_MARKS.get(mark, "utf-8")
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        yield decoder.decode(start[len(mark) :])
        for part in parts:
            yield decoder.decode(part)
        yield decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        yield error.object[: error.start].decode(encoding)
        raise UnreadableLogError(f"not {encoding.upper()}") from None
