"""Who is let in by the policies of resources: every class of callers, and whether it is meant to.

It starts from the statements that allow, so that nobody is left out: who matches none of them gets
in nowhere. Administrators of a resource's own account are asked about by the access matrix.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from orgtrail.check import layers
from orgtrail.check.asking import Asker, key_arn
from orgtrail.check.attack import DIGESTS
from orgtrail.check.classes import Member, classes, satisfying
from orgtrail.check.findings import Finding, Severity, listed
from orgtrail.check.grant_intent import SUBSCRIBING, Norm
from orgtrail.check.intent import Intent
from orgtrail.check.model import AttachedPolicy, Model, S3Bucket
from orgtrail.check.principals import members
from orgtrail.iam import reference
from orgtrail.iam.evaluator import Decision
from orgtrail.iam.policy import Statement
from orgtrail.iam.reference import matching
from orgtrail.iam.request import Kind, RequestContext
from orgtrail.naming import LOGS

RULE = "access"
_BUCKET, _OBJECT = "arn:*:s3:::*", "arn:*:s3:::*/*"
"""What the Service Authorization Reference calls a bucket and an object."""
_ACTS = {
    "bucket": (
        "s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:DeleteObject",
        "s3:DeleteObjectVersion", "s3:ListBucket", "s3:GetBucketLocation", "s3:GetBucketAcl",
        "s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:PutObjectAcl", "s3:ReplicateObject",
    ),
    "key": (
        "kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext",
        "kms:DescribeKey", "kms:ReEncryptFrom", "kms:CreateGrant", "kms:PutKeyPolicy",
        "kms:ScheduleKeyDeletion", "kms:DisableKey", "kms:Sign",
    ),
    "topic": (
        "sns:Publish", "sns:Subscribe", "sns:SetTopicAttributes", "sns:DeleteTopic",
        "sns:AddPermission", "sns:GetTopicAttributes",
    ),
    "queue": (
        "sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:PurgeQueue",
        "sqs:SetQueueAttributes", "sqs:AddPermission", "sqs:GetQueueAttributes",
    ),
}  # fmt: skip
"""By kind of resource: acts that stand for a pattern of actions, reads and writes."""
_SERVICES = {"bucket": "s3:", "key": "kms:", "topic": "sns:", "queue": "sqs:"}


@dataclass(frozen=True)
class Grant:
    """One thing that a class of callers asks for, and what AWS decides.

    Args:
        attached: the policy that lets it in.
        who: the caller that stands for the class.
        action: the action.
        resource: the ARN of the resource.
        is_intended: whether the stack is meant to allow it.
        decision: what AWS decides.
        context: the condition keys of the request, those that the caller chooses too.
        is_held_by_one: whether the organization's policies alone deny it, and it is not intended.

    """

    attached: AttachedPolicy
    who: Member
    action: str
    resource: str
    is_intended: bool
    decision: Decision
    context: RequestContext = field(default_factory=dict)
    is_held_by_one: bool = False

    @property
    def severity(self) -> Severity:
        """How severe it is if it is not intended."""
        subscribes = self.action in SUBSCRIBING and self.who.is_named
        return Severity.LOW if self.who.is_other or subscribes else Severity.HIGH


def grants(asker: Asker, intent: Intent) -> Iterator[Grant]:
    """Yield every grant of the policies of buckets, keys, topics and queues."""
    for attached in asker.model.attached_policies:
        if attached.owner in _ACTS:
            for statement in attached.policy.statements:
                if statement.allows and not statement.doubt:
                    yield from _of_statement(asker, intent, attached, statement)


def _of_statement(
    asker: Asker, intent: Intent, attached: AttachedPolicy, statement: Statement
) -> Iterator[Grant]:
    model = asker.model
    actions = _concrete(statement, attached.owner)
    for who in classes(model, attached, statement):
        if not attached.account and who.caller.kind not in (Kind.ANONYMOUS, Kind.FEDERATED):
            continue  # whose account it is, and so who is a stranger, is not known
        if who.caller.kind is Kind.FEDERATED and who.is_named:
            continue  # a bucket, key, topic or queue knows no sign-in but a stranger's
        for resource in _resources(model, attached, statement, who):
            for act in actions:
                if not _fits(attached.owner, act, resource):
                    continue
                context = {
                    **_encrypted(model, attached),
                    **satisfying(statement, who.caller),
                    **who.context,
                }
                decision = asker.ask(
                    who.caller, who.policies, act, resource, context, attached.account,
                    at_worst=True,
                )  # fmt: skip
                intended = Norm(model, intent, attached, who, act, resource).is_intended()
                held = decision.is_denied and not intended
                held = held and asker.ask(
                    who.caller, who.policies, act, resource, context, attached.account,
                    with_controls=False,
                ).is_allowed  # fmt: skip
                yield Grant(attached, who, act, resource, intended, decision, context, held)


def _encrypted(model: Model, attached: AttachedPolicy) -> RequestContext:
    """Return the header by which whoever writes to a bucket states the bucket's encryption."""
    bucket = _bucket_of(model, attached)
    if not bucket or not bucket.algorithm:
        return {}
    return {"s3:x-amz-server-side-encryption": bucket.algorithm}


