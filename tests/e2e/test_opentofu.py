"""OpenTofu beside Terraform: both take every stack and the module; OpenTofu encrypts the state."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from orgtrail.module import write_module

from tests import golden
from tests.conftest import ROOT
from tests.e2e.cloud import Cloud, Organization
from tests.e2e.conftest import EXAMPLE
from tests.e2e.engines import OPENTOFU, TERRAFORM
from tests.e2e.terraform import Done, Folder, Project

PAGE = (ROOT / "docs" / "opentofu.md").read_text(encoding="utf-8")
MISSING = "OpenTofu is not here; `make tofu` builds it"
BUCKET = "aws_s3_bucket.archive"


ENGINES = sorted({TERRAFORM or "terraform", OPENTOFU or "tofu"})


@pytest.fixture(params=ENGINES, ids=lambda each: Path(each).name)
def engine(request: pytest.FixtureRequest) -> str:
    """Each engine that is here."""
    if request.param == "tofu":
        pytest.skip(MISSING)
    return str(request.param)


@pytest.mark.parametrize("name", sorted(path.name for path in golden.FOLDER.glob("*.tf.json")))
def test_every_stack_is_valid(engine: str, name: str, tmp_path: Path) -> None:
    (tmp_path / "cdk.tf.json").write_bytes((golden.FOLDER / name).read_bytes())
    folder = Folder(tmp_path, engine)
    folder.must("init", "-backend=false")
    assert "configuration is valid" in folder.must("validate", "-no-color")


def test_the_module_is_valid(engine: str, tmp_path: Path) -> None:
    write_module(tmp_path)
    (example,) = (tmp_path / "examples").iterdir()
    folder = Folder(example, engine)
    folder.must("init")
    assert "configuration is valid" in folder.must("validate", "-no-color")


def blocks() -> dict[str, str]:
    """Return the blocks of the page, by their first words."""
    found = re.findall(r"^( *)```terraform\n(.*?)^ *```", PAGE, re.DOTALL | re.MULTILINE)
    texts = [re.sub(rf"^{indent}", "", text, flags=re.MULTILINE) for indent, text in found]
    return {" ".join(text.split("{")[0].split()): text for text in texts}


KMS = blocks()['key_provider "aws_kms" "state"']
PASSPHRASE = re.sub(
    r'key_provider "aws_kms".*?\n}\n',
    blocks()['key_provider "pbkdf2" "state"'],
    KMS,
    flags=re.DOTALL,
).replace("key_provider.aws_kms.", "key_provider.pbkdf2.")


def migrating(encryption: str) -> str:
    """Return what the page says for a state that exists, from what it says for a new one."""
    fallback = f"state {{\n{blocks()['fallback']}"
    text = re.sub(r"^ *enforced = true\n", "", encryption, flags=re.MULTILINE)
    changed, count = re.subn(r"^state {\n", fallback, text, flags=re.MULTILINE)
    assert count == 1
    return blocks()['method "unencrypted" "before"'] + changed


@pytest.fixture
def stack(
    here: Cloud, bank: Organization, tmp_path: Path, request: pytest.FixtureRequest
) -> Project:
    """Synthesize the example, with a bucket of the test's own."""
    if not OPENTOFU:
        pytest.skip(MISSING)
    name = f"example-{request.node.callspec.id}-state"
    text = bank.placed(EXAMPLE.read_text(encoding="utf-8"))
    text = text.replace("example-healthcare-audit-archive", name)
    project = Project.made(tmp_path / "main", "healthcare", text)
    project.synthesize(here)
    return project


@pytest.mark.parametrize("provider", ["pbkdf2", "kms"])
def test_the_state_is_encrypted_as_the_page_says(
    stack: Project, here: Cloud, bank: Organization, provider: str
) -> None:
    made = stack.path / "terraform.healthcare.tfstate"
    folder = stack.stack.path
    encryption, reach = PASSPHRASE, dict[str, str]()
    if provider == "kms":
        key = here.client(bank.management, "kms").create_key()["KeyMetadata"]["Arn"]
        encryption = re.sub(r"arn:aws:kms:[^\"]+", key, KMS).replace(
            "111111111111", bank.management
        )
        reach = {
            "AWS_ENDPOINT_URL_KMS": "http://aws.test",
            "AWS_ENDPOINT_URL_STS": "http://aws.test",
            "HTTP_PROXY": here.proxy,
        }

    def tofu(variable: str, *arguments: str) -> Done:
        given = {"TF_ENCRYPTION": variable} if variable else {}
        return Folder(folder, str(OPENTOFU), {**reach, **given}).run(*arguments)

    def must(variable: str, *arguments: str) -> str:
        done = tofu(variable, *arguments)
        assert done.code == 0, done.said
        return done.output

    def is_encrypted() -> bool:
        state = json.loads(made.read_text())
        assert ("encrypted_data" in state) is ("resources" not in state)
        return "encrypted_data" in state

    # What is there before is not encrypted, and refused until the settings say otherwise.
    must("", "init")
    must("", "apply", "-auto-approve", f"-target={BUCKET}")
    assert not is_encrypted()
    refused = tofu(encryption, "plan")
    assert refused.code == 1
    assert "unencrypted" in refused.said
    must(migrating(encryption), "apply", "-auto-approve", f"-target={BUCKET}", "-refresh=false")
    assert is_encrypted()
    # From here on as in each further run.
    assert BUCKET in must(encryption, "state", "list").splitlines()
    must(encryption, "plan", f"-target={BUCKET}", "-refresh=false", "-out=plan.out")
    shown = json.loads(must(encryption, "show", "-json", "plan.out"))
    assert shown["resource_changes"][0]["change"]["actions"] == ["no-op"]
    assert tofu("", "show", "-json", "plan.out").code == 1
    without = tofu("", "state", "list")
    assert without.code == 1
    assert "encrypt" in without.said
    if provider == "pbkdf2":
        wrong = encryption.replace("correct", "another")
        assert tofu(wrong, "state", "list").code == 1
    # The file that asks for encryption where the variable is missing.
    (folder / "encryption.tofu").write_text(blocks()["terraform"])
    enforced = tofu("", "plan")
    assert enforced.code == 1
    assert BUCKET in must(encryption, "state", "list").splitlines()
