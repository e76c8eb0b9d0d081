"""The parts of `verify`: no byte is changed unseen, and requests are signed as botocore does."""

from __future__ import annotations

import asyncio
import base64
import gzip
import zlib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from cryptography.hazmat.primitives import serialization
from hypothesis import given, settings
from hypothesis import strategies as st
from orgtrail.errors import OrgtrailError
from orgtrail.sample.files import SampleDigest
from orgtrail.verify.digest import LogFileEntry, check_digest
from orgtrail.verify.keys import KeyRing, load_public_key, read_key_file
from orgtrail.verify.names import ChainId, VerifiedTrail, log_time
from orgtrail.verify.objects import ChainDigest, ObjectChecker
from orgtrail.verify.state import KnownDigest
from orgtrail.verify.storage import http
from orgtrail.verify.storage.folder import FolderStore
from orgtrail.verify.storage.s3_api import S3Addresses
from orgtrail.verify.storage.store import DigestMetadata, GzipError, GzipFlaw, Unpacker

from tests.archives import ACCOUNT, ARN, BEGIN, BUCKET, HOUR, Archive, named, signing_key
from tests.conftest import at_most

CHAIN = ChainId(ACCOUNT, "us-east-1")
ARCHIVE = Archive()
DIGESTS = ARCHIVE.write(hours=3)
DIGEST = DIGESTS[1]
LOG = ARCHIVE.data(named(DIGEST)[0])
RING = KeyRing()
RING.add("us-east-1", [signing_key("us-east-1").public])


def verdict(digest: SampleDigest, data: bytes, signature: str, algorithm: str) -> str | None:
    unpacked = Unpacker(1 << 20, keep=True)
    try:
        unpacked.feed(data)
    except GzipError as error:
        return str(error.flaw)
    where = (digest.bucket, digest.key)
    found = check_digest(unpacked, DigestMetadata(signature, algorithm), CHAIN, where, RING)
    return found.problem.kind if found.problem else None


@st.composite
def damaged(draw: st.DrawFn, data: bytes) -> bytes:
    """Flip a bit, cut off an end, or append something."""
    match draw(st.sampled_from(("flip", "cut", "append", "drop", "insert"))):
        case "flip":
            at, bit = draw(st.integers(0, len(data) - 1)), draw(st.integers(0, 7))
            return data[:at] + bytes([data[at] ^ (1 << bit)]) + data[at + 1 :]
        case "cut":
            return data[: draw(st.integers(0, len(data) - 1))]
        case "append":
            return data + draw(st.binary(min_size=1, max_size=40))
        case "drop":
            at = draw(st.integers(0, len(data) - 1))
            return data[:at] + data[at + 1 :]
        case _:
            at = draw(st.integers(0, len(data)))
            return data[:at] + draw(st.binary(min_size=1, max_size=3)) + data[at:]


PLAIN = gzip.decompress(DIGEST.data)
# Without the time of day: processes that share tests must give them the same names.
PACKED = gzip.compress(b"{}", mtime=0)


def test_what_is_not_damaged_is_valid() -> None:
    assert verdict(DIGEST, DIGEST.data, DIGEST.signature, "SHA256withRSA") is None


TRAILER = 8
"""Bytes of gzip's checksum and length, at the end."""


def harmless(before: bytes, after: bytes) -> bool:
    """Tell whether nothing but packing was changed: what is in it is the same.

    That is the remarks of gzip's header, and the bits that fill deflate's last byte. Neither
    AWS's hash nor its signature covers them.
    """

    def packed(data: bytes) -> tuple[bytes, bytes, bytes]:
        return data[:3], data[10 : -TRAILER - 1], data[-TRAILER:]

    same = len(before) == len(after) and packed(before) == packed(after)
    return same and gzip.decompress(before) == gzip.decompress(after)


