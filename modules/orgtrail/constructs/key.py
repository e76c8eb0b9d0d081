"""A key of ours, with its rotation and its alias."""

from __future__ import annotations

from orgtrail.constructs import bindings as aws
from orgtrail.policies.document import Document, text
from orgtrail.settings.adoption import ExistingKey
from orgtrail.settings.environment import Environment


class ServiceKey(aws.Part):
    """A key that services encrypt with on our behalf; `arn` stands for its ARN.

    Args:
        scope: the construct that it is part of.
        id: its name there.
        environment: the settings.
        provider: the account that owns it.
        alias: its alias.
        description: what it is for.
        policy: its policy, in force from the first moment.
        protect: refuse to destroy it.
        existing: the key that is brought under management; None makes one.

    """

    def __init__(
        self,
        scope: aws.Construct,
        id: str,
        *,
        environment: Environment,
        provider: aws.AwsProvider,
        alias: str,
        description: str,
        policy: Document,
        protect: bool = False,
        existing: ExistingKey | None = None,
    ) -> None:
        """Make the key and its alias."""
        super().__init__(scope, id, provider=provider)
        self.key = self.add(
            aws.KmsKey,
            "Default",
            description=description,
            policy=aws.literal(text(policy)),
            enable_key_rotation=True,
            rotation_period_in_days=environment.key.rotation_days,
            deletion_window_in_days=environment.key.deletion_window_days,
            lifecycle=aws.protected(protect),
        )
        named = self.add(
            aws.KmsAlias, "alias", name=alias, target_key_id=aws.attribute(self.key, "key_id")
        )
        if existing:
            aws.imported(self.key, existing.arn.rpartition("/")[2], when=True)
            aws.imported(named, alias, when=existing.alias)
        self.arn = aws.attribute(self.key, "arn")
