"""What `verify` says of an archive that somebody cut, filled up or stood in front of."""

from __future__ import annotations

import base64
import gzip
import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from orgtrail.errors import OrgtrailError
from orgtrail.sample.files import SampleDigest
from orgtrail.verify.digest import DigestFile as Parsed
from orgtrail.verify.digest import parse
from orgtrail.verify.findings import VerifyFinding
from orgtrail.verify.missing import MissingRegion, missing_region_findings
from orgtrail.verify.names import ChainId
from orgtrail.verify.result import Note, Result
from orgtrail.verify.run import verify
from orgtrail.verify.state import open_state
from orgtrail.verify.storage import s3
from orgtrail.verify.storage.s3_api import InvalidResponseError, parse_objects_page

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

MINUTE = timedelta(minutes=1)
FORGED = gzip.compress(b'{"Records": []}')


def forged(archive: Archive, name: str, folder: str = "2026/03/10") -> str:
    """Return the key of a log file that CloudTrail did not write."""
    return (
        f"{archive.root}{ACCOUNT}/CloudTrail/us-east-1/{folder}/"
        f"{ACCOUNT}_CloudTrail_us-east-1_{name}Z_forgedforged0000.json.gz"
    )


# Added files ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["20200101T0530", "20300101T0530", "20260309T2300", "20260311T0300", "20269999T9999"]
)
def test_a_forged_log_whose_name_is_of_another_day(archive: Archive, name: str) -> None:
    archive.write()
    key = forged(archive, name)
    archive.world.put(BUCKET, key, FORGED)
    result = archive.verified()
    assert result.verdict == "unproven"
    assert [(each.kind, each.key) for each in result.findings] == [("unvouched-log", key)]
    # It is in no other window than those of its folder's day and of its name.
    later = archive.verified(since=BEGIN + 6 * HOUR, until=BEGIN + 7 * HOUR)
    assert later.verdict == "valid"


ODD_PLACES = (
    "CloudTrail/us-east-1/2026/03/1/{name}",
    "CloudTrail/us-east-1/2026/3/10/{name}",
    "CloudTrail/us-east-1/2026/03/32/{name}",
    "CloudTrail/us-east-1/2026/02x/10/{name}",
    "CloudTrail/us-east-1/26/03/10/{name}",
    "CloudTrail/us-east-1/9999/03/10/{name}",
    "CloudTrail/us-east-1//2026/03/10/{name}",
    "CloudTrail/us-east-1/2026/{name}",
    "CloudTrail/us-east-1/2026/03/{name}",
    "CloudTrail/us-east-1/{name}",
    "CloudTrail/us-east-1/2026/03/10/deeper/{name}",
    "CloudTrail/us-east-1/2026/03/10/",
    "CloudTrail/us-east-1/2026/03/10/x/",
    "CloudTrail/us-east-1/2026/03/",
    "CloudTrail/us-east-1/2026/",
    "CloudTrail/us-east-1/",
    "CloudTrail/US-EAST-1/2026/03/10/{name}",
    "CloudTrail/us_east_1/{name}",
    "CloudTrail/{name}",
    "CloudTrail/",
)


@pytest.mark.parametrize("place", ODD_PLACES)
def test_a_forged_log_in_an_odd_place(archive: Archive, place: str) -> None:
    archive.write()
    name = f"{ACCOUNT}_CloudTrail_us-east-1_20260310T2200Z_forgedforged0000.json.gz"
    key = f"{archive.root}{ACCOUNT}/{place.format(name=name)}"
    archive.world.put(BUCKET, key, FORGED)
    result = archive.verified()
    assert result.verdict == "unproven"
    assert [(each.kind, each.key) for each in result.findings] == [("unvouched-log", key)]
    assert result.to_dict()["findings"][0]["account"] == ACCOUNT


def test_a_forged_log_below_no_account(archive: Archive) -> None:
    archive.write()
    keys = [f"{archive.root}{name}" for name in ("1111/CloudTrail/x.json.gz", "y.json.gz")]
    for key in keys:
        archive.world.put(BUCKET, key, FORGED)
    result = archive.verified()
    assert {each.key for each in result.findings} == {*keys}
    assert archive.verified(accounts=frozenset({ACCOUNT})).verdict == "valid"


def test_a_folder_without_content_is_no_file(archive: Archive) -> None:
    archive.write()
    for place in ("CloudTrail/", "CloudTrail/us-east-1/", "CloudTrail/us-east-1/2026/03/10/"):
        archive.world.put(BUCKET, f"{archive.root}{ACCOUNT}/{place}", b"")
    assert archive.verified().verdict == "valid"


def test_a_log_of_another_account_or_region_in_the_folder(archive: Archive) -> None:
    archive.write()
    key = forged(archive, "20260310T2200")
    for old, new in ((f"/{ACCOUNT}_", f"/{OTHER}_"), ("_us-east-1_", "_eu-west-1_")):
        archive.world.put(BUCKET, key.replace(old, new), FORGED)
    assert kinds(archive.verified()) == {"unvouched-log": 2}