def test_what_fills_the_last_byte_is_not_of_the_file() -> None:
    # 26 bits of deflate, in four bytes.
    at = len(PACKED) - TRAILER - 1
    filled = PACKED[:at] + bytes([PACKED[at] | 0x80]) + PACKED[at + 1 :]
    assert filled != PACKED
    before, after = Unpacker(2), Unpacker(2)
    before.feed(PACKED)
    after.feed(filled)
    assert after.finish() == before.finish()
    assert harmless(PACKED, filled)


@settings(deadline=None, max_examples=at_most(400))
@given(damaged(DIGEST.data))
def test_damage_to_the_packed_digest_is_caught(data: bytes) -> None:
    found = verdict(DIGEST, data, DIGEST.signature, "SHA256withRSA")
    if found is None:
        assert data == DIGEST.data or harmless(DIGEST.data, data)


@settings(deadline=None, max_examples=at_most(400))
@given(damaged(PLAIN))
def test_damage_to_what_is_in_a_digest_is_caught(body: bytes) -> None:
    found = verdict(DIGEST, gzip.compress(body), DIGEST.signature, "SHA256withRSA")
    assert found is not None or body == PLAIN


@settings(deadline=None, max_examples=at_most(400))
@given(damaged(DIGEST.signature.encode()), damaged(b"SHA256withRSA"))
def test_damage_to_the_metadata_is_caught(signature: bytes, algorithm: bytes) -> None:
    text = signature.decode("latin-1")
    found = verdict(DIGEST, DIGEST.data, text, "SHA256withRSA")
    # A capital letter of the same number, or white space, is no damage.
    same = _number(text) == bytes.fromhex(DIGEST.signature)
    assert (found is None) == same
    if algorithm != b"SHA256withRSA":
        name = algorithm.decode("latin-1")
        assert verdict(DIGEST, DIGEST.data, DIGEST.signature, name) == "digest-algorithm"


def _number(text: str) -> bytes | None:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return None


@settings(deadline=None, max_examples=at_most(400))
@given(damaged(LOG), st.integers(1, 4000))
def test_damage_to_a_log_is_caught_however_it_arrives(data: bytes, step: int) -> None:
    unpacked = Unpacker(1 << 20)
    try:
        for at in range(0, len(data), step):
            unpacked.feed(data[at : at + step])
        value = unpacked.finish()
    except GzipError:
        return
    whole = Unpacker(1 << 20)
    whole.feed(LOG)
    assert value != whole.finish() or data == LOG or harmless(LOG, data)


@settings(deadline=None)
@given(st.binary(max_size=5000), st.integers(1, 700))
def test_what_is_whole_is_unpacked_however_it_arrives(body: bytes, step: int) -> None:
    data = gzip.compress(body)
    unpacked = Unpacker(len(body), keep=True)
    for at in range(0, len(data), step):
        unpacked.feed(data[at : at + step])
    unpacked.finish()
    assert unpacked.body == body


def test_a_large_stream_comes_out_whole() -> None:
    body = b"0" * (5 << 20) + bytes(range(256)) * 4096
    unpacked = Unpacker(len(body), keep=True)
    unpacked.feed(gzip.compress(body))
    unpacked.finish()
    assert unpacked.body == body


@pytest.mark.parametrize(
    ("data", "flaw"),
    [
        (b"", GzipFlaw.MALFORMED),
        (b"{}", GzipFlaw.MALFORMED),
        (zlib.compress(b"{}"), GzipFlaw.MALFORMED),
        (PACKED[:-1], GzipFlaw.TRUNCATED),
        (PACKED[:5], GzipFlaw.TRUNCATED),
        (PACKED + b"\0", GzipFlaw.TRAILING),
        (PACKED * 2, GzipFlaw.TRAILING),
        (gzip.compress(b"0" * 1001, mtime=0), GzipFlaw.TOO_LARGE),
        (gzip.compress(b"0" * (50 << 20), mtime=0), GzipFlaw.TOO_LARGE),
    ],
)
def test_flaws(data: bytes, flaw: GzipFlaw) -> None:
    def unpack() -> None:
        unpacked = Unpacker(1000)
        unpacked.feed(data)
        unpacked.finish()

    with pytest.raises(GzipError, match=flaw.value):
        unpack()


