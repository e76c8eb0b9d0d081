"""A request as IAM sees it: the caller, the action, the resource, its account and the context."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property

from orgtrail.iam.patterns import Undecided

RequestContext = Mapping[str, "str | tuple[str, ...]"]
_VPC_ENDPOINT_KEYS = frozenset({"aws:sourcevpc", "aws:sourcevpce", "aws:vpcsourceip"})
"""Keys that only requests through a VPC endpoint have; AWS services do not deliver through one."""
_KNOWN_KEYS = frozenset({
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
"""Keys that are modelled: if a request here lacks one of them, so does the real request.

Any other key, such as an address, a tag or a time, depends on a caller who is not known yet. A
condition on it cannot be decided unless the request states it."""
_KNOWN_KEY_PREFIXES = ("kms:encryptioncontext:",)


class Kind(Enum):
    """The kind of caller; the values are those of `aws:PrincipalType`, where AWS has one."""

    ROLE = "AssumedRole"
    USER = "User"
    ROOT = "Account"
    SERVICE = "Service"
    FEDERATED = "FederatedUser"
    ANONYMOUS = "Anonymous"


WITHOUT_ACCOUNT = (Kind.SERVICE, Kind.ANONYMOUS, Kind.FEDERATED)
"""Callers that no identity policy of an account allows anything."""


@dataclass(frozen=True)
class Caller:
    """The principal that makes a request.

    Args:
        kind: a role session, a user, the root user, an AWS service, an anonymous caller, or one
            whom an identity provider signs in.
        arn: the ARN of the role (not of its session), user or root user; a service's name; the
            ARN of an identity provider.
        account: the caller's account; empty for those that have none.
        organization: the organization of that account; empty if it is in none.
        session: the name of a role's session.

    """

    kind: Kind
    arn: str = ""
    account: str = ""
    organization: str = ""
    session: str = "session"

    @property
    def is_service_linked(self) -> bool:
        """Whether it is a service-linked role, to which SCPs and RCPs do not apply."""
        return self.kind is Kind.ROLE and ":role/aws-service-role/" in self.arn

    @cached_property
    def session_arn(self) -> str:
        """The ARN of a role's session, which does not contain the role's path."""
        partition, name = self.arn.split(":")[1], self.arn.rsplit("/", 1)[-1]
        return f"arn:{partition}:sts::{self.account}:assumed-role/{name}/{self.session}"

    @cached_property
    def root(self) -> str:
        """The ARN that names the caller's whole account in a policy."""
        return f"arn:{self.arn.split(':')[1]}:iam::{self.account}:root"

    def context_keys(self) -> Iterator[tuple[str, str | tuple[str, ...]]]:
        """Yield the condition keys that follow from the caller.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
        """
        if self.kind is Kind.SERVICE:
            yield "aws:PrincipalIsAWSService", "true"
            yield "aws:PrincipalServiceName", self.arn
            yield "aws:PrincipalServiceNamesList", (self.arn,)
            return
        if self.kind is Kind.FEDERATED:
            yield "aws:FederatedProvider", self.arn
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
        caller: the principal that makes it.
        action: the action, such as `s3:GetObject`.
        resource: the ARN of the resource; `*` if the action has no resource.
        account: the id of the account that owns the resource.
        context: further condition keys; a key with several values has a tuple.

    """

    caller: Caller
    action: str
    resource: str
    account: str
    context: RequestContext = field(default_factory=dict)

    @cached_property
    def keys(self) -> dict[str, tuple[str, ...]]:
        """Every condition key of the request in lower case, with its values."""
        keys = {
            **dict(self.caller.context_keys()),
            "aws:ResourceAccount": self.account,
            **self.context,
        }
        return {
            name.lower(): (given,) if isinstance(given, str) else given
            for name, given in keys.items()
        }

    @cached_property
    def several(self) -> frozenset[str]:
        """The multivalued keys, in lower case."""
        given = {**dict(self.caller.context_keys()), **self.context}
        return frozenset(name.lower() for name, each in given.items() if not isinstance(each, str))

    def value(self, key: str) -> tuple[str, ...] | None:
        """Return the values of a condition key, or None if the request does not have the key.

        Raises:
            Undecided: the key depends on a caller who is not known yet.

        """
        name = key.lower()
        if name in self.keys:
            return self.keys[name]
        if self.caller.kind is Kind.SERVICE and name in _VPC_ENDPOINT_KEYS:
            return None
        if name in _KNOWN_KEYS or name.startswith(_KNOWN_KEY_PREFIXES):
            return None
        raise Undecided(f"nothing is known of the condition key {key}")
