"""Columns of a Glue table, made from the fields of a record."""

from __future__ import annotations

from orgtrail import records
from orgtrail.trail.resource import Json


def columns(*fields: records.Field) -> list[Json]:
    """Return columns for fields."""
    return [
        {"name": each.name.lower(), "type": records.hive(each.type), "comment": each.meaning}
        for each in fields
    ]
