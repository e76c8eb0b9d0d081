"""A part of the trail while it is built: resources that stand together, made by one provider."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from orgtrail.settings.environment import Environment
from orgtrail.trail.resource import Check, Json, Provider, Resource

Before = Iterable[Resource | str]
"""What Terraform creates before a resource: resources, or addresses of others."""


class Part:
    """Resources that share a path in the stack, a provider and a region.

    Args:
        environment: the settings.
        account: name of the resources' account.
        path: ids of the enclosing constructs, and its own. `Default` adds nothing to an address.
        region: the region that the resources set, if it is not their provider's. Terraform can
            then remove them even if they are the last ones in that region. Resources of global
            services accept no region.
            https://registry.terraform.io/providers/hashicorp/aws/latest/docs/guides/enhanced-region-support
        within: the enclosing part.

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
        """Share the resources and checks of the enclosing part, if any."""
        self.environment = environment
        self.account = account
        self.path = path
        self.region = region
        self.resources: list[Resource] = within.resources if within else []
        self.checks: list[Check] = within.checks if within else []

    def inside(self, name: str, account: str | None = None, region: str | None = None) -> Part:
        """Return a part inside this one; its account is the same if none is given."""
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
        """Add a resource, without values that are None. `Default` uses the part's own name."""
        made = Resource(
            kind,
            f"{kind}.{self.named(name)}",
            _without_none({"region": self.region, **values}),
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
        """Make every plan warn if a condition is false."""
        self.checks.append(Check(self.named(name), f"${{{condition}}}", message))

    def named(self, name: str) -> str:
        """Return the name of a resource of this part, made of its path."""
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
    """Return the lifecycle that refuses to destroy a resource, if `flag` is set."""
    return {"prevent_destroy": True} if flag else None


def _without_none(value: Any) -> Any:
    """Remove None from a value, at any depth."""
    match value:
        case dict():
            return {name: _without_none(each) for name, each in value.items() if each is not None}
        case list():
            return [_without_none(each) for each in value]
        case _:
            return value
