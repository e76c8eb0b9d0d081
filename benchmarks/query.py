"""Speed of `orgtrail query run` over a folder of logs, against plain DuckDB and trailscraper.

The floor is DuckDB's own `read_json` over the same files with the same condition; trailscraper
(PyPI) selects the records of the same time. One run, one machine, files in the disk's cache:

    make bench
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from orgtrail.environments import load_environment

ROOT = Path(__file__).parents[1]
ENV = ROOT / "envs" / "fintech.tfvars"
RUNS = 3
DAYS, EVENTS = 10, 52_000
ACCOUNT = "500000000021"
_NAMES = "'StopLogging', 'DeleteTrail', 'UpdateTrail', 'PutEventSelectors'"
_FLOOR = """
import sys, duckdb
floor = duckdb.connect()
floor.execute("SET enable_progress_bar = false")
print(floor.execute(f'''
  SELECT count(DISTINCT r->>'eventID') FROM (
    SELECT unnest(Records) AS r FROM read_json(
      '{sys.argv[1]}', columns = {{Records: 'JSON[]'}}, maximum_object_size = 67108864))
  WHERE r->>'eventName' IN (NAMES) AND r->>'eventSource' = 'cloudtrail.amazonaws.com'
''').fetchone()[0])
""".replace("NAMES", _NAMES)


def main() -> None:
    """Make a sample, measure and print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "logs"
        made = json.loads(_orgtrail("sample", str(folder), "--env", str(ENV), "--days", str(DAYS),
            "--events-per-day", str(EVENTS), "--format", "json")[1])  # fmt: skip
        print(f"{made['events']:,} events in {made['files']:,} files, 15 accounts, {DAYS} days")
        own = Path(name) / "own.sql"
        own.write_text(
            "SELECT count(DISTINCT eventid) AS n FROM organization_trail\n"
            f"WHERE eventname IN ({_NAMES}) AND eventsource = 'cloudtrail.amazonaws.com'"
        )
        _compare(folder, own, made)


def _compare(folder: Path, own: Path, made: dict[str, Any]) -> None:
    ask = ("query", "run", "--sql", str(own), "--logs", str(folder), "--format", "json")
    day = made["to"][:10]
    bounds = ("--account", ACCOUNT, "--from", f"{day}T00:00:00Z", "--to", made["to"])
    prefix = load_environment(ENV).organization_prefix
    glob = f"{folder}/{prefix}*/CloudTrail/*/*/*/*/*.json.gz"
    floor = [sys.executable, "-c", _FLOOR, glob]
    commands = {
        "full": [sys.executable, "-m", "orgtrail.cli", *ask],
        "bounded": [sys.executable, "-m", "orgtrail.cli", *ask, *bounds],
        "start": [sys.executable, "-m", "orgtrail.cli", *ask, "--account", ACCOUNT,
                  "--from", "2014-01-01T00:00:00Z", "--to", "2014-01-02T00:00:00Z"],
        "triage": [
            sys.executable, "-m", "orgtrail.cli", "query", "triage", "--logs", str(folder),
            "--env", str(ENV), "--format", "json", "--out", str(folder.parent / "triage.json"),
        ],
    }  # fmt: skip
    every = _orgtrail("query", "run", "account-activity", "--logs", str(folder), "--last", "30d",
                      "--format", "json", "--out", str(folder.parent / "rows.json"))  # fmt: skip
    runs = {name: [_timed(each) for _ in range(RUNS)] for name, each in commands.items()}
    plain = [_timed(floor) for _ in range(2)]
    found = json.loads(runs["full"][0][1])[0]["n"]
    assert found == int(plain[0][1]) > 0, (found, plain[0][1])
    scraper = ROOT / ".tools" / "trailscraper" / "bin" / "trailscraper"
    theirs = _timed([str(scraper), "select", "--log-dir", str(folder)])
    assert found <= len(json.loads(theirs[1])["Records"])
    runs["floor"] = plain
    times = {name: statistics.median(each[0] for each in one) for name, one in runs.items()}
    found = json.loads((folder.parent / "triage.json").read_text())
    assert sum(each["count"] > 0 for each in found["questions"]) > len(found["questions"]) / 2
    every_run = (*runs["full"], *runs["triage"], every)
    _print(times, theirs[0], max(each[2] for each in every_run))
    print(f"{'every event written as a row of JSON [s]':44}{every[0]:10.2f}")


def _print(times: dict[str, float], scraper: float, memory: float) -> None:
    full, bounded, floor, start = (times[each] for each in ("full", "bounded", "floor", "start"))
    print(f"{'plain DuckDB read_json, the floor [s]':44}{floor:10.2f}")
    print(f"{'trailscraper select, all records [s]':44}{scraper:10.2f}")
    print(f"{'orgtrail query, full scan [s]':44}{full:10.2f}")
    print(f"{'orgtrail query, one account, one day [s]':44}{bounded:10.2f}")
    print(f"{'orgtrail query, no file within bounds [s]':44}{start:10.2f}")
    print(f"{'orgtrail query triage, all questions [s]':44}{times['triage']:10.2f}")
    print(f"{'triage / full scan (aim 1.5)':44}{times['triage'] / full:10.2f}")
    print(f"{'full scan / floor (aim 1.3)':44}{full / floor:10.2f}")
    print(f"{'full scan / bounded (aim 20)':44}{full / bounded:10.1f}")
    alone = (full - start) / (bounded - start)
    print(f"{'the same without the start of the program':44}{alone:10.1f}")
    print(f"{'floor / bounded':44}{floor / bounded:10.1f}")
    print(f"{'trailscraper / full scan (aim 5)':44}{scraper / full:10.1f}")
    print(f"{'peak memory of all [MB] (aim 500)':44}{memory:10.0f}")


def _orgtrail(*arguments: str) -> tuple[float, str, float]:
    return _timed([sys.executable, "-m", "orgtrail.cli", *arguments])


def _timed(command: list[str]) -> tuple[float, str, float]:
    """Run a command; return seconds, what it says, and its peak memory in MB."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=out, stderr=err, cwd=ROOT)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        assert process.returncode == 0, err.read()
        return seconds, out.read(), usage.ru_maxrss / 1024


if __name__ == "__main__":
    main()
