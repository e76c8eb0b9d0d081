"""The audit trail of an AWS Organization, as code.

    from orgtrail import AwsProvider, OrganizationTrail, TerraformStack, load_environment

Names are loaded when they are first used: what reads settings never starts CDKTF.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orgtrail.constructs.access import Auditor
    from orgtrail.constructs.access_analyzer import AccessAnalyzer
    from orgtrail.constructs.alarms import Alarms
    from orgtrail.constructs.archive import LogArchive, TrailKey
    from orgtrail.constructs.bindings import App, AwsProvider, TerraformStack
    from orgtrail.constructs.catalog import Catalog
    from orgtrail.constructs.guardduty import GuardDuty
    from orgtrail.constructs.guardrails import Guardrails
    from orgtrail.constructs.organization import OrganizationCheck
    from orgtrail.constructs.security_hub import SecurityHub
    from orgtrail.constructs.siem import SiemFeed
    from orgtrail.constructs.trail import LogDelivery, Trail
    from orgtrail.environments import load_environment, load_environments
    from orgtrail.organization_trail import OrganizationTrail
    from orgtrail.settings.environment import Environment
    from orgtrail.settings.faults import OrgtrailError, SettingsError, SettingsWarning
    from orgtrail.stack import EnvironmentStack

_HOMES = {
    "AccessAnalyzer": "constructs.access_analyzer",
    "Alarms": "constructs.alarms",
    "App": "constructs.bindings",
    "Auditor": "constructs.access",
    "AwsProvider": "constructs.bindings",
    "Catalog": "constructs.catalog",
    "Environment": "settings.environment",
    "EnvironmentStack": "stack",
    "GuardDuty": "constructs.guardduty",
    "Guardrails": "constructs.guardrails",
    "LogArchive": "constructs.archive",
    "LogDelivery": "constructs.trail",
    "OrganizationCheck": "constructs.organization",
    "OrganizationTrail": "organization_trail",
    "OrgtrailError": "settings.faults",
    "SecurityHub": "constructs.security_hub",
    "SettingsError": "settings.faults",
    "SettingsWarning": "settings.faults",
    "SiemFeed": "constructs.siem",
    "TerraformStack": "constructs.bindings",
    "Trail": "constructs.trail",
    "TrailKey": "constructs.archive",
    "load_environment": "environments",
    "load_environments": "environments",
}

__all__ = [
    "AccessAnalyzer",
    "Alarms",
    "App",
    "Auditor",
    "AwsProvider",
    "Catalog",
    "Environment",
    "EnvironmentStack",
    "GuardDuty",
    "Guardrails",
    "LogArchive",
    "LogDelivery",
    "OrganizationCheck",
    "OrganizationTrail",
    "OrgtrailError",
    "SecurityHub",
    "SettingsError",
    "SettingsWarning",
    "SiemFeed",
    "TerraformStack",
    "Trail",
    "TrailKey",
    "load_environment",
    "load_environments",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"orgtrail has no {name}")
    return getattr(import_module(f"orgtrail.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