@settings(deadline=None)
@given(
    st.text(min_size=1, max_size=30),
    st.dictionaries(st.text(min_size=1, max_size=8), st.text(max_size=12), max_size=4),
    st.sampled_from([None, "a token/+="]),
)
def test_requests_are_signed_as_botocore_signs_them(
    key: str, query: dict[str, str], token: str | None
) -> None:
    try:
        key.encode()
        "".join([*query, *query.values()]).encode()
    except UnicodeEncodeError:
        return
    path = http.encoded_path(f"/bucket/{key}")
    asked = http.query_string(query)
    now = datetime.now(UTC)
    ours = http.signed_headers(
        http.Credentials("AKIAEXAMPLE", "secret", token), "eu-west-1", "s3.example.com",
        path, asked, now,
    )  # fmt: skip
    url = f"https://s3.example.com{path}{'?' * bool(asked)}{asked}"
    theirs = AWSRequest(method="GET", url=url, headers={"host": "s3.example.com"})
    theirs.context["timestamp"] = ours["x-amz-date"]
    theirs.headers["x-amz-date"] = ours["x-amz-date"]
    auth = S3SigV4Auth(BotoCredentials("AKIAEXAMPLE", "secret", token), "s3", "eu-west-1")
    auth._modify_request_before_signing(theirs)  # noqa: SLF001
    theirs.headers.replace_header("X-Amz-Content-SHA256", ours["x-amz-content-sha256"])
    text = auth.string_to_sign(theirs, auth.canonical_request(theirs))
    signature = auth.signature(text, theirs)
    assert ours["Authorization"].endswith(f"Signature={signature}")


def test_secrets_are_not_shown() -> None:
    assert "secret" not in repr(http.Credentials("AKIAEXAMPLE", "secret", "token"))


def test_boto3_says_where_buckets_are(monkeypatch: pytest.MonkeyPatch) -> None:
    import boto3

    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)
    session = boto3.Session("AKIAEXAMPLE", "secret")
    addresses = S3Addresses.from_session(session, "us-east-1")
    assert addresses.of("plain").host == "plain.s3.us-east-1.amazonaws.com"
    assert addresses.of("with.dots").host == "s3.us-east-1.amazonaws.com"
    assert addresses.of("with.dots").path == "/with.dots/"
    assert addresses.learn("plain", "eu-west-1")
    assert not addresses.learn("plain", "eu-west-1")
    assert addresses.of("plain").host == "plain.s3.eu-west-1.amazonaws.com"
    assert addresses.of("other").region == "us-east-1"
    beijing = S3Addresses.from_session(session, "cn-north-1").of("plain")
    assert beijing.host == "plain.s3.cn-north-1.amazonaws.com.cn"
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://localhost:4566")
    at = S3Addresses.from_session(boto3.Session("AKIAEXAMPLE", "secret"), "us-east-1").of("plain")
    assert (at.scheme, at.host, at.path) == ("http", "localhost:4566", "/plain/")


