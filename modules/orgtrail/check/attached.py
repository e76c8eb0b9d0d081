"""The policies of a stack, each with what it is attached to, for the rules about all of them."""

from __future__ import annotations

from collections.abc import Iterator

from orgtrail.check.from_resource import is_control_policy, place, policy_of
from orgtrail.check.model import AttachedPolicy
from orgtrail.check.owners import POLICIES, policies
from orgtrail.trail.resource import Stack


def attached_policies(stack: Stack) -> Iterator[AttachedPolicy]:
    """Yield every policy document of the stack, for the rules that apply to all of them."""
    for kind, attribute, owner in (
        ("aws_s3_bucket_policy", "policy", "bucket"),
        ("aws_kms_key", "policy", "key"),
        ("aws_kms_key_policy", "policy", "key"),
        ("aws_sns_topic_policy", "policy", "topic"),
        ("aws_sqs_queue_policy", "policy", "queue"),
        ("aws_iam_role", "assume_role_policy", "trust of role"),
        ("aws_iam_role_policy", "policy", "role"),
        ("aws_organizations_policy", "content", "organization policy"),
        ("aws_s3_bucket", "policy", "bucket"),
        ("aws_sns_topic", "policy", "topic"),
        ("aws_sqs_queue", "policy", "queue"),
    ):
        for each in stack.of(kind):
            document = each.document(attribute)
            if kind == "aws_organizations_policy" and not is_control_policy(each):
                continue
            if kind in POLICIES and each.address not in dict(policies(stack, each)):
                continue  # it has none, or that of a resource beside it
            # What a key's policy lets in is asked about the key.
            key = stack.find(each.text("key_id")) if kind == "aws_kms_key_policy" else None
            yield AttachedPolicy(
                **{**place(each), "address": (key or each).address},
                policy=policy_of(each.address, document),
                document="" if document.startswith("${") else document,
                owner=owner,
            )
