"""The survey of roles and policies, and of the organization that they name."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from orgtrail.naming import CLOUDTRAIL
from orgtrail.proof.estate import Attached, Control, Role, Table
from orgtrail.proof.iam.policy import opaque
from orgtrail.proof.survey.shared import place, policy_of
from orgtrail.regions import partition
from orgtrail.trail.resource import Resource, Stack

_ORGANIZATION = re.compile(r"\bo-[a-z0-9]{10,32}\b", re.ASCII)


def role_of(stack: Stack, role: Resource) -> Role:
    """Read a role; what is attached to it from elsewhere is not known."""
    name, account = role.text("name"), role.provider.account
    path = role.text("path") or "/"
    region = role.provider.region

    def is_its_own(text: str) -> bool:
        return text == name or stack.find(text) is role

    label = f"the policy of role {name}"
    elsewhere = any(
        is_its_own(each.text("role")) for each in stack.of("aws_iam_role_policy_attachment")
    ) or bool(role.values.get("managed_policy_arns"))
    unread = (opaque(label, f"{label} is attached from elsewhere"),) if elsewhere else ()
    # In the plan of what stands already, the role has its own policies once more.
    documents = [
        *(each.text("policy") for each in stack.of("aws_iam_role_policy")
          if is_its_own(each.text("role"))),
        *(each["policy"] for each in role.many("inline_policy") if each.get("policy")),
    ]  # fmt: skip
    policies = dict.fromkeys(policy_of(label, each) for each in documents)
    return Role(
        **place(role),
        arn=f"arn:{partition(region)}:iam::{account}:role{path}{name}",
        trust=policy_of(f"the trust of role {name}", role.text("assume_role_policy")),
        policies=(*policies, *unread),
        boundary=role.text("permissions_boundary"),
    )


def control_of(stack: Stack, control: Resource) -> Control:
    """Read a service or resource control policy."""
    kind = "RCP" if control.text("type") == "RESOURCE_CONTROL_POLICY" else "SCP"
    content = control.document("content")
    return Control(
        **place(control),
        kind=kind,
        policy=policy_of(f"{kind} {control.text('name')}", content),
        size=len(content),
        targets=tuple(
            each.text("target_id")
            for each in stack.of("aws_organizations_policy_attachment")
            if stack.find(each.text("policy_id")) is control
        ),
    )


def attached_policies(stack: Stack) -> Iterator[Attached]:
    """Yield every policy of the stack, for the rules that hold for all of them."""
    for kind, attribute, owner in (
        ("aws_s3_bucket_policy", "policy", "bucket"),
        ("aws_kms_key", "policy", "key"),
        ("aws_sns_topic_policy", "policy", "topic"),
        ("aws_sqs_queue_policy", "policy", "queue"),
        ("aws_iam_role", "assume_role_policy", "trust of role"),
        ("aws_iam_role_policy", "policy", "role"),
        ("aws_organizations_policy", "content", "organization policy"),
    ):
        for each in stack.of(kind):
            document = each.document(attribute)
            if not document:
                continue  # a key that is given none has that of AWS
            yield Attached(
                **place(each),
                policy=policy_of(each.address, document),
                document="" if document.startswith("${") else document,
                setting=owner,
            )


def organization_of(attached: tuple[Attached, ...], tables: tuple[Table, ...]) -> str:
    """Return the id of the organization that policies or the table name."""
    texts = [each.document for each in attached] + [each.template for each in tables]
    return next((found[0] for text in texts if (found := _ORGANIZATION.search(text))), "")


def trusts_cloudtrail(stack: Stack) -> bool:
    """Tell whether the stack turns on or checks the organization's trust in CloudTrail."""
    for each in stack.of("aws_organizations_aws_service_access"):
        if each.text("service_principal") == CLOUDTRAIL:
            return True
    kinds = ("aws_organizations_organization", "data.aws_organizations_organization")
    return any(
        CLOUDTRAIL in json.dumps((each.values, each.lifecycle), default=str)
        for kind in kinds
        for each in stack.of(kind)
    )
