"""Log files as rows for DuckDB, and the account of what could be read.

A small file of a trail goes on as it is, which is fastest. Every other one is cut into its
records, and each goes on alone: what is wrong with one then takes nothing from the others.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import pyarrow as pa

from orgtrail.logs import shapes, unpacking
from orgtrail.logs.files import LogFile
from orgtrail.logs.shapes import Records
from orgtrail.logs.unpacking import DamagedError, UnreadableError

SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("path", "account", "region", "day", "body")),
        ("alone", pa.bool_()),
    ]
)
"""A file or one record of it; `alone` says which."""
_BATCH_ROWS, _BATCH_SIZE = 1024, 2 << 20
_LARGE = 1 << 20
_DENSE = 8
"""A text of fewer characters to each value than that takes DuckDB far more memory than its size."""
_RECORDS = '"Records"'
_TRAIL = re.compile(r'\s*\{\s*"Records"\s*:\s*\[')
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)

Row = tuple[str, str, str, str, str, bool]
Progress = Callable[[int], None]


@dataclass(slots=True)
class Reading:
    """What was read for an answer.

    Of a file that is cut off or breaks off, all records that came before are taken, and it is
    among `unread` with that said. Of one whose packing is damaged none is taken, since what came
    before may have been changed as well.

    Attributes:
        files: how many files were looked at.
        events: how many records they hold.
        unread: why each file that could not be read, or not wholly, could not.
        odd: records that are none, by file: no objects, or without eventName.
        undated: calls without a time, by file: no question about a period sees them.
        aggregated: summaries of data events, which are no calls.
        insights: events of CloudTrail Insights, which are no calls either.
        digests: digest files, which are no log files.
        outside: files called as log files are that lie outside of the archive's layout; they
            were not looked at.

    """

    files: int = 0
    events: int = 0
    unread: dict[str, str] = field(default_factory=dict)
    odd: dict[str, int] = field(default_factory=dict)
    undated: dict[str, int] = field(default_factory=dict)
    aggregated: int = 0
    insights: int = 0
    digests: int = 0
    outside: list[str] = field(default_factory=list)


class Source:
    """Batches of rows that keep what stops them, Ctrl-C too: DuckDB would tell it its own way.

    Args:
        files: the files to read.
        reading: is told what could be read.
        progress: is told how many files were read, now and then.
        again: whether the files were read before, and are to be cut into their records now.

    Attributes:
        stopped_by: what stopped them.
        damaged: files whose records are not to be taken.

    """

    def __init__(
        self,
        files: Iterable[LogFile],
        reading: Reading,
        progress: Progress = lambda _: None,
        *,
        again: bool = False,
    ) -> None:
        """Begin before the first file."""
        self.stopped_by: BaseException | None = None
        self.damaged: list[str] = []
        self._files, self._reading, self._progress = files, reading, progress
        self._again = again

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Give the batches."""
        try:
            yield from self._batches()
        except GeneratorExit:
            raise
        except BaseException as error:  # noqa: BLE001  # whoever reads the batches raises it again
            self.stopped_by = error

    def _batches(self) -> Iterator[pa.RecordBatch]:
        rows: list[Row] = []
        size = 0
        for row in self._rows():
            size += len(row[4])
            if rows and (len(rows) >= _BATCH_ROWS or size > _BATCH_SIZE):
                yield _batch(rows)
                rows, size = [], len(row[4])
                self._progress(self._reading.files)
            rows.append(row)
        if rows:
            yield _batch(rows)
        self._progress(self._reading.files)

    def _rows(self) -> Iterator[Row]:
        for file in self._files:
            if not self._again:
                self._reading.files += 1
                body = unpacking.small(file.path)
                if body is not None and _is_plain(body, file) and _is_storable(file.path):
                    yield file.path, file.account, file.region, file.day, body, False
                    continue
            for record in self._cut(file):
                body = f'{{"Records":[{mended(record)}]}}'
                yield file.path, file.account, file.region, file.day, body, True

    def _cut(self, file: LogFile) -> Iterator[str]:
        """Give a file's records, and note what is wrong with it."""
        if not _is_storable(file.path):
            self._reading.unread[file.path] = "its name is not UTF-8"
            return
        found = Records(unpacking.pieces(file.path))
        said = ""
        try:
            yield from found
        except DamagedError as error:
            self._reading.unread[file.path] = str(error)
            self.damaged.append(file.path)
            return
        except UnreadableError as error:
            said = str(error)
        if found.large:
            many = f"{found.large} records of more than {shapes.RECORD_LIMIT} characters"
            said = f"{said}; {many}" if said else many
        if said and found.taken:
            said += f"; {found.taken} of its records were read"
        if not said and not found.taken:
            said = _without(found, file)
        if said:
            self._reading.unread[file.path] = said
        elif found.strangers:
            self._reading.odd[file.path] = found.strangers
        if not file.account:
            self._reading.digests += found.digests


def mended(record: str) -> str:
    """Return a record that DuckDB takes: half a character of UTF-16 is none to it.

    CloudTrail cuts long values and may cut one in half.
    """
    if "\\ud" in record or "\\uD" in record:
        record = _ESCAPE.sub(lambda each: r"\ufffd" if each["lone"] else each[0], record)
    return record if record.isascii() else record.encode("utf-8", "replace").decode()


def _without(found: Records, file: LogFile) -> str:
    """Say why a file has no records; empty where it may have none."""
    if found.digests and file.account:
        return "a digest file among the log files"
    if found.strangers:
        said = "" if unpacking.is_as_named(file.path) else "not gzip, and "
        return f"{said}no CloudTrail records in it"
    return "" if found.lists or found.digests else "nothing in it"


def _is_plain(body: str, file: LogFile) -> bool:
    """Whether a file is one of a trail: DuckDB would read one list of several alone."""
    if body.count(_RECORDS) != 1:
        return False
    if len(body) > _LARGE and sum(map(body.count, ",[{")) * _DENSE > len(body):
        return False
    return bool(file.account) or _TRAIL.match(body) is not None


def _is_storable(path: str) -> bool:
    return path.isascii() or not any("\ud800" <= each <= "\udfff" for each in path)


def _batch(rows: list[Row]) -> pa.RecordBatch:
    return pa.record_batch([pa.array(each) for each in zip(*rows, strict=True)], schema=SCHEMA)
