"""The made-up organization: the real layout, valid digests, and stories that alone are found."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from orgtrail import sample
from orgtrail.errors import OrgtrailError
from orgtrail.logs.bounds import Bounds
from orgtrail.query.questions import pack, query_placeholders
from orgtrail.sample.records import STRANGER
from orgtrail.verify.storage.folder import METADATA_FILE, PUBLIC_KEYS_FILE

from tests.conftest import environment, orgtrail
from tests.log_records import ask

END = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
ENVIRONMENT = environment(catalog={"regions": ["us-east-1", "eu-west-1"]})
PATTERN = re.compile(
    r"AWSLogs/o-examplebank/(\d{12})/CloudTrail/([a-z0-9-]+)/(\d{4}/\d\d/\d\d)/"
    r"\1_CloudTrail_\2_(\d{8})T\d{4}Z_[A-Za-z0-9]{16}\.json\.gz"
)
STRANGE = {
    "account-activity", "coverage", "dynamodb-access", "people", "pipeline-health",
    "principal-activity", "resource-access", "access-key-history", "logging-account-access",
    "role-assumptions",
}  # fmt: skip
"""Questions that ordinary work answers as well."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, sample.Sample]:
    folder = tmp_path_factory.mktemp("sample") / "made"
    return folder, sample.make(folder, ENVIRONMENT, days=2, events_per_day=3000, until=END)


def _records(folder: Path) -> list[dict[str, Any]]:
    return [
        each
        for file in sorted(folder.rglob("*_CloudTrail_*.json.gz"))
        for each in json.loads(gzip.decompress(file.read_bytes()))["Records"]
    ]


def test_files_lie_in_the_real_layout(made: tuple[Path, sample.Sample]) -> None:
    folder, told = made
    names = [
        str(each.relative_to(folder)) for each in folder.rglob("*.json.gz")
        if "CloudTrail-Digest" not in str(each)
    ]  # fmt: skip
    assert len(names) == told.files
    for name in names:
        match = PATTERN.fullmatch(name)
        assert match, name
        assert match[3].replace("/", "") == match[4]


def test_it_has_what_real_buckets_have(made: tuple[Path, sample.Sample]) -> None:
    folder, told = made
    found = _records(folder)
    assert len(found) == told.events
    ids = Counter(each["eventID"] for each in found)
    assert 0 < sum(count > 1 for count in ids.values()) < len(ids) * 0.05
    assert {each["recipientAccountId"] for each in found} == set(ENVIRONMENT.account_ids)
    health = ask(folder, "pipeline-health", bounds=_bounds())
    assert sum(each["late_events"] for each in health) > 0
    assert sum(each["duplicates"] for each in health) == len(found) - len(ids)
    misfiled = [
        each
        for file in folder.rglob("*_CloudTrail_*.json.gz")
        for each in json.loads(gzip.decompress(file.read_bytes()))["Records"]
        if f"/CloudTrail/{each['awsRegion']}/" not in str(file)
    ]
    assert 0 < len(misfiled) < len(found) * 0.05


def test_stories_are_found_and_nothing_else(made: tuple[Path, sample.Sample]) -> None:
    folder, told = made
    planted: dict[str, set[str]] = {}
    for story in told.stories:
        for name in story.queries:
            planted.setdefault(name, set()).update(e.record["eventTime"] for e in story.events)
    told_of_all = {"account-activity", "coverage", "people", "pipeline-health"}
    assert set(planted) | told_of_all == set(pack())
    for name in sorted(set(planted) - STRANGE):
        given = {
            "unused-regions": {"allowed": "us-east-1,eu-west-1"},
            "address-activity": {"address": STRANGER},
        }.get(name, {})
        rows = ask(folder, name, given, _bounds(), query_placeholders(ENVIRONMENT))
        assert rows, name
        times = {
            str(row.get("event_time") or row.get("first_time") or row.get("started")
                or row.get("first_failure"))
            for row in rows
        }  # fmt: skip
        founding = {
            f"{told.start + timedelta(minutes=2, seconds=s):%Y-%m-%dT%H:%M:%SZ}" for s in (0, 4)
        }
        others = {each.record["eventTime"] for story in told.stories for each in story.events}
        assert times <= others | founding, name
        assert times & planted[name], name


def test_each_chain_of_digests_holds(made: tuple[Path, sample.Sample]) -> None:
    folder, told = made
    signatures = json.loads((folder / METADATA_FILE).read_text())
    keys = json.loads((folder / PUBLIC_KEYS_FILE).read_text())
    assert len(signatures) == told.digests
    chains: dict[tuple[str, str], list[str]] = {}
    for name in sorted(signatures):
        parts = name.split("/")
        chains.setdefault((parts[2], parts[4]), []).append(name)
    # Three accounts in two regions, and in one that only a story is in: idle hours have digests.
    assert len(chains) == 3 * 3
    named = []
    for (_, region), names in chains.items():
        previous: tuple[str | None, str | None, str | None] = (None, None, None)
        for name in names:
            body = gzip.decompress((folder / name).read_bytes())
            digest = json.loads(body)
            assert (
                digest["previousDigestS3Object"],
                digest["previousDigestHashValue"],
                digest["previousDigestSignature"],
            ) == previous
            value = hashlib.sha256(body).hexdigest()
            signature = signatures[name]["signature"]
            signed = (
                f"{digest['digestEndTime']}\n{digest['digestS3Bucket']}/{name}\n{value}\n"
                f"{previous[2] or 'null'}"
            )
            key = keys[region]["PublicKeyList"][0]
            der = base64.b64decode(key["Value"])
            assert hashlib.md5(der).hexdigest() == key["Fingerprint"]
            assert key["Fingerprint"] == digest["digestPublicKeyFingerprint"]
            public = serialization.load_der_public_key(der)
            assert isinstance(public, RSAPublicKey)
            public.verify(
                bytes.fromhex(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256()
            )
            for log in digest["logFiles"]:
                text = gzip.decompress((folder / log["s3Object"]).read_bytes())
                assert hashlib.sha256(text).hexdigest() == log["hashValue"]
                named.append(log["s3Object"])
            previous = (name, value, signature)
    assert len(named) == len(set(named))
    # The last hour of a chain is not told of yet.
    assert len(named) > told.files * 0.9


def test_the_same_seed_makes_the_same_logs(tmp_path: Path) -> None:
    def logs(name: str, seed: int) -> dict[str, bytes]:
        folder = tmp_path / name
        sample.make(folder, ENVIRONMENT, days=1, events_per_day=100, seed=seed, until=END)
        return {
            str(each.relative_to(folder)): each.read_bytes()
            for each in folder.rglob("*_CloudTrail_*.json.gz")
        }

    first = logs("a", 1)
    assert first == logs("b", 1)
    assert first != logs("c", 2)


def test_a_folder_with_something_in_it_is_left(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x")
    with pytest.raises(OrgtrailError, match="must be an empty folder"):
        sample.make(tmp_path, ENVIRONMENT)
    assert [each.name for each in tmp_path.iterdir()] == ["mine"]


def test_command_tells_what_it_made(tmp_path: Path) -> None:
    folder = tmp_path / "made"
    done = orgtrail(
        "sample", str(folder), "--env", "envs/fintech.tfvars", "--days", "1",
        "--events-per-day", "200", "--format", "json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["files"] == len([*folder.rglob("*_CloudTrail_*.json.gz")])
    assert {each["name"] for each in told["stories"]} >= {"blinding", "evidence", "role-chain"}


def _bounds() -> Bounds:
    return Bounds(END - timedelta(days=2), END)
