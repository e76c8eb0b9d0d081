"""The rule of partitions: nothing in a stack is of another part of AWS than its trail."""

from __future__ import annotations

from collections.abc import Iterator

from orgtrail.proof.estate import Estate
from orgtrail.proof.findings import Severity, Trouble, rule
from orgtrail.settings.environment import Environment

_BY_PLACE = {
    "provider": "accounts",
    "auditor": "access",
    "catalog_compaction": "catalog.compaction",
}
"""Where a resource is of no section that bears its name."""


@rule("wrong-partition", Severity.MEDIUM)
def _partition(estate: Estate) -> Iterator[Trouble]:
    """Every ARN and host, in any text, is of the trail's partition: others match nothing."""
    for each in estate.strangers:
        yield Trouble(
            _setting(each.address),
            each.address,
            f"{each.address} names {each.what}, and the trail is in "
            f"{estate.partition}: nothing there has that name. Write it for {estate.partition}.",
        )


def _setting(address: str) -> str:
    """Return the section of an environment file that a resource comes from."""
    name = address.partition(".")[2] if not address.startswith("provider") else "provider"
    for section in (*_BY_PLACE, *Environment.model_fields):
        if name == section or name.startswith(f"{section}_"):
            return _BY_PLACE.get(section, section)
    return "home_region"
