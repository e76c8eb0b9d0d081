"""Made-up records, in the form that CloudTrail writes."""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orgtrail.queries.bounds import stamp
from orgtrail.regions import partition_of
from orgtrail.sample.identities import Caller

GLOBAL = frozenset({"iam.amazonaws.com", "organizations.amazonaws.com", "signin.amazonaws.com"})
"""Services that tell of themselves in us-east-1, wherever the trail files it."""
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
        late: seconds that its delivery takes longer than usual.

    """

    at: datetime
    account: str
    region: str
    record: dict[str, Any]
    late: int = 0


class Recorder:
    """Writes records for one organization; the same seed writes the same.

    Args:
        rng: where chance comes from.
        home: the home region, where global services are filed.

    """

    def __init__(self, rng: random.Random, home: str) -> None:
        self.rng = rng
        self.home = home
        self.partition = partition_of(home)
        # Elsewhere no page says where a global service tells of itself.
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
            caller: who.
            action: `service:Name`.
            account: where.
            region: where.
            at: when.
            params: requestParameters.
            answer: responseElements.
            error: errorCode; empty for none.
            reads: readOnly; by default what the name says.
            late: seconds that the delivery is late.
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
        """Record that a role is assumed: in its account, and in the caller's if that is another."""
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
