"""A role with one policy of its own."""

from __future__ import annotations

from orgtrail.constructs import bindings as aws
from orgtrail.policies.document import Document, text


class Role(aws.Part):
    """A role and what it may do.

    Args:
        scope: the construct that it is part of.
        id: its name there.
        provider: the account that owns it.
        name: the role's name.
        description: what it is for.
        trust: who may assume it.
        policy_name: name of the policy in it.
        permissions: what it may do.
        boundary: ARN of the policy that bounds it, if any.
        session_seconds: how long a session lasts at most.
        exists: bring the role under management.

    """

    def __init__(
        self,
        scope: aws.Construct,
        id: str,
        *,
        provider: aws.AwsProvider,
        name: str,
        description: str,
        trust: Document,
        policy_name: str,
        permissions: Document,
        boundary: str | None = None,
        session_seconds: int | None = None,
        exists: bool = False,
    ) -> None:
        """Make the role and its policy."""
        super().__init__(scope, id, provider=provider)
        self.name = name
        self.role = self.add(
            aws.IamRole,
            "Default",
            name=name,
            description=description,
            assume_role_policy=aws.literal(text(trust)),
            permissions_boundary=boundary,
            max_session_duration=session_seconds,
        )
        aws.imported(self.role, name, when=exists)
        self.policy = self.add(
            aws.IamRolePolicy,
            "policy",
            name=policy_name,
            role=name,
            policy=aws.literal(text(permissions)),
            depends_on=[self.role],
        )
