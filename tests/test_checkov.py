"""Checkov over the synthesized JSON: what it finds is mended, or accepted with a reason."""

from __future__ import annotations

import json
import subprocess
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from tests import golden
from tests.conftest import ROOT, Json

CHECKOV = ROOT / ".tools" / "checkov" / "bin" / "checkov"
ACCEPTED: Json = json.loads(
    Path(__file__).with_name("checkov").joinpath("accepted.json").read_text(encoding="utf-8")
)

pytestmark = pytest.mark.skipif(
    not CHECKOV.exists(), reason="checkov is not installed; `make test` installs it"
)


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str]]:
    """Return what checkov finds in the two examples: the check and the resource."""
    folder = tmp_path_factory.mktemp("checkov")
    for path in sorted((ROOT / "envs").glob("*.tfvars")):
        content = json.loads(golden.fresh()[f"{path.stem}.tf.json"])
        # Its reader of JSON fails at the block `terraform`, which has nothing to check.
        kept = {name: content[name] for name in ("resource", "data")}
        for kind in ("aws_athena_named_query", "aws_athena_prepared_statement"):
            # It looks for references in each SQL text, for most of a minute.
            (saved,) = kept["resource"][kind].values()
            saved["for_each"] = dict.fromkeys(saved["for_each"], "SELECT 1")
        (folder / f"{path.stem}.tf.json").write_text(json.dumps(kept), encoding="utf-8")
    command = [str(CHECKOV), "-d", str(folder), "--framework", "terraform_json", "-o", "json",
               "--compact", "--quiet", "--skip-download"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    report: Json = json.loads(done.stdout)
    assert report["summary"]["parsing_errors"] == 0
    assert report["summary"]["passed"] > 150
    return [(each["check_id"], each["resource"]) for each in report["results"]["failed_checks"]]


def test_every_finding_is_accepted_with_its_reason(findings: list[tuple[str, str]]) -> None:
    def is_accepted(check: str, resource: str) -> bool:
        patterns = ACCEPTED.get(check, {}).get("resources", ())
        return any(fnmatchcase(resource, pattern) for pattern in patterns)

    assert [each for each in findings if not is_accepted(*each)] == []


def test_nothing_is_accepted_that_is_not_found(findings: list[tuple[str, str]]) -> None:
    assert set(ACCEPTED) == {check for check, _ in findings}
    for check, accepted in ACCEPTED.items():
        assert accepted["reason"].endswith(".")
        for pattern in accepted["resources"]:
            assert any(
                check == found and fnmatchcase(resource, pattern) for found, resource in findings
            ), (check, pattern)
