"""The AWS API of the end-to-end tests: moto on loopback, with every call written down.

It runs in an environment of its own (see the Makefile) and takes two arguments: where to write
the port that it listens on, and where to write the calls, one JSON object a line.

Clients reach it as their HTTP proxy: some calls go to a host that begins with the account's id,
and as a proxy no such name has to resolve.
"""

from __future__ import annotations

import io
import json
import re
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from moto.cloudtrail.models import cloudtrail_backends
from moto.iam.models import get_account_id_from
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from moto.s3.models import s3_backends
from werkzeug.serving import make_server

Environ = dict[str, Any]
Respond = Callable[..., Any]
_DELETES = {"AmazonAthena.DeleteNamedQuery", "AmazonAthena.DeletePreparedStatement"}
"""Moto 5.2.5 lacks them; nobody asks afterwards for what is gone."""


class Recorded:
    """Moto's application, whose calls are recorded and in part completed."""

    def __init__(self, log: Path) -> None:
        self.app = DomainDispatcherApplication(create_backend_app)
        self.log = log
        self.lock = threading.Lock()
        self.rotation: dict[str, int] = {}
        self.analyzers: dict[str, dict[str, Any]] = {}

    def __call__(self, environ: Environ, respond: Respond) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        self._record(environ, body)
        scope = _scope(environ)
        if scope and scope[2] == "access-analyzer":
            return self._analyzer(environ, scope[1], body, respond)
        if environ.get("HTTP_X_AMZ_TARGET") == "AmazonAthena.UpdateWorkGroup":
            # Moto 5.2.5 lacks it. The tests change only what Terraform itself keeps
            # (force_destroy), for which the provider sends nothing but the name.
            assert list(json.loads(body)) == ["WorkGroup"]
            return _nothing(respond)
        if environ.get("HTTP_X_AMZ_TARGET") in _DELETES:
            return _nothing(respond)
        if str(environ.get("HTTP_X_AMZ_TARGET", "")).endswith(".GetEventConfiguration"):
            # Moto 5.2.5 lacks it, and no trail of the tests writes summaries of its events.
            return _told(respond, {"AggregationConfigurations": []})
        return self._completed(environ, body, respond)

    def _record(self, environ: Environ, body: bytes) -> None:
        scope = _scope(environ)
        if not scope and b"Action=AssumeRoleWithWebIdentity" in body:
            # Not signed: the token in it says who asks.
            scope = ("", "", "sts")
        if not scope:
            return
        _, region, service = scope
        call = {
            "account": _account(environ),
            "region": region,
            "service": service,
            "operation": _operation(environ, body),
            "path": environ["PATH_INFO"],
            "agent": environ.get("HTTP_USER_AGENT", ""),
            "body": body.decode(errors="replace"),
        }
        with self.lock, self.log.open("a", encoding="utf-8") as log:
            log.write(json.dumps(call) + "\n")

    def _completed(self, environ: Environ, body: bytes, respond: Respond) -> Iterable[bytes]:
        """Have moto answer, and mend what moto 5.2.5 leaves out."""
        head: list[Any] = []
        answer = b"".join(self.app(environ, lambda *given: head.extend(given)))
        if head[0].startswith("200"):
            self._tag(environ, body)
            answer = self._rotate(environ, body, answer)
            answer = _shadowed(environ, answer)
        headers = [each for each in head[1] if each[0].lower() != "content-length"]
        # Of an answer to HEAD the length is that of what GET would send.
        length = dict(head[1]).get("Content-Length", "0")
        if environ["REQUEST_METHOD"] != "HEAD":
            length = str(len(answer))
        respond(head[0], [*headers, ("Content-Length", length)])
        return [answer]

    def _tag(self, environ: Environ, body: bytes) -> None:
        """S3 CreateBucket: moto does not keep the tags of its CreateBucketConfiguration."""
        tags = re.findall(rb"<Tag><Key>(.*?)</Key><Value>(.*?)</Value></Tag>", body)
        if environ["REQUEST_METHOD"] != "PUT" or environ["QUERY_STRING"] or not tags:
            return
        account, bucket = _account(environ), environ["PATH_INFO"].strip("/")
        s3_backends[account]["aws"].tagger.tag_resource(
            f"arn:aws:s3:::{bucket}",
            [{"Key": name.decode(), "Value": value.decode()} for name, value in tags],
        )

    def _analyzer(
        self, environ: Environ, region: str, body: bytes, respond: Respond
    ) -> Iterable[bytes]:
        """Access Analyzer: moto 5.2.5 lacks it.

        https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_Operations.html
        """
        method, (_, kind, *rest) = environ["REQUEST_METHOD"], environ["PATH_INFO"].split("/")
        place = f"arn:aws:access-analyzer:{region}:{_account(environ)}:analyzer/"
        ours = {arn: each for arn, each in self.analyzers.items() if arn.startswith(place)}
        arn, answer = place + "/".join(rest), dict[str, Any]()
        if kind == "tags":
            answer = {"tags": self.analyzers["/".join(rest)]["tags"]}
        elif method == "PUT":
            given = json.loads(body)
            arn = answer["arn"] = place + given["analyzerName"]
            made = {"arn": arn, "name": given["analyzerName"], "type": given["type"]}
            about = {"createdAt": "2026-01-01T00:00:00Z", "status": "ACTIVE"}
            self.analyzers[arn] = {**made, **about, "tags": given.get("tags", {})}
        elif not rest:
            answer = {"analyzers": [*ours.values()]}
        elif arn not in ours:
            respond("404 Not Found", [("x-amzn-ErrorType", "ResourceNotFoundException")])
            return [b"{}"]
        elif method == "DELETE":
            del self.analyzers[arn]
        else:
            answer = {"analyzer": ours[arn]}
        respond("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(answer).encode()]

    def _rotate(self, environ: Environ, body: bytes, answer: bytes) -> bytes:
        """KMS GetKeyRotationStatus: moto does not keep RotationPeriodInDays."""
        target = environ.get("HTTP_X_AMZ_TARGET")
        if target == "TrentService.EnableKeyRotation":
            given = json.loads(body)
            self.rotation[_key(given)] = given.get("RotationPeriodInDays", 365)
        if target != "TrentService.GetKeyRotationStatus":
            return answer
        status = json.loads(answer)
        if status["KeyRotationEnabled"]:
            status["RotationPeriodInDays"] = self.rotation[_key(json.loads(body))]
        return json.dumps(status).encode()


def _shadowed(environ: Environ, answer: bytes) -> bytes:
    """CloudTrail DescribeTrails: moto shows an organization's trails to no member."""
    if not str(environ.get("HTTP_X_AMZ_TARGET", "")).endswith(".DescribeTrails"):
        return answer
    account, region = _account(environ), (_scope(environ) or ("", "", ""))[1]
    told = json.loads(answer)
    told["trailList"] += [
        trail.description()
        for owner, backends in cloudtrail_backends.items()
        if owner != account and region in backends
        for trail in backends[region].trails.values()
        if trail.is_org_trail
    ]
    return json.dumps(told).encode()


def _nothing(respond: Respond) -> Iterable[bytes]:
    return _told(respond, {})


def _told(respond: Respond, answer: dict[str, Any]) -> Iterable[bytes]:
    respond("200 OK", [("Content-Type", "application/x-amz-json-1.1")])
    return [json.dumps(answer).encode()]


def _key(given: dict[str, Any]) -> str:
    return str(given["KeyId"]).rpartition("/")[2]


def _scope(environ: Environ) -> tuple[str, str, str] | None:
    """Return access key, region and service of a signed call."""
    signed = str(environ.get("HTTP_AUTHORIZATION", ""))
    found = re.search(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/", signed)
    return (found[1], found[2], found[3]) if found else None


def _account(environ: Environ) -> str:
    scope = _scope(environ)
    return str(get_account_id_from(scope[0])) if scope else ""


def _operation(environ: Environ, body: bytes) -> str:
    """Return the operation's name as AWS documents it, or method and path where it is in them."""
    if target := environ.get("HTTP_X_AMZ_TARGET"):
        return str(target).rpartition(".")[2]
    if found := re.search(r"/operation/(\w+)$", environ["PATH_INFO"]):
        return found[1]
    if form := parse_qs(body.decode(errors="replace")).get("Action"):
        return form[0]
    method, query = environ["REQUEST_METHOD"], parse_qs(environ["QUERY_STRING"], True)
    part = next(iter(query), "")
    return f"{method} {environ['PATH_INFO']}{'?' + part if part else ''}"


def main() -> None:
    """Serve until stopped."""
    port, log = map(Path, sys.argv[1:])
    log.touch()
    server = make_server(
        "127.0.0.1", 0, Recorded(log), threaded=True, request_handler=MotoRequestHandler
    )
    draft = port.with_suffix(".draft")
    draft.write_text(str(server.server_port))
    draft.rename(port)
    server.serve_forever()


if __name__ == "__main__":
    main()
