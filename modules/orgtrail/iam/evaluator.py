"""The evaluator: how AWS decides a request under all policies that apply to it.

It follows the order of the IAM guide: an explicit deny in any policy wins; then every policy that
sets a limit has to allow the request; then an identity or a resource policy has to grant it.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum

from orgtrail.iam.patterns import Undecided
from orgtrail.iam.policy import Policy, PrincipalMatch, Statement
from orgtrail.iam.request import WITHOUT_ACCOUNT, Kind, Request


class Verdict(StrEnum):
    """The outcome of a request."""

    ALLOW = "allow"
    EXPLICIT_DENY = "explicit deny"
    IMPLICIT_DENY = "implicit deny"
    UNDECIDED = "cannot decide"


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict, with the statement that decided, or the reason if no statement did.

    `doubt` names what could not be decided but makes no difference: the request is allowed, or
    denied, either way. If an explicit deny is in doubt, the verdict is an implicit deny.
    """

    verdict: Verdict
    statement: str
    doubt: str = field(default="", compare=False)

    @property
    def is_allowed(self) -> bool:
        """Whether the request is allowed."""
        return self.verdict is Verdict.ALLOW

    @property
    def is_denied(self) -> bool:
        """Whether the request is denied, explicitly or implicitly."""
        return self.verdict in (Verdict.EXPLICIT_DENY, Verdict.IMPLICIT_DENY)

    @property
    def is_undecided(self) -> bool:
        """Whether the policies do not decide the request."""
        return self.verdict is Verdict.UNDECIDED


