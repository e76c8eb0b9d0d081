"""The only module that imports CDKTF, or CDK Terrain in its place, and the AWS provider."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache, partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from orgtrail.cdktf.fastpath import lazily
from orgtrail.cdktf.kit import kit, refuse_hcl_output
from orgtrail.trail.resource import Expression, Json

if TYPE_CHECKING:
    # CDK Terrain has the same names.
    from cdktf import (
        App,
        CloudBackend,
        LocalBackend,
        NamedCloudWorkspace,
        S3Backend,
        S3BackendAssumeRoleConfig,
        TerraformDataSource,
        TerraformElement,
        TerraformOutput,
        TerraformResource,
        TerraformStack,
        TerraformVariable,
        Testing,
        Token,
    )
    from cdktf_cdktf_provider_aws.provider import (
        AwsProvider,
        AwsProviderAssumeRole,
        AwsProviderDefaultTags,
    )
    from constructs import Construct
    from jsii.errors import JSIIError

__all__ = [
    "App",
    "AwsProvider",
    "AwsProviderAssumeRole",
    "AwsProviderDefaultTags",
    "CloudBackend",
    "Construct",
    "JSIIError",
    "LocalBackend",
    "NamedCloudWorkspace",
    "S3Backend",
    "S3BackendAssumeRoleConfig",
    "TerraformDataSource",
    "TerraformElement",
    "TerraformOutput",
    "TerraformResource",
    "TerraformStack",
    "TerraformVariable",
    "Testing",
    "Token",
]

refuse_hcl_output()
if not TYPE_CHECKING:
    with lazily(kit()):
        for _module in map(
            import_module,
            (kit().package, f"{kit().provider}.provider", "constructs", "jsii.errors"),
        ):
            globals().update(
                {name: getattr(_module, name) for name in __all__ if hasattr(_module, name)}
            )

FAILURES = (JSIIError, RuntimeError)
"""The errors that jsii raises if Node reports an error."""

Dependable = TerraformResource | TerraformDataSource
Dependables = Sequence[Dependable]

_NEWER_KINDS = {"aws_organizations_aws_service_access"}
"""Kinds that CDKTF's last bindings lack; both kits make them without the bindings."""
_NEWER = {"return_organization_only"}
"""Arguments that they lack; both kits write them as overrides."""
_RENAMED = {"equals": "equal_to"}
"""Arguments that the bindings rename, since the name is reserved in one of jsii's languages."""


def _any_resource(
    kind: str,
    scope: Construct,
    id: str,
    *,
    provider: AwsProvider,
    depends_on: Dependables | None,
    lifecycle: Any,
    **values: Any,
) -> TerraformResource:
    made = TerraformResource(
        scope, id, terraform_resource_type=kind, provider=provider, depends_on=depends_on,
        lifecycle=lifecycle,
    )  # fmt: skip
    for name, value in values.items():
        made.add_override(name, value)
    return made


@cache
def class_of(kind: str) -> Any:
    """Return the bindings' class for a kind such as `aws_s3_bucket` or `data.aws_regions`.

    Its module is imported on first use, since each import takes some milliseconds. A kind that
    CDKTF's last bindings lack gets the class of any resource.
    """
    if kind in _NEWER_KINDS:
        return partial(_any_resource, kind)
    name = kind.replace("data.aws_", "data_aws_").removeprefix("aws_")
    module = import_module(f"{kit().provider}.{name}")
    title = "".join(map(str.capitalize, name.split("_")))
    # The generator appends a letter to names that would clash with the module's C# namespace.
    return getattr(module, title, None) or getattr(module, f"{title}A")


def arguments(values: Json) -> tuple[Json, Json]:
    """Split the values of a resource into arguments of its class, and values to override.

    A class accepts no expression for a number or a block, so these are overridden in its JSON.
    """
    given, overridden = {}, {}
    for name, value in values.items():
        if name in _NEWER or _has_expression(value):
            overridden[name] = value
        else:
            given[_RENAMED.get(name, name)] = _argument(value)
    return given, overridden


def null() -> Any:
    """Return a value that is written as null; None would be omitted."""
    return Token.null_value()


def _argument(value: Any, *, is_listed: bool = False) -> Any:
    """Convert one value to the form that the bindings expect.

    jsii converts the snake-case names of a block, but not in lists, where it expects TypeScript's
    names.
    """
    match value:
        case dict():
            return {
                _camel(name) if is_listed else name: _argument(each, is_listed=is_listed)
                for name, each in value.items()
            }
        case list():
            return [_argument(each, is_listed=True) for each in value]
        case _:
            return value


@cache
def _camel(name: str) -> str:
    return re.sub(r"_([a-z0-9])", lambda found: found[1].upper(), _RENAMED.get(name, name))


def _has_expression(value: Any) -> bool:
    match value:
        case dict():
            return any(map(_has_expression, value.values()))
        case list():
            return any(map(_has_expression, value))
        case _:
            return isinstance(value, Expression)