@pytest.mark.parametrize("minute", range(-45, 30, 5))
def test_no_minute_falls_between_two_windows(archive: Archive, minute: int) -> None:
    archive.write()
    cut = BEGIN.replace(second=0) + 6 * HOUR
    at = cut + minute * MINUTE
    key = forged(archive, f"{at:%Y%m%dT%H%M}", f"{at:%Y/%m/%d}")
    archive.world.put(BUCKET, key, FORGED)
    found = [
        [each.key for each in archive.verified(since=since, until=until).findings]
        for since, until in (
            (BEGIN + 10 * MINUTE, cut),
            (cut, BEGIN + 11 * HOUR + 30 * MINUTE),
        )
    ]
    assert found == ([[key], [key]] if minute == 0 else [[key], []] if minute < 0 else [[], [key]])


def test_a_log_that_the_digest_after_the_window_names_is_vouched_for(archive: Archive) -> None:
    # Delivered fourteen minutes after the minute in its name, in the hour after the window's last.
    until = BEGIN + 3 * HOUR
    late = archive.logs(ACCOUNT, "us-east-1", until - 12 * MINUTE, until)
    file, value = late[0]
    moved = replace(file, at=until + 4 * MINUTE)
    first = archive.write(hours=3)
    chain = archive.chain(ACCOUNT, "us-east-1")
    signer = signing_key("us-east-1")
    for each in chain.digests([(moved, value)], until, until + 3 * HOUR, signer, first[-1]):
        archive.put(each)
    end = until - 8 * MINUTE
    assert archive.verified(until=end).verdict == "valid"
    assert kinds(archive.verified(until=end - HOUR)) == {}


# Taken away -------------------------------------------------------------------------------------


def _wipe(archive: Archive, account: str, region: str, *, wholly: bool) -> None:
    for kind in ("CloudTrail", "CloudTrail-Digest"):
        prefix = f"{archive.root}{account}/{kind}/{region}/"
        for key in [*archive.world.buckets[BUCKET]]:
            if key.startswith(prefix):
                archive.world.delete(BUCKET, key, wholly=wholly)


@pytest.mark.parametrize("wholly", [True, False])
def test_a_region_of_one_account_deleted(archive: Archive, *, wholly: bool) -> None:
    for account in (ACCOUNT, OTHER):
        for region in ("us-east-1", "eu-west-1"):
            archive.write(account, region)
    _wipe(archive, OTHER, "eu-west-1", wholly=wholly)
    result = archive.verified()
    assert result.verdict == "unproven"
    found = [(each.account, each.region, each.kind) for each in result.findings]
    assert found == [(OTHER, "eu-west-1", "region-absent")]
    why = "other accounts have digests of it" if wholly else "hidden by delete markers"
    assert why in result.findings[0].detail


def test_an_account_hidden_that_nobody_expects(archive: Archive) -> None:
    for account in (ACCOUNT, OTHER):
        archive.write(account)
    _wipe(archive, OTHER, "us-east-1", wholly=False)
    result = archive.verified()
    assert [(each.account, each.kind) for each in result.findings] == [(OTHER, "account-absent")]
    assert archive.verified(accounts=frozenset({ACCOUNT})).verdict == "valid"
    archive.world.accounts = [{"Id": ACCOUNT, "Status": "ACTIVE"}]
    result = archive.verified()
    assert result.verdict == "valid"
    assert any(each.startswith(f"{OTHER}: is of no account") for each in result.notes)


def test_a_region_of_all_accounts_hidden(archive: Archive) -> None:
    for region in ("us-east-1", "eu-west-1"):
        archive.write(region=region)
    _wipe(archive, ACCOUNT, "eu-west-1", wholly=False)
    assert kinds(archive.verified()) == {"region-absent": 1}


def test_a_region_of_all_accounts_that_the_file_names(archive: Archive) -> None:
    archive.write()
    asked = frozenset({"us-east-1", "eu-west-1"})
    result = archive.verified(known_regions=asked)
    assert [(each.region, each.kind) for each in result.findings] == [
        ("eu-west-1", "region-absent")
    ]
    assert archive.verified(known_regions=asked, multi_region=False).verdict == "valid"
    assert archive.verified(known_regions=asked, regions=frozenset({"us-east-1"})).verdict == (
        "valid"
    )


def test_a_region_that_a_later_window_knows(archive: Archive) -> None:
    archive.write()
    archive.write(region="eu-west-1", start=BEGIN + 20 * HOUR, hours=4)
    result = archive.verified()
    assert [(each.region, each.kind) for each in result.findings] == [("eu-west-1", "starts-late")]


def test_the_home_region_is_known(archive: Archive) -> None:
    archive.write(region="eu-west-1")
    assert kinds(archive.verified()) == {"region-absent": 1}
    assert archive.verified(regions=frozenset({"eu-west-1"})).verdict == "valid"


def test_what_nothing_can_know_is_said(archive: Archive) -> None:
    archive.write()
    result = archive.verified()
    assert result.verdict == "valid"
    assert any(
        each.startswith("regions that no account has cannot be seen") for each in result.notes
    )


