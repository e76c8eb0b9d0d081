"""Reads buckets over HTTP: many requests in flight, retries with backoff, and errors by cause."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from datetime import UTC, datetime
from itertools import pairwise
from typing import TypeVar

from orgtrail.aws import Cause, cause_of, one_line, step_for
from orgtrail.verify.storage.http import (
    Credentials,
    HttpClient,
    HttpError,
    HttpResponse,
    Sink,
    encoded_path,
    query_string,
    signed_headers,
)
from orgtrail.verify.storage.s3_api import (
    InvalidResponseError,
    ObjectsPage,
    S3Addresses,
    parse_error,
    parse_objects_page,
    parse_version_folders,
    parse_versions,
)
from orgtrail.verify.storage.store import (
    DigestMetadata,
    FolderListing,
    Listing,
    ObjectMissingError,
    ObjectUnreadableError,
    ObjectVersion,
    Unpacker,
)

_ATTEMPTS, _ATTEMPTS_THROTTLED = 7, 12
"""Attempts per request, normally and when S3 throttles."""
_MAX_RETRY_SECONDS = 150.0
"""Time after which nothing is retried; each response that never arrives takes a minute."""
_EMPTY_RETRIES = 2
"""Retries of an object after an empty response."""
_MAX_FAILURES, _ATTEMPTS_AFTER_FAILURES = 64, 2
"""After this many failed requests in a row, the next ones get fewer attempts."""
FIRST_PAUSE = 0.2
"""Seconds before the second attempt; each further pause is twice as long."""
_MAX_PAUSE = 8.0
"""Longest pause between two attempts, in seconds."""
_RETRIED_STATUS = frozenset({429, 500, 502, 503, 504})
_MISSING_CODES = frozenset({"NoSuchKey", "NoSuchVersion"})
_REQUEST_ID, _HOST_ID = "x-amz-request-id", "x-amz-id-2"
"""Headers of every S3 response.
https://docs.aws.amazon.com/AmazonS3/latest/API/RESTCommonResponseHeaders.html"""
_MAX_PAGE_BYTES = 32 << 20
"""Size limit of a page of a listing; a thousand of the longest keys take less."""
_THIN_PAGES, _THIN = 1000, 10
"""After `_THIN_PAGES` pages, a listing must average `_THIN` entries per page."""
_MAX_ENTRIES = 2_000_000
"""Limit of entries of one listing; no account has that many log files per region and day."""
_MAX_VERSION_PAGES = 200
"""Pages of versions that are searched for folders."""
_KINDS = {
    Cause.DENIED: "denied",
    Cause.DENIED_BY_POLICY: "denied",
    Cause.CREDENTIALS: "credentials",
    Cause.CLOCK: "clock-skew",
    Cause.KEY: "key-unusable",
    Cause.THROTTLED: "throttled",
}
"""Kinds of findings by the cause of an error."""

T = TypeVar("T")


class _Retry(Exception):  # noqa: N818  # it ends an attempt, not the work
    """An attempt failed in a way that another attempt may not."""

    def __init__(self, failure: ObjectUnreadableError, *, at_once: bool = False) -> None:
        super().__init__(failure.reason)
        self.failure = failure
        self.at_once = at_once


