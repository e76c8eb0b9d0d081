"""Made-up records: who acts, where, and what CloudTrail records of it."""

from __future__ import annotations

import hashlib
import random
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from orgtrail.logs.bounds import stamp
from orgtrail.regions import partition_of
from orgtrail.settings.environment import Environment

Identity = dict[str, Any]

PEOPLE = (
    "ana.silva", "ben.okafor", "chen.wei", "dora.novak", "emil.larsen", "fatima.haddad",
    "george.brown", "hana.sato",
)  # fmt: skip


def unique(prefix: str, *parts: str) -> str:
    """Make up an id in IAM's format, the same for the same parts."""
    digest = hashlib.sha256("/".join(parts).encode()).hexdigest().upper()
    return prefix + digest.translate(str.maketrans("0189", "GHJK"))[:16]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, from where and with what.

    Attributes:
        identity: the record's userIdentity.
        ip: the address.
        agent: the program.
        extra: further fields of its records.

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
    """Return a person who signed in through IAM Identity Center, on the command line."""
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
    """Return a program with its own role."""
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
    """Return an AWS service."""
    return Caller({"type": "AWSService", "invokedBy": name}, name, name)


def _home(name: str) -> str:
    return f"203.0.113.{1 + int(hashlib.sha256(name.encode()).hexdigest(), 16) % 250}"


GLOBAL = frozenset({"iam.amazonaws.com", "organizations.amazonaws.com", "signin.amazonaws.com"})
"""Services whose records name us-east-1, wherever the trail delivers them."""
_DATA = frozenset(
    {
        "GetItem",
        "PutItem",
        "Query",
        "Scan",
        "BatchGetItem",
        "GetObject",
        "PutObject",
        "DeleteObject",
    }
)


@dataclass(frozen=True, slots=True)
class Event:
    """A record, and the folder that it is delivered to.

    Attributes:
        at: when it happened.
        account: the account of the folder.
        region: the region of the folder.
        record: the record.
        late: seconds by which its delivery is later than usual.

    """

    at: datetime
    account: str
    region: str
    record: dict[str, Any]
    late: int = 0