def test_keys_in_both_encodings() -> None:
    public = signing_key("us-east-1").public
    key = load_public_key(base64.b64decode(public["Value"]))
    spki = key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    ring = KeyRing()
    ring.add("eu-west-1", [{"Value": base64.b64encode(spki).decode()}])
    found = ring.find("eu-west-1", public["Fingerprint"])
    assert found is not None
    assert found.public_numbers() == key.public_numbers()
    assert ring.find("us-east-1", public["Fingerprint"]) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "cannot be read"),
        ("[]", "must be answers of ListPublicKeys by region"),
        ('{"us-east-1": {}}', "must be answers of ListPublicKeys by region"),
        ('{"us-east-1": {"PublicKeyList": [{"Value": "AAAA"}]}}', "a Value is no RSA key"),
        ('{"us-east-1": {"PublicKeyList": [5]}}', "a Value is no RSA key"),
    ],
)
def test_a_file_of_keys_that_is_none(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "keys.json"
    path.write_text(text)
    with pytest.raises(OrgtrailError, match=said) as error:
        read_key_file(path)
    assert str(path) in str(error.value)


def test_names() -> None:
    trail = VerifiedTrail.of(ARN, BUCKET, "o-examplebank", "/audit/")
    assert trail.location.root == "audit/AWSLogs/o-examplebank/"
    for prefix in ("audit", "audit/AWSLogs/o-examplebank/"):
        assert VerifiedTrail.of(ARN, BUCKET, "o-examplebank", prefix) == trail
    for prefix in ("", "/", "AWSLogs/o-examplebank/"):
        plain = VerifiedTrail.of(ARN, BUCKET, "o-examplebank", prefix)
        assert plain.location.root == "AWSLogs/o-examplebank/"
    name = trail.digest_name(CHAIN, DIGEST.key)
    assert name is not None
    assert (name.end, name.backfill) == (BEGIN + 2 * HOUR, False)
    other = ChainId(ACCOUNT, "us-east-2")
    assert trail.digest_name(other, DIGEST.key) is None
    assert trail.digest_name(CHAIN, DIGEST.key.replace("20260310T", "20261310T")) is None
    assert log_time(named(DIGEST)[0]) is not None
    assert log_time("x/extra.json.gz") is None
    with pytest.raises(OrgtrailError, match="--trail-arn: must be like"):
        VerifiedTrail.of("arn:aws:s3:::bucket", BUCKET, "o-x")


def test_a_copy_without_metadata_leaves_digests_unread(tmp_path: Path) -> None:
    path = tmp_path / DIGEST.key
    path.parent.mkdir(parents=True)
    path.write_bytes(DIGEST.data)
    checker = ObjectChecker(FolderStore(tmp_path), RING, CHAIN)
    found = asyncio.run(checker.check_digest(BUCKET, DIGEST.key))
    assert found.problem is not None
    assert (found.problem.kind, found.problem.unread) == ("metadata-unavailable", True)
    missing = asyncio.run(checker.check_log(LogFileEntry(BUCKET, "nothing", "0", "SHA-256")))
    assert missing is not None
    assert missing.kind == "log-missing"


def test_a_file_of_keys_without_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orgtrail.verify.keys._MAX_BYTES", 1000)
    with pytest.raises(OrgtrailError, match="/dev/zero: cannot be read: is larger than 1000 bytes"):
        read_key_file(Path("/dev/zero"))


@pytest.mark.parametrize("text", ["{", "[]"])
def test_metadata_of_a_copy_that_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "digest-metadata.json").write_text(text)
    with pytest.raises(OrgtrailError, match=r"digest-metadata\.json: (cannot be|must be)"):
        FolderStore(tmp_path)


def test_a_state_keeps_links_as_they_are() -> None:
    unpacked = Unpacker(1 << 20, keep=True)
    unpacked.feed(DIGEST.data)
    where = (DIGEST.bucket, DIGEST.key)
    found = check_digest(
        unpacked, DigestMetadata(DIGEST.signature, "SHA256withRSA"), CHAIN, where, RING
    )
    assert found.digest is not None
    made = ChainDigest.of(*where, BEGIN + 2 * HOUR, found, backfill=False)
    logs = {each: f"mark {number}" for number, each in enumerate(found.digest.logs)}
    kept = KnownDigest(made, logs, found.signer)
    assert kept.row(DIGEST.bucket, "mark").read() == kept
    assert RING.has_key("us-east-1", found.signer)
    assert made.previous is not None
    assert made.previous.key == DIGESTS[0].key
