"""The record schema, held against real CloudTrail records."""

from __future__ import annotations

import json
from typing import Any

import pytest
from orgtrail import records

from tests.conftest import ROOT

DATA = ROOT.parent / "shared" / "data"


def test_types_as_hive_writes_them() -> None:
    kind = records.Struct((("ARN", records.STRING), ("tags", records.List(records.Map()))))
    assert records.hive(kind) == "struct<arn:string,tags:array<map<string,string>>>"


def test_no_field_is_named_twice_whatever_its_case() -> None:
    names = [each.name.lower() for each in (*records.FIELDS, *records.PARTITIONS)]
    assert len(names) == len(set(names))


def test_fields_come_up_to_the_newest_version() -> None:
    versions = {tuple(map(int, each.since.split("."))) for each in records.FIELDS}
    assert max(versions) == tuple(map(int, records.VERSION.split(".")))


def real_records() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for path in sorted(DATA.rglob("*")):
        if path.suffix in (".json", ".cloudtrail") and "opensearch" not in str(path):
            content = json.loads(path.read_text(encoding="utf-8"))
            found += content.get("Records", [content]) if isinstance(content, dict) else content
    return [each for each in found if isinstance(each, dict) and "eventVersion" in each]


@pytest.mark.skipif(not DATA.exists(), reason="needs the real records of ../shared/data")
def test_every_field_of_real_records_has_a_column() -> None:
    known = {each.name.lower(): each.type for each in records.FIELDS}
    everything = real_records()
    assert len(everything) > 1000
    missing = {path for record in everything for path in _unknown(record, known, "")}
    assert missing == set()


def _unknown(value: Any, kinds: dict[str, records.Type], path: str) -> set[str]:
    if not isinstance(value, dict):
        return set()
    missing = set()
    for name, inner in value.items():
        here = f"{path}.{name}" if path else name
        kind = kinds.get(name.lower())
        if kind is None:
            missing.add(here)
        elif isinstance(kind, records.Struct):
            missing |= _unknown(inner, {key.lower(): each for key, each in kind.fields}, here)
        elif isinstance(kind, records.List) and isinstance(kind.of, records.Struct):
            fields = {key.lower(): each for key, each in kind.of.fields}
            for each in inner or []:
                missing |= _unknown(each, fields, f"{here}[]")
    return missing
