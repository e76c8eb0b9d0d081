"""Who reads the audit trail, in the logging account: the auditors' role."""

from __future__ import annotations

from orgtrail.constructs import bindings as aws
from orgtrail.constructs.role import Role
from orgtrail.policies import boundary, readers
from orgtrail.settings.access import Auditor as Settings
from orgtrail.settings.environment import Environment


class Auditor(aws.Part):
    """The auditors' role. Readers in member accounts are let in by the archive's own policies.

    Args:
        scope: the construct that it is part of.
        id: its name there.
        environment: the settings of the whole.
        settings: the role's own.
        provider: the logging account.

    """

    def __init__(
        self,
        scope: aws.Construct,
        id: str,
        *,
        environment: Environment,
        settings: Settings,
        provider: aws.AwsProvider,
    ) -> None:
        """Make the role."""
        super().__init__(scope, id, provider=provider)
        self.role = Role(
            self,
            "Default",
            provider=provider,
            name=settings.role_name,
            description=f"Auditors ask {environment.catalog.workgroup} and read the archive",
            trust=readers.auditor_trust(settings),
            policy_name="auditor",
            permissions=readers.auditor(environment),
            boundary=boundary.arn(environment, "logging"),
            session_seconds=settings.session_hours * 3600,
        )
