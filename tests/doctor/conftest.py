"""A deployment on moto for all tests of the doctor, and the seam at which answers are changed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from orgtrail import naming
from orgtrail.doctor.calls import AwsReader, Clients
from orgtrail.doctor.model import Outcome
from orgtrail.doctor.run import run_checks
from orgtrail.settings.environment import Environment
from orgtrail.verify.names import ChainId

from tests.conftest import Json, environment, synthesized
from tests.doctor.deployment import Deployment
from tests.e2e.cloud import CREDENTIALS, HOST, MOTO, Cloud, Organization, cloud, organization

MANAGEMENT = "111111111111"
Change = Callable[[Callable[[], Any], Json], Any]
"""Gets what asks AWS, and the parameters; returns another answer or raises."""


def _as_is(ask: Callable[[], Any], _: Json) -> Any:
    return ask()


@dataclass
class Seam:
    """Where the doctor's calls go out: answers can be changed here, for what moto lacks too."""

    clients: Clients
    lacking: dict[tuple[str, str, str], Change]
    deployment: Deployment
    changes: dict[tuple[str, str, str], Change] = field(default_factory=dict)
    _answers: dict[str, Any] = field(default_factory=dict)
    _uses: int = -1

    def __call__(self, account: str, region: str, service: str, operation: str, given: Json) -> Any:
        """Make a call, or what stands in its place."""

        def asked() -> Any:
            # What the deployment said is still so as long as nobody has changed it.
            if self.deployment.uses != self._uses:
                self._uses, self._answers = self.deployment.uses, {}
            answers = self._answers
            key = repr((account, region, service, operation, sorted(given.items())))
            if key not in answers:
                answers[key] = self.clients.call(account, region, service, operation, given)
            return answers[key]

        key = (account, service, operation)
        without = self.lacking.get(key, _as_is)
        changed = self.changes.get(key, _as_is)
        return changed(lambda: without(asked, given), given)


@dataclass
class Patient:
    """A deployment and how the doctor looks at it."""

    deployment: Deployment
    seam: Seam

    @property
    def env(self) -> Environment:
        """The settings."""
        return self.deployment.env

    def examined(self, env: Environment | None = None) -> list[Outcome]:
        """Return every outcome."""
        return run_checks(env or self.env, aws=AwsReader(env or self.env, self.seam))


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """The AWS API, as boto3 finds it by the environment's variables."""
    if not MOTO.exists():
        pytest.skip("moto is not installed; make test does that")
    with cloud(tmp_path_factory.mktemp("cloud")) as made, pytest.MonkeyPatch.context() as patch:
        for name in [each for each in os.environ if each.startswith("AWS_")]:
            patch.delenv(name)
        for name, value in variables(made).items():
            patch.setenv(name, value)
        yield made


def variables(here: Cloud) -> dict[str, str]:
    """Return the variables by which every AWS tool finds this API."""
    return {
        **CREDENTIALS,
        "AWS_ENDPOINT_URL": HOST,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "HTTP_PROXY": here.proxy,
        "http_proxy": here.proxy,  # libcurl reads no other
        "NO_PROXY": "",
    }


@pytest.fixture(scope="module")
def patient(here: Cloud) -> Patient:
    """An organization with everything on, as the synthesized stack says."""
    made = organization(here, MANAGEMENT, "logging", "production")
    env = environment(**settings(made))
    deployment = Deployment(here, env, synthesized(env))
    prepare(deployment, made)
    deployment.lay_out()
    return Patient(deployment, Seam(Clients(env), _lacking(env), deployment))


def settings(made: Organization) -> Json:
    """Return settings that ask for everything."""
    roles = {MANAGEMENT: "management", **{each: name for name, each in made.members.items()}}
    return {
        "organization": {"id": made.id, "root_id": made.root_id},
        "accounts": {
            name: {
                "id": each,
                "profile": ...,
                "role_arn": f"arn:aws:iam::{each}:role/orgtrail-deploy",
            }
            if name != "production"
            else {"id": each}
            for each, name in roles.items()
        },
        "trail": {
            "insights": ["ApiCallRateInsight"],
            "sns_topic": {"name": "organization-trail-notices"},
        },
        "recording": {"data": [{"service": "dynamodb", "access": "read"}]},
        "archive": {
            "object_lock": {"mode": "GOVERNANCE", "days": 365},
            "glacier_after_days": 400,
            "notifications": [
                {
                    "arn": f"arn:aws:sns:us-east-1:{made.members['logging']}:removals",
                    "events": ["s3:ObjectRemoved:*"],
                }
            ],
        },
        "guardrails": {"resource_control_policy": True},
        "access": {
            "auditor": {
                "trusted": ["arn:aws:iam::999999999999:role/audit"],
                "external_id": "audit",
            },
            "member_readers": {},
        },
        "alarms": {
            "subscribers": {
                "email": ["security@example.com"],
                "slack": {"audit": {"team_id": "T07EA123LEP", "channel_id": "C07EZ1ABC23"}},
                "teams": {
                    "audit": {"tenant_id": "tenant", "team_id": "team", "channel_id": "19:audit"}
                },
            }
        },
        "siem": {
            "reader": {
                "trusted": ["arn:aws:iam::999999999999:role/siem"],
                "external_id": "made-up-external-id",
            }
        },
        "verification": {"package": "orgtrail[verify]==0.1.0"},
        "catalog": {"compaction": {}, "regions": ["us-east-1", "us-west-2"]},
        "guardduty": {},
        "security_hub": {},
        "access_analyzer": {},
    }


