"""Where a small change of a policy opens or closes an access, the check has a new finding.

`make mutants` tries every change; here is a sample of them.
"""

from __future__ import annotations

import pytest

from tests.mutants.judge import FOLDER, Judge
from tests.mutants.run import (
    STACKS,
    Outcome,
    Result,
    examine_all,
    findings,
    harmless,
    known_findings,
    mutants_of,
    mutated,
    reason,
    world_of,
)

SAMPLE, SEED = 78, 20
"""So many mutants, of which about 60 change an access."""

pytestmark = pytest.mark.skipif(
    not (FOLDER / "node_modules").exists(),
    reason="@cloud-copilot/iam-simulate is not installed; `make test` installs it",
)


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return examine_all(STACKS, sample=SAMPLE, seed=SEED)


def test_the_check_finds_what_changes_an_access(outcome: Outcome) -> None:
    assert sum(each.flip is not None for each in outcome.results) > 50
    reasons = harmless()
    unexplained = [
        f"{each.stack} {each.name}: {each.flip} {each.failure}"
        for each in outcome.results
        if each.survives and not reason(each, reasons)
    ]
    assert unexplained == []


def test_the_simulator_decides_nearly_all_requests(outcome: Outcome) -> None:
    assert outcome.errors.total() < 50
    assert outcome.refused == []


def test_what_is_remembered_changes_no_finding(outcome: Outcome) -> None:
    """The processes that examine remember decisions; this one decides each anew."""
    asked = [each for each in outcome.results if each.flip and not each.failure][::12]
    assert len({each.stack for each in asked}) == len(STACKS)
    for each in asked:
        content = mutated(each.stack, mutants_of(each.stack)[each.name])
        assert each.killed == bool(findings(content) - known_findings(each.stack)), each.name


@pytest.mark.parametrize("name", STACKS)
def test_every_mutant_differs_from_its_policy_in_one_place(name: str) -> None:
    documents = world_of(name).documents
    for mutant in mutants_of(name).values():
        original = documents[mutant.address].content["Statement"]
        changed = mutant.document["Statement"] if mutant.document else []
        assert [each for each in original if each not in changed] == (
            [mutant.before] if mutant.before else []
        ), mutant.name
        assert [each for each in changed if each not in original] == (
            [mutant.after] if mutant.after else []
        ), mutant.name


ARCHIVE = "aws_s3_bucket_policy.archive_policy"


@pytest.mark.parametrize(
    ("stack", "name", "who"),
    [
        # CloudTrail delivers no more.
        ("healthcare", f"{ARCHIVE} AWSCloudTrailOrganizationWrite20150319 drop statement",
         "cloudtrail.amazonaws.com"),
        # An outsider reads; where an RCP keeps outsiders out, it does not.
        ("healthcare", f"{ARCHIVE} add an outsider's s3:GetObject", "999999999990"),
        ("fintech", f"{ARCHIVE} add an outsider's s3:GetObject", None),
        # The log files are encrypted for the trail, which the key's context says.
        ("fintech", "aws_kms_key.key CloudTrailEncrypts drop statement",
         "cloudtrail.amazonaws.com"),
        # The source's ARN already says its account.
        ("everything", "aws_iam_role.verification_role ServiceRuns drop condition StringEquals "
         "aws:SourceAccount", None),
        # A second denial, of the bucket's policy, stays.
        ("everything", "aws_organizations_policy.guardrails_scp ProtectLogFiles drop action "
         "s3:DeleteObject", None),
        ("everything", "aws_iam_role_policy.auditor_policy KeepResults drop action s3:PutObject",
         "everything-auditor"),
    ],
)  # fmt: skip
def test_the_judge_knows_which_mutants_matter(stack: str, name: str, who: str | None) -> None:
    judge = Judge(world_of(stack))
    flip = judge.flip(mutants_of(stack)[name])
    judge.close()
    assert (flip and who and who in str(flip)) or (flip is None and who is None), flip


def test_a_reason_is_for_names_or_patterns_of_names() -> None:
    one = Result("fintech", "aws_kms_key.key UseKey widen action kms:Decrypt to kms:*", None)
    assert reason(one, {one.name: "exactly"}) == "exactly"
    assert reason(one, {"aws_kms_key.* UseKey *": "as a pattern"}) == "as a pattern"
    assert reason(one, {"fintech aws_kms_key.key UseKey *": "in a stack"}) == "in a stack"
    assert reason(one, {"healthcare *": "elsewhere"}) is None
