"""The organization policies that bind member accounts, in the management account."""

from __future__ import annotations

from orgtrail.constructs import bindings as aws
from orgtrail.policies import guardrails as policies
from orgtrail.policies.document import Document, text
from orgtrail.settings.environment import Environment


class Guardrails(aws.Part):
    """The SCPs with their attachments, and the RCP of the logging account where asked for.

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
        """Make and attach the SCPs; one that exists stands for that of trail and evidence."""
        existing, targets = environment.adopt.scp, environment.policy_targets
        if existing and not existing.manage:
            for target in targets:
                if target not in environment.attached_targets:
                    self._attach("scp", existing.id, target, after)
            return
        documents = policies.service_control(environment)
        # The first comes last: what it held before stands in the others by then.
        for part in reversed(documents):
            place, title = (f"scp_{part}", f"{name}-{part}") if part else ("scp", name)
            policy = self._policy(place, "SERVICE_CONTROL_POLICY", title, documents[part])
            adopted = existing if not part else None
            if adopted:
                aws.imported(policy, adopted.id, when=True)
            for target in targets:
                made = self._attach(place, aws.attribute(policy, "id"), target, after)
                if adopted:
                    is_attached = target in environment.attached_targets
                    aws.imported(made, f"{target}:{adopted.id}", when=is_attached)

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