@dataclass(frozen=True, slots=True)
class ControlPolicies:
    """The organization's policies that apply to a request.

    Each kind is a tuple of levels, from the root down to the account. Every level has to allow the
    request; AWS attaches a policy that allows everything to each of them.

    Args:
        organization: the organization's id.
        management: the id of its management account, to which SCPs and RCPs do not apply.
        service: the service control policies (SCPs) above the caller's account.
        resource: the resource control policies (RCPs) above the resource's account.

    """

    organization: str = ""
    management: str = ""
    service: tuple[tuple[Policy, ...], ...] = ()
    resource: tuple[tuple[Policy, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Policies:
    """All policies that apply to a request.

    Args:
        identity: the policies attached to the caller.
        resource: the policy attached to the resource: a bucket's, a key's, a role's trust policy.
        boundary: the caller's permissions boundary; None if it has none.
        controls: the organization's policies.

    """

    identity: tuple[Policy, ...] = ()
    resource: Policy | None = None
    boundary: tuple[Policy, ...] | None = None
    controls: ControlPolicies = ControlPolicies()

    @property
    def every(self) -> Iterator[Policy]:
        """Each policy, whatever it is attached to."""
        yield from self.identity
        if self.resource:
            yield self.resource
        yield from self.boundary or ()
        for level in (*self.controls.service, *self.controls.resource):
            yield from level


_RESOURCE_CONTROLLED = {"s3", "sts", "kms", "sqs", "secretsmanager"}
"""Services to which RCPs have applied from the start.
https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html"""
_ALWAYS_ALLOWED_TO_ROOT = {"s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy"}
"""Actions that a bucket policy cannot deny to the root user of the bucket's account.
https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html"""


def evaluate(request: Request, policies: Policies) -> Decision:
    """Decide a request.

    If statements cannot be decided, the request is evaluated twice: with all of them in favour of
    it, and with all of them against it. It is decided if both evaluations agree.

    Returns:
        the verdict and the statement that decided; for `cannot decide`, the reason.

    """
    doubts: list[str] = []
    best = _Evaluation(request, policies, doubts, in_favour=True).decide()
    if not doubts:
        return best
    worst = _Evaluation(request, policies, doubts, in_favour=False).decide()
    if best.is_allowed != worst.is_allowed:
        return Decision(Verdict.UNDECIDED, doubts[0])
    # The evaluation that does not depend on an undecided statement.
    return replace(worst if best.is_allowed else best, doubt=doubts[0])


@dataclass(frozen=True, slots=True)
class _Evaluation:
    """One pass over all policies; undecided statements count for or against the request."""

    request: Request
    policies: Policies
    doubts: list[str]
    in_favour: bool

    def decide(self) -> Decision:
        for statement, _ in self._matching(self._all(), allows=False):
            return Decision(Verdict.EXPLICIT_DENY, statement.label)
        for kind, levels in (("SCP", self._service_levels()), ("RCP", self._resource_levels())):
            for level in levels:
                if level and not any(self._matching(level, allows=True)):
                    return _implicit(f"no {kind} allows it: {level[0].name}")
        granted = self._granted()
        if granted.is_allowed and not self._within_boundary():
            return _implicit("the permission boundary does not allow it")
        return granted

    def _granted(self) -> Decision:
        """Decide by identity and resource policies alone."""
        request, caller = self.request, self.request.caller
        resource = [self.policies.resource] if self.policies.resource else []
        grants = sorted(
            self._matching(resource, allows=True), key=lambda each: each[1], reverse=True
        )
        by_name = next((each.label for each, named in grants if named > PrincipalMatch.ACCOUNT), "")
        by_account = next(
            (each.label for each, named in grants if named is PrincipalMatch.ACCOUNT), ""
        )
        if caller.kind in WITHOUT_ACCOUNT:
            return _allow(by_name) if by_name else self._nothing_grants()
        by_identity = self._identity()
        if caller.account != request.account:
            granted = by_name or by_account
            if granted and by_identity:
                return _allow(granted)
            if granted:
                return _implicit("no policy of who asks allows it")
            return self._nothing_grants()
        if by_name:
            return _allow(by_name)
        if not by_identity:
            return _implicit("no policy of who asks allows it")
        if self._needs_resource_policy():
            return _allow(by_account) if by_account else self._nothing_grants()
        return Decision(Verdict.ALLOW, by_identity)

    def _needs_resource_policy(self) -> bool:
        """Return whether identity policies count only if the resource's policy delegates to IAM."""
        resource, action = self.request.resource, self.request.action
        if action.startswith("sts:AssumeRole"):
            return True
        return action.startswith("kms:") and ":key/" in resource

    def _identity(self) -> str | None:
        """Return which of the caller's own statements allows the request; None if none does."""
        if self.request.caller.kind is Kind.ROOT:
            return "the root user may do what no policy denies"
        for statement, _ in self._matching(self.policies.identity, allows=True):
            return statement.label
        return None

    def _within_boundary(self) -> bool:
        caller, boundary = self.request.caller, self.policies.boundary
        if boundary is None or caller.kind not in (Kind.ROLE, Kind.USER):
            return True
        if any(self._matching(boundary, allows=True)):
            return True
        if caller.account != self.request.account or not self.policies.resource:
            return False
        # A boundary does not limit what a resource policy grants to this very user or session.
        # The guide does not say whether `*` counts as such a grant.
        named = [each for _, each in self._matching([self.policies.resource], allows=True)]
        if PrincipalMatch.ANYONE in named and PrincipalMatch.EXACT not in named:
            self.doubts.append("a boundary beside a resource policy for everybody")
            return self.in_favour
        return PrincipalMatch.EXACT in named

    def _nothing_grants(self) -> Decision:
        policy = self.policies.resource
        if policy:
            return _implicit(f"no statement of {policy.name} allows it")
        return _implicit("nothing grants it to another account")

    def _all(self) -> Iterator[Policy]:
        for levels in (self._service_levels(), self._resource_levels()):
            for level in levels:
                yield from level
        caller, request = self.request.caller, self.request
        yield from self.policies.identity
        yield from self.policies.boundary or ()
        of_root = caller.kind is Kind.ROOT and caller.account == request.account
        if self.policies.resource and not (of_root and request.action in _ALWAYS_ALLOWED_TO_ROOT):
            yield self.policies.resource

    def _service_levels(self) -> tuple[tuple[Policy, ...], ...]:
        """Return the SCPs; they apply to all accounts of the organization except management."""
        caller, controls = self.request.caller, self.policies.controls
        bound = (
            caller.kind in (Kind.ROLE, Kind.USER, Kind.ROOT)
            and caller.organization == controls.organization
            and caller.account != controls.management
            and not caller.is_service_linked
        )
        return controls.service if bound else ()

    def _resource_levels(self) -> tuple[tuple[Policy, ...], ...]:
        """Return the RCPs; they apply to all callers, but not to resources of management."""
        request, controls = self.request, self.policies.controls
        bound = (
            request.account != controls.management
            and request.action.partition(":")[0] in _RESOURCE_CONTROLLED
            and not request.caller.is_service_linked
        )
        return controls.resource if bound else ()

    def _matching(
        self, policies: Iterable[Policy], *, allows: bool
    ) -> Iterator[tuple[Statement, PrincipalMatch]]:
        """Yield the statements with the given effect that apply to the request."""
        for policy in policies:
            for statement in policy.about(self.request.action):
                if statement.allows is not allows:
                    continue
                named = self._match(statement)
                if named is not PrincipalMatch.NONE:
                    yield statement, named

    def _named(self, statement: Statement) -> PrincipalMatch:
        """Return how a statement names the caller.

        A deny with NotPrincipal applies to everyone with a permissions boundary, named or not.
        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
        """
        caller = self.request.caller
        bounded = self.policies.boundary is not None and caller.kind in (Kind.ROLE, Kind.USER)
        if bounded and statement.all_principals_but and not statement.allows:
            return PrincipalMatch.EXACT
        return statement.names(caller)

    def _match(self, statement: Statement) -> PrincipalMatch:
        """Return how a statement names the caller, or NONE if it does not apply to the request."""
        request = self.request
        doubt, named = "", PrincipalMatch.EXACT
        try:
            if not statement.covers(request):
                return PrincipalMatch.NONE
        except Undecided as reason:
            doubt = str(reason)
        try:
            named = self._named(statement)
            if named is PrincipalMatch.NONE:
                return named
        except Undecided as reason:
            doubt = str(reason)
        try:
            if not statement.meets_conditions(request):
                return PrincipalMatch.NONE
        except Undecided as reason:
            doubt = str(reason)
        if not doubt:
            return named
        self.doubts.append(f"{statement.label}: {doubt}")
        return named if statement.allows is self.in_favour else PrincipalMatch.NONE


def _allow(statement: str) -> Decision:
    return Decision(Verdict.ALLOW, statement)


def _implicit(reason: str) -> Decision:
    return Decision(Verdict.IMPLICIT_DENY, reason)
