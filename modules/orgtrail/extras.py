"""The extras of the package: what each brings, and the message where one is missing.

`pip install orgtrail` brings what the settings, the policies and their check need. What reads
logs, reaches AWS or makes stacks needs an extra: `pip install 'orgtrail[verify]'`.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Literal

from orgtrail.errors import OrgtrailError

Extra = Literal["verify", "query", "doctor", "report"]

MODULES: dict[Extra, tuple[str, ...]] = {
    "verify": ("boto3", "cryptography", "pycurl"),
    "query": ("boto3", "duckdb", "sigma", "sqlglot", "zstandard"),
    "doctor": ("boto3",),
}
"""The modules that code of ours imports with an extra, by the extra; a test compares them with
`pyproject.toml`."""
MODULES["report"] = tuple(sorted({"jinja2"}.union(*MODULES.values())))


class MissingExtraError(OrgtrailError, ImportError):
    """Something was asked for whose packages are not installed; the message says which are not."""


def require(extra: Extra, what: str) -> None:
    """Raise an error if the packages of an extra are not installed.

    Args:
        extra: the extra.
        what: what needs it, such as `orgtrail verify`.

    Raises:
        MissingExtraError: a package is missing.

    """
    missing = [name for name in MODULES[extra] if not is_installed(name)]
    if missing:
        raise MissingExtraError(
            f"{what} needs {', '.join(missing)}, not installed here: {how_to_install(extra)}"
        )


def how_to_install(extra: str) -> str:
    """Return the command that installs an extra."""
    return f"pip install 'orgtrail[{extra}]'"


def is_installed(module: str) -> bool:
    """Return whether a top-level module can be imported; it is not imported."""
    return find_spec(module) is not None
