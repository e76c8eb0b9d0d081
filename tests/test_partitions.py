"""Partitions of AWS: botocore is the judge of the table, and nothing is of another one."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import Loader
from orgtrail.check.from_terraform import foreign_references
from orgtrail.check.run import Report, check
from orgtrail.environments import load_environment
from orgtrail.errors import SettingsError
from orgtrail.naming import via_service
from orgtrail.regions import PARTITIONS, REGION, has_service, is_opt_in, partition, partition_of
from orgtrail.sample import make
from orgtrail.settings.environment import Environment
from orgtrail.terraform import stack_of

from tests import golden
from tests.conftest import MINIMAL, ROOT, Json, environment, merged, tfvars
from tests.mistakes import stack

LOADER = Loader()
JUDGE = {each["id"]: each for each in LOADER.load_data("partitions")["partitions"]}
ENDPOINTS = {each["partition"]: each for each in LOADER.load_data("endpoints")["partitions"]}
OPT_IN = {
    "af-south-1", "ap-east-1", "ap-east-2", "ap-south-2", "ap-southeast-3", "ap-southeast-4",
    "ap-southeast-5", "ap-southeast-7", "ca-west-1", "eu-central-2", "eu-south-1", "eu-south-2",
    "il-central-1", "me-central-1", "me-south-1", "mx-central-1",
}  # fmt: skip
"""https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html"""
ALWAYS_ON = {
    "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1",
    "ap-southeast-2", "ca-central-1", "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2",
    "eu-west-3", "sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2",
}  # fmt: skip
ENVIRONMENTS = {each.name: each for each in golden.environments()}


def regions(name: str) -> list[str]:
    """Return the regions of a partition, without what is global."""
    return [each for each in JUDGE[name]["regions"] if not each.endswith("-global")]


def test_the_table_has_every_partition_with_its_domain() -> None:
    assert {each.name: each.suffix for each in PARTITIONS} == {
        name: each["outputs"]["dnsSuffix"] for name, each in JUDGE.items()
    }


@pytest.mark.parametrize("name", sorted(JUDGE))
def test_a_region_is_in_the_partition_that_botocore_has_it_in(name: str) -> None:
    for region in regions(name):
        assert re.fullmatch(REGION, region)
        assert partition(region) == name
    # A region to come: every area that botocore knows, with another name.
    areas = re.search(r"\^(.*?)\\-\\w", JUDGE[name]["regionRegex"])
    assert areas
    for area in re.sub(r"[()\\]", "", areas[1]).split("|"):
        region = f"{area}-newland-9"
        assert re.fullmatch(JUDGE[name]["regionRegex"], region)
        assert partition(region) == name, region


@pytest.mark.parametrize("name", sorted(JUDGE))
def test_a_partition_lacks_what_botocore_has_no_endpoint_for(name: str) -> None:
    services = ENDPOINTS[name]["services"]
    for service in ("access-analyzer", "athena", "codebuild", "glue", "guardduty", "scheduler",
                    "securityhub"):  # fmt: skip
        there = set(services.get(service, {}).get("endpoints", ()))
        if name.startswith("aws-iso"):
            for region in regions(name):
                assert has_service(region, service) == (region in there), (region, service)
        else:
            assert (service in partition_of(regions(name)[0]).absent) == (not there)
    assert has_service(regions(name)[0], "chatbot") == (name == "aws")


def test_the_regions_that_an_account_has_are_counted() -> None:
    """How many digests a day brings depends on it."""
    for each in PARTITIONS:
        assert each.regions == len([one for one in regions(each.name) if not is_opt_in(one)])


def test_only_commercial_regions_are_asked_for() -> None:
    known = {region for name in JUDGE for region in regions(name)}
    assert known >= OPT_IN | ALWAYS_ON
    assert {each for each in known if is_opt_in(each)} >= OPT_IN
    assert not [each for each in ALWAYS_ON if is_opt_in(each)]
    assert not [each for each in known if partition(each) != "aws" and is_opt_in(each)]


@pytest.mark.parametrize("region", ["us-east", "virginia", "eusc-east-1", "EU-west-1"])
def test_what_is_no_region_name(region: str) -> None:
    assert not re.fullmatch(REGION, region)


@pytest.mark.parametrize("name", sorted(ENVIRONMENTS))
def test_a_golden_file_names_nothing_of_another_partition(name: str) -> None:
    env = ENVIRONMENTS[name]
    made = stack_of(json.loads(golden.fresh()[f"{name}.tf.json"]), Path("cdk.tf.json"))
    assert list(foreign_references(made, partition(env.home_region))) == []
    text = golden.fresh()[f"{name}.tf.json"]
    own = partition_of(env.home_region)
    assert set(re.findall(r"arn:(aws[\w-]*):", text)) == {own.name}
    hosts = re.findall(r"\.[a-z]+-[a-z-]+-\d\.([a-z][a-z0-9.-]*[a-z])", text)
    assert {each for each in hosts if "amazonaws" in each} == {own.suffix}


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("us-gov-west-1", "s3.us-gov-west-1.amazonaws.com"),
        ("cn-north-1", "s3.cn-north-1.amazonaws.com.cn"),
        ("eusc-de-east-1", "s3.eusc-de-east-1.amazonaws.eu"),
        ("us-iso-east-1", "s3.us-iso-east-1.c2s.ic.gov"),
    ],
)
def test_hosts_have_the_domain_of_their_partition(region: str, host: str) -> None:
    assert via_service(placed(region), "s3") == host


def placed(region: str, **changes: Any) -> Environment:
    """Return a small environment in a region."""
    role = f"arn:{partition(region)}:iam::222222222222:role/deploy"
    return environment(home_region=region, accounts={"logging": {"role_arn": role}}, **changes)


def faults(tmp_path: Path, region: str, changes: Json) -> list[str]:
    role = f"arn:{partition(region)}:iam::222222222222:role/deploy"
    settings = {"home_region": region, "accounts": {"logging": {"role_arn": role}}, **changes}
    path = tmp_path / "bank.tfvars"
    path.write_text(tfvars(merged(MINIMAL, settings)))
    with pytest.raises(SettingsError) as raised:
        load_environment(path)
    return [line.partition(": ")[2] for line in str(raised.value).splitlines()]


SLACK = {"one": {"team_id": "T07EA123LEP", "channel_id": "C07EZ1ABC23"}}
ABSENT: list[tuple[str, Json, list[str]]] = [
    (
        "eu-isoe-west-1",
        {"verification": {"package": "orgtrail[verify]==0.1.0"}, "alarms": {}},
        [
            "verification must be left out: partition aws-iso-e has no AWS CodeBuild; run "
            "orgtrail verify each day on a machine of your own"
        ],
    ),
    (
        "cn-north-1",
        {"alarms": {"subscribers": {"slack": SLACK}}},
        [
            "alarms.subscribers.slack must be left out: partition aws-cn has no chat channels of "
            "AWS; tell alarms.subscribers.email or https"
        ],
    ),
    (
        "us-iso-east-1",
        {"access_analyzer": {"regions": ["us-iso-east-1", "us-iso-west-1"]}},
        [
            "access_analyzer must be left out: partition aws-iso has no IAM Access Analyzer; "
            "leave it to tools of your own"
        ],
    ),
    (
        "us-isob-east-1",
        {"guardduty": {"regions": ["us-isob-east-1", "us-isob-west-1"]}},
        [
            "guardduty.regions[1] must be left out: us-isob-west-1 has no Amazon GuardDuty; "
            "leave it to tools of your own"
        ],
    ),
    (
        "us-iso-west-1",
        {},
        [
            "home_region must be a region with Amazon Athena, which the catalog needs; got "
            '"us-iso-west-1"',
            "home_region must be a region with AWS Glue, which the catalog needs; got "
            '"us-iso-west-1"',
        ],
    ),
    (
        "cn-north-1",
        {"catalog": {"regions": ["cn-north-1", "us-east-1"]}},
        [
            "catalog.regions[1] must be in the partition of home_region (aws-cn); got "
            '"us-east-1"'
        ],
    ),
    (
        "us-gov-west-1",
        {
            "access": {"auditor": {"trusted": ["arn:aws:iam::333333333333:root"]}},
            "delivery": {"kms_key_arn": "arn:aws:kms:us-gov-west-1:111111111111:key/1"},
        },
        [
            f"{setting} must be in the partition of home_region (arn:aws-us-gov:); got {arn}"
            for setting, arn in (
                ("access.auditor.trusted[0]", '"arn:aws:iam::333333333333:root"'),
                ("delivery.kms_key_arn", '"arn:aws:kms:us-gov-west-1:111111111111:key/1"'),
            )
        ],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("region", "changes", "expected"), ABSENT)
def test_what_a_partition_lacks_is_a_fault(
    tmp_path: Path, region: str, changes: Json, expected: list[str]
) -> None:
    assert sorted(faults(tmp_path, region, changes)) == sorted(expected)


def told(tmp_path: Path, content: Json) -> list[str]:
    path = tmp_path / "cdk.tf.json"
    path.write_text(json.dumps(content))
    return wrong(check(path))


def wrong(report: Report) -> list[str]:
    return [
        f"{each.setting}: {each.message}"
        for each in report.findings
        if each.rule == "wrong-partition"
    ]


def test_a_schedule_of_another_partition_is_told(tmp_path: Path) -> None:
    content = stack("china")
    schedule = content["resource"]["aws_scheduler_schedule"]["verification_schedule"]
    schedule["target"]["arn"] = "arn:aws:scheduler:::aws-sdk:codebuild:startBuild"
    assert told(tmp_path, content) == [
        "aws_scheduler_schedule.verification_schedule: aws_scheduler_schedule."
        "verification_schedule names ARNs of partition aws, and the trail is in aws-cn: nothing "
        "there has that name. Write it for aws-cn."
    ]


def test_a_domain_of_another_partition_is_told(tmp_path: Path) -> None:
    content = stack("china")
    key = content["resource"]["aws_kms_key"]["key"]
    key["policy"] = key["policy"].replace(".amazonaws.com.cn", ".amazonaws.com")
    assert told(tmp_path, content) == [
        "aws_kms_key.key: aws_kms_key.key names the host "
        "s3.cn-north-1.amazonaws.com, and the trail is in aws-cn: nothing there has that name. "
        "Write it for aws-cn."
    ]


def test_a_provider_of_another_partition_is_told(tmp_path: Path) -> None:
    content = stack("china")
    content["provider"]["aws"][1]["region"] = "us-east-1"
    assert told(tmp_path, content)[0].startswith(
        "provider.aws: provider.aws names the region us-east-1, of partition aws, and the trail"
    )


def test_an_environment_files_check_tells_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As it was: the schedules' own ARNs were those of the commercial partition."""
    monkeypatch.setattr(
        "orgtrail.naming.scheduler_target_arn",
        lambda _, call: f"arn:aws:scheduler:::aws-sdk:{call}",
    )
    found = wrong(check(ROOT / "tests" / "envs" / "sovereign.tfvars"))
    assert {each.partition(":")[0] for each in found} == {"catalog.compaction", "verification"}


