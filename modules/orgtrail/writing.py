"""Files that appear whole or not at all."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orgtrail.settings.faults import OrgtrailError

_LAST = "manifest.json"
"""It names the other files."""


@contextmanager
def whole(out: Path) -> Iterator[Path]:
    """Give a folder for drafts; its files take their places in `out` once all are written.

    What else is in `out` stays, and all of it does where the writing fails.

    Raises:
        OrgtrailError: the folder cannot be written.

    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".draft-", dir=out) as folder:
            yield Path(folder)
            _publish(Path(folder), out)
    except OSError as error:
        raise OrgtrailError(f"{error.filename or out}: cannot be written: {error}") from None


def _publish(draft: Path, out: Path) -> None:
    files = [each for each in draft.rglob("*") if each.is_file()]
    for file in sorted(files, key=lambda each: (each.name == _LAST, each)):
        place = out / file.relative_to(draft)
        place.parent.mkdir(parents=True, exist_ok=True)
        file.replace(place)
