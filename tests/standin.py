"""A stand-in for S3, CloudTrail and Organizations over HTTP: what verify and awscli ask of them.

It listens on loopback, keeps its objects in memory, and does wrong what it is told to.
Run it by itself to serve a folder: `python tests/standin.py FOLDER --delay 0.02`.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote_plus, unquote, urlsplit
from xml.sax.saxutils import escape

PAGE = 1000
NAMESPACE = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'


@dataclass(slots=True)
class Stored:
    """A version of an object; no data for a delete marker."""

    data: bytes | None
    metadata: dict[str, str] = field(default_factory=dict)
    id: str = "null"
    modified: str = "2026-01-01T00:00:00.000Z"
    etag: str = ""

    def __post_init__(self) -> None:
        self.etag = hashlib.md5(self.data or b"", usedforsecurity=False).hexdigest()


@dataclass
class World:
    """What is there, and what goes wrong.

    `faults` are taken one by one for a bucket and key; "always ..." stays. What is `unlisted` is
    there, and no listing has it. So many answers as `burst` are refusals, whatever is asked for.
    `regions` are those that are enabled, by account. `identity` is the account of whoever asks,
    `assumed` the roles that were assumed, each with the access key of who did, and `callers` the
    access keys that asked for public keys.
    """

    buckets: dict[str, dict[str, list[Stored]]] = field(default_factory=dict)
    keys: dict[str, Any] = field(default_factory=dict)
    accounts: list[dict[str, Any]] | None = None
    trails: list[dict[str, Any]] = field(default_factory=list)
    organization: str = "o-examplebank"
    faults: dict[str, list[str]] = field(default_factory=dict)
    delay: float = 0
    asked: list[str] = field(default_factory=list)
    inflight: int = 0
    peak: int = 0
    versioned: bool = True
    unlisted: set[str] = field(default_factory=set)
    burst: int = 0
    regions: dict[str, list[str]] | None = None
    identity: str = "999999999999"
    assumed: list[tuple[str, str]] = field(default_factory=list)
    callers: set[str] = field(default_factory=set)
    key_error: str = ""
    sorted: dict[str, list[str]] = field(default_factory=dict)
    ready: dict[str, bytes] = field(default_factory=dict)

    def put(
        self, bucket: str, key: str, data: bytes, metadata: dict[str, str] | None = None
    ) -> None:
        """Write an object, as a new version."""
        versions = self.buckets.setdefault(bucket, {}).setdefault(key, [])
        number = len(versions)
        versions.append(
            Stored(data, metadata or {}, f"v{number}", f"2026-01-01T00:00:{number:02}.000Z")
        )
        self.sorted.clear()
        self.ready.clear()

    def delete(self, bucket: str, key: str, *, wholly: bool = True) -> None:
        """Delete an object with all its versions, or hide it."""
        if wholly:
            del self.buckets[bucket][key]
        else:
            versions = self.buckets[bucket][key]
            versions.append(Stored(None, id=f"v{len(versions)}"))
        self.sorted.clear()
        self.ready.clear()

    def undo(self, bucket: str, key: str) -> None:
        """Take the newest version of an object away."""
        self.buckets[bucket][key].pop()
        self.sorted.clear()
        self.ready.clear()

    def names(self, bucket: str) -> list[str]:
        """Return all keys whose newest version is there, in order."""
        if bucket not in self.sorted:
            objects = self.buckets[bucket]
            self.sorted[bucket] = sorted(
                key
                for key, versions in objects.items()
                if versions[-1].data is not None and key not in self.unlisted
            )
        return self.sorted[bucket]


Answer = tuple[int, dict[str, str], bytes]


def answer(
    world: World, method: str, target: str, headers: dict[str, str], body: bytes = b""
) -> Answer:
    """Answer a request."""
    if method == "POST":
        return (
            _list_regions(world, body)
            if target == "/listRegions"
            else _json_api(world, headers, body)
        )
    parts = urlsplit(target)
    if parts.path == "/-/stats":
        stats = {"requests": len(world.asked), "peak": world.peak}
        world.asked.clear()
        world.peak = 0
        return 200, {}, json.dumps(stats).encode()
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    bucket, _, key = unquote(parts.path[1:]).partition("/")
    if bucket not in world.buckets:
        return _refused(404, "NoSuchBucket")
    if not key:
        return _bucket(world, bucket, query)
    return _object(world, bucket, key, query)


def _object(world: World, bucket: str, key: str, query: dict[str, str]) -> Answer:
    versions = world.buckets[bucket].get(key)
    if not versions:
        return _refused(404, "NoSuchKey")
    wanted = query.get("versionId")
    found = next((v for v in versions if v.id == wanted), None) if wanted else versions[-1]
    if found is None or found.data is None:
        return _refused(404, "NoSuchVersion" if wanted else "NoSuchKey")
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json", "ETag": found.etag}
    headers |= {f"x-amz-meta-{name}": value for name, value in found.metadata.items()}
    return 200, headers, found.data


def _bucket(world: World, bucket: str, query: dict[str, str]) -> Answer:
    if "location" in query:
        return _xml(f"<LocationConstraint {NAMESPACE}/>")
    if "versions" in query:
        return _versions(world, bucket, query.get("prefix", ""), query.get("delimiter", ""))
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    after = query.get("continuation-token") or query.get("start-after") or query.get("marker", "")
    names = _from(world.names(bucket), max(prefix, after))
    entries: dict[str, bool] = {}
    more = False
    for key in names:
        if not key.startswith(prefix):
            if key > prefix:
                break
            continue
        if key <= after:
            continue
        rest, mark, _ = key[len(prefix) :].partition(delimiter) if delimiter else (key, "", "")
        if len(entries) == PAGE:
            more = True
            break
        entries[f"{prefix}{rest}/" if mark else key] = bool(mark)
    text = ""
    for name, is_folder in entries.items():
        # As S3 does: as a form, with a space as `+`.
        shown = quote_plus(name, safe="/") if query.get("encoding-type") == "url" else escape(name)
        if is_folder:
            text += f"<CommonPrefixes><Prefix>{shown}</Prefix></CommonPrefixes>"
        else:
            stored = world.buckets[bucket][name][-1]
            text += (
                f"<Contents><Key>{shown}</Key><LastModified>{stored.modified}</LastModified>"
                f"<ETag>&quot;{stored.etag}&quot;</ETag><Size>{len(stored.data or b'')}</Size>"
                "<StorageClass>STANDARD</StorageClass></Contents>"
            )
    last = next(reversed(entries), "")
    token = f"<NextContinuationToken>{escape(last)}</NextContinuationToken>" if more else ""
    encoding = "<EncodingType>url</EncodingType>" if query.get("encoding-type") else ""
    return _xml(
        f"<ListBucketResult {NAMESPACE}><Name>{bucket}</Name><Prefix>{escape(prefix)}</Prefix>"
        f"<MaxKeys>{PAGE}</MaxKeys>{encoding}<IsTruncated>{str(more).lower()}</IsTruncated>"
        f"{text}{token}</ListBucketResult>"
    )


def _from(names: list[str], start: str) -> Iterator[str]:
    import bisect

    for at in range(bisect.bisect_left(names, start), len(names)):
        yield names[at]


def _versions(world: World, bucket: str, prefix: str, delimiter: str) -> Answer:
    text = ""
    folders = set()
    for key, versions in world.buckets[bucket].items():
        if not key.startswith(prefix) or not world.versioned:
            continue
        folder, mark, _ = key[len(prefix) :].partition(delimiter) if delimiter else ("", "", "")
        if mark:
            folders.add(f"{prefix}{folder}/")
            continue
        for stored in reversed(versions):
            kind = "Version" if stored.data is not None else "DeleteMarker"
            latest = str(stored is versions[-1]).lower()
            text += (
                f"<{kind}><Key>{quote_plus(key, safe='/')}</Key><VersionId>{stored.id}</VersionId>"
                f"<IsLatest>{latest}</IsLatest></{kind}>"
            )
    for each in sorted(folders):
        text += f"<CommonPrefixes><Prefix>{quote_plus(each, safe='/')}</Prefix></CommonPrefixes>"
    return _xml(
        f"<ListVersionsResult {NAMESPACE}><IsTruncated>false</IsTruncated>{text}"
        "</ListVersionsResult>"
    )


def _sts(world: World, asked: dict[str, str], caller: str) -> Answer:
    match asked.get("Action"):
        case "GetCallerIdentity":
            inner = f"<Account>{world.identity}</Account><Arn>arn</Arn><UserId>u</UserId>"
        case "AssumeRole":
            world.assumed.append((asked["RoleArn"], caller))
            inner = (
                "<Credentials><AccessKeyId>ASIAASSUMED</AccessKeyId><SecretAccessKey>s"
                "</SecretAccessKey><SessionToken>t</SessionToken>"
                "<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>"
            )
        case action:
            return _denied(str(action))
    name = asked["Action"]
    return _xml(
        f'<{name}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{name}Result>{inner}'
        f"</{name}Result></{name}Response>"
    )


def _json_api(world: World, headers: dict[str, str], body: bytes) -> Answer:
    operation = headers.get("x-amz-target", "").rpartition(".")[2]
    region = headers.get("authorization", "/us-east-1/x").split("/")[2]
    caller = headers.get("authorization", "").partition("Credential=")[2].partition("/")[0]
    if not operation:
        return _sts(world, dict(parse_qsl(body.decode())), caller)
    match operation:
        case "ListPublicKeys":
            world.callers.add(caller)
            if world.key_error:
                return _denied(operation, world.key_error)
            if region not in world.keys:
                return _denied(operation)
            return _told({"PublicKeyList": world.keys[region]})
        case "DescribeTrails":
            return _told({"trailList": world.trails})
        case "DescribeOrganization":
            return _told({"Organization": {"Id": world.organization}})
        case "ListAccounts" if world.accounts is not None:
            return _told({"Accounts": world.accounts})
        case _:
            return _denied(operation)


def _list_regions(world: World, body: bytes) -> Answer:
    account = json.loads(body).get("AccountId")
    if world.regions is None or account not in world.regions:
        return _denied("ListRegions")
    found = [{"RegionName": each, "RegionOptStatus": "ENABLED"} for each in world.regions[account]]
    return _told({"Regions": found})


def _told(what: Any) -> Answer:
    return 200, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(what).encode()


def _denied(operation: str, code: str = "AccessDeniedException") -> Answer:
    told = {"__type": code, "message": f"not allowed: {operation}"}
    return 400, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(told).encode()


def _xml(text: str, status: int = 200) -> Answer:
    return status, {"Content-Type": "application/xml"}, text.encode()


def _refused(status: int, code: str, message: str = "as told") -> Answer:
    return _xml(f"<Error><Code>{code}</Code><Message>{message}</Message></Error>", status)


def _listing(inner: str) -> Answer:
    return _xml(f"<ListBucketResult {NAMESPACE}>{inner}</ListBucketResult>")


def _endless(inner: str, number: int) -> Answer:
    token = f"<NextContinuationToken>{number}</NextContinuationToken>"
    return _listing(f"<IsTruncated>true</IsTruncated>{token}{inner}")


def _entries(*keys: str) -> str:
    return "".join(
        f"<Contents><Key>{key}</Key><Size>1</Size><ETag>e</ETag></Contents>" for key in keys
    )


_FAULTS = {
    "403": _refused(403, "AccessDenied"),
    "archived": _refused(403, "InvalidObjectState"),
    "503": _refused(503, "SlowDown"),
    "500": _refused(500, "InternalError"),
    "html": (200, {"Content-Type": "text/html"}, b"<html>"),
    "html-404": (404, {"Content-Type": "text/html"}, b"<html>not found"),
    "xml-404": _refused(404, "NoSuchKey"),
    "expired": _refused(400, "ExpiredToken"),
    "skewed": _refused(403, "RequestTimeTooSkewed"),
    "key-disabled": _refused(400, "KMS.DisabledException"),
    "denied-by-scp": _refused(
        403,
        "AccessDenied",
        "User: arn is not authorized to perform: s3:GetObject with an explicit deny in a service "
        "control policy",
    ),
    "cut-list": (200, {}, b"<ListBucketResult><IsTruncated>fal"),
    "same-token": _listing(
        "<IsTruncated>true</IsTruncated><NextContinuationToken>a</NextContinuationToken>"
    ),
    "no-token": _listing("<IsTruncated>true</IsTruncated>"),
    "strange": _listing("<IsTruncated>false</IsTruncated>" + _entries("somewhere/else")),
    "empty": (200, {"Content-Type": "application/json"}, b""),
    "kms-throttled": _refused(400, "ThrottlingException"),
}
_FOREIGN = {"html", "html-404", "xml-404"}
"""Answers of something between, which lack S3's own headers."""


