"""How every command ends: 0, 1 or 2, one clear line, and nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from orgtrail import ending
from orgtrail.ending import run_cli
from orgtrail.errors import EXIT_FAILED, EXIT_OK, OrgtrailError

from tests.archives import ARN, BUCKET, ORGANIZATION, Archive
from tests.conftest import ROOT
from tests.kill_soak import UNDISTURBED
from tests.standin import serving

CLI = (sys.executable, "-m", "orgtrail.cli")
ENV = str(ROOT / "envs" / "healthcare.tfvars")


def _fail() -> None:
    raise ZeroDivisionError("one\nline")


def _nested() -> None:
    raise RecursionError


def _full() -> None:
    raise OSError(28, "No space left on device", "out.json")


def _lacks() -> None:
    raise OrgtrailError("x.tfvars: cannot be read")


@pytest.mark.parametrize(
    ("work", "said"),
    [
        (_fail, "orgtrail failed, and the fault is its own: ZeroDivisionError: one line ("),
        (_nested, "orgtrail failed, and the fault is its own: RecursionError ("),
        (_full, "out.json: No space left on device\n"),
        (_lacks, "x.tfvars: cannot be read\n"),
    ],
)
def test_a_fault_is_one_line_and_never_exit_code_1(
    work: Callable[[], None],
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ending, "_discard", lambda _: None)
    assert run_cli(work) == EXIT_FAILED
    err = capsys.readouterr().err
    assert err.startswith(said)
    assert err.count("\n") == 1
    assert run_cli(lambda: None) == EXIT_OK


COMMANDS = (
    ("check", ENV),
    ("check", ENV, "--against", ENV),
    ("who-can", "kms:Decrypt", ENV),
    ("cost", ENV),
    ("permissions", ENV, "logging"),
    ("query", "list"),
    ("query", "show", "root-use"),
    ("doctor", ENV),
)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("spoiled", ["fault", "reader gone", "closed", "full"])
def test_no_command_ends_with_1_for_want_of_an_answer(
    command: tuple[str, ...], spoiled: str, tmp_path: Path
) -> None:
    env = os.environ | {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
                        "AWS_EC2_METADATA_DISABLED": "true"}  # fmt: skip
    match spoiled:
        case "fault":
            # It fails in a way that nobody foresaw.
            (tmp_path / "sitecustomize.py").write_text(
                "def broken(): raise ZeroDivisionError('planted')\n"
                "import orgtrail.cli.root as root\n"
                "root.run = broken\n"
            )
            env["PYTHONPATH"] = os.pathsep.join((str(tmp_path), str(ROOT / "modules")))
            shell = " ".join((*CLI, *command))
        case "reader gone":
            shell = f"({' '.join((*CLI, *command))} --format json; echo $? >&3) 3>{tmp_path}/code"
            shell += " | true"
        case "closed":
            shell = f"{' '.join((*CLI, *command))} >&-"
        case _:
            shell = f"{' '.join((*CLI, *command))} > /dev/full"
    ran = subprocess.run(
        ["bash", "-c", shell], env=env, capture_output=True, text=True, check=False, cwd=ROOT
    )
    code = ran.returncode
    if spoiled == "reader gone":
        # Whoever was done before the reader went has answered.
        code = int((tmp_path / "code").read_text())
        assert code in {EXIT_OK, EXIT_FAILED}
    else:
        assert code == EXIT_FAILED, ran.stderr
    assert "Traceback" not in ran.stderr
    if spoiled in {"fault", "closed"}:
        assert len(ran.stderr.splitlines()) == 1, ran.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("keep", [True, False])
def test_a_signal_ends_verify_as_ctrl_c_does(
    number: signal.Signals, tmp_path: Path, *, keep: bool
) -> None:
    archive = Archive()
    archive.write()
    held = archive.write(region="eu-west-1")
    archive.world.faults[f"/{BUCKET}/{held[3].key}"] = ["always hang"]
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    with serving(archive.world) as address:
        env = os.environ | {
            "AWS_ENDPOINT_URL": address,
            "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "example",
            "TMPDIR": str(temporary),
        }
        running = subprocess.Popen(
            [*UNDISTURBED, "verify", "--bucket", BUCKET, "--organization-id", ORGANIZATION,
             "--trail-arn", ARN, "--from", "2026-03-10T18:30:00Z", "--to", "2026-03-11T05:50:00Z",
             *(("--state", "nightly.state") if keep else ())],
            cwd=tmp_path, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        until = time.monotonic() + 30
        while not any(held[3].key.rpartition("/")[2] in each for each in archive.world.asked):
            assert time.monotonic() < until
            time.sleep(0.05)
        time.sleep(0.5)
        running.send_signal(number)
        try:
            out, err = running.communicate(timeout=30)
        finally:
            running.kill()
    assert (running.returncode, out) == (EXIT_FAILED, "")
    state = "nightly.state" if keep else "orgtrail-verify.state"
    more = " --state nightly.state" if keep else ""
    assert err == (
        f"interrupted; what was verified is kept in {state}: go on with --resume{more}\n"
    )
    assert (tmp_path / state).is_file()
    assert not [*temporary.iterdir()]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_handlers_of_signals_are_left_as_they_were(
    number: signal.Signals, capsys: pytest.CaptureFixture[str]
) -> None:
    usual = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
    before = signal.signal(number, usual)

    def stopped() -> None:
        os.kill(os.getpid(), number)
        time.sleep(5)

    try:
        assert run_cli(stopped) == EXIT_FAILED
        assert signal.getsignal(number) == usual
    finally:
        signal.signal(number, before)
    assert capsys.readouterr().err == "interrupted; the output is as it was before\n"


def test_what_nohup_ignores_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        seen = []
        assert run_cli(lambda: seen.append(signal.getsignal(signal.SIGHUP))) == EXIT_OK
        assert seen == [signal.SIG_IGN]
    finally:
        signal.signal(signal.SIGHUP, before)
