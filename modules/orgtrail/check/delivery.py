"""A delivery: a request that has to be allowed, or something does not arrive."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from orgtrail.check.asking import Asker, key_arn
from orgtrail.check.findings import Finding, Severity, listed
from orgtrail.check.model import KmsKey, Model
from orgtrail.iam.evaluator import Decision
from orgtrail.iam.policy import Policy
from orgtrail.iam.request import Caller, Kind, RequestContext
from orgtrail.regions import partition_of

RULE = "delivery"


@dataclass(frozen=True)
class Delivery:
    """One request that something depends on.

    Args:
        address: the address of the resource that depends on it.
        setting: the section of an environment file that makes the resource.
        who: who asks, in words.
        lost: what does not arrive without it, as a clause.
        caller: how AWS sees who asks.
        action: the action.
        resource: the ARN of the resource, or `*`.
        identity: the policies of who asks; empty for a service.
        context: condition keys of the request.
        severity: the severity of the finding if it is refused.
        by_policy_alone: whether the organization's policies are left out.

    """

    address: str
    setting: str
    who: str
    lost: str
    caller: Caller
    action: str
    resource: str
    identity: tuple[Policy, ...] = ()
    context: RequestContext = field(default_factory=dict)
    severity: Severity = Severity.HIGH
    by_policy_alone: bool = False


Decided = tuple[Delivery, Decision]
"""A delivery, and what AWS decides about it."""


@dataclass(frozen=True)
class Sender:
    """Who asks on behalf of whom: it writes several deliveries of one flow."""

    model: Model
    address: str
    setting: str
    who: str
    lost: str
    caller: Caller
    identity: tuple[Policy, ...] = ()
    context: RequestContext = field(default_factory=dict)
    severity: Severity = Severity.HIGH
    by_policy_alone: bool = False

    def asks(
        self, resource: str, *actions: str, context: RequestContext | None = None
    ) -> Iterator[Delivery]:
        """Yield a delivery for each action on a resource."""
        for action in actions:
            yield Delivery(
                self.address,
                self.setting,
                self.who,
                self.lost,
                self.caller,
                action,
                resource,
                self.identity,
                {**self.context, **(context or {})},
                self.severity,
                self.by_policy_alone,
            )

    def uses_key(
        self, address: str, *actions: str, context: RequestContext | None = None
    ) -> Iterator[Delivery]:
        """Yield a delivery for each action on a key of the model; none for any other key."""
        key = key_at(self.model, address)
        if key:
            yield from self.asks(key_arn(self.model, key), *actions, context=context)


def service(model: Model, name: str, source: str, account: str) -> tuple[Caller, RequestContext]:
    """Return a service as caller, and the condition keys of what it acts for."""
    keys = {
        "aws:SourceArn": source,
        "aws:SourceAccount": account,
        "aws:SourceOrgID": model.organization,
    }
    return Caller(Kind.SERVICE, name), keys


def through(service_name: str, region: str) -> dict[str, str]:
    """Return the condition key of a call to KMS that a service makes for its caller."""
    return {"kms:ViaService": f"{service_name}.{region}.{partition_of(region).suffix}"}


def key_at(model: Model, address: str) -> KmsKey | None:
    """Return the key at an address; None if it is not of the model."""
    return next((each for each in model.keys if address and each.address == address), None)


def delivery_findings(decided: Iterable[Decided], *, by_setting: bool) -> Iterator[Finding]:
    """Yield a finding for each flow of which a request is refused, with what does not arrive."""
    groups: dict[tuple[str, str, str, str], list[Decided]] = {}
    for each, decision in decided:
        if not decision.is_allowed:
            reason = "" if decision.is_undecided else decision.statement
            group = (each.address, each.who, each.lost, reason)
            if decision.is_undecided:
                group = ("", "", "", decision.statement)
            groups.setdefault(group, []).append((each, decision))
    for asked in groups.values():
        first, decision = asked[0]
        undecided = decision.is_undecided
        named = list(dict.fromkeys(f"{one.action} on {one.resource}" for one, _ in asked))
        verb = "may not be able to use" if undecided else "cannot use"
        yield Finding(
            Severity.UNPROVEN if undecided else first.severity,
            RULE,
            first.setting if by_setting else first.address,
            f"{first.who} {verb} {listed(named)} ({decision.statement}): {first.lost}.",
        )


def decide(asker: Asker, delivery: Delivery) -> Decision:
    """Decide the request of a delivery."""
    return asker.ask(
        delivery.caller,
        delivery.identity,
        delivery.action,
        delivery.resource,
        delivery.context,
        with_controls=not delivery.by_policy_alone,
    )
