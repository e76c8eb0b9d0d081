"""S3 over HTTP: many requests in flight, retried with backoff, and told apart when refused."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Self, TypeVar
from urllib.request import getproxies

import aiohttp
from yarl import URL

from orgtrail.integrity import answers
from orgtrail.integrity.addresses import Addresses
from orgtrail.integrity.signing import Credentials, encoded_path, headers, query_string
from orgtrail.integrity.store import Listing, Metadata, MissingError, UnreadableError, Version
from orgtrail.integrity.unpacking import Unpacker

_ATTEMPTS = 7
FIRST_PAUSE = 0.2
"""Seconds before the second attempt; each further one waits twice as long."""
_LONGEST = 8.0
"""Seconds between two attempts, at most."""
_PIECE = 1 << 18
_AGAIN = frozenset({429, 500, 502, 503, 504})
_BUSY = frozenset({"SlowDown", "ServiceUnavailable", "Throttling", "RequestLimitExceeded"})
_GONE = frozenset({"", "NoSuchKey", "NoSuchVersion"})

T = TypeVar("T")
Reader = Callable[[aiohttp.ClientResponse], Awaitable[None]]


class _Again(Exception):  # noqa: N818  # it ends an attempt, not the work
    """An attempt that another may mend."""

    def __init__(self, failure: UnreadableError, *, at_once: bool = False) -> None:
        super().__init__(failure.reason)
        self.failure = failure
        self.at_once = at_once


class S3:
    """Buckets, read by GET alone.

    Args:
        addresses: where they answer.
        credentials: of whoever asks; may be set again while it works.
        slots: requests in flight at most.

    """

    def __init__(self, addresses: Addresses, credentials: Credentials, slots: int) -> None:
        self.credentials = credentials
        self._addresses = addresses
        self._slots = asyncio.Semaphore(slots)
        self._session = aiohttp.ClientSession(
            auto_decompress=False,
            connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=300),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=20, sock_read=60),
            skip_auto_headers=("Accept-Encoding", "User-Agent", "Accept"),
            # It reads ~/.netrc at each request: only where there is a proxy to know of.
            trust_env=bool(getproxies()),
            read_bufsize=_PIECE,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._session.close()

    async def objects(self, bucket: str, prefix: str, after: str = "") -> Listing:
        """List objects in the order of their keys, those after a key."""
        query = {"list-type": "2", "encoding-type": "url", "prefix": prefix}
        if after:
            query["start-after"] = after
        while True:
            page = await self._page(bucket, query)
            for each in page.objects:
                yield each
            if not page.token:
                return
            query["continuation-token"] = page.token

    async def folders(self, bucket: str, prefix: str) -> list[str]:
        """Return the names of the folders right below a prefix."""
        query = {"list-type": "2", "encoding-type": "url", "prefix": prefix, "delimiter": "/"}
        found: list[str] = []
        while True:
            page = await self._page(bucket, query)
            found += (each[len(prefix) :].rstrip("/") for each in page.folders)
            if not page.token:
                return found
            query["continuation-token"] = page.token

    async def fetch(
        self, bucket: str, key: str, most: int, *, keep: bool = False, version: str = ""
    ) -> tuple[Unpacker, Metadata]:
        """Read an object, all of it."""
        unpacked = Unpacker(most, keep=keep)
        metadata = Metadata(None, None)

        async def read(response: aiohttp.ClientResponse) -> None:
            nonlocal unpacked, metadata
            unpacked = Unpacker(most, keep=keep)
            kept = response.headers
            metadata = Metadata(
                kept.get("x-amz-meta-signature"), kept.get("x-amz-meta-signature-algorithm")
            )
            while piece := await response.content.readany():
                unpacked.feed(piece)

        await self._get(bucket, key, {"versionId": version} if version else {}, read)
        return unpacked, metadata

    async def versions(self, bucket: str, key: str) -> list[Version]:
        """Return the versions of an object, the newest first: of the first page, which is 1,000."""
        body = await self._text(bucket, {"versions": "", "encoding-type": "url", "prefix": key})
        return _understood(lambda text: answers.versions(text, key), body)

    async def _page(self, bucket: str, query: dict[str, str]) -> answers.Page:
        return _understood(answers.page, await self._text(bucket, query))

    async def _text(self, bucket: str, query: dict[str, str]) -> bytes:
        body = b""

        async def read(response: aiohttp.ClientResponse) -> None:
            nonlocal body
            body = await response.read()

        try:
            await self._get(bucket, "", query, read)
        except MissingError:
            raise UnreadableError("denied", f"{bucket}: there is no such bucket") from None
        return body

    async def _get(self, bucket: str, key: str, query: dict[str, str], read: Reader) -> None:
        pause = FIRST_PAUSE
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                async with self._slots:
                    await self._attempt(bucket, key, query, read)
            except _Again as error:
                if attempt == _ATTEMPTS:
                    raise error.failure from None
                if error.at_once:
                    continue
            else:
                return
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311  # no secret
            pause = min(pause * 2, _LONGEST)

    async def _attempt(self, bucket: str, key: str, query: dict[str, str], read: Reader) -> None:
        address = self._addresses.of(bucket)
        path, asked = encoded_path(address.path + key), query_string(query)
        signed = headers(
            self.credentials, address.region, address.host, path, asked, datetime.now(UTC)
        )
        url = URL(
            f"{address.scheme}://{address.host}{path}{'?' * bool(asked)}{asked}", encoded=True
        )
        try:
            async with self._session.get(url, headers=signed, allow_redirects=False) as response:
                if response.status == 200:
                    await read(response)
                    return
                body = await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            reason = str(error) or type(error).__name__
            raise _Again(UnreadableError("unreachable", reason)) from None
        told = response.headers.get("x-amz-bucket-region", "")
        if response.status in {301, 307, 400, 403} and self._addresses.learn(bucket, told):
            raise _Again(UnreadableError("unreachable", "wrong region"), at_once=True)
        _refused(response.status, *answers.error(body))


def _understood(read: Callable[[bytes], T], body: bytes) -> T:
    try:
        return read(body)
    except answers.OddAnswerError as error:
        raise UnreadableError("unreachable", str(error)) from None


def _refused(status: int, code: str, message: str) -> None:
    """Raise what a refusal means."""
    reason = f"HTTP {status} {code}".rstrip() + (f": {message}" if message else "")
    if status in _AGAIN or code in _BUSY or code == "RequestTimeout":
        kind = "throttled" if code in _BUSY or status in {429, 503} else "unreachable"
        raise _Again(UnreadableError(kind, reason))
    if status == 404 and code in _GONE:
        raise MissingError
    if code == "InvalidObjectState":
        raise UnreadableError("archived", reason)
    kind = "denied" if status in {400, 401, 403, 404} else "unreachable"
    raise UnreadableError(kind, reason)
