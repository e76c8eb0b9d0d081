"""Acts on the services that look for threats: what switches them off, or has them look away."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from orgtrail.proof.acts.act import Act, Ground
from orgtrail.proof.acts.readers import ROLE_ACTS
from orgtrail.proof.estate import Watch
from orgtrail.proof.principals import Principal

GUARDDUTY_ACTS = {
    "archive findings": "ArchiveFindings",
    "have findings archived by a filter": "CreateFilter",
    "change a filter of findings": "UpdateFilter",
    "trust addresses": "CreateIPSet",
    "change which addresses are trusted": "UpdateIPSet",
    "trust names": "CreateTrustedEntitySet",
    "change which names are trusted": "UpdateTrustedEntitySet",
    "delete a list of threats": "DeleteThreatIntelSet",
    "change a list of threats": "UpdateThreatIntelSet",
    "delete a list of threatening names": "DeleteThreatEntitySet",
    "change a list of threatening names": "UpdateThreatEntitySet",
    "delete a detector": "DeleteDetector",
    "turn a detector off": "UpdateDetector",
    "delete members": "DeleteMembers",
    "cut members off": "DisassociateMembers",
    "leave the administrator": "DisassociateFromAdministratorAccount",
    "leave the administrator by its old name": "DisassociateFromMasterAccount",
    "stop watching members": "StopMonitoringMembers",
    "change what is watched in members": "UpdateMemberDetectors",
    "change how members are enrolled": "UpdateOrganizationConfiguration",
    "change malware scans": "UpdateMalwareScanSettings",
    "stop the export of findings": "DeletePublishingDestination",
    "send findings elsewhere": "UpdatePublishingDestination",
}
SECURITY_HUB_ACTS = {
    "close findings by a rule": "CreateAutomationRule",
    "change a rule that closes findings": "BatchUpdateAutomationRules",
    "turn standards off": "BatchDisableStandards",
    "turn a control off": "UpdateStandardsControl",
    "turn controls of standards off": "BatchUpdateStandardsControlAssociations",
    "change what a control asks for": "UpdateSecurityControl",
    "change what new controls do": "UpdateSecurityHubConfiguration",
    "turn it off": "DisableSecurityHub",
    "refuse a product's findings": "DisableImportFindingsForProduct",
    "delete its policy": "DeleteConfigurationPolicy",
    "change its policy": "UpdateConfigurationPolicy",
    "make another policy": "CreateConfigurationPolicy",
    "give accounts another policy": "StartConfigurationPolicyAssociation",
    "take accounts from its policy": "StartConfigurationPolicyDisassociation",
    "stop gathering findings": "DeleteFindingAggregator",
    "gather findings elsewhere": "UpdateFindingAggregator",
    "delete members": "DeleteMembers",
    "cut members off": "DisassociateMembers",
    "leave the administrator": "DisassociateFromAdministratorAccount",
    "change how members are enrolled": "UpdateOrganizationConfiguration",
}
ANALYZER_ACTS = {
    "archive findings": "UpdateFindings",
    "archive findings by a rule": "CreateArchiveRule",
    "archive old findings by a rule": "ApplyArchiveRule",
    "change a rule that archives findings": "UpdateArchiveRule",
    "change an analyzer": "UpdateAnalyzer",
    "delete an analyzer": "DeleteAnalyzer",
}
SERVICES = {
    "guardduty": ("GuardDuty", GUARDDUTY_ACTS),
    "securityhub": ("Security Hub", SECURITY_HUB_ACTS),
    "access-analyzer": ("Access Analyzer", ANALYZER_ACTS),
}
"""By the service's name in IAM: its own name, and the acts."""
_RESOURCES = {
    "guardduty": "detector/0123456789abcdef0123456789abcdef",
    "securityhub": "hub/default",
    "access-analyzer": "analyzer/organization",
}
_WITHIN = {
    "guardduty:CreateFilter": "/filter/any",
    "guardduty:UpdateFilter": "/filter/any",
    "guardduty:UpdateIPSet": "/ipset/any",
    "guardduty:UpdateTrustedEntitySet": "/trustedentityset/any",
    "guardduty:DeleteThreatIntelSet": "/threatintelset/any",
    "guardduty:UpdateThreatIntelSet": "/threatintelset/any",
    "guardduty:DeleteThreatEntitySet": "/threatentityset/any",
    "guardduty:UpdateThreatEntitySet": "/threatentityset/any",
    "guardduty:DeletePublishingDestination": "/publishingdestination/any",
    "guardduty:UpdatePublishingDestination": "/publishingdestination/any",
    "access-analyzer:CreateArchiveRule": "/archive-rule/any",
    "access-analyzer:UpdateArchiveRule": "/archive-rule/any",
}
"""What lies in the service's resource, for the actions that are about such a thing."""
_OTHERS = {
    "securityhub:BatchUpdateAutomationRules": "automation-rule/any",
    "securityhub:DeleteConfigurationPolicy": "configuration-policy/any",
    "securityhub:UpdateConfigurationPolicy": "configuration-policy/any",
    "securityhub:DeleteFindingAggregator": "finding-aggregator/any",
    "securityhub:UpdateFindingAggregator": "finding-aggregator/any",
}
"""Resources of their own."""
_OF_NOTHING = {
    "guardduty:ArchiveFindings", "guardduty:CreateIPSet", "guardduty:CreateTrustedEntitySet",
    "guardduty:DeleteMembers", "guardduty:DisassociateFromAdministratorAccount",
    "guardduty:DisassociateFromMasterAccount", "guardduty:DisassociateMembers",
    "guardduty:StopMonitoringMembers", "guardduty:UpdateMalwareScanSettings",
    "guardduty:UpdateMemberDetectors", "guardduty:UpdateOrganizationConfiguration",
    "securityhub:BatchUpdateStandardsControlAssociations", "securityhub:CreateAutomationRule",
    "securityhub:CreateConfigurationPolicy",
    "securityhub:UpdateSecurityControl",
}  # fmt: skip
"""Actions that IAM is asked for without a resource.
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonguardduty.html"""


