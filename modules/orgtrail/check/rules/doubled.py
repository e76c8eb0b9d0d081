"""A rule on what AWS keeps once: two of it undo each other, and nobody knows which one holds."""

from __future__ import annotations

from collections.abc import Iterator

from orgtrail.check.findings import Violation
from orgtrail.check.model import Model
from orgtrail.check.owners import POLICIES, beside, policies

_ONCE: dict[str, tuple[tuple[str, str], ...]] = {
    **{owner: (each,) for owner, each in POLICIES.items()},
    "aws_s3_bucket": tuple(
        (f"aws_s3_bucket_{each}", "bucket")
        for each in (
            "policy", "acl", "lifecycle_configuration", "logging", "notification",
            "object_lock_configuration", "ownership_controls", "public_access_block",
            "replication_configuration", "server_side_encryption_configuration", "versioning",
        )
    ),
}  # fmt: skip
"""By kind: the kinds that configure it, of which it has one each, and how they name it.
https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/s3_bucket_notification"""


def doubled(model: Model) -> Iterator[Violation]:
    """What a bucket, key, topic or queue has one of in AWS is written once, as its policy."""
    stack = model.stack
    for owner_kind, kinds in _ONCE.items():
        for owner in stack.of(owner_kind):
            # A reference does not tell the instances of a `for_each` apart.
            if "[" in owner.address:
                continue
            for kind, argument in kinds:
                found = [each.address for each in beside(stack, owner, kind, argument)]
                if kind == POLICIES[owner_kind][0]:
                    found = [address for address, _ in policies(stack, owner)]
                what = "policy" if kind.endswith("_policy") else kind
                for each in found[1:]:
                    inline = found[0] == owner.address
                    first = "which has one inline" if inline else f"beside {found[0]}"
                    yield Violation(
                        "archive",
                        each,
                        f"is a second {what} of {owner.address}, {first}: "
                        "AWS keeps one, so the one that is applied last wins, and which that is "
                        "nobody knows. Keep one.",
                    )
