"""`python main.py` as its users run it: a process of its own, in any folder."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from orgtrail.cdktf import app
from orgtrail.cdktf.app import MANY
from orgtrail.cdktf.fastpath import SWITCH

from tests.conftest import MINIMAL, ROOT, merged, tfvars

Result = subprocess.CompletedProcess[str]


def run(*command: str, cwd: Path, **variables: str) -> Result:
    """Run a command with few variables, so that nothing of this machine leaks in."""
    kept = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}
    return subprocess.run(
        command, cwd=cwd, env=kept | variables, capture_output=True, text=True, check=False
    )


def main_py(cwd: Path, **variables: str) -> Result:
    return run(sys.executable, str(ROOT / "main.py"), cwd=cwd, **variables)


def output(folder: Path) -> dict[str, bytes]:
    return {
        str(each.relative_to(folder)): each.read_bytes()
        for each in sorted(folder.rglob("*"))
        if each.is_file()
    }


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Make a project with the example environments."""
    shutil.copytree(ROOT / "envs", tmp_path / "envs")
    return tmp_path


def test_a_stack_for_each_file_and_not_a_word(project: Path) -> None:
    result = main_py(project)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert set(output(project / "cdktf.out")) == {
        "manifest.json",
        "stacks/fintech/cdk.tf.json",
        "stacks/healthcare/cdk.tf.json",
    }
    manifest = json.loads((project / "cdktf.out" / "manifest.json").read_text())
    assert set(manifest["stacks"]) == {"fintech", "healthcare"}


def test_output_is_the_same_on_every_run_in_every_place(project: Path, tmp_path: Path) -> None:
    assert main_py(project).returncode == 0
    first = output(project / "cdktf.out")
    elsewhere = tmp_path / "deep" / "er"
    elsewhere.mkdir(parents=True)
    result = main_py(
        elsewhere,
        ORGTRAIL_ENVS=str(project / "envs"),
        CDKTF_OUTDIR="out",
        LANG="C",
        TZ="Asia/Tokyo",
    )
    assert result.stderr == ""
    assert output(elsewhere / "out") == first


def test_the_slow_path_writes_the_same_bytes(project: Path) -> None:
    assert main_py(project).returncode == 0
    fast = output(project / "cdktf.out")
    shutil.rmtree(project / "cdktf.out")
    result = main_py(project, **{SWITCH: "0"})
    assert result.returncode == 0, result.stderr
    assert output(project / "cdktf.out") == fast


def test_the_fast_path_loads_few_modules_and_leaves_no_trace() -> None:
    program = (
        "import os, sys; before = dict(os.environ)\n"
        "import orgtrail.cdktf.bindings\n"
        "assert dict(os.environ) == before\n"
        "import cdktf_cdktf_provider_aws as provider\n"
        "names = [each.split('.') for each in sys.modules]\n"
        "print(len({each[1] for each in names if each[0] == provider.__name__ and each[1:]}))\n"
        "assert provider.sns_topic.SnsTopic and provider.sqs_queue\n"
        "try: provider.absent\n"
        "except AttributeError: print('absent')\n"
    )
    result = run(sys.executable, "-c", program, cwd=ROOT)
    assert result.stderr == ""
    count, absent = result.stdout.split()
    assert int(count) < 30
    assert absent == "absent"


def test_a_provider_imported_first_is_left_as_it_is() -> None:
    program = (
        "import sys, types\n"
        "already = sys.modules['cdktf_cdktf_provider_aws'] = types.ModuleType('x')\n"
        "from orgtrail.cdktf.fastpath import lazily\n"
        "from orgtrail.cdktf.kit import CDKTF\n"
        "with lazily(CDKTF): pass\n"
        "assert sys.modules['cdktf_cdktf_provider_aws'] is already\n"
        "print(sum('Lazy' in type(each).__name__ for each in sys.meta_path))\n"
    )
    assert run(sys.executable, "-c", program, cwd=ROOT).stdout == "0\n"


def test_synthesis_needs_neither_node_nor_terraform_on_the_path(project: Path) -> None:
    result = main_py(project, PATH="/nonexistent")
    assert (result.returncode, result.stderr) == (0, "")


def test_a_fault_is_told_without_a_traceback_and_nothing_is_written(project: Path) -> None:
    bad = project / "envs" / "healthcare.tfvars"
    bad.write_text(bad.read_text().replace("rotation_days = 180", "rotation_days = 1"))
    result = main_py(project)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == (
        "envs/healthcare.tfvars:61: key.rotation_days must be at least 90; got 1\n"
    )
    assert not (project / "cdktf.out").exists()


