"""`verify` over HTTP: what is intact is valid, and each kind of damage is told by its name."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from orgtrail.errors import OrgtrailError
from orgtrail.sample.files import SampleDigest
from orgtrail.verify import objects
from orgtrail.verify.result import Result

from tests.archives import (
    ACCOUNT,
    BEGIN,
    BUCKET,
    HOUR,
    OTHER,
    Archive,
    kinds,
    named,
    signing_key,
)


def counts(result: Result) -> tuple[int, int, int, int, int, int]:
    d, g = result.digests, result.logs
    return d.valid, d.invalid, d.unread, g.valid, g.invalid, g.unread


FILES = 32
WHOLE = (12, 0, 0, FILES, 0, 0)
"""Twelve digests, and all the log files that they name."""


def test_an_untouched_archive_is_valid(archive: Archive) -> None:
    for account in (ACCOUNT, OTHER):
        for region in ("us-east-1", "eu-west-1"):
            archive.write(account, region)
    result = archive.verified()
    assert (result.verdict, kinds(result)) == ("valid", {})
    assert (result.chains, result.digests.valid, result.logs.valid) == (4, 48, 4 * FILES)
    assert result.idle == 4
    assert result.unvouched == 0


def test_nothing_is_asked_twice(archive: Archive) -> None:
    archive.write()
    archive.verified()
    objects = [
        each for each in archive.world.asked if ".json.gz" in each and "start-after" not in each
    ]
    assert len(objects) == len(set(objects)) == 12 + FILES
    listings = [each for each in archive.world.asked if "list-type" in each]
    # Accounts, regions by digests and by logs, two days of each; years, months and days.
    assert len(listings) == len(set(listings)) == 1 + 2 + 2 * 2 + 3


def _damage_digest(archive: Archive, digests: list[SampleDigest], data: bytes) -> str:
    archive.rewrite(digests[5].key, data)
    return digests[5].key


def _body(digest: SampleDigest, **changes: Any) -> bytes:
    body = json.loads(gzip.decompress(digest.data))
    body.update(changes)
    return gzip.compress(json.dumps(body).encode())


DIGEST_DAMAGE: dict[str, Callable[[SampleDigest], bytes]] = {
    "digest-malformed": lambda _: b"no gzip",
    "digest-truncated": lambda d: d.data[:-8],
    "digest-trailing-data": lambda d: d.data + b"more",
    "digest-signature": lambda d: _body(d, logFiles=[]),
    "digest-moved": lambda d: _body(d, digestS3Object="AWSLogs/elsewhere"),
    "digest-wrong-account": lambda d: _body(d, awsAccountId="999999999999"),
    "digest-algorithm": lambda d: _body(d, digestSignatureAlgorithm="SHA1withRSA"),
    "digest-unknown-key": lambda d: _body(d, digestPublicKeyFingerprint="0" * 32),
}


@pytest.mark.parametrize("kind", DIGEST_DAMAGE)
def test_a_damaged_digest_is_told_by_its_kind(archive: Archive, kind: str) -> None:
    digests = archive.write()
    key = _damage_digest(archive, digests, DIGEST_DAMAGE[kind](digests[5]))
    result = archive.verified()
    assert result.verdict == "invalid"
    found = [each for each in result.findings if each.kind == kind]
    assert [(each.account, each.region, each.key) for each in found] == [
        (ACCOUNT, "us-east-1", key)
    ]
    assert "version v0 is the signed one" in found[0].detail
    assert result.digests.invalid == 1
    assert result.digests.valid == 11
    # Its log files are vouched for by nothing now, and those of the others are.
    assert result.logs.valid == FILES - len(named(digests[5])) == FILES - result.unvouched
    assert kinds(result).keys() <= {kind, "unvouched-log"}


def test_the_other_ways_to_be_no_digest(archive: Archive) -> None:
    digests = archive.write()
    for number, data in enumerate(
        (
            b"",
            gzip.compress(b"[]"),
            gzip.compress(b"{"),
            gzip.compress(b"[" * 100_000),
            _body(digests[4], logFiles=None),
            _body(digests[5], digestEndTime=5),
            _body(digests[6], previousDigestHashValue=None),
            _body(digests[7], digestStartTime="yesterday"),
        )
    ):
        archive.rewrite(digests[number].key, data)
    result = archive.verified()
    assert kinds(result)["digest-malformed"] == 8
    assert result.digests.invalid == 8


@pytest.mark.parametrize(
    ("metadata", "kind"),
    [
        ({"signature": None}, "digest-unsigned"),
        ({"signature_algorithm": None}, "digest-unsigned"),
        ({"signature_algorithm": "SHA1withRSA"}, "digest-algorithm"),
        ({"signature": "00" * 256}, "digest-signature"),
        ({"signature": "no hexadecimal"}, "digest-signature"),
    ],
)
def test_metadata_is_judged(archive: Archive, metadata: dict[str, str | None], kind: str) -> None:
    digests = archive.write()
    archive.put(digests[5], **metadata)
    result = archive.verified()
    assert result.verdict == "invalid"
    assert kinds(result)[kind] == 1
    assert result.digests.invalid == 1


LOG_DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "log-altered": lambda data: gzip.compress(gzip.decompress(data).replace(b"event", b"Event")),
    "log-malformed": lambda _: b"no gzip",
    "log-truncated": lambda data: data[:-8],
    "log-trailing-data": lambda data: data + gzip.compress(b'{"Records": []}'),
}


@pytest.mark.parametrize("kind", LOG_DAMAGE)
def test_a_damaged_log_is_told_by_its_kind(archive: Archive, kind: str) -> None:
    digests = archive.write()
    key = named(digests[5])[1]
    archive.rewrite(key, LOG_DAMAGE[kind](archive.data(key)))
    result = archive.verified()
    assert (result.verdict, kinds(result)) == ("invalid", {kind: 1})
    assert result.findings[0].key == key
    assert "version v0 is the signed one" in result.findings[0].detail
    assert counts(result) == (12, 0, 0, FILES - 1, 1, 0)


def test_a_bomb_is_not_unpacked(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "LARGEST_LOG", 1 << 20)
    monkeypatch.setattr(objects, "LARGEST_DIGEST", 1 << 20)
    digests = archive.write()
    bomb = gzip.compress(b"0" * (8 << 20))
    archive.rewrite(named(digests[5])[0], bomb)
    archive.rewrite(digests[7].key, bomb)
    result = archive.verified()
    assert result.verdict == "invalid"
    found = kinds(result)
    assert (found["log-too-large"], found["digest-too-large"]) == (1, 1)


def test_an_earlier_version_that_is_no_better_is_said(archive: Archive) -> None:
    digests = archive.write()
    key = named(digests[5])[0]
    archive.world.buckets[BUCKET][key].clear()
    archive.world.put(BUCKET, key, gzip.compress(b"one"))
    archive.world.put(BUCKET, key, gzip.compress(b"two"))
    result = archive.verified()
    assert "no older version of it is the signed one" in result.findings[0].detail


@pytest.mark.parametrize("wholly", [True, False])
def test_a_deleted_log_is_missing(archive: Archive, *, wholly: bool) -> None:
    digests = archive.write()
    key = named(digests[5])[0]
    archive.world.delete(BUCKET, key, wholly=wholly)
    result = archive.verified()
    assert (result.verdict, kinds(result)) == ("invalid", {"log-missing": 1})
    assert counts(result) == (12, 0, 0, FILES - 1, 1, 0)
    hidden = "a delete marker hides it; version v0 is the signed one"
    assert (hidden in result.findings[0].detail) is not wholly


def test_a_deleted_digest_is_missing(archive: Archive) -> None:
    digests = archive.write()
    archive.world.delete(BUCKET, digests[5].key)
    result = archive.verified()
    assert result.verdict == "invalid"
    assert kinds(result)["digest-missing"] == 1
    assert result.digests.invalid == 1


def test_two_deleted_digests_leave_a_gap_too(archive: Archive) -> None:
    # awscli reports one of them.
    digests = archive.write()
    for each in digests[4:6]:
        archive.world.delete(BUCKET, each.key)
    result = archive.verified()
    assert result.verdict == "invalid"
    assert kinds(result)["digest-missing"] == 1
    gap = next(each for each in result.findings if each.kind == "gap")
    files = sum(len(named(each)) for each in digests[4:6])
    assert gap.detail.startswith(
        "2026-03-10T22:20:05Z to 2026-03-11T00:20:05Z is not covered: digests before and after it "
        f"leave it out; {files} log files are in it that no digest covers"
    )


def test_hidden_digests_are_followed_to_the_last(archive: Archive) -> None:
    digests = archive.write()
    for each in digests[4:6]:
        archive.world.delete(BUCKET, each.key, wholly=False)
    result = archive.verified()
    told = [each for each in result.findings if each.kind == "digest-missing"]
    assert [each.key for each in told] == [each.key for each in digests[4:6]]
    assert "version v0 is the signed one" in told[0].detail


def test_a_deleted_tail_is_seen(archive: Archive) -> None:
    # awscli: 9 of 9 valid, exit code 0.
    digests = archive.write()
    for each in digests[-3:]:
        archive.world.delete(BUCKET, each.key)
    result = archive.verified()
    assert result.verdict == "unproven"
    assert kinds(result) == {"ends-early": 1}
    assert "2026-03-11T03:20:05Z to 2026-03-11T05:50:05Z" in result.findings[0].detail
    assert counts(result)[:3] == (9, 0, 0)


def test_a_deleted_tail_is_missing_where_a_later_digest_names_it(archive: Archive) -> None:
    digests = archive.write(hours=20)
    for each in digests[9:12]:
        archive.world.delete(BUCKET, each.key)
    result = archive.verified()
    assert result.verdict == "invalid"
    assert kinds(result)["digest-missing"] == 1
    assert result.digests.valid == 9


def test_all_digests_deleted_is_no_silence(archive: Archive) -> None:
    # awscli: "No digests found", exit code 0.
    archive.write()
    for each in archive.write(OTHER):
        archive.world.delete(BUCKET, each.key)
    result = archive.verified()
    assert (result.verdict, kinds(result)) == ("unproven", {"no-digests": 1})
    finding = result.findings[0]
    assert finding.account == OTHER
    assert "there is no digest of this time; 30 log files are in it" in finding.detail


def test_the_last_digest_before_a_stop_deleted(archive: Archive) -> None:
    # awscli: 8 of 8 valid, and "No log files were delivered" over a time with four.
    digests = archive.write(hours=5)
    archive.write(start=BEGIN + 8 * HOUR, hours=4)
    archive.world.delete(BUCKET, digests[-1].key)
    result = archive.verified()
    assert (result.verdict, kinds(result)) == ("unproven", {"gap": 1})
    detail = result.findings[0].detail
    files = len(named(digests[-1]))
    assert files
    assert "2026-03-10T22:20:05Z to 2026-03-11T02:20:05Z is not covered" in detail
    assert "a new chain begins after it" in detail
    assert f"{files} log files are in it" in detail


def test_a_stop_with_no_file_in_it_is_told_apart(archive: Archive) -> None:
    archive.write(hours=5)
    archive.write(start=BEGIN + 8 * HOUR, hours=4)
    result = archive.verified()
    assert (result.verdict, kinds(result)) == ("unproven", {"gap": 1})
    assert "no log file is in it" in result.findings[0].detail


@pytest.mark.parametrize("minutes", [1, 59])
def test_a_stop_shorter_than_an_hour_is_not_covered(archive: Archive, minutes: int) -> None:
    # awscli: valid. The first digest after it claims the hour in which logging was off.
    archive.write(hours=5)
    off = BEGIN + 5 * HOUR
    archive.write(start=off + timedelta(minutes=minutes), hours=7)
    result = archive.verified()
    assert (result.verdict, kinds(result)) == ("unproven", {"gap": 1})
    assert result.findings[0].detail.startswith(
        f"{off:%Y-%m-%dT%H:%M:%SZ} to {off + timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%SZ} is not "
        "covered: logging or log file validation was off; a new chain begins after it, and the "
        "first digest of a chain covers nothing before its end; no log file is in it"
    )


def test_the_last_digest_before_a_restart_deleted_with_its_logs(archive: Archive) -> None:
    # The first digest of the new chain claims the whole hour, and has nothing in it.
    digests = archive.write(hours=6)
    archive.write(start=BEGIN + 6 * HOUR + timedelta(seconds=9), hours=6)
    for key in (digests[-1].key, *named(digests[-1])):
        archive.world.delete(BUCKET, key)
    result = archive.verified()
    assert (result.verdict, kinds(result)) == ("unproven", {"gap": 1})
    assert "2026-03-10T23:20:05Z to 2026-03-11T00:20:14Z" in result.findings[0].detail


def test_a_window_that_begins_within_the_first_digest_of_a_chain(archive: Archive) -> None:
    archive.write()
    result = archive.verified(since=BEGIN - timedelta(minutes=20))
    assert (result.verdict, kinds(result)) == ("unproven", {"starts-late": 1})
    assert "2026-03-10T18:00:05Z to 2026-03-10T18:20:05Z" in result.findings[0].detail


def test_a_chain_that_begins_within_the_window(archive: Archive) -> None:
    archive.write()
    archive.write(OTHER, start=BEGIN + 6 * HOUR, hours=6)
    result = archive.verified()
    assert (result.verdict, kinds(result)) == ("unproven", {"starts-late": 1})
    joined = {OTHER: BEGIN + 5 * HOUR, ACCOUNT: None}
    assert archive.verified(expected=joined).verdict == "valid"


def test_who_left_and_came_again_is_not_excused(archive: Archive) -> None:
    archive.write(hours=3)
    archive.write(start=BEGIN + 6 * HOUR, hours=6)
    result = archive.verified(expected={ACCOUNT: BEGIN + 5 * HOUR})
    assert (result.verdict, kinds(result)) == ("unproven", {"gap": 1})


@pytest.mark.parametrize(
    ("joined", "verdict"),
    [(None, "unproven"), (BEGIN - 99 * HOUR, "unproven"), (BEGIN + 13 * HOUR, "valid")],
)
def test_a_chain_that_begins_after_the_window(
    archive: Archive, joined: datetime | None, verdict: str
) -> None:
    # It may be new, or all before a restart was deleted: the organization says how old it is.
    archive.write()
    archive.write(OTHER, start=BEGIN + 14 * HOUR, hours=4)
    result = archive.verified(expected={ACCOUNT: None, OTHER: joined})
    assert result.verdict == verdict
    assert kinds(result) == ({"starts-late": 1} if verdict == "unproven" else {})


def test_an_account_that_has_left_is_a_note(archive: Archive) -> None:
    archive.write()
    archive.write(OTHER, start=BEGIN - 99 * HOUR, hours=4)
    assert kinds(archive.verified()) == {"no-digests": 1}
    archive.world.accounts = [{"Id": ACCOUNT, "Status": "ACTIVE"}]
    result = archive.verified()
    assert (result.verdict, result.chains) == ("valid", 1)
    told = f"{OTHER} us-east-1: is of no account of the organization today"
    assert any(each.startswith(told) for each in result.notes)
    assert archive.verified(accounts=frozenset({OTHER})).verdict == "unproven"


def test_a_forged_log_is_told(archive: Archive) -> None:
    # awscli: 44 of 44 valid.
    digests = archive.write()
    key = named(digests[5])[0][:-24] + "forgedforged0000.json.gz"
    archive.world.put(BUCKET, key, gzip.compress(b'{"Records": []}'))
    odd = key.rpartition("/")[0] + "/extra.json.gz"
    archive.world.put(BUCKET, odd, gzip.compress(b'{"Records": []}'))
    result = archive.verified()
    assert (result.verdict, kinds(result)) == ("unproven", {"unvouched-log": 2})
    assert {each.key for each in result.findings} == {key, odd}
    assert counts(result) == WHOLE


def test_a_signed_digest_that_the_next_does_not_vouch_for(archive: Archive) -> None:
    # awscli: 12 of 12 valid.
    digests = archive.write()
    chain = archive.chain(ACCOUNT, "us-east-1")
    start = BEGIN + 5 * HOUR
    other = next(chain.digests([], start, start + HOUR, signing_key("us-east-1"), digests[4]))
    archive.put(other)
    result = archive.verified()
    assert result.verdict == "invalid"
    found = next(each for each in result.findings if each.kind == "digest-link")
    assert found.key == other.key == digests[5].key
    assert digests[6].key in found.detail
    assert result.digests.invalid == 1


@pytest.mark.parametrize("prefix", ["", "audit", "audit/o-examplebank"])
def test_prefixes(archive: Archive, prefix: str) -> None:
    archive.prefix = prefix
    archive.write()
    assert counts(archive.verified()) == WHOLE


def test_keys_rotate(archive: Archive) -> None:
    first = archive.write(hours=6)
    archive.write(start=BEGIN + 6 * HOUR, hours=6, before=first[-1], key=1)
    result = archive.verified()
    assert (result.verdict, counts(result)[:3]) == ("valid", (12, 0, 0))


def test_backfill_digests_vouch_beside_the_chain(archive: Archive) -> None:
    digests = archive.write()
    start = BEGIN + 5 * HOUR
    late = archive.logs(ACCOUNT, "us-east-1", start, start + HOUR, salt="late")
    assert kinds(archive.verified()) == {"unvouched-log": len(late)}
    chain = archive.chain(ACCOUNT, "us-east-1", "_backfill")
    backfill = [*chain.digests(late, start, start + HOUR, signing_key("us-east-1"))]
    assert backfill[0].key == digests[5].key.replace(".json", "_backfill.json")
    archive.put(backfill[0])
    result = archive.verified()
    assert (result.verdict, result.backfills) == ("valid", 1)
    assert counts(result) == (13, 0, 0, FILES + len(late), 0, 0)
    archive.rewrite(backfill[0].key, backfill[0].data + b"0")
    assert archive.verified().verdict == "invalid"


def test_a_bucket_changed_in_mid_chain(archive: Archive) -> None:
    archive.bucket = "example-bank-former"
    first = archive.write(hours=6)
    archive.bucket = BUCKET
    archive.prefix = "audit"
    archive.write(start=BEGIN + 6 * HOUR, hours=6, before=first[-1])
    result = archive.verified()
    assert (result.verdict, result.chains) == ("valid", 1)
    assert result.digests.valid == 12
    archive.bucket = "example-bank-former"
    archive.rewrite(named(first[2])[0], b"damaged")
    archive.bucket = BUCKET
    assert kinds(archive.verified()) == {"log-malformed": 1}


def test_digests_of_another_trail_are_left_alone(archive: Archive) -> None:
    archive.write()
    other = replace(archive.chain(ACCOUNT, "us-east-1"), trail="other")
    for each in other.digests([], BEGIN, BEGIN + 12 * HOUR, signing_key("us-east-1")):
        archive.put(each, signature="00")
    assert counts(archive.verified()) == WHOLE


def test_a_digest_hashed_otherwise(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orgtrail.sample.files.HASH", "MD5")
    archive.write()
    result = archive.verified()
    # Each names the one before by a hash that we do not know.
    assert kinds(result)["digest-algorithm"] == 12


UNREAD = {"403": "denied", "archived": "archived", "503": "throttled", "drop": "unreachable",
          "cut": "unreachable", "500": "unreachable"}  # fmt: skip


@pytest.mark.parametrize("fault", UNREAD)
def test_what_cannot_be_read_is_never_altered(archive: Archive, fault: str) -> None:
    # awscli gives up at the first, and calls a dropped connection an invalid file.
    digests = archive.write()
    log = named(digests[2])[0]
    for key in (digests[5].key, log):
        archive.world.faults[f"/{BUCKET}/{key}"] = [f"always {fault}"]
    result = archive.verified()
    assert result.verdict == "unproven"
    assert kinds(result)[UNREAD[fault]] == 2
    files = len(named(digests[5]))
    assert counts(result) == (11, 0, 1, FILES - 1 - files, 0, 1)
    assert kinds(result).keys() <= {UNREAD[fault], "unvouched-log"}


@pytest.mark.parametrize("fault", ["503", "500", "drop", "cut"])
def test_what_passes_is_tried_again(archive: Archive, fault: str) -> None:
    digests = archive.write()
    for key in (digests[5].key, *named(digests[5])):
        archive.world.faults[f"/{BUCKET}/{key}"] = [fault] * 3
    result = archive.verified()
    assert (result.verdict, counts(result)) == ("valid", WHOLE)


@pytest.mark.parametrize("fault", ["403", "503", "html"])
def test_a_listing_that_fails_is_told(archive: Archive, fault: str) -> None:
    archive.write()
    prefix = f"{archive.root}{ACCOUNT}/CloudTrail-Digest/us-east-1/2026/03/11/"
    archive.world.faults[f"/{BUCKET}?{prefix}"] = [f"always {fault}"]
    result = archive.verified()
    assert result.verdict == "unproven"
    assert kinds(result)["unlisted"] == 1


def test_a_bucket_that_cannot_be_listed_is_an_error(archive: Archive) -> None:
    archive.write()
    archive.world.faults[f"/{BUCKET}?{archive.root}"] = ["always 403"]
    with pytest.raises(OrgtrailError, match="cannot be listed: HTTP 403 AccessDenied"):
        archive.verified()
    del archive.world.buckets[BUCKET]
    archive.world.faults.clear()
    with pytest.raises(OrgtrailError, match="NoSuchBucket"):
        archive.verified()


def test_keys_that_cannot_be_had_leave_digests_unread(archive: Archive) -> None:
    archive.write()
    archive.write(region="eu-west-1")
    del archive.world.keys["eu-west-1"]
    result = archive.verified()
    assert result.verdict == "unproven"
    assert kinds(result)["keys-unavailable"] == 12
    assert "AccessDenied" in next(
        each.detail for each in result.findings if each.kind == "keys-unavailable"
    )
    assert counts(result) == (12, 0, 12, FILES, 0, 0)


def test_accounts_are_compared_with_the_organization(archive: Archive) -> None:
    archive.write()
    archive.world.accounts = [
        {"Id": ACCOUNT, "Status": "ACTIVE"},
        {"Id": OTHER, "Status": "ACTIVE", "JoinedTimestamp": 1577836800},
        {"Id": "444444444444", "Status": "SUSPENDED"},
        {"Id": "555555555555", "Status": "ACTIVE", "JoinedTimestamp": 1893456000},
    ]
    result = archive.verified()
    assert result.verdict == "unproven"
    assert [(each.account, each.kind) for each in result.findings] == [(OTHER, "account-absent")]
    assert archive.verified(accounts=frozenset({ACCOUNT})).verdict == "valid"


def test_the_environments_accounts_are_expected(archive: Archive) -> None:
    archive.write()
    result = archive.verified(expected={ACCOUNT: None, OTHER: None})
    assert kinds(result) == {"account-absent": 1}
    assert any("ListAccounts" in note for note in result.notes)


def test_filters(archive: Archive) -> None:
    for account in (ACCOUNT, OTHER):
        for region in ("us-east-1", "eu-west-1"):
            archive.write(account, region)
    assert archive.verified(accounts=frozenset({OTHER})).chains == 2
    only = archive.verified(accounts=frozenset({OTHER}), regions=frozenset({"eu-west-1"}))
    assert (only.chains, counts(only)) == (1, WHOLE)


def test_young_files_are_not_missed_yet(archive: Archive) -> None:
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=6, minutes=30)
    archive.write(start=start, hours=5)
    # What is delivered now stands in no digest so far.
    archive.logs(ACCOUNT, "us-east-1", start + 5 * HOUR, datetime.now(UTC))
    now = datetime.now(UTC)
    assert archive.verified(since=start + HOUR, until=now).verdict == "valid"


def test_nothing_to_verify_is_not_valid(archive: Archive) -> None:
    archive.world.buckets[BUCKET] = {}
    assert archive.verified().verdict == "unproven"


def test_several_processes_say_the_same(archive: Archive) -> None:
    for account in (ACCOUNT, OTHER):
        for region in ("us-east-1", "eu-west-1"):
            archive.write(account, region)
    digests = archive.write("444444444444")
    archive.rewrite(named(digests[5])[0], b"damaged")
    archive.world.delete(BUCKET, digests[8].key)
    alone, together = archive.verified(), archive.verified(processes=2)
    assert alone.to_dict() == together.to_dict()
    assert alone.verdict == "invalid"


def test_one_request_at_a_time_is_enough(archive: Archive) -> None:
    archive.write()
    archive.world.peak = 0
    assert archive.verified(workers=1).verdict == "valid"


def test_findings_without_end_are_counted(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orgtrail.verify.day._MAX_FINDINGS", 3)
    digests = archive.write()
    files = [key for each in digests for key in named(each)]
    for key in files:
        archive.rewrite(key, b"damaged")
    result = archive.verified()
    assert result.logs.invalid == len(files) == FILES
    told = [each for each in result.findings if each.key]
    assert len(told) == 6
    assert sorted(each.detail.partition(",")[0] for each in result.findings if not each.key) == [
        "10 more on 2026-03-10",
        "16 more on 2026-03-11",
    ]


def test_hashes_are_of_what_was_packed(archive: Archive) -> None:
    """Packed anew with the same content, a file is the same file, as AWS defines it."""
    digests = archive.write()
    key = named(digests[5])[0]
    body = gzip.decompress(archive.data(key))
    archive.rewrite(key, gzip.compress(body, 1))
    assert archive.verified().verdict == "valid"
    assert hashlib.sha256(body).hexdigest() in gzip.decompress(digests[5].data).decode()


def test_a_worker_that_ends_is_told_in_plain_words(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It is no traceback, and no group of exceptions.
    monkeypatch.setattr("orgtrail.verify.workers._COMMAND", ("-m", "orgtrail.nothing"))
    for account in (ACCOUNT, OTHER):
        archive.write(account)
    with pytest.raises(OrgtrailError, match="a worker of verify has ended; run again"):
        archive.verified(processes=3)
