"""Log file integrity: verifies every digest chain of an organization trail.

`run.verify` yields events, and `result.Result` adds them up to a verdict. To follow a run, read
`run`, `chain`, `day`, `objects` and `digest`, in this order; `coverage` then checks full chains.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orgtrail.exports import lazy

if TYPE_CHECKING:
    from orgtrail.verify.names import VerifiedTrail
    from orgtrail.verify.request import VerifyRequest
    from orgtrail.verify.result import Result
    from orgtrail.verify.run import verify

__all__ = ["DEFAULT_WORKERS", "Result", "VerifiedTrail", "VerifyRequest", "verify"]

DEFAULT_WORKERS = 256
"""Requests in flight, over all processes. With 128, at 20 ms each, runs waited for the network."""

__getattr__ = lazy(
    __name__,
    {"Result": "result", "VerifiedTrail": "names", "VerifyRequest": "request", "verify": "run"},
)
