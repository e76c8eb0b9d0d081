"""A Trino server of the tests' own: what it needs, how it is built, started and ended."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Timer

from trino.dbapi import Connection

HERE = Path(__file__).parent / "server"
TARGET = HERE / "target"
CLASSPATH = TARGET / "classpath"
"""Where Maven writes which jars there are; they stay in Maven's own repository."""
LEAST_JAVA = 24
BUILD = 600
"""Seconds for half a gigabyte of jars, at their first download."""
START = 180
"""Seconds until the server must have said its address; a quarter of a minute is usual."""
_JVMS = Path("/usr/lib/jvm")


class AbsentError(Exception):
    """Why there can be no server here."""


def java_home() -> Path:
    """Find a JDK that is new enough.

    Raises:
        AbsentError: there is none.

    """
    places = [Path(os.environ["JAVA_HOME"])] if os.environ.get("JAVA_HOME") else []
    places += sorted(_JVMS.iterdir()) if _JVMS.is_dir() else []
    if on_path := shutil.which("javac"):
        places.append(Path(on_path).resolve().parents[1])
    for each in places:
        if (each / "bin" / "javac").is_file() and _version(each) >= LEAST_JAVA:
            return each
    raise AbsentError(f"no JDK {LEAST_JAVA} or newer in JAVA_HOME, {_JVMS} or on PATH")


def _version(home: Path) -> int:
    said = subprocess.run(
        [home / "bin" / "javac", "-version"], capture_output=True, text=True, check=False
    )
    found = re.match(r"javac (\d+)", said.stdout)
    return int(found[1]) if found else 0


def build(home: Path) -> None:
    """Fetch the jars and compile the class, where that was not done before.

    Raises:
        AbsentError: Maven is absent, or cannot do it.

    """
    if _built():
        return
    maven = shutil.which("mvn")
    if maven is None:
        raise AbsentError("Maven (mvn) is not on PATH")
    command = [
        maven,
        "--batch-mode",
        "--quiet",
        "-Daether.connector.connectTimeout=10000",
        f"--file={HERE / 'pom.xml'}",
        "compile",
    ]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=BUILD,
            env={**os.environ, "JAVA_HOME": str(home)},
        )
    except subprocess.TimeoutExpired:
        raise AbsentError(f"Maven was not done after {BUILD} seconds") from None
    if done.returncode:
        CLASSPATH.unlink(missing_ok=True)
        errors = [line for line in done.stdout.splitlines() if line.startswith("[ERROR]")]
        raise AbsentError(f"Maven cannot build the server: {' '.join(errors[:2])[:500]}")
    CLASSPATH.touch()  # Maven leaves it as it is where only the class changed


def _built() -> bool:
    sources = [HERE / "pom.xml", *HERE.glob("src/**/*.java")]
    if not CLASSPATH.is_file():
        return False
    made = CLASSPATH.stat().st_mtime
    # Maven's repository may have been emptied since.
    return all(each.stat().st_mtime < made for each in sources) and all(
        Path(each).is_file() for each in CLASSPATH.read_text().split(os.pathsep)
    )


@contextmanager
def serving(folder: Path) -> Iterator[Connection]:
    """Start a server over a folder; it ends with the block.

    Raises:
        AbsentError: what it needs is not here.

    """
    home = java_home()
    build(home)
    log = folder.parent / f"{folder.name}.log"
    command = [
        str(home / "bin" / "java"),
        "-Xmx2g",
        # It lives for minutes: compiling for hours costs more than it gives.
        "-XX:TieredStopAtLevel=1",
        "-XX:+UseSerialGC",
        "--add-modules=jdk.incubator.vector",
        "Server",
        str(folder),
    ]
    jars = CLASSPATH.read_text()
    with (
        log.open("w") as said,
        subprocess.Popen(
            command,
            env={**os.environ, "CLASSPATH": f"{TARGET / 'classes'}{os.pathsep}{jars}"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
            start_new_session=True,
        ) as process,
    ):
        assert process.stdout is not None
        patience = Timer(START, process.kill)
        try:
            patience.start()
            address = process.stdout.readline().strip()
            patience.cancel()
            assert address, f"the server did not start; see {log}:\n{log.read_text()[-3000:]}"
            host, _, port = address.removeprefix("http://").partition(":")
            with Connection(
                host, int(port), user="tests", catalog="memory", schema="default", timezone="UTC"
            ) as connection:
                yield connection
        finally:
            patience.cancel()
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


if __name__ == "__main__":
    try:
        build(java_home())
    except AbsentError as error:
        sys.stdout.write(f"Trino cannot be had here: {error}: tests of its answers will skip\n")