def test_a_secret_region_is_proven_in_its_own_partition(tmp_path: Path) -> None:
    path = tmp_path / "bank.tfvars"
    role = "arn:aws-iso:iam::222222222222:role/deploy"
    settings = {"home_region": "us-iso-east-1", "accounts": {"logging": {"role_arn": role}}}
    path.write_text(tfvars(merged(MINIMAL, settings)))
    report = check(path)
    assert not [each for each in report.findings if each.severity in ("high", "medium")]
    resources = {one for cell in report.access for _, one in cell.attack.steps if "arn:" in one}
    assert {each.split(":")[1] for each in resources} == {"aws-iso"}


def test_a_sample_is_of_the_home_regions_partition(tmp_path: Path) -> None:
    make(tmp_path / "logs", ENVIRONMENTS["sovereign"], days=1, events_per_day=50)
    records = [
        record
        for path in (tmp_path / "logs").rglob("*.json.gz")
        for record in json.loads(gzip.decompress(path.read_bytes())).get("Records", ())
    ]
    text = json.dumps(records)
    assert set(re.findall(r"arn:(aws[\w-]*):", text)) == {"aws-eusc"}
    assert {each["awsRegion"] for each in records} == {"eusc-de-east-1"}
    hosts = {each.get("tlsDetails", {}).get("clientProvidedHostHeader", "") for each in records}
    assert {each.partition(".")[2] for each in hosts if each} == {"eusc-de-east-1.amazonaws.eu"}
