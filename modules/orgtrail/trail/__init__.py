"""The trail as data: every resource that an environment asks for, from its settings alone.

Each module is a part: its resources, its policies, and the permissions needed to deploy it.
Terraform's JSON, `check`, the doctor, the report and the module all use the result of `build`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orgtrail.trail.stack import build

__all__ = ["build"]


def __getattr__(name: str) -> Any:
    """Import `build` on first use, so that code that needs only one policy loads fast."""
    if name != "build":
        raise AttributeError(f"orgtrail.trail has no {name}")
    from orgtrail.trail.stack import build

    return build
