"""Log file integrity: every digest chain of an organization trail, verified at once.

`run.verify` yields results; `result.Result` sums them up.
"""
