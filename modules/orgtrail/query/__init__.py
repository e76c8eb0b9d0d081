"""Questions about the logs, and the engines that answer them: local DuckDB, or Athena."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orgtrail.exports import lazy

if TYPE_CHECKING:
    from orgtrail.query.questions import pack
    from orgtrail.query.run import Answer, query

__all__ = ["Answer", "pack", "query"]

__getattr__ = lazy(__name__, {"Answer": "run", "pack": "questions", "query": "run"})
