"""Signed GET requests with libcurl, many at a time, in the event loop of asyncio.

libcurl took two thirds of aiohttp's time, and signing here takes a fraction of botocore's; both
matter for millions of files. Tests compare signatures with botocore's.
https://curl.se/libcurl/c/libcurl-multi.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from urllib.parse import quote

import pycurl

from orgtrail.aws import user_agent

_EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True, slots=True)
class Credentials:
    """The credentials that sign a request."""

    access_key: str
    secret_key: str
    token: str | None = None

    def __repr__(self) -> str:
        """Show no secrets."""
        return f"Credentials({self.access_key!r})"


def encoded_path(path: str) -> str:
    """Encode a path as S3 signs it: each byte once, except slashes."""
    return quote(path, safe="/-_.~")


def query_string(query: Mapping[str, str]) -> str:
    """Return the query string of parameters, encoded and sorted as S3 signs it."""
    pairs = ((quote(name, safe="-_.~"), quote(query[name], safe="-_.~")) for name in query)
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def signed_headers(
    credentials: Credentials, region: str, host: str, path: str, query: str, at: datetime
) -> dict[str, str]:
    """Return the headers of a GET request, signed with Signature Version 4; `path` is encoded."""
    stamp = at.strftime("%Y%m%dT%H%M%SZ")
    signed = {"host": host, "x-amz-content-sha256": _EMPTY_SHA256, "x-amz-date": stamp}
    if credentials.token:
        signed["x-amz-security-token"] = credentials.token
    names = ";".join(signed)
    lines = "".join(f"{name}:{value}\n" for name, value in signed.items())
    request = f"GET\n{path}\n{query}\n{lines}\n{names}\n{_EMPTY_SHA256}"
    scope = f"{stamp[:8]}/{region}/s3/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = _signing_key(credentials.secret_key, stamp[:8], region)
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    return signed | {
        "Authorization": (
            f"AWS4-HMAC-SHA256 Credential={credentials.access_key}/{scope}, "
            f"SignedHeaders={names}, Signature={signature}"
        )
    }


@lru_cache(maxsize=16)
def _signing_key(secret: str, day: str, region: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (day, region, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


Sink = Callable[[bytes], object]
"""Takes a piece of a response's body."""

_CONNECT_SECONDS, _SLOW_SECONDS = 20, 60
"""Timeout of a connection, and of a response that is slower than `_MIN_RATE`."""
_MIN_RATE = 64
"""Bytes per second."""
_MAX_SECONDS = 1800
"""Timeout of a complete response."""
_BUFFER_BYTES = 256 * 1024
_MAX_ERROR_BYTES = 64 * 1024
"""Bytes kept of the body of an error response."""


class HttpError(Exception):
    """There was no complete response: the connection failed, timed out or ended early."""


@dataclass(slots=True)
class HttpResponse:
    """An HTTP response.

    Attributes:
        status: the status code.
        headers: the headers, by their names in lower case.
        body: the body of a response that was not accepted.
        accepted: whether the sink took the body; None until the headers are complete.

    """

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    accepted: bool | None = None


class _Transfer:
    """Receives the response of one request."""

    def __init__(
        self, sink: Sink, accepts: Callable[[HttpResponse], bool], done: asyncio.Future[str]
    ) -> None:
        self.response = HttpResponse()
        self.done = done
        self.failure: Exception | None = None
        self._sink = sink
        self._accepts = accepts

    def head(self, line: bytes) -> None:
        if line[:5] == b"HTTP/":
            # A proxy may send a response before the server's.
            status = line.split(None, 2)[1:2]
            self.response = HttpResponse(int(status[0]) if status and status[0].isdigit() else 0)
            return
        name, mark, value = line.decode("latin-1").partition(":")
        if mark:
            self.response.headers[name.lower()] = value.strip()

    def write(self, data: bytes) -> int:
        try:
            if self.response.accepted is None:
                # The headers are complete when the body starts.
                self.response.accepted = self.response.status == 200 and self._accepts(
                    self.response
                )
            if not self.response.accepted:
                self.response.body += data[: _MAX_ERROR_BYTES - len(self.response.body)]
                return len(data)
            self._sink(data)
        except Exception as error:  # noqa: BLE001  # passed through libcurl to `get`
            self.failure = error
            return 0
        return len(data)


