"""A request as IAM sees it: who asks, for what, of which account, in which context."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property

from orgtrail.proof.iam.undecided import Undecided

Context = Mapping[str, "str | tuple[str, ...]"]

_OF_ENDPOINTS = frozenset({"aws:sourcevpc", "aws:sourcevpce", "aws:vpcsourceip"})
"""Keys that only a request through a VPC endpoint has; a service that delivers uses none."""
_SETTLED = frozenset({
    "aws:principalarn", "aws:principalaccount", "aws:principalorgid", "aws:principaltype",
    "aws:principalisawsservice", "aws:principalservicename", "aws:principalservicenameslist",
    "aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid", "aws:securetransport",
    "aws:multifactorauthpresent", "aws:multifactorauthage", "aws:resourceaccount",
    "aws:calledvia", "aws:calledviafirst", "aws:calledvialast", "aws:viaawsservice",
    "aws:requestedregion", "kms:calleraccount", "kms:viaservice", "kms:resourcealiases",
    "kms:requestalias", "kms:grantisforawsresource", "s3:x-amz-acl",
    "s3:x-amz-server-side-encryption", "s3:x-amz-server-side-encryption-aws-kms-key-id",
    "s3:prefix", "s3:delimiter", "s3:versionid", "sns:protocol", "sns:endpoint",
    "sts:externalid", "sts:rolesessionname", "iam:passedtoservice",
})  # fmt: skip
"""Keys that a request here either has or truly lacks.

Any other, such as an address, a tag or a time, is a fact about a caller who is not known yet:
a condition on it cannot be decided unless the request says it."""
_SETTLED_FAMILIES = ("kms:encryptioncontext:",)


class Kind(Enum):
    """What kind of caller asks."""

    ROLE = "AssumedRole"
    USER = "User"
    ROOT = "Account"
    SERVICE = "Service"
    ANONYMOUS = "Anonymous"


@dataclass(frozen=True)
class Caller:
    """Who asks.

    Args:
        kind: a session of a role, a user, the root user, an AWS service, or nobody known.
        arn: the ARN of the role (not of its session), user or root user; a service's name.
        account: the caller's account; empty for a service and for nobody.
        organization: the organization of that account; empty for none.
        session: the name of a role's session.

    """

    kind: Kind
    arn: str = ""
    account: str = ""
    organization: str = ""
    session: str = "session"

    @property
    def is_service_linked(self) -> bool:
        """Tell whether it is a service-linked role, which neither SCP nor RCP binds."""
        return self.kind is Kind.ROLE and ":role/aws-service-role/" in self.arn

    @cached_property
    def session_arn(self) -> str:
        """The ARN of a role's session; its path is left out there."""
        partition, name = self.arn.split(":")[1], self.arn.rsplit("/", 1)[-1]
        return f"arn:{partition}:sts::{self.account}:assumed-role/{name}/{self.session}"

    @cached_property
    def root(self) -> str:
        """The ARN that stands for the caller's whole account."""
        return f"arn:{self.arn.split(':')[1]}:iam::{self.account}:root"

    def facts(self) -> Iterator[tuple[str, str | tuple[str, ...]]]:
        """Yield the condition keys that follow from who asks.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
        """
        if self.kind is Kind.SERVICE:
            yield "aws:PrincipalIsAWSService", "true"
            yield "aws:PrincipalServiceName", self.arn
            yield "aws:PrincipalServiceNamesList", (self.arn,)
            return
        yield "aws:PrincipalType", self.kind.value
        yield "aws:PrincipalIsAWSService", "false"
        if self.kind is Kind.ANONYMOUS:
            yield "aws:PrincipalAccount", "anonymous"
            return
        yield "aws:PrincipalArn", self.arn
        yield "aws:PrincipalAccount", self.account
        yield "kms:CallerAccount", self.account
        if self.organization:
            yield "aws:PrincipalOrgID", self.organization


@dataclass(frozen=True)
class Request:
    """One call of an AWS API.

    Args:
        caller: who asks.
        action: the action, such as `s3:GetObject`.
        resource: the ARN of what is asked for; `*` where the action has no resource.
        account: the account that the resource belongs to.
        context: further condition keys; several values are a tuple.

    """

    caller: Caller
    action: str
    resource: str
    account: str
    context: Context = field(default_factory=dict)

    @cached_property
    def keys(self) -> dict[str, tuple[str, ...]]:
        """Every condition key of the request in lower case, with its values."""
        keys = {**dict(self.caller.facts()), "aws:ResourceAccount": self.account, **self.context}
        return {
            name.lower(): (given,) if isinstance(given, str) else given
            for name, given in keys.items()
        }

    @cached_property
    def several(self) -> frozenset[str]:
        """The keys that have a list of values, in lower case."""
        given = {**dict(self.caller.facts()), **self.context}
        return frozenset(name.lower() for name, each in given.items() if not isinstance(each, str))

    def value(self, key: str) -> tuple[str, ...] | None:
        """Return the values of a condition key, or None where the request has no such key.

        Raises:
            Undecided: whether it has the key depends on a caller who is not known yet.

        """
        name = key.lower()
        if name in self.keys:
            return self.keys[name]
        if self.caller.kind is Kind.SERVICE and name in _OF_ENDPOINTS:
            return None
        if name in _SETTLED or name.startswith(_SETTLED_FAMILIES):
            return None
        raise Undecided(f"nothing is known of the condition key {key}")
