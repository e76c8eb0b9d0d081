"""Asks the evaluator about a model: finds every policy that takes part in a request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property

from orgtrail.check.choosing import decide_at_worst
from orgtrail.check.model import IamRole, KmsKey, Model
from orgtrail.iam.evaluator import ControlPolicies, Decision, Policies, evaluate
from orgtrail.iam.policy import Policy, doubtful, parse
from orgtrail.iam.request import Caller, Request, RequestContext

Levels = Callable[[str, str], ControlPolicies]
"""Returns the organization's policies that apply, by the accounts of caller and resource."""
FULL_ACCESS = parse(
    "FullAWSAccess",
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]},
)
"""The policy that AWS attaches at every level."""
ALWAYS = {"aws:SecureTransport": "true", "aws:ViaAWSService": "false"}
"""What every request states, unless it is asked otherwise."""


@dataclass(frozen=True)
class Target:
    """What a request is about: the policy of the resource, its account, and its condition keys."""

    policy: Policy | None
    account: str
    context: RequestContext


@dataclass(frozen=True)
class Asker:
    """Decides requests under all policies of a model."""

    model: Model

    def ask(
        self,
        caller: Caller,
        identity: tuple[Policy, ...],
        action: str,
        resource: str,
        context: RequestContext | None = None,
        account: str = "",
        *,
        with_controls: bool = True,
        at_worst: bool = False,
    ) -> Decision:
        """Decide a request.

        Args:
            caller: who asks.
            identity: the policies of the caller itself.
            action: the action, such as `s3:GetObject`.
            resource: the ARN of the resource, or `*`.
            context: condition keys beyond those of the caller and the resource.
            account: the account of a resource that is not of the model; default: the account in
                the ARN, or else the caller's.
            with_controls: whether the organization's policies take part.
            at_worst: whether the caller chooses what it can (MFA, a header) so that no deny that
                hangs on it applies.

        """
        target = self.target(resource)
        owner = target.account if target else ""
        owner = owner or account or _account_of(resource) or caller.account
        request = Request(
            caller,
            action,
            resource,
            owner,
            {**ALWAYS, **(target.context if target else {}), **(context or {})},
        )
        policies = Policies(
            identity,
            target.policy if target else None,
            controls=self.controls(caller.account, owner) if with_controls else ControlPolicies(),
        )
        if at_worst:
            return decide_at_worst(request, policies, context or {})
        return evaluate(request, policies)

    def target(self, arn: str) -> Target | None:
        """Return what an ARN names in the model; None if it is not of the model."""
        if ":s3:::" in arn:
            arn = arn.partition("/")[0]
        return self._targets.get(arn)

    def role(self, arn: str) -> IamRole | None:
        """Return the role of the stack with an ARN."""
        return self._roles.get(arn)

    @cached_property
    def _roles(self) -> dict[str, IamRole]:
        return {each.arn: each for each in self.model.roles}

    @cached_property
    def _targets(self) -> dict[str, Target]:
        model = self.model
        found = {
            f"arn:{model.partition}:s3:::{each.name}": Target(each.policy, each.account, {})
            for each in model.buckets
        }
        for key in model.keys:
            context = {"kms:ResourceAliases": (key.alias,)} if key.alias else {}
            found[key_arn(model, key)] = Target(key.policy, key.account, context)
        for each in model.receivers:
            found[each.arn] = Target(each.policy, each.account, {})
        for role in model.roles:
            found[role.arn] = Target(role.trust, role.account, {})
        return found

    @cached_property
    def controls(self) -> Levels:
        """The organization's policies that apply, by the accounts of caller and resource."""
        return _levels(self.model)


def key_arn(model: Model, key: KmsKey) -> str:
    """Return the ARN of a key; one made of its address if it is known only after the deploy."""
    return key.arn or f"arn:{model.partition}:kms:{key.region}:{key.account}:key/{key.address}"


def _account_of(arn: str) -> str:
    parts = arn.split(":", 5)
    return parts[4] if len(parts) == 6 else ""


def _levels(model: Model) -> Levels:
    """Return a cached function that collects the organization's policies for two accounts."""

    @cache
    def above(kind: str, account: str) -> tuple[tuple[Policy, ...], ...]:
        policies: list[Policy] = []
        for control in model.control_policies:
            binds = control.kind == kind and model.binds(control, account)
            if binds is None:
                under = ", ".join(control.targets)
                reason = f"whether account {account} is under {under} is not known here"
                policies.append(doubtful(control.policy, reason))
            elif binds:
                policies.append(control.policy)
        return ((FULL_ACCESS, *policies),) if policies else ()

    @cache
    def levels(caller: str, owner: str) -> ControlPolicies:
        organization, management = model.organization, model.management
        return ControlPolicies(organization, management, above("SCP", caller), above("RCP", owner))

    return levels
