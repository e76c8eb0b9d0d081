"""No deny stands for nothing: where one leaves an action out, the check tells."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from orgtrail.proof.check import Report, check

from tests.mistakes import stack

ENVIRONMENTS = ("healthcare", "fintech")
KINDS = {"aws_organizations_policy": "content", "aws_s3_bucket_policy": "policy"}
EXPLAINED = {
    "cloudtrail": "no member reaches the organization's trail; this keeps trails of its own",
    "logs": "the log group is in the management account, which no SCP binds",
    "guardduty": "not evidence; the matrix does not ask about detection",
    "sns": "notices, not evidence; the matrix does not ask about the feed",
    "sqs": "notices, not evidence; the matrix does not ask about the feed",
    "s3:PutObjectAcl": "the archive has no ACLs; its ownership controls are asked about",
    "kms:CreateGrant": "the key's policy lets nobody grant",
}
"""Actions, or whole services, whose deny is there for more than the check asks, and why."""


def denied(name: str) -> Iterator[str]:
    """Yield the actions that policies of an environment deny by their names."""
    for kind, attribute in KINDS.items():
        for owner in stack(name)["resource"].get(kind, {}).values():
            for each in json.loads(owner[attribute].replace("$${", "${"))["Statement"]:
                actions = each["Action"] if isinstance(each["Action"], list) else [each["Action"]]
                if each["Effect"] == "Deny":
                    yield from (action for action in actions if "*" not in action)


def without(name: str, action: str, folder: Path) -> Report:
    """Check an environment in which no deny names an action."""
    content = stack(name)
    for kind, attribute in KINDS.items():
        for owner in content["resource"].get(kind, {}).values():
            document = json.loads(owner[attribute].replace("$${", "${"))
            for each in document["Statement"]:
                if each["Effect"] == "Deny" and isinstance(each["Action"], list):
                    each["Action"] = [one for one in each["Action"] if one != action] or ["s3:None"]
                elif each["Effect"] == "Deny" and each["Action"] == action:
                    each["Action"] = "s3:None"
            owner[attribute] = json.dumps(document).replace("${", "$${")
    path = folder / "cdk.tf.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return check(path)


ACTIONS = sorted({action for name in ENVIRONMENTS for action in denied(name)})


@pytest.mark.parametrize(
    "action",
    [one for one in ACTIONS if one not in EXPLAINED and one.partition(":")[0] not in EXPLAINED],
)
def test_a_deny_that_leaves_an_action_out_is_found(action: str, tmp_path: Path) -> None:
    assert any(without(name, action, tmp_path).findings for name in ENVIRONMENTS)


@pytest.mark.parametrize("known", EXPLAINED)
def test_what_is_explained_is_still_denied(known: str) -> None:
    assert any(known in (action, action.partition(":")[0]) for action in ACTIONS)
