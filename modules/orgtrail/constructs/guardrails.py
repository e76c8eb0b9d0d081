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
        if environment.policy_targets:
            self._service_control(environment, name, after)
        if environment.guardrails.resource_control_policy:
            policy = self._policy(
                "rcp",
                "RESOURCE_CONTROL_POLICY",
                f"{name}-resources",
                policies.resource_control(environment),
            )
            self._attach("rcp", aws.attribute(policy, "id"), environment.logging.id, after)

    def _service_control(self, environment: Environment, name: str, after: aws.Dependables) -> None:
        existing, targets = environment.adopt.scp, environment.policy_targets
        attached = environment.attached_targets
        if existing and not existing.manage:
            for target in targets:
                if target not in attached:
                    self._attach("scp", existing.id, target, after)
            return
        document = policies.service_control(environment)
        policy = self._policy("scp", "SERVICE_CONTROL_POLICY", name, document)
        for target in targets:
            made = self._attach("scp", aws.attribute(policy, "id"), target, after)
            if existing:
                aws.imported(made, f"{target}:{existing.id}", when=target in attached)
        if existing:
            aws.imported(policy, existing.id, when=True)

    def _policy(self, id: str, kind: str, name: str, document: Document) -> aws.TerraformResource:
        return self.add(
            aws.OrganizationsPolicy,
            id,
            name=name,
            type=kind,
            description="Protects the organization trail and its log archive",
            content=aws.literal(text(document)),
        )

    def _attach(
        self, id: str, policy: str, target: str, after: aws.Dependables
    ) -> aws.TerraformResource:
        return self.add(
            aws.OrganizationsPolicyAttachment,
            f"{id}_{target}",
            policy_id=policy,
            target_id=target,
            depends_on=after,
        )
