"""Whom the policies of resources are meant to let in: what flows, duties and readers ask for."""

from __future__ import annotations

import re
from dataclasses import dataclass

from orgtrail.check.attack import DIGESTS
from orgtrail.check.classes import Member, known_accounts
from orgtrail.check.deliveries import services_of
from orgtrail.check.intent import Intent
from orgtrail.check.model import AttachedPolicy, FlowKind, Model
from orgtrail.check.upkeep import ADMINISTRATION
from orgtrail.iam.patterns import like
from orgtrail.iam.reference import Level, action
from orgtrail.iam.request import Kind
from orgtrail.naming import CLOUDTRAIL, LOGS
from orgtrail.trail.writers import LOAD_BALANCING

_ACCOUNT_IN_KEY = re.compile(r"/AWSLogs/(\d{12})/", re.ASCII)
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
_READING = ("s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket", "s3:GetBucketLocation")
_USING = ("kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey*")
SUBSCRIBING = ("sns:Subscribe", "sns:GetTopicAttributes", "sns:ListSubscriptionsByTopic")


@dataclass(frozen=True)
class Norm:
    """Whether a class is meant to do something."""

    model: Model
    intent: Intent
    attached: AttachedPolicy
    who: Member
    action: str
    resource: str

    def is_intended(self) -> bool:
        """Return whether the stack is meant to allow the action to the class."""
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
            return self.action in SUBSCRIBING
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
        name, source = self.who.caller.arn, self.who.context.get("aws:SourceArn")
        trail = self.model.trail
        if name == CLOUDTRAIL and trail:
            return source == trail.arn
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
        accounts = {each.account for each in flows}
        return not self.who.is_other and self.who.context.get("aws:SourceAccount") in accounts

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
