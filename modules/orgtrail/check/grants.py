"""Who is let in by the policies of resources: every class of callers, and whether it is meant to.

It starts from the statements that allow, so that nobody is left out: who matches none of them gets
in nowhere. Administrators of a resource's own account are asked about by the access matrix.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from orgtrail.check.asking import Asker, key_arn
from orgtrail.check.attack import DIGESTS
from orgtrail.check.classes import Member, classes, known_accounts, satisfying
from orgtrail.check.deliveries import services_of
from orgtrail.check.findings import Finding, Severity
from orgtrail.check.intent import Intent
from orgtrail.check.model import AttachedPolicy, FlowKind, Model
from orgtrail.check.principals import members
from orgtrail.check.upkeep import ADMINISTRATION
from orgtrail.iam.evaluator import Decision
from orgtrail.iam.patterns import like
from orgtrail.iam.policy import Statement
from orgtrail.iam.reference import Level, action, matching
from orgtrail.iam.request import Kind, RequestContext
from orgtrail.naming import CLOUDTRAIL, LOGS
from orgtrail.trail.writers import LOAD_BALANCING

RULE = "access"
_ACCOUNT_IN_KEY = re.compile(r"/AWSLogs/(\d{12})/", re.ASCII)
_LISTED = 4
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
_DELIVERING = {
    "bucket": ("s3:PutObject", "s3:GetBucketAcl", "s3:GetBucketLocation", "s3:ListBucket"),
    "key": (
        "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*",
    ),
    "topic": ("sns:Publish",),
    "queue": ("sqs:SendMessage",),
}  # fmt: skip
"""By kind of resource: what a service does that delivers to it."""
_OTHERS_ENCRYPT = ("kms:Encrypt", "kms:ReEncrypt*")
"""What only the delivery of vended logs does with a key.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-vended-logs-permissions-V2.html"""
_VENDED = "delivery.logs.amazonaws.com"
_SUBSCRIBING = ("sns:Subscribe", "sns:GetTopicAttributes", "sns:ListSubscriptionsByTopic")
_READING = ("s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket", "s3:GetBucketLocation")
_USING = ("kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey*")


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

    """

    attached: AttachedPolicy
    who: Member
    action: str
    resource: str
    is_intended: bool
    decision: Decision
    context: RequestContext = field(default_factory=dict)

    @property
    def severity(self) -> Severity:
        """How severe it is if it is not intended."""
        subscribes = self.action in _SUBSCRIBING and self.who.is_named
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
                    who.caller, who.policies, act, resource, context, attached.account
                )
                intended = _Norm(model, intent, attached, who, act, resource).is_intended()
                yield Grant(attached, who, act, resource, intended, decision, context)


def _encrypted(model: Model, attached: AttachedPolicy) -> RequestContext:
    """Return the header by which whoever writes to a bucket states the bucket's encryption."""
    algorithm = next(
        (each.algorithm for each in model.buckets if each.policy == attached.policy), ""
    )
    return {"s3:x-amz-server-side-encryption": algorithm} if algorithm else {}


def grant_findings(found: Iterable[Grant], *, by_setting: bool) -> Iterator[Finding]:
    """Yield a finding for each class and policy that lets in whom it should not."""
    groups: dict[tuple[str, str, str], list[Grant]] = {}
    for each in found:
        if not each.is_intended and not each.decision.is_denied:
            statement = each.decision.statement if each.decision.is_allowed else "?"
            groups.setdefault((each.attached.address, each.who.title, statement), []).append(each)
    for group in groups.values():
        first = group[0]
        undecided = first.decision.is_undecided
        named = list(dict.fromkeys(f"{one.action} on {one.resource}" for one in group))
        more = len(named) - _LISTED
        what = ", ".join(named[:_LISTED]) + (f" and {more} more" if more > 0 else "")
        yield Finding(
            Severity.UNPROVEN if undecided else first.severity,
            RULE,
            SECTIONS[first.attached.owner] if by_setting else first.attached.address,
            f"{first.who.title} {'may be able to' if undecided else 'can'} use {what}: "
            f"{first.decision.statement}. Nothing here needs that.",
        )


SECTIONS = {"bucket": "archive", "key": "key", "topic": "siem", "queue": "siem"}


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
    name = action.partition(":")[2]
    of_bucket = "Bucket" in name or name.startswith(("List", "PutReplication", "PutLifecycle",
                                                     "PutEncryption"))  # fmt: skip
    return of_bucket != ("/" in resource.partition(":::")[2])


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
    bucket = next((each for each in model.buckets if each.policy == attached.policy), None)
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