def _bucket_of(model: Model, attached: AttachedPolicy) -> S3Bucket | None:
    """Return the bucket that a policy is attached to; None if it is not of the model."""
    if attached.owner != "bucket":
        return None
    found = (each for each in model.buckets if model.policy_address(each) == attached.address)
    return next(found, None)


def grant_findings(found: Iterable[Grant], *, by_setting: bool) -> Iterator[Finding]:
    """Yield a finding for each class and policy that lets in whom it should not."""
    groups: dict[tuple[str, str, str], list[Grant]] = {}
    for each in found:
        if each.is_held_by_one or not (each.is_intended or each.decision.is_denied):
            statement = "?" if each.decision.is_undecided else each.decision.statement
            groups.setdefault((each.attached.address, each.who.title, statement), []).append(each)
    for group in groups.values():
        first = group[0]
        if first.is_held_by_one:
            yield _held(group, by_setting=by_setting)
            continue
        undecided = first.decision.is_undecided
        yield Finding(
            Severity.UNPROVEN if undecided else first.severity,
            RULE,
            _SECTIONS[first.attached.owner] if by_setting else first.attached.address,
            f"{first.who.title} {'may be able to' if undecided else 'can'} use {_what(group)}: "
            f"{first.decision.statement}. Nothing here needs that.",
        )


def _held(group: list[Grant], *, by_setting: bool) -> Finding:
    """Return the finding that only the organization's policies deny what a policy allows."""
    first = group[0]
    return Finding(
        Severity.ONE_LAYER,
        layers.RULE,
        _SECTIONS[first.attached.owner] if by_setting else first.attached.address,
        f"{first.attached.policy.name} lets {first.who.title} use {_what(group)}: held by one "
        f"layer only, {first.decision.statement}. Nothing here needs that.",
    )


def _what(group: list[Grant]) -> str:
    return listed(list(dict.fromkeys(f"{one.action} on {one.resource}" for one in group)))


_SECTIONS = {"bucket": "archive", "key": "key", "topic": "siem", "queue": "siem"}


def _concrete(statement: Statement, owner: str) -> list[str]:
    """Return the actions of a statement, with those that its patterns hold."""
    named = [each for each in statement.actions if "*" not in each and "?" not in each]
    if statement.all_actions_but:
        named = []
    patterns = [each for each in statement.actions if each not in named]
    of_patterns = [one.name for each in patterns for one in matching(each)
                   if one.name.startswith(_SERVICES[owner])] if not statement.all_actions_but else [
        one for one in _ACTS[owner] if statement.is_about(one)]  # fmt: skip
    return list(dict.fromkeys([*named, *of_patterns]))


def _fits(owner: str, action: str, resource: str) -> bool:
    """Return whether an action is about a resource: of S3, a bucket or an object."""
    if owner != "bucket":
        return True
    found = reference.action(action)
    kinds = found.resources if found else ()
    return (_OBJECT if "/" in resource.partition(":::")[2] else _BUCKET) in kinds or not kinds


def _resources(
    model: Model, attached: AttachedPolicy, statement: Statement, who: Member
) -> list[str]:
    match attached.owner:
        case "key":
            return [key_arn(model, key) for key in model.keys if key.address == attached.address]
        case "bucket":
            return _keys_of_bucket(model, attached, statement, who)
    its_own = [
        each.arn
        for each in model.receivers
        if each.policy is not None and each.policy.name == attached.policy.name
    ]
    # A policy beside a topic of another stack names the topic in its statements alone.
    service = "sns" if attached.owner == "topic" else "sqs"
    named = () if statement.all_resources_but else statement.resources or ()
    return its_own or [arn for arn in named if f":{service}:" in arn and "*" not in arn]


def _keys_of_bucket(
    model: Model, attached: AttachedPolicy, statement: Statement, who: Member
) -> list[str]:
    """Return resources that stand for a statement's patterns."""
    bucket = _bucket_of(model, attached)
    if not bucket:
        names = [one.split(":::")[1].split("/")[0] for one in statement.resources or ()
                 if ":::" in one]  # fmt: skip
        bucket = next((each for each in model.buckets if each.name in names), None)
    if not bucket:
        return []
    arn = f"arn:{model.partition}:s3:::{bucket.name}"
    account = (who.caller.account if who.is_ours else "") or members(model)[0]
    other = next(each for each in members(model) if each != account)
    candidates = [arn, f"{arn}/any"]
    if bucket is model.archive:
        root = f"{arn}/{model.logs_prefix}{model.organization}"
        candidates += [
            f"{root}/{one}/{folder}/{model.archive.region}/2026/01/31/any.json.gz"
            for one in dict.fromkeys((account, other))
            for folder in (LOGS, DIGESTS)
        ]
    for pattern in statement.resources or ():
        if pattern.startswith(f"{arn}/"):
            own = pattern.replace("${aws:PrincipalAccount}", account)
            candidates.append(own.replace("*", "any"))
    return list(dict.fromkeys(candidates))
