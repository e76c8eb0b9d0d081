"""Runs that are stopped at any moment, or killed: how they end, and what they leave."""

from __future__ import annotations

import asyncio
import fcntl
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from orgtrail.drafts import draft_folder, sweep
from orgtrail.signals import cancelling

from tests.conftest import ROOT, at_most, orgtrail

ENV = str(ROOT / "envs" / "healthcare.tfvars")
INTERRUPTED = "interrupted; the output is as it was before\n"
_START = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
for name in ("SIGTERM", "SIGHUP"):
    signal.signal(getattr(signal, name), signal.SIG_DFL)
import orgtrail.start
os.write(int(os.environ["READY"]), b"x")
sys.exit(orgtrail.start.{})
"""
"""Starts as the console script does, and tells when Python itself has started: before that,
no program can say how it ends. A shell's background job ignores Ctrl-C, so set its handler."""
KEPT = "interrupted; what was verified is kept in orgtrail-verify.state: go on with --resume\n"


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample") / "logs"
    made = orgtrail("sample", str(folder), "--env", ENV, "--days", "1", "--events-per-day", "200")
    assert made.returncode == 0, made.stderr
    return folder


def begun(cwd: Path, entry: str, *arguments: str) -> subprocess.Popen[str]:
    """Start a command, and wait until Python has started."""
    (cwd / "temporary").mkdir(exist_ok=True)
    ready, told = os.pipe()
    running = subprocess.Popen(
        [sys.executable, "-c", _START.format(entry), *arguments],
        cwd=cwd,
        env=os.environ
        | {
            "READY": str(told),
            "TMPDIR": str(cwd / "temporary"),
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_EC2_METADATA_DISABLED": "true",
        },
        pass_fds=(told,),
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(told)
    assert os.read(ready, 1) == b"x"
    os.close(ready)
    return running


def leftovers(folder: Path) -> list[str]:
    """Return drafts and temporary folders; Node removes its own a moment after we ended."""
    found: list[str] = []
    for _ in range(60):
        found = [str(each) for each in folder.rglob(".orgtrail-draft-*")]
        found += [str(each) for each in (folder / "temporary").iterdir()]
        if not found:
            break
        time.sleep(0.05)
    return found


@pytest.mark.parametrize(
    ("entry", "arguments", "seconds"),
    [
        ("main()", ("check", ENV), 1.0),
        ("main()", ("query", "triage", "--logs", "LOGS", "--env", ENV), 2.5),
        ("main()", ("query", "run", "root-use", "--logs", "LOGS", "--out", "rows.txt"), 1.5),
        ("main()", ("verify", "--env", ENV, "--logs", "LOGS", "--last", "12h"), 1.5),
        ("main()", ("report", ENV, "--logs", "LOGS", "--last", "12h", "--out", "out"), 4.0),
        ("main()", ("sample", "out", "--env", ENV, "--days", "1"), 1.5),
        ("main()", ("module", "out", "--env", ENV), 0.8),
        ("main()", ("doctor", ENV), 1.5),
        ("app()", (ENV,), 1.6),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else None,
)
def test_a_signal_at_any_moment_ends_with_2_and_one_line(
    entry: str, arguments: tuple[str, ...], seconds: float, tmp_path: Path, logs: Path
) -> None:
    given = [str(logs) if each == "LOGS" else each for each in arguments]
    moments = random.Random(1)
    stopped = 0
    for number in range(at_most(12)):
        cwd = tmp_path / str(number)
        cwd.mkdir()
        running = begun(cwd, entry, *given)
        time.sleep(moments.random() * seconds)
        which = moments.choice([signal.SIGINT, signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
        # A terminal sends Ctrl-C to all processes of a command.
        (os.killpg if moments.random() < 0.5 else os.kill)(running.pid, which)
        try:
            out, err = running.communicate(timeout=30)
        finally:
            running.kill()
        assert "Traceback" not in err, err
        assert "ignored" not in err, err
        assert leftovers(cwd) == []
        assert running.returncode in {0, 2}, (which, running.returncode, err)
        if err.endswith((INTERRUPTED, KEPT)):
            stopped += 1
            assert running.returncode == 2
            assert not (cwd / "out").exists()
            assert not (cwd / "cdktf.out").exists()
            assert not (cwd / "rows.txt").exists()
            # Notes may come before it, but of a command that was about to end.
            assert out or err in {INTERRUPTED, KEPT}
    assert stopped


def test_one_ctrl_c_ends_a_command_that_waits_for_threads(tmp_path: Path) -> None:
    """The doctor asks AWS from threads, which a machine without a network keeps waiting."""
    running = begun(tmp_path, "main()", "doctor", ENV)
    time.sleep(1.5)
    began = time.monotonic()
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=30)
    if running.returncode == 2 and err:
        assert err == INTERRUPTED
    assert time.monotonic() - began < 10


def killed_when(running: subprocess.Popen[str], folder: Path, pattern: str) -> None:
    """Kill a run as soon as it has made such a file or folder."""
    until = time.monotonic() + 60
    while not [*folder.glob(pattern)]:
        assert running.poll() is None, running.communicate()
        assert time.monotonic() < until
        time.sleep(0.01)
    # Node too, which would remove its files.
    os.killpg(running.pid, signal.SIGKILL)
    running.communicate()


def test_what_a_killed_run_left_is_swept_by_the_next(tmp_path: Path) -> None:
    for _ in range(3):
        running = begun(tmp_path, "main()", "sample", "out", "--env", ENV, "--days", "30")
        killed_when(running, tmp_path, "out/.orgtrail-draft-*/AWSLogs")
        # The next run takes the place of the one before, which left one draft.
        assert len([*tmp_path.glob("out/.orgtrail-draft-*")]) == 1
    ended = orgtrail("sample", "out", "--env", ENV, "--days", "1", cwd=tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert leftovers(tmp_path) == []


def test_temporary_files_of_a_killed_synthesis_are_swept_by_the_next(tmp_path: Path) -> None:
    running = begun(tmp_path, "app()", ENV)
    killed_when(running, tmp_path, "temporary/orgtrail-run-*/*")
    assert leftovers(tmp_path)
    running = begun(tmp_path, "app()", ENV)
    assert running.communicate() == ("", "")
    assert leftovers(tmp_path) == []


def test_the_first_synthesis_of_a_machine_can_be_stopped_and_begun_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """jsii unpacks with other processes and threads than it synthesizes with."""
    cache = tmp_path / "cache"
    cache.mkdir()
    monkeypatch.setenv("JSII_RUNTIME_PACKAGE_CACHE_ROOT", str(cache))
    running = begun(tmp_path, "app()", ENV)
    until = time.monotonic() + 60
    while not [*cache.glob("@cdktf/provider-aws/*/*")]:
        assert time.monotonic() < until
        time.sleep(0.05)
    os.killpg(running.pid, signal.SIGINT)
    assert (running.communicate(timeout=30), running.returncode) == (("", INTERRUPTED), 2)
    running = begun(tmp_path, "app()", ENV)
    assert (running.communicate(timeout=300), running.returncode) == (("", ""), 0)
    assert (tmp_path / "cdktf.out" / "stacks" / "healthcare" / "cdk.tf.json").is_file()
    # Node may still complete its index of the package.
    until = time.monotonic() + 60
    while left := [*(tmp_path / "temporary").iterdir()]:
        assert time.monotonic() < until, left
        time.sleep(0.1)
    shutil.rmtree(cache)


def test_cdktf_leaves_no_folder_of_its_tests(tmp_path: Path) -> None:
    program = (
        "from orgtrail.cdktf import bindings as aws\n"
        "for _ in range(3): aws.Testing.synth(aws.TerraformStack(aws.Testing.app(), 'one'))\n"
    )
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True, cwd=ROOT)
    assert [*tmp_path.iterdir()] == []


def test_the_draft_of_a_run_that_lives_is_kept_and_named(tmp_path: Path) -> None:
    with draft_folder(tmp_path) as draft:
        sweep(tmp_path)
        assert draft.is_dir()
        ended = orgtrail("sample", str(tmp_path), "--env", ENV)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == (
        f"{tmp_path}: must be an empty folder; it has {draft.name}, the draft of a run that still "
        "writes: wait for it, or delete the draft\n"
    )
    assert [*tmp_path.iterdir()] == []


def test_the_sweep_takes_nothing_but_dead_drafts(tmp_path: Path) -> None:
    other, file, dead, alive = (
        tmp_path / name
        for name in (".orgtrail-draft-mine", ".orgtrail-draft-0000000a", ".orgtrail-draft-0000000b",
                     ".orgtrail-draft-0000000c")
    )  # fmt: skip
    for each in (other, dead, alive):
        each.mkdir()
        (each / "file").touch()
    file.touch()
    target = tmp_path / "target"
    target.mkdir()
    link = tmp_path / ".orgtrail-draft-0000000d"
    link.symlink_to(target)
    # As another process: a lock belongs to an open file.
    holder = os.open(alive, os.O_RDONLY)
    fcntl.flock(holder, fcntl.LOCK_EX)
    sweep(tmp_path)
    assert {*tmp_path.iterdir()} == {other, file, alive, target, link}
    os.close(holder)
    sweep(tmp_path)
    assert not alive.exists()


def test_a_second_run_does_not_take_the_first_ones_draft(tmp_path: Path) -> None:
    command = ("module", "out", "--env", ENV)
    running = [begun(tmp_path, "main()", *command) for _ in range(4)]
    for each in running:
        _, err = each.communicate()
        assert each.returncode == 0
        assert re.fullmatch(r"out: \d+ files; README.md tells how to call it\n", err)
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("fault", ["MemoryError", "ImportError('no duckdb')", "SystemExit(1)"])
def test_a_start_that_fails_ends_with_2(fault: str, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "class Broken:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == 'orgtrail.cli.root': raise {fault}\n"
        "sys.meta_path.insert(0, Broken())\n"
    )
    path = os.pathsep.join((str(tmp_path), str(ROOT / "modules")))
    done = subprocess.run(
        [sys.executable, "-m", "orgtrail.cli", "check", ENV],
        env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("orgtrail cannot start: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "command", [("check", ENV), ("query", "list"), ("--help",), ("--version",)]
)
@pytest.mark.parametrize(
    ("redirection", "code", "said"),
    [
        (">&-", 2, "standard output is closed: give the command one, or a file\n"),
        (">&- 2>&-", 2, ""),
        ("2>&-", 0, ""),
        ("2>/dev/full", 0, ""),
        ("<&-", 0, ""),
        (">/dev/full", 2, "the output cannot be written: No space left on device\n"),
        ("| head -c 0; exit ${PIPESTATUS[0]}", 2, ""),
    ],
)
def test_a_stream_that_takes_nothing(
    command: tuple[str, ...], redirection: str, code: int, said: str
) -> None:
    done = subprocess.run(
        ["bash", "-c", f'"$0" -m orgtrail.cli "$@" {redirection}', sys.executable, *command],
        capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (code, said)


def test_a_signal_in_a_callback_of_the_event_loop_ends_the_work() -> None:
    # Raised there, it would be lost with the callback, and what waits for that would not end.
    ended = []

    async def child() -> None:
        with pytest.raises(asyncio.CancelledError):
            await asyncio.sleep(60)
        ended.append("child")

    async def work() -> None:
        tasks.append(asyncio.current_task())
        asyncio.get_running_loop().call_soon(signal.raise_signal, signal.SIGINT)
        await asyncio.gather(child(), child())

    tasks: list[asyncio.Task[object] | None] = []
    began = time.monotonic()

    def stop() -> None:
        assert tasks[-1]
        tasks[-1].cancel()

    def interrupted() -> None:
        with asyncio.Runner() as runner:
            loop = runner.get_loop()

            def soon() -> None:
                loop.call_soon_threadsafe(stop)

            with cancelling(soon):
                # An alarm brings again what came while a module of C is set up.
                assert signal.getsignal(signal.SIGALRM) != signal.SIG_DFL
                runner.run(work())

    # A program of its own may call again after it was interrupted.
    for times in (1, 2):
        with pytest.raises(KeyboardInterrupt):
            interrupted()
        assert ended == ["child", "child"] * times
    assert time.monotonic() - began < 30
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert signal.getsignal(signal.SIGALRM) == signal.SIG_DFL


def test_what_fails_because_of_a_signal_is_an_interruption(tmp_path: Path) -> None:
    # DuckDB looks for signals itself, and ends with an error of its own.
    script = (
        "import signal, sys\n"
        "from orgtrail.ending import run_cli\n"
        "def work():\n"
        "    try:\n"
        "        signal.raise_signal(signal.SIGTERM)\n"
        "    except KeyboardInterrupt:\n"
        "        pass\n"
        "    raise RuntimeError('Query interrupted')\n"
        "sys.exit(run_cli(work))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert (done.returncode, done.stdout, done.stderr) == (2, "", INTERRUPTED)


def test_who_interrupts_after_the_output_is_written_is_told_so(tmp_path: Path) -> None:
    script = (
        "import signal, sys\n"
        "from pathlib import Path\n"
        "from orgtrail.ending import run_cli\n"
        "from orgtrail.output import atomic_output\n"
        "def work():\n"
        "    with atomic_output(Path('out')) as draft:\n"
        "        (draft / 'a').write_text('whole')\n"
        "        if sys.argv[1] == 'before':\n"
        "            signal.raise_signal(signal.SIGINT)\n"
        "    signal.raise_signal(signal.SIGINT)\n"
        "sys.exit(run_cli(work))\n"
    )
    for moment, said in (
        ("before", INTERRUPTED),
        ("after", "interrupted; out was written before\n"),
    ):
        done = subprocess.run(
            [sys.executable, "-c", script, moment],
            capture_output=True, text=True, check=False, cwd=tmp_path,
        )  # fmt: skip
        assert (done.returncode, done.stdout, done.stderr) == (2, "", said)
        assert (tmp_path / "out").exists() == (moment == "after")
