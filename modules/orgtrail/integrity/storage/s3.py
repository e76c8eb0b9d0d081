"""S3 over HTTP: many requests in flight, retried with backoff, and told apart when refused."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

from orgtrail.integrity.storage import answers
from orgtrail.integrity.storage.addresses import Addresses
from orgtrail.integrity.storage.http import Http, HttpError, Sink
from orgtrail.integrity.storage.signing import Credentials, encoded_path, headers, query_string
from orgtrail.integrity.storage.store import (
    Listing,
    Metadata,
    MissingError,
    UnreadableError,
    Version,
)
from orgtrail.integrity.unpacking import Unpacker

_ATTEMPTS = 7
FIRST_PAUSE = 0.2
"""Seconds before the second attempt; each further one waits twice as long."""
_LONGEST = 8.0
"""Seconds between two attempts, at most."""
_AGAIN = frozenset({429, 500, 502, 503, 504})
_BUSY = frozenset({"SlowDown", "ServiceUnavailable", "Throttling", "RequestLimitExceeded"})
_GONE = frozenset({"", "NoSuchKey", "NoSuchVersion"})

T = TypeVar("T")


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
        self._http = Http(slots)

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

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

        def anew() -> Sink:
            nonlocal unpacked
            unpacked = Unpacker(most, keep=keep)
            return unpacked.feed

        kept = await self._get(bucket, key, {"versionId": version} if version else {}, anew)
        signature, algorithm = (
            kept.get(f"x-amz-meta-signature{end}") for end in ("", "-algorithm")
        )
        return unpacked, Metadata(signature, algorithm)

    async def versions(self, bucket: str, key: str) -> list[Version]:
        """Return the versions of an object, the newest first: of the first page, which is 1,000."""
        body = await self._text(bucket, {"versions": "", "encoding-type": "url", "prefix": key})
        return _understood(lambda text: answers.versions(text, key), body)

    async def _page(self, bucket: str, query: dict[str, str]) -> answers.Page:
        return _understood(answers.page, await self._text(bucket, query))

    async def _text(self, bucket: str, query: dict[str, str]) -> bytes:
        body: list[bytes] = []

        def anew() -> Sink:
            body.clear()
            return body.append

        try:
            await self._get(bucket, "", query, anew)
        except MissingError:
            raise UnreadableError("denied", f"{bucket}: there is no such bucket") from None
        return b"".join(body)

    async def _get(
        self, bucket: str, key: str, query: dict[str, str], anew: Callable[[], Sink]
    ) -> dict[str, str]:
        """Try until it is known what is there; return the headers."""
        pause = FIRST_PAUSE
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                async with self._slots:
                    return await self._attempt(bucket, key, query, anew())
            except _Again as error:
                if attempt == _ATTEMPTS:
                    raise error.failure from None
                if error.at_once:
                    continue
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311  # no secret
            pause = min(pause * 2, _LONGEST)
        raise AssertionError("the last attempt ends it")

    async def _attempt(
        self, bucket: str, key: str, query: dict[str, str], sink: Sink
    ) -> dict[str, str]:
        address = self._addresses.of(bucket)
        path, asked = encoded_path(address.path + key), query_string(query)
        signed = headers(
            self.credentials, address.region, address.host, path, asked, datetime.now(UTC)
        )
        url = f"{address.scheme}://{address.host}{path}{'?' * bool(asked)}{asked}"
        try:
            answer = await self._http.get(
                url, [f"{name}: {value}" for name, value in signed.items()], sink
            )
        except HttpError as error:
            raise _Again(UnreadableError("unreachable", str(error))) from None
        if answer.status == 200:
            return answer.headers
        told = answer.headers.get("x-amz-bucket-region", "")
        if answer.status in {301, 307, 400, 403} and self._addresses.learn(bucket, told):
            raise _Again(UnreadableError("unreachable", "wrong region"), at_once=True)
        raise _refusal(answer.status, *answers.error(answer.body))


def _understood(read: Callable[[bytes], T], body: bytes) -> T:
    try:
        return read(body)
    except answers.OddAnswerError as error:
        raise UnreadableError("unreachable", str(error)) from None


def _refusal(status: int, code: str, message: str) -> Exception:
    """Return what a refusal means."""
    reason = f"HTTP {status} {code}".rstrip() + (f": {message}" if message else "")
    if status in _AGAIN or code in _BUSY or code == "RequestTimeout":
        kind = "throttled" if code in _BUSY or status in {429, 503} else "unreachable"
        return _Again(UnreadableError(kind, reason))
    if status == 404 and code in _GONE:
        return MissingError()
    if code == "InvalidObjectState":
        return UnreadableError("archived", reason)
    kind = "denied" if status in {400, 401, 403, 404} else "unreachable"
    return UnreadableError(kind, reason)
