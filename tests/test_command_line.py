"""The command line as a stranger meets it: its help, its options, and what it refuses."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from orgtrail.cdktf import fastpath
from orgtrail.cdktf.kit import CDKTF
from orgtrail.cli.root import app
from orgtrail.notes import set_quiet
from typer.core import TyperArgument
from typer.main import get_command

from tests.conftest import MINIMAL, ROOT, merged, orgtrail, tfvars

ENV = str(ROOT / "envs" / "healthcare.tfvars")
WORDS = {
    "ACCOUNT", "ACTION", "ARN", "DIR", "FILE", "FILE|DIR", "ID", "N", "NAME", "NAME=VALUE",
    "NAME|ARN", "PERCENT", "PREFIX", "REGION", "RULE[@SETTING]", "SPAN", "TIME", "ZONE",
    "[RESOURCE] FILE",
}  # fmt: skip
"""What the help may call a value; besides, choices: text|json."""


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    yield path, command
    for name, each in getattr(command, "commands", {}).items():
        yield from commands(each, (*path, name))


orgtrail("--version")  # registers every command
ALL = list(commands(get_command(app)))


@pytest.mark.parametrize("path", [path for path, _ in ALL], ids=" ".join)
def test_every_option_has_a_help_and_a_value_in_words_of_the_field(path: tuple[str, ...]) -> None:
    (command,) = (each for its, each in ALL if its == path)
    for param in command.params:
        assert param.help, (path, param.name)
        if isinstance(param, TyperArgument) or not (
            param.is_flag or param.type_descriptor.is_choice
        ):
            assert param.metavar in WORDS, (path, param.name, param.metavar)
    shown = orgtrail(*path, "--help").stdout
    assert shown == orgtrail(*path, "-h").stdout
    assert "--quiet" in shown or not path or path == ("query",)
    assert not re.search(r"<(str|path|bool|int|float|list\[.*\]|Path)\b", shown, re.IGNORECASE)


@pytest.mark.parametrize("path", [path for path, each in ALL if hasattr(each, "commands")])
def test_a_name_of_a_command_is_asked_for_with_the_help(path: tuple[str, ...]) -> None:
    done = orgtrail(*path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Commands" in done.stderr
    called = " ".join(("orgtrail", *path))
    assert done.stderr.endswith(f"A command is missing.\nSee {called} --help.\n")


def test_the_version_is_that_of_the_package() -> None:
    done = orgtrail("--version")
    assert (done.returncode, done.stdout, done.stderr) == (
        0,
        f"orgtrail {version('orgtrail')}\n",
        "",
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("check", ""), "Invalid value for 'FILE': is empty: name a file or a folder"),
        (("module", "out", "--env", ""), "Invalid value for '--env': is empty: name a file"),
        (("check", "a\0b"), "Invalid value for 'FILE': has a NUL byte, which no name can have"),
        (("who-can", "kms:\0", ENV), "Invalid value for 'ACTION': has a NUL byte"),
        (("frobnicate",), "No such command 'frobnicate'."),
        (("check", ENV, "--frob"), "No such option: --frob"),
    ],
)
def test_what_cannot_be_a_name_is_refused(arguments: tuple[str, ...], said: str) -> None:
    done = orgtrail(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(said)


def test_quiet_leaves_notes_out_and_nothing_else(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "one.json").write_text('{"Records": []}')
    ask = ("query", "run", "root-use", "--logs", str(logs))
    loud, quiet, before = orgtrail(*ask), orgtrail(*ask, "--quiet"), orgtrail("-q", *ask)
    assert "0 rows from 0 events in 1 file" in loud.stderr
    assert quiet.stdout == before.stdout == loud.stdout != ""
    assert (quiet.stderr, before.stderr) == ("", "")
    # What makes the exit code 2 is said.
    (logs / "two.json").write_text("{")
    quiet = orgtrail(*ask, "-q")
    assert quiet.returncode == 2
    assert re.fullmatch(r"two\.json: not read: .*\n", quiet.stderr)
    # The next command of the same process is not quiet.
    assert "rows from" in orgtrail(*ask).stderr


def test_quiet_leaves_warnings_of_settings_out(tmp_path: Path) -> None:
    path = tmp_path / "bank.tfvars"
    path.write_text(tfvars(merged(MINIMAL, {"guardrails": {"member_trails": False}})))
    loud = start("permissions", str(path), "logging")
    quiet = start("permissions", str(path), "logging", "-q")
    assert loud.stderr.startswith("warning: ")
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, loud.stdout, "")


def test_a_stale_acceptance_is_a_note() -> None:
    loud = orgtrail("check", ENV, "--accept", "no-lock@archive")
    quiet = orgtrail("check", ENV, "--accept", "no-lock@archive", "-q")
    assert "no finding of no-lock at archive is left" in loud.stderr
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (0, loud.stdout, "")


def start(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "orgtrail.cli", *arguments],
        cwd=ROOT, env=os.environ | variables, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_a_script_that_completes(shell: str) -> None:
    script = start(_ORGTRAIL_COMPLETE=f"source_{shell}")
    assert (script.returncode, script.stderr) == (0, "")
    assert f"_ORGTRAIL_COMPLETE=complete_{shell}" in script.stdout
    line = "orgtrail query show trail-t"
    found = start(
        _ORGTRAIL_COMPLETE=f"complete_{shell}",
        COMP_WORDS=line,
        COMP_CWORD="3",
        _TYPER_COMPLETE_ARGS=line,
        _TYPER_COMPLETE_FISH_ACTION="get-args",
    )
    assert found.returncode == 0
    assert "trail-tampering" in found.stdout
    assert "trail-history" not in found.stdout


def test_completion_imports_nothing_heavy() -> None:
    program = (
        "import os, sys\n"
        "os.environ.update(_ORGTRAIL_COMPLETE='complete_bash', COMP_CWORD='2',\n"
        "                  COMP_WORDS='orgtrail check --f')\n"
        "from orgtrail.cli import main\n"
        "code = main()\n"
        "heavy = {'hcl2', 'duckdb', 'boto3', 'jsii', 'rich', 'sqlglot', 'jinja2'}\n"
        "print(code, sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout == "--format\n0 []\n"


def test_completion_is_installed_for_the_shell_that_runs_it(tmp_path: Path) -> None:
    for option in ("--show-completion", "--install-completion"):
        done = subprocess.run(
            ["bash", "-c", f'"{sys.executable}" -m orgtrail.cli {option}; exit $?'],
            env=os.environ | {"HOME": str(tmp_path)}, cwd=ROOT,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
    assert "complete" in (tmp_path / ".bash_completions" / "orgtrail.sh").read_text()
    assert "orgtrail.sh" in (tmp_path / ".bashrc").read_text()


@pytest.mark.parametrize(
    "variables",
    [
        {"LANG": "C", "LC_ALL": "C"},
        {"COLUMNS": "1"},
        {"TERM": "dumb", "NO_COLOR": "1"},
        {"PYTHONUTF8": "0", "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"},
    ],
    ids=str,
)
def test_a_poor_terminal_gets_the_same_answer(variables: dict[str, str]) -> None:
    assert start("check", ENV, **variables).stdout == orgtrail("check", ENV).stdout
    shown = start("check", "--help", **variables)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "--baseline" in shown.stdout


def test_a_name_that_is_no_utf_8_is_shown_by_its_bytes() -> None:
    done = subprocess.run(
        [sys.executable.encode(), b"-m", b"orgtrail.cli", b"check", b"\xff.tfvars"],
        capture_output=True, check=False, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == b"\\udcff.tfvars: cannot be read: No such file or directory\n"


def test_a_device_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "one.json").write_text('{"Records": []}')
    ask = ("query", "run", "root-use", "--logs", str(logs), "--format", "csv", "--out")
    done = start(*ask, "/dev/stdout")
    assert done.returncode == 0
    assert done.stdout.startswith("event_time,")
    assert start(*ask, os.devnull).returncode == 0
    assert Path(os.devnull).is_char_device()
    done = start(*ask, "/dev/full")
    assert done.returncode == 2
    assert done.stderr == "/dev/full: cannot be written: No space left on device\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "envs", tmp_path / "envs")
    return tmp_path


def main_py(cwd: Path, *arguments: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, str(ROOT / "main.py"), *arguments],
        cwd=cwd, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def test_main_py_explains_itself(project: Path) -> None:
    code, out, err = main_py(project, "--help")
    assert (code, err) == (0, "")
    for word in ("ORGTRAIL_ENVS", "CDKTF_OUTDIR", "FILE|DIR", "Exit codes", "--quiet"):
        assert word in out
    assert main_py(project, "--version") == (0, f"orgtrail {version('orgtrail')}\n", "")
    assert not (project / "cdktf.out").exists()


@pytest.mark.parametrize(
    ("arguments", "stacks"),
    [
        (["envs/fintech.tfvars"], ["fintech"]),
        (["envs/fintech.tfvars", "envs/healthcare.tfvars"], ["fintech", "healthcare"]),
        (["envs/fintech.tfvars", "envs"], ["fintech", "healthcare"]),
        (["-q", "--", "envs"], ["fintech", "healthcare"]),
    ],
)
def test_main_py_synthesizes_what_it_is_given(
    project: Path, arguments: list[str], stacks: list[str]
) -> None:
    assert main_py(project, *arguments) == (0, "", "")
    manifest = json.loads((project / "cdktf.out" / "manifest.json").read_text())
    assert sorted(manifest["stacks"]) == stacks
    assert sorted(each.name for each in (project / "cdktf.out" / "stacks").iterdir()) == stacks


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--frob"], "unrecognized arguments: --frob\nSee python main.py --help.\n"),
        (["absent.tfvars"], "absent.tfvars: cannot be read: No such file or directory\n"),
        (["absent"], "absent: has no environment file; write one, such as bank.tfvars\n"),
        ([""], "FILE: is empty: name a file or a folder\n"),
    ],
)
def test_main_py_refuses_what_it_does_not_know(
    project: Path, arguments: list[str], said: str
) -> None:
    assert main_py(project, *arguments) == (2, "", said)
    assert not (project / "cdktf.out").exists()


def test_the_first_time_is_told_where_somebody_watches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("JSII_RUNTIME_PACKAGE_CACHE_ROOT", str(tmp_path))
    said = "unpacking the AWS provider's bindings, once on this machine: up to a minute\n"
    for watched, quiet in ((False, False), (True, True), (True, False)):
        monkeypatch.setattr(sys.stderr, "isatty", lambda watched=watched: watched)
        set_quiet(quiet)
        with fastpath.lazily(CDKTF):
            pass
        assert capsys.readouterr().err == (said if watched and not quiet else "")
    set_quiet(False)
    package = tmp_path / "@cdktf" / "provider-aws" / version("cdktf-cdktf-provider-aws") / "0f"
    package.mkdir(parents=True)
    # An entry without the mark is not whole: a run was killed while it unpacked.
    with fastpath.lazily(CDKTF):
        pass
    assert capsys.readouterr().err == said
    (package / ".jsii-runtime-package-cache").touch()
    with fastpath.lazily(CDKTF):
        pass
    assert capsys.readouterr().err == ""


def test_the_mark_of_an_unpacked_package_is_that_of_jsii() -> None:
    """The bindings are imported in these tests, so the cache of this machine is filled."""
    import orgtrail.cdktf.bindings  # noqa: F401

    assert fastpath.is_unpacked(CDKTF, fastpath.home())
