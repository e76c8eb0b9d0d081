"""Size and time of installing orgtrail with each extra, against all that there is.

Each install is `pip install` of the wheel into a fresh environment, in the locked versions; a first
install of the same has filled pip's cache, so that the time is not that of the network.

    make bench
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
EXTRAS = ("", "verify", "query", "doctor", "report", "cdktf", "cdktn", "all")
RIVAL = "all"
CORE_MB, CORE_SECONDS = 45, 10


def main() -> None:
    """Measure and print."""
    sys.path.insert(0, str(ROOT))
    from tests.installing import build_wheel, install

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wheel = build_wheel(folder)
        figures = {}
        for extra in EXTRAS:
            install(wheel, extra, folder / f"{extra}-first", compiled=True)
            started = time.perf_counter()
            made = install(wheel, extra, folder / extra, compiled=True)
            seconds = time.perf_counter() - started
            figures[extra] = megabytes(made.path), seconds, len(made.distributions())
    whole = figures[RIVAL][0]
    print(f"{'':12}{'MB':>8}{'seconds':>9}{'packages':>10}{f'MB to {RIVAL}':>12}")
    for extra, (size, seconds, count) in figures.items():
        print(f"{extra or 'core':12}{size:>8.0f}{seconds:>9.1f}{count:>10}{size / whole:>12.3f}")
    print(f"aim of the core: {CORE_MB} MB, {CORE_SECONDS} s, with the making of the environment")


def megabytes(environment: Path) -> float:
    """Return the size of what is installed besides pip and setuptools."""
    (site,) = environment.glob("lib/python3*/site-packages")
    own = ("pip", "setuptools", "pkg_resources", "_distutils_hack", "distutils-precedence")
    files = (
        file
        for each in site.iterdir()
        if not each.name.startswith(own)
        for file in ([each] if each.is_file() else each.rglob("*"))
    )
    return sum(file.stat().st_size for file in files if file.is_file()) / 1e6


if __name__ == "__main__":
    main()
