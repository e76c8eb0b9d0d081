"""Which chains there are: found by listing the folders of accounts and regions."""

from __future__ import annotations

import asyncio
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from orgtrail.integrity.names import DIGESTS, LOGS, ChainId, Place, is_account, is_region
from orgtrail.integrity.storage.store import Store


@dataclass(frozen=True, slots=True)
class Found:
    """Accounts that have a folder, and the chains in them that were asked for."""

    accounts: frozenset[str]
    chains: list[ChainId]


async def chains_below(
    store: Store, place: Place, accounts: AbstractSet[str], regions: AbstractSet[str]
) -> Found:
    """Find the chains of a trail; a region with log files and no digest is one, too.

    Args:
        store: where the trail writes.
        place: bucket and prefix.
        accounts: only these; empty for all.
        regions: only these; empty for all.

    Raises:
        UnreadableError: a folder cannot be listed.

    """
    names = await store.folders(place.bucket, place.root)
    found = [each for each in names if is_account(each) and (not accounts or each in accounts)]

    async def of(account: str) -> set[ChainId]:
        inside = await asyncio.gather(
            *(
                store.folders(place.bucket, f"{place.root}{account}/{kind}/")
                for kind in (DIGESTS, LOGS)
            )
        )
        return {
            ChainId(account, region)
            for each in inside
            for region in each
            if is_region(region) and (not regions or region in regions)
        }

    chains = await asyncio.gather(*map(of, found))
    return Found(frozenset(found), sorted(chain for each in chains for chain in each))
