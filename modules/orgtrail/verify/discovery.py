"""Lists the archive: which chains it has, and objects where CloudTrail writes none."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial

from orgtrail.verify.findings import VerifyFinding, finding, unlisted_finding
from orgtrail.verify.names import (
    ALL_CHAINS,
    DIGEST_FOLDER,
    LOG_FOLDER,
    ChainId,
    Location,
    is_account,
    is_region,
    split_days,
    split_months,
    split_years,
)
from orgtrail.verify.request import VerifyRequest
from orgtrail.verify.storage.store import FolderListing, ListedObject, ObjectUnreadableError, Store

Split = Callable[[Sequence[str]], tuple[list[str], list[str]]]
"""Splits folder names into valid and invalid ones."""

_SHORT_WINDOW_DAYS = 40
"""In windows of up to this many days, every day is listed."""
_MAX_KEPT = 10_000
"""Unexpected objects that are kept by name, per chain or account."""
_MAX_REPORTED = 200
"""Unexpected objects that are reported by name, per account."""


@dataclass(slots=True)
class ArchiveContents:
    """What is below the organization's prefix.

    Attributes:
        chains: requested chains that have a folder of digests or of log files.
        regions: by account, the regions of these chains.
        hidden: by account, regions in which every digest is deleted but versions remain.
        hidden_accounts: accounts in which every object is deleted but versions remain.
        findings: folders that could not be listed, and objects where CloudTrail writes none.
        notes: information that is not a finding.

    """

    chains: list[ChainId] = field(default_factory=list)
    regions: dict[str, frozenset[str]] = field(default_factory=dict)
    hidden: Mapping[str, frozenset[str]] = field(default_factory=dict)
    hidden_accounts: frozenset[str] = frozenset()
    findings: list[VerifyFinding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


async def discover(store: Store, request: VerifyRequest) -> ArchiveContents:
    """Find the chains of a trail, including regions with log files and no digests.

    Raises:
        ObjectUnreadableError: the organization's folder cannot be listed.

    """
    location = request.trail.location
    top = await store.list_folder(location.bucket, location.root)
    accounts = [each for each in top.folders if is_account(each) and request.includes_account(each)]
    found = ArchiveContents()
    search = _Discovery(store, request, found)
    if not request.accounts:
        await search.objects_outside_accounts(top)
    versions, _ = await asyncio.gather(
        search.hidden(location.root), asyncio.gather(*map(search.account, accounts))
    )
    found.chains.sort()
    hidden = await asyncio.gather(*map(search.hidden_regions, accounts))
    found.hidden = dict(zip(accounts, hidden, strict=True))
    deleted = [
        each
        for each in versions
        if is_account(each) and request.includes_account(each) and each not in found.regions
    ]
    regions = await asyncio.gather(*map(search.hidden_regions, deleted))
    found.hidden_accounts = frozenset(
        account for account, hidden in zip(deleted, regions, strict=True) if hidden
    )
    found.notes += sorted(search.version_errors)[:1]
    return found


async def had_objects_in_window(
    hidden: Callable[[str], Awaitable[frozenset[str]]], request: VerifyRequest, prefix: str
) -> bool:
    """Return whether a region's folder ever had objects of a day of the window.

    Objects that a lifecycle rule deleted years ago do not count.
    """
    days = {f"{day:%Y/%m/%d}" for day in request.days()}
    for month in sorted({day[:7] for day in days}):
        if any(f"{month}/{day}" in days for day in await hidden(f"{prefix}{month}/")):
            return True
    return False


class _Discovery:
    """Lists the folders of accounts."""

    def __init__(self, store: Store, request: VerifyRequest, found: ArchiveContents) -> None:
        self._store = store
        self._request = request
        self._found = found
        self.version_errors: set[str] = set()

    async def account(self, account: str) -> None:
        """Find the chains of an account."""
        regions: set[str] = set()
        for kind, listing in zip(
            (DIGEST_FOLDER, LOG_FOLDER),
            await asyncio.gather(
                *(self._list_folder(account, kind) for kind in (DIGEST_FOLDER, LOG_FOLDER))
            ),
            strict=True,
        ):
            regions |= {
                each
                for each in listing.folders
                if is_region(each) and self._request.includes_region(each)
            }
            if kind == LOG_FOLDER:
                location = self._request.trail.location
                unexpected = await objects_outside_regions(
                    self._store, self._request, location, account, listing
                )
                self._found.findings += unexpected.all_findings(ChainId(account, ""))
        self._found.regions[account] = frozenset(regions)
        self._found.chains += (ChainId(account, region) for region in regions)

    async def hidden_regions(self, account: str) -> frozenset[str]:
        """Return the regions of an account in which every digest of the window is deleted."""
        prefix = self._prefix(account, DIGEST_FOLDER)
        known = self._found.regions.get(account, frozenset())
        regions = [
            each
            for each in await self.hidden(prefix)
            if is_region(each) and self._request.includes_region(each) and each not in known
        ]
        return frozenset(
            {
                each
                for each in regions
                if await had_objects_in_window(self.hidden, self._request, f"{prefix}{each}/")
            }
        )

    async def hidden(self, prefix: str) -> frozenset[str]:
        """Return the folders below a prefix that have versions of objects."""
        try:
            return await self._store.version_folders(self._request.trail.location.bucket, prefix)
        except ObjectUnreadableError as error:
            if error.kind == "unlisted":
                self._found.findings.append(unlisted_finding(ALL_CHAINS, prefix, error))
                return frozenset()
            self.version_errors.add(
                "accounts and regions that delete markers hide were not looked for: "
                f"{error.reason}; allow s3:ListBucketVersions to whoever runs this"
            )
            return frozenset()

    async def objects_outside_accounts(self, top: FolderListing) -> None:
        """Find objects below the organization's folder that are in no account's folder."""
        location = self._request.trail.location
        unexpected = UnexpectedObjects(location.bucket)
        unexpected.add(top.objects)
        for name in top.folders:
            if not is_account(name):
                await unexpected.add_below(self._store, f"{location.root}{name}/")
        self._found.findings += unexpected.all_findings(ALL_CHAINS)

    async def _list_folder(self, account: str, kind: str) -> FolderListing:
        location, prefix = self._request.trail.location, self._prefix(account, kind)
        try:
            return await self._store.list_folder(location.bucket, prefix)
        except ObjectUnreadableError as error:
            self._found.findings.append(unlisted_finding(ChainId(account, ""), prefix, error))
            return FolderListing((), ())

    def _prefix(self, account: str, kind: str) -> str:
        return f"{self._request.trail.location.root}{account}/{kind}/"


@dataclass(slots=True)
class UnexpectedObjects:
    """Objects where CloudTrail writes none; a reader of the archive may take them for log files.

    Attributes:
        bucket: the bucket.
        keys: keys of the objects.
        more: number of objects beyond the limit.
        list_errors: prefixes that could not be listed, and why.

    """

    bucket: str
    keys: list[str] = field(default_factory=list)
    more: int = 0
    list_errors: list[tuple[str, ObjectUnreadableError]] = field(default_factory=list)

    def add(self, objects: Iterable[ListedObject]) -> None:
        """Add objects, except empty ones that represent folders."""
        for each in objects:
            if not each.size and each.key.endswith("/"):
                continue
            if len(self.keys) < _MAX_KEPT:
                self.keys.append(each.key)
            else:
                self.more += 1

    async def add_below(self, store: Store, prefix: str) -> None:
        """Add all objects below a prefix."""
        try:
            async for each in store.list_objects(self.bucket, prefix):
                self.add([each])
                if self.more:
                    # Nobody reads a million names.
                    return
        except ObjectUnreadableError as error:
            self.list_errors.append((prefix, error))

    def all_findings(self, chain: ChainId) -> Iterator[VerifyFinding]:
        """Yield all findings, with one for each object."""
        reason = "it is where CloudTrail writes no log file"
        for key in self.keys[:_MAX_REPORTED]:
            yield finding(chain, "unvouched-log", key, reason)
        if len(self.keys) > _MAX_REPORTED:
            more = f"{len(self.keys) - _MAX_REPORTED} more, not told one by one"
            yield finding(chain, "unvouched-log", "", more)
        yield from self.findings(chain)

    def findings(self, chain: ChainId) -> Iterator[VerifyFinding]:
        """Yield folders that could not be listed, and the number of objects beyond the limit."""
        for prefix, error in self.list_errors:
            yield unlisted_finding(chain, prefix, error)
        if self.more:
            reason = f"{self.more} or more beside those named"
            yield finding(chain, "unvouched-log", "", reason)


async def objects_outside_regions(
    store: Store,
    request: VerifyRequest,
    location: Location,
    account: str,
    listing: FolderListing | None = None,
) -> UnexpectedObjects:
    """Find objects in an account's folder of log files that are in no region's folder."""
    found, prefix = UnexpectedObjects(location.bucket), f"{location.root}{account}/{LOG_FOLDER}/"
    try:
        listing = listing or await store.list_folder(location.bucket, prefix)
    except ObjectUnreadableError as error:
        found.list_errors.append((prefix, error))
        return found
    found.add(listing.objects)
    for name in listing.folders:
        if not is_region(name) and request.includes_region(name.lower()):
            await found.add_below(store, f"{prefix}{name}/")
    return found


async def existing_days(
    store: Store, request: VerifyRequest, chain: ChainId, location: Location
) -> list[date]:
    """Return the days of the window that may have a folder of digests or of log files.

    In a long window this lists months first, to avoid requests for thousands of days before the
    trail existed.
    """
    days = request.days()
    if len(days) <= _SHORT_WINDOW_DAYS:
        return days
    existing: set[str] = set()
    for root in (location.digests(chain), location.logs(chain)):
        try:
            years = (await store.list_folder(location.bucket, root)).folders
            for month in sorted({f"{day:%Y/%m}" for day in days if f"{day:%Y}" in years}):
                listing = await store.list_folder(location.bucket, f"{root}{month}/")
                existing |= {f"{month}/{day}" for day in listing.folders}
        except ObjectUnreadableError:
            # Listing the days will report the error.
            return days
    return [day for day in days if f"{day:%Y/%m/%d}" in existing]


async def objects_outside_days(
    store: Store, request: VerifyRequest, chain: ChainId, location: Location, now: datetime
) -> UnexpectedObjects:
    """Find objects in a chain's folder of log files that are in no day's folder.

    Only years and months of the window are searched.
    """
    found = UnexpectedObjects(location.bucket)
    root = location.logs(chain)
    days = request.days()
    years, months = {f"{day:%Y}" for day in days}, {f"{day:%Y/%m}" for day in days}

    async def valid_folders(prefix: str, split: Split) -> list[str]:
        """Return the valid folders, and add objects outside of them."""
        try:
            listing = await store.list_folder(location.bucket, prefix)
        except ObjectUnreadableError as error:
            found.list_errors.append((prefix, error))
            return []
        found.add(listing.objects)
        valid, invalid = split(listing.folders)
        for name in invalid:
            await found.add_below(store, f"{prefix}{name}/")
        return valid

    for year in await valid_folders(root, partial(split_years, now=now)):
        if year not in years:
            continue
        split = partial(split_months, year=int(year), now=now)
        for month in await valid_folders(f"{root}{year}/", split):
            if f"{year}/{month}" in months:
                split = partial(split_days, year=int(year), month=int(month), now=now)
                await valid_folders(f"{root}{year}/{month}/", split)
    return found
