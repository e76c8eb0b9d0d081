"""What the services that look for threats have in common: an administrator, a part in each region.

No local AWS supports all calls that deploying them takes. The lists of actions come from the
provider's source and the linked pages; no test covers all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from orgtrail import naming
from orgtrail.settings.detection import (
    AccessAnalyzerSettings,
    GuardDutySettings,
    SecurityHubSettings,
)
from orgtrail.settings.environment import Environment
from orgtrail.trail import deploying as of
from orgtrail.trail.part import Part
from orgtrail.trail.policy import Statement, allow, boundary_arn

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
_CREATING_PREFIXES = ("Create", "Enable", "TagResource", "UntagResource")
"""Prefixes of actions that removal never needs."""
_LINKED_SERVICES = {
    "guardduty": ("guardduty.amazonaws.com", "malware-protection.guardduty.amazonaws.com"),
    "security_hub": ("securityhub.amazonaws.com",),
    "access_analyzer": (naming.ACCESS_ANALYZER,),
}
_DELEGATION = (
    "DeregisterDelegatedAdministrator", "EnableAWSServiceAccess", "RegisterDelegatedAdministrator",
)  # fmt: skip
_DELEGATED = (
    "DescribeAccount", "ListDelegatedAdministrators", "ListDelegatedServicesForAccount",
)  # fmt: skip
_READ_ORGANIZATION = allow(
    "ReadOrganization",
    "organizations",
    ("DescribeOrganization", "ListAccounts", "ListDelegatedAdministrators"),
    "*",
)
_CHATS = (
    "CreateMicrosoftTeamsChannelConfiguration", "CreateSlackChannelConfiguration",
    "DeleteMicrosoftTeamsChannelConfiguration", "DeleteSlackChannelConfiguration",
    "DescribeSlackChannelConfigurations", "GetMicrosoftTeamsChannelConfiguration", *of.TAGS,
    "UpdateMicrosoftTeamsChannelConfiguration", "UpdateSlackChannelConfiguration",
)  # fmt: skip


def delegating(env: Environment) -> Iterator[Statement]:
    """Yield the management role's permissions to delegate services to their administrators.

    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-delegated-administrator-permissions.html
    https://docs.aws.amazon.com/guardduty/latest/ug/organizations_permissions.html
    """
    if env.trail.delegated_administrator:
        delegation = ("DeregisterOrganizationDelegatedAdmin", "RegisterOrganizationDelegatedAdmin")
        yield allow("DelegateTrail", "cloudtrail", delegation, "*")
    # Services of a retired account are taken back, and the file no longer says which.
    handed = {*env.detection, *(_ADMINISTRATION if env.retired.accounts else ())}
    if env.trail.delegated_administrator or handed:
        yield allow("FindDelegates", "organizations", _DELEGATED, "*")
        # Only these services: a delegate of StackSets or Identity Center controls every member.
        ours = {"StringEquals": {"organizations:ServicePrincipal": _principals(env)}}
        yield {**allow("Delegate", "organizations", _DELEGATION, "*"), "Condition": ours}
    if "guardduty" in handed:
        detectors = (*_ORGANIZATION_ADMIN, *_DETECTOR, *of.TAGS)
        yield allow("DelegateGuardDuty", "guardduty", detectors, "*")
    if "security_hub" in handed:
        yield allow("DelegateSecurityHub", "securityhub", _ORGANIZATION_ADMIN, "*")
    yield from _linking(env, list(env.detection))
    told = env.alarms.subscribers if env.alarms else None
    if env.alarms and told and (told.slack or told.teams):
        role = naming.role_arn(env, env.management.id, env.alarms.chat_role_name)
        yield allow("ManageChannels", "chatbot", _CHATS, "*")
        yield from of.roles("Chat", role, boundary_arn(env, "management"))
        yield of.pass_role("PassChatRole", role, "chatbot.amazonaws.com")
        yield of.service_linked("LinkChat", env, "management.chatbot.amazonaws.com")


def _principals(env: Environment) -> list[str]:
    """Return the services that may be delegated: all that detect, if an account is retired."""
    services = naming.trusted_services(env)
    if env.retired.accounts:
        services += [name for names in _LINKED_SERVICES.values() for name in names]
    return sorted(set(services))


def administering(env: Environment, name: str) -> Iterator[Statement]:
    """Yield the permissions of a role in an administrator's account, for its services.

    In a retired account it may remove the resources of any service, but create nothing.
    """
    if name in env.retired.accounts:
        for service, actions in _ADMINISTRATION.values():
            removing = tuple(each for each in actions if not each.startswith(_CREATING_PREFIXES))
            yield allow(f"Remove{_titled(service)}", service, removing, "*")
        yield _READ_ORGANIZATION
    services = [each for each, section in env.detection.items() if section.administrator == name]
    for each in services:
        service, actions = _ADMINISTRATION[each]
        yield allow(f"Administer{_titled(service)}", service, actions, "*")
    yield from _linking(env, services)
    if services:
        yield _READ_ORGANIZATION


def _titled(service: str) -> str:
    return service.title().replace("-", "")


def _linking(env: Environment, services: list[str]) -> Iterator[Statement]:
    if services:
        names = [name for each in services for name in _LINKED_SERVICES[each]]
        yield of.service_linked("LinkServices", env, *names)


@dataclass(frozen=True, slots=True)
class Place:
    """One region of a detection service, with its parts in the two accounts."""

    region: str
    management: Part
    administrator: Part


def places(
    part: Part, section: GuardDutySettings | SecurityHubSettings | AccessAnalyzerSettings
) -> list[Place]:
    """Return a place for each region of a service, the home region first."""
    env = part.environment
    found = []
    for region in env.regions_of(section):
        within = part.inside(region.replace("-", "_"))
        elsewhere = None if region == env.home_region else region
        found.append(
            Place(
                region,
                within.inside("management", "management", elsewhere),
                within.inside("administrator", section.administrator, elsewhere),
            )
        )
    return found
