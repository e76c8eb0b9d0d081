"""Speed of `orgtrail check` over both examples, against checkov over their synthesized JSON.

Checkov asks other questions; it is what people run before a plan today. One run, one machine:

    make bench
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
RUNS = 5
NAMES = ("fintech", "healthcare")


def main() -> None:
    """Measure and print."""
    files = [str(ROOT / "envs" / f"{name}.tfvars") for name in NAMES]
    ours = [sys.executable, "-m", "orgtrail.cli", "check", *files]
    with tempfile.TemporaryDirectory() as name:
        theirs = _checkov(Path(name))
        for command in (ours, theirs):
            _seconds(command)  # fills the disk's cache
        times = [(_seconds(theirs), _seconds(ours)) for _ in range(RUNS)]
    checkov, orgtrail = (statistics.median(each) for each in zip(*times, strict=True))
    started = statistics.median(_seconds([*ours[:3], "--help"]) for _ in range(RUNS))
    print(f"{'':34}{'checkov':>14}{'orgtrail':>14}{'ratio':>9}")
    label = "check of both examples [s]"
    print(f"{label:34}{checkov:14.2f}{orgtrail:14.2f}{orgtrail / checkov:9.3f}")
    print(f"{'start of the command (--help) [s]':34}{'':14}{started:14.2f}")


def _checkov(folder: Path) -> list[str]:
    for name in NAMES:
        content = json.loads((ROOT / "tests" / "golden" / f"{name}.tf.json").read_text())
        # Its reader of JSON fails at the block `terraform`.
        kept = {section: content[section] for section in ("resource", "data")}
        (folder / f"{name}.tf.json").write_text(json.dumps(kept))
    program = ROOT / ".tools" / "checkov" / "bin" / "checkov"
    return [str(program), "-d", str(folder), "--framework", "terraform_json", "--quiet",
            "--compact", "--skip-download"]  # fmt: skip


def _seconds(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, capture_output=True, check=False)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
