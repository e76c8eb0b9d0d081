"""Settings of what exists already: brought under management, or only referred to."""

from __future__ import annotations

from typing import Literal

from orgtrail.settings.types import (
    ExemptRole,
    KeyArn,
    Many,
    PolicyId,
    Section,
    Target,
    setting,
)

CONTROL_TOWER = ("AWSControlTowerExecution", "aws-controltower-*")
"""Names of the roles that AWS Control Tower acts with in the accounts that it manages.
https://docs.aws.amazon.com/controltower/latest/userguide/roles-how.html"""

BucketPart = Literal[
    "encryption", "lifecycle", "lock", "logging", "notification", "ownership", "policy",
    "public_access", "versioning",
]  # fmt: skip


class Existing(Section):
    """Something that exists already, under the name that its own section gives it."""

    manage: bool = setting(
        "Bring it under management, as it stands, and change what differs from this file. "
        "false only refers to it: it stays as it is, and somebody else's.",
        True,
    )


class ExistingBucket(Existing):
    """A bucket that exists already."""

    parts: Many[BucketPart] | None = setting(
        "What is set on it already: the plan imports it, and shows the change. Required where "
        "`manage` is true; `[]` says that nothing is set. What is set and not named here is "
        "replaced by ours, and no plan shows that.",
        None,
    )

    def has(self, part: BucketPart) -> bool:
        """Tell whether a part is set already."""
        return part in (self.parts or ())


class ExistingKey(Existing):
    """The key that log files are encrypted with already."""

    arn: KeyArn = setting(
        "The key's ARN: in the logging account where it is managed, in any where it is not "
        "(Control Tower keeps it in the management account)."
    )
    alias: bool = setting("`key.alias` exists too; false makes it.", True)


class ExistingPolicy(Existing):
    """The service control policy that exists already."""

    id: PolicyId = setting("The policy's id.")
    attached: Many[Target] | None = setting(
        "Where it is attached already; by default everywhere that `guardrails.targets` says.",
        None,
    )


class Adoption(Section):
    """What of the audit trail exists already. Whatever is not named here is made."""

    bucket: ExistingBucket | None = setting("`archive.bucket` exists.", None)
    access_log_bucket: ExistingBucket | None = setting("`archive.access_log_bucket` exists.", None)
    key: ExistingKey | None = setting("The key exists.", None)
    trail: Existing | None = setting(
        "`trail.name` exists, in the management account and the home region.", None
    )
    log_group: Existing | None = setting("`delivery.log_group` exists.", None)
    delivery_role: Existing | None = setting("`delivery.role_name` exists.", None)
    scp: ExistingPolicy | None = setting(
        "The SCP named `guardrails.policy_name` exists; where it is managed, the others are made.",
        None,
    )
    owner_roles: Many[ExemptRole] | None = setting(
        "Roles of whoever manages what is only referred to (`manage = false`): the SCPs bind them "
        "in nothing of it. By default those of AWS Control Tower, in every account.",
        None,
    )

    def refers(self, part: str) -> bool:
        """Tell whether a part is only referred to, and neither made nor changed."""
        existing = getattr(self, part)
        return isinstance(existing, Existing) and not existing.manage

    def imports(self, part: str) -> bool:
        """Tell whether a part is brought under management."""
        existing = getattr(self, part)
        return isinstance(existing, Existing) and existing.manage

    @property
    def others_key(self) -> str | None:
        """The ARN of the key, where it is only referred to."""
        return self.key.arn if self.key and not self.key.manage else None

    @property
    def referred(self) -> tuple[str, ...]:
        """The parts that are only referred to."""
        return tuple(name for name in type(self).model_fields if self.refers(name))
