"""Rows from Python as a stream that DuckDB scans: Arrow's C interface, with the standard library.

DuckDB takes a stream from Python in this form alone; pyarrow, which has it too, is 170 MB.

- https://arrow.apache.org/docs/format/CDataInterface.html
- https://arrow.apache.org/docs/format/CStreamInterface.html
- https://arrow.apache.org/docs/format/CDataInterface/PyCapsuleInterface.html
"""

from __future__ import annotations

import ctypes
import errno
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from ctypes import CFUNCTYPE, POINTER, c_char_p, c_int, c_int64, c_void_p
from itertools import accumulate, count
from typing import Any

Columns = Sequence[Sequence[Any]]
"""A batch: the values of each column, texts or booleans; none is missing."""

_FORMATS = {str: b"u", bool: b"b"}
_STRUCT = b"+s"
_CAPSULE = b"arrow_array_stream"

_held: dict[int, object] = {}
"""What Arrow's structures point to, by their `private_data`, until their owner releases them."""
_keys = count(1)


class _Schema(ctypes.Structure):
    pass


class _Array(ctypes.Structure):
    pass


class _Stream(ctypes.Structure):
    pass


_ReleaseSchema = CFUNCTYPE(None, POINTER(_Schema))
_ReleaseArray = CFUNCTYPE(None, POINTER(_Array))
_ReleaseStream = CFUNCTYPE(None, POINTER(_Stream))
_GetSchema = CFUNCTYPE(c_int, POINTER(_Stream), POINTER(_Schema))
_GetNext = CFUNCTYPE(c_int, POINTER(_Stream), POINTER(_Array))
_GetLastError = CFUNCTYPE(c_void_p, POINTER(_Stream))
_Destructor = CFUNCTYPE(None, c_void_p)

_Schema._fields_ = [
    ("format", c_char_p),
    ("name", c_char_p),
    ("metadata", c_char_p),
    ("flags", c_int64),
    ("n_children", c_int64),
    ("children", POINTER(POINTER(_Schema))),
    ("dictionary", c_void_p),
    ("release", _ReleaseSchema),
    ("private_data", c_void_p),
]
_Array._fields_ = [
    ("length", c_int64),
    ("null_count", c_int64),
    ("offset", c_int64),
    ("n_buffers", c_int64),
    ("n_children", c_int64),
    ("buffers", POINTER(c_void_p)),
    ("children", POINTER(POINTER(_Array))),
    ("dictionary", c_void_p),
    ("release", _ReleaseArray),
    ("private_data", c_void_p),
]
_Stream._fields_ = [
    ("get_schema", _GetSchema),
    ("get_next", _GetNext),
    ("get_last_error", _GetLastError),
    ("release", _ReleaseStream),
    ("private_data", c_void_p),
]


_capsules: dict[int, _Stream] = {}
"""The streams in capsules, by their address."""


