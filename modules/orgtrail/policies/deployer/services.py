"""What deploying the services that look for threats needs, and the alarms' way into a chat.

No local AWS answers all their calls, so these lists come from the provider's own source and from
the pages named here; no test has seen each of them used.
"""

from __future__ import annotations

from collections.abc import Iterator

from orgtrail import layout
from orgtrail.policies.deployer import resources as of
from orgtrail.policies.deployer.core import service_linked
from orgtrail.policies.document import Statement, allow
from orgtrail.settings.environment import Environment

_ORGANIZATION_ADMIN = (
    "DisableOrganizationAdminAccount", "EnableOrganizationAdminAccount",
    "ListOrganizationAdminAccounts",
)  # fmt: skip
_DETECTOR = ("CreateDetector", "DeleteDetector", "GetDetector", "ListDetectors", "UpdateDetector")
_GUARDDUTY = (
    *_DETECTOR, "CreatePublishingDestination", "DeletePublishingDestination",
    "DescribeOrganizationConfiguration", "DescribePublishingDestination",
    "UpdateOrganizationConfiguration", "UpdatePublishingDestination", *of.TAGS,
)  # fmt: skip
_SECURITY_HUB = (
    "CreateConfigurationPolicy", "CreateFindingAggregator", "DeleteConfigurationPolicy",
    "DeleteFindingAggregator", "DescribeHub", "DescribeOrganizationConfiguration",
    "DisableSecurityHub", "EnableSecurityHub", "GetConfigurationPolicy",
    "GetConfigurationPolicyAssociation", "GetFindingAggregator", "ListFindingAggregators",
    "StartConfigurationPolicyAssociation", "StartConfigurationPolicyDisassociation",
    "UpdateConfigurationPolicy", "UpdateFindingAggregator", "UpdateOrganizationConfiguration",
    "UpdateSecurityHubConfiguration", *of.TAGS,
)  # fmt: skip
_ANALYZER = ("CreateAnalyzer", "DeleteAnalyzer", "GetAnalyzer", "UpdateAnalyzer", *of.TAGS)
_ADMINISTRATION = {
    "guardduty": ("guardduty", _GUARDDUTY),
    "security_hub": ("securityhub", _SECURITY_HUB),
    "access_analyzer": ("access-analyzer", _ANALYZER),
}
_LINKED = {
    "guardduty": ("guardduty.amazonaws.com", "malware-protection.guardduty.amazonaws.com"),
    "security_hub": ("securityhub.amazonaws.com",),
    "access_analyzer": (layout.ACCESS_ANALYZER,),
}
_DELEGATION = (
    "DeregisterDelegatedAdministrator", "DescribeAccount", "EnableAWSServiceAccess",
    "ListDelegatedServicesForAccount", "RegisterDelegatedAdministrator",
)  # fmt: skip
_CHATS = (
    "CreateMicrosoftTeamsChannelConfiguration", "CreateSlackChannelConfiguration",
    "DeleteMicrosoftTeamsChannelConfiguration", "DeleteSlackChannelConfiguration",
    "DescribeSlackChannelConfigurations", "GetMicrosoftTeamsChannelConfiguration", *of.TAGS,
    "UpdateMicrosoftTeamsChannelConfiguration", "UpdateSlackChannelConfiguration",
)  # fmt: skip


def delegating(env: Environment) -> Iterator[Statement]:
    """Yield what the management account's role needs to hand services to their administrators.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-delegated-administrator-permissions.html
    https://docs.aws.amazon.com/guardduty/latest/ug/organizations_permissions.html
    """
    if env.trail.delegated_administrator:
        delegation = ("DeregisterOrganizationDelegatedAdmin", "RegisterOrganizationDelegatedAdmin")
        yield allow("DelegateTrail", "cloudtrail", delegation, "*")
    if env.trail.delegated_administrator or env.detection:
        yield allow("Delegate", "organizations", _DELEGATION, "*")
    if env.guardduty:
        detectors = (*_ORGANIZATION_ADMIN, *_DETECTOR, *of.TAGS)
        yield allow("DelegateGuardDuty", "guardduty", detectors, "*")
    if env.security_hub:
        yield allow("DelegateSecurityHub", "securityhub", _ORGANIZATION_ADMIN, "*")
    yield from _linking(env, list(env.detection))
    told = env.alarms.subscribers if env.alarms else None
    if env.alarms and told and (told.slack or told.teams):
        role = layout.role_arn(env, env.management.id, env.alarms.chat_role_name)
        yield allow("ManageChannels", "chatbot", _CHATS, "*")
        yield allow("ManageChatRole", "iam", of.ROLE, role)
        yield of.pass_role("PassChatRole", role, "chatbot.amazonaws.com")
        yield service_linked("LinkChat", env, "management.chatbot.amazonaws.com")


def administering(env: Environment, name: str) -> Iterator[Statement]:
    """Yield what the role of an administrator's account may do for the services it administers."""
    services = [each for each, section in env.detection.items() if section.administrator == name]
    for each in services:
        service, actions = _ADMINISTRATION[each]
        yield allow(f"Administer{service.title().replace('-', '')}", service, actions, "*")
    yield from _linking(env, services)
    if services:
        organization = ("DescribeOrganization", "ListAccounts", "ListDelegatedAdministrators")
        yield allow("ReadOrganization", "organizations", organization, "*")


def _linking(env: Environment, services: list[str]) -> Iterator[Statement]:
    if services:
        names = [name for each in services for name in _LINKED[each]]
        yield service_linked("LinkServices", env, *names)
