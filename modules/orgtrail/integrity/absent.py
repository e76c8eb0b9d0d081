"""What is not there and should be: accounts and regions without digests, and time not due yet."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from orgtrail.integrity.discovery import Found
from orgtrail.integrity.findings import Finding, finding
from orgtrail.integrity.names import ALL, ChainId
from orgtrail.integrity.request import Request
from orgtrail.integrity.result import Note
from orgtrail.integrity.stray import SETTLED
from orgtrail.regions import is_opt_in

Joined = Mapping[str, datetime | None]
"""Accounts, and since when each is in the organization, if that is known."""

_HIDDEN = "its digests are hidden by delete markers"
_HIDDEN_ACCOUNT = "delete markers hide digests of it that lie in the window"
_EARLIER = "an earlier run found valid digests of it, and the archive has none"


@dataclass(frozen=True, slots=True)
class Missing:
    """A region of an account that has neither digests nor log files.

    Attributes:
        chain: account and region.
        why: what tells that there should be some.
        certain: whether there were some; otherwise the region may not be enabled in the account.

    """

    chain: ChainId
    why: str
    certain: bool


Enabled = Callable[[str], frozenset[str] | str]
"""Tells the regions that are enabled in an account, or why that is not known."""


def not_asked(account: str) -> str:
    """Say that nobody was asked which regions an account has."""
    del account
    return "nobody was asked"


def not_due(request: Request, now: datetime) -> Iterator[Finding]:
    """Tell a window of which no digest is due yet."""
    window = request.window(None, now)
    if window.since >= window.settled:
        when = "lies in the future" if window.asked > now else "begins within the last two hours"
        yield finding(ALL, "not-due", "", f"the window {when}, and no digest of it is due yet")


def nothing(request: Request, found: Found) -> Iterator[Finding]:
    """Tell an archive that has no chain of what was asked for."""
    if not found.chains:
        place = request.trail.place
        told = f"nothing of what was asked for lies below s3://{place.bucket}/{place.root}"
        yield finding(ALL, "no-digests", "", told)


def missing_accounts(
    request: Request, found: Found, expected: Joined, now: datetime
) -> Iterator[Finding]:
    """Tell accounts of the organization that have neither digests nor log files."""
    where = " in the regions that were asked for" if request.regions else ""
    for account in sorted(_due(request, expected, now)):
        if not found.regions.get(account):
            told = f"the account has neither a digest nor a log file in the archive{where}"
            yield finding(ChainId(account, ""), "account-absent", "", told)


def former_accounts(
    request: Request,
    found: Found,
    expected: Joined,
    earlier: Collection[ChainId],
    members: Collection[str] | None,
) -> Iterator[Finding | Note]:
    """Tell accounts that nobody expects, and that left a trace of having been there.

    Args:
        request: what is asked.
        found: what was listed.
        expected: accounts that should be there.
        earlier: chains that earlier runs found valid digests of.
        members: all of the organization, closed ones too; None where it was not asked.

    """
    traces = dict.fromkeys((each.account for each in earlier), _EARLIER)
    traces |= dict.fromkeys(found.hidden_accounts, _HIDDEN_ACCOUNT)
    for account, why in sorted(traces.items()):
        if not request.asks_account(account) or account in expected or found.regions.get(account):
            continue
        if members is not None and account not in members and account not in request.accounts:
            yield Note(f"{account}: is of no account of the organization today, and {why}")
        else:
            yield finding(ChainId(account, ""), "account-absent", "", why)


def missing_regions(
    request: Request,
    found: Found,
    expected: Joined,
    alive: Collection[ChainId],
    earlier: Collection[ChainId],
    now: datetime,
) -> list[Missing]:
    """Return the regions that accounts should have digests of, and have no folder for.

    Args:
        request: what is asked.
        found: what was listed.
        expected: accounts that should be there.
        alive: chains with a valid digest in the window.
        earlier: chains that earlier runs found valid digests of.
        now: the time.

    """
    missing: list[Missing] = []
    for account in sorted(_due(request, expected, now)):
        has = found.regions.get(account)
        if not has:
            continue
        reasons = dict.fromkeys(_named(request), "the file or the command names the region")
        if request.multi_region:
            others = {each.region for each in alive if each.account != account}
            reasons |= dict.fromkeys(others, "other accounts have digests of it")
        sure = {
            **{
                each.region: "an earlier run found valid digests of it"
                for each in earlier
                if each.account == account and request.asks_region(each.region)
            },
            **dict.fromkeys(found.hidden.get(account, ()), _HIDDEN),
        }
        if request.asks_region(request.trail.home):
            sure[request.trail.home] = "it is the trail's home region"
        reasons |= sure
        missing += (
            Missing(ChainId(account, region), reasons[region], region in sure)
            for region in sorted(reasons.keys() - has)
        )
    return missing


def as_findings(missing: Iterable[Missing], enabled: Enabled) -> list[Finding | Note]:
    """Tell missing regions; those that AWS says are not enabled in the account are noted.

    Args:
        missing: accounts and regions.
        enabled: tells which regions an account has; only asked about regions of choice.

    """
    told: list[Finding | Note] = []
    known: dict[str, frozenset[str] | str] = {}
    for each in missing:
        chain, words = each.chain, f"there is neither a digest nor a log file, and {each.why}"
        if not each.certain and is_opt_in(chain.region):
            if chain.account not in known:
                known[chain.account] = enabled(chain.account)
            regions = known[chain.account]
            if isinstance(regions, str):
                words += f"; whether it is enabled in the account is not known: {regions}"
            elif chain.region not in regions:
                told.append(Note(f"{chain}: the region is not enabled in the account"))
                continue
        told.append(finding(chain, "region-absent", "", words))
    return told


def limits(request: Request, alive: Collection[ChainId], now: datetime) -> Iterator[Note]:
    """Note what no run can see, and where the next window has to begin."""
    if request.multi_region and not request.regions:
        regions = sorted({each.region for each in alive} | _named(request))
        yield Note(
            "regions that no account has cannot be seen; those that are known: "
            f"{', '.join(regions) or 'none'}"
        )
    window = request.window(None, now)
    if window.due < window.until:
        begin = min(window.until, window.due - SETTLED)
        yield Note(
            f"digests after {window.due:%Y-%m-%dT%H:%M:%SZ} were not due yet; so that no minute is "
            f"left out, begin the next window at {begin:%Y-%m-%dT%H:%M:%SZ} or before"
        )


def _named(request: Request) -> frozenset[str]:
    regions = request.known_regions if request.multi_region else frozenset[str]()
    return frozenset(filter(request.asks_region, regions | request.regions))


def _due(request: Request, expected: Joined, now: datetime) -> Iterator[str]:
    """Yield the accounts that digests of the window are due of."""
    for account, joined in expected.items():
        window = request.window(joined, now)
        if request.asks_account(account) and window.since < window.due:
            yield account
