"""The evaluator: what AWS answers to a request under all policies that bear on it.

It follows the guide's own order: an explicit deny anywhere wins; then every layer that limits
has to allow; then identity or resource policy has to grant.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum

from orgtrail.proof.iam.policy import Named, Policy, Statement
from orgtrail.proof.iam.request import Kind, Request
from orgtrail.proof.iam.undecided import Undecided


class Verdict(StrEnum):
    """What becomes of a request."""

    ALLOW = "allow"
    EXPLICIT_DENY = "explicit deny"
    IMPLICIT_DENY = "implicit deny"
    UNDECIDED = "cannot decide"


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict and the statement that decided, or the reason where none did.

    `doubt` is what could not be decided and did not matter: the request is denied or allowed
    either way. A denial is then called implicit where the explicit one is in doubt.
    """

    verdict: Verdict
    statement: str
    doubt: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Controls:
    """The organization's own policies, as they bear on a request.

    Each is a tuple of levels from the root down to the account; every level has to allow, and
    AWS puts a policy that allows everything there by itself.

    Args:
        organization: the organization's id.
        management: the id of its management account, which neither SCP nor RCP binds.
        service: the service control policies above the caller's account.
        resource: the resource control policies above the resource's account.

    """

    organization: str = ""
    management: str = ""
    service: tuple[tuple[Policy, ...], ...] = ()
    resource: tuple[tuple[Policy, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Policies:
    """All policies that bear on a request.

    Args:
        identity: the policies attached to who asks.
        resource: the policy attached to what is asked for: of a bucket, a key, a role's trust.
        boundary: the permission boundary of who asks; None for none.
        controls: the organization's policies.

    """

    identity: tuple[Policy, ...] = ()
    resource: Policy | None = None
    boundary: tuple[Policy, ...] | None = None
    controls: Controls = Controls()


_RESOURCE_CONTROLLED = {"s3", "sts", "kms", "sqs", "secretsmanager"}
"""Services that RCPs have reached since they exist.
https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html"""
_ALWAYS_OF_ROOT = {"s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy"}
"""What a bucket's policy cannot deny the root user of the bucket's account.
https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html"""


def evaluate(request: Request, policies: Policies) -> Decision:
    """Decide a request.

    Where statements cannot be decided, the request is decided twice: as if they spoke for it,
    and as if they spoke against it. Only where both give the same, that is the answer.

    Returns:
        the verdict with the statement that decided; `cannot decide` with the reason.

    """
    doubts: list[str] = []
    best = _Trial(request, policies, doubts, in_favour=True).decide()
    if not doubts:
        return best
    worst = _Trial(request, policies, doubts, in_favour=False).decide()
    if (best.verdict is Verdict.ALLOW) != (worst.verdict is Verdict.ALLOW):
        return Decision(Verdict.UNDECIDED, doubts[0])
    # The one that did not rest on a doubtful statement.
    return replace(worst if best.verdict is Verdict.ALLOW else best, doubt=doubts[0])


@dataclass(frozen=True, slots=True)
class _Trial:
    """One pass over all policies; doubtful statements speak for or against the request."""

    request: Request
    policies: Policies
    doubts: list[str]
    in_favour: bool

    def decide(self) -> Decision:
        for statement, _ in self._speaking(self._all(), allows=False):
            return Decision(Verdict.EXPLICIT_DENY, statement.label)
        for kind, levels in (("SCP", self._service_levels()), ("RCP", self._resource_levels())):
            for level in levels:
                if level and not any(self._speaking(level, allows=True)):
                    return _implicit(f"no {kind} allows it: {level[0].name}")
        granted = self._granted()
        if granted.verdict is Verdict.ALLOW and not self._within_boundary():
            return _implicit("the permission boundary does not allow it")
        return granted

    def _granted(self) -> Decision:
        """Decide by identity and resource policy alone."""
        request, caller = self.request, self.request.caller
        resource = [self.policies.resource] if self.policies.resource else []
        grants = sorted(
            self._speaking(resource, allows=True), key=lambda each: each[1], reverse=True
        )
        by_name = next((each.label for each, named in grants if named > Named.ACCOUNT), "")
        by_account = next((each.label for each, named in grants if named is Named.ACCOUNT), "")
        if caller.kind in (Kind.SERVICE, Kind.ANONYMOUS):
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
        if self._asks_the_resource():
            return _allow(by_account) if by_account else self._nothing_grants()
        return Decision(Verdict.ALLOW, by_identity)

    def _asks_the_resource(self) -> bool:
        """Tell whether IAM of the account counts only where the resource's policy says so."""
        resource, action = self.request.resource, self.request.action
        if action.startswith("sts:AssumeRole"):
            return True
        return action.startswith("kms:") and ":key/" in resource

    def _identity(self) -> str | None:
        """Return what of the caller's own policies allows the request."""
        if self.request.caller.kind is Kind.ROOT:
            return "the root user may do what no policy denies"
        for statement, _ in self._speaking(self.policies.identity, allows=True):
            return statement.label
        return None

    def _within_boundary(self) -> bool:
        caller, boundary = self.request.caller, self.policies.boundary
        if boundary is None or caller.kind not in (Kind.ROLE, Kind.USER):
            return True
        if any(self._speaking(boundary, allows=True)):
            return True
        if caller.account != self.request.account or not self.policies.resource:
            return False
        # A boundary does not limit what a resource's policy grants to exactly this user or
        # session; whether `*` counts as that, the guide does not say.
        named = [each for _, each in self._speaking([self.policies.resource], allows=True)]
        if Named.ANYBODY in named and Named.EXACTLY not in named:
            self.doubts.append("a boundary beside a resource policy for everybody")
            return self.in_favour
        return Named.EXACTLY in named

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
        if self.policies.resource and not (of_root and request.action in _ALWAYS_OF_ROOT):
            yield self.policies.resource

    def _service_levels(self) -> tuple[tuple[Policy, ...], ...]:
        """Return the SCPs: they bind the accounts of the organization but the management one."""
        caller, controls = self.request.caller, self.policies.controls
        bound = (
            caller.kind in (Kind.ROLE, Kind.USER, Kind.ROOT)
            and caller.organization == controls.organization
            and caller.account != controls.management
            and not caller.is_service_linked
        )
        return controls.service if bound else ()

    def _resource_levels(self) -> tuple[tuple[Policy, ...], ...]:
        """Return the RCPs: they bind whoever asks, but not what the management account owns."""
        request, controls = self.request, self.policies.controls
        bound = (
            request.account != controls.management
            and request.action.partition(":")[0] in _RESOURCE_CONTROLLED
            and not request.caller.is_service_linked
        )
        return controls.resource if bound else ()

    def _speaking(
        self, policies: Iterable[Policy], *, allows: bool
    ) -> Iterator[tuple[Statement, Named]]:
        """Yield the statements of an effect that are about the request."""
        for policy in policies:
            for statement in policy.statements:
                if statement.allows is not allows or not statement.is_about(self.request.action):
                    continue
                named = self._about(statement)
                if named is not Named.NOT:
                    yield statement, named

    def _named(self, statement: Statement) -> Named:
        """Tell how a statement names the caller.

        A deny with NotPrincipal binds everyone who has a permission boundary, named or not.
        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html
        """
        caller = self.request.caller
        bounded = self.policies.boundary is not None and caller.kind in (Kind.ROLE, Kind.USER)
        if bounded and statement.all_principals_but and not statement.allows:
            return Named.EXACTLY
        return statement.names(caller)

    def _about(self, statement: Statement) -> Named:
        """Tell how a statement names the caller, if it is about the request at all."""
        request = self.request
        doubt, named = "", Named.EXACTLY
        try:
            if not statement.covers(request):
                return Named.NOT
        except Undecided as reason:
            doubt = str(reason)
        try:
            named = self._named(statement)
            if named is Named.NOT:
                return named
        except Undecided as reason:
            doubt = str(reason)
        try:
            if not statement.meets_conditions(request):
                return Named.NOT
        except Undecided as reason:
            doubt = str(reason)
        if not doubt:
            return named
        self.doubts.append(f"{statement.label}: {doubt}")
        return named if statement.allows is self.in_favour else Named.NOT


def _allow(statement: str) -> Decision:
    return Decision(Verdict.ALLOW, statement)


def _implicit(reason: str) -> Decision:
    return Decision(Verdict.IMPLICIT_DENY, reason)
