"""An AWS organization on this machine: moto's API with the accounts of an environment file."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from tests.conftest import ROOT

TOOLS = ROOT / ".tools" / "e2e"
"""Moto, and a Node for the CDKTF CLI, in an environment of their own (see the Makefile)."""
MOTO = TOOLS / "bin" / "python"
SERVER = Path(__file__).parent / "beside" / "server.py"
HOST = "http://aws.test"
"""A name that never resolves (RFC 6761): only the proxy knows it."""
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
SERVICES = (
    "accessanalyzer", "athena", "cloudtrail", "cloudwatch", "ec2", "glue", "guardduty", "iam",
    "kms", "logs", "organizations", "s3", "securityhub", "sns", "sqs", "sts",
)  # fmt: skip


@dataclass(frozen=True)
class Call:
    """One call of the AWS API as it reached the server."""

    account: str
    region: str
    service: str
    operation: str
    path: str
    agent: str
    body: str

    @property
    def is_terraforms(self) -> bool:
        """Tell whether Terraform made it, and not a test."""
        return "Terraform/" in self.agent


@dataclass(frozen=True)
class Cloud:
    """The AWS API on loopback."""

    proxy: str
    log: Path

    @property
    def provider(self) -> dict[str, Any]:
        """Settings that have a provider of Terraform talk to this and to nothing else."""
        return {
            "endpoints": [dict.fromkeys((*SERVICES, "s3control"), HOST)],
            "http_proxy": self.proxy,
            "https_proxy": self.proxy,
            "s3_use_path_style": True,
        }

    def client(self, account: str, service: str, region: str = "us-east-1") -> Any:
        """Return a client of boto3 that acts in an account."""
        return self.as_role(f"arn:aws:iam::{account}:role/tests", service, region)

    def as_role(self, role: str, service: str, region: str = "us-east-1") -> Any:
        """Return a client that acts by a session of a role."""
        sts = _client("sts", region, self.proxy, {})
        session = sts.assume_role(RoleArn=role, RoleSessionName="tests")["Credentials"]
        return self.as_session(session, service, region)

    def as_session(self, session: dict[str, str], service: str, region: str = "us-east-1") -> Any:
        """Return a client that acts by the credentials of a session."""
        return _client(
            service,
            region,
            self.proxy,
            {
                "aws_access_key_id": session["AccessKeyId"],
                "aws_secret_access_key": session["SecretAccessKey"],
                "aws_session_token": session["SessionToken"],
            },
        )

    def calls(self, start: int = 0) -> list[Call]:
        """Return the calls that came, from the one numbered `start`."""
        return [Call(**json.loads(line)) for line in self.log.read_text().splitlines()[start:]]


@dataclass(frozen=True)
class Organization:
    """What AWS made up for an organization, to be written into an environment file."""

    id: str
    root_id: str
    management: str
    members: dict[str, str]
    """Ids by name."""

    def placed(self, text: str) -> str:
        """Write an environment file's text with these ids in place of the made-up ones."""
        made_up = dict(re.findall(r"(\w+)\s*=\s*\{\s*id\s*=\s*\"(\d{12})\"", text))
        for name, account in {"management": self.management, **self.members}.items():
            text = text.replace(made_up[name], account)
        text = re.sub(r'"o-[a-z0-9]{10,32}"', f'"{self.id}"', text)
        return re.sub(r'"r-[a-z0-9]{4,32}"', f'"{self.root_id}"', text)


def _client(service: str, region: str, proxy: str, credentials: dict[str, str]) -> Any:
    given = credentials or {name.lower(): value for name, value in CREDENTIALS.items()}
    return boto3.client(
        service,
        region_name=region,
        endpoint_url=HOST,
        config=Config(proxies={"http": proxy}, s3={"addressing_style": "path"}),
        **given,
    )


@contextmanager
def cloud(folder: Path) -> Iterator[Cloud]:
    """Start the AWS API; stop it in the end."""
    port, log = folder / "port", folder / "calls.jsonl"
    with (folder / "server.log").open("w") as output:
        server = subprocess.Popen(
            [MOTO, SERVER, port, log],
            # Or moto takes the first part of the host for a bucket.
            env={**os.environ, "S3_IGNORE_SUBDOMAIN_BUCKETNAME": "true"},
            stdout=output,
            stderr=output,
        )
    try:
        deadline = time.monotonic() + 60
        while not port.exists():
            said = (folder / "server.log").read_text()
            assert server.poll() is None, said
            assert time.monotonic() < deadline, said
            time.sleep(0.05)
        yield Cloud(f"http://127.0.0.1:{port.read_text()}", log)
    finally:
        server.terminate()
        server.wait()


def organization(here: Cloud, management: str, *members: str) -> Organization:
    """Make an organization that is ready for a trail, with an account for each member."""
    client = here.client(management, "organizations")
    made = client.create_organization(FeatureSet="ALL")["Organization"]
    (root,) = client.list_roots()["Roots"]
    client.enable_policy_type(RootId=root["Id"], PolicyType="SERVICE_CONTROL_POLICY")
    client.enable_aws_service_access(ServicePrincipal="cloudtrail.amazonaws.com")
    ids = {name: member(here, management, name) for name in members}
    return Organization(made["Id"], root["Id"], management, ids)


def member(here: Cloud, management: str, name: str) -> str:
    """Add an account to the organization; return its id."""
    client = here.client(management, "organizations")
    made = client.create_account(AccountName=name, Email=f"{name}@example.com")
    return str(made["CreateAccountStatus"]["AccountId"])
