"""The organization as AWS knows it: a plan stops where it is another one, or is not ready."""

from __future__ import annotations

import json

from orgtrail import naming
from orgtrail.settings.environment import Environment
from orgtrail.trail.part import Part, protected
from orgtrail.trail.resource import Resource

_NAMES = {
    naming.CLOUDTRAIL: "CloudTrail",
    naming.ACCESS_ANALYZER: "IAM Access Analyzer",
    "guardduty.amazonaws.com": "GuardDuty",
    "malware-protection.guardduty.amazonaws.com": "GuardDuty's malware protection",
    "securityhub.amazonaws.com": "Security Hub",
}


def organization(part: Part) -> list[Resource]:
    """Add the data source that reads and checks the organization, and the trust of services.

    Returns:
        what everything else in the organization comes after, the data source first.

    """
    env = part.environment
    conditions = [
        {"condition": f"${{{condition}}}", "error_message": message}
        for condition, message in _conditions(env)
    ]
    read = part.add(
        "data.aws_organizations_organization",
        "Default",
        lifecycle={"postcondition": conditions},
        return_organization_only=None if env.organization.list_accounts else True,
    )
    if not env.organization.enable_trusted_access:
        return [read]
    return [
        read,
        *(
            part.add(
                "aws_organizations_aws_service_access",
                service.removesuffix(".amazonaws.com").replace(".", "_").replace("-", "_"),
                service_principal=service,
                depends_on=[read],
                lifecycle=protected(env.archive.destroy_protection),
            )
            for service in naming.trusted_services(env)
        ),
    ]


def account_ids(address: str) -> str:
    """Return an expression for the ids of all accounts of the organization."""
    return f"{address}.accounts[*].id"


def _conditions(environment: Environment) -> list[tuple[str, str]]:
    """Return the conditions with their error messages."""
    organization, management = environment.organization.id, environment.management.id
    conditions = [
        (
            f"self.id == {json.dumps(organization)}",
            f"organization.id is {organization}, but the management credentials reach another "
            "organization. Correct organization.id or the credentials.",
        ),
        (
            f"self.master_account_id == {json.dumps(management)}",
            f"accounts.management.id is {management}, but the organization is managed by another "
            "account. Correct accounts.management.id.",
        ),
        (
            'self.feature_set == "ALL"',
            "The organization has consolidated billing only. Enable all features: "
            "aws organizations enable-all-features",
        ),
    ]
    if not environment.organization.enable_trusted_access:
        conditions += map(_trusted, naming.trusted_services(environment))
    if not environment.organization.list_accounts:
        return conditions
    types = []
    if environment.policy_targets:
        types.append("SERVICE_CONTROL_POLICY")
    if environment.guardrails.resource_control_policy:
        types.append("RESOURCE_CONTROL_POLICY")
    root = environment.organization.root_id
    conditions += [
        (
            f"contains(self.enabled_policy_types, {json.dumps(kind)})",
            f"The organization's root does not enable {kind}. Enable it: "
            f"aws organizations enable-policy-type --root-id {root} --policy-type {kind}",
        )
        for kind in types
    ]
    return conditions


def _trusted(service: str) -> tuple[str, str]:
    return (
        f"contains(self.aws_service_access_principals, {json.dumps(service)})",
        f"The organization does not trust {_NAMES[service]}. Enable it: "
        f"aws organizations enable-aws-service-access --service-principal {service}",
    )
