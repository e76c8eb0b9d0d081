"""The constructs of every organization trail; each can also be used alone."""

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
        scope: the parent construct.
        id: its name in the scope.
        environment: the settings.
        provider: provider of the management account.

    """

    def __init__(
        self,
        scope: aws.Construct,
        id: str,
        *,
        environment: Environment,
        provider: aws.AwsProvider,
    ) -> None:
        """Read the organization and check it."""
        super().__init__(scope, id, environment, {"management": provider})
        data = self._start("management")
        ready = organization(data)
        self.make(data.resources)
        self.ready = self.made(ready)
        """What everything else in the organization comes after."""
        self.data = self.ready[0]

    @property
    def account_ids(self) -> str:
        """Expression for the ids of all accounts of the organization."""
        return account_ids(self.address_of(self.data))


class TrailKey(Part):
    """The key that encrypts log files and query results; `arn` is its ARN, or a reference to it.

    `ready` are the resources that must exist before it is used; empty if it is only referred to.

    Args:
        scope: the parent construct.
        id: its name in the scope.
        environment: the settings.
        provider: provider of the logging account.

    """

    def __init__(
        self,
        scope: aws.Construct,
        id: str,
        *,
        environment: Environment,
        provider: aws.AwsProvider,
    ) -> None:
        """Create the key and its alias, unless the key is only referred to."""
        super().__init__(scope, id, environment, {"logging": provider})
        data = self._start("logging")
        made = key(data)
        self.make(data.resources)
        self.arn = self.expression(made.arn)
        self.ready = self.made(made.ready)


class LogArchive(Part):
    """The archive, and the bucket for its access logs.

    `ready` are the resources that must exist before the first log file arrives.

    Args:
        scope: the parent construct.
        id: its name in the scope.
        environment: the settings.
        provider: provider of the logging account.
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
        """Create the buckets that are not only referred to."""
        super().__init__(scope, id, environment, {"logging": provider})
        data = self._start("logging")
        made = archive(data, kms_key_arn)
        self.make(data.resources)
        self.ready = self.made(made.ready)
        self.access_logs = LogTarget(made.access_logs.name, self.made(made.access_logs.ready))


class LogDelivery(Part):
    """The log group, and the role with which CloudTrail writes to it.

    `group` is the group. `ready` are the resources that must exist before CloudTrail delivers. Both
    omit resources that are only referred to.

    Args:
        scope: the parent construct.
        id: its name in the scope.
        environment: the settings.
        provider: provider of the management account; the account that owns the trail must have the
            group.

    """

    def __init__(
        self,
        scope: aws.Construct,
        id: str,
        *,
        environment: Environment,
        provider: aws.AwsProvider,
    ) -> None:
        """Create the group and the role, unless they are only referred to."""
        super().__init__(scope, id, environment, {"management": provider})
        data = self._start("management")
        made = delivery(data)
        self.make(data.resources)
        self.group = self.made([made.group])
        self.ready = self.made(made.ready)


class Trail(Part):
    """The trail, and its delegated administrator if there is one.

    Args:
        scope: the parent construct.
        id: its name in the scope.
        environment: the settings.
        provider: provider of the management account.
        kms_key_arn: ARN of the key that encrypts log files.
        delivery: the log group to deliver to, if any.
        after: resources that must exist before CloudTrail writes, above all the bucket's policy.

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
        """Create the trail, unless it is only referred to."""
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
    """The SCPs with their attachments, and the RCP of the logging account if it is enabled.

    Args:
        scope: the parent construct.
        id: its name in the scope.
        environment: the settings.
        provider: provider of the management account.
        after: resources that must exist before the policies take effect.

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
        """Create and attach the policies."""
        super().__init__(scope, id, environment, {"management": provider})
        data = self._start("management")
        guardrails(data, self.refer(after))
        self.make(data.resources)


class Catalog(Part):
    """The table that projects account, region and day, and the workgroup that queries it.

    Args:
        scope: the parent construct.
        id: its name in the scope.
        environment: the settings.
        provider: provider of the logging account.
        organization: the organization, whose accounts complete those of the file.
        kms_key_arn: ARN of the key that encrypts query results.
        access_logs: the bucket for the result bucket's access logs.

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
        """Create database, table, result bucket and workgroup, and the enabled options."""
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
