"""Reads log files: as batches of rows for DuckDB, or the raw text of single records.

A small file of a trail is passed on as it is, which is fastest. Every other file is split into
its records, and each is passed on separately, so that a broken record does not affect the others.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field

from orgtrail.logs import decompression, formats
from orgtrail.logs.arrow import Columns
from orgtrail.logs.decompression import DamagedLogError, UnreadableLogError
from orgtrail.logs.files import LogFile
from orgtrail.logs.formats import RecordReader
from orgtrail.logs.json_scanner import member

COLUMNS = {**dict.fromkeys(("path", "account", "region", "day", "body"), str), "alone": bool}
"""One row for a file, or for one record of it; `alone` says which."""
_BATCH_ROWS, _BATCH_SIZE = 1024, 2 << 20
_LARGE = 1 << 20
_DENSE = 8
"""With fewer characters per value, DuckDB needs far more memory than the text's size."""
_RECORDS = '"Records"'
_TRAIL = re.compile(r'\s*\{\s*"Records"\s*:\s*\[')
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
_EVENT_ID = re.compile(r'"eventID"\s*:\s*"([^"\\]*)"')

Row = tuple[str, str, str, str, str, bool]
Progress = Callable[[int], None]


@dataclass(slots=True)
class ReadReport:
    """What was read, and what could not be.

    If a file is cut off or broken, all records before that point are used, and `unread` says so.
    If its compressed data is damaged, none is used, since earlier records may be wrong as well.

    Attributes:
        files: how many files were opened.
        events: how many records they contain.
        unread: for each file that could not be read, or not completely, the reason.
        odd: by file, the number of values that are not records: not objects, or without eventName.
        undated: by file, the number of calls without a time; no time range contains them.
        aggregated: the number of summaries of data events, which are not calls.
        insights: the number of CloudTrail Insights events, which are not calls either.
        digests: the number of digest files, which are not log files.
        outside: files that may be log files but are outside of the archive's layout; they were
            not opened.

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

    @property
    def is_complete(self) -> bool:
        """Whether every record was read, and is in some time range."""
        return not (self.unread or self.odd or self.undated or self.outside)


class BatchReader:
    """Yields batches of rows; keeps the exception that stops it, since DuckDB would hide it.

    Args:
        files: the files to read.
        report: updated with what could be read.
        progress: called from time to time with the number of files read.
        again: whether this is the second pass, which splits every file into its records.

    Attributes:
        stopped_by: the exception that stopped it, KeyboardInterrupt included.
        damaged: files with records that must not be used.

    """

    def __init__(
        self,
        files: Iterable[LogFile],
        report: ReadReport,
        progress: Progress = lambda _: None,
        *,
        again: bool = False,
    ) -> None:
        """Start before the first file."""
        self.stopped_by: BaseException | None = None
        self.damaged: list[str] = []
        self._files, self._report, self._progress = files, report, progress
        self._again = again
        self._is_stopping = False

    def stop(self) -> None:
        """End after the record that is being read, as if it were the last."""
        self._is_stopping = True

    def __iter__(self) -> Iterator[Columns]:
        """Yield the batches."""
        try:
            yield from self._batches()
        except GeneratorExit:
            raise
        except BaseException as error:  # noqa: BLE001  # the caller raises it again
            self.stopped_by = error

    def _batches(self) -> Iterator[Columns]:
        rows: list[Row] = []
        size = 0
        for row in self._rows():
            if self._is_stopping:
                return
            size += len(row[4])
            if rows and (len(rows) >= _BATCH_ROWS or size > _BATCH_SIZE):
                yield [*zip(*rows, strict=True)]
                rows, size = [], len(row[4])
                self._progress(self._report.files)
            rows.append(row)
        if rows:
            yield [*zip(*rows, strict=True)]
        self._progress(self._report.files)

    def _rows(self) -> Iterator[Row]:
        for file in self._files:
            if not self._again:
                self._report.files += 1
                body = decompression.read_small(file.path)
                if body is not None and _is_plain(body, file) and _is_storable(file.path):
                    yield file.path, file.account, file.region, file.day, body, False
                    continue
            for record in self._records(file):
                body = f'{{"Records":[{mend_surrogates(record)}]}}'
                yield file.path, file.account, file.region, file.day, body, True

    def _records(self, file: LogFile) -> Iterator[str]:
        """Yield a file's records, and report what is wrong with it."""
        if not _is_storable(file.path):
            self._report.unread[file.path] = "its name is not UTF-8"
            return
        reader = RecordReader(decompression.text_pieces(file.path))
        reason = ""
        try:
            yield from reader
        except DamagedLogError as error:
            self._report.unread[file.path] = str(error)
            self.damaged.append(file.path)
            return
        except UnreadableLogError as error:
            reason = str(error)
        if reader.large:
            many = f"{reader.large} records of more than {formats.RECORD_LIMIT} characters"
            reason = f"{reason}; {many}" if reason else many
        if reason and reader.taken:
            reason += f"; {reader.taken} of its records were read"
        if not reason and not reader.taken:
            reason = _why_empty(reader, file)
        if reason:
            self._report.unread[file.path] = reason
        elif reader.non_records:
            self._report.odd[file.path] = reader.non_records
        if not file.account:
            self._report.digests += reader.digests


