"""The organization trail as one construct, with all parts in all accounts."""

from __future__ import annotations

from orgtrail import trail
from orgtrail.cdktf import bindings as aws
from orgtrail.cdktf.part import Part, Providers
from orgtrail.environments import require_limits
from orgtrail.settings.environment import Environment
from orgtrail.trail.resource import Output


class OrganizationTrail(Part):
    """An organization trail with its archive, guardrails and catalog.

    Create the two providers in your stack and pass them in. The construct creates none, so that it
    works in any stack, even twice in the same one.

    Args:
        scope: a stack, or a construct in one.
        id: the construct's name in the scope; it is part of every resource's address.
        environment: the settings, from `load_environment` or built in Python.
        management: provider of the management account, in the home region.
        logging: provider of the logging account, in the home region.
        further: providers by account name, in the home region, if `environment.deployed_accounts`
            has more than these two: the administrators of GuardDuty, Security Hub and Access
            Analyzer. Resources in other regions set their region themselves.

    Attributes:
        outputs: values for other tools, by name, each with its meaning.

    Raises:
        SettingsError: a policy would be larger than AWS accepts.
        OrgtrailError: a provider is missing.

    Example:
        >>> environment = load_environment("envs/healthcare.tfvars")
        >>> OrganizationTrail(stack, "audit", environment=environment,
        ...                   management=management, logging=logging)

    """

    def __init__(
        self,
        scope: aws.Construct,
        id: str,
        *,
        environment: Environment,
        management: aws.AwsProvider,
        logging: aws.AwsProvider,
        further: Providers | None = None,
    ) -> None:
        """Create every part, in the order that CloudTrail needs."""
        providers = {**(further or {}), "management": management, "logging": logging}
        super().__init__(scope, id, environment, providers)
        require_limits(environment)
        stack = trail.build(environment, self.path)
        self.make(stack.resources, stack.checks)
        self.outputs = {
            name: Output(self.expression(each.value), each.meaning)
            for name, each in stack.outputs.items()
        }