def of_detection(ground: Ground) -> Iterator[Act]:
    """Yield the acts on each service, in the account that administers it and one region."""
    asked: set[str] = set()
    for watch in ground.estate.watches:
        if watch.service in asked:
            continue
        asked.add(watch.service)
        name, acts = SERVICES[watch.service]
        may = partial(_may, ground, watch)
        for title, action in acts.items():
            step = f"{watch.service}:{action}"
            steps = ((step, _resource(ground, watch, step)),)
            yield Act(f"{title} ({name})", steps, watch.account, may, of=partial(_is_there, watch))
    yield from _of_roles(ground)


def _of_roles(ground: Ground) -> Iterator[Act]:
    """Yield the acts on the roles that deploy a service where it is administered."""
    for watch in {each.account: each for each in ground.estate.watches}.values():
        role = ground.estate.deploy_role(watch.account)
        if role and watch.account != ground.estate.logging:
            may = partial(_may, ground, watch)
            for title, action in ROLE_ACTS.items():
                named = f"{title} the role that deploys detection"
                yield Act(named, ((f"iam:{action}", role),), watch.account, may)


def _resource(ground: Ground, watch: Watch, action: str) -> str:
    if action in _OF_NOTHING:
        return "*"
    whole = f"{_RESOURCES[watch.service]}{_WITHIN.get(action, '')}"
    resource = _OTHERS.get(action, whole)
    return ground.arn(watch.service, watch.region, watch.account, resource)


def _is_there(watch: Watch, who: Principal) -> bool:
    """Tell whom it can be asked of: from elsewhere it would be about another account's own."""
    return who.caller.account == watch.account


def _may(ground: Ground, watch: Watch, who: Principal) -> bool:
    """Tell who is meant to administer a service: the exempt, and who deploys it there."""
    deploys = who.caller.arn == ground.estate.deploy_role(watch.account)
    return (
        who.is_administrator and who.caller.account == watch.account and (who.is_exempt or deploys)
    )
