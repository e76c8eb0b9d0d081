"""Who acts in a made-up organization, as records tell of them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

Identity = dict[str, Any]

PEOPLE = (
    "ana.silva", "ben.okafor", "chen.wei", "dora.novak", "emil.larsen", "fatima.haddad",
    "george.brown", "hana.sato",
)  # fmt: skip


def unique(prefix: str, *parts: str) -> str:
    """Make up an id of IAM's form, the same for the same parts."""
    digest = hashlib.sha256("/".join(parts).encode()).hexdigest().upper()
    return prefix + digest.translate(str.maketrans("0189", "GHJK"))[:16]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, from where and with what.

    Attributes:
        identity: the record's userIdentity.
        ip: the address.
        agent: the program.
        extra: fields of the record that follow from it.

    """

    identity: Identity
    ip: str
    agent: str
    extra: dict[str, Any] = field(default_factory=dict)


def role(account: str, name: str, session: str, *, source: str = "", key: str = "") -> Identity:
    """Return the identity of an assumed role's session."""
    issuer = unique("AROA", account, name)
    context: dict[str, Any] = {
        "sessionIssuer": {
            "type": "Role",
            "principalId": issuer,
            "arn": f"arn:aws:iam::{account}:role/{name}",
            "accountId": account,
            "userName": name,
        },
        "attributes": {"creationDate": "2026-01-01T00:00:00Z", "mfaAuthenticated": "false"},
    }
    if source:
        context["sourceIdentity"] = source
    return {
        "type": "AssumedRole",
        "principalId": f"{issuer}:{session}",
        "arn": f"arn:aws:sts::{account}:assumed-role/{name}/{session}",
        "accountId": account,
        "accessKeyId": key or unique("ASIA", account, name, session),
        "sessionContext": context,
    }


def person(account: str, name: str, permission_set: str = "Engineer") -> Caller:
    """Return someone who came through IAM Identity Center, on the command line."""
    tail = unique("", account, permission_set).lower()
    identity = role(account, f"AWSReservedSSO_{permission_set}_{tail}", name)
    identity["onBehalfOf"] = {
        "userId": unique("", name).lower(),
        "identityStoreArn": "arn:aws:identitystore::111111111111:identitystore/d-9067example",
    }
    return Caller(identity, _home(name), "aws-cli/2.31.5 md/awscrt#0.27.6 ua/2.1 os/macos#25.1")


def in_console(caller: Caller) -> Caller:
    """Return the same person in the console."""
    return Caller(
        caller.identity, caller.ip, "Mozilla/5.0", {"sessionCredentialFromConsole": "true"}
    )


def workload(account: str, name: str) -> Caller:
    """Return a program with a role of its own."""
    return Caller(
        role(account, name, f"i-0{hashlib.sha256(f'{account}/{name}'.encode()).hexdigest()[:16]}"),
        f"10.{int(account) % 200}.{len(name)}.17",
        "Boto3/1.40.2 md/Botocore#1.40.2 ua/2.1 os/linux#6.12",
    )


def user(account: str, name: str) -> Caller:
    """Return an IAM user."""
    identity = {
        "type": "IAMUser",
        "principalId": unique("AIDA", account, name),
        "arn": f"arn:aws:iam::{account}:user/{name}",
        "accountId": account,
        "accessKeyId": unique("AKIA", account, name),
        "userName": name,
    }
    return Caller(identity, _home(name), "aws-cli/2.31.5")


def root(account: str) -> Caller:
    """Return the root user of an account."""
    identity = {
        "type": "Root",
        "principalId": account,
        "arn": f"arn:aws:iam::{account}:root",
        "accountId": account,
        "accessKeyId": unique("ASIA", account, "root"),
    }
    return Caller(identity, "198.51.100.7", "Mozilla/5.0")


def service(name: str) -> Caller:
    """Return a service of AWS."""
    return Caller({"type": "AWSService", "invokedBy": name}, name, name)


def _home(name: str) -> str:
    return f"203.0.113.{1 + int(hashlib.sha256(name.encode()).hexdigest(), 16) % 250}"