def prepare(deployment: Deployment, made: Organization) -> None:
    """Do by hand what a plan asks to be done before."""
    client = deployment.client("management", "organizations")
    client.enable_policy_type(RootId=made.root_id, PolicyType="RESOURCE_CONTROL_POLICY")
    for service in naming.trusted_services(deployment.env):
        client.enable_aws_service_access(ServicePrincipal=service)
    deployment.client("management", "iam").create_role(
        RoleName="AWSServiceRoleForCloudTrail", AssumeRolePolicyDocument="{}"
    )


def fresh_digests(env: Environment) -> list[str]:
    """Return keys of digests of the last hour, of each account in two regions."""
    trail = naming.verified_trail(env)
    end = datetime.now(UTC) - timedelta(minutes=20)
    return [
        f"{trail.location.digests(ChainId(account, region), end.date())}"
        f"{account}_CloudTrail-Digest_"
        f"{region}_{trail.name}_{trail.home}_{end:%Y%m%dT%H%M%SZ}.json.gz"
        for account in env.account_ids
        for region in ("us-east-1", "us-west-2")
    ]


def lay_digests(deployment: Deployment) -> None:
    """Write fresh digests into the archive, which lets nobody but CloudTrail write there."""
    s3, bucket = deployment.client("logging", "s3"), deployment.env.archive.bucket
    s3.delete_bucket_policy(Bucket=bucket)
    for key in fresh_digests(deployment.env):
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    deployment.apply("aws_s3_bucket_policy.archive_policy")


def long_ago(ask: Callable[[], Any], _: Json) -> Any:
    """Have all accounts have joined long ago; moto makes them as a test begins."""
    joined = datetime(2024, 1, 1, tzinfo=UTC)
    return {"Accounts": [{**each, "JoinedTimestamp": joined} for each in ask()["Accounts"]]}


def listing(keys: list[str], given: Json) -> Json:
    """Answer ListObjectsV2 of some keys, as S3 does."""
    prefix, delimiter = given["Prefix"], given.get("Delimiter", "")
    found = [
        key for key in sorted(keys) if key.startswith(prefix) and key > given.get("StartAfter", "")
    ]
    if not delimiter:
        return {"Contents": [{"Key": key} for key in found]}
    folders = {key[len(prefix) :].split("/")[0] for key in found}
    return {"CommonPrefixes": [{"Prefix": f"{prefix}{each}/"} for each in sorted(folders)]}


def with_digests(keys: list[str]) -> Change:
    """Answer listings of digests with some keys, and all others as they are."""

    def change(ask: Callable[[], Any], given: Json) -> Any:
        return listing(keys, given) if "/CloudTrail-Digest/" in given["Prefix"] else ask()

    return change


def _lacking(env: Environment) -> dict[tuple[str, str, str], Change]:
    """Return what moto 5.2.5 has no answer for, as AWS would answer."""
    arn = naming.bucket_arn(env, env.findings_bucket or "")

    assert env.alarms
    topics = [naming.management_topic_arn(env, env.alarms.topic)]
    return {
        ("management", "organizations", "list_accounts"): long_ago,
        ("logging", "s3", "list_objects_v2"): with_digests(fresh_digests(env)),
        ("management", "chatbot", "describe_slack_channel_configurations"): lambda *_: {
            "SlackChannelConfigurations": [
                {"SlackChannelId": "C07EZ1ABC23", "SnsTopicArns": topics, "State": "ENABLED"}
            ]
        },
        ("management", "chatbot", "list_microsoft_teams_channel_configurations"): lambda *_: {
            "TeamChannelConfigurations": [{"ChannelId": "19:audit", "SnsTopicArns": topics}]
        },
        ("logging", "guardduty", "list_publishing_destinations"): lambda *_: {
            "Destinations": [{"DestinationId": "one", "DestinationType": "S3"}]
        },
        ("logging", "guardduty", "describe_publishing_destination"): lambda *_: {
            "Status": "PUBLISHING",
            "DestinationProperties": {"DestinationArn": arn},
        },
    }
