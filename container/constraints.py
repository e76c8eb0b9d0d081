"""Writes one category of Pipfile.lock as constraints of pip, with the hashes of each package.

    python container/constraints.py default < Pipfile.lock > constraints.txt

With such a file pip installs the locked versions alone, and refuses a package that is not in the
file or whose hash is another. Before pip 25 it did not take hashes from constraints, so the
container is built with the pip of requirements.txt beside this file.
"""

from __future__ import annotations

import json
import sys
from typing import Any


def constraints(lock: dict[str, Any], category: str) -> list[str]:
    """Return a line for each package of a category; the project itself has no version there."""
    return [
        " ".join([name + package["version"], *(f"--hash={each}" for each in package["hashes"])])
        for name, package in lock[category].items()
        if "version" in package
    ]


if __name__ == "__main__":
    print(*constraints(json.load(sys.stdin), sys.argv[1]), sep="\n")
