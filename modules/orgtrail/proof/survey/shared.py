"""What every part of the survey asks: where a resource stands, and what its policy says."""

from __future__ import annotations

import json
from typing import Any

from orgtrail.proof.iam.policy import Policy, PolicyError, opaque, parse
from orgtrail.trail.resource import Resource, Stack


def place(resource: Resource) -> dict[str, str]:
    """Return where a resource stands, and in which account and region."""
    return {
        "address": resource.address,
        "account": resource.provider.account,
        "region": resource.region,
    }


def policy_of(name: str, document: str) -> Policy:
    """Read a policy's text; one that is known only after the deploy cannot be decided on."""
    text = document.replace("$${", "${")
    if not text or text.startswith("${"):
        return opaque(name, f"{name} is not known before the deploy")
    try:
        return parse(name, json.loads(text))
    except (PolicyError, json.JSONDecodeError) as error:
        return opaque(name, str(error))


def named(stack: Stack, text: Any) -> str:
    """Return the address that a reference leads to, or the text itself."""
    found = stack.find(text) if isinstance(text, str) else None
    return found.address if found else text or ""
