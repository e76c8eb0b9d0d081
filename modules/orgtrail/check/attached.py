"""The policies of a stack, each with what it is attached to, for the rules about all of them."""

from __future__ import annotations

from collections.abc import Iterator

from orgtrail.check.from_resource import place, policy_of
from orgtrail.check.model import AttachedPolicy
from orgtrail.trail.resource import Resource, Stack

_BESIDE = {
    "aws_s3_bucket": ("aws_s3_bucket_policy", "bucket"),
    "aws_sns_topic": ("aws_sns_topic_policy", "arn"),
    "aws_sqs_queue": ("aws_sqs_queue_policy", "queue_url"),
}
"""By type that can have a policy inline: the type that has it beside, and how it names the other.

A plan for existing resources repeats the policy beside in the resource itself."""


def _has_beside(stack: Stack, owner: Resource) -> bool:
    kind, attribute = _BESIDE[owner.kind]
    names = {owner.text(name) for name in ("bucket", "arn", "url", "id")} - {""}
    return any(
        stack.find(given) is owner or given in names
        for each in stack.of(kind)
        if (given := each.text(attribute))
    )


def attached_policies(stack: Stack) -> Iterator[AttachedPolicy]:
    """Yield every policy document of the stack, for the rules that apply to all of them."""
    for kind, attribute, owner in (
        ("aws_s3_bucket_policy", "policy", "bucket"),
        ("aws_kms_key", "policy", "key"),
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
            if kind in _BESIDE and (not document or _has_beside(stack, each)):
                continue
            if not document and owner == "key":
                continue  # AWS gives it its default policy
            yield AttachedPolicy(
                **place(each),
                policy=policy_of(each.address, document),
                document="" if document.startswith("${") else document,
                owner=owner,
            )
