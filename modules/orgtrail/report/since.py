"""What changed since an older report: controls, accesses, accounts, silences and hits."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

from orgtrail.errors import OrgtrailError
from orgtrail.report.model import Json

_DATA = "report.json"
_Key = TypeVar("_Key")


def load_report(path: Path, organization: str) -> Json:
    """Read an older report.

    Args:
        path: its folder, or its `report.json`.
        organization: id of the organization that it must be on.

    Raises:
        OrgtrailError: it cannot be read, is no report, or is on another organization.

    """
    file = path / _DATA if path.is_dir() else path
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise OrgtrailError(f"{file}: cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise OrgtrailError(f"{file}: is not JSON; --diff takes the folder of a report") from None
    if not isinstance(found, dict) or not {"report", "controls", "access"} <= found.keys():
        raise OrgtrailError(f"{file}: is not a report; --diff takes the folder of one")
    about = found["report"]
    of = about.get("organization") if isinstance(about, dict) else None
    if of != organization:
        raise OrgtrailError(
            f"--diff: must be a report on organization {organization}; got one on {of}"
        )
    return found


def changes_since(older: Json, newer: Json) -> Json:
    """Return what differs between two reports.

    Args:
        older: the report before.
        newer: the report after.

    Raises:
        OrgtrailError: the older one is of a version that cannot be compared.

    """
    before = older["report"]
    try:
        return {
            "older": {name: before[name] for name in ("from", "to", "made", "by")},
            "controls": _differing(
                {_control(each): each["verdict"] for each in older["controls"]["rows"]},
                {_control(each): each["verdict"] for each in newer["controls"]["rows"]},
            ),
            "accesses": _differing(
                {_access(each): each["decision"] for each in older["access"]["cells"]},
                {_access(each): each["decision"] for each in newer["access"]["cells"]},
            ),
            "accounts": _differing(_accounts(older), _accounts(newer)),
            "silences": _differing(_silences(older), _silences(newer)),
            "happened": _differing(_counts(older), _counts(newer)),
            "integrity": _differing(
                {"verification": older["integrity"]["verdict"]},
                {"verification": newer["integrity"]["verdict"]},
            ),
        }
    except (KeyError, TypeError, AttributeError):
        raise OrgtrailError(
            f"--diff: the report of {before.get('made')} is of another version of orgtrail and "
            "cannot be compared; make it again from the same logs"
        ) from None


def _differing(before: dict[str, str], after: dict[str, str]) -> list[Json]:
    """Return what has another value, or is on one side only (the other is then empty)."""
    return [
        {"what": name, "before": before.get(name, ""), "after": after.get(name, "")}
        for name in _in_order(before, after)
        if before.get(name, "") != after.get(name, "")
    ]


def _in_order(*names: Iterable[_Key]) -> list[_Key]:
    return list(dict.fromkeys(one for each in names for one in each))


def _control(row: Json) -> str:
    return f"{row['framework']} {row['id']}: {row['title']}"


def _access(cell: Json) -> str:
    return f"{cell['principal']}: {cell['act']} on {cell['resource']}"


def _accounts(report: Json) -> dict[str, str]:
    coverage = report["coverage"]
    return {
        f"account {each['id']}": each["name"] or "not in the environment file"
        for each in (coverage["accounts"] if coverage else ())
    }


def _silences(report: Json) -> dict[str, str]:
    coverage = report["coverage"]
    return {
        f"account {each['id']}": ", ".join(
            one["first"] if one["days"] == 1 else f"{one['first']} to {one['last']}"
            for one in each["silent"]
        )
        for each in (coverage["accounts"] if coverage else ())
    }


def _counts(report: Json) -> dict[str, str]:
    told = report.get("happened") or {"sentences": ()}
    return {each["says"].partition(":")[0]: each["says"] for each in told["sentences"]}
