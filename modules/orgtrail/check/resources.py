"""The resources of a stack that an action can be about, each with its address, ARN and account."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from orgtrail.check.asking import key_arn
from orgtrail.check.attack import CALLER_ACCOUNT, DIGESTS
from orgtrail.check.attacks import attacks
from orgtrail.check.intent import Intent
from orgtrail.check.model import Located, Model, S3Bucket
from orgtrail.check.principals import members
from orgtrail.iam.patterns import like, sample
from orgtrail.iam.reference import Action
from orgtrail.naming import LOGS


@dataclass(frozen=True)
class Resource:
    """One resource, or a file or stream that stands for all of it.

    Args:
        address: the address in the stack; empty for what others make.
        arn: its ARN.
        account: the account that owns it.

    """

    address: str
    arn: str
    account: str

    def fits(self, action: Action) -> bool:
        """Return whether an action is about it, by the resource types of the action."""
        return any(_is_of_type(pattern, self.arn) for pattern in action.resources)


def resources(model: Model, intent: Intent) -> list[Resource]:
    """Return the resources of a stack, then those of others that its attacks are about."""
    found = list(_of_stack(model))
    known = {each.arn for each in found}
    for attack in attacks(model, intent):
        for _, arn in attack.steps:
            if arn not in known and ":s3:::" not in arn and arn != "*":
                known.add(arn)
                account = attack.account or members(model)[0]
                found.append(Resource("", arn.replace(CALLER_ACCOUNT, account), account))
    return found


def _of_stack(model: Model) -> Iterator[Resource]:
    yield from _with_policies(model)
    for role in model.roles:
        yield Resource(role.address, role.arn, role.account)
    for trail in model.trails:
        yield Resource(trail.address, trail.arn, trail.account)
    yield from _by_name(model)


def _with_policies(model: Model) -> Iterator[Resource]:
    for bucket in model.buckets:
        arn = f"arn:{model.partition}:s3:::{bucket.name}"
        for name in ("", *_files(model, bucket)):
            yield Resource(bucket.address, f"{arn}{name}", bucket.account)
    for key in model.keys:
        yield Resource(key.address, key_arn(model, key), key.account)
        if key.alias:
            yield _named(model, key, "kms", key.alias)
    for each in model.receivers:
        yield Resource(each.address, each.arn, each.account)


def _by_name(model: Model) -> Iterator[Resource]:
    for group in model.log_groups:
        yield _named(model, group, "logs", f"log-group:{group.name}")
        yield _named(model, group, "logs", f"log-group:{group.name}:log-stream:any")
    for workgroup in model.workgroups:
        yield _named(model, workgroup, "athena", f"workgroup/{workgroup.name}")
    for table in model.tables:
        for name in (
            f"table/{table.database}/{table.name}",
            f"database/{table.database}",
            "catalog",
        ):
            yield _named(model, table, "glue", name)
    for one in model.automations:
        is_project = one.kind == "aws_codebuild_project"
        name = f"project/{one.name}" if is_project else f"schedule/default/{one.name}"
        yield _named(model, one, "codebuild" if is_project else "scheduler", name)


def _named(model: Model, located: Located, service: str, name: str) -> Resource:
    place = f"{located.region}:{located.account}"
    arn = f"arn:{model.partition}:{service}:{place}:{name}"
    return Resource(located.address, arn, located.account)


def _files(model: Model, bucket: S3Bucket) -> list[str]:
    """Return file names that stand for a bucket's: policies tell log files by account apart."""
    if bucket is not model.archive or not model.is_known:
        return ["/any", *_named_files(model, bucket)]
    root = f"/{model.logs_prefix}{model.organization}"
    first, second = members(model)
    logs = [f"{root}/{one}/{LOGS}/any.json.gz" for one in (first, second, model.management)]
    return ["/any", *logs, f"{root}/{first}/{DIGESTS}/any.json.gz"]


def _named_files(model: Model, bucket: S3Bucket) -> list[str]:
    """Return a file for each folder that a policy names, such as one source's access logs."""
    arn = f"arn:{model.partition}:s3:::{bucket.name}"
    policies = [each.policy for each in model.attached_policies if each.owner in ("bucket", "role")]
    named = [
        pattern.removeprefix(arn)
        for policy in policies
        for statement in policy.statements
        for pattern in statement.resources or ()
        if pattern.startswith(f"{arn}/") and "${" not in pattern
    ]
    return [each for each in dict.fromkeys(map(sample, named)) if each != "/any"]


def _is_of_type(pattern: str, arn: str) -> bool:
    """Return whether an ARN is of a resource type: a bucket's pattern covers no file in it."""
    parts = ("/", ":log-stream:")
    name, wanted = (each.split(":", 5)[-1] for each in (arn, pattern))
    if ":s3:::" in arn and (parts[0] in name) != (parts[0] in wanted):
        return False
    return (parts[1] in name) == (parts[1] in wanted) and like(pattern, arn)
