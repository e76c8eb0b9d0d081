"""The constructs that every organization trail has, each to be used alone too."""

from __future__ import annotations

from orgtrail.cdktf import bindings as aws
from orgtrail.cdktf.part import LogTarget, Part
from orgtrail.settings.environment import Environment
from orgtrail.trail.archive import archive
from orgtrail.trail.catalog import catalog
from orgtrail.trail.delivery import delivery
from orgtrail.trail.guardrails import guardrails
from orgtrail.trail.key import key
from orgtrail.trail.organization import account_ids, organization
from orgtrail.trail.trail import trail


class OrganizationCheck(Part):
    """Stops a plan that would reach another organization, or one that is not ready.

    Args:
        scope: the construct that it is part of.
        id: its name there.
        environment: the settings.
        provider: the management account.

    """

    def __init__(
        self,
        scope: aws.Construct,
        id: str,
        *,
        environment: Environment,
        provider: aws.AwsProvider,
    ) -> None:
        """Read the organization and state what must be true of it."""
        super().__init__(scope, id, environment, {"management": provider})
        data = self._start("management")
        made = organization(data)
        self.make(data.resources)
        (self.data,) = self.made([made])

    @property
    def account_ids(self) -> str:
        """The expression of the ids of all accounts that the organization has."""
        return account_ids(self.address_of(self.data))


class TrailKey(Part):
    """The key that encrypts log files and query results; `arn` stands for its ARN.

    `ready` is what must be there before it is used: nothing where it is only referred to.

    Args:
        scope: the construct that it is part of.
        id: its name there.
        environment: the settings.
        provider: the logging account.

    """

    def __init__(
        self,
        scope: aws.Construct,
        id: str,
        *,
        environment: Environment,
        provider: aws.AwsProvider,
    ) -> None:
        """Make the key and its alias, unless the key is somebody else's."""
        super().__init__(scope, id, environment, {"logging": provider})
        data = self._start("logging")
        made = key(data)
        self.make(data.resources)
        self.arn = self.expression(made.arn)
        self.ready = self.made(made.ready)


class LogArchive(Part):
    """The bucket with the evidence, and the bucket that logs who reaches for it.

    `ready` is what must be there before the first log file comes.

    Args:
        scope: the construct that it is part of.
        id: its name there.
        environment: the settings.
        provider: the logging account.
        kms_key_arn: ARN of the key that encrypts log files.

    """

    def __init__(
        self,
        scope: aws.Construct,
        id: str,
        *,
        environment: Environment,
        provider: aws.AwsProvider,
        kms_key_arn: str,
    ) -> None:
        """Make both buckets, except those that are somebody else's."""
        super().__init__(scope, id, environment, {"logging": provider})
        data = self._start("logging")
        made = archive(data, kms_key_arn)
        self.make(data.resources)
        self.ready = self.made(made.ready)
        self.access_logs = LogTarget(made.access_logs.name, self.made(made.access_logs.ready))


class LogDelivery(Part):
    """The log group, and the role that CloudTrail writes to it with.

    `group` is the group and `ready` all that must be there before CloudTrail delivers: nothing of
    what is somebody else's.

    Args:
        scope: the construct that it is part of.
        id: its name there.
        environment: the settings.
        provider: the management account; the group must be in the account that owns the trail.

    """

    def __init__(
        self,
        scope: aws.Construct,
        id: str,
        *,
        environment: Environment,
        provider: aws.AwsProvider,
    ) -> None:
        """Make the group and the role, except what is somebody else's."""
        super().__init__(scope, id, environment, {"management": provider})
        data = self._start("management")
        made = delivery(data)
        self.make(data.resources)
        self.group = self.made([made.group])
        self.ready = self.made(made.ready)


class Trail(Part):
    """The trail itself, and its delegated administrator if there is one.

    Args:
        scope: the construct that it is part of.
        id: its name there.
        environment: the settings.
        provider: the management account.
        kms_key_arn: ARN of the key that encrypts log files.
        delivery: the log group to deliver to, if any.
        after: what must be there before CloudTrail tries to write: the bucket's policy above all.

    """

    def __init__(
        self,
        scope: aws.Construct,
        id: str,
        *,
        environment: Environment,
        provider: aws.AwsProvider,
        kms_key_arn: str,
        delivery: LogDelivery | None,
        after: aws.Dependables,
    ) -> None:
        """Make the trail, unless it is somebody else's."""
        super().__init__(scope, id, environment, {"management": provider})
        data = self._start("management")
        made = trail(
            data,
            key_arn=kms_key_arn,
            delivery=self.refer(delivery.ready) if delivery else None,
            after=self.refer(after),
        )
        self.make(data.resources)
        self.ready = self.made([made])


class Guardrails(Part):
    """The SCPs with their attachments, and the RCP of the logging account where asked for.

    Args:
        scope: the construct that it is part of.
        id: its name there.
        environment: the settings.
        provider: the management account.
        after: what must be there before the policies bind.

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
        super().__init__(scope, id, environment, {"management": provider})
        data = self._start("management")
        guardrails(data, self.refer(after))
        self.make(data.resources)


class Catalog(Part):
    """The table that projects account, region and day, and the workgroup that queries it.

    Args:
        scope: the construct that it is part of.
        id: its name there.
        environment: the settings.
        provider: the logging account.
        organization: the organization, whose accounts complete the file's.
        kms_key_arn: ARN of the key that encrypts query results.
        access_logs: the bucket that logs who reaches for results.

    """

    def __init__(
        self,
        scope: aws.Construct,
        id: str,
        *,
        environment: Environment,
        provider: aws.AwsProvider,
        organization: OrganizationCheck,
        kms_key_arn: str,
        access_logs: LogTarget,
    ) -> None:
        """Make database, table, result bucket and workgroup, and what is asked for beside them."""
        super().__init__(scope, id, environment, {"logging": provider})
        data = self._start("logging")
        (address,) = self.refer([organization.data])
        catalog(
            data,
            organization=address,
            key_arn=kms_key_arn,
            access_logs=self.log_target(access_logs),
        )
        self.make(data.resources, data.checks)