@dataclass(frozen=True)
class _Norm:
    """Whether a class is meant to do something."""

    model: Model
    intent: Intent
    attached: AttachedPolicy
    who: Member
    action: str
    resource: str

    def is_intended(self) -> bool:
        kind, owner = self.who.caller.kind, self.attached.owner
        if kind is Kind.SERVICE and self.who.caller.arn == LOAD_BALANCING:
            # Its calls have no source; the key names the account of the load balancer.
            account = _ACCOUNT_IN_KEY.search(self.resource)
            ours = account is not None and account[1] in known_accounts(self.model)
            return self._delivers() and ours
        if kind is Kind.SERVICE:
            return self.who.is_ours and self._delivers() and self._is_its_flow()
        if kind in (Kind.ANONYMOUS, Kind.FEDERATED):
            return False
        if self.who.caller.account == self.attached.account:
            return owner != "key" or self._uses_own_key()
        if owner == "topic" and self.who.caller.account in self.intent.subscribers:
            return self.action in _SUBSCRIBING
        if not self.who.is_ours:
            return False
        return self._reads_own() or self._is_role_of_stack() or self._reads_others_logs()

    def _delivers(self) -> bool:
        name = self.who.caller.arn
        known = any(like(each, self.action) for each in _DELIVERING[self.attached.owner])
        if self._is("key") and name != _VENDED:
            known = known and not any(like(each, self.action) for each in _OTHERS_ENCRYPT)
        is_log = f"/{LOGS}/" in self.resource or f"/{DIGESTS}/" in self.resource
        return known and (not is_log or name == CLOUDTRAIL)

    def _is_its_flow(self) -> bool:
        """Return whether a service acts for what the stack's flows name, if they name any."""
        name = self.who.caller.arn
        of_key = {each.arn for each in self.model.receivers
                  if each.key == self.attached.address}  # fmt: skip
        kinds = {kind for kind, service in services_of(self.model).items() if service == name}
        base = self.resource.partition("/")[0] if self._is("bucket") else self.resource
        flows = [
            each for each in self.model.flows
            if each.kind in kinds
            and (each.target == base or each.target in of_key
                 or each.detail == self.attached.address)
        ]  # fmt: skip
        if not flows:
            return True
        key = self.resource.partition("/")[2] if self._is("bucket") else ""
        logs = [each.detail for each in flows if each.kind is FlowKind.ACCESS_LOG]
        if key and logs and not any(key.startswith(each) for each in logs):
            return False
        return not self.who.is_other

    def _uses_own_key(self) -> bool:
        administers = any(
            like(each, self.who.caller.arn) for each in self.intent.key_administrators
        ) or self.who.caller.arn == self.model.deploy_role(self.attached.account)
        known = action(self.action)
        if known and known.level in (Level.READ, Level.LIST):
            return True
        if not self.intent.key_administrators or self.attached.account != self.model.logging:
            return self.action in ADMINISTRATION or self._matches(_USING)
        return self.action in ADMINISTRATION if administers else self._matches(_USING)

    def _reads_own(self) -> bool:
        """Return whether it is a member's reader at the log files of its own account."""
        if not self.intent.member_reader:
            return False
        account = self.who.caller.account
        name = self.who.caller.arn.partition(":role/")[2]
        accounts = self.intent.reader_accounts
        if not like(self.intent.member_reader, name) or (accounts and account not in accounts):
            return False
        if self._is("key"):
            return self.action in ("kms:Decrypt", "kms:DescribeKey")
        reads = self._is("bucket") and self._matches(_READING)
        is_object = "/" in self.resource.partition(":::")[2]
        return reads and (not is_object or f"/{account}/" in self.resource)

    def _reads_others_logs(self) -> bool:
        """Return whether a role that is named reads what other services write to the bucket."""
        if not self._is("bucket") or not self.who.is_exact:
            return False
        known = action(self.action)
        is_log = f"/{LOGS}" in self.resource or f"/{DIGESTS}/" in self.resource
        reads = known is not None and known.level in (Level.READ, Level.LIST)
        return reads and not is_log and "/" in self.resource.partition(":::")[2]

    def _is_role_of_stack(self) -> bool:
        """Return whether it is a role of the stack, whose duties are elsewhere in the stack."""
        made = any(each.arn == self.who.caller.arn for each in self.model.roles)
        return made and self._matches((*_USING, "sns:Publish", "sqs:SendMessage"))

    def _is(self, owner: str) -> bool:
        return self.attached.owner == owner

    def _matches(self, patterns: tuple[str, ...]) -> bool:
        return any(like(each, self.action) for each in patterns)
