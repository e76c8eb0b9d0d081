"""S3 over HTTP: many requests in flight, retried with backoff, and told apart when refused."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from datetime import UTC, datetime
from itertools import pairwise
from typing import TypeVar

from orgtrail.aws import Cause, cause_of, one_line, step_for
from orgtrail.integrity.storage import answers
from orgtrail.integrity.storage.addresses import Addresses
from orgtrail.integrity.storage.http import Answer, Http, HttpError, Sink
from orgtrail.integrity.storage.signing import Credentials, encoded_path, headers, query_string
from orgtrail.integrity.storage.store import (
    Level,
    Listing,
    Metadata,
    MissingError,
    UnreadableError,
    Version,
)
from orgtrail.integrity.unpacking import Unpacker

_ATTEMPTS, _ATTEMPTS_THROTTLED = 7, 12
"""How often a request is tried; longer where S3 asks for patience."""
_PATIENCE = 150.0
"""Seconds after which nothing is tried again: each answer that never comes takes a minute."""
_EMPTY = 2
"""Empty answers of an object that are not believed."""
_GIVEN_UP, _ATTEMPTS_GIVEN_UP = 64, 2
"""After so many requests in a row that came to nothing, the next ones are tried no longer."""
FIRST_PAUSE = 0.2
"""Seconds before the second attempt; each further one waits twice as long."""
_LONGEST = 8.0
"""Seconds between two attempts, at most."""
_AGAIN = frozenset({429, 500, 502, 503, 504})
_GONE = frozenset({"NoSuchKey", "NoSuchVersion"})
_REQUEST_ID, _HOST_ID = "x-amz-request-id", "x-amz-id-2"
"""What each answer of S3 has.
https://docs.aws.amazon.com/AmazonS3/latest/API/RESTCommonResponseHeaders.html"""
_LARGEST_PAGE = 32 << 20
"""Bytes of a listing's page; a thousand of the longest keys need less."""
_THIN_PAGES, _THIN = 1000, 10
"""Pages after which a listing must have had so many entries in each, taken together."""
_MOST_KEYS = 2_000_000
"""Entries of one listing; a region of an account has no such number of log files in a day."""
_VERSION_PAGES = 200
"""Pages of a listing of versions that are looked at for folders."""

