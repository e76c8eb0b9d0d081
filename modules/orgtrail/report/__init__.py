"""`orgtrail report`: writes the evidence bundle, with the commands that reproduce it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orgtrail.exports import lazy

if TYPE_CHECKING:
    from orgtrail.report.bundle import write_report
    from orgtrail.report.model import ReportRequest

__all__ = ["ReportRequest", "write_report"]

__getattr__ = lazy(__name__, {"ReportRequest": "model", "write_report": "bundle"})
