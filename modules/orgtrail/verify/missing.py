"""Accounts and regions that are missing from the archive, and digests that are not due yet."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from orgtrail.regions import is_opt_in
from orgtrail.verify.discovery import ArchiveContents
from orgtrail.verify.findings import VerifyFinding, finding
from orgtrail.verify.names import ALL_CHAINS, ChainId
from orgtrail.verify.request import MAX_LOG_DELAY, VerifyRequest
from orgtrail.verify.result import Note

JoinDates = Mapping[str, datetime | None]
"""When each account joined the organization; None if unknown."""

_DELETED_REGION = "its digests are hidden by delete markers"
_DELETED_ACCOUNT = "delete markers hide digests of it that are in the window"
_SEEN_EARLIER = "an earlier run found valid digests of it, and the archive has none"


@dataclass(frozen=True, slots=True)
class MissingRegion:
    """A region of an account that has neither digests nor log files.

    Attributes:
        chain: account and region.
        why: why files are expected.
        certain: whether there must be files; if not, the region may be disabled in the account.

    """

    chain: ChainId
    why: str
    certain: bool


EnabledRegions = Callable[[str], frozenset[str] | str]
"""Returns the regions enabled in an account, or why they are unknown."""


def enabled_regions_unknown(account: str) -> str:
    """Return a reason: the `EnabledRegions` of runs that do not query AWS."""
    del account
    return "nobody was asked"


def not_due(request: VerifyRequest, now: datetime) -> Iterator[VerifyFinding]:
    """Report a window in which no digest is due yet."""
    window = request.window(None, now)
    if window.since >= window.delivered_until:
        when = "is in the future" if window.start > now else "begins within the last two hours"
        yield finding(
            ALL_CHAINS, "not-due", "", f"the window {when}, and no digest of it is due yet"
        )


def empty_archive(request: VerifyRequest, found: ArchiveContents) -> Iterator[VerifyFinding]:
    """Report an archive that has none of the requested chains."""
    if not found.chains:
        location = request.trail.location
        reason = f"nothing of what was requested is below s3://{location.bucket}/{location.root}"
        yield finding(ALL_CHAINS, "no-digests", "", reason)


def missing_accounts(
    request: VerifyRequest, found: ArchiveContents, expected: JoinDates, now: datetime
) -> Iterator[VerifyFinding]:
    """Report accounts of the organization that have neither digests nor log files."""
    where = " in the requested regions" if request.regions else ""
    for account in sorted(_accounts_due(request, expected, now)):
        if not found.regions.get(account):
            reason = f"the account has neither a digest nor a log file in the archive{where}"
            yield finding(ChainId(account, ""), "account-absent", "", reason)


def former_accounts(
    request: VerifyRequest,
    found: ArchiveContents,
    expected: JoinDates,
    earlier: Collection[ChainId],
    members: Collection[str] | None,
) -> Iterator[VerifyFinding | Note]:
    """Report accounts that had digests earlier and are not expected today.

    `members` includes closed accounts; None if they were not listed.
    """
    traces = dict.fromkeys((each.account for each in earlier), _SEEN_EARLIER)
    traces |= dict.fromkeys(found.hidden_accounts, _DELETED_ACCOUNT)
    for account, why in sorted(traces.items()):
        if (
            not request.includes_account(account)
            or account in expected
            or found.regions.get(account)
        ):
            continue
        if members is not None and account not in members and account not in request.accounts:
            yield Note(f"{account}: is of no account of the organization today, and {why}")
        else:
            yield finding(ChainId(account, ""), "account-absent", "", why)


def missing_regions(
    request: VerifyRequest,
    found: ArchiveContents,
    expected: JoinDates,
    verified_chains: Collection[ChainId],
    earlier: Collection[ChainId],
    now: datetime,
) -> list[MissingRegion]:
    """Return the regions without a folder in which an account should have digests."""
    missing: list[MissingRegion] = []
    for account in sorted(_accounts_due(request, expected, now)):
        regions_found = found.regions.get(account)
        if not regions_found:
            continue
        reasons = dict.fromkeys(_named_regions(request), "the file or the command names the region")
        if request.multi_region:
            others = {each.region for each in verified_chains if each.account != account}
            reasons |= dict.fromkeys(others, "other accounts have digests of it")
        certain = {
            **{
                each.region: "an earlier run found valid digests of it"
                for each in earlier
                if each.account == account and request.includes_region(each.region)
            },
            **dict.fromkeys(found.hidden.get(account, ()), _DELETED_REGION),
        }
        if request.includes_region(request.trail.home):
            certain[request.trail.home] = "it is the trail's home region"
        reasons |= certain
        missing += (
            MissingRegion(ChainId(account, region), reasons[region], region in certain)
            for region in sorted(reasons.keys() - regions_found)
        )
    return missing


def missing_region_findings(
    missing: Iterable[MissingRegion], enabled: EnabledRegions
) -> list[VerifyFinding | Note]:
    """Return findings about missing regions, or notes if AWS says the region is disabled.

    `enabled` is called for opt-in regions only.
    """
    results: list[VerifyFinding | Note] = []
    enabled_of: dict[str, frozenset[str] | str] = {}
    for each in missing:
        chain, text = each.chain, f"there is neither a digest nor a log file, and {each.why}"
        if not each.certain and is_opt_in(chain.region):
            if chain.account not in enabled_of:
                enabled_of[chain.account] = enabled(chain.account)
            regions = enabled_of[chain.account]
            if isinstance(regions, str):
                text += f"; whether it is enabled in the account is not known: {regions}"
            elif chain.region not in regions:
                results.append(Note(f"{chain}: the region is not enabled in the account"))
                continue
        results.append(finding(chain, "region-absent", "", text))
    return results


def coverage_notes(
    request: VerifyRequest, verified_chains: Collection[ChainId], now: datetime
) -> Iterator[Note]:
    """Note what this run could not see, and when the next window must start."""
    if request.multi_region and not request.regions:
        regions = sorted({each.region for each in verified_chains} | _named_regions(request))
        yield Note(
            "regions that no account has cannot be seen; those that are known: "
            f"{', '.join(regions) or 'none'}"
        )
    window = request.window(None, now)
    if window.due < window.until:
        start = min(window.until, window.due - MAX_LOG_DELAY)
        yield Note(
            f"digests after {window.due:%Y-%m-%dT%H:%M:%SZ} were not due yet; so that no minute is "
            f"left out, begin the next window at {start:%Y-%m-%dT%H:%M:%SZ} or before"
        )


def _named_regions(request: VerifyRequest) -> frozenset[str]:
    regions = request.known_regions if request.multi_region else frozenset[str]()
    return frozenset(filter(request.includes_region, regions | request.regions))


def _accounts_due(request: VerifyRequest, expected: JoinDates, now: datetime) -> Iterator[str]:
    """Yield the accounts in which digests of the window are due."""
    for account, joined in expected.items():
        window = request.window(joined, now)
        if request.includes_account(account) and window.since < window.due:
            yield account
