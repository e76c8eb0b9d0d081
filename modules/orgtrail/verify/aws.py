"""Calls to AWS other than S3: credentials, public keys, organization accounts, regions."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from orgtrail import aws
from orgtrail.errors import OrgtrailError
from orgtrail.verify.keys import KeyRing
from orgtrail.verify.names import HOUR
from orgtrail.verify.storage.http import Credentials
from orgtrail.verify.storage.s3_api import S3Addresses

_THREADS = 8
_MEMBERS_UNKNOWN = "its accounts are known from the bucket alone"
_ENABLED = ("ENABLED", "ENABLED_BY_DEFAULT", "ENABLING", "DISABLING")


@dataclass(frozen=True, slots=True)
class OrganizationAccount:
    """An account of the organization, when it joined, and whether it is active."""

    id: str
    joined: datetime | None
    is_active: bool


class AwsClient:
    """Calls AWS with a boto3 session.

    Args:
        home: the trail's home region.
        session: the session; None for a new one.

    Raises:
        OrgtrailError: there are no credentials.

    """

    def __init__(self, home: str, session: Any = None) -> None:
        self._home = home
        try:
            self._session = session or aws.session(home)
            self._credentials = self._session.get_credentials()
        except Exception as error:  # noqa: BLE001  # credential providers may raise anything
            raise _no_credentials(error) from None
        if self._credentials is None:
            raise OrgtrailError(
                "credentials: none found; set AWS_PROFILE, or give the environment credentials "
                "that may read the archive"
            )

    def credentials(self) -> Credentials:
        """Return credentials that are valid now.

        Raises:
            OrgtrailError: they have expired and cannot be refreshed.

        """
        try:
            frozen = self._credentials.get_frozen_credentials()
        except Exception as error:  # noqa: BLE001  # credential providers may raise anything
            raise _no_credentials(error) from None
        return Credentials(frozen.access_key, frozen.secret_key, frozen.token)

    def addresses(self) -> S3Addresses:
        """Return the S3 endpoints of buckets."""
        return S3Addresses.from_session(self._session, self._home)

    def fetch_keys(
        self, ring: KeyRing, regions: Iterable[str], since: datetime, until: datetime
    ) -> None:
        """Fetch the keys of each region that were valid in a window.

        The window is widened: CloudTrail signs a digest after its period, and signs a backfill
        digest with a key of the day it is delivered.
        """
        end = max(until + 2 * HOUR, datetime.now(UTC))

        def fetch(region: str) -> None:
            try:
                answer = self._client("cloudtrail", region).list_public_keys(
                    StartTime=since - HOUR, EndTime=end
                )
                ring.add(region, answer.get("PublicKeyList") or ())
            except Exception as error:  # noqa: BLE001  # the other calls continue
                refusal = aws.explain(error)
                step = refusal.step and f"{refusal.step}; or give --public-keys"
                ring.errors[region] = (f"ListPublicKeys: {refusal.reason}", step)

        with ThreadPoolExecutor(_THREADS) as pool:
            list(pool.map(fetch, regions))

    def members(self) -> list[OrganizationAccount] | str:
        """Return the organization's accounts, or why they cannot be listed."""
        try:
            pages = self._client("organizations", self._home).get_paginator("list_accounts")
            return [
                OrganizationAccount(
                    each["Id"],
                    each.get("JoinedTimestamp"),
                    each.get("Status", "ACTIVE") == "ACTIVE",
                )
                for page in pages.paginate()
                for each in page["Accounts"]
            ]
        except Exception as error:  # noqa: BLE001  # the other calls continue
            refusal = aws.explain(error)
            step = f"; {refusal.step}" if refusal.step else ""
            return f"organizations:ListAccounts: {refusal.reason}; {_MEMBERS_UNKNOWN}{step}"

    def enabled_regions(self, account: str) -> frozenset[str] | str:
        """Return the regions enabled in an account, or why they cannot be listed.

        https://docs.aws.amazon.com/accounts/latest/reference/API_ListRegions.html
        """
        try:
            pages = (
                self._client("account", self._home)
                .get_paginator("list_regions")
                .paginate(AccountId=account, RegionOptStatusContains=[*_ENABLED])
            )
            return frozenset(each["RegionName"] for page in pages for each in page["Regions"])
        except Exception as error:  # noqa: BLE001  # the other calls continue
            return f"account:ListRegions: {aws.explain(error).reason}"

    def _client(self, service: str, region: str) -> Any:
        return aws.client(self._session, service, region)


def _no_credentials(error: Exception) -> OrgtrailError:
    refusal = aws.explain(error)
    step = refusal.step or "set AWS_PROFILE, or give the environment other credentials"
    return OrgtrailError(f"credentials: {refusal.reason}; {step}")
