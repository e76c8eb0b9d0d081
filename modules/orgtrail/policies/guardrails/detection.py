"""The SCP of the services that look for threats: nobody switches them off or blinds them."""

from __future__ import annotations

from collections.abc import Iterator

from orgtrail.policies.document import Statement
from orgtrail.policies.guardrails.statement import ROLE, deny
from orgtrail.settings.environment import Environment

_ACTIONS = {
    "guardduty": (
        "ArchiveFindings", "CreateFilter", "CreateIPSet", "CreateTrustedEntitySet",
        "DeleteDetector", "DeleteMembers", "DeletePublishingDestination", "DeleteThreatEntitySet",
        "DeleteThreatIntelSet", "DisassociateFromAdministratorAccount",
        "DisassociateFromMasterAccount", "DisassociateMembers", "StopMonitoringMembers",
        "UpdateDetector", "UpdateFilter", "UpdateIPSet", "UpdateMalwareScanSettings",
        "UpdateMemberDetectors", "UpdateOrganizationConfiguration",
        "UpdatePublishingDestination", "UpdateThreatEntitySet", "UpdateThreatIntelSet",
        "UpdateTrustedEntitySet",
    ),
    "security_hub": (
        "BatchDisableStandards", "BatchUpdateAutomationRules",
        "BatchUpdateStandardsControlAssociations", "CreateAutomationRule",
        "CreateConfigurationPolicy", "DeleteConfigurationPolicy", "DeleteFindingAggregator",
        "DeleteMembers", "DisableImportFindingsForProduct", "DisableSecurityHub",
        "DisassociateFromAdministratorAccount", "DisassociateMembers",
        "StartConfigurationPolicyAssociation", "StartConfigurationPolicyDisassociation",
        "UpdateConfigurationPolicy", "UpdateFindingAggregator",
        "UpdateOrganizationConfiguration", "UpdateSecurityControl",
        "UpdateSecurityHubConfiguration", "UpdateStandardsControl",
    ),
    "access_analyzer": (
        "ApplyArchiveRule", "CreateArchiveRule", "DeleteAnalyzer", "UpdateAnalyzer",
        "UpdateArchiveRule", "UpdateFindings",
    ),
}  # fmt: skip
"""What switches a service off, and what has it pass over: trusted addresses and names, archived
findings, rules that close findings by themselves, controls that are not looked at."""
_SERVICES = {
    "guardduty": ("guardduty", "ProtectGuardDuty"),
    "security_hub": ("securityhub", "ProtectSecurityHub"),
    "access_analyzer": ("access-analyzer", "ProtectAccessAnalyzer"),
}


def statements(env: Environment) -> Iterator[Statement]:
    """Yield a denial for each service, to all but those who deploy it to its administrator.

    A former administrator's role removes what is there in the apply that changes this policy.
    """
    for name, section in env.detection.items():
        deployed = (section.administrator, *env.retired.accounts)
        roles = filter(None, (env.accounts[each].role_arn for each in deployed))
        exempt = dict.fromkeys((*env.exempt_roles, *roles))
        service, sid = _SERVICES[name]
        yield deny(sid, service, _ACTIONS[name], "*", tuple(exempt))
    yield from _roles(env)


def _roles(env: Environment) -> Iterator[Statement]:
    """Deny rewriting the roles that deploy detection: who can is exempt himself."""
    administrators = dict.fromkeys(each.administrator for each in env.detection.values())
    roles = sorted({role for name in administrators if (role := env.accounts[name].role_arn)})
    if roles:
        exempt = tuple(dict.fromkeys((*env.exempt_roles, *roles)))
        yield deny("ProtectDetectingRoles", "iam", ROLE, roles, exempt)