def mend_surrogates(record: str) -> str:
    """Replace the lone UTF-16 surrogates of a record, since DuckDB refuses them.

    CloudTrail truncates long values and may split a surrogate pair.
    """
    if "\\ud" in record or "\\uD" in record:
        record = _ESCAPE.sub(lambda each: r"\ufffd" if each["lone"] else each[0], record)
    return record if record.isascii() else record.encode("utf-8", "replace").decode()


def _why_empty(reader: RecordReader, file: LogFile) -> str:
    """Return why a file has no records; empty if it may have none."""
    if reader.digests and file.account:
        return "a digest file among the log files"
    if reader.non_records:
        prefix = "" if decompression.is_gzip_as_named(file.path) else "not gzip, and "
        return f"{prefix}no CloudTrail records in it"
    return "" if reader.lists or reader.digests else "nothing in it"


def _is_plain(body: str, file: LogFile) -> bool:
    """Return whether DuckDB can read a file as it is: it has one list, and is not too dense."""
    if body.count(_RECORDS) != 1:
        return False
    if len(body) > _LARGE and sum(map(body.count, ",[{")) * _DENSE > len(body):
        return False
    return bool(file.account) or _TRAIL.match(body) is not None


def _is_storable(path: str) -> bool:
    return path.isascii() or not any("\ud800" <= each <= "\udfff" for each in path)


def raw_records(files: Iterable[LogFile], ids: Collection[str]) -> Iterator[str]:
    """Yield the text of the records with certain eventIDs, once each, in the order of the files.

    The text is the file's, character by character. From event history or EventBridge it is the
    record inside the event; a CloudTrail Lake row without eventJson is assembled from its columns,
    since CloudTrail's text is not there.

    Args:
        files: the files to search; `LocalResult.paths` names those that are needed.
        ids: the eventIDs. A file that cannot be read, or not to its end, yields what it can.

    """
    wanted = {*ids}
    for file in files:
        if not wanted:
            return
        body = decompression.read_small(file.path)
        if body is not None and not _may_contain(body, wanted):
            continue
        pieces = decompression.text_pieces(file.path) if body is None else iter((body,))
        try:
            for text in RecordReader(pieces):
                if _may_contain(text, wanted) and (found := _event_id(text)) in wanted:
                    wanted.remove(found)
                    yield text
        except UnreadableLogError:
            # The query that returned the ids has reported it.
            continue


def _may_contain(text: str, wanted: set[str]) -> bool:
    """Return, by a cheap check, whether a text may have a wanted record; it may have escapes."""
    return (
        "\\u" in text or "CloudTrailEvent" in text or not wanted.isdisjoint(_EVENT_ID.findall(text))
    )


def _event_id(text: str) -> str:
    """Return a record's own eventID; nested objects may have others."""
    try:
        value = member(text, "eventID")
        return str(json.loads(value, strict=False)) if value.startswith('"') else value
    except (UnreadableLogError, ValueError):
        return ""
