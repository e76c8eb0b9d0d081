"""The program of another repository that uses our construct, as the page shows it."""

from __future__ import annotations

import re

from tests.conftest import ROOT

PROGRAM = re.search(
    r"<!-- consumer -->\s*```python\n(.*?)```",
    (ROOT / "docs" / "other-repositories.md").read_text(),
    re.DOTALL,
)