class Recorder:
    """Creates records for one organization; the same seed creates the same records.

    Args:
        rng: the source of randomness.
        home: the home region, where records of global services are delivered.

    """

    def __init__(self, rng: random.Random, home: str) -> None:
        self.rng = rng
        self.home = home
        self.partition = partition_of(home)
        # For other partitions, AWS does not document the region of global services' records.
        self.global_region = "us-east-1" if self.partition.name == "aws" else home

    def event(
        self,
        caller: Caller,
        action: str,
        account: str,
        region: str,
        at: datetime,
        *,
        params: dict[str, Any] | None = None,
        answer: dict[str, Any] | None = None,
        error: str = "",
        reads: bool | None = None,
        late: int = 0,
        **extra: Any,
    ) -> Event:
        """Record one call.

        Args:
            caller: who calls.
            action: `service:Name`.
            account: the account.
            region: the region.
            at: the time.
            params: requestParameters.
            answer: responseElements.
            error: errorCode; empty for none.
            reads: readOnly; derived from the name by default.
            late: seconds by which its delivery is late.
            extra: other fields of the record.

        """
        service, name = action.split(":")
        source = f"{service}.amazonaws.com"
        where = self.home if source in GLOBAL else region
        if reads is None:
            reads = name.startswith(("Get", "List", "Describe", "Query", "Scan", "BatchGet"))
        category = "Data" if name in _DATA else "Management"
        record: dict[str, Any] = {
            "eventVersion": "1.11",
            "userIdentity": caller.identity,
            "eventTime": stamp(at),
            "eventSource": source,
            "eventName": name,
            "awsRegion": self.global_region if source in GLOBAL else region,
            "sourceIPAddress": caller.ip,
            "userAgent": caller.agent,
            "requestParameters": params,
            "responseElements": answer,
            "requestID": self.id(),
            "eventID": self.id(),
            "readOnly": reads,
            "eventType": "AwsApiCall",
            "managementEvent": category == "Management",
            "recipientAccountId": account,
            "eventCategory": category,
            "tlsDetails": {
                "tlsVersion": "TLSv1.3",
                "cipherSuite": "TLS_AES_128_GCM_SHA256",
                "clientProvidedHostHeader": f"{service}.{where}.{self.partition.suffix}",
            },
        }
        if error:
            record["errorCode"] = error
            record["errorMessage"] = f"{error}: the caller may not do {action}"
        return Event(at, account, where, self._here(record | caller.extra | extra), late)

    def _here(self, value: Any) -> Any:
        """Return a value with every ARN in the partition of the home region."""
        if self.partition.name == "aws":
            return value
        match value:
            case dict():
                return {name: self._here(each) for name, each in value.items()}
            case list():
                return [self._here(each) for each in value]
            case str():
                return value.replace("arn:aws:", f"arn:{self.partition.name}:")
            case _:
                return value

    def id(self) -> str:
        """Make up an id."""
        return str(uuid.UUID(int=self.rng.getrandbits(128), version=4))

    def login(
        self, caller: Caller, account: str, at: datetime, *, success: bool, mfa: str = "Yes"
    ) -> Event:
        """Record a login at the console."""
        extra: dict[str, Any] = {"eventType": "AwsConsoleSignIn"}
        if not success:
            extra["errorMessage"] = "Failed authentication"
        return self.event(
            caller,
            "signin:ConsoleLogin",
            account,
            self.home,
            at,
            answer={"ConsoleLogin": "Success" if success else "Failure"},
            reads=False,
            additionalEventData={"MFAUsed": mfa, "MobileVersion": "No"},
            **extra,
        )

    def assume(
        self, caller: Caller, account: str, role: str, session: str, region: str, at: datetime,
        *, key: str = "", error: str = "", source: str = "",
    ) -> list[Event]:  # fmt: skip
        """Record an AssumeRole call in the role's account, and in the caller's if it differs."""
        params = {"roleArn": f"arn:aws:iam::{account}:role/{role}", "roleSessionName": session}
        if source:
            params["sourceIdentity"] = source
        answer = None if error else {"credentials": {"accessKeyId": key, "expiration": "later"}}
        shared = self.id()
        homes = dict.fromkeys((account, caller.identity.get("accountId", account)))
        return [
            self.event(
                caller, "sts:AssumeRole", each, region, at, params=params, answer=answer,
                error=error, reads=True, sharedEventID=shared,
            )
            for each in homes
        ]  # fmt: skip


STRANGER = "192.0.2.66"
"""The address of an intruder."""
OUTSIDE = "999999999999"
"""An account outside the organization."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where things happen.

    Attributes:
        accounts: by id, the share of the events of each account.
        regions: regions in use, the home region first.
        data_account: the account with patient or customer data.

    """

    accounts: dict[str, int]
    regions: tuple[str, ...]
    data_account: str


@dataclass(frozen=True, slots=True)
class Story:
    """Something that happened.

    Attributes:
        name: what it is called.
        summary: what happened, in a sentence.
        queries: the questions that find it.
        events: its records.

    """

    name: str
    summary: str
    queries: tuple[str, ...]
    events: list[Event]


class StoryWriter:
    """Writes the records of stories, each later than the one before.

    Args:
        recorder: writes a record.
        environment: the organization.
        places: where its work is done.
        start: when the first story starts.

    """

    def __init__(
        self, recorder: Recorder, environment: Environment, places: Places, start: datetime
    ) -> None:
        self.recorder = recorder
        self.environment = environment
        self.home = places.regions[0]
        self.data = places.data_account
        self.management = environment.management.id
        self.logging = environment.logging.id
        self._at = start

    def later(self, minutes: int = 1) -> datetime:
        """Let some minutes pass; return the time."""
        self._at += timedelta(minutes=minutes)
        return self._at

    def do(
        self, caller: Caller, action: str, account: str, params: dict[str, Any] | None = None,
        *, region: str = "", error: str = "", reads: bool = False, **extra: Any,
    ) -> Event:  # fmt: skip
        """Record one call, a minute later."""
        return self.recorder.event(
            caller, action, account, region or self.home, self.later(), params=params, error=error,
            reads=reads, **extra,
        )  # fmt: skip

    def intruder(self, account: str, name: str = "deploy-legacy") -> Caller:
        """Return a stranger with the credentials of an IAM user."""
        known = user(account, name)
        return Caller(known.identity, STRANGER, "aws-cli/2.9.1 ua/2.0 os/linux#5.4.kali")
