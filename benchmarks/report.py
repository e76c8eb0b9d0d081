"""Speed of `orgtrail report` over a million events, against one plain pass of DuckDB over them.

The report asks all questions that detect something, and verifies every digest and file; the rival,
DuckDB's own `read_json` over the same files, counts the records once. One run, one machine, files
in the disk's cache:

    make bench
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from orgtrail.environments import load_environment

ROOT = Path(__file__).parents[1]
ENV = ROOT / "envs" / "fintech.tfvars"
DAYS, EVENTS = 20, 52_000
_RIVAL = """
import sys, duckdb
plain = duckdb.connect()
plain.execute("SET enable_progress_bar = false")
print(plain.execute(f'''
  SELECT count(*) FROM (
    SELECT unnest(Records) AS r FROM read_json(
      '{sys.argv[1]}', columns = {{Records: 'JSON[]'}}, maximum_object_size = 67108864))
''').fetchone()[0])
"""


def main() -> None:
    """Make a sample, measure and print."""
    with tempfile.TemporaryDirectory() as name:
        logs, out = Path(name) / "logs", Path(name) / "report"
        orgtrail = [sys.executable, "-m", "orgtrail.cli"]
        made = json.loads(_timed([
            *orgtrail, "sample", str(logs), "--env", str(ENV), "--days", str(DAYS),
            "--events-per-day", str(EVENTS), "--format", "json"])[2])  # fmt: skip
        print(f"{made['events']:,} events in {made['files']:,} files, 15 accounts, {DAYS} days")
        prefix = load_environment(ENV).organization_prefix
        glob = f"{logs}/{prefix}*/CloudTrail/*/*/*/*/*.json.gz"
        plain, peak, counted = _timed([sys.executable, "-c", _RIVAL, glob])
        print(f"DuckDB, one count     {plain:6.1f} s  {peak:5.0f} MB  {int(counted):,} records")
        seconds, peak, said = _timed([
            *orgtrail, "report", str(ENV), "--from", made["from"], "--to", made["to"],
            "--out", str(out), "--logs", str(logs), "--format", "json"])  # fmt: skip
        told = json.loads(said)
        page = (out / "report.html").stat().st_size / 1e6
        print(
            f"orgtrail report       {seconds:6.1f} s  {peak:5.0f} MB  page {page:.2f} MB, "
            f"integrity {told['integrity']}"
        )
        print(f"ratio of time         {seconds / plain:6.2f}  (the whole report to one count)")


def _timed(command: list[str]) -> tuple[float, float, str]:
    """Run a command; return seconds, the most memory that it or a child of it held, and stdout."""
    started = time.perf_counter()
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(command, stdout=output, cwd=ROOT)
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode in (0, 2), process.returncode
        output.seek(0)
        return seconds, used.ru_maxrss / 1024, output.read()


if __name__ == "__main__":
    main()
