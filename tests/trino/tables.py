"""Log files as a table of Trino: what Athena's CloudTrail SerDe does to records is done here."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from orgtrail.logs.files import LogFile
from orgtrail.records import FIELDS, JSON, PARTITIONS, List, Map, Struct, Type
from trino.dbapi import Connection


def write_table(connection: Connection, folder: Path, name: str, files: Iterable[LogFile]) -> str:
    """Make a table of log files in the server's folder; return its name.

    Hive tells which file a record is in, and memory answers faster: the table is a copy, with
    `"$path"` as one more column.
    """
    for number, file in enumerate(files):
        place = folder / name / _partition(file)
        place.mkdir(parents=True, exist_ok=True)
        # The name stays as it is but for its end, that two folders' files never meet.
        lines = [f"{json.dumps(shaped(each), ensure_ascii=False)}\n" for each in _records(file)]
        base = Path(file.path).name.removesuffix(".gz").removesuffix(".json")
        (place / f"{base}.{number}.json").write_text("".join(lines), encoding="utf-8")
    columns = [f"{each.name.lower()} {column(each.type)}" for each in FIELDS]
    columns += [f"{each.name} varchar" for each in PARTITIONS]
    keys = ", ".join(f"'{each.name}'" for each in PARTITIONS)
    does(connection, "CREATE SCHEMA IF NOT EXISTS hive.default")
    does(
        connection,
        f"CREATE TABLE hive.default.{name} ({', '.join(columns)}) WITH (format = 'JSON', "
        f"partitioned_by = ARRAY[{keys}], external_location = 'local:///{name}')",
    )
    does(connection, f"CALL hive.system.sync_partition_metadata('default', '{name}', 'FULL')")
    does(connection, f'CREATE TABLE {name} AS SELECT *, "$path" FROM hive.default.{name}')
    return name


def does(connection: Connection, sql: str) -> None:
    """Have the server do something, to its end."""
    cursor = connection.cursor()
    cursor.execute(sql)
    cursor.fetchall()


def column(kind: Type) -> str:
    """Write a type as Trino does."""
    match kind:
        case Struct(fields):
            inner = ", ".join(f"{name.lower()} {column(each)}" for name, each in fields)
            return f"row({inner})"
        case List(of):
            return f"array({column(of)})"
        case Map():
            return "map(varchar, varchar)"
        case _:
            return "varchar"


def shaped(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record with the table's columns, as the SerDe gives them."""
    return {each.name.lower(): _shaped(record.get(each.name), each.type) for each in FIELDS}


def _shaped(value: Any, kind: Type) -> Any:
    match kind, value:
        case _, None:
            return None
        case Struct(fields), dict():
            return {name.lower(): _shaped(value.get(name), each) for name, each in fields}
        case List(of), list():
            return [_shaped(each, of) for each in value]
        case Map(), dict():
            return {name: _text(each) for name, each in value.items()}
        case str(), _:
            return json.dumps(value, **_COMPACT) if kind == JSON else _text(value)
        case _:
            return None


_COMPACT: dict[str, Any] = {"ensure_ascii": False, "separators": (",", ":")}


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value, **_COMPACT)


def _partition(file: LogFile) -> Path:
    keys = {each.name: getattr(file, each.name) for each in PARTITIONS}
    return Path(*(f"{name}={quote(value, safe='')}" for name, value in keys.items()))


def _records(file: LogFile) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(gzip.decompress(Path(file.path).read_bytes()))[
        "Records"
    ]
    return found
