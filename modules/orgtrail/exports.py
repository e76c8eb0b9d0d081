"""Names that a package offers and loads when they are first used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """Return a package's `__getattr__`, so that importing a part of it does not load the rest.

    Args:
        package: its name.
        homes: the module of each name, from the package's own name on.

    """

    def load(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"{package} has no {name}")
        return getattr(import_module(f"{package}.{homes[name]}"), name)

    return load
