"""No deny stands for nothing: where one leaves an action out, the check tells."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from orgtrail.check.run import Report

from tests import golden
from tests.conftest import Json
from tests.mistakes import checked, rewrite, stack

ENVIRONMENTS = ("healthcare", "fintech")
KINDS = ("aws_organizations_policy.", "aws_s3_bucket_policy.")
EXPLAINED = {
    "cloudtrail": "no member reaches the organization's trail; this keeps trails of its own",
    "logs": "the log group is in the management account, which no SCP binds",
    "s3:BypassGovernanceRetention": "passes a lock only for one of the denied actions on it",
    "kms:DeleteImportedKeyMaterial": "only an adopted key can have such material",
    "s3:PutObjectAcl": "the archive has no ACLs; its ownership controls are asked about",
    "kms:CreateGrant": "the key's policy lets nobody grant",
}
"""Actions, or whole services, whose deny is there for more than the check asks, and why."""


def denying(content: Json) -> Iterator[tuple[str, Json]]:
    """Yield each statement that denies, with the address of its policy."""
    for address, document in golden.policies(content).items():
        if address.startswith(KINDS):
            for each in document["Statement"]:
                if each["Effect"] == "Deny":
                    yield address, each


def actions(statement: Json) -> list[str]:
    given = statement["Action"]
    return [given] if isinstance(given, str) else given


def without(name: str, action: str, folder: Path) -> Report:
    """Check an environment in which no deny names an action."""
    content = stack(name)
    for address, statement in list(denying(content)):
        if action in actions(statement):
            owner, _, attribute = address.rpartition(".")
            rewrite(owner, attribute, partial(leave_out, statement["Sid"], action))(content)
    return checked(folder, content)


def leave_out(sid: str, action: str, statements: Json) -> None:
    statements[sid]["Action"] = [each for each in actions(statements[sid]) if each != action]
    if not statements[sid]["Action"]:
        del statements[sid]


ACTIONS = sorted({
    action
    for name in ENVIRONMENTS
    for _, statement in denying(stack(name))
    for action in actions(statement)
    if "*" not in action
})  # fmt: skip


@pytest.mark.parametrize(
    "action",
    [one for one in ACTIONS if one not in EXPLAINED and one.partition(":")[0] not in EXPLAINED],
)
def test_a_deny_that_leaves_an_action_out_is_found(action: str, tmp_path: Path) -> None:
    assert any(without(name, action, tmp_path).findings for name in ENVIRONMENTS)


@pytest.mark.parametrize("known", EXPLAINED)
def test_what_is_explained_is_still_denied(known: str) -> None:
    assert any(known in (action, action.partition(":")[0]) for action in ACTIONS)
