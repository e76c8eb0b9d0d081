"""The organization policies that bind member accounts, in the management account."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from orgtrail import naming
from orgtrail.settings.environment import Environment
from orgtrail.trail.common import UNKNOWN_POLICY
from orgtrail.trail.deploying import TAGS
from orgtrail.trail.part import Before, Part
from orgtrail.trail.policy import Document, Statement, allow, document, text
from orgtrail.trail.resource import Resource, literal
from orgtrail.trail.service_control import service_control

_SCP, _RCP = "SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"
_MANAGE = (
    "AttachPolicy", "CreatePolicy", "DeletePolicy", "DescribePolicy", "DetachPolicy",
    "ListTargetsForPolicy", "UpdatePolicy",
)  # fmt: skip


def guardrails(part: Part, after: Before) -> None:
    """Add the SCPs with their attachments, and the RCP of the logging account if it is enabled.

    Args:
        part: the part to add to, in the management account.
        after: resources that must exist before the policies take effect.

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
        policy = _policy(part, "rcp", _RCP, f"{name}-resources", resource_control(env))
        _attach(part, "rcp", policy.attribute("id"), env.logging.id, after)


def _others_policy(part: Part, id: str, after: Before) -> None:
    """Attach an existing SCP that somebody else manages to targets where it is missing."""
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
    """Add and attach the SCPs; an imported one becomes the SCP for trail and evidence."""
    env, existing = part.environment, part.environment.adopt.scp
    name = env.guardrails.policy_name
    for key, content in service_control(env).items():
        place, title = (f"scp_{key}", f"{name}-{key}") if key else ("scp", name)
        adopted = existing.id if existing and not key else ""
        policy = _policy(part, place, _SCP, title, content, adopted)
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


def resource_control(env: Environment) -> Document:
    """Return the RCP: no outsider, and no service on behalf of one, can access buckets and keys.

    The second statement is for services, whose calls carry the organization that they act for.
    https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html
    """
    organization = env.organization.id
    resources = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": ["s3:*", "kms:*"],
        "Resource": [
            *(naming.bucket_arn(env, name, key) for name in env.own_buckets for key in ("", "*")),
            naming.arn(env, "kms", env.logging.id, "key/*", region="*"),
        ],
    }
    return document(
        {
            "Sid": "OnlyThisOrganization",
            **resources,
            "Condition": {
                "StringNotEqualsIfExists": {"aws:PrincipalOrgID": organization},
                "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
            },
        },
        {
            "Sid": "ServicesForThisOrganization",
            **resources,
            "Condition": {
                "StringNotEqualsIfExists": {"aws:SourceOrgID": organization},
                "Null": {"aws:SourceAccount": "false"},
                "Bool": {"aws:PrincipalIsAWSService": "true"},
            },
        },
    )


def deploying(env: Environment) -> Iterator[Statement]:
    """Yield the permissions to deploy the policies, in the management account."""
    kinds = []
    if env.policy_targets:
        kinds.append("SERVICE_CONTROL_POLICY")
    if env.guardrails.resource_control_policy:
        kinds.append("RESOURCE_CONTROL_POLICY")
    if not kinds:
        return
    of_kind: dict[str, Any] = {"StringEquals": {"organizations:PolicyType": kinds}}
    yield {**allow("ManagePolicies", "organizations", _MANAGE, "*"), "Condition": of_kind}
    ours = f"{env.organization.id}/{{}}/*"
    policies = [
        naming.arn(env, "organizations", env.management.id, f"policy/{ours.format(kind.lower())}")
        for kind in kinds
    ]
    yield allow("TagPolicies", "organizations", TAGS, policies)
