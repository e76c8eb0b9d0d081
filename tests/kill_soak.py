"""Kills `orgtrail verify --state` again and again: what it says in the end is what it always says.

    .venv/bin/python -m tests.kill_soak

Fifty runs end by SIGKILL and twenty by SIGTERM, each at another moment; each goes on from the
state that the one before left. `make soak` runs it; a test runs a few kills of each kind.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from tests.archives import ACCOUNT, ARN, BUCKET, ORGANIZATION, OTHER, Archive, named
from tests.standin import serving

KILLS = {signal.SIGKILL: 50, signal.SIGTERM: 20}
_NAMED = ("--bucket", BUCKET, "--organization-id", ORGANIZATION, "--trail-arn", ARN)
_WINDOW = ("--from", "2026-03-10T18:30:00Z", "--to", "2026-03-11T05:50:00Z")
_DELAY = 0.03
_RUNS = 4
"""Runs over one file of state, before one that is not disturbed."""
_TOO_LATE = "had finished"
UNDISTURBED = (
    sys.executable,
    "-c",
    "import os, signal, sys\n"
    "for name in ('SIGINT', 'SIGTERM', 'SIGHUP'):\n"
    "    signal.signal(getattr(signal, name), signal.SIG_DFL)\n"
    "os.execv(sys.executable, [sys.executable, '-m', 'orgtrail.cli', *sys.argv[1:]])",
)
"""Starts the command with no signal ignored: nohup and a shell's background leave theirs."""


def soak(kills: dict[signal.Signals, int], folder: Path, seed: int = 1) -> Counter[str]:
    """Kill runs, and compare what the last of each state says with an undisturbed run.

    Args:
        kills: how many runs to end by which signal.
        folder: to work in.
        seed: of the moments.

    Returns:
        how many runs ended how: by a signal, with an exit code, or undisturbed.

    """
    archive = Archive()
    for account in (ACCOUNT, OTHER):
        for region in ("us-east-1", "eu-west-1"):
            digests = archive.write(account, region)
    # Something is wrong, and has to be said in the end as at first.
    archive.rewrite(named(digests[5])[0], b"damaged")
    temporary = folder / "temporary"
    temporary.mkdir()
    rng = random.Random(seed)
    todo = [number for number, count in kills.items() for _ in range(count)]
    rng.shuffle(todo)
    ended: Counter[str] = Counter()
    with serving(archive.world) as address:
        env = os.environ | {
            "AWS_ENDPOINT_URL": address,
            "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "example",
            "AWS_EC2_METADATA_DISABLED": "true",
            "TMPDIR": str(temporary),
        }
        archive.world.delay = _DELAY
        began = time.monotonic()
        expected = _finished(env, folder, ())
        took = time.monotonic() - began
        while todo:
            state = folder / f"{ended['undisturbed']}.state"
            for _ in range(min(_RUNS, len(todo))):
                how = _killed(env, folder, state, todo[-1], rng.uniform(0.2, 0.9) * took)
                ended[how] += 1
                if how == _TOO_LATE:
                    # What is trusted is not read again, and this machine may be less busy now.
                    took *= 0.8
                    break
                todo.pop()
            assert ended[_TOO_LATE] < 100, ended
            found = _finished(env, folder, ("--state", str(state), "--resume"))
            assert _counts(found) == _counts(expected), (found, expected)
            ended["undisturbed"] += 1
        left = [*temporary.iterdir()]
        assert not left, left
    return ended


def _counts(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name not in {"trusted", "notes"}}


def _command(more: tuple[str, ...]) -> list[str]:
    verify = [*UNDISTURBED, "verify", *_NAMED, *_WINDOW]
    return [*verify, "--workers", "4", "--format", "json", *more]


def _finished(env: dict[str, str], folder: Path, more: tuple[str, ...]) -> dict[str, Any]:
    ran = subprocess.run(
        _command(more), env=env, cwd=folder, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 1, ran.stderr
    answer: dict[str, Any] = json.loads(ran.stdout)
    return answer


def _killed(
    env: dict[str, str], folder: Path, state: Path, number: signal.Signals, after: float
) -> str:
    running = subprocess.Popen(
        _command(("--state", str(state), "--resume")),
        env=env,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(after)
    running.send_signal(number)
    _, said = running.communicate(timeout=60)
    code = running.returncode
    if code == 1:
        return _TOO_LATE
    if number == signal.SIGKILL or code == -number:
        # Python itself was not up yet, or it cannot be caught.
        assert code == -number, said
    else:
        assert code == 2, (code, said)
        assert "Traceback" not in said
    return number.name


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        os.environ["ORGTRAIL_STATE_KEY"] = str(Path(name) / "state.key")
        sys.stdout.write(f"{dict(soak(KILLS, Path(name)))}\n")