def test_a_region_of_choice_that_is_not_enabled(archive: Archive) -> None:
    for account in (ACCOUNT, OTHER):
        archive.write(account)
    archive.write(region="ap-east-1")
    result = archive.verified()
    assert kinds(result) == {"region-absent": 1}
    assert "whether it is enabled in the account is not known" in result.findings[0].detail
    archive.world.regions = {OTHER: ["us-east-1"]}
    result = archive.verified()
    assert result.verdict == "valid"
    assert f"{OTHER} ap-east-1: the region is not enabled in the account" in result.notes
    archive.world.regions = {OTHER: ["us-east-1", "ap-east-1"]}
    assert kinds(archive.verified()) == {"region-absent": 1}


@pytest.mark.parametrize("left", ["Config/us-east-1/a.json.gz", "CloudTrail-Insight/b.json.gz"])
def test_an_account_whose_folder_something_else_keeps_alive(archive: Archive, left: str) -> None:
    for account in (ACCOUNT, OTHER):
        archive.write(account)
    _wipe(archive, OTHER, "us-east-1", wholly=True)
    archive.world.put(BUCKET, f"{archive.root}{OTHER}/{left}", b"{}")
    result = archive.verified(expected={ACCOUNT: None, OTHER: None})
    assert [(each.account, each.kind) for each in result.findings] == [(OTHER, "account-absent")]


def test_logs_of_digests_that_no_listing_has_are_read(archive: Archive) -> None:
    digests = archive.write()
    hidden = digests[4:7]
    for each in hidden:
        archive.world.unlisted.add(each.key)
    result = archive.verified()
    files = sum(len(named(each)) for each in digests)
    assert (result.verdict, result.digests.valid, result.logs.valid) == ("valid", 12, files)
    archive.rewrite(named(hidden[1])[0], FORGED)
    result = archive.verified()
    assert (result.verdict, kinds(result)) == ("invalid", {"log-altered": 1})


def test_the_same_log_named_with_two_hashes(archive: Archive) -> None:
    digests = archive.write(hours=3)
    body = json.loads(gzip.decompress(digests[1].data))
    file = body["logFiles"][0]
    signer = signing_key("us-east-1")
    chain = archive.chain(ACCOUNT, "us-east-1")
    start = BEGIN + 3 * HOUR
    again = archive.logs(ACCOUNT, "us-east-1", start, start + HOUR)[0][0]
    twice = replace(again, name=file["s3Object"].removeprefix(archive.root))
    for each in chain.digests([(twice, "0" * 64)], start, start + 9 * HOUR, signer, digests[-1]):
        archive.put(each)
    result = archive.verified(until=start + 30 * MINUTE)
    assert result.verdict == "invalid"
    assert kinds(result)["log-conflict"] == 1


# Listings ---------------------------------------------------------------------------------------


def test_a_listing_is_judged() -> None:
    def listing(inner: str) -> bytes:
        return f"<ListBucketResult>{inner}</ListBucketResult>".encode()

    whole = "<IsTruncated>false</IsTruncated>"
    entry = "<Contents><Key>a+b%2Bc</Key><Size>{}</Size></Contents>"
    assert [each.key for each in parse_objects_page(listing(whole + entry.format(1))).objects] == [
        "a b+c"
    ]
    for text in (
        listing(entry.format(1)),
        listing("<IsTruncated>true</IsTruncated>"),
        listing(whole + entry.format("many")),
        listing(whole + entry.format("-1")),
        listing(whole + entry.format("²")),
        listing(whole + "<Contents><Size>1</Size></Contents>"),
        b"<html>",
        b'<?xml version="1.0" encoding="nothing"?><ListBucketResult/>',
        b"<Error/>",
    ):
        with pytest.raises(InvalidResponseError):
            parse_objects_page(text)


@pytest.mark.parametrize("fault", ["cut-list", "same-token", "no-token", "strange", "unsorted"])
def test_a_listing_that_is_not_whole_is_unlisted(archive: Archive, fault: str) -> None:
    archive.write()
    for kind in ("CloudTrail", "CloudTrail-Digest"):
        prefix = f"{archive.root}{ACCOUNT}/{kind}/us-east-1/2026/03/11/"
        archive.world.faults = {f"/{BUCKET}?{prefix}": [f"always {fault}"]}
        result = archive.verified()
        assert result.verdict == "unproven", kind
        assert kinds(result)["unlisted"] == 1


def test_a_listing_that_is_cut_once_is_asked_for_again(archive: Archive) -> None:
    archive.write()
    prefix = f"{archive.root}{ACCOUNT}/CloudTrail-Digest/us-east-1/2026/03/11/"
    archive.world.faults = {f"/{BUCKET}?{prefix}": ["cut-list"]}
    assert archive.verified().verdict == "valid"


def test_a_burst_of_refusals_at_the_start(archive: Archive) -> None:
    archive.write()
    archive.world.burst = 11
    assert archive.verified().verdict == "valid"


@pytest.mark.parametrize("prefix", ["audit trail", "a+b", "ä/é", "100%"])
def test_a_prefix_that_is_encoded(archive: Archive, prefix: str) -> None:
    archive.prefix = prefix
    archive.write()
    assert archive.verified().verdict == "valid"


