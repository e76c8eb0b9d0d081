"""What is asked of AWS beside the bucket: credentials, public keys, the organization's members."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from orgtrail import aws
from orgtrail.errors import OrgtrailError
from orgtrail.integrity.keys import KeyRing
from orgtrail.integrity.names import HOUR
from orgtrail.integrity.storage.addresses import Addresses
from orgtrail.integrity.storage.signing import Credentials

_THREADS = 8
_NOT_SAID = "its accounts are known from the bucket alone"
_ENABLED = ("ENABLED", "ENABLED_BY_DEFAULT", "ENABLING", "DISABLING")


@dataclass(frozen=True, slots=True)
class Member:
    """An account of the organization, since when, and whether it is not closed."""

    id: str
    joined: datetime | None
    is_active: bool


class Aws:
    """A boto3 session, with all that its user configured.

    Args:
        home: the trail's home region.
        session: the session; by default a new one.

    Raises:
        OrgtrailError: there are no credentials.

    """

    def __init__(self, home: str, session: Any = None) -> None:
        self._home = home
        try:
            self._session = session or aws.session(home)
            self._credentials = self._session.get_credentials()
        except Exception as error:  # noqa: BLE001  # a provider of credentials may raise anything
            raise _no_credentials(error) from None
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
        try:
            frozen = self._credentials.get_frozen_credentials()
        except Exception as error:  # noqa: BLE001  # a provider of credentials may raise anything
            raise _no_credentials(error) from None
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
                ring.add(region, answer.get("PublicKeyList") or ())
            except Exception as error:  # noqa: BLE001  # whatever the reason, the rest goes on
                refusal = aws.explain(error)
                step = refusal.step and f"{refusal.step}; or give --public-keys"
                ring.denied[region] = (f"ListPublicKeys: {refusal.reason}", step)

        with ThreadPoolExecutor(_THREADS) as pool:
            list(pool.map(ask, regions))

    def members(self) -> list[Member] | str:
        """Return the organization's accounts, or why they cannot be had."""
        try:
            pages = self._client("organizations", self._home).get_paginator("list_accounts")
            return [
                Member(
                    each["Id"],
                    each.get("JoinedTimestamp"),
                    each.get("Status", "ACTIVE") == "ACTIVE",
                )
                for page in pages.paginate()
                for each in page["Accounts"]
            ]
        except Exception as error:  # noqa: BLE001  # whatever the reason, the rest goes on
            refusal = aws.explain(error)
            step = f"; {refusal.step}" if refusal.step else ""
            return f"organizations:ListAccounts: {refusal.reason}; {_NOT_SAID}{step}"

    def enabled_regions(self, account: str) -> frozenset[str] | str:
        """Return the regions that are enabled in an account, or why that is not known.

        https://docs.aws.amazon.com/accounts/latest/reference/API_ListRegions.html
        """
        try:
            pages = (
                self._client("account", self._home)
                .get_paginator("list_regions")
                .paginate(AccountId=account, RegionOptStatusContains=[*_ENABLED])
            )
            return frozenset(each["RegionName"] for page in pages for each in page["Regions"])
        except Exception as error:  # noqa: BLE001  # whatever the reason, the rest goes on
            return f"account:ListRegions: {aws.explain(error).reason}"

    def _client(self, service: str, region: str) -> Any:
        return aws.client(self._session, service, region)


def _no_credentials(error: Exception) -> OrgtrailError:
    refusal = aws.explain(error)
    step = refusal.step or "set AWS_PROFILE, or give the environment other credentials"
    return OrgtrailError(f"credentials: {refusal.reason}; {step}")
