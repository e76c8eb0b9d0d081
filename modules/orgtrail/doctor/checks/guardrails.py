"""Checks of the organization's policies: there, as the file says, attached to every target."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from orgtrail.doctor.comparing import difference
from orgtrail.doctor.outcome import DEPLOY, MAKE, Fault, Subject
from orgtrail.doctor.register import Live, check


def policies(live: Live) -> Iterator[Subject]:
    """Yield the service control policy and the resource control policy that the file asks for."""
    for each in live.stack.of("aws_organizations_policy"):
        yield Subject("management", each.text("name"), resource=each)


def _ours(live: Live) -> Iterator[Subject]:
    for each in policies(live):
        if each.resource and each.resource.is_managed:
            yield each


def _found(live: Live, subject: Subject) -> Any:
    assert subject.resource
    adopted = live.env.adopt.scp
    answer = live.aws.ask(
        "management", "organizations", "list_policies", Filter=subject.resource.text("type")
    )
    # The one that exists stands for that of trail and evidence, whatever it is called.
    is_adopted = adopted and subject.name == live.env.guardrails.policy_name
    for each in answer["Policies"]:
        if each["Id"] == adopted.id if adopted and is_adopted else each["Name"] == subject.name:
            return each
    return None


@check("control-policy", "The control policy exists", policies)
def _exists(live: Live, subject: Subject) -> Iterator[Fault]:
    if not _found(live, subject):
        yield Fault(
            f"the organization has no policy {subject.name}: administrators of every account can "
            "stop what the file says they cannot",
            MAKE,
        )


@check("control-policy-content", "Its content is the file's", _ours, "control-policy")
def _content(live: Live, subject: Subject) -> Iterator[Fault]:
    assert subject.resource
    known = _found(live, subject)["Id"]
    has = live.aws.ask("management", "organizations", "describe_policy", PolicyId=known)["Policy"]
    if lines := difference(subject.resource.document("content"), has["Content"]):
        yield Fault("the policy is not the file's", DEPLOY, lines)


@check("control-policy-targets", "It is attached to every target", policies, "control-policy")
def _attached(live: Live, subject: Subject) -> Iterator[Fault]:
    assert subject.resource
    known = _found(live, subject)["Id"]
    answer = live.aws.ask("management", "organizations", "list_targets_for_policy", PolicyId=known)
    has = {each["TargetId"] for each in answer["Targets"]}
    for each in live.stack.of("aws_organizations_policy_attachment"):
        target = each.text("target_id")
        policy = live.stack.find(each.text("policy_id"))
        if policy is subject.resource and target not in has:
            yield Fault(
                f"the policy is not attached to {target}: it binds nobody there",
                f"deploy again, or: aws organizations attach-policy --policy-id {known} "
                f"--target-id {target}",
            )
