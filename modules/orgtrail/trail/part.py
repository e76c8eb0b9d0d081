"""A part of the trail while it is built: resources that stand together, made by one provider."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from orgtrail.settings.environment import Environment
from orgtrail.trail.resource import Check, Json, Provider, Resource

Before = Iterable[Resource | str]
"""What Terraform makes before a resource: resources, or addresses of others."""


class Part:
    """Resources with one place in the stack, one provider and, if it is another, one region.

    Args:
        environment: the settings.
        account: name of the account that the resources are made in.
        path: ids of the constructs that the part is in, and its own. `Default` adds nothing to an
            address.
        region: the region that the resources name, where it is not their provider's: so Terraform
            can still remove them once no other resource is in that region. Resources of global
            services take none.
            https://registry.terraform.io/providers/hashicorp/aws/latest/docs/guides/enhanced-region-support
        within: the part that it is inside of.

    """

    def __init__(
        self,
        environment: Environment,
        account: str = "management",
        *,
        path: tuple[str, ...] = (),
        region: str | None = None,
        within: Part | None = None,
    ) -> None:
        """Start with what the parts around it have."""
        self.environment = environment
        self.account = account
        self.path = path
        self.region = region
        self.resources: list[Resource] = within.resources if within else []
        self.checks: list[Check] = within.checks if within else []

    def inside(self, name: str, account: str | None = None, region: str | None = None) -> Part:
        """Return a part inside of this one; its account is the same where none is named."""
        return Part(
            self.environment,
            account or self.account,
            path=(*self.path, name),
            region=region,
            within=self,
        )

    def add(
        self,
        kind: str,
        name: str,
        /,
        *,
        depends_on: Before = (),
        lifecycle: Json | None = None,
        for_each: Mapping[str, Any] | None = None,
        imported_as: str = "",
        is_managed: bool = True,
        provider: Provider | None = None,
        **values: Any,
    ) -> Resource:
        """Add a resource, without values that are None. `Default` takes the part's own name."""
        made = Resource(
            kind,
            f"{kind}.{self.named(name)}",
            _given({"region": self.region, **values}),
            provider or provider_of(self.environment, self.account),
            tuple(each if isinstance(each, str) else each.address for each in depends_on),
            lifecycle or {},
            for_each,
            imported_as,
            is_managed,
            (*self.path, name),
        )
        self.resources.append(made)
        return made

    def warn(self, name: str, condition: str, message: str) -> None:
        """Have every plan warn where a condition does not hold."""
        self.checks.append(Check(self.named(name), f"${{{condition}}}", message))

    def named(self, name: str) -> str:
        """Return the name that a resource of this part has by its path."""
        return "_".join(each for each in (*self.path, name) if each != "Default")


def provider_of(environment: Environment, account: str) -> Provider:
    """Return the provider of an account."""
    settings = environment.accounts[account]
    return Provider(
        settings.id,
        environment.home_region,
        settings.role_arn or "",
        pinned=True,
        tags=tuple(sorted(environment.tags.items())),
        name=account,
    )


def protected(flag: bool) -> Json | None:  # noqa: FBT001
    """Return the lifecycle that refuses to destroy a resource, if `flag` asks for it."""
    return {"prevent_destroy": True} if flag else None


def _given(value: Any) -> Any:
    """Return a value without what is None, at any depth."""
    match value:
        case dict():
            return {name: _given(each) for name, each in value.items() if each is not None}
        case list():
            return [_given(each) for each in value]
        case _:
            return value
