"""What both engines are asked about: a sample, planted records with odd ones, published ones."""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from orgtrail import sample
from orgtrail.environments import load_environment
from orgtrail.logs.bounds import Bounds
from orgtrail.query.questions import query_placeholders

from tests.conftest import ROOT, environment
from tests.log_records import AT, GIVEN, SINCE, UNTIL, Record
from tests.query_cases import HITS, MISSES

PUBLISHED = ROOT.parent / "shared" / "data"
SETS = ("invictus", "opensearch-catalog", "panther", "traildiscover", "umccr")
EXAMPLE = ROOT / "envs" / "healthcare.tfvars"
END = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
"""When the sample ends: a fixed moment, so that each run asks about the same records."""
ACCOUNT = "123456789012"


@dataclass(frozen=True, slots=True)
class Dataset:
    """Log files in the key layout, and what questions about them are given."""

    root: Path
    bounds: Bounds
    facts: dict[str, str]
    given: dict[str, dict[str, str]] = field(default_factory=lambda: GIVEN)


def absent(name: str) -> str:
    """Return why a dataset cannot be had here, empty where it can."""
    if name in SETS and not (PUBLISHED / name).is_dir():
        return f"published records are not beside this repository (../shared/data/{name})"
    return ""


def made(name: str, root: Path) -> Dataset:
    """Write a dataset's log files into a folder."""
    if name == "sample":
        return _sample(root)
    if name == "planted":
        return _planted(root)
    return _published(root, name)


def _sample(root: Path) -> Dataset:
    env = load_environment(EXAMPLE)
    sample.make(root, env, days=2, events_per_day=1000, until=END)
    files = sorted(root.rglob("*_CloudTrail_*.json.gz"))
    records = [
        each for file in files for each in json.loads(gzip.decompress(file.read_bytes()))["Records"]
    ]
    bounds = Bounds(END - timedelta(days=3), END)
    return Dataset(root, bounds, query_placeholders(env), _worth_asking(records))


def _planted(root: Path) -> Dataset:
    hits = [*_apart(HITS, "hit")]
    odd = [*_odd([HITS[name][0][0] for name in sorted(HITS)])]
    records = [*hits, *_apart(MISSES, "miss"), *odd]
    _lay(root, records, "once")
    _lay(root, records[::3], "again", late=timedelta(days=1))
    return Dataset(root, Bounds(SINCE, UNTIL), query_placeholders(environment()))


def _apart(cases: dict[str, list[list[Record]]], kind: str) -> Iterator[Record]:
    """Make the ids of different cases differ; those that are one within a case stay so."""
    for name, groups in sorted(cases.items()):
        for number, group in enumerate(groups):
            for each in group:
                yield each | {"eventID": f"{name} {kind} {number}: {each['eventID']}"}


ODD: tuple[Record, ...] = (
    {"requestParameters": None},
    {"responseElements": None, "errorCode": None, "errorMessage": None},
    {"errorMessage": "Failed; nobody says why"},
    {"errorCode": "AccessDenied", "errorMessage": 'not "allowed"\n\tto do that: \u00e4\U0001f512'},
    {"eventTime": f"{AT:%Y-%m-%dT%H:%M:%S}.123Z"},
    {"eventTime": f"{SINCE:%Y-%m-%dT%H:%M:%SZ}"},
    {"eventTime": f"{UNTIL:%Y-%m-%dT%H:%M:%SZ}"},
    {"eventTime": f"{UNTIL - timedelta(seconds=1):%Y-%m-%dT%H:%M:%SZ}"},
    {"recipientAccountId": ...},
    {"resources": []},
    {"resources": [{"type": "AWS::S3::Object", "ARNPrefix": "arn:aws:s3:::patients/"}]},
    {"resources": [{}, {"ARN": "arn:aws:s3:::patients"}, {"ARN": None, "type": "AWS::S3::Object"}]},
    {"userIdentity": ...},
    {"userIdentity": None},
    {"userIdentity": {"type": "AWSService", "invokedBy": "config.amazonaws.com"}},
    {"userIdentity": {"type": "Unknown", "userName": "HIDDEN_DUE_TO_SECURITY_REASONS"}},
    {"sourceIPAddress": None, "userAgent": None},
    {"readOnly": "true", "managementEvent": False, "eventCategory": "Data"},
    {"readOnly": None, "eventCategory": "Management", "apiVersion": 20260101},
    {"sessionCredentialFromConsole": True, "vpcEndpointId": "vpce-1"},
    {"tlsDetails": {"tlsVersion": "TLSv1.2", "keyExchange": "x25519"}},
    {"serviceEventDetails": {"state": "on"}, "sharedEventID": "shared"},
    {"eventContext": {"requestContext": {"aws:MultiFactorAuthAge": 12, "a": None}}},
    {"awsRegion": "eu-west-1"},
)
"""Changes that real records show; `...` takes a field away."""


