"""Which regular expressions of rules mean the same to Athena and to DuckDB."""

from __future__ import annotations

import re

from orgtrail.sigma.fields import InexpressibleError

_TOKEN = re.compile(
    r"""
      \\(?P<escape>.)
    | \[(?P<class>\^?\]?(?:\\.|\[:\^?\w+:\]|[^\]\\])*)\]
    | (?P<group>\(\?(?:P|[a-zA-Z]*U))
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_NESTED = re.compile(r"(?<!\\)\[|&&|^\^?\]")
"""What Java's syntax reads as a class within a class, as what two have in common, as the end."""


def shared(pattern: str) -> str:
    """Return a regular expression, if Athena and DuckDB read it alike.

    It is one of RE2, which DuckDB has: pySigma takes no other. Athena reads it as Java does.

    Raises:
        InexpressibleError: they do not.

    """
    for found in _TOKEN.finditer(pattern):
        within = found["class"]
        if (
            found["group"]
            or (found["escape"] or "") in {"C", "Q", "E"}
            or (within and _NESTED.search(within))
        ):
            raise InexpressibleError(
                f"the regular expression has {found[0][:20]!r}, which Athena reads otherwise "
                "than DuckDB"
            )
    return pattern
