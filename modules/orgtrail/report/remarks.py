"""A reviewer's remarks on controls: a TOML file that each later report takes in.

[[remark]]
control = "NIST 800-53 AU-9"
text = "The change of 2026-11-20 was ticket 4711."
by = "Ann Lee"
on = 2026-11-27
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from datetime import date
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from orgtrail.errors import OrgtrailError
from orgtrail.report.model import Json


class Remark(BaseModel):
    """What somebody says of a control; it changes no verdict."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    control: str = Field(min_length=1)
    """Framework and number as the report writes them, or the number alone."""
    text: str = Field(min_length=1)
    by: str = Field(min_length=1)
    on: date


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    remark: list[Remark] = []


def load_remarks(path: Path) -> tuple[Remark, ...]:
    """Read a file of remarks.

    Raises:
        OrgtrailError: the file cannot be read, is not TOML, or an entry lacks something.

    """
    try:
        found = _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise OrgtrailError(f"{path}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise OrgtrailError(f"{path}: is not TOML: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(each) for each in first["loc"])
        raise OrgtrailError(f"{path}: {place}: {first['msg']}") from None
    return tuple(found.remark)


def with_remarks(rows: Iterable[Json], remarks: Iterable[Remark], path: Path | None) -> list[Json]:
    """Return controls with the remarks on them.

    Args:
        rows: the controls of a report.
        remarks: the remarks; of several on one control, the last counts.
        path: their file, for errors.

    Raises:
        OrgtrailError: a remark names no control of the report.

    """
    found = [dict(each) for each in rows]
    for remark in remarks:
        meant = [each for each in found if remark.control in _names(each)]
        if not meant:
            raise OrgtrailError(
                f"{path}: remark.control must be a control of the report, such as "
                f"NIST 800-53 AU-9; got {remark.control}"
            )
        for each in meant:
            each["remark"] = {"text": remark.text, "by": remark.by, "on": f"{remark.on}"}
    return [{"remark": None, **each} for each in found]


def _names(row: Json) -> set[str]:
    ids = row["id"].split(", ")
    return {row["id"], *ids, *(f"{row['framework']} {each}" for each in (row["id"], *ids))}
