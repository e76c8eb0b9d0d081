"""Which chains there are: found by listing the folders of accounts and regions."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from orgtrail.integrity.findings import Finding, unlisted
from orgtrail.integrity.misplaced import Misplaced, outside_regions
from orgtrail.integrity.names import ALL, DIGESTS, LOGS, ChainId, is_account, is_region
from orgtrail.integrity.request import Request
from orgtrail.integrity.storage.store import Level, Store, UnreadableError


@dataclass(slots=True)
class Found:
    """What lies below the organization's prefix.

    Attributes:
        chains: those that were asked for and have a folder of digests or of log files.
        regions: of each account that was asked for, the regions of those chains.
        hidden: of each account, regions whose digests were all deleted, with versions kept.
        hidden_accounts: accounts of which all was deleted, with versions kept.
        findings: what could not be listed, and objects where CloudTrail writes none.
        notes: what is worth knowing.

    """

    chains: list[ChainId] = field(default_factory=list)
    regions: dict[str, frozenset[str]] = field(default_factory=dict)
    hidden: Mapping[str, frozenset[str]] = field(default_factory=dict)
    hidden_accounts: frozenset[str] = frozenset()
    findings: list[Finding] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


async def chains_below(store: Store, request: Request) -> Found:
    """Find the chains of a trail; a region with log files and no digest is one, too.

    Args:
        store: where the trail writes.
        request: what is asked.

    Raises:
        UnreadableError: the organization's own folder cannot be listed.

    """
    place = request.trail.place
    top = await store.level(place.bucket, place.root)
    asked = [each for each in top.folders if is_account(each) and request.asks_account(each)]
    found = Found()
    search = _Search(store, request, found)
    if not request.accounts:
        await search.outside_accounts(top)
    versions, _ = await asyncio.gather(
        search.hidden(place.root), asyncio.gather(*map(search.account, asked))
    )
    found.chains.sort()
    hidden = await asyncio.gather(*map(search.hidden_regions, asked))
    found.hidden = dict(zip(asked, hidden, strict=True))
    gone = [
        each
        for each in versions
        if is_account(each) and request.asks_account(each) and each not in found.regions
    ]
    regions = await asyncio.gather(*map(search.hidden_regions, gone))
    found.hidden_accounts = frozenset(
        account for account, hidden in zip(gone, regions, strict=True) if hidden
    )
    found.notes += sorted(search.unseen)[:1]
    return found


async def had_days(
    hidden: Callable[[str], Awaitable[frozenset[str]]], request: Request, prefix: str
) -> bool:
    """Tell whether a region's folder ever held something of a day of the window.

    What a lifecycle rule hid years ago says nothing of the window.

    Args:
        hidden: returns the folders below a prefix that hold any version.
        request: what is asked.
        prefix: the region's folder.

    """
    days = {f"{day:%Y/%m/%d}" for day in request.days()}
    for month in sorted({day[:7] for day in days}):
        if any(f"{month}/{day}" in days for day in await hidden(f"{prefix}{month}/")):
            return True
    return False


class _Search:
    """Looks into the folders of accounts."""

    def __init__(self, store: Store, request: Request, found: Found) -> None:
        self._store = store
        self._request = request
        self._found = found
        self.unseen: set[str] = set()

    async def account(self, account: str) -> None:
        """Find the chains of an account."""
        regions: set[str] = set()
        for kind, level in zip(
            (DIGESTS, LOGS),
            await asyncio.gather(*(self._level(account, kind) for kind in (DIGESTS, LOGS))),
            strict=True,
        ):
            regions |= {
                each
                for each in level.folders
                if is_region(each) and self._request.asks_region(each)
            }
            if kind == LOGS:
                place = self._request.trail.place
                odd = await outside_regions(self._store, self._request, place, account, level)
                self._found.findings += odd.all(ChainId(account, ""))
        self._found.regions[account] = frozenset(regions)
        self._found.chains += (ChainId(account, region) for region in regions)

    async def hidden_regions(self, account: str) -> frozenset[str]:
        """Return the regions of an account that have no digest, and had some in the window."""
        prefix = self._prefix(account, DIGESTS)
        known = self._found.regions.get(account, frozenset())
        regions = [
            each
            for each in await self.hidden(prefix)
            if is_region(each) and self._request.asks_region(each) and each not in known
        ]
        return frozenset(
            {
                each
                for each in regions
                if await had_days(self.hidden, self._request, f"{prefix}{each}/")
            }
        )

    async def hidden(self, prefix: str) -> frozenset[str]:
        """Return the folders below a prefix that hold any version, where the bucket keeps them."""
        try:
            return await self._store.hidden_folders(self._request.trail.place.bucket, prefix)
        except UnreadableError as error:
            if error.kind == "unlisted":
                self._found.findings.append(unlisted(ALL, prefix, error))
                return frozenset()
            self.unseen.add(
                "accounts and regions that delete markers hide were not looked for: "
                f"{error.reason}; allow s3:ListBucketVersions to whoever runs this"
            )
            return frozenset()

    async def outside_accounts(self, top: Level) -> None:
        """Tell what lies below the organization's folder and in none of an account."""
        place = self._request.trail.place
        odd = Misplaced(place.bucket)
        odd.add(top.objects)
        for name in top.folders:
            if not is_account(name):
                await odd.add_below(self._store, f"{place.root}{name}/")
        self._found.findings += odd.all(ALL)

    async def _level(self, account: str, kind: str) -> Level:
        place, prefix = self._request.trail.place, self._prefix(account, kind)
        try:
            return await self._store.level(place.bucket, prefix)
        except UnreadableError as error:
            self._found.findings.append(unlisted(ChainId(account, ""), prefix, error))
            return Level((), ())

    def _prefix(self, account: str, kind: str) -> str:
        return f"{self._request.trail.place.root}{account}/{kind}/"
