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


def require_known(remarks: Iterable[Remark], controls: Iterable[tuple[str, str]]) -> None:
    """Require that each remark names a control.

    Args:
        remarks: the remarks.
        controls: framework and number of each control that the report will have.

    Raises:
        OrgtrailError: a remark names no control of the report.

    """
    known = {name for each in controls for name in _names(*each)}
    for remark in remarks:
        if remark.control not in known:
            raise OrgtrailError(
                "--remarks: remark.control must be a control of the report, such as "
                f"NIST 800-53 AU-9; got {remark.control}"
            )


def with_remarks(rows: Iterable[Json], remarks: Iterable[Remark]) -> list[Json]:
    """Return controls with the remarks on them; of several on one control, the last counts."""
    said = {remark.control: remark for remark in remarks}
    found = []
    for row in rows:
        mine = [said[name] for name in _names(row["framework"], row["id"]) if name in said]
        remark = mine[-1] if mine else None
        found.append({
            "remark": remark
            and {"text": remark.text, "by": remark.by, "on": f"{remark.on}"},
            **row,
        })  # fmt: skip
    return found


def _names(framework: str, number: str) -> list[str]:
    ids = list(dict.fromkeys([number, *number.split(", ")]))
    return [*ids, *(f"{framework} {each}" for each in ids)]