# What stands between ----------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["html", "html-404", "xml-404"])
def test_the_answer_of_a_proxy_is_not_s3s(archive: Archive, fault: str) -> None:
    digests = archive.write()
    for key in (digests[5].key, named(digests[2])[0]):
        archive.world.faults[f"/{BUCKET}/{key}"] = [f"always {fault}"]
    result = archive.verified()
    assert result.verdict == "unproven"
    assert kinds(result)["unreachable"] == 2
    assert kinds(result).keys() <= {"unreachable", "unvouched-log"}
    detail = next(each.detail for each in result.findings if each.kind == "unreachable")
    assert "without S3's own headers: something between answers in its place" in detail


STEPS = {
    "expired": ("credentials", "renew the credentials"),
    "skewed": ("clock-skew", "set the clock of this machine"),
    "key-disabled": ("key-unusable", "the KMS key cannot be used"),
    "403": ("denied", "allow s3:GetObject"),
    "denied-by-scp": ("denied", "a statement of a service control policy denies it"),
}


@pytest.mark.parametrize("fault", STEPS)
def test_the_next_step_is_the_causes(archive: Archive, fault: str) -> None:
    digests = archive.write()
    kind, step = STEPS[fault]
    archive.world.faults[f"/{BUCKET}/{named(digests[2])[0]}"] = [f"always {fault}"]
    result = archive.verified()
    assert (result.verdict, kinds(result)) == ("unproven", {kind: 1})
    detail = result.findings[0].detail
    assert step in detail
    assert ("allow s3:GetObject" in detail) == (fault == "403")


def test_the_key_is_throttled_in_its_own_way(archive: Archive) -> None:
    digests = archive.write()
    archive.world.faults[f"/{BUCKET}/{named(digests[2])[0]}"] = ["kms-throttled"] * 3
    assert archive.verified().verdict == "valid"


# Keys -------------------------------------------------------------------------------------------


def test_a_key_that_is_none_is_left_out_and_named(archive: Archive) -> None:
    archive.write()
    elliptic = ec.generate_private_key(ec.SECP256R1()).public_key()
    der = elliptic.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    archive.world.keys["us-east-1"] += [
        {"Value": "AAAA", "Fingerprint": "0123"},
        {"Value": base64.b64encode(der).decode()},
    ]
    result = archive.verified()
    assert result.verdict == "valid"
    assert any("of us-east-1, 0123, number 3: a Value is no RSA key" in n for n in result.notes)
    # Whatever is signed with a key of which nothing is known may be signed with that one.
    archive.world.keys["us-east-1"] = archive.world.keys["us-east-1"][1:]
    archive.world.keys["us-east-1"].append(signing_key("us-east-1", 1).public)
    result = archive.verified()
    assert (result.verdict, kinds(result)["keys-unavailable"]) == ("unproven", 12)


def test_no_key_at_all(archive: Archive) -> None:
    archive.write()
    archive.world.keys["us-east-1"] = []
    result = archive.verified()
    assert (result.verdict, kinds(result)["keys-unavailable"]) == ("unproven", 12)
    assert "ListPublicKeys names no key of us-east-1" in result.findings[0].detail


def test_a_region_whose_keys_cannot_be_asked_for(archive: Archive) -> None:
    archive.write()
    archive.world.key_error = "UnrecognizedClientException"
    detail = archive.verified().findings[0].detail
    assert "the region is not enabled for these credentials" in detail
    assert "cloudtrail:ListPublicKeys" not in detail
    archive.world.key_error = "AccessDeniedException"
    assert "allow cloudtrail:ListPublicKeys" in archive.verified().findings[0].detail


# Bytes ------------------------------------------------------------------------------------------


def _rewritten(digest: SampleDigest, change: Callable[[dict[str, Any]], None]) -> bytes:
    body = json.loads(gzip.decompress(digest.data))
    change(body)
    return gzip.compress(json.dumps(body).encode())


def test_half_a_character_in_a_digest(archive: Archive) -> None:
    digests = archive.write()
    data = gzip.decompress(digests[5].data).replace(b'"SHA-256"', b'"\\ud800"', 1)
    archive.rewrite(digests[5].key, gzip.compress(data))
    result = archive.verified()
    assert result.verdict == "invalid"
    assert kinds(result)["digest-malformed"] == 1


