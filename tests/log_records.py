"""How tests ask the pack: records into a folder in the key layout, a query, rows as objects."""

from __future__ import annotations

import copy
import gzip
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from orgtrail.logs.bounds import Bounds
from orgtrail.logs.files import log_files
from orgtrail.query import dialect, local
from orgtrail.query.questions import find_question, query_placeholders
from orgtrail.query.render import to_run

from tests.conftest import environment

AT = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
"""When made-up records of tests happen."""
SINCE, UNTIL = AT - timedelta(hours=1), AT + timedelta(hours=1)
Record = dict[str, Any]
GIVEN: dict[str, dict[str, str]] = {
    "principal-activity": {"principal": "eve"},
    "address-activity": {"address": "192.0.2.1"},
    "access-key-history": {"access_key": "AKIAEVE"},
    "resource-access": {"resource": "patients"},
    "unused-regions": {"allowed": "us-east-1"},
    "unusual-instances": {"allowed": "us-east-1"},
    "logging-account-access": {"logging": "333333333333"},
}
"""What queries cannot do without, for records of `record`."""


def record(action: str, **changes: Any) -> Record:
    """Make a record of an IAM user in production; nested changes are laid over it."""
    service, name = action.split(":")
    base: Record = {
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "IAMUser",
            "arn": "arn:aws:iam::333333333333:user/eve",
            "accountId": "333333333333",
            "accessKeyId": "AKIAEVE",
            "userName": "eve",
        },
        "eventTime": AT.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": f"{service}.amazonaws.com",
        "eventName": name,
        "awsRegion": "us-east-1",
        "sourceIPAddress": "192.0.2.1",
        "requestParameters": {},
        "responseElements": None,
        "readOnly": False,
        "eventType": "AwsApiCall",
        "recipientAccountId": "333333333333",
    }
    found = {**copy.deepcopy(base), **changes}
    found.setdefault("eventID", f"{action}-{json.dumps(changes, sort_keys=True, default=str)}")
    return found


def write_log(root: Path, records: list[Any], *, name: str = "a", at: datetime = AT) -> Path:
    """Write records as one log file of production; return its path."""
    folder = root / f"AWSLogs/o-x/333333333333/CloudTrail/us-east-1/{at:%Y/%m/%d}"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"333333333333_CloudTrail_us-east-1_{at:%Y%m%dT%H%MZ}_{name}.json.gz"
    file.write_bytes(gzip.compress(json.dumps({"Records": records}).encode()))
    return file


def ask(
    root: Path,
    name: str,
    given: Mapping[str, str] | None = None,
    bounds: Bounds | None = None,
    facts: Mapping[str, str] | None = None,
) -> list[dict[str, Any]]:
    """Ask a query of the pack about a folder."""
    limits = bounds or Bounds(SINCE, UNTIL)
    known = query_placeholders(environment()) if facts is None else facts
    sql = to_run(find_question(name), limits, GIVEN.get(name, {}) | dict(given or {}), known)
    with local.query_logs(dialect.parse(sql, name), log_files(root, limits)) as answer:
        columns, rows = answer.rows()
        return [dict(zip(columns, row, strict=True)) for row in rows]
