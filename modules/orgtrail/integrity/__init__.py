"""Log file integrity: every digest chain of an organization trail, verified at once.

`run.verify` yields results; `result.Result` sums them up.
"""

WORKERS = 256
"""Requests in flight, of all processes together: at 20 ms each, 128 were what a run waited for."""
