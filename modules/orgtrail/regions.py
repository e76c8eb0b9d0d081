"""What a region's name tells: its partition, and whether an account has it without asking."""

from __future__ import annotations

_ALWAYS_ON = frozenset(
    f"{area}-{number}"
    for area, last in {
        "ap-northeast": 3, "ap-south": 1, "ap-southeast": 2, "ca-central": 1, "cn-north": 1,
        "cn-northwest": 1, "eu-central": 1, "eu-north": 1, "eu-west": 3, "sa-east": 1,
        "us-east": 2, "us-gov-east": 1, "us-gov-west": 1, "us-west": 2,
    }.items()
    for number in range(1, last + 1)
)  # fmt: skip

COUNTS = {
    "aws": 34, "aws-cn": 2, "aws-us-gov": 2, "aws-iso": 2, "aws-iso-b": 2, "aws-iso-e": 1,
    "aws-iso-f": 2, "aws-eusc": 1,
}  # fmt: skip
"""Regions of each partition in 2026-10, those that accounts opt in to among them.
https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html"""


def partition(region: str) -> str:
    """Return the AWS partition of a region: `aws`, `aws-us-gov` or `aws-cn`."""
    for prefix in ("us-gov", "cn"):
        if region.startswith(f"{prefix}-"):
            return f"aws-{prefix}"
    return "aws"


def is_opt_in(region: str) -> bool:
    """Tell whether an account has to ask for a region; services have other names in those.

    https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html
    """
    return region not in _ALWAYS_ON
