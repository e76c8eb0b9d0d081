"""The auditors' role, in the logging account.

Readers in member accounts are let in by the archive's own policies.
"""

from __future__ import annotations

from orgtrail.policies import readers
from orgtrail.settings.access import AuditorSettings
from orgtrail.trail.common import role
from orgtrail.trail.part import Part


def auditor(part: Part, settings: AuditorSettings) -> None:
    """Add the role.

    Args:
        part: the part that it becomes, in the logging account.
        settings: the role's own.

    """
    env = part.environment
    role(
        part.inside("Default"),
        name=settings.role_name,
        description=f"Auditors ask {env.catalog.workgroup} and read the archive",
        trust=readers.auditor_trust(settings),
        policy_name="auditor",
        permissions=readers.auditor(env),
        session_seconds=settings.session_hours * 3600,
    )
