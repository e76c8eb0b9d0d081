"""Speed of synthesis: our whole app against the program that every CDKTF user writes first.

The same against that program for CDK Terrain. All figures come from one run on one machine, so the
ratios hold wherever it runs:

    make bench
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[1]
KITS = {"CDKTF": sys.executable, "CDK Terrain": str(ROOT / ".tools" / "cdktn" / "bin" / "python")}
"""The interpreter of an environment with each kit."""
RUNS = 5
SAMPLE = 0.02
PLAIN = """\
from cdktf import App, TerraformStack
from cdktf_cdktf_provider_aws.provider import AwsProvider
from cdktf_cdktf_provider_aws.s3_bucket import S3Bucket

app = App()
stack = TerraformStack(app, "plain")
AwsProvider(stack, "aws", region="us-east-1")
S3Bucket(stack, "logs", bucket="example-logs")
app.synth()
"""


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        one = _environments(folder / "one", 1)
        for kit, interpreter in KITS.items():
            text = PLAIN.replace("cdktf", "cdktn").replace("cdktn_cdktn_provider", "cdktn_provider")
            program = _written(folder / "plain.py", PLAIN if kit == "CDKTF" else text)
            ours = [interpreter, str(ROOT / "main.py")]
            _compare(kit, [interpreter, str(program)], ours, folder, one)
            _further(ours, folder / kit)


def _compare(kit: str, plain: list[str], ours: list[str], folder: Path, envs: Path) -> None:
    """Tell time and memory of one environment, against the plain program."""
    for command in (plain, ours):
        _seconds(command, folder, envs)  # fills the caches of disk and jsii
    times = [(_seconds(plain, folder, envs), _seconds(ours, folder, envs)) for _ in range(RUNS)]
    plain_time, our_time = (statistics.median(each) for each in zip(*times, strict=True))
    plain_memory, our_memory = (_peak(each, folder, envs) for each in (plain, ours))
    print(f"{'':34}{f'plain {kit}':>18}{'orgtrail':>14}{'ratio':>9}{'aim':>8}")
    is_old = kit == "CDKTF"
    _row("wall time, median of 5 [s]", plain_time, our_time, 0.10 if is_old else 0.50)
    _row("peak memory of all processes [MB]", plain_memory / 1e6, our_memory / 1e6, 0.25)


def _further(command: list[str], folder: Path) -> None:
    """Tell what each environment costs after the first."""
    folder.mkdir()
    medians = {}
    for count in (1, 10, 100):
        envs = _environments(folder / str(count), count)
        medians[count] = statistics.median(_seconds(command, folder, envs) for _ in range(RUNS))
        print(f"{count:>3} environments {medians[count]:>31.2f} s")
    for count in (10, 100):
        each = (medians[count] - medians[1]) / (count - 1) * 1000
        print(f"each further of {count:<3} {each:>30.1f} ms   (aim: 60 ms)")


def _row(what: str, plain: float, ours: float, aim: float) -> None:
    print(f"{what:34}{plain:>18.2f}{ours:>14.2f}{ours / plain:>9.3f}{aim:>8.2f}")


def _written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def _environments(folder: Path, count: int) -> Path:
    """Write the hospital's file several times, with a name, organization and bucket of its own."""
    folder.mkdir()
    text = (ROOT / "envs" / "healthcare.tfvars").read_text(encoding="utf-8")
    for number in range(count):
        name = f"healthcare{number:03}"
        own = text.replace('"healthcare"', f'"{name}"')
        for each in ("o-examplehc01", "example-healthcare-audit-archive"):
            own = own.replace(f'"{each}"', f'"{each}{number:03}"')
        _written(folder / f"{name}.tfvars", own)
    return folder


def _start(command: list[str], cwd: Path, envs: Path) -> subprocess.Popen[bytes]:
    variables = {**os.environ, "ORGTRAIL_ENVS": str(envs), "PYTHONPATH": str(ROOT / "modules")}
    return subprocess.Popen(command, cwd=cwd, env=variables, stderr=subprocess.DEVNULL)


def _seconds(command: list[str], cwd: Path, envs: Path) -> float:
    started = time.perf_counter()
    if _start(command, cwd, envs).wait():
        raise SystemExit(f"failed: {' '.join(command)}")
    return time.perf_counter() - started


def _peak(command: list[str], cwd: Path, envs: Path) -> int:
    """Return the most memory that a process and its children held together [bytes].

    Shared pages are counted once (PSS) where the system tells, as Linux does.
    """
    process = _start(command, cwd, envs)
    peak = 0
    while process.poll() is None:
        peak = max(peak, _memory(process.pid))
        time.sleep(SAMPLE)
    return peak


def _memory(pid: int) -> int:
    total = 0
    try:
        root = psutil.Process(pid)
        for each in (root, *root.children(recursive=True)):
            info = each.memory_full_info()
            total += getattr(info, "pss", info.rss)
    except psutil.Error:
        return 0
    return total


if __name__ == "__main__":
    main()