def test_a_large_digest_is_parsed_only_if_cloudtrail_signed_it(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    from orgtrail.verify import digest, objects

    digests = archive.write()
    monkeypatch.setattr(digest, "_MAX_UNVERIFIED", 100)
    monkeypatch.setattr(objects, "_LARGE_DIGEST", 200)
    parsed: list[int] = []

    def counted(body: bytearray) -> Parsed:
        parsed.append(len(body))
        return parse(body)

    monkeypatch.setattr(digest, "parse", counted)
    assert archive.verified().verdict == "valid"
    assert len(parsed) == 12
    parsed.clear()
    archive.rewrite(
        digests[5].key, _rewritten(digests[5], lambda body: body.update(more=[[]] * 1000))
    )
    archive.rewrite(digests[6].key, gzip.compress(b"[" + b"0," * 1000 + b"0]"))
    monkeypatch.setattr(objects, "_MAX_VERSIONS", 0)
    result = archive.verified()
    assert kinds(result)["digest-signature"] == 1
    assert kinds(result)["digest-malformed"] == 1
    assert len(parsed) == 10


def test_all_versions_that_were_not_read_are_counted(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    from orgtrail.verify import objects

    digests = archive.write()
    key = named(digests[5])[0]
    for number in range(15):
        archive.rewrite(key, gzip.compress(f"{number}".encode()))
    assert "version v0 is the signed one" in archive.verified().findings[0].detail
    monkeypatch.setattr(objects, "_MAX_VERSIONS", 10)
    assert (
        "none of its 10 newest older versions is the signed one, and 5 more were not read"
        in archive.verified().findings[0].detail
    )


# Windows ----------------------------------------------------------------------------------------


def test_a_window_in_the_future_says_so(archive: Archive) -> None:
    archive.write()
    now = datetime.now(UTC)
    result = archive.verified(since=now + HOUR, until=now + 2 * HOUR)
    assert result.verdict == "unproven"
    assert "the window is in the future" in result.findings[0].detail
    result = archive.verified(since=now - HOUR, until=now)
    assert "the window begins within the last two hours" in result.findings[0].detail


def test_what_is_not_due_is_said(archive: Archive) -> None:
    start = datetime.now(UTC).replace(microsecond=0) - 6 * HOUR
    archive.write(start=start, hours=5)
    result = archive.verified(since=start + HOUR, until=datetime.now(UTC))
    assert result.verdict == "valid"
    assert any("so that no minute is left out, begin the next window" in n for n in result.notes)


# Copies -----------------------------------------------------------------------------------------


def copied(archive: Archive, root: Path, *, by_bucket: bool = False, only: str = "") -> Path:
    """Write what is in the buckets into a folder, as `aws s3 sync` would."""
    metadata: dict[str, dict[str, str]] = {}
    for bucket, objects in archive.world.buckets.items():
        if only and bucket != only:
            continue
        base = root / bucket if by_bucket else root
        for key, versions in objects.items():
            newest = versions[-1]
            if newest.data is None:
                continue
            path = base / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(newest.data)
            if newest.metadata:
                metadata[key] = newest.metadata
    (root / "digest-metadata.json").write_text(json.dumps(metadata))
    keys = {region: {"PublicKeyList": found} for region, found in archive.world.keys.items()}
    (root / "public-keys.json").write_text(json.dumps(keys))
    return root


@pytest.mark.parametrize("prefix", ["", "audit"])
@pytest.mark.parametrize("by_bucket", [True, False])
def test_a_trail_that_moved_in_a_copy(tmp_path: Path, prefix: str, *, by_bucket: bool) -> None:
    archive = Archive(bucket="example-bank-former")
    first = archive.write(hours=6)
    archive.bucket, archive.prefix = BUCKET, prefix
    archive.write(start=BEGIN + 6 * HOUR, hours=6, before=first[-1])
    whole = copied(archive, tmp_path / "whole", by_bucket=by_bucket)
    result = archive.verified(logs=whole)
    assert (result.verdict, kinds(result)) == ("valid", {})
    assert result.digests.valid == 12
    alone = copied(archive, tmp_path / "alone", by_bucket=by_bucket, only=BUCKET)
    result = archive.verified(logs=alone)
    assert result.verdict == "unproven"
    assert kinds(result) == {"not-in-copy": 1, "starts-late": 1} or kinds(result) == {
        "not-in-copy": 1,
        "gap": 1,
    }
    assert "the copy has nothing of the bucket example-bank-former" in next(
        each.detail for each in result.findings if each.kind == "not-in-copy"
    )
    # In a copy of one bucket, what lacks of it lacks.
    archive.world.delete(BUCKET, next(key for key in archive.world.names(BUCKET) if "_Cl" in key))
    again = copied(archive, tmp_path / "again", by_bucket=by_bucket)
    assert archive.verified(logs=again).verdict == "invalid"


@pytest.mark.parametrize("suffix", [".gz", ""])
def test_a_copy_that_was_unpacked(archive: Archive, tmp_path: Path, suffix: str) -> None:
    digests = archive.write()
    copied(archive, tmp_path)
    for path in [*tmp_path.rglob("*.json.gz")]:
        body = gzip.decompress(path.read_bytes())
        path.unlink()
        path.with_suffix(suffix).write_bytes(body)
    result = archive.verified(logs=tmp_path)
    assert (result.verdict, kinds(result)) == ("valid", {})
    files = sum(len(named(each)) for each in digests)
    assert any(f"{12 + files} files of the copy are unpacked" in each for each in result.notes)
    path = (tmp_path / named(digests[5])[0]).with_suffix(suffix)
    path.write_bytes(path.read_bytes().replace(b"event", b"Event"))
    assert kinds(archive.verified(logs=tmp_path)) == {"log-altered": 1}


def test_what_is_no_file_in_a_copy(archive: Archive, tmp_path: Path) -> None:
    digests = archive.write()
    copied(archive, tmp_path)
    log = tmp_path / named(digests[5])[0]
    log.unlink()
    os.mkfifo(log)
    result = archive.verified(logs=tmp_path)
    assert (result.verdict, kinds(result)) == ("unproven", {"unreachable": 1})
    assert "is no file: a folder, a pipe or a device" in result.findings[0].detail
    log.unlink()
    log.symlink_to("nowhere")
    assert kinds(archive.verified(logs=tmp_path)) == {"log-missing": 1}
    log.unlink()
    log.symlink_to(log.parent)
    assert archive.verified(logs=tmp_path).verdict == "unproven"
    log.unlink()
    log.symlink_to(log.name)
    assert archive.verified(logs=tmp_path).verdict in {"unproven", "invalid"}


@pytest.mark.parametrize("kept", [5, {"signature": 5}, {"signature": ["a"]}, []])
def test_metadata_that_is_no_text(archive: Archive, tmp_path: Path, kept: object) -> None:
    digests = archive.write()
    copied(archive, tmp_path)
    path = tmp_path / "digest-metadata.json"
    told = json.loads(path.read_text())
    told[digests[5].key] = kept
    path.write_text(json.dumps(told))
    result = archive.verified(logs=tmp_path)
    assert (result.verdict, kinds(result)["metadata-unavailable"]) == ("unproven", 1)


def test_files_that_nest_too_deep(archive: Archive, tmp_path: Path) -> None:
    archive.write()
    copied(archive, tmp_path)
    deep = "[" * 200_000
    for name in ("digest-metadata.json", "public-keys.json"):
        path = tmp_path / name
        before = path.read_text()
        path.write_text(deep)
        with pytest.raises(OrgtrailError, match=name):
            archive.verified(logs=tmp_path)
        path.unlink()
        os.mkfifo(path)
        with pytest.raises(OrgtrailError, match=f"{name}: cannot be read: is no file"):
            archive.verified(logs=tmp_path)
        path.unlink()
        path.write_text(before)


def test_a_name_that_is_no_text(archive: Archive, tmp_path: Path) -> None:
    archive.write()
    copied(archive, tmp_path)
    folder = tmp_path / f"{archive.root}{ACCOUNT}/CloudTrail/us-east-1/2026/03/10"
    (folder / os.fsdecode(b"\xff\xfe.json.gz")).write_bytes(FORGED)
    result = archive.verified(logs=tmp_path)
    assert kinds(result) == {"unvouched-log": 1}
    assert result.findings[0].key.endswith("/\\udcff\\udcfe.json.gz")


# What a stranger found --------------------------------------------------------------------------


@pytest.mark.parametrize("left", ["", "Config/x"])
def test_an_account_that_an_earlier_run_knew(archive: Archive, tmp_path: Path, left: str) -> None:
    archive.world.versioned = False
    for account in (ACCOUNT, OTHER):
        archive.write(account)

    def run() -> Result:
        result, request = Result(), archive.request()
        window = (request.since, request.until)
        with open_state(tmp_path / "a.state", request.trail.arn, window, resume=False) as state:
            for event in verify(request, state):
                result.add(event)
        return result

    assert run().verdict == "valid"
    _wipe(archive, OTHER, "us-east-1", wholly=True)
    if left:
        archive.world.put(BUCKET, f"{archive.root}{OTHER}/{left}", b"{}")
    result = run()
    assert [(each.account, each.kind) for each in result.findings] == [(OTHER, "account-absent")]
    archive.world.accounts = [{"Id": ACCOUNT, "Status": "ACTIVE"}]
    assert run().verdict == "valid"


def test_a_closed_account_hidden(archive: Archive) -> None:
    for account in (ACCOUNT, OTHER):
        archive.write(account)
    archive.world.accounts = [
        {"Id": ACCOUNT, "Status": "ACTIVE"},
        {"Id": OTHER, "Status": "SUSPENDED"},
    ]
    assert archive.verified().verdict == "valid"
    _wipe(archive, OTHER, "us-east-1", wholly=False)
    assert kinds(archive.verified()) == {"account-absent": 1}


def test_what_a_lifecycle_hid_years_ago_is_no_finding(archive: Archive) -> None:
    archive.write()
    for account, region in ((ACCOUNT, "ap-east-1"), (OTHER, "us-east-1")):
        key = f"{archive.root}{account}/CloudTrail-Digest/{region}/2021/01/01/x.json.gz"
        archive.world.put(BUCKET, key, b"")
        archive.world.delete(BUCKET, key, wholly=False)
    assert archive.verified().verdict == "valid"


def test_versions_without_end_leave_it_unproven(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive.write()
    monkeypatch.setattr(s3, "_MAX_VERSION_PAGES", 0)
    result = archive.verified()
    assert (result.verdict, kinds(result)) == ("unproven", {"unlisted": 2})


@pytest.mark.parametrize("place", ["us-east-1/2026/03/{}", "us-east-1/{}", "US-EAST-1/{}", "{}"])
def test_a_forged_log_in_an_odd_place_of_the_former_bucket(archive: Archive, place: str) -> None:
    archive.bucket = "example-bank-former"
    first = archive.write(hours=6)
    key = f"{archive.root}{ACCOUNT}/CloudTrail/{place.format('forged.json.gz')}"
    archive.world.put(archive.bucket, key, FORGED)
    archive.bucket = BUCKET
    archive.write(start=BEGIN + 6 * HOUR, hours=6, before=first[-1])
    result = archive.verified()
    assert [(each.kind, each.key) for each in result.findings] == [("unvouched-log", key)]


def test_a_forged_log_in_the_former_bucket_in_the_hour_of_the_move(archive: Archive) -> None:
    archive.bucket = "example-bank-former"
    first = archive.write(hours=6)
    move = BEGIN + 6 * HOUR
    key = forged(archive, f"{move + 20 * MINUTE:%Y%m%dT%H%M}", f"{move:%Y/%m/%d}")
    archive.world.put(archive.bucket, key, FORGED)
    archive.bucket = BUCKET
    archive.write(start=move, hours=6, before=first[-1])
    since = move + 5 * MINUTE
    assert archive.verified(until=since).verdict == "valid"
    assert kinds(archive.verified(since=since)) == {"unvouched-log": 1}


def test_the_last_digest_exchanged(archive: Archive) -> None:
    # It is CloudTrail's, and the first digest after the window vouches for another.
    digests = archive.write()
    chain, signer = archive.chain(ACCOUNT, "us-east-1"), signing_key("us-east-1")
    start = BEGIN + 5 * HOUR
    other = next(chain.digests([], start, start + HOUR, signer, digests[4]))
    archive.put(other)
    for key in named(digests[5]):
        archive.world.delete(BUCKET, key)
    result = archive.verified(until=start + 30 * MINUTE)
    assert (result.verdict, kinds(result)) == ("invalid", {"digest-link": 1})


def test_a_backfill_digest_that_no_listing_has_covers_nothing(archive: Archive) -> None:
    archive.write(hours=5)
    archive.write(start=BEGIN + 6 * HOUR, hours=6)
    chain, signer = archive.chain(ACCOUNT, "us-east-1", "_backfill"), signing_key("us-east-1")
    backfills = [*chain.digests([], BEGIN + 4 * HOUR, BEGIN + 7 * HOUR, signer)]
    for each in backfills:
        archive.put(each)
    archive.world.unlisted.add(backfills[1].key)
    result = archive.verified()
    assert (result.verdict, kinds(result), result.backfills) == ("unproven", {"gap": 1}, 3)


@pytest.mark.parametrize("fault", ["no-length", "empty"])
def test_what_a_middlebox_cut_off_is_not_altered(archive: Archive, fault: str) -> None:
    digests = archive.write()
    for key in (named(digests[2])[0], digests[5].key):
        archive.world.faults[f"/{BUCKET}/{key}"] = [f"always {fault}"]
    result = archive.verified()
    assert result.verdict == "unproven"
    assert kinds(result)["unreachable"] == 2


def test_what_a_gateway_unpacked_is_compared_all_the_same(archive: Archive) -> None:
    digests = archive.write()
    for key in [*archive.world.names(BUCKET)]:
        archive.rewrite(key, gzip.decompress(archive.data(key)))
    result = archive.verified()
    assert (result.verdict, kinds(result)) == ("valid", {})
    assert any("files came unpacked: something between decodes them" in n for n in result.notes)
    key = named(digests[2])[0]
    archive.rewrite(key, archive.data(key).replace(b"event", b"Event"))
    assert kinds(archive.verified()) == {"log-altered": 1}


@pytest.mark.parametrize("fault", ["same-folders", "ascending"])
def test_a_listing_without_end(
    archive: Archive, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setattr(s3, "_THIN_PAGES", 20)
    archive.write()
    prefix = f"{archive.root}{ACCOUNT}/CloudTrail/us-east-1/"
    where = prefix if fault == "same-folders" else f"{prefix}2026/03/10/"
    archive.world.faults[f"/{BUCKET}?{where}"] = [f"always {fault}"]
    assert kinds(archive.verified())["unlisted"] == 1


def test_a_log_that_came_much_later_is_looked_for_in_later_digests(archive: Archive) -> None:
    until = BEGIN + 3 * HOUR
    file, value = archive.logs(ACCOUNT, "us-east-1", until - 21 * MINUTE, until - 10 * MINUTE)[0]
    first = archive.write(hours=3)
    chain, signer = archive.chain(ACCOUNT, "us-east-1"), signing_key("us-east-1")
    moved = replace(file, at=until + 31 * MINUTE)
    for each in chain.digests([(moved, value)], until, until + 4 * HOUR, signer, first[-1]):
        archive.put(each)
    for end in (until - MINUTE, until - 15 * MINUTE, until + HOUR):
        assert archive.verified(until=end).verdict == "valid"


def test_a_digest_that_reaches_far_beyond_the_window(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = archive.write(hours=4)
    start = BEGIN + 4 * HOUR
    files = archive.logs(ACCOUNT, "us-east-1", start, start + 2 * HOUR)
    monkeypatch.setattr("orgtrail.sample.files._HOUR", 2 * HOUR)
    chain, signer = archive.chain(ACCOUNT, "us-east-1"), signing_key("us-east-1")
    digest = next(chain.digests(files, start, start + 2 * HOUR, signer, first[-1]))
    archive.put(digest)
    until = start + 40 * MINUTE
    assert archive.verified(until=until).verdict == "valid"
    archive.rewrite(named(digest)[0], FORGED)
    assert kinds(archive.verified(until=until)) == {"log-altered": 1}


@pytest.mark.parametrize(
    ("since", "until"),
    [
        (datetime(1, 1, 1, tzinfo=UTC), BEGIN + 5 * HOUR),
        (BEGIN, datetime(9999, 12, 31, 23, 59, tzinfo=UTC)),
        (datetime(9000, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, tzinfo=UTC)),
        (datetime(1, 1, 1, tzinfo=UTC), datetime(2, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_window_of_ages(archive: Archive, since: datetime, until: datetime) -> None:
    archive.write()
    archive.world.asked.clear()
    assert archive.verified(since=since, until=until).verdict == "unproven"
    assert len(archive.world.asked) < 1000


def test_a_bucket_that_has_keys_like_a_copy_of_itself(tmp_path: Path) -> None:
    # Somebody wrote an intact replica below a key that is called like the bucket.
    archive = Archive()
    digests = archive.write()
    for key in [*archive.world.names(BUCKET)]:
        stored = archive.world.buckets[BUCKET][key][-1]
        archive.world.put(BUCKET, f"{BUCKET}/{key}", stored.data or b"", stored.metadata)
    archive.rewrite(named(digests[5])[0], FORGED)
    assert archive.verified(logs=copied(archive, tmp_path)).verdict == "invalid"


def test_a_prefix_that_is_called_like_the_bucket(tmp_path: Path) -> None:
    archive = Archive(prefix=BUCKET)
    archive.write()
    assert archive.verified(logs=copied(archive, tmp_path)).verdict == "valid"


def test_a_crowd_hides_nothing(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orgtrail.verify.day._MAX_UNVOUCHED", 5)
    archive.write(hours=12)
    folder = f"{archive.root}{ACCOUNT}/CloudTrail/us-east-1/2026/03/10/"
    for number in range(20):
        # Those of another window, earlier in the folder.
        archive.world.put(BUCKET, forged(archive, f"20260310T0{number % 10}{number:02}"), FORGED)
    assert archive.verified().verdict == "valid"
    key = forged(archive, "20260310T2200")
    archive.world.put(BUCKET, key, FORGED)
    assert [each.key for each in archive.verified().findings] == [key]
    for number in range(20):
        archive.world.put(BUCKET, f"{folder}{number}.json.gz", FORGED)
    result = archive.verified()
    assert result.verdict == "unproven"
    assert result.unvouched >= 21


def test_a_left_account_whose_files_are_hidden(archive: Archive) -> None:
    archive.write()
    digests = archive.write(OTHER)
    archive.world.accounts = [{"Id": ACCOUNT, "Status": "ACTIVE"}]
    for each in digests:
        for key in (each.key, *named(each)):
            archive.world.delete(BUCKET, key, wholly=False)
    # What is left of it is of another time.
    archive.write(OTHER, start=BEGIN - 99 * HOUR, hours=2)
    assert kinds(archive.verified()) == {"no-digests": 1}


def test_a_copy_that_links_round_or_goes_too_deep(archive: Archive, tmp_path: Path) -> None:
    archive.write()
    copied(archive, tmp_path)
    day = tmp_path / f"{archive.root}{ACCOUNT}/CloudTrail/us-east-1/2026/03/10"
    folder = day
    for number in range(25):
        below = folder / "x"
        below.mkdir()
        (folder / "y").symlink_to(below)
        folder = below
        assert number < 25
    result = archive.verified(logs=tmp_path)
    assert kinds(result)["unlisted"] == 1
    (day / "y").unlink()
    for each in day.rglob("y"):
        each.unlink()
    for _ in range(100):
        folder = folder / "x"
        folder.mkdir()
    result = archive.verified(logs=tmp_path)
    assert kinds(result)["unlisted"] == 1
    assert any("folders deep" in each.detail for each in result.findings)


def test_an_empty_answer_is_asked_for_again(archive: Archive) -> None:
    digests = archive.write()
    key = named(digests[2])[0]
    archive.world.faults[f"/{BUCKET}/{key}"] = ["empty"]
    assert archive.verified().verdict == "valid"
    archive.rewrite(key, b"")
    assert kinds(archive.verified()) == {"log-malformed": 1}


def test_nothing_at_all_is_told(archive: Archive) -> None:
    archive.world.buckets[BUCKET] = {}
    result = archive.verified()
    assert (result.verdict, kinds(result)) == ("unproven", {"no-digests": 1})
    assert "nothing of what was requested is below s3://" in result.findings[0].detail


def test_an_account_is_asked_for_its_regions_once() -> None:
    asked = []

    def enabled(account: str) -> frozenset[str]:
        asked.append(account)
        return frozenset({"ap-east-1"})

    missing = [
        MissingRegion(ChainId(account, region), "other accounts have digests of it", certain=False)
        for account in (ACCOUNT, OTHER)
        for region in ("ap-east-1", "me-south-1", "us-east-1")
    ]
    told = missing_region_findings(missing, enabled)
    assert asked == [ACCOUNT, OTHER]
    assert [type(each) for each in told] == [VerifyFinding, Note, VerifyFinding] * 2
