"""Checks that each account has fresh digests: one may fall silent while the others deliver."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

from orgtrail import naming
from orgtrail.doctor.calls import UncheckedError
from orgtrail.doctor.model import Live, LiveFault, Subject
from orgtrail.regions import is_opt_in
from orgtrail.verify.names import DIGEST_FOLDER, ChainId, VerifiedTrail

_THREADS = 8
"""How many regions of an account are listed at a time."""
_NO_DIGEST = "there is no digest of it"
_MAX_REGION_FAULTS = 5
"""How many regions get a separate fault; the others share one."""


def silent(live: Live, subject: Subject, within: timedelta) -> Iterator[LiveFault]:
    """Yield a fault for an account, or regions of it, without a recent digest.

    Args:
        live: the settings and AWS.
        subject: the account, by its id.
        within: how old the last digest may be.

    """
    account, management = subject.name, live.env.management.id
    joined = _joined(live, account)
    is_new = joined is not None and live.now - joined <= within
    home = ChainId(management, live.env.home_region)
    if account != management and not _is_fresh(live, home, within):
        raise UncheckedError(f"it waits for the check digest-freshness of {management}")
    regions = sorted(_regions(live, account))

    def age(region: str) -> str:
        chain = ChainId(account, region)
        return "" if _is_fresh(live, chain, within) else _last_digest_text(live, chain)

    with ThreadPoolExecutor(_THREADS) as pool:
        ages = [*pool.map(age, regions)]
    stale = [
        (region, said)
        for region, said in zip(regions, ages, strict=True)
        # A new account has no digest yet; one with an old digest is not new.
        if said and not (is_new and said == _NO_DIGEST)
    ]
    if is_new and not stale:
        return
    if not regions or len(stale) == len(regions):
        when = stale[0][1] if stale else _NO_DIGEST
        yield LiveFault(
            f"account {account} is silent: {when}; a digest is due every hour, also of an idle one",
            "see whether the account is still in the organization and active, and whether its "
            "AWSServiceRoleForCloudTrail exists; then who changed it: "
            "orgtrail query run trail-tampering --env FILE",
        )
        return
    for region, said in stale[:_MAX_REGION_FAULTS]:
        yield LiveFault(
            f"account {account} is silent in {region}: {said}",
            f"see whether {region} was disabled in the account (aws account list-regions "
            f"--account-id {account}); if not, see health.aws.amazon.com for CloudTrail there",
        )
    if len(stale) > _MAX_REGION_FAULTS:
        others = ", ".join(region for region, _ in stale[_MAX_REGION_FAULTS:])
        yield LiveFault(f"account {account} is silent in {others}, too", "see the regions above")


def _joined(live: Live, account: str) -> datetime | None:
    """Return when an active account joined; the check `accounts` reports all others."""
    answer = live.aws.ask("management", "organizations", "list_accounts")
    about = next((each for each in answer["Accounts"] if each["Id"] == account), None)
    if about is None or about.get("Status", "ACTIVE") != "ACTIVE":
        raise UncheckedError("it waits for the check accounts")
    found: datetime | None = about.get("JoinedTimestamp")
    return found


def _regions(live: Live, account: str) -> set[str]:
    """Return the regions in which an account should have digests."""
    env = live.env
    if not env.trail.multi_region:
        return {env.home_region}
    found = {each: _folders(live, each) for each in env.account_ids}
    own = found[account]
    every = {region for regions in found.values() for region in regions}
    named = {*(env.catalog.regions or ()), env.home_region}
    return own | {region for region in every | named if not is_opt_in(region)}


def _folders(live: Live, account: str) -> set[str]:
    return {*_subfolders(live, f"{_trail(live).location.root}{account}/{DIGEST_FOLDER}/")}


def _is_fresh(live: Live, chain: ChainId, within: timedelta) -> bool:
    """Return whether a chain has a digest that ended within the given time."""
    trail, since = _trail(live), live.now - within
    keys = _object_keys(
        live, trail.location.digests(chain), StartAfter=trail.digest_prefix(chain, since)
    )
    names = (trail.digest_name(chain, key) for key in keys)
    return any(name and name.end > since for name in names)


def _last_digest_text(live: Live, chain: ChainId) -> str:
    """Describe when the last digest of a chain ended."""
    trail = _trail(live)
    prefix = trail.location.digests(chain)
    for _ in ("year", "month", "day"):
        below = _subfolders(live, prefix)
        if not below:
            return _NO_DIGEST
        prefix = f"{prefix}{max(below)}/"
    ends = [
        name.end for key in _object_keys(live, prefix) if (name := trail.digest_name(chain, key))
    ]
    if not ends:
        return f"the trail has no digest of it on {prefix[-11:-1]}"
    return f"the last digest is of {max(ends):%Y-%m-%d %H:%M} UTC"


def _trail(live: Live) -> VerifiedTrail:
    return naming.verified_trail(live.env)


def _subfolders(live: Live, prefix: str) -> list[str]:
    found = _list_objects(live, prefix, Delimiter="/").get("CommonPrefixes", ())
    return [each["Prefix"][len(prefix) : -1] for each in found]


def _object_keys(live: Live, prefix: str, **given: str) -> Iterator[str]:
    return (each["Key"] for each in _list_objects(live, prefix, **given).get("Contents", ()))


def _list_objects(live: Live, prefix: str, **given: Any) -> Any:
    bucket = live.env.archive.bucket
    return live.aws.ask("logging", "s3", "list_objects_v2", Bucket=bucket, Prefix=prefix, **given)
