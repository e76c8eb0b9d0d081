"""The audit trail of an AWS Organization, as code.

    from orgtrail import AwsProvider, OrganizationTrail, TerraformStack, load_environment

Names are loaded when they are first used: what reads settings never starts CDKTF.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orgtrail.constructs.bindings import App, AwsProvider, TerraformStack
    from orgtrail.constructs.core import (
        Catalog,
        Guardrails,
        LogArchive,
        LogDelivery,
        OrganizationCheck,
        Trail,
        TrailKey,
    )
    from orgtrail.constructs.options import (
        AccessAnalyzer,
        Alarms,
        Auditor,
        GuardDuty,
        SecurityHub,
        SiemFeed,
    )
    from orgtrail.environments import load_environment, load_environments
    from orgtrail.errors import OrgtrailError, SettingsError, SettingsWarning
    from orgtrail.organization_trail import OrganizationTrail
    from orgtrail.settings.environment import Environment
    from orgtrail.stack import EnvironmentStack

_HOMES = {
    "AccessAnalyzer": "constructs.options",
    "Alarms": "constructs.options",
    "App": "constructs.bindings",
    "Auditor": "constructs.options",
    "AwsProvider": "constructs.bindings",
    "Catalog": "constructs.core",
    "Environment": "settings.environment",
    "EnvironmentStack": "stack",
    "GuardDuty": "constructs.options",
    "Guardrails": "constructs.core",
    "LogArchive": "constructs.core",
    "LogDelivery": "constructs.core",
    "OrganizationCheck": "constructs.core",
    "OrganizationTrail": "organization_trail",
    "OrgtrailError": "errors",
    "SecurityHub": "constructs.options",
    "SettingsError": "errors",
    "SettingsWarning": "errors",
    "SiemFeed": "constructs.options",
    "TerraformStack": "constructs.bindings",
    "Trail": "constructs.core",
    "TrailKey": "constructs.core",
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
