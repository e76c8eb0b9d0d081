"""`orgtrail check`: who can stop, change or read an organization's audit trail, before any plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orgtrail.exports import lazy

if TYPE_CHECKING:
    from orgtrail.check.run import Report, check

__all__ = ["Report", "check"]

__getattr__ = lazy(__name__, {"Report": "run", "check": "run"})
