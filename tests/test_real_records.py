"""The pack on records that others published: labelled ones, and those of a real attack."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from orgtrail.logs.bounds import Bounds
from orgtrail.query.questions import pack

from tests.conftest import ROOT
from tests.log_records import GIVEN, ask, write_log

DATA = ROOT.parent / "shared" / "data"
EVER = Bounds(datetime(2013, 11, 13, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC))
ACCOUNT = "123456789012"

LABELLED = {
    "AWS.CloudTrail.AMIModifiedForPublicAccess": "snapshot-sharing",
    "AWS.CloudTrail.Created": "trail-history",
    "AWS.CloudTrail.EventSelectorsDisabled": "trail-narrowed",
    "AWS.CloudTrail.RootAccessKeyCreated": "root-credentials",
    "AWS.CloudTrail.SnapshotMadePublic": "snapshot-sharing",
    "AWS.CloudTrail.Stopped": "trail-tampering",
    "AWS.ConfigService.DisabledDeleted": "security-services-stopped",
    "AWS.EC2.GatewayModified": "network-exposure",
    "AWS.EC2.NetworkACLModified": "network-exposure",
    "AWS.EC2.RouteTableModified": "network-exposure",
    "AWS.EC2.SecurityGroupModified": "network-exposure",
    "AWS.EC2.VPCModified": "network-exposure",
    "AWS.IAM.AttachAdminRolePolicy": "privilege-changes",
    "AWS.IAM.AttachAdminUserPolicy": "privilege-changes",
    "AWS.IAM.Backdoor.User.Keys": "new-credentials",
    "AWS.IAM.PolicyModified": "privilege-changes",
    "AWS.KMS.CustomerManagedKeyLoss": "kms-key-disabled",
    "AWS.Macie.Evasion": "security-services-stopped",
    "AWS.Root.Activity": "root-use",
    "AWS.S3.BucketPolicyModified": "bucket-exposure",
    "AWS.S3.DeletePublicAccessBlock": "bucket-exposure",
    "AWS.SSM.DecryptSSMParams": "secrets-read",
    "AWS.SecurityHub.Finding.Evasion": "security-services-stopped",
    "AWS.Suspicious.SAML.Activity": "federation-changes",
    "AWS.User.Login.Profile.Modified": "new-credentials",
    "AWS.VPCFlow.LogsDeleted": "security-services-stopped",
}
"""Panther's rules that ask what a question of ours asks."""

ADMINISTRATOR = {"AWS.IAM.AttachAdminRolePolicy", "AWS.IAM.AttachAdminUserPolicy"}
"""Rules that ask what our column `administrator` says."""

OTHERWISE = {
    "ChangeOwnPassword": "a new password, whoever sets it",
    "User changed password for other reset required": "a new password, whoever sets it",
    "user1 create keys for user1": "a new key, whoever makes it; `owner` says which",
    "Root Activity - CreateServiceLinkedRole": "root was used all the same",
    "Root Read-Only Enumeration": "root was used all the same",
    "Different S3 Event": "putting a public access block changes it as well",
    "Activity from AWSSSO Service Managed Role": "its session is a role's; we leave out services",
}
"""Labelled records that we tell of on purpose, and why."""

pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason="published records are not beside this repository (../shared/data)"
)


def _labelled() -> list[Any]:
    path = DATA / "panther" / "aws_cloudtrail_rule_tests.jsonl"
    if not path.is_file():
        return []
    rows = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return [
        pytest.param(each, id=f"{each['rule_id']}: {each['test']}")
        for each in rows
        if each["rule_id"] in LABELLED and _time(each["event"])
    ]


def _time(event: dict[str, Any]) -> datetime | None:
    try:
        text = str(event.get("eventTime")).replace(" ", "T")
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    except ValueError:
        return None


@pytest.mark.parametrize("labelled", _labelled())
def test_labelled_records_are_judged_alike(labelled: dict[str, Any], tmp_path: Path) -> None:
    event = {"recipientAccountId": ACCOUNT} | labelled["event"]
    at = _time(event)
    assert at
    write_log(tmp_path, [event], at=at)
    rows = ask(tmp_path, LABELLED[labelled["rule_id"]], bounds=EVER, facts={})
    # Panther's rules leave out what failed; we tell of it as an attempt.
    found = [each for each in rows if each.get("outcome", "success") == "success"]
    if labelled["expected"]:
        assert found
        assert labelled["rule_id"] not in ADMINISTRATOR or found[0]["administrator"]
    elif labelled["rule_id"] in ADMINISTRATOR:
        assert not any(each["administrator"] for each in found)
    elif not OTHERWISE.get(labelled["test"]):
        assert not found


@pytest.fixture(scope="module")
def attack(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    """The logs of an account that Stratus Red Team attacked, in the key layout."""
    root = tmp_path_factory.mktemp("attack")
    records = []
    for source in sorted((DATA / "invictus" / "CloudTrail").glob("*.json")):
        account, _, region, stamp, _ = source.name.split("_")
        day = datetime.strptime(stamp[:8], "%Y%m%d").replace(tzinfo=UTC)
        folder = root / f"AWSLogs/{account}/CloudTrail/{region}/{day:%Y/%m/%d}"
        folder.mkdir(parents=True, exist_ok=True)
        text = source.read_bytes()
        (folder / f"{source.name}.gz").write_bytes(gzip.compress(text))
        records += json.loads(text)["Records"]
    return root, records


NAMED = {
    "trail-tampering": "eventName",
    "privilege-changes": "eventName",
    "new-credentials": "eventName",
    "network-exposure": "eventName",
    "security-services-stopped": "eventName",
    "bucket-exposure": "eventName",
}


@pytest.mark.parametrize("name", sorted(pack()))
def test_every_question_answers_over_a_real_attack(
    name: str, attack: tuple[Path, list[dict[str, Any]]]
) -> None:
    root, records = attack
    given = {"principal-activity": {"principal": "bert-jan"}}.get(name, GIVEN.get(name, {}))
    rows = ask(root, name, given, EVER, facts={})
    if name == "account-activity":
        assert len(rows) == len({each["eventID"] for each in records})
    if name in NAMED:
        counted = Counter(each["event_name"] for each in rows)
        assert counted
        ids = {each["eventID"]: each for each in records}
        for event_name, count in counted.items():
            same = [each for each in ids.values() if each["eventName"] == event_name]
            assert count == len(same)


def test_refusals_are_counted_as_python_counts_them(
    attack: tuple[Path, list[dict[str, Any]]],
) -> None:
    root, records = attack
    refused = {
        each["eventID"]
        for each in records
        if each.get("errorCode", "") in {"AccessDenied", "AccessDeniedException"}
        or each.get("errorCode", "").endswith("UnauthorizedOperation")
        if each["userIdentity"].get("type") != "AWSService"
    }
    rows = ask(root, "denied-calls", bounds=EVER, facts={})
    assert sum(each["refusals"] for each in rows) == len(refused) > 0