_KINDS = {
    Cause.DENIED: "denied",
    Cause.DENIED_BY_POLICY: "denied",
    Cause.CREDENTIALS: "credentials",
    Cause.CLOCK: "clock-skew",
    Cause.KEY: "key-unusable",
    Cause.THROTTLED: "throttled",
}
"""Kinds of findings by the cause of a refusal."""

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

    merges_buckets = False

    def __init__(self, addresses: Addresses, credentials: Credentials, slots: int) -> None:
        self.credentials = credentials
        self._addresses = addresses
        self._slots = asyncio.Semaphore(slots)
        self._http = Http(slots)
        self._signs_answers = False
        self._given_up = 0

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    def bucket_of(self, bucket: str) -> str:
        """Return the bucket itself."""
        return bucket

    async def objects(self, bucket: str, prefix: str, after: str = "") -> Listing:
        """List objects in the order of their keys, those after a key."""
        query = {"prefix": prefix} | ({"start-after": after} if after else {})
        async with aclosing(self._pages(bucket, query)) as pages:
            async for page in pages:
                for each in page.objects:
                    yield each

    async def level(self, bucket: str, prefix: str) -> Level:
        """Return what lies right below a prefix."""
        folders: list[str] = []
        objects = []
        async with aclosing(self._pages(bucket, {"prefix": prefix, "delimiter": "/"})) as pages:
            async for page in pages:
                folders += (each[len(prefix) : -1] for each in page.folders)
                objects += page.objects
        return Level(tuple(folders), tuple(objects))

    async def hidden_folders(self, bucket: str, prefix: str) -> frozenset[str]:
        """Return the folders below a prefix that hold any version, also if it was deleted."""
        query = {"versions": "", "encoding-type": "url", "prefix": prefix, "delimiter": "/"}
        found: frozenset[str] = frozenset()
        for _ in range(_VERSION_PAGES):
            page = await self._asked(
                bucket, query, lambda text: answers.version_folders(text, prefix)
            )
            found |= page.folders
            if page.next is None:
                return found
            query["key-marker"], query["version-id-marker"] = page.next
        raise UnreadableError(
            "unlisted", f"{prefix}: more than {_VERSION_PAGES} pages of versions lie right below it"
        )

    async def fetch(
        self,
        bucket: str,
        key: str,
        most: int,
        *,
        keep: bool = False,
        json: bool = False,
        version: str = "",
    ) -> tuple[Unpacker, Metadata]:
        """Read an object, all of it."""
        query = {"versionId": version} if version else {}
        empty = 0

        async def attempt() -> tuple[Unpacker, Metadata]:
            nonlocal empty
            unpacked = Unpacker(most, keep=keep, json=json, plain=True)
            told = await self._attempt(bucket, key, query, unpacked.feed)
            if "content-length" not in told and "chunked" not in told.get("transfer-encoding", ""):
                # Nothing tells whether it came whole.
                raise _Again(UnreadableError("unreachable", "an answer without its length"))
            if not unpacked.seen and empty < _EMPTY:
                # CloudTrail writes nothing empty; whether somebody did, the next answers tell.
                empty += 1
                raise _Again(UnreadableError("unreachable", "an empty answer"))
            signature, algorithm = (
                told.get(f"x-amz-meta-signature{end}") for end in ("", "-algorithm")
            )
            return unpacked, Metadata(signature, algorithm, etag=told.get("etag", "").strip('"'))

        return await self._retried(attempt)

    async def versions(self, bucket: str, key: str) -> list[Version]:
        """Return the versions of an object, the newest first: of the first page, which is 1,000."""
        query = {"versions": "", "encoding-type": "url", "prefix": key}
        return await self._asked(bucket, query, lambda text: answers.versions(text, key))

    async def _pages(
        self, bucket: str, asked: dict[str, str]
    ) -> AsyncGenerator[answers.Page, None]:
        """Yield the pages of a listing.

        Raises:
            UnreadableError: what comes is not one whole listing.

        """
        query = {"list-type": "2", "encoding-type": "url", **asked}
        tokens: set[str] = set()
        last, last_folder = "", ""
        pages, entries = 0, 0
        while True:
            page = await self._asked(bucket, query, answers.page)
            keys = [each.key for each in page.objects]
            pages, entries = pages + 1, entries + len(keys) + len(page.folders)
            if any(not key.startswith(asked["prefix"]) for key in (*keys, *page.folders)):
                raise UnreadableError("unreachable", "the listing has keys that were not asked for")
            last, last_folder = _in_order(last, keys), _in_order(last_folder, page.folders)
            yield page
            if not page.token:
                return
            thin = pages > _THIN_PAGES and entries < _THIN * pages
            if page.token in tokens or thin or entries > _MOST_KEYS:
                raise UnreadableError("unreachable", "the listing goes on and has no end")
            tokens.add(page.token)
            query["continuation-token"] = page.token

    async def _asked(self, bucket: str, query: dict[str, str], read: Callable[[bytes], T]) -> T:
        """Ask for a listing, again where what came is none."""

        async def attempt() -> T:
            body: list[bytes] = []
            size = 0

            def take(data: bytes) -> None:
                nonlocal size
                size += len(data)
                if size > _LARGEST_PAGE:
                    raise answers.OddAnswerError(f"a page of more than {_LARGEST_PAGE} bytes")
                body.append(data)

            try:
                await self._attempt(bucket, "", query, take)
                return read(b"".join(body))
            except answers.OddAnswerError as error:
                raise _Again(UnreadableError("unreachable", str(error))) from None

        try:
            return await self._retried(attempt)
        except MissingError:
            raise _no_bucket(bucket) from None

    async def _retried(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Try until it is known what is there."""
        pause = FIRST_PAUSE
        number = 0
        loop = asyncio.get_running_loop()
        until = loop.time() + _PATIENCE
        while True:
            number += 1
            try:
                async with self._slots:
                    result = await attempt()
            except _Again as error:
                if number >= self._most(error.failure) or loop.time() > until:
                    self._given_up += 1
                    raise error.failure from None
                if error.at_once:
                    continue
            except Exception:
                self._given_up = 0
                raise
            else:
                self._given_up = 0
                return result
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311  # no secret
            pause = min(pause * 2, _LONGEST)

    def _most(self, failure: UnreadableError) -> int:
        if self._given_up >= _GIVEN_UP:
            return _ATTEMPTS_GIVEN_UP
        return _ATTEMPTS_THROTTLED if failure.kind == "throttled" else _ATTEMPTS

    async def _attempt(
        self, bucket: str, key: str, query: dict[str, str], sink: Sink
    ) -> dict[str, str]:
        """Ask once; return the headers."""
        address = self._addresses.of(bucket)
        path, asked = encoded_path(address.path + key), query_string(query)
        signed = headers(
            self.credentials, address.region, address.host, path, asked, datetime.now(UTC)
        )
        url = f"{address.scheme}://{address.host}{path}{'?' * bool(asked)}{asked}"
        try:
            answer = await self._http.get(
                url, [f"{name}: {value}" for name, value in signed.items()], sink, self._is_s3
            )
        except HttpError as error:
            raise _Again(UnreadableError("unreachable", str(error))) from None
        if answer.accepted:
            return answer.headers
        code, message = answers.error(answer.body)
        own = self._is_s3(answer) if answer.status == 404 else self._has_own_headers(answer)
        if not own and (answer.status == 404 or not code):
            raise _Again(_foreign(answer))
        told = answer.headers.get("x-amz-bucket-region", "")
        if answer.status in {301, 307, 400, 403} and self._addresses.learn(bucket, told):
            raise _Again(UnreadableError("unreachable", "wrong region"), at_once=True)
        raise _refusal(bucket, answer.status, code, message)

    def _has_own_headers(self, answer: Answer) -> bool:
        if _REQUEST_ID in answer.headers or _HOST_ID in answer.headers:
            self._signs_answers = True
            return True
        return False

    def _is_s3(self, answer: Answer) -> bool:
        """Tell whether an answer is S3's own, and not that of a proxy between.

        Stores that speak like S3 and leave out its headers are taken as they are, unless one of
        their answers had them.
        """
        if self._has_own_headers(answer):
            return True
        if self._signs_answers:
            return False
        kind = answer.headers.get("content-type", "")
        return not kind.startswith("text/html") and (
            answer.status != 200 or "etag" in answer.headers or kind.endswith("/xml")
        )


def _in_order(last: str, names: list[str]) -> str:
    """Return the last name of a page's.

    Args:
        last: that of the page before.
        names: those of this page.

    Raises:
        UnreadableError: they are not in order, so that the listing may be no one listing.

    """
    if names and (names[0] <= last or any(b < a for a, b in pairwise(names))):
        raise UnreadableError("unreachable", "the listing is not in the order of its names")
    return names[-1] if names else last


def _foreign(answer: Answer) -> UnreadableError:
    kind = answer.headers.get("content-type", "no type")
    return UnreadableError(
        "unreachable",
        f"HTTP {answer.status} ({one_line(kind, 40)}) without S3's own headers: something between "
        "answers in its place",
    )


def _no_bucket(bucket: str) -> UnreadableError:
    return UnreadableError("no-bucket", f"{bucket}: there is no such bucket (NoSuchBucket)")


def _refusal(bucket: str, status: int, code: str, message: str) -> Exception:
    """Return what a refusal means."""
    message = one_line(message)
    reason = f"HTTP {status} {one_line(code, 60)}".rstrip() + (f": {message}" if message else "")
    cause = cause_of(code, message)
    if cause is Cause.THROTTLED or status in {429, 503}:
        return _Again(UnreadableError("throttled", reason))
    if status in _AGAIN or code == "RequestTimeout":
        return _Again(UnreadableError("unreachable", reason))
    if status == 404 and code in _GONE:
        return MissingError()
    if code == "NoSuchBucket":
        return _no_bucket(bucket)
    if code == "InvalidObjectState":
        return UnreadableError("archived", reason)
    if kind := _KINDS.get(cause):
        return UnreadableError(kind, reason, step_for(cause, message))
    kind = "denied" if status in {401, 403} else "unreachable"
    return UnreadableError(kind, reason)
