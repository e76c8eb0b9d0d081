"""Log file integrity: verifies every digest chain of an organization trail.

`run.verify` yields events, and `result.Result` adds them up to a verdict. To follow a run, read
`run`, `chain`, `day`, `objects` and `digest`, in this order; `coverage` then judges whole chains.
"""

DEFAULT_WORKERS = 256
"""Requests in flight, over all processes: at 20 ms each, a run with 128 waited for the network."""
