"""The audit trail of an AWS Organization, as code.

    from orgtrail import AwsProvider, OrganizationTrail, TerraformStack, load_environment

Names are imported on first use, so that code that only reads settings never starts CDKTF.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orgtrail.exports import lazy

if TYPE_CHECKING:
    from orgtrail.cdktf.bindings import App, AwsProvider, TerraformStack
    from orgtrail.cdktf.core import (
        Catalog,
        Guardrails,
        LogArchive,
        LogDelivery,
        OrganizationCheck,
        Trail,
        TrailKey,
    )
    from orgtrail.cdktf.optional import (
        AccessAnalyzer,
        Alarms,
        Auditor,
        GuardDuty,
        SecurityHub,
        SiemFeed,
    )
    from orgtrail.cdktf.organization_trail import OrganizationTrail
    from orgtrail.cdktf.stack import EnvironmentStack
    from orgtrail.environments import load_environment, load_environments
    from orgtrail.errors import OrgtrailError, SettingsError, SettingsWarning
    from orgtrail.naming import verify_request
    from orgtrail.settings.environment import Environment

_HOMES = {
    "AccessAnalyzer": "cdktf.optional",
    "Alarms": "cdktf.optional",
    "App": "cdktf.bindings",
    "Auditor": "cdktf.optional",
    "AwsProvider": "cdktf.bindings",
    "Catalog": "cdktf.core",
    "Environment": "settings.environment",
    "EnvironmentStack": "cdktf.stack",
    "GuardDuty": "cdktf.optional",
    "Guardrails": "cdktf.core",
    "LogArchive": "cdktf.core",
    "LogDelivery": "cdktf.core",
    "OrganizationCheck": "cdktf.core",
    "OrganizationTrail": "cdktf.organization_trail",
    "OrgtrailError": "errors",
    "SecurityHub": "cdktf.optional",
    "SettingsError": "errors",
    "SettingsWarning": "errors",
    "SiemFeed": "cdktf.optional",
    "TerraformStack": "cdktf.bindings",
    "Trail": "cdktf.core",
    "TrailKey": "cdktf.core",
    "load_environment": "environments",
    "load_environments": "environments",
    "verify_request": "naming",
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
    "verify_request",
]

__getattr__ = lazy(__name__, _HOMES)


def __dir__() -> list[str]:
    return __all__
