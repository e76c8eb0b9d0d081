"""Rules of regions: what they have, and how Terraform reaches what is in them."""

from __future__ import annotations

from collections.abc import Iterator

from orgtrail.proof.estate import Estate
from orgtrail.proof.findings import Severity, Trouble, rule


@rule("absent-in-region", Severity.MEDIUM)
def _has_it(estate: Estate) -> Iterator[Trouble]:
    """Each region has what is asked of it: plans of GuardDuty, Security Hub's aggregation."""
    for each in estate.refused:
        yield Trouble(each.setting, each.address, f"{each.reason}: the apply fails. Leave it out.")


@rule("region-of-its-own", Severity.LOW)
def _one_provider(estate: Estate) -> Iterator[Trouble]:
    """An account has one provider, and resources elsewhere name their region: a region may go."""
    # https://registry.terraform.io/providers/hashicorp/aws/latest/docs/guides/enhanced-region-support
    regions: dict[tuple[str, str], list[str]] = {}
    for each in estate.providers:
        if each.account and each.region:
            regions.setdefault((each.account, each.role), []).append(each.region)
    for (account, _), several in regions.items():
        if len(set(several)) > 1:
            yield Trouble(
                "guardduty.regions",
                "provider.aws",
                f"account {account} has a provider for each of {', '.join(sorted(set(several)))}: "
                "when the last resource of a region goes together with its provider, no plan is "
                "possible. Keep one, and let resources name their region.",
            )
