"""Whether there is all that a deploy needs; where it lacks, these tests are skipped, or fail."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.e2e.cloud import MOTO, Cloud, Organization, cloud, organization
from tests.e2e.engines import TERRAFORM
from tests.e2e.terraform import Folder, Project

REQUIRED = "ORGTRAIL_E2E"
"""Environment variable that has a missing part fail the tests (`make e2e` sets it)."""
MANAGEMENT = "111111111111"
EXAMPLE = ROOT / "envs" / "healthcare.tfvars"


def _missing(folder: Path) -> str:
    """Return what cannot be had here, empty where nothing lacks."""
    if not MOTO.exists():
        return "moto is not installed; `make test` installs it"
    if TERRAFORM is None:
        return "neither terraform nor tofu is here; `make tofu` builds the latter"
    wanted = {"aws": {"source": "hashicorp/aws", "version": "~> 6.25"}}
    content = {"terraform": {"required_providers": wanted}}
    (folder / "main.tf.json").write_text(json.dumps(content))
    done = Folder(folder).run("init")
    if done.code:
        reason = next((line for line in done.said.splitlines() if "rror" in line), "")
        return f"`terraform init` finds no provider hashicorp/aws ~> 6.25 ({reason.strip(' │')})"
    return ""


@pytest.fixture(scope="session", autouse=True)
def _everything_is_here(tmp_path_factory: pytest.TempPathFactory) -> None:
    if missing := _missing(tmp_path_factory.mktemp("provider")):
        reason = f"not deployed for real: {missing}"
        if os.environ.get(REQUIRED):
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """Start an AWS API of the module's own."""
    with cloud(tmp_path_factory.mktemp("aws")) as started:
        yield started


@pytest.fixture(scope="module")
def bank(here: Cloud) -> Organization:
    """Make the organization of the healthcare example."""
    return organization(here, MANAGEMENT, "logging", "production", "development")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, bank: Organization) -> Project:
    """Lay out a project with the healthcare example for that organization."""
    path = tmp_path_factory.mktemp("project") / "main"
    return Project.made(path, "healthcare", bank.placed(EXAMPLE.read_text(encoding="utf-8")))
