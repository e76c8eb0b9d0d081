"""The survey of buckets and keys."""

from __future__ import annotations

from typing import Any

from orgtrail.proof.estate import Bucket, Key
from orgtrail.proof.iam.policy import parse
from orgtrail.proof.survey.shared import named, place, policy_of
from orgtrail.regions import partition
from orgtrail.trail.resource import Resource, Stack, block


def bucket_of(stack: Stack, bucket: Resource) -> Bucket:
    """Read a bucket and what surrounds it."""
    name = bucket.text("bucket")

    def beside(kind: str) -> Resource:
        found = _beside(stack, f"aws_s3_bucket_{kind}", "bucket", bucket, name)
        return found or Resource(kind, "", {}, bucket.provider)

    policy = beside("policy")
    closed = beside("public_access_block")
    encryption = beside("server_side_encryption_configuration").one("rule")
    default = block(encryption, "apply_server_side_encryption_by_default")
    lock = beside("object_lock_configuration").one("rule", "default_retention")
    lifecycle = beside("lifecycle_configuration")
    rules = [each for each in lifecycle.many("rule") if each.get("status") == "Enabled"]
    return Bucket(
        **place(bucket),
        name=name,
        policy=policy_of(f"the policy of bucket {name}", policy.text("policy"))
        if policy.address
        else None,
        is_versioned=beside("versioning").one("versioning_configuration").get("status")
        == "Enabled",
        is_closed=all(
            closed.values.get(each) is True
            for each in (
                "block_public_acls", "block_public_policy", "ignore_public_acls",
                "restrict_public_buckets",
            )
        ),
        algorithm=default.get("sse_algorithm") or "",
        key=named(stack, default.get("kms_master_key_id")),
        expire_after_days=_shortest(rules, "expiration", "days"),
        noncurrent_days=_shortest(rules, "noncurrent_version_expiration", "noncurrent_days"),
        transitions=tuple(
            (move["storage_class"], move.get("days") or 0)
            for rule in rules
            for move in Resource("", "", rule, bucket.provider).many("transition")
        ),
        moves_small_files=lifecycle.text("transition_default_minimum_object_size")
        == "varies_by_storage_class",
        lock_mode=lock.get("mode") or "",
        lock_days=(lock.get("days") or 0) + 365 * (lock.get("years") or 0),
        logs_to=stack.said(beside("logging").text("target_bucket"), "bucket"),
        keeps_table=any(
            str(each.one("storage_descriptor").get("location")).startswith(f"s3://{name}/")
            for each in stack.of("aws_glue_catalog_table")
            if each.values.get("open_table_format_input")
        ),
    )  # fmt: skip


def key_of(stack: Stack, key: Resource) -> Key:
    """Read a key."""
    alias = next(
        (
            each.text("name")
            for each in stack.of("aws_kms_alias")
            if stack.find(each.text("target_key_id")) is key
        ),
        "",
    )
    name = f"the policy of key {alias or key.address}"
    return Key(
        **place(key),
        alias=alias,
        policy=policy_of(name, key.text("policy"))
        if key.values.get("policy")
        else parse(name, _by_default(key)),
        rotates=key.values.get("enable_key_rotation") is True,
    )


def _beside(
    stack: Stack, kind: str, attribute: str, resource: Resource, name: str
) -> Resource | None:
    """Return the resource of a kind that belongs to another by name or by reference."""
    for each in stack.of(kind):
        given = each.text(attribute)
        if given == name or stack.find(given) is resource:
            return each
    return None


def _shortest(rules: list[dict[str, Any]], name: str, days: str) -> int | None:
    found = [block(rule, name).get(days) for rule in rules]
    return min((each for each in found if each), default=None)


def _by_default(key: Resource) -> dict[str, Any]:
    """Return the policy of a key that is given none: everything for IAM of its account.

    https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
    """
    root = f"arn:{partition(key.provider.region)}:iam::{key.provider.account}:root"
    statement = {"Sid": "Default", "Effect": "Allow", "Action": "kms:*", "Resource": "*"}
    return {"Statement": [{**statement, "Principal": {"AWS": root}}]}
