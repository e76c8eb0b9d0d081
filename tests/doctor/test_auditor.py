"""The walk of docs/auditor.md over live accounts: the hospital on moto, from deploy to bundle."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from orgtrail.aws import session_in
from orgtrail.environments import load_environment
from orgtrail.report.controls import REQUIREMENTS

from tests.conftest import ROOT, orgtrail, synthesized
from tests.doctor.conftest import MANAGEMENT, lay_digests, prepare, variables
from tests.doctor.deployment import Deployment
from tests.e2e.cloud import HOST, MOTO, cloud, organization

PAGES = [(ROOT / "docs" / f"{name}.md").read_text() for name in ("auditor", "doctor")]
LIVE = [
    line
    for page in PAGES
    for line in re.findall(r"^\.venv/bin/orgtrail (?:doctor|report) .*$", page, re.MULTILINE)
    if "--logs" not in line
]


@dataclass(frozen=True)
class Hospital:
    """The hospital as it is deployed: its file, with the ids that AWS made up."""

    file: Path
    deployment: Deployment

    def run(self, command: str, out: Path) -> tuple[int, str]:
        """Run a command of a page over this hospital."""
        words = shlex.split(command)[1:]
        places = {"envs/healthcare.tfvars": str(self.file), "cdktf.out/evidence": str(out)}
        done = orgtrail(*(places.get(each, each) for each in words))
        assert "Traceback" not in done.stderr
        return done.returncode, done.stdout


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hospital]:
    if not MOTO.exists():
        pytest.skip("moto is not installed; make test does that")
    folder = tmp_path_factory.mktemp("hospital")
    with cloud(folder) as here, pytest.MonkeyPatch.context() as patch:
        for name in [each for each in os.environ if each.startswith("AWS_")]:
            patch.delenv(name)
        for name, value in variables(here).items():
            patch.setenv(name, value)
        made = organization(here, MANAGEMENT, "logging", "production", "development")
        file = folder / "healthcare.tfvars"
        file.write_text(made.placed((ROOT / "envs" / "healthcare.tfvars").read_text()))
        env = load_environment(file)
        deployment = Deployment(here, env, synthesized(env))
        prepare(deployment, made)
        deployment.lay_out()
        lay_digests(deployment)
        yield Hospital(file, deployment)


def test_every_live_command_is_here() -> None:
    assert [shlex.split(each)[1] for each in LIVE] == ["doctor", "report", "doctor", "doctor"]


@pytest.mark.parametrize("command", [each for each in LIVE if " doctor " in each])
def test_the_doctor_finds_it_sound(hospital: Hospital, command: str, tmp_path: Path) -> None:
    code, said = hospital.run(command, tmp_path)
    assert code == 0, said
    found = re.fullmatch(
        r"healthcare: 0 of (\d+) checks found a fault, 0 could not be made, \1 are fine\.\n", said
    )
    assert found, said
    assert f"1 of {found[1]} checks found a fault" in PAGES[1]


@pytest.mark.parametrize("command", [each for each in LIVE if " report " in each])
def test_the_report_is_made_and_says_what_moto_cannot_answer(
    hospital: Hospital, command: str, tmp_path: Path
) -> None:
    code, said = hospital.run(command, tmp_path / "out")
    # No log file was ever delivered here: accounts are missing, and nothing is proven of files.
    assert code == 1, said
    data = json.loads((tmp_path / "out" / "report.json").read_text())
    delivered = data["controls"]["evidence"]["delivering"]
    assert delivered["verdict"] == "fail"
    failing = {each["id"] for each in data["controls"]["rows"] if each["verdict"] == "fail"}
    assert failing == {each.id for each in REQUIREMENTS if "delivering" in each.evidence}
    assert data["deployed"]["verdict"] == "fine"
    assert data["integrity"]["verdict"] == "unproven"
    assert data["access"]["agree"] == data["access"]["total"]
    assert f"  open {tmp_path / 'out' / 'report.html'}\n" in said


def test_who_is_in_the_logging_account_already_needs_no_role_there(hospital: Hospital) -> None:
    env = hospital.deployment.env
    sts = boto3.client("sts", endpoint_url=HOST, config=Config(proxies={
        "http": hospital.deployment.cloud.proxy}))  # fmt: skip
    auditor = f"arn:aws:iam::{env.logging.id}:role/organization-trail-auditor"
    given = sts.assume_role(RoleArn=auditor, RoleSessionName="audit")["Credentials"]

    def who() -> str:
        made = session_in(env, "logging").client("sts", endpoint_url=HOST)
        return str(made.get_caller_identity()["Arn"])

    assert "role/orgtrail-deploy/" in who()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", given["AccessKeyId"])
        patch.setenv("AWS_SECRET_ACCESS_KEY", given["SecretAccessKey"])
        patch.setenv("AWS_SESSION_TOKEN", given["SessionToken"])
        assert "role/organization-trail-auditor/" in who()
