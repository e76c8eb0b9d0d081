"""The documents hold: their commands exist, their files load, their tables are complete."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path

import botocore.session
import pytest
from botocore import xform_name
from cogapp import Cog
from orgtrail.alarms import ALARMS
from orgtrail.check.run import check, rule_names
from orgtrail.environments import load_environment, load_environments
from orgtrail.logs.bounds import EARLIER, LATER
from orgtrail.settings.environment import Environment
from orgtrail.settings.hcl import read_hcl

from tests import golden
from tests.conftest import MINIMAL, ROOT, Json, merged, orgtrail, tfvars
from tests.mistakes import ARCHIVE, Change, rewrite, stack

README = (ROOT / "README.md").read_text(encoding="utf-8")
RESOURCES = (ROOT / "docs" / "resources.md").read_text(encoding="utf-8")
NAMES = [each.name for each in load_environments(ROOT / "envs")]
HOSPITAL = "healthcare"
BANK = "bank"
"""What all pages call the reader's own environment; the README has its file."""


PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]


def fenced(language: str, text: str = README) -> list[str]:
    return re.findall(rf"^ *```{language}\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)


COMMANDS = [
    line
    for page in PAGES
    for block in fenced("sh", page.read_text(encoding="utf-8"))
    for line in map(str.strip, block.splitlines())
    if line
]
EXAMPLES = [
    pytest.param(block, id=f"{page.stem}-{number}")
    for page in PAGES
    if page.name != "README.md"
    for number, block in enumerate(fenced("hcl", page.read_text(encoding="utf-8")))
]


def test_the_tables_are_those_of_the_code(capsys: pytest.CaptureFixture[str]) -> None:
    pages = [str(page) for page in PAGES if "<!-- [[[cog" in page.read_text(encoding="utf-8")]
    assert pages
    docs = str(ROOT / "docs")
    code = Cog().main(["cog", "--check", "--diff", "-I", docs, *pages])
    assert code == 0, capsys.readouterr().out + "run `make docs`"


def test_the_page_of_questions_names_the_days_around_the_bounds() -> None:
    page = (ROOT / "docs" / "queries.md").read_text(encoding="utf-8")
    bounds = f"from {EARLIER.days} day before to {LATER.days} days after"
    assert bounds in " ".join(page.split())


@pytest.mark.parametrize("block", EXAMPLES)
def test_examples_of_the_documents_are_valid(block: str, tmp_path: Path) -> None:
    path = tmp_path / "example.tfvars"
    path.write_text(block, encoding="utf-8")
    values: Json = read_hcl(path).values
    home = values.get("guardduty", {}).get("regions", ["us-east-1"])[0]
    assert Environment.model_validate(merged({**MINIMAL, "home_region": home}, values))


LOCK: Json = {"archive": {"object_lock": {"mode": "GOVERNANCE", "days": 365}}}


@pytest.mark.parametrize("block", EXAMPLES)
def test_the_check_finds_nothing_in_examples_of_the_documents(block: str, tmp_path: Path) -> None:
    path = tmp_path / "example.tfvars"
    path.write_text(block, encoding="utf-8")
    values: Json = read_hcl(path).values
    home = values.get("guardduty", {}).get("regions", ["us-east-1"])[0]
    others = values.get("adopt", {}).get("bucket", {}).get("manage") is False
    whole = merged(merged({**MINIMAL, "home_region": home}, {} if others else LOCK), values)
    path.write_text(tfvars(whole), encoding="utf-8")
    # What an example only refers to is unproven, as the page of the check says.
    found = [each for each in check(path).findings if each.rule != "adopt"]
    assert found == []


def test_every_alarm_is_documented_with_its_control_pattern_and_response() -> None:
    page = (ROOT / "docs" / "alarms.md").read_text(encoding="utf-8")
    for alarm in ALARMS:
        section = page.split(f"## {alarm.name}\n")[1].split("\n## ")[0]
        assert alarm.pattern in section
        assert alarm.response in section
        assert all(control in section for control in alarm.controls)


def test_every_setting_has_a_meaning() -> None:
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert len(rows) > 60
    assert all(line.count(" | ") == 4 and not line.endswith("|  |") for line in rows)


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sample of the healthcare example, for the questions of the documents."""
    folder = tmp_path_factory.mktemp("hospital") / "made"
    assert orgtrail("sample", str(folder), "--env", "envs/healthcare.tfvars").returncode == 0
    return folder


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the README's environment file, `bank.tfvars`, and a sample, `made`."""
    folder = tmp_path_factory.mktemp("bank")
    (whole,) = fenced("hcl")
    file = folder / f"{BANK}.tfvars"
    file.write_text(whole, encoding="utf-8")
    assert orgtrail("sample", str(folder / "made"), "--env", str(file)).returncode == 0
    return folder


ELSEWHERE = {
    # test_app.py runs the first, test_extras.py and test_cdktn.py what the others stand for.
    ".venv/bin/python": ("main.py",),
    "pip": ("install",),
    ".cdktn/bin/pip": ("install",),
    "python3": ("-m",),
    "npm": ("install",),
    # tests/e2e/test_opentofu.py gives OpenTofu this variable, as the page has it.
    "export": ('TF_ENCRYPTION="$(cat',),
    # What a release tells others, no test may do (docs/releasing.md).
    "docker": ("inspect", "push", "tag"),
    "gh": ("release",),
    "git": ("push", "tag"),
    "sha256sum": ("dist/orgtrail-*",),
}
"""What is not run here, by program."""


def outside(words: list[str]) -> list[str]:
    """Return a command in the container as the one that it starts: `orgtrail`."""
    if words[:2] == ["docker", "run"]:
        return [".venv/bin/orgtrail", *words[words.index("orgtrail") + 1 :]]
    return words


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_of_the_documents_exist(
    command: str, tmp_path: Path, hospital: Path, bank: Path
) -> None:
    """Each is of a kind that is run here or in another test; a new kind fails."""
    program, *words = outside(command.split())
    if program == "make":
        dry = subprocess.run(
            ["make", "--dry-run", *words], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert dry.returncode == 0, dry.stderr
    elif program in ("cdktf", "cdktn"):
        assert words[0] in ("plan", "deploy", "synth")
        assert set(words[1:]) <= {*NAMES, BANK}
    elif program in ("terraform", "tofu"):
        folder = Path(words[0].removeprefix("-chdir="))
        assert folder.parts[:2] == ("cdktf.out", "stacks")
        assert folder.name in (*NAMES, BANK)
        # The README's file is not synthesized; the hospital has all that it asks for.
        name = HOSPITAL if folder.name == BANK else folder.name
        if words[1:3] == ["state", "rm"]:
            assert set(words[3:]) <= addresses(name) | addresses("trusting")
        elif words[1] == "output":
            assert words[-1] in json.loads(golden.fresh()[f"{name}.tf.json"])["output"]
        else:
            assert words[1] in ("init", "plan", "apply", "destroy", "show")
    elif program == "aws":
        assert_aws_has(*words)
    elif program == ".venv/bin/orgtrail":
        arguments = words[: words.index(">")] if ">" in words else words
        # A module, a sample and a report are written where the test may write.
        samples = {
            **dict.fromkeys(
                ("cdktf.out/hospital", "cdktf.out/questions", "cdktf.out/intrusion"), hospital
            ),
            "cdktf.out/bank": bank / "made",
        }
        if words[0] == "sample":
            samples = dict.fromkeys(samples, tmp_path / "made")
        places = {
            f"envs/{BANK}.tfvars": bank / f"{BANK}.tfvars",
            "modules/audit-trail": tmp_path,
            "cdktf.out/tampering.json": tmp_path / "tampering.json",
            "cdktf.out/evidence": tmp_path / "evidence",
            **samples,
        }
        arguments = [str(places.get(each, each)) for each in arguments]
        if words[0] == "doctor" or (words[0] == "report" and "--logs" not in words):
            # Over live accounts: tests/doctor/test_auditor.py runs them, against moto.
            arguments.append("--help")
        done = orgtrail(*arguments)
        # A sample's report asks a reader whether the changes of the archive were meant.
        code = 2 if words[0] == "report" and "--logs" in words else 0
        assert done.returncode == code, done.stdout + done.stderr
    else:
        assert words[0] in ELSEWHERE[program]


def assert_aws_has(service: str, operation: str, *words: str) -> None:
    model = botocore.session.get_session().get_service_model(service)
    names = {xform_name(each, "-"): each for each in model.operation_names}
    shape = model.operation_model(names[operation]).input_shape
    options = {f"--{xform_name(each, '-')}" for each in (shape.members if shape else ())}
    assert {each for each in words if each.startswith("--")} <= options


def addresses(name: str) -> set[str]:
    stack = json.loads(golden.fresh()[f"{name}.tf.json"])
    return {f"{kind}.{each}" for kind, named in stack["resource"].items() for each in named}


def test_the_environment_file_of_the_readme_is_whole(tmp_path: Path) -> None:
    (whole,) = fenced("hcl")
    path = tmp_path / f"{BANK}.tfvars"
    path.write_text(whole, encoding="utf-8")
    assert load_environment(path).name == BANK
    page = (ROOT / "docs" / "hcp-terraform.md").read_text(encoding="utf-8")
    for backend, kind in zip(fenced("hcl", page), ("cloud", "s3"), strict=True):
        path.write_text(whole + backend, encoding="utf-8")
        assert load_environment(path).backend.type == kind


def _lets_partner_in(statements: Json) -> None:
    statements["Partner"] = {
        "Sid": "Partner",
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::999999999990:root"},
        "Action": "s3:GetObjectVersion",
        "Resource": "arn:aws:s3:::example-healthcare-audit-archive/AWSLogs/o-examplehc01/*",
    }


FINDINGS: dict[str, tuple[str, Change]] = {
    "access": (HOSPITAL, rewrite(*ARCHIVE, _lets_partner_in)),
    "trust": (
        HOSPITAL,
        rewrite(
            "aws_iam_role.auditor", "assume_role_policy",
            lambda by_sid: by_sid["Trusted1"]["Condition"].pop("StringEquals"),
        ),
    ),
    "delivery": (
        "fintech",
        rewrite(
            "aws_sqs_queue_policy.siem_queue_policy", "policy",
            lambda by_sid: by_sid.pop("TopicSends"),
        ),
    ),
    "reach": (
        "everything",
        rewrite(
            "aws_organizations_policy.guardrails_scp_readers", "content",
            lambda by_sid: by_sid.pop("ProtectSchedules"),
        ),
    ),
    "one-layer": (HOSPITAL, rewrite(*ARCHIVE, lambda by_sid: by_sid.pop("DenyDeletion"))),
}  # fmt: skip
"""By rule: what makes the finding that docs/check.md shows."""


@pytest.mark.parametrize("rule", FINDINGS)
def test_a_finding_of_the_page_is_what_the_check_prints(rule: str, tmp_path: Path) -> None:
    name, change = FINDINGS[rule]
    content = stack(name)
    change(content)
    path = tmp_path / "cdk.tf.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    printed = "".join(orgtrail("check", str(path)).stdout.split())
    page = (ROOT / "docs" / "check.md").read_text(encoding="utf-8")
    shown = ["".join(each.split()) for each in fenced("text", page)[1:]]
    (found,) = [each for each in shown if f"{rule}·" in each]
    assert found in printed


def test_the_verdicts_of_the_check_are_those_of_the_pages(bank: Path) -> None:
    (verdict,) = re.findall(r"`(no finding; [^`]+)`", README)
    assert f": {verdict}.\n" in orgtrail("check", str(bank / f"{BANK}.tfvars")).stdout
    page = (ROOT / "docs" / "check.md").read_text(encoding="utf-8")
    told = fenced("text", page)[0]
    lines = orgtrail("check", f"envs/{HOSPITAL}.tfvars").stdout.splitlines()
    assert told.splitlines() == [each.rstrip() for each in lines[: told.count("\n")]]


def test_the_table_of_resources_is_complete() -> None:
    told = set(re.findall(r"`(aws_\w+)`", RESOURCES))
    stacks = [json.loads(text) for name, text in golden.fresh().items() if name.endswith("tf.json")]
    made = {
        kind
        for stack in stacks
        for section in ("resource", "data")
        for kind in stack.get(section, {})
    }
    assert told == made


def test_the_outputs_are_those_of_the_stack() -> None:
    told = RESOURCES.split("The outputs of the stack name")[1].split("\n\n")[0]
    made = {
        output
        for name, content in golden.fresh().items()
        if name.endswith(".tf.json")
        for output in json.loads(content)["output"]
    }
    assert set(re.findall(r"`(\w+)`", told)) == made


def headings(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    found = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in found}


@pytest.mark.parametrize("page", PAGES, ids=lambda each: each.stem)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for link, anchor in re.findall(r"\]\(([^)#]*)(?:#([^)]*))?\)", text):
        if not link.startswith("https://"):
            target = page.parent / link if link else page
            assert target.exists(), link
            assert not anchor or anchor in headings(target), f"{link}#{anchor}"


def test_the_step_for_committed_json_fails_when_it_is_stale(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"committed JSON is fresh\n +run: \|\n((?: {10}.+\n)+)", page)
    step = textwrap.dedent(block)
    file = tmp_path / "envs" / "healthcare.tfvars"
    file.parent.mkdir()
    shutil.copy(ROOT / "envs" / "healthcare.tfvars", file)
    shutil.copy(ROOT / "main.py", tmp_path)
    search = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}

    def run(script: str) -> int:
        return subprocess.run(
            ["sh", "-e", "-c", script], cwd=tmp_path, capture_output=True, check=False,
            env={**os.environ, **search},
        ).returncode  # fmt: skip

    commit = "git add -A && git -c user.name=a -c user.email=a@example.com commit -qm a"
    # Nothing is committed yet: a new file is a difference too.
    assert run("git init -q && mkdir deploy") == 0
    assert run(step) == 1
    assert run(commit) == 0
    assert run(step) == 0
    file.write_text(file.read_text(encoding="utf-8").replace("o-examplehc01", "o-examplehc02"))
    assert run(step) == 1
    assert run(f"git checkout -q envs && {step}") == 0
    # The stack of a file that is gone must go too, or it is applied for ever.
    shutil.copy(ROOT / "envs" / "fintech.tfvars", file.parent)
    assert run(f"{step[: step.index('git add')]} {commit}") == 0
    assert run(step) == 0
    assert run(f"rm envs/fintech.tfvars && {step}") == 1
    assert run("git checkout -q envs") == 0
    written = tmp_path / "deploy/stacks/healthcare/cdk.tf.json"
    text = written.read_text(encoding="utf-8")
    assert "GOVERNANCE" in text
    written.write_text(text.replace("GOVERNANCE", "COMPLIANCE"), encoding="utf-8")
    assert run(commit) == 0
    assert run(step) == 1


def test_the_hook_of_pre_commit_is_ours() -> None:
    page = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    hooks = (ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")
    assert re.findall(r"- id: (\S+)", page) == re.findall(r"- id: (\S+)", hooks)
    (command,) = re.findall(r"entry: (\w+) check", hooks)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["scripts"] == {command: "orgtrail.start:main"}
    (pattern,) = re.findall(r"files: (.+)", hooks)
    found = [str(path.relative_to(ROOT)) for path in ROOT.glob("envs/*")]
    assert all(re.search(pattern, path) for path in found)
    assert not re.search(pattern, "modules/orgtrail/settings/hcl.py")


def test_rules_that_documents_name_exist() -> None:
    for page in PAGES:
        accepted = re.findall(r"--accept,? ([a-z-]+)", page.read_text(encoding="utf-8"))
        assert set(accepted) <= set(rule_names()), page
