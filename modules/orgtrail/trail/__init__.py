"""The trail as data: every resource that an environment asks for, from its settings alone.

Each module is a part: its resources, its policies, and the permissions that deploying it takes.
Terraform's JSON, `check`, the doctor, the report and the module all read what `build` returns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orgtrail.trail.stack import build

__all__ = ["build"]


def __getattr__(name: str) -> Any:
    """Load what builds the stack when it is first asked for: who reads one policy does not wait."""
    if name != "build":
        raise AttributeError(f"orgtrail.trail has no {name}")
    from orgtrail.trail.stack import build

    return build
