"""What roles of a stack may do beyond their purpose: write where they read, reach what is others'.

Access levels and resource types are those of the Service Authorization Reference.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

from orgtrail.check.asking import Asker, key_arn
from orgtrail.check.classes import satisfying
from orgtrail.check.delivery import Delivery
from orgtrail.check.duties import Duty, Purpose, duties
from orgtrail.check.findings import Finding, Severity, listed
from orgtrail.check.model import IamRole, Model
from orgtrail.check.unrelated import LOG_GROUPS, NAME, unrelated_arns
from orgtrail.iam.evaluator import Policies, evaluate
from orgtrail.iam.policy import Statement, parse
from orgtrail.iam.reference import Action, Level, action, matching
from orgtrail.iam.request import Caller, Kind, Request, RequestContext

RULE = "beyond-purpose"
_READING = (Level.READ, Level.LIST)
_NO_EVIDENCE = ("cloudwatch",)
"""Services whose reads show no evidence, and that policies commonly allow for every resource."""


def beyond_findings(
    asker: Asker, deliveries: list[Delivery], *, by_setting: bool
) -> Iterator[Finding]:
    """Yield a finding for each role that its policies allow more than its purpose asks for.

    Args:
        asker: decides requests.
        deliveries: what the roles have to be able to do.
        by_setting: whether findings name settings or addresses.

    """
    for duty in map(_as_known, duties(asker.model)):
        own = [each for each in deliveries if each.caller.arn == duty.role.arn]
        place = own[0].setting.partition(".")[0] if own else "access"
        name = duty.role.arn.rpartition("/")[2]
        for why, found in (
            ("which its purpose does not ask for", _acts(duty, own)),
            ("which is not its own: name the resources", _reaches(asker, duty, own)),
        ):
            if what := list(dict.fromkeys(found)):
                yield Finding(
                    Severity.HIGH,
                    RULE,
                    place if by_setting else duty.role.address,
                    f"the role {name} may use {listed(what)}, {why}.",
                )


def _as_known(duty: Duty) -> Duty:
    """Return a duty without its purpose if policies of the role are not known."""
    unknown = any(each.doubt for policy in duty.role.policies for each in policy.statements)
    return replace(duty, purpose=Purpose.UNKNOWN) if unknown else duty


def _allowing(role: IamRole) -> Iterator[Statement]:
    for policy in role.policies:
        yield from (each for each in policy.statements if each.allows and not each.doubt)


def _named(statement: Statement) -> Iterator[tuple[str, Action]]:
    """Yield each action that a statement allows, with the pattern that names it."""
    if statement.all_actions_but:
        return  # the rule not-but has it
    for pattern in statement.actions:
        for each in _matched(pattern):
            yield pattern, each


@cache
def _matched(pattern: str) -> tuple[Action, ...]:
    if "*" in pattern or "?" in pattern:
        return matching(pattern)
    found = action(pattern)
    return (found,) if found else ()


def _acts(duty: Duty, own: list[Delivery]) -> Iterator[str]:
    """Yield what a role may do that is no reading and no duty; a pattern with one such act."""
    needed = {each.action.lower() for each in own}
    by_pattern: dict[str, list[str]] = {}
    for statement in _allowing(duty.role):
        for pattern, each in _named(statement):
            if each.level in _READING or each.name.lower() in needed:
                continue
            is_dangerous = each.level is Level.PERMISSIONS or each.name == "iam:PassRole"
            if duty.purpose is not Purpose.UNKNOWN or is_dangerous:
                by_pattern.setdefault(pattern, []).append(each.name)
    for pattern, names in by_pattern.items():
        if names == [pattern]:
            yield pattern
            continue
        worst = next((each for each in names if each.startswith(_WORST)), names[0])
        yield f"{pattern} (which holds {worst} and {len(names) - 1:,} more that change something)"


_WORST = ("iam:PassRole", "iam:Put", "kms:PutKeyPolicy", "s3:PutBucketPolicy")
"""What a pattern is best told by."""


def _reaches(asker: Asker, duty: Duty, own: list[Delivery]) -> Iterator[str]:
    """Yield what a role may do to resources that no duty of its names."""
    if duty.purpose in (Purpose.UNKNOWN, Purpose.READER):
        return
    model, role = asker.model, duty.role
    caller = Caller(Kind.ROLE, role.arn, role.account, model.organization)
    for statement in _allowing(role):
        context = satisfying(statement, caller)
        for _, each in _named(statement):
            if each.name.partition(":")[0] in _NO_EVIDENCE and each.level in _READING:
                continue
            for arn in _strangers(model, role, each, own):
                given = {**context, **_stranger_context(arn)}
                if _may(asker, caller, role, Request(caller, each.name, arn, role.account, given)):
                    yield f"{each.name} on {arn}"


def _may(asker: Asker, caller: Caller, role: IamRole, request: Request) -> bool:
    """Return whether a role may do something; of a key that is not of the stack, IAM decides."""
    if not request.resource.endswith(f":key/{NAME}"):
        return asker.ask(
            caller, role.policies, request.action, request.resource, request.context
        ).is_allowed
    delegating = {"Effect": "Allow", "Principal": {"AWS": role.account}, "Action": "kms:*",
                  "Resource": "*"}  # fmt: skip
    policy = parse("the policy of any key", {"Statement": [delegating]})
    controls = asker.controls(role.account, role.account)
    return evaluate(request, Policies(role.policies, policy, controls=controls)).is_allowed


def _stranger_context(arn: str) -> RequestContext:
    """Return the condition keys of a key that is not of the stack."""
    is_key = ":kms:" in arn and arn.endswith(NAME)
    return {"kms:ResourceAliases": (f"alias/{NAME}",)} if is_key else {}


def _strangers(model: Model, role: IamRole, each: Action, own: list[Delivery]) -> Iterator[str]:
    """Yield resources of the types of an action that are none of the role's own."""
    region = model.archive.region if model.archive else role.region
    for pattern in each.resources:
        names = (NAME, *LOG_GROUPS) if ":log-group:" in pattern else (NAME,)
        yield from unrelated_arns(pattern, model.partition, region, role.account, names)
    if each.name.startswith("kms:"):
        own_keys = {one.resource for one in own}
        yield from (arn for key in model.keys if (arn := key_arn(model, key)) not in own_keys)
    if each.name.startswith("s3:") and any("/" in one for one in each.resources):
        buckets = {f"arn:{model.partition}:s3:::{one.name}" for one in model.buckets}
        for bucket in sorted(buckets):
            if not any(one.resource.startswith(f"{bucket}/") and _is_root(model, one, bucket)
                       for one in own):  # fmt: skip
                yield f"{bucket}/{NAME}/file"
                if model.trail and model.trail.prefix and bucket.endswith(f":{model.trail.bucket}"):
                    yield f"{bucket}/{model.trail.prefix}/{NAME}"


def _is_root(model: Model, delivery: Delivery, bucket: str) -> bool:
    """Return whether a duty is about all of a bucket, not a folder of it."""
    is_table = any(
        bucket.endswith(f":::{one.name}") and one.holds_iceberg_table for one in model.buckets
    )
    return is_table and delivery.resource.startswith(f"{bucket}/")
