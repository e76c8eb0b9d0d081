"""The organization policies that bind member accounts, in the management account."""

from __future__ import annotations

from orgtrail.policies import guardrails as policies
from orgtrail.policies.document import Document, text
from orgtrail.trail.common import UNKNOWN_POLICY
from orgtrail.trail.part import Before, Part
from orgtrail.trail.resource import Resource, literal

_SCP, _RCP = "SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"


def guardrails(part: Part, after: Before) -> None:
    """Add the SCPs with their attachments, and the RCP of the logging account where asked for.

    Args:
        part: the part that they become, in the management account.
        after: what must be there before the policies bind.

    """
    env = part.environment
    name = env.guardrails.policy_name
    after = tuple(after)
    if env.policy_targets:
        existing = env.adopt.scp
        if existing and not existing.manage:
            _others_policy(part, existing.id, after)
        else:
            _service_control(part, after)
    if env.guardrails.resource_control_policy:
        policy = _policy(part, "rcp", _RCP, f"{name}-resources", policies.resource_control(env))
        _attach(part, "rcp", policy.attribute("id"), env.logging.id, after)


def _others_policy(part: Part, id: str, after: Before) -> None:
    """Attach the SCP that exists, and is somebody else's, where it is not attached yet."""
    env = part.environment
    part.add(
        "aws_organizations_policy",
        "scp",
        id=id,
        name=env.guardrails.policy_name,
        type=_SCP,
        content=UNKNOWN_POLICY,
        is_managed=False,
    )
    for target in env.policy_targets:
        _attach(part, "scp", id, target, after, is_managed=target not in env.attached_targets)


def _service_control(part: Part, after: Before) -> None:
    """Add and attach the SCPs; one that exists stands for that of trail and evidence."""
    env, existing = part.environment, part.environment.adopt.scp
    name = env.guardrails.policy_name
    for key, document in policies.service_control(env).items():
        place, title = (f"scp_{key}", f"{name}-{key}") if key else ("scp", name)
        adopted = existing.id if existing and not key else ""
        policy = _policy(part, place, _SCP, title, document, adopted)
        for target in env.policy_targets:
            is_attached = bool(adopted) and target in env.attached_targets
            _attach(
                part,
                place,
                policy.attribute("id"),
                target,
                after,
                imported_as=f"{target}:{adopted}" if is_attached else "",
            )


def _policy(
    part: Part, id: str, kind: str, name: str, document: Document, imported_as: str = ""
) -> Resource:
    return part.add(
        "aws_organizations_policy",
        id,
        name=name,
        type=kind,
        description="Protects the organization trail and its log archive",
        content=literal(text(document)),
        imported_as=imported_as,
    )


def _attach(
    part: Part,
    id: str,
    policy: str,
    target: str,
    after: Before,
    *,
    imported_as: str = "",
    is_managed: bool = True,
) -> None:
    part.add(
        "aws_organizations_policy_attachment",
        f"{id}_{target}",
        policy_id=policy,
        target_id=target,
        depends_on=after,
        imported_as=imported_as,
        is_managed=is_managed,
    )
