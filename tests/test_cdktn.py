"""CDK Terrain in CDKTF's place: the same stacks, its CLI, and programs that are written for it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
from orgtrail.cdktf import kit as kits
from orgtrail.cdktf.kit import CDKTF, CDKTN, HCL_OUTPUT, Kit, kit, refuse_hcl_output
from orgtrail.errors import OrgtrailError
from orgtrail.extras import MissingExtraError

from tests import cdktn, golden
from tests.conftest import ROOT
from tests.consumer import PROGRAM

needs_it = pytest.mark.skipif(not cdktn.is_here(), reason=cdktn.ABSENT)
HCL = (
    "synth --hcl (SYNTH_HCL_OUTPUT={given}) must be left out: {kit} writes HCL that Terraform "
    "cannot read; orgtrail module DIR --env FILE writes a module in HCL"
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Lay out the project with the examples, as a user of CDK Terrain has it."""
    shutil.copytree(ROOT / "envs", tmp_path / "envs")
    shutil.copy(ROOT / "main.py", tmp_path)
    content = json.loads((ROOT / "cdktf.json").read_text())
    content["app"] = f"{cdktn.PYTHON} main.py"
    (tmp_path / "cdktf.json").write_text(json.dumps(content))
    return tmp_path


@needs_it
def test_every_golden_stack_differs_in_the_version_of_the_kit_alone(tmp_path: Path) -> None:
    folders = map(str, golden.FOLDERS)
    done = cdktn.run(cdktn.PYTHON, "-W", "ignore", ROOT / "main.py", *folders, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    theirs = cdktn.run(
        cdktn.PYTHON, "-c", "from importlib.metadata import version; print(version('cdktn'))",
        cwd=tmp_path,
    ).stdout.strip()  # fmt: skip
    line = '"version": "{}"'
    ours = line.format(version("cdktf"))
    made = sorted((tmp_path / "cdktf.out" / "stacks").glob("*/cdk.tf.json"))
    assert {each.parent.name for each in made} == {each.name for each in golden.environments()}
    for each in made:
        expected = (golden.FOLDER / f"{each.parent.name}.tf.json").read_text()
        assert expected.count(ours) == 1
        # In the same order too; an empty list has a line break in one and none in the other.
        assert json.dumps(json.loads(each.read_text())) == json.dumps(
            json.loads(expected.replace(ours, line.format(theirs)))
        )


@needs_it
def test_few_files_of_the_bindings_are_loaded(tmp_path: Path) -> None:
    """Its index in Node loads all 2,400 without the hook."""
    counting = tmp_path / "counting.cjs"
    counting.write_text("""
        const Module = require("node:module"), compile = Module.prototype._compile;
        let count = 0;
        Module.prototype._compile = function (text, file, ...rest) {
          count += /@cdktn.provider-aws.lib/.test(file);
          return compile.call(this, text, file, ...rest);
        };
        process.on("exit", () => count && require("fs").writeFileSync("count", String(count)));
    """)
    hook = {"NODE_OPTIONS": f"--require {counting}"}
    counts = []
    for fast in ("1", "0"):
        done = cdktn.run(
            cdktn.PYTHON, ROOT / "main.py", ROOT / "envs", cwd=tmp_path, ORGTRAIL_FAST_PATH=fast,
            **hook,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        counts.append(int((tmp_path / "count").read_text()))
    kinds = json.loads((tmp_path / "cdktf.out/stacks/fintech/cdk.tf.json").read_text())
    used = {*kinds["resource"], *kinds["data"]}
    # A few files for each kind of resource, against one and more for every kind there is.
    assert counts[0] < 4 * len(used) < counts[1]


@needs_it
def test_its_cli_synthesizes_the_project(project: Path) -> None:
    done = cdktn.run(cdktn.CLI, "synth", cwd=project)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Generated Terraform code for the stacks: fintech, healthcare" in done.stdout
    assert {each.parent.name for each in project.glob("cdktf.out/stacks/*/cdk.tf.json")} == {
        "fintech", "healthcare",
    }  # fmt: skip


@needs_it
def test_its_cli_is_told_that_hcl_cannot_be_had(project: Path) -> None:
    done = cdktn.run(cdktn.CLI, "synth", "--hcl", cwd=project)
    assert done.returncode == 1
    assert HCL.format(given="true", kit="cdktn") in done.stdout + done.stderr
    assert not [*project.glob("cdktf.out/stacks/*")]


@needs_it
def test_a_program_that_is_written_for_it_uses_our_construct(tmp_path: Path) -> None:
    assert PROGRAM is not None
    (tmp_path / "audit.tfvars").write_text((ROOT / "envs" / "healthcare.tfvars").read_text())
    names = "App, AwsProvider, OrganizationTrail, TerraformStack, load_environment"
    text = PROGRAM[1].replace(
        f"from orgtrail import {names}",
        "from orgtrail import OrganizationTrail, load_environment\n"
        "from cdktn import App, TerraformStack\n"
        "from cdktn_provider_aws.provider import AwsProvider",
    )
    assert text != PROGRAM[1]
    (tmp_path / "app.py").write_text(text)
    done = cdktn.run(cdktn.PYTHON, "app.py", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    stack = json.loads((tmp_path / "cdktf.out/stacks/platform/cdk.tf.json").read_text())
    assert len(stack["resource"]["aws_cloudtrail"]) == 1


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """Let a set say which packages are installed."""
    names: set[str] = set()
    monkeypatch.setattr(kits, "is_installed", names.__contains__)
    monkeypatch.delenv("ORGTRAIL_CDK", raising=False)
    kit.cache_clear()
    yield names
    kit.cache_clear()


@pytest.mark.parametrize(
    ("here", "asked", "used"),
    [
        ((CDKTF,), None, CDKTF),
        ((CDKTN,), None, CDKTN),
        ((CDKTF, CDKTN), None, CDKTF),
        ((CDKTF, CDKTN), "", CDKTF),
        ((CDKTF, CDKTN), "cdktn", CDKTN),
        ((CDKTF, CDKTN), "cdktf", CDKTF),
    ],
)
def test_whichever_is_installed_is_used(
    installed: set[str],
    monkeypatch: pytest.MonkeyPatch,
    here: tuple[Kit, ...],
    asked: str | None,
    used: Kit,
) -> None:
    installed |= {name for each in here for name in (each.package, each.provider)}
    if asked is not None:
        monkeypatch.setenv("ORGTRAIL_CDK", asked)
    assert kit() == used


@pytest.mark.parametrize(
    ("here", "asked", "said"),
    [
        ((), None, "making stacks needs CDKTF or CDK Terrain: pip install 'orgtrail[cdktf]' or "
                   "pip install 'orgtrail[cdktn]'"),
        # The kit without its bindings is no kit.
        (("cdktf",), None, "making stacks needs CDKTF or CDK Terrain: pip install "
                           "'orgtrail[cdktf]' or pip install 'orgtrail[cdktn]'"),
        ((CDKTF.package, CDKTF.provider), "cdktn",
         "ORGTRAIL_CDK names cdktn, which is not installed: pip install 'orgtrail[cdktn]'"),
    ],
)  # fmt: skip
def test_one_that_is_missing_is_named_with_what_to_install(
    installed: set[str],
    monkeypatch: pytest.MonkeyPatch,
    here: tuple[str, ...],
    asked: str | None,
    said: str,
) -> None:
    installed |= {*here}
    if asked is not None:
        monkeypatch.setenv("ORGTRAIL_CDK", asked)
    with pytest.raises(MissingExtraError, match=f"^{re.escape(said)}$"):
        kit()


def test_another_kit_is_refused(installed: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    installed |= {CDKTF.package, CDKTF.provider}
    monkeypatch.setenv("ORGTRAIL_CDK", "pulumi")
    with pytest.raises(OrgtrailError, match=r"^ORGTRAIL_CDK must be cdktf or cdktn; got pulumi$"):
        kit()


@pytest.mark.parametrize("given", ["true", "1"])
def test_hcl_from_the_kit_is_refused(project: Path, given: str) -> None:
    done = subprocess.run(
        [sys.executable, "main.py"], cwd=project, env={**cdktn.environment(), HCL_OUTPUT: given},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    said = HCL.format(given=given, kit="cdktf")
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"{said}\n")
    assert not (project / "cdktf.out").exists()


@pytest.mark.parametrize("given", ["false", "", "0"])
def test_json_is_what_the_kits_write_otherwise(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv(HCL_OUTPUT, given)
    refuse_hcl_output()