def test_a_failure_leaves_the_old_output_and_terraforms_files(project: Path) -> None:
    assert main_py(project).returncode == 0
    lock = project / "cdktf.out" / "stacks" / "healthcare" / ".terraform.lock.hcl"
    lock.write_text("kept")
    before = output(project / "cdktf.out")
    (project / "envs" / "broken.tfvars").write_text("name = [")
    assert main_py(project).returncode == 2
    assert output(project / "cdktf.out") == before
    (project / "envs" / "broken.tfvars").unlink()
    assert main_py(project).returncode == 0
    assert output(project / "cdktf.out") == before


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"ORGTRAIL_ENVS": "nowhere"}, "nowhere: has no environment file; write one, such as"),
        ({"JSII_NODE": "/no/node"}, "JSII_NODE must name a Node program; got /no/node; unset it"),
        ({"CDKTF_OUTDIR": "/dev/null/out"}, "/dev/null/out: cannot be written: "),
    ],
)
def test_what_the_machine_lacks_is_told_in_a_line(
    project: Path, variables: dict[str, str], expected: str
) -> None:
    result = main_py(project, **variables)
    assert result.returncode == 2
    assert result.stderr.startswith(expected)
    assert len(result.stderr.splitlines()) == 1


def test_an_interruption_is_told_in_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(app, "trust_types", lambda: None)
    monkeypatch.setattr(app, "load_environments", interrupted)
    assert app.main() == 2
    assert capsys.readouterr().err == "interrupted; the output is as it was before\n"


def test_many_environments_show_progress_on_a_terminal(tmp_path: Path) -> None:
    (tmp_path / "envs").mkdir()
    for number in range(MANY):
        own = {
            "name": f"bank{number}",
            "organization": {"id": f"o-examplebank{number}"},
            "archive": {"bucket": f"example-bank{number}-archive"},
        }
        settings = merged(MINIMAL, own)
        text = tfvars(settings)
        (tmp_path / "envs" / f"bank{number}.tfvars").write_text(text)
    assert main_py(tmp_path).stderr == "", "a pipe is no terminal"
    terminal, its_end = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "main.py")],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=its_end,
    )
    os.close(its_end)
    shown = b""
    with suppress(OSError):  # Linux tells the end of a terminal as an error
        while block := os.read(terminal, 4096):
            shown += block
    os.close(terminal)
    out, _ = process.communicate()
    assert (process.returncode, out) == (0, b"")
    assert b"Synthesizing" in shown


def test_the_cdktf_cli_finds_the_app(tmp_path: Path) -> None:
    """Run the command of cdktf.json as the CLI does, with its folder for the output."""
    settings = json.loads((ROOT / "cdktf.json").read_text())
    assert settings["language"] == "python"
    assert settings["app"] == ".venv/bin/python main.py"
    result = run("/bin/sh", "-c", settings["app"], cwd=ROOT, CDKTF_OUTDIR=str(tmp_path / "out"))
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert (tmp_path / "out" / "stacks" / "healthcare" / "cdk.tf.json").exists()


def test_the_demo_shows_accounts_json_time_and_the_next_command(project: Path) -> None:
    result = run(sys.executable, "-m", "orgtrail.demo", cwd=project)
    assert (result.returncode, result.stderr) == (0, "")
    for expected in (
        "aws_s3_bucket (3): archive, archive_access_logs, catalog_results",
        "reads aws_organizations_organization: organization",
        "cdktf.out/stacks/healthcare/cdk.tf.json",
        "cdktf plan healthcare",
        "2 environments in ",
        "A sample of healthcare: ",
        "What an auditor gets (orgtrail report envs/healthcare.tfvars --logs cdktf.out/sample ...",
    ):
        assert expected in result.stdout
    (whole,) = re.findall(r"healthcare: 4 accounts, (\d+) resources in us-east-1", result.stdout)
    parts = [
        re.findall(rf"{account}, us-east-1 \((\d+) resources\)", result.stdout)
        for account in ("management: account 111111111111", "logging: account 222222222222")
    ]
    assert sum(int(each) for (each,) in parts) == int(whole)
    assert re.search(r"fintech: 15 accounts, \d+ resources in eu-west-1", result.stdout)
    page = project / "cdktf.out" / "report" / "report.html"
    assert result.stdout.endswith(f"    open {page} in a browser\n")
    assert "Audit trail of healthcare" in page.read_text(encoding="utf-8")


def test_the_demo_tells_faults_as_the_app_does(tmp_path: Path) -> None:
    (tmp_path / "envs").mkdir()
    text = tfvars(merged(MINIMAL, {"archive": ...}))
    (tmp_path / "envs" / "bank.tfvars").write_text(text)
    result = run(sys.executable, "-m", "orgtrail.demo", cwd=tmp_path)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == "envs/bank.tfvars:1: archive is required\n"
