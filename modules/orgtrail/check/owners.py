"""What belongs to a resource: those that configure it beside it, and every policy it is given."""

from __future__ import annotations

from collections.abc import Iterator

from orgtrail.regions import partition
from orgtrail.trail.resource import Resource, Stack

POLICIES = {
    "aws_s3_bucket": ("aws_s3_bucket_policy", "bucket"),
    "aws_kms_key": ("aws_kms_key_policy", "key_id"),
    "aws_sns_topic": ("aws_sns_topic_policy", "arn"),
    "aws_sqs_queue": ("aws_sqs_queue_policy", "queue_url"),
}
"""By type that can have a policy inline: the type that has it beside, and how it names the other.

A plan for existing resources repeats the policy beside in the resource itself."""
_SERVICES = {"aws_sns_topic": "sns", "aws_sqs_queue": "sqs"}


def beside(stack: Stack, owner: Resource, kind: str, argument: str) -> Iterator[Resource]:
    """Yield the resources of a kind that name another one, by a reference or by its name.

    Args:
        stack: the stack of both.
        owner: the resource that they name.
        kind: their kind, such as `aws_s3_bucket_policy`.
        argument: their argument that names it, such as `bucket`.

    """
    names = _names(owner)
    for each in stack.of(kind):
        given = each.text(argument)
        if given and (stack.find(given) is owner or given in names):
            yield each


def policies(stack: Stack, owner: Resource) -> list[tuple[str, str]]:
    """Return every policy of a bucket, key, topic or queue: its address and its text.

    In AWS each has one, so that of several the one that is applied last wins.
    """
    kind, argument = POLICIES[owner.kind]
    found = [
        (each.address, each.document("policy")) for each in beside(stack, owner, kind, argument)
    ]
    own = owner.document("policy")
    repeats = stack.is_plan or any(own == document for _, document in found)
    if owner.values.get("policy") and not (found and repeats):
        found.insert(0, (owner.address, own))
    return found


def _names(owner: Resource) -> set[str]:
    """Return the texts by which others can name a resource without a reference."""
    names = {owner.text(each) for each in ("arn", "bucket", "id", "key_id", "url")}
    if bucket := owner.text("bucket"):
        names.add(f"arn:{partition(owner.region)}:s3:::{bucket}")
    name, account, region = owner.text("name"), owner.provider.account, owner.region
    if name and account and (service := _SERVICES.get(owner.kind)):
        names.add(f"arn:{partition(region)}:{service}:{region}:{account}:{name}")
        names.add(f"https://sqs.{region}.amazonaws.com/{account}/{name}")
    return names - {""}
