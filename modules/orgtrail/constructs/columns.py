"""Columns of a Glue table, made from the fields of a record."""

from __future__ import annotations

from orgtrail import records


def columns(*fields: records.Field) -> list[dict[str, str]]:
    """Return columns for fields."""
    # Mappings, not the bindings' class: forty of those cost as much as ten resources.
    return [
        {"name": each.name.lower(), "type": records.hive(each.type), "comment": each.meaning}
        for each in fields
    ]