class HttpClient:
    """An HTTP client that reuses connections."""

    def __init__(self, max_connections: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._watch_socket)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._set_timer)
        self._multi.setopt(pycurl.M_MAXCONNECTS, max_connections)
        self._idle: list[pycurl.Curl] = []
        self._running: dict[pycurl.Curl, _Transfer] = {}
        self._watched: dict[int, int] = {}
        self._timer: asyncio.TimerHandle | None = None

    async def get(
        self, url: str, headers: list[str], sink: Sink, accepts: Callable[[HttpResponse], bool]
    ) -> HttpResponse:
        """Send a GET request.

        Args:
            url: the encoded URL.
            headers: lines of `name: value`.
            sink: takes the body of an accepted response; its exceptions are raised.
            accepts: decides from the headers whether to accept a response with status 200.

        Raises:
            HttpError: there was no complete response.

        """
        curl = self._idle.pop() if self._idle else _new_handle()
        transfer = _Transfer(sink, accepts, self._loop.create_future())
        curl.setopt(pycurl.URL, url)
        curl.setopt(pycurl.HTTPHEADER, headers)
        curl.setopt(pycurl.HEADERFUNCTION, transfer.head)
        curl.setopt(pycurl.WRITEFUNCTION, transfer.write)
        self._running[curl] = transfer
        self._multi.add_handle(curl)
        try:
            reason = await transfer.done
        finally:
            if self._running.pop(curl, None):
                self._multi.remove_handle(curl)
        self._idle.append(curl)
        if transfer.failure:
            raise transfer.failure
        if reason:
            raise HttpError(reason)
        response = transfer.response
        if response.accepted is None:
            # The response has no body.
            response.accepted = response.status == 200 and accepts(response)
        return response

    def close(self) -> None:
        """Close all connections."""
        if self._timer:
            self._timer.cancel()
        for curl in self._running:
            self._multi.remove_handle(curl)
        self._multi.close()
        for fd, events in self._watched.items():
            self._change_watch(fd, events, 0)

    def _watch_socket(self, event: int, fd: int, _multi: object, _data: object) -> None:
        """Watch a socket or stop watching it, as libcurl requests."""
        before = self._watched.pop(fd, 0)
        after = 0 if event == pycurl.POLL_REMOVE else event
        if after:
            self._watched[fd] = after
        self._change_watch(fd, before, after)

    def _change_watch(self, fd: int, before: int, after: int) -> None:
        loop = self._loop
        for flag, select, add, remove in (
            (pycurl.POLL_IN, pycurl.CSELECT_IN, loop.add_reader, loop.remove_reader),
            (pycurl.POLL_OUT, pycurl.CSELECT_OUT, loop.add_writer, loop.remove_writer),
        ):
            if after & flag and not before & flag:
                add(fd, self._act, fd, select)
            elif before & flag and not after & flag:
                remove(fd)

    def _set_timer(self, milliseconds: int) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if milliseconds >= 0:
            # Not right away: libcurl must not be called from its own callback.
            self._timer = self._loop.call_later(
                milliseconds / 1000, self._act, pycurl.SOCKET_TIMEOUT, 0
            )

    def _act(self, fd: int, events: int) -> None:
        self._multi.socket_action(fd, events)
        while True:
            more, done, failed = self._multi.info_read()
            for curl in done:
                self._end(curl, "")
            for curl, _, reason in failed:
                self._end(curl, reason)
            if not more:
                return

    def _end(self, curl: pycurl.Curl, reason: str) -> None:
        self._multi.remove_handle(curl)
        transfer = self._running.pop(curl)
        if not transfer.done.done():
            transfer.done.set_result(reason)


def _new_handle() -> pycurl.Curl:
    curl = pycurl.Curl()
    curl.setopt(pycurl.NOSIGNAL, 1)
    curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
    curl.setopt(pycurl.PATH_AS_IS, 1)
    curl.setopt(pycurl.CONNECTTIMEOUT, _CONNECT_SECONDS)
    curl.setopt(pycurl.LOW_SPEED_LIMIT, _MIN_RATE)
    curl.setopt(pycurl.LOW_SPEED_TIME, _SLOW_SECONDS)
    curl.setopt(pycurl.TIMEOUT, _MAX_SECONDS)
    curl.setopt(pycurl.USERAGENT, user_agent())
    curl.setopt(pycurl.BUFFERSIZE, _BUFFER_BYTES)
    curl.setopt(pycurl.CAINFO, _ca_bundle())
    return curl


def _ca_bundle() -> str:
    """Return the file of CA certificates that boto3 trusts."""
    for name in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
        if os.environ.get(name):
            return os.environ[name]
    from botocore.httpsession import where

    return str(where())