class RowStream:
    """Batches of rows, for `connection.register`.

    DuckDB asks for the stream more than once, and reads batches from one of the answers. An
    exception of the batches ends the stream with an error; the caller knows it better than DuckDB.

    Args:
        columns: the type of each column by its name: `str` or `bool`.
        batches: called when the first batch is asked for.

    """

    def __init__(
        self, columns: Mapping[str, type], batches: Callable[[], Iterable[Columns]]
    ) -> None:
        self._columns, self._batches = columns, batches

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Return a new stream in a capsule, as the PyCapsule interface asks."""
        stream = _Stream(_GET_SCHEMA, _GET_NEXT, _LAST_ERROR, _RELEASE_STREAM)
        stream.private_data = _hold(_Reading(self._columns, self._batches))
        # Whoever reads it moves the structure out of this memory, which lives as the capsule does.
        place = ctypes.addressof(stream)
        _capsules[place] = stream
        return _new_capsule(place, _CAPSULE, _DROP_CAPSULE)


class _Reading:
    """One stream as it is read."""

    def __init__(
        self, columns: Mapping[str, type], batches: Callable[[], Iterable[Columns]]
    ) -> None:
        self.columns, self._start = columns, batches
        self._batches: Iterator[Columns] | None = None

    def next(self) -> Columns | None:
        """Return the next batch; None after the last."""
        if self._batches is None:
            self._batches = iter(self._start())
        return next(self._batches, None)


def _hold(value: object) -> int:
    key = next(_keys)
    _held[key] = value
    return key


def _release(to: Any) -> None:
    """Release a schema or an array with its children, as `release` in their structure."""
    structure = to.contents
    for n in range(structure.n_children):
        child = structure.children[n]
        if child.contents.release:
            child.contents.release(child)
    _held.pop(structure.private_data, None)
    structure.release = type(structure.release)()


def _pointers(children: Sequence[Any], kind: type) -> Any:
    return (POINTER(kind) * len(children))(*map(ctypes.pointer, children))


def _fill_schema(to: Any, columns: Mapping[str, type]) -> None:
    """Describe the columns as fields of a struct."""
    children = []
    for name, type_ in columns.items():
        child = _Schema(format=_FORMATS[type_], name=name.encode(), release=_RELEASE_SCHEMA)
        child.private_data = _hold(None)
        children.append(child)
    fields = _pointers(children, _Schema)
    schema = to.contents
    schema.format, schema.name, schema.metadata, schema.flags = _STRUCT, b"", None, 0
    schema.n_children, schema.children, schema.dictionary = len(children), fields, None
    schema.private_data = _hold((children, fields))
    schema.release = _RELEASE_SCHEMA


def _fill_array(to: Any, columns: Columns, types: Iterable[type]) -> None:
    """Lay a batch out as a struct of its columns, all without a bitmap of missing values."""
    children = [_child(values, type_) for values, type_ in zip(columns, types, strict=True)]
    fields = _pointers(children, _Array)
    whole = to.contents
    _set(whole, len(columns[0]), [None], [children, fields])
    whole.n_children, whole.children = len(children), fields


def _child(values: Sequence[Any], type_: type) -> Any:
    child = _Array()
    if type_ is bool:
        bits = sum(value << n for n, value in enumerate(values))
        data = bits.to_bytes((len(values) + 7) // 8, "little")
        _set(child, len(values), [None, _address(data)], [data])
    else:
        texts = [*map(str.encode, values)]
        ends, data = array("i", accumulate(map(len, texts), initial=0)), b"".join(texts)
        _set(child, len(values), [None, ends.buffer_info()[0], _address(data)], [ends, data])
    return child


def _set(to: Any, length: int, buffers: list[int | None], held: list[object]) -> None:
    pointers = (c_void_p * len(buffers))(*buffers)
    to.length, to.null_count, to.offset, to.n_children = length, 0, 0, 0
    to.n_buffers, to.buffers, to.dictionary = len(buffers), pointers, None
    to.private_data = _hold([pointers, *held])
    to.release = _RELEASE_ARRAY


def _address(data: bytes) -> int | None:
    return ctypes.cast(c_char_p(data), c_void_p).value


def _get_schema(stream: Any, to: Any) -> int:
    reading: Any = _held[stream.contents.private_data]
    _fill_schema(to, reading.columns)
    return 0


def _get_next(stream: Any, to: Any) -> int:
    # An array that is already released is the end, also if a signal interrupts this.
    ctypes.memset(to, 0, ctypes.sizeof(_Array))
    reading: Any = _held[stream.contents.private_data]
    try:
        columns = reading.next()
    except Exception:  # noqa: BLE001  # C takes a number
        return errno.EIO
    if columns is not None:
        _fill_array(to, columns, reading.columns.values())
    return 0


def _last_error(stream: Any) -> int:  # noqa: ARG001  # as Arrow calls it
    return ctypes.addressof(_ERROR)


def _release_stream(stream: Any) -> None:
    _held.pop(stream.contents.private_data, None)
    stream.contents.release = type(stream.contents.release)()


def _drop_capsule(capsule: int) -> None:
    """Release the stream of a capsule that nobody took it out of."""
    stream = _capsules.pop(_pointer_in(capsule, _CAPSULE))
    if stream.release:
        stream.release(ctypes.pointer(stream))


_ERROR = ctypes.create_string_buffer(b"the rows ended with an error")
_RELEASE_SCHEMA = _ReleaseSchema(_release)
_RELEASE_ARRAY = _ReleaseArray(_release)
_GET_SCHEMA = _GetSchema(_get_schema)
_GET_NEXT = _GetNext(_get_next)
_LAST_ERROR = _GetLastError(_last_error)
_RELEASE_STREAM = _ReleaseStream(_release_stream)
_DROP_CAPSULE = _Destructor(_drop_capsule)
_new_capsule = ctypes.PYFUNCTYPE(ctypes.py_object, c_void_p, c_char_p, _Destructor)(
    ("PyCapsule_New", ctypes.pythonapi)
)
_pointer_in = ctypes.PYFUNCTYPE(c_void_p, c_void_p, c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi)
)
