"""The organization policies that bind member accounts, in the management account."""

from __future__ import annotations

from orgtrail.constructs import bindings as aws
from orgtrail.policies import guardrails as policies
from orgtrail.policies.document import Document, text
from orgtrail.settings.environment import Environment


class Guardrails(aws.Part):
    """The SCP with its attachments, and the RCP of the logging account where asked for.

    Args:
        scope: the construct that it is part of.
        id: its name there.
        environment: the settings.
        provider: the management account.
        after: what must stand before the policies bind.

    """

    def __init__(
        self,
        scope: aws.Construct,
        id: str,
        *,
        environment: Environment,
        provider: aws.AwsProvider,
        after: aws.Dependables,
    ) -> None:
        """Make and attach the policies."""
        super().__init__(scope, id, provider=provider)
        name = environment.guardrails.policy_name
        if targets := environment.policy_targets:
            self._policy(
                "scp",
                "SERVICE_CONTROL_POLICY",
                name,
                policies.service_control(environment),
                targets,
                after,
            )
        if environment.guardrails.resource_control_policy:
            self._policy(
                "rcp",
                "RESOURCE_CONTROL_POLICY",
                f"{name}-resources",
                policies.resource_control(environment),
                (environment.logging.id,),
                after,
            )

    def _policy(
        self,
        id: str,
        kind: str,
        name: str,
        document: Document,
        targets: tuple[str, ...],
        after: aws.Dependables,
    ) -> None:
        policy = self.add(
            aws.OrganizationsPolicy,
            id,
            name=name,
            type=kind,
            description="Protects the organization trail and its log archive",
            content=aws.literal(text(document)),
        )
        for target in targets:
            self.add(
                aws.OrganizationsPolicyAttachment,
                f"{id}_{target}",
                policy_id=aws.attribute(policy, "id"),
                target_id=target,
                depends_on=after,
            )
