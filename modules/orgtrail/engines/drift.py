"""Drift of the table: accounts and regions that have logs and that the table does not project.

Athena returns no rows for them, and no error.
https://docs.aws.amazon.com/athena/latest/ug/partition-projection-supported-types.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Drift:
    """Logs that the table cannot see.

    Attributes:
        account: the account that they are of.
        region: the region, or empty where the whole account is out of sight.
        what: whether the account or the region is missing from the table.

    """

    account: str
    region: str
    what: Literal["account", "region"]

    def __str__(self) -> str:
        """Tell it in one line, with what to do."""
        if self.what == "account":
            return (
                f"account {self.account} has logs and is not in the table: its rows are invisible "
                "to Athena; add it to accounts, or deploy again where catalog.accounts is "
                '"organization"'
            )
        return (
            f"account {self.account} has logs in {self.region}, which is not in the table: its "
            "rows are invisible to Athena; add it to catalog.regions, or deploy again"
        )


def delivered(folders: Callable[[str], list[str]], root: str, logs: str) -> dict[str, list[str]]:
    """Return the regions that each account has log files for.

    Args:
        folders: names the folders below a prefix.
        root: the prefix above all accounts.
        logs: the folder of log files in an account's.

    """
    found = {account: folders(f"{root}{account}/{logs}/") for account in folders(root)}
    return {account: regions for account, regions in found.items() if regions}


def drift(
    found: Mapping[str, Iterable[str]], accounts: Iterable[str], regions: Iterable[str]
) -> list[Drift]:
    """Compare what the bucket holds with what the table projects.

    Args:
        found: the regions that each account has logs for.
        accounts: the accounts that the table projects.
        regions: the regions that it projects.

    Returns:
        what is out of sight, in order of accounts and regions.

    """
    known, seen = set(accounts), set(regions)
    out: list[Drift] = []
    for account in sorted(found):
        if account not in known:
            out.append(Drift(account, "", "account"))
            continue
        out.extend(
            Drift(account, region, "region")
            for region in sorted(found[account])
            if region not in seen
        )
    return out
