"""The only module that imports CDKTF and the AWS provider: moving to `cdktn` is this one file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import Any

from orgtrail.cdktf.fastpath import lazily
from orgtrail.trail.resource import Expression, Json

with lazily():
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

FAILURES = (JSIIError, RuntimeError)
"""What jsii raises where Node reports an error."""

Dependable = TerraformResource | TerraformDataSource
Dependables = Sequence[Dependable]

_PROVIDER = "cdktf_cdktf_provider_aws"
_RENAMED = {"equals": "equal_to"}
"""Arguments that the bindings give another name: theirs is taken in some of jsii's languages."""


@cache
def class_of(kind: str) -> Any:
    """Return the class of the bindings for a kind of resource: `aws_s3_bucket`, `data.aws_regions`.

    Its module is loaded when it is first asked for: each costs some milliseconds.
    """
    name = kind.replace("data.aws_", "data_aws_").removeprefix("aws_")
    module = import_module(f"{_PROVIDER}.{name}")
    title = "".join(map(str.capitalize, name.split("_")))
    # Where a name would be that of the module's namespace in C#, the generator adds a letter.
    return getattr(module, title, None) or getattr(module, f"{title}A")


def arguments(values: Json) -> tuple[Json, Json]:
    """Return the arguments of a class for the values of a resource, and what is to be overridden.

    A class takes no expression for a number or a block, so those are put into its JSON later.
    """
    given, overridden = {}, {}
    for name, value in values.items():
        if _has_expression(value):
            overridden[name] = value
        else:
            given[_RENAMED.get(name, name)] = _argument(value)
    return given, overridden


def null() -> Any:
    """Return a value that is written as null, where None would be left out."""
    return Token.null_value()


def _argument(value: Any, *, is_listed: bool = False) -> Any:
    """Return one value as the bindings take it.

    jsii makes its structs of a block's snake case, but not in lists: there it takes the names of
    TypeScript.
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