class S3Store:
    """Reads buckets with GET requests.

    Args:
        addresses: addresses of buckets.
        credentials: the credentials; may be replaced at any time.
        slots: maximum number of requests in flight.

    """

    merges_buckets = False

    def __init__(self, addresses: S3Addresses, credentials: Credentials, slots: int) -> None:
        self.credentials = credentials
        self._addresses = addresses
        self._slots = asyncio.Semaphore(slots)
        self._http = HttpClient(slots)
        self._has_request_ids = False
        self._failures = 0

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def listed_bucket(self, bucket: str) -> str:
        """Return the bucket itself."""
        return bucket

    async def list_objects(self, bucket: str, prefix: str, after: str = "") -> Listing:
        """List the objects below a prefix, in the order of their keys, starting after a key."""
        query = {"prefix": prefix} | ({"start-after": after} if after else {})
        async with aclosing(self._pages(bucket, query)) as pages:
            async for page in pages:
                for each in page.objects:
                    yield each

    async def list_folder(self, bucket: str, prefix: str) -> FolderListing:
        """List the folders and objects directly below a prefix."""
        folders: list[str] = []
        objects = []
        async with aclosing(self._pages(bucket, {"prefix": prefix, "delimiter": "/"})) as pages:
            async for page in pages:
                folders += (each[len(prefix) : -1] for each in page.folders)
                objects += page.objects
        return FolderListing(tuple(folders), tuple(objects))

    async def version_folders(self, bucket: str, prefix: str) -> frozenset[str]:
        """Return the folders below a prefix that have any version, including deleted ones."""
        query = {"versions": "", "encoding-type": "url", "prefix": prefix, "delimiter": "/"}
        found: frozenset[str] = frozenset()
        for _ in range(_MAX_VERSION_PAGES):
            folders, following = await self._list(
                bucket, query, lambda text: parse_version_folders(text, prefix)
            )
            found |= folders
            if following is None:
                return found
            query["key-marker"], query["version-id-marker"] = following
        raise ObjectUnreadableError(
            "unlisted",
            f"{prefix}: more than {_MAX_VERSION_PAGES} pages of versions lie right below it",
        )

    async def fetch(
        self,
        bucket: str,
        key: str,
        max_bytes: int,
        *,
        keep: bool = False,
        json: bool = False,
        version: str = "",
    ) -> tuple[Unpacker, DigestMetadata]:
        """Read a complete object."""
        query = {"versionId": version} if version else {}
        empty = 0

        async def attempt() -> tuple[Unpacker, DigestMetadata]:
            nonlocal empty
            unpacked = Unpacker(max_bytes, keep=keep, json=json, plain=True)
            headers = await self._attempt(bucket, key, query, unpacked.feed)
            encoding = headers.get("transfer-encoding", "")
            if "content-length" not in headers and "chunked" not in encoding:
                # Without a length, a response that was cut off looks complete.
                raise _Retry(ObjectUnreadableError("unreachable", "an answer without its length"))
            if not unpacked.seen and empty < _EMPTY_RETRIES:
                # CloudTrail writes no empty objects; more attempts show whether somebody else did.
                empty += 1
                raise _Retry(ObjectUnreadableError("unreachable", "an empty answer"))
            signature, algorithm = (
                headers.get(f"x-amz-meta-signature{end}") for end in ("", "-algorithm")
            )
            etag = headers.get("etag", "").strip('"')
            return unpacked, DigestMetadata(signature, algorithm, etag=etag)

        return await self._with_retries(attempt)

    async def list_versions(self, bucket: str, key: str) -> list[ObjectVersion]:
        """Return the newest 1,000 versions of an object (one page), newest first."""
        query = {"versions": "", "encoding-type": "url", "prefix": key}
        return await self._list(bucket, query, lambda text: parse_versions(text, key))

    async def _pages(
        self, bucket: str, selection: dict[str, str]
    ) -> AsyncGenerator[ObjectsPage, None]:
        """Yield the pages of a listing.

        Raises:
            ObjectUnreadableError: the pages are not one complete listing.

        """
        query = {"list-type": "2", "encoding-type": "url", **selection}
        tokens: set[str] = set()
        last, last_folder = "", ""
        pages, entries = 0, 0
        while True:
            page = await self._list(bucket, query, parse_objects_page)
            keys = [each.key for each in page.objects]
            pages, entries = pages + 1, entries + len(keys) + len(page.folders)
            if any(not key.startswith(selection["prefix"]) for key in (*keys, *page.folders)):
                raise ObjectUnreadableError(
                    "unreachable", "the listing has keys that were not requested"
                )
            last, last_folder = _check_order(last, keys), _check_order(last_folder, page.folders)
            yield page
            if not page.token:
                return
            thin = pages > _THIN_PAGES and entries < _THIN * pages
            if page.token in tokens or thin or entries > _MAX_ENTRIES:
                raise ObjectUnreadableError("unreachable", "the listing goes on and has no end")
            tokens.add(page.token)
            query["continuation-token"] = page.token

    async def _list(self, bucket: str, query: dict[str, str], read: Callable[[bytes], T]) -> T:
        """Request a listing, and retry invalid responses."""

        async def attempt() -> T:
            body: list[bytes] = []
            size = 0

            def take(data: bytes) -> None:
                nonlocal size
                size += len(data)
                if size > _MAX_PAGE_BYTES:
                    raise InvalidResponseError(f"a page of more than {_MAX_PAGE_BYTES} bytes")
                body.append(data)

            try:
                await self._attempt(bucket, "", query, take)
                return read(b"".join(body))
            except InvalidResponseError as error:
                raise _Retry(ObjectUnreadableError("unreachable", str(error))) from None

        try:
            return await self._with_retries(attempt)
        except ObjectMissingError:
            raise _no_bucket(bucket) from None

    async def _with_retries(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Retry an attempt, with increasing pauses."""
        pause = FIRST_PAUSE
        number = 0
        loop = asyncio.get_running_loop()
        until = loop.time() + _MAX_RETRY_SECONDS
        while True:
            number += 1
            try:
                async with self._slots:
                    result = await attempt()
            except _Retry as error:
                if number >= self._max_attempts(error.failure) or loop.time() > until:
                    self._failures += 1
                    raise error.failure from None
                if error.at_once:
                    continue
            except Exception:
                self._failures = 0
                raise
            else:
                self._failures = 0
                return result
            await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311  # no secret
            pause = min(pause * 2, _MAX_PAUSE)

    def _max_attempts(self, failure: ObjectUnreadableError) -> int:
        if self._failures >= _MAX_FAILURES:
            return _ATTEMPTS_AFTER_FAILURES
        return _ATTEMPTS_THROTTLED if failure.kind == "throttled" else _ATTEMPTS

    async def _attempt(
        self, bucket: str, key: str, query: dict[str, str], sink: Sink
    ) -> dict[str, str]:
        """Send one request; return the headers of the response."""
        address = self._addresses.of(bucket)
        path, parameters = encoded_path(address.path + key), query_string(query)
        signed = signed_headers(
            self.credentials, address.region, address.host, path, parameters, datetime.now(UTC)
        )
        url = f"{address.scheme}://{address.host}{path}{'?' * bool(parameters)}{parameters}"
        try:
            response = await self._http.get(
                url, [f"{name}: {value}" for name, value in signed.items()], sink, self._is_s3
            )
        except HttpError as error:
            raise _Retry(ObjectUnreadableError("unreachable", str(error))) from None
        if response.accepted:
            return response.headers
        code, message = parse_error(response.body)
        own = self._is_s3(response) if response.status == 404 else self._has_s3_headers(response)
        if not own and (response.status == 404 or not code):
            raise _Retry(_not_s3(response))
        found = response.headers.get("x-amz-bucket-region", "")
        if response.status in {301, 307, 400, 403} and self._addresses.learn(bucket, found):
            raise _Retry(ObjectUnreadableError("unreachable", "wrong region"), at_once=True)
        raise _error_for(bucket, response.status, code, message)

    def _has_s3_headers(self, response: HttpResponse) -> bool:
        if _REQUEST_ID in response.headers or _HOST_ID in response.headers:
            self._has_request_ids = True
            return True
        return False

    def _is_s3(self, response: HttpResponse) -> bool:
        """Return whether a response is from S3 rather than from a proxy.

        Compatible stores without S3's headers are accepted, unless an earlier response had them.
        """
        if self._has_s3_headers(response):
            return True
        if self._has_request_ids:
            return False
        kind = response.headers.get("content-type", "")
        return not kind.startswith("text/html") and (
            response.status != 200 or "etag" in response.headers or kind.endswith("/xml")
        )


def _check_order(last: str, names: list[str]) -> str:
    """Return the last name of a page.

    Raises:
        ObjectUnreadableError: the names are not in order, so pages may be of several listings.

    """
    if names and (names[0] <= last or any(b < a for a, b in pairwise(names))):
        raise ObjectUnreadableError("unreachable", "the listing is not in the order of its names")
    return names[-1] if names else last


def _not_s3(response: HttpResponse) -> ObjectUnreadableError:
    kind = response.headers.get("content-type", "no type")
    return ObjectUnreadableError(
        "unreachable",
        f"HTTP {response.status} ({one_line(kind, 40)}) without S3's own headers: something "
        "between answers in its place",
    )


def _no_bucket(bucket: str) -> ObjectUnreadableError:
    return ObjectUnreadableError("no-bucket", f"{bucket}: there is no such bucket (NoSuchBucket)")


def _error_for(bucket: str, status: int, code: str, message: str) -> Exception:
    """Return the exception for an error response."""
    message = one_line(message)
    reason = f"HTTP {status} {one_line(code, 60)}".rstrip() + (f": {message}" if message else "")
    cause = cause_of(code, message)
    if cause is Cause.THROTTLED or status in {429, 503}:
        return _Retry(ObjectUnreadableError("throttled", reason))
    if status in _RETRIED_STATUS or code == "RequestTimeout":
        return _Retry(ObjectUnreadableError("unreachable", reason))
    if status == 404 and code in _MISSING_CODES:
        return ObjectMissingError()
    if code == "NoSuchBucket":
        return _no_bucket(bucket)
    if code == "InvalidObjectState":
        return ObjectUnreadableError("archived", reason)
    if kind := _KINDS.get(cause):
        return ObjectUnreadableError(kind, reason, step_for(cause, message))
    kind = "denied" if status in {401, 403} else "unreachable"
    return ObjectUnreadableError(kind, reason)
