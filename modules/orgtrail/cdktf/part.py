"""The base of constructs: creates resources from the stack's data with the bindings' classes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from orgtrail.cdktf import bindings as aws
from orgtrail.errors import OrgtrailError
from orgtrail.settings.environment import Environment
from orgtrail.trail import common
from orgtrail.trail.part import Part as Data
from orgtrail.trail.resource import Check, Resource

_ADDRESS = re.compile(r"(?<![\w.])(?:data\.)?aws_\w+\.[\w-]+")

Providers = Mapping[str, aws.AwsProvider]
"""Providers by the account's name in the environment file, each in the home region."""


@dataclass(frozen=True, slots=True)
class LogTarget:
    """A bucket for server access logs, and the resources that must exist before its use."""

    name: str
    ready: aws.Dependables = ()


class Part(aws.Construct):
    """A construct whose resources are created from data.

    Each resource has its account's provider, so that none can end up in a default account. Below a
    scope with a `home` (our own stack), resources are created in `home` and have the same address
    as in the data, such as `aws_s3_bucket_policy.archive_policy`. Elsewhere CDKTF's unique ids keep
    two trails in one stack apart.
    """

    def __init__(
        self, scope: aws.Construct, id: str, environment: Environment, providers: Providers
    ) -> None:
        """Create the construct without resources.

        Args:
            scope: the parent construct.
            id: its name in the scope.
            environment: the settings.
            providers: a provider for each account with resources.

        """
        super().__init__(scope, id)
        self.environment = environment
        self.path: tuple[str, ...] = (*getattr(scope, "path", ()), id)
        self.home: aws.Construct | None = getattr(scope, "home", None)
        self._providers = providers
        self._made: dict[str, aws.Dependable] = {}
        """Created resources, by their address in the data."""
        self._scopes: dict[tuple[str, ...], aws.Construct] = {self.path: self}
        self._addresses: dict[str, str] = {}
        """Addresses in this stack, by address in the data, if they differ."""

    def _start(self, account: str) -> Data:
        """Return an empty part in an account, for the data of this construct."""
        return Data(self.environment, account, path=self.path)

    def make(self, resources: Iterable[Resource], checks: Iterable[Check] = ()) -> None:
        """Create resources, in order, and checks.

        Raises:
            OrgtrailError: a provider is missing.

        """
        for each in resources:
            # Resources that are only referred to belong to somebody else.
            if each.is_managed:
                self._make(each)
        for check in checks:
            block = {"condition": self.expression(check.condition), "error_message": check.message}
            stack = aws.TerraformStack.of(self)
            stack.add_override(f"check.{check.name}", {"assert": [block]})

    def made(self, resources: Iterable[Resource | str]) -> list[aws.Dependable]:
        """Return the constructs of resources, except of those that are only referred to."""
        addresses = (each if isinstance(each, str) else each.address for each in resources)
        return [self._made[each] for each in addresses if each in self._made]

    def refer(self, others: aws.Dependables) -> list[str]:
        """Return the addresses of other constructs' resources, for `depends_on` in the data."""
        found = {self.address_of(each): each for each in others}
        self._made.update(found)
        return [*found]

    def log_target(self, target: LogTarget) -> common.LogTarget:
        """Convert another construct's bucket for server access logs to data."""
        return common.LogTarget(target.name, tuple(self.refer(target.ready)))

    @staticmethod
    def address_of(made: aws.Dependable) -> str:
        """Return the address of a resource, if possible without a call to Node."""
        return str(getattr(made, "address", None) or made.fqn)

    def expression(self, text: str) -> str:
        """Replace the addresses of the data in a text with those of this stack."""
        if not self._addresses or "${" not in text:
            return text
        return _ADDRESS.sub(lambda found: self._addresses.get(found[0], found[0]), text)

    def _make(self, resource: Resource) -> None:
        given, overridden = aws.arguments(self._resolved(resource.values))
        lifecycle, _ = aws.arguments(self._resolved(resource.lifecycle))
        ignored = lifecycle.pop("ignore_changes", None)
        scope, name = self._place(resource)
        made = aws.class_of(resource.kind)(
            scope,
            name,
            provider=self._provider(resource.provider.name),
            depends_on=self.made(resource.depends_on) if resource.depends_on else None,
            lifecycle=lifecycle or None,
            **given,
        )
        self._made[resource.address] = made
        if self.home is None:
            self._addresses[resource.address] = self.address_of(made)
        else:
            made.address = resource.address
        if resource.imported_as:
            made.import_from(resource.imported_as)
        if resource.for_each is not None:
            made.add_override("for_each", self._resolved(dict(resource.for_each)))
        for argument, value in overridden.items():
            made.add_override(argument, value)
        if ignored:
            made.add_override("lifecycle.ignore_changes", ignored)

    def _place(self, resource: Resource) -> tuple[aws.Construct, str]:
        """Return the scope and the id of a resource."""
        if self.home is not None:
            return self.home, resource.address.rpartition(".")[2]
        *within, name = resource.path
        scope: aws.Construct = self
        for depth in range(len(self.path) + 1, len(within) + 1):
            path = tuple(within[:depth])
            if path not in self._scopes:
                self._scopes[path] = aws.Construct(scope, path[-1])
            scope = self._scopes[path]
        return scope, name

    def _provider(self, account: str) -> aws.AwsProvider:
        if account not in self._providers:
            raise OrgtrailError(
                f'OrganizationTrail needs a provider of account "{account}"; '
                f'give it as further={{"{account}": provider}}'
            )
        return self._providers[account]

    def _resolved(self, value: Any) -> Any:
        """Replace the addresses of the data in a value's expressions with those of this stack."""
        if not self._addresses:
            return value
        match value:
            case dict():
                return {name: self._resolved(each) for name, each in value.items()}
            case list():
                return [*map(self._resolved, value)]
            case str():
                return type(value)(self.expression(value))
            case _:
                return value
