"""Reads Terraform files: a stack's JSON, or a plan, as a `Stack` of resources."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from orgtrail.errors import OrgtrailError
from orgtrail.terraform.configuration import configured_stack
from orgtrail.terraform.plan import planned_stack
from orgtrail.trail.resource import Stack

MALFORMED = (AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What Python raises for JSON of an unexpected shape."""


def read(path: Path) -> Stack:
    """Read a stack's JSON or a plan from a file.

    Raises:
        OrgtrailError: the file cannot be read, or is neither.

    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise OrgtrailError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise OrgtrailError(f"{path}: is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise OrgtrailError(f"{path}: is not JSON: {error}") from None
    except RecursionError as error:
        raise malformed(path, error) from None
    return stack_of(content, path)


def stack_of(content: Any, path: Path) -> Stack:
    """Return the stack that the decoded content of a file describes.

    Raises:
        OrgtrailError: the content is neither Terraform's JSON nor a plan.

    """
    try:
        if isinstance(content, dict) and "planned_values" in content:
            return planned_stack(content, path)
        if isinstance(content, dict) and "resource" in content:
            return configured_stack(content, path)
    except MALFORMED as error:
        raise malformed(path, error) from None
    raise OrgtrailError(
        f"{path}: must be an environment file (.tfvars), a stack's cdk.tf.json or the output of "
        "terraform show -json"
    )


def malformed(path: Path, error: Exception) -> OrgtrailError:
    """Return the error for a file that does not have the shape that Terraform writes."""
    match error:
        case RecursionError():
            return OrgtrailError(f"{path}: is nested too deeply: nothing that Terraform writes is.")
        case KeyError():
            what = f"{error.args[0]} is missing"
        case _:
            what = "a value is of another type than Terraform gives it"
    return OrgtrailError(f"{path}: is not as Terraform writes it: {what}.")
