"""An attack, which is a column of the access matrix, and the context that all attacks share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from orgtrail.check.intent import Intent
from orgtrail.check.model import CloudTrail, Model, S3Bucket
from orgtrail.check.principals import Principal
from orgtrail.iam.policy import Policy
from orgtrail.iam.request import Kind, RequestContext
from orgtrail.regions import partition_of

PrincipalTest = Callable[[Principal], bool]
DIGESTS = "CloudTrail-Digest"
"""Folder of digest files under each account's prefix.
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html"""
CALLER_ACCOUNT = "<account>"
"""Placeholder for the caller's account in a resource."""


@dataclass(frozen=True)
class Attack:
    """One column of the matrix.

    Args:
        title: what is done, in words.
        steps: pairs of action and resource; the attack succeeds if all are allowed.
        account: the account that owns the resources; None for the caller's account.
        intended_for: who is meant to be able to do it.
        policy: the policy of the resources, if they can have one.
        context: condition keys of the requests.
        applies_to: for which principals the matrix has a cell.
        impossible: why nobody can do it, whatever policies allow; empty if policies decide.

    """

    title: str
    steps: tuple[tuple[str, str], ...]
    account: str | None
    intended_for: PrincipalTest
    policy: Policy | None = None
    context: RequestContext = field(default_factory=dict)
    applies_to: PrincipalTest = lambda _: True
    impossible: str = ""


@dataclass(frozen=True)
class Context:
    """The targets of the attacks, and who is intended to do what."""

    model: Model
    intent: Intent
    trail: CloudTrail
    archive: S3Bucket

    def arn(self, service: str, region: str, account: str, resource: str) -> str:
        """Return an ARN in the partition of the model."""
        return f"arn:{self.model.partition}:{service}:{region}:{account}:{resource}"

    def bucket_arn(self) -> str:
        """Return the archive's ARN."""
        return self.arn("s3", "", "", self.archive.name)

    def domain(self) -> str:
        """Return the domain of AWS services in the trail's partition."""
        return partition_of(self.trail.region).suffix

    def key_of(self, account: str, folder: str) -> str:
        """Return the S3 key of a file that CloudTrail delivers."""
        region = self.trail.region
        name = f"{account}_{folder}_{region}_20260131T0000Z_0a1b2c3d4e5f6a7b.json.gz"
        if folder == DIGESTS:
            name = (
                f"{account}_{folder}_{region}_{self.trail.name}_{region}_20260131T000000Z.json.gz"
            )
        return f"{self.prefix_of(account)}{folder}/{region}/2026/01/31/{name}"

    def prefix_of(self, account: str) -> str:
        """Return the prefix of everything that CloudTrail delivers for an account."""
        return f"{self.model.logs_prefix}{self.model.organization}/{account}/"

    def manages(self, principal: Principal) -> bool:
        """Return whether a principal administers the management account."""
        return principal.is_administrator and principal.caller.account == self.model.management

    def is_of_logging(self, principal: Principal) -> bool:
        """Return whether a principal administers the logging account, regardless of SCPs."""
        return principal.is_administrator and principal.caller.account == self.model.logging

    def configures(self, principal: Principal) -> bool:
        """Return whether a principal is intended to change what the SCP protects."""
        return self.is_of_logging(principal) and principal.is_exempt

    def owner(self, account: str) -> PrincipalTest:
        """Return who is intended to change the configuration of what an account owns."""
        return self.manages if account == self.model.management else self.configures

    def breaks_glass(self, principal: Principal) -> bool:
        """Return whether a principal is intended to delete evidence and its encryption key."""
        return self.is_of_logging(principal) and principal.breaks_glass

    def administers_key(self, principal: Principal) -> bool:
        """Return whether a principal is intended to administer the key."""
        return self.configures(principal) and principal.administers_key

    def reads(self, principal: Principal) -> bool:
        """Return whether a principal is intended to read all log files."""
        return principal.reads or self.is_of_logging(principal)

    def reads_own(self, principal: Principal) -> bool:
        """Return whether a principal is intended to read the log files of one member."""
        return self.reads(principal) or self._is_member_reader(principal)

    def decrypts(self, principal: Principal) -> bool:
        """Return whether a principal is intended to decrypt log files."""
        return self.reads_own(principal) or self.is_cloudtrail(principal)

    def _is_member_reader(self, principal: Principal) -> bool:
        return bool(self.intent.member_reader) and principal.id == "member-reader"

    def is_cloudtrail(self, principal: Principal) -> bool:
        """Return whether a principal is CloudTrail, acting for this trail."""
        return (
            principal.caller.kind is Kind.SERVICE
            and principal.context.get("aws:SourceArn") == self.trail.arn
        )

    def is_member(self, principal: Principal) -> bool:
        """Return whether a principal is in an account that can leave the organization."""
        return (
            principal.caller.organization == self.model.organization
            and principal.caller.account != self.model.management
        )


def nobody(_: Principal) -> bool:
    """Return False: the attack is intended for nobody."""
    return False


def each_action(
    table: Mapping[str, str],
    service: str,
    arn: str,
    account: str,
    intended_for: PrincipalTest,
    policy: Policy | None = None,
    *,
    suffix: str = "",
) -> Iterator[Attack]:
    """Yield a one-step attack for each action of a table, all on the same resource."""
    for title, action in table.items():
        steps = ((f"{service}:{action}", arn),)
        yield Attack(f"{title}{suffix}", steps, account, intended_for, policy)


def is_made_for(context: Context, who: Principal, action: str) -> bool:
    """Return whether a principal is a role of the stack with a policy that allows an action."""
    is_made = not who.is_administrator and who.caller.account == context.model.logging
    return is_made and allow_action(who.policies, action)


def allow_action(policies: tuple[Policy, ...], action: str) -> bool:
    """Return whether a statement of some policies allows an action on anything."""
    return any(
        each.allows and each.is_about(action) for policy in policies for each in policy.statements
    )
