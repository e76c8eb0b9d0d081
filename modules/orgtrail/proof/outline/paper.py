"""What an outline is drawn on: the accounts of an environment, and parts that come again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from orgtrail.policies import boundary
from orgtrail.policies.document import Document, text
from orgtrail.proof.terraform.resources import Json, Provider, Resource
from orgtrail.settings.environment import Environment

NOT_OURS = "${somebody_elses}"
"""Stands for a policy that is only referred to: nothing can be proven of it."""
_SMALL_FILES_STAY = "all_storage_classes_128K"


class Paper:
    """An environment with its providers.

    Args:
        env: the settings.

    """

    def __init__(self, env: Environment) -> None:
        """Lay out a provider for each account."""
        self.env = env
        self.providers = {
            name: Provider(
                env.accounts[name].id,
                env.home_region,
                env.accounts[name].role_arn or "",
                pinned=True,
                tags=tuple(sorted(env.tags.items())),
            )
            for name in env.reached
        }
        self.management = self.providers["management"]
        self.logging = self.providers["logging"]

    def at_management(self, kind: str, place: str, /, **values: Any) -> Resource:
        """Return a resource of the management account."""
        return Resource(kind, f"{kind}.{place}", values, self.management)

    def at_logging(self, kind: str, place: str, /, **values: Any) -> Resource:
        """Return a resource of the logging account."""
        return Resource(kind, f"{kind}.{place}", values, self.logging)

    def key(
        self, name: str, alias: str, policy: Document | None, provider: Provider
    ) -> Iterator[Resource]:
        """Yield a key and its alias; the policy is None where it is not ours."""
        values: Json = {"policy": policy_text(policy), "enable_key_rotation": True}
        yield Resource("aws_kms_key", f"aws_kms_key.{name}", values, provider)
        target = {"name": alias, "target_key_id": f"${{aws_kms_key.{name}.key_id}}"}
        yield Resource("aws_kms_alias", f"aws_kms_alias.{name}_alias", target, provider)

    def role(
        self, name: str, role: str, trust: Document, permissions: Document, provider: Provider
    ) -> Iterator[Resource]:
        """Yield a role and its policy."""
        place = "management" if provider is self.management else "logging"
        values = {"name": role, "assume_role_policy": text(trust)}
        values["permissions_boundary"] = boundary.arn(self.env, place) or ""
        yield Resource("aws_iam_role", f"aws_iam_role.{name}", values, provider)
        values = {"role": role, "policy": text(permissions)}
        yield Resource(
            "aws_iam_role_policy", f"aws_iam_role_policy.{name}_policy", values, provider
        )

    def bucket(
        self,
        name: str,
        bucket: str,
        policy: Document | None,
        expire: int | None,
        noncurrent: int,
        *,
        key: str = "",
        transition: list[Json] | None = None,
        logs_to: str | None = None,
    ) -> Iterator[Resource]:
        """Yield a bucket with what surrounds it; the policy is None where it is not ours."""
        by_default: Json = {"sse_algorithm": "aws:kms" if key else "AES256"}
        if key:
            by_default["kms_master_key_id"] = f"${{aws_kms_key.{key}.arn}}"
        rule: Json = {
            "status": "Enabled",
            "expiration": {"days": expire} if expire else None,
            "noncurrent_version_expiration": {"noncurrent_days": noncurrent},
            "transition": transition,
        }
        parts: dict[str, Json] = {
            "policy": {"policy": policy_text(policy)},
            "public_access_block": dict.fromkeys(
                ("block_public_acls", "block_public_policy", "ignore_public_acls",
                 "restrict_public_buckets"),
                True,
            ),
            "versioning": {"versioning_configuration": {"status": "Enabled"}},
            "server_side_encryption_configuration": {
                "rule": {"apply_server_side_encryption_by_default": by_default}
            },
            "lifecycle_configuration": {
                "rule": rule,
                "transition_default_minimum_object_size": _SMALL_FILES_STAY,
            },
            "logging": {
                "target_bucket": self.env.archive.access_log_bucket if logs_to is None else logs_to
            },
        }  # fmt: skip
        yield self.at_logging("aws_s3_bucket", name, bucket=bucket)
        for part, values in parts.items():
            if part != "logging" or values["target_bucket"]:
                place = f"{name}_{part}" if part != "policy" else f"{name}_policy"
                yield self.at_logging(f"aws_s3_bucket_{part}", place, bucket=bucket, **values)


def policy_text(policy: Document | None) -> str:
    """Write a policy; None is one that is not ours."""
    return NOT_OURS if policy is None else text(policy)