def _wrong(world: World, told: str | None, target: str) -> Answer | None:
    """Return the answer of a fault; None where the fault is not in what is answered."""
    prefix = dict(parse_qsl(urlsplit(target).query)).get("prefix", "")
    number = len(world.asked)
    match told:
        case "same-folders":
            folder = f"<CommonPrefixes><Prefix>{prefix}2026/</Prefix></CommonPrefixes>"
            return _endless(folder, number)
        case "ascending":
            return _endless(_entries(f"{prefix}{number:09}"), number)
        case "unsorted":
            return _listing(
                "<IsTruncated>false</IsTruncated>" + _entries(f"{prefix}b", f"{prefix}a")
            )
        case None:
            return None
        case _:
            return _FAULTS.get(told)


class _Connection(asyncio.Protocol):
    """Just enough of HTTP/1.1."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._data += data
        head, mark, rest = self._data.partition(b"\r\n\r\n")
        if not mark:
            return
        first, _, lines = head.decode("latin-1").partition("\r\n")
        # What a GET says beside its target is not looked at: this has to be fast.
        headers = {} if first.startswith("GET") else _headers(lines)
        length = int(headers.get("content-length", 0))
        if len(rest) < length:
            return
        self._data, content = rest[length:], rest[:length]
        method, target, _ = first.split(" ", 2)
        world = self._world
        world.asked.append(f"{method} {target}")
        world.inflight += 1
        world.peak = max(world.peak, world.inflight)
        asyncio.get_running_loop().call_later(
            world.delay, self._reply, method, target, headers, content
        )

    def _reply(self, method: str, target: str, headers: dict[str, str], sent: bytes) -> None:
        world = self._world
        world.inflight -= 1
        if self._transport.is_closing():
            return
        told = self._fault(target) if world.faults else None
        if world.burst and method == "GET":
            world.burst -= 1
            told = "503"
        if not told and (ready := world.ready.get(target)):
            self._transport.write(ready)
            return
        if told == "hang":
            return
        if told == "drop":
            self._transport.close()
            return
        status, more, content = _wrong(world, told, target) or answer(
            world, method, target, headers, sent
        )
        lines = [f"HTTP/1.1 {status} -"]
        if told != "no-length":
            lines.append(f"Content-Length: {len(content)}")
        if told not in _FOREIGN:
            lines.append("x-amz-request-id: EXAMPLE0000000000")
        lines += (f"{name}: {value}" for name, value in more.items())
        cut = len(content) // 2 if told in {"cut", "no-length"} else len(content)
        data = "\r\n".join(lines).encode() + b"\r\n\r\n" + content[:cut]
        self._transport.write(data)
        if not told and status == 200 and "ETag" in more:
            # So that the stand-in takes little of the time that is measured.
            world.ready[target] = data
        if told in {"cut", "no-length"}:
            self._transport.close()

    def _fault(self, target: str) -> str | None:
        parts = urlsplit(target)
        # An object by its path, a listing by its prefix.
        prefix = dict(parse_qsl(parts.query)).get("prefix", "")
        waiting = self._world.faults.get(
            unquote(parts.path).rstrip("/") + (f"?{prefix}" if prefix else "")
        )
        if not waiting:
            return None
        if waiting[0].startswith("always "):
            return waiting[0].removeprefix("always ")
        return waiting.pop(0)


def _headers(lines: str) -> dict[str, str]:
    found = {}
    for line in lines.split("\r\n"):
        name, _, value = line.partition(":")
        found[name.lower()] = value.strip()
    return found


@contextmanager
def serving(world: World) -> Iterator[str]:
    """Serve in a thread; give the address."""
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(loop.create_server(lambda: _Connection(world), "127.0.0.1", 0))
    port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:

        async def closing() -> None:
            server.close()
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()

        asyncio.run_coroutine_threadsafe(closing(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


def _main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--delay", type=float, default=0.0)
    given = parser.parse_args()
    about = json.loads((given.folder / "world.json").read_text())
    signatures = json.loads((given.folder / "digest-metadata.json").read_text())
    world = World(
        keys=about["keys"],
        trails=about["trails"],
        organization=about["organization"],
        delay=given.delay,
    )
    root = given.folder / "bucket"
    for path in sorted(root.rglob("*.gz")):
        key = str(path.relative_to(root))
        world.put(about["bucket"], key, path.read_bytes(), signatures.get(key, {}))

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Connection(world), "127.0.0.1", 0, backlog=1024)
        sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
        sys.stdout.flush()
        await server.serve_forever()

    asyncio.run(serve())


if __name__ == "__main__":
    _main()
