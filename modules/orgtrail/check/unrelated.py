"""ARNs of resources that a stack does not have: what a policy should neither reach nor bind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

NAME = "unrelated"
"""The name of everything that the stack does not have."""
LOG_GROUPS = (f"/{NAME}", f"/aws/{NAME}")
"""The same for log groups, which are commonly named by a path."""


def unrelated_arns(
    pattern: str, partition: str, region: str, account: str, names: Sequence[str] = (NAME,)
) -> Iterator[str]:
    """Yield an ARN of a resource type for each name; none for a type without a name of its own.

    Args:
        pattern: the ARN pattern of the type, with `*` for each variable.
        partition: the partition of the ARNs.
        region: the region, where the type has one.
        account: the account, where the type has one.
        names: what stands in the place of each variable of the name.

    """
    parts = pattern.split(":", 5)
    if len(parts) < 6 or "*" not in parts[5] or (parts[2] == "s3" and (parts[3] or parts[4])):
        return
    place = (region if parts[3] else "", account if parts[4] else "")
    for name in names:
        yield ":".join((parts[0], partition, parts[2], *place, parts[5].replace("*", name)))
