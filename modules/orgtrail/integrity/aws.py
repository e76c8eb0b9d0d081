"""What is asked of AWS beside the bucket: credentials, public keys, the organization's members."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock
from typing import Any

from orgtrail.integrity.keys import KeyRing
from orgtrail.integrity.names import HOUR
from orgtrail.integrity.storage.addresses import Addresses
from orgtrail.integrity.storage.signing import Credentials
from orgtrail.settings.faults import OrgtrailError

_THREADS = 8
_NOT_SAID = "its accounts are known from the bucket alone"


@dataclass(frozen=True, slots=True)
class Member:
    """An account of the organization, and since when."""

    id: str
    joined: datetime | None


class Aws:
    """A boto3 session, with all that its user configured.

    Args:
        home: the trail's home region.
        session: the session; by default a new one.

    Raises:
        OrgtrailError: there are no credentials.

    """

    def __init__(self, home: str, session: Any = None) -> None:
        import boto3
        from botocore.exceptions import BotoCoreError

        self._home = home
        self._lock = Lock()
        try:
            self._session = session or boto3.Session()
            self._credentials = self._session.get_credentials()
        except BotoCoreError as error:
            raise OrgtrailError(f"credentials: {error}") from None
        if self._credentials is None:
            raise OrgtrailError(
                "credentials: none found; set AWS_PROFILE, or give the environment credentials "
                "that may read the archive"
            )

    def credentials(self) -> Credentials:
        """Return credentials that are valid now.

        Raises:
            OrgtrailError: they have expired, and cannot be renewed.

        """
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            frozen = self._credentials.get_frozen_credentials()
        except (BotoCoreError, ClientError, RuntimeError) as error:
            raise OrgtrailError(f"credentials: cannot be renewed: {error}") from None
        return Credentials(frozen.access_key, frozen.secret_key, frozen.token)

    def addresses(self) -> Addresses:
        """Return where buckets answer."""
        return Addresses.from_session(self._session, self._home)

    def fill(self, ring: KeyRing, regions: Iterable[str], since: datetime, until: datetime) -> None:
        """Ask each region for the keys that were valid in a time.

        CloudTrail's keys are looked up a little around it: a digest is signed after its period,
        and one that was delivered afterwards with a key of that day.
        """
        end = max(until + 2 * HOUR, datetime.now(UTC))

        def ask(region: str) -> None:
            try:
                answer = self._client("cloudtrail", region).list_public_keys(
                    StartTime=since - HOUR, EndTime=end
                )
                ring.add(region, answer["PublicKeyList"])
            except Exception as error:  # noqa: BLE001  # whatever the reason, the rest goes on
                ring.denied[region] = f"ListPublicKeys: {error}"

        with ThreadPoolExecutor(_THREADS) as pool:
            list(pool.map(ask, regions))

    def members(self) -> list[Member] | str:
        """Return the organization's active accounts, or why they cannot be had."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            pages = self._client("organizations", self._home).get_paginator("list_accounts")
            return [
                Member(each["Id"], each.get("JoinedTimestamp"))
                for page in pages.paginate()
                for each in page["Accounts"]
                if each.get("Status", "ACTIVE") == "ACTIVE"
            ]
        except (BotoCoreError, ClientError) as error:
            return f"organizations:ListAccounts: {error}; {_NOT_SAID}"

    def _client(self, service: str, region: str) -> Any:
        from botocore.config import Config

        retries = {"mode": "adaptive", "total_max_attempts": 5}
        # A session makes one client at a time.
        with self._lock:
            return self._session.client(
                service, region_name=region, config=Config(retries=retries, connect_timeout=10)
            )