def _odd(records: list[Record]) -> Iterator[Record]:
    """Change each record in every odd way, and what it asks for in shape."""
    for number, each in enumerate(records):
        for way, change in enumerate(ODD):
            changed = {
                name: value for name, value in {**each, **change}.items() if value is not ...
            }
            yield changed | {"eventID": f"odd {number} {way}"}
        for name in ("requestParameters", "responseElements", "additionalEventData"):
            for way, value in enumerate(_shapes(each.get(name) or {})):
                yield each | {name: value, "eventID": f"odd {number} {name} {way}"}


SHAPES: tuple[Any, ...] = (None, "", 12, 1.5, True, [], ["a", "b"], {}, {"a": 1, "b": [None]})


def _shapes(value: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Give each member another shape: services name and nest parameters as they like."""
    for name in value:
        yield from ({**value, name: shape} for shape in SHAPES)


def _published(root: Path, name: str) -> Dataset:
    files = sorted(each for each in (PUBLISHED / name).rglob("*") if ".json" in each.name)
    records = [
        each for file in files for each in _found(file.read_text(encoding="utf-8")) if _usable(each)
    ]
    _lay(root, records, "once")
    last = max(map(_moment, records))
    bounds = Bounds(min(map(_moment, records)), last + timedelta(seconds=1))
    return Dataset(root, bounds, query_placeholders(environment()), _worth_asking(records))


def _found(text: str) -> Iterator[Record]:
    """Find the records in JSON, JSON lines, or what is nearly one of them."""
    decoder = json.JSONDecoder()
    at = text.find("{")
    while at >= 0:
        try:
            value, end = decoder.raw_decode(text, at)
        except ValueError:
            end = at + 1
        else:
            yield from value.get("Records") or [value.get("event") or value]
        at = text.find("{", end)


def _usable(record: Record) -> bool:
    at = record.get("eventTime")
    return bool(
        record.get("eventName")
        and isinstance(at, str)
        and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", at)
    )


def _moment(record: Record) -> datetime:
    return datetime.fromisoformat(record["eventTime"])


def _lay(root: Path, records: list[Record], name: str, late: timedelta = timedelta()) -> None:
    """Write a log file for each account, region and day, delivered after its last event."""
    apart: defaultdict[tuple[str, str, str], list[Record]] = defaultdict(list)
    for each in records:
        account = str(each.get("recipientAccountId"))
        account = account if re.fullmatch(r"\d{12}", account) else ACCOUNT
        day = f"{_moment(each) + late:%Y/%m/%d}"
        apart[account, each.get("awsRegion") or "us-east-1", day].append(each)
    for (account, region, day), group in apart.items():
        folder = root / f"AWSLogs/o-examplebank/{account}/CloudTrail/{region}/{day}"
        folder.mkdir(parents=True, exist_ok=True)
        at = max(map(_moment, group)) + late + timedelta(minutes=7)
        file = folder / f"{account}_CloudTrail_{region}_{at:%Y%m%dT%H%MZ}_{name}.json.gz"
        file.write_bytes(gzip.compress(json.dumps({"Records": group}).encode()))


def _worth_asking(records: list[Record]) -> dict[str, dict[str, str]]:
    """Return what questions cannot do without, so that they find something here."""
    identities = [each["userIdentity"] for each in records if each.get("userIdentity")]

    def most(found: Iterator[Any]) -> str:
        return str(Counter(filter(None, found)).most_common(1)[0][0])

    touched = (
        resource.get("ARN")
        for each in records
        for resource in each.get("resources") or []
        if isinstance(resource, dict)
    )
    named = (each.get("arn") for each in identities)
    return GIVEN | {
        "principal-activity": {"principal": most(each.split("/")[-1] for each in named if each)},
        "access-key-history": {"access_key": most(each.get("accessKeyId") for each in identities)},
        "resource-access": {"resource": most(touched)},
        "logging-account-access": {
            "logging": most(each.get("recipientAccountId") for each in records)
        },
    }
