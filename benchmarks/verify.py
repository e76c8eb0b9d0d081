"""Speed of `orgtrail verify` against `aws cloudtrail validate-logs`, looped and under xargs.

All read the same store behind the same stand-in on loopback, which adds 20 ms to each request:
ten accounts, eight regions, two days. One run, one machine:

    make bench
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
from orgtrail.sample.files import DeliveredFile, SampleChain, SigningKey

ROOT = Path(__file__).parents[1]
AWS = ROOT / ".tools" / "awscli" / "bin" / "aws"
BUCKET, ORGANIZATION = "example-archive", "o-examplebank"
ARN = "arn:aws:cloudtrail:us-east-1:111111111111:trail/organization"
REGIONS = (
    "us-east-1", "us-east-2", "us-west-2", "ca-central-1",
    "eu-west-1", "eu-central-1", "ap-south-1", "sa-east-1",
)  # fmt: skip
ACCOUNTS = int(sys.argv[1]) if len(sys.argv) > 1 else 10
HOURS, FILES = 48, 3
BEGIN = datetime(2026, 3, 10, tzinfo=UTC) - timedelta(minutes=20)
WINDOW = ("2026-03-10T00:00:00Z", "2026-03-11T22:30:00Z")
DELAY = 0.020


@dataclass(frozen=True, slots=True)
class Run:
    """What a run took: seconds, seconds of CPU, requests, megabytes at its peak, verdicts."""

    wall: float
    cpu: float
    requests: int
    memory: float
    found: tuple[int, int]


def main() -> None:
    """Make a store, serve it, measure and print."""
    accounts = [f"{number:012}" for number in range(200000000001, 200000000001 + ACCOUNTS)]
    with tempfile.TemporaryDirectory() as name:
        digests, logs = _make(Path(name), accounts)
        print(
            f"{len(accounts)} accounts x {len(REGIONS)} regions, {HOURS} hours: {digests:,} "
            f"digests, {logs:,} log files, {DELAY * 1000:.0f} ms a request"
        )
        with _serving(Path(name)) as address:
            env = os.environ | {
                "AWS_ENDPOINT_URL": address,
                "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
                "AWS_SECRET_ACCESS_KEY": "example",
                "AWS_DEFAULT_REGION": "us-east-1",
                "AWS_EC2_METADATA_DISABLED": "true",
                "AWS": str(AWS),
            }
            ours = sorted((_ours(env, address) for _ in range(3)), key=lambda run: run.wall)
            chains = [f"{account} {region}" for account in accounts for region in REGIONS]
            xargs = _theirs(env, address, chains, 8)
            loop = _theirs(env, address, chains, 1)
    assert ours[1].found == xargs.found == loop.found, (ours[1].found, xargs.found, loop.found)
    _print(ours, xargs, loop, listings=2 + 3 * len(accounts) + (2 * 2 + 3) * len(chains))


def _print(ours: list[Run], xargs: Run, loop: Run, *, listings: int) -> None:
    middle = ours[1]
    names = ("orgtrail verify", "awscli, xargs -P 8", "awscli, one by one")
    print(f"{'':24}{'wall [s]':>10}{'CPU [s]':>10}{'requests':>10}{'memory [MB]':>12}")
    for name, run in zip(names, (middle, xargs, loop), strict=True):
        print(f"{name:24}{run.wall:10.2f}{run.cpu:10.2f}{run.requests:10,}{run.memory:12.0f}")
    walls = ", ".join(f"{run.wall:.2f}" for run in ours)
    print(f"{'runs of orgtrail [s]':44}{walls:>22}")
    digests, logs = middle.found
    most = digests + logs + listings
    print(f"{'valid digests and log files, all the same':44}{digests:10,}{logs:12,}")
    print(f"{'awscli one by one / orgtrail (aim 100)':44}{loop.wall / middle.wall:10.1f}")
    print(f"{'awscli under xargs / orgtrail (aim 15)':44}{xargs.wall / middle.wall:10.1f}")
    print(f"{'CPU of orgtrail / awscli (aim 0.1)':44}{middle.cpu / loop.cpu:10.3f}")
    print(f"{'requests / objects and listings (aim 1)':44}{middle.requests / most:10.3f}")
    print(f"{'peak memory [MB] (aim 200)':44}{middle.memory:10.0f}")


def _ours(env: dict[str, str], address: str) -> Run:
    command = [
        sys.executable, "-m", "orgtrail.cli", "verify", "--bucket", BUCKET, "--organization-id",
        ORGANIZATION, "--trail-arn", ARN, "--from", WINDOW[0], "--to", WINDOW[1],
        "--format", "json",
    ]  # fmt: skip
    run, text = _measured(command, env, address)
    told = json.loads(text)
    assert told["verdict"] == "valid", told["findings"][:3]
    return Run(*run, (told["digests"]["valid"], told["logs"]["valid"]))


def _theirs(env: dict[str, str], address: str, chains: list[str], processes: int) -> Run:
    one = (
        f'"$AWS" cloudtrail validate-logs --trail-arn {ARN} --region "$2" --account-id "$1" '
        f"--start-time {WINDOW[0]} --end-time {WINDOW[1]}"
    )
    listed = "\\n".join(chains)
    script = f"printf '{listed}\\n' | xargs -P {processes} -L 1 sh -c '{one}' sh"
    run, text = _measured(["sh", "-c", script], env, address)
    counts = {"digest": 0, "log": 0}
    for line in text.splitlines():
        for kind in counts:
            if f" {kind} files valid" in line:
                valid, _, total = line.split()[0].partition("/")
                assert valid == total
                counts[kind] += int(valid)
    return Run(*run, (counts["digest"], counts["log"]))


def _measured(
    command: list[str], env: dict[str, str], address: str
) -> tuple[tuple[float, float, int, float], str]:
    _stats(address)
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=out, stderr=err, cwd=ROOT, env=env)
        peak = [0.0]
        watch = threading.Thread(target=_watch, args=(process.pid, peak), daemon=True)
        watch.start()
        # The usage of a process holds that of its own processes.
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        watch.join()
        out.seek(0)
        err.seek(0)
        assert process.returncode == 0, err.read()[-2000:]
        requests = _stats(address)["requests"]
        return (seconds, usage.ru_utime + usage.ru_stime, requests, peak[0]), out.read()


def _watch(pid: int, peak: list[float]) -> None:
    """Note the largest sum of memory of a process and those below it."""
    try:
        top = psutil.Process(pid)
        while top.is_running() and top.status() != psutil.STATUS_ZOMBIE:
            total = 0
            for each in (top, *top.children(recursive=True)):
                try:
                    total += each.memory_info().rss
                except psutil.Error:
                    continue
            peak[0] = max(peak[0], total / 2**20)
            time.sleep(0.1)
    except psutil.Error:
        pass


def _stats(address: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{address}/-/stats") as answer:
        stats: dict[str, Any] = json.load(answer)
        return stats


@contextmanager
def _serving(folder: Path) -> Iterator[str]:
    command = [
        sys.executable,
        str(ROOT / "tests" / "standin.py"),
        str(folder),
        "--delay",
        str(DELAY),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout
        try:
            yield f"http://127.0.0.1:{running.stdout.readline().strip()}"
        finally:
            running.kill()


def _make(folder: Path, accounts: list[str]) -> tuple[int, int]:
    """Write the store; return the number of digests and of log files."""
    rng = random.Random(1)
    keys = {region: SigningKey(BEGIN) for region in REGIONS}
    prefix = f"AWSLogs/{ORGANIZATION}/"
    signatures: dict[str, dict[str, str]] = {}
    logs = 0
    for account in accounts:
        for region in REGIONS:
            files = [*_files(folder / "bucket" / prefix, account, region, rng)]
            logs += len(files)
            chain = SampleChain(account, region, "organization", "us-east-1", BUCKET, prefix)
            until = BEGIN + timedelta(hours=HOURS)
            key = keys[region]
            begun = chain.starting(BEGIN, key)
            for digest in (begun, *chain.digests(files, BEGIN, until, key, begun)):
                _write(folder / "bucket" / digest.key, digest.data)
                signatures[digest.key] = {
                    "signature": digest.signature,
                    "signature-algorithm": "SHA256withRSA",
                }
    (folder / "digest-metadata.json").write_text(json.dumps(signatures))
    trail = {
        "Name": "organization", "S3BucketName": BUCKET, "HomeRegion": "us-east-1",
        "TrailARN": ARN, "IsMultiRegionTrail": True, "IsOrganizationTrail": True,
        "LogFileValidationEnabled": True,
    }  # fmt: skip
    world = {
        "bucket": BUCKET,
        "organization": ORGANIZATION,
        "trails": [trail],
        "keys": {region: [key.public] for region, key in keys.items()},
    }
    (folder / "world.json").write_text(json.dumps(world))
    return len(signatures), logs


def _files(
    root: Path, account: str, region: str, rng: random.Random
) -> Iterator[tuple[DeliveredFile, str]]:
    """Write log files of about 36 KB, 5 KB packed, as real ones have on average."""
    step = timedelta(hours=1) / FILES
    for number in range(HOURS * FILES):
        at = BEGIN + number * step + timedelta(minutes=4)
        unique = base64.b64encode(rng.randbytes(3600)).decode()
        body = json.dumps(
            {"Records": [{"eventID": unique}, {"same": "0123456789" * 3100}]}
        ).encode()
        name = (
            f"{account}/CloudTrail/{region}/{at:%Y/%m/%d}/"
            f"{account}_CloudTrail_{region}_{at:%Y%m%dT%H%MZ}_{rng.randbytes(8).hex()}.json.gz"
        )
        _write(root / name, gzip.compress(body, 6, mtime=0))
        file = DeliveredFile(at, account, region, name, [at, at], b"")
        yield file, hashlib.sha256(body).hexdigest()


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


if __name__ == "__main__":
    main()
