"""GET requests by libcurl, many at a time, within the event loop of asyncio.

It costs two thirds of what aiohttp does, and millions of files are read.
https://curl.se/libcurl/c/libcurl-multi.html
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass, field

import pycurl

from orgtrail.aws import user_agent

Sink = Callable[[bytes], object]

_CONNECT, _SILENT = 20, 60
"""Seconds until a connection must stand, and of an answer that is slower than `_SLOWEST`."""
_SLOWEST = 64
"""Bytes in a second; an answer that drips slower than that for a minute has failed."""
_LONGEST = 1800
"""Seconds of one answer, at most."""
_BUFFER = 256 * 1024
_REFUSAL = 64 * 1024
"""Bytes of a refusal that are kept."""


class HttpError(Exception):
    """No whole answer came: the connection failed, fell silent or ended too early."""


@dataclass(slots=True)
class Answer:
    """An answer: status, headers by their names in small letters, and what a refusal says.

    `accepted` tells that the sink has its body; None until the headers are whole.
    """

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    accepted: bool | None = None


class _Exchange:
    """What one request hears."""

    def __init__(
        self, sink: Sink, accepts: Callable[[Answer], bool], done: asyncio.Future[str]
    ) -> None:
        self.answer = Answer()
        self.done = done
        self.failure: Exception | None = None
        self._sink = sink
        self._accepts = accepts

    def head(self, line: bytes) -> None:
        if line[:5] == b"HTTP/":
            # A proxy's answer comes before the one that counts.
            status = line.split(None, 2)[1:2]
            self.answer = Answer(int(status[0]) if status and status[0].isdigit() else 0)
            return
        name, mark, value = line.decode("latin-1").partition(":")
        if mark:
            self.answer.headers[name.lower()] = value.strip()

    def write(self, data: bytes) -> int:
        try:
            if self.answer.accepted is None:
                # The headers are whole once the body comes.
                self.answer.accepted = self.answer.status == 200 and self._accepts(self.answer)
            if not self.answer.accepted:
                self.answer.body += data[: _REFUSAL - len(self.answer.body)]
                return len(data)
            self._sink(data)
        except Exception as error:  # noqa: BLE001  # libcurl stands between; it is raised again
            self.failure = error
            return 0
        return len(data)


class Http:
    """Connections that are kept and used again.

    Args:
        most: connections that are kept.

    """

    def __init__(self, most: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._watch)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._wait)
        self._multi.setopt(pycurl.M_MAXCONNECTS, most)
        self._idle: list[pycurl.Curl] = []
        self._running: dict[pycurl.Curl, _Exchange] = {}
        self._watched: dict[int, int] = {}
        self._timer: asyncio.TimerHandle | None = None

    async def get(
        self, url: str, headers: list[str], sink: Sink, accepts: Callable[[Answer], bool]
    ) -> Answer:
        """Ask for something.

        Args:
            url: encoded.
            headers: `name: value` each.
            sink: takes the body's bytes where the status is 200; what it raises is raised.
            accepts: tells by its headers whether an answer of status 200 is one that was meant.

        Raises:
            HttpError: no whole answer came.

        """
        curl = self._idle.pop() if self._idle else _new()
        exchange = _Exchange(sink, accepts, self._loop.create_future())
        curl.setopt(pycurl.URL, url)
        curl.setopt(pycurl.HTTPHEADER, headers)
        curl.setopt(pycurl.HEADERFUNCTION, exchange.head)
        curl.setopt(pycurl.WRITEFUNCTION, exchange.write)
        self._running[curl] = exchange
        self._multi.add_handle(curl)
        try:
            reason = await exchange.done
        finally:
            if self._running.pop(curl, None):
                self._multi.remove_handle(curl)
        self._idle.append(curl)
        if exchange.failure:
            raise exchange.failure
        if reason:
            raise HttpError(reason)
        answer = exchange.answer
        if answer.accepted is None:
            # It has no body.
            answer.accepted = answer.status == 200 and accepts(answer)
        return answer

    def close(self) -> None:
        """Close all connections."""
        if self._timer:
            self._timer.cancel()
        for curl in self._running:
            self._multi.remove_handle(curl)
        self._multi.close()
        for fd, events in self._watched.items():
            self._change(fd, events, 0)

    def _watch(self, event: int, fd: int, _multi: object, _data: object) -> None:
        """Do what libcurl asks: look at a socket, or no more."""
        before = self._watched.pop(fd, 0)
        after = 0 if event == pycurl.POLL_REMOVE else event
        if after:
            self._watched[fd] = after
        self._change(fd, before, after)

    def _change(self, fd: int, before: int, after: int) -> None:
        loop = self._loop
        for flag, select, add, remove in (
            (pycurl.POLL_IN, pycurl.CSELECT_IN, loop.add_reader, loop.remove_reader),
            (pycurl.POLL_OUT, pycurl.CSELECT_OUT, loop.add_writer, loop.remove_writer),
        ):
            if after & flag and not before & flag:
                add(fd, self._act, fd, select)
            elif before & flag and not after & flag:
                remove(fd)

    def _wait(self, milliseconds: int) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if milliseconds >= 0:
            # Never at once: libcurl may not be called while it calls.
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
        exchange = self._running.pop(curl)
        if not exchange.done.done():
            exchange.done.set_result(reason)


def _new() -> pycurl.Curl:
    curl = pycurl.Curl()
    curl.setopt(pycurl.NOSIGNAL, 1)
    curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
    curl.setopt(pycurl.PATH_AS_IS, 1)
    curl.setopt(pycurl.CONNECTTIMEOUT, _CONNECT)
    curl.setopt(pycurl.LOW_SPEED_LIMIT, _SLOWEST)
    curl.setopt(pycurl.LOW_SPEED_TIME, _SILENT)
    curl.setopt(pycurl.TIMEOUT, _LONGEST)
    curl.setopt(pycurl.USERAGENT, user_agent())
    curl.setopt(pycurl.BUFFERSIZE, _BUFFER)
    curl.setopt(pycurl.CAINFO, _authorities())
    return curl


def _authorities() -> str:
    """Return the certificates that boto3 trusts."""
    for name in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
        if os.environ.get(name):
            return os.environ[name]
    from botocore.httpsession import where

    return str(where())
