"""The ordinary work of a made-up organization: nothing that a detection should report."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from orgtrail.sample.records import (
    PEOPLE,
    Caller,
    Event,
    Places,
    Recorder,
    person,
    service,
    unique,
    workload,
)

_WORK: tuple[tuple[str, int, dict[str, Any]], ...] = (
    ("ec2:DescribeInstances", 14, {"instancesSet": {}}),
    ("ec2:DescribeNetworkInterfaces", 6, {}),
    ("s3:ListBuckets", 4, {}),
    ("s3:GetBucketLocation", 4, {"bucketName": "application-assets"}),
    ("kms:Decrypt", 12, {"encryptionContext": {"app": "portal"}}),
    ("kms:GenerateDataKey", 6, {"keySpec": "AES_256"}),
    ("sts:GetCallerIdentity", 6, {}),
    ("logs:DescribeLogStreams", 5, {"logGroupName": "/app/portal"}),
    ("monitoring:GetMetricData", 5, {}),
    ("elasticloadbalancing:DescribeTargetHealth", 6, {}),
    ("autoscaling:DescribeAutoScalingGroups", 4, {}),
    ("ecs:DescribeServices", 5, {"cluster": "portal"}),
    ("ecr:BatchGetImage", 3, {"repositoryName": "portal"}),
    ("lambda:ListFunctions20150331", 3, {}),
    ("sqs:GetQueueAttributes", 3, {}),
    ("rds:DescribeDBInstances", 3, {}),
    ("ssm:UpdateInstanceInformation", 5, {"agentVersion": "3.3"}),
    ("iam:ListRoles", 2, {}),
    ("iam:GetRole", 2, {"roleName": "portal"}),
    ("cloudtrail:DescribeTrails", 1, {}),
    ("organizations:DescribeOrganization", 1, {}),
)
_ACTIONS = [each[0] for each in _WORK]
_WEIGHTS = [each[1] for each in _WORK]
_PARAMS = {each[0]: each[2] for each in _WORK}
_ROLES = ("portal", "billing", "reports", "monitoring")


def ordinary(
    recorder: Recorder, places: Places, start: datetime, days: int, per_day: int
) -> Iterator[Event]:
    """Yield the ordinary events of some days, more of them around midday."""
    rng = recorder.rng
    accounts = [*places.accounts]
    weights = [*places.accounts.values()]
    shares = [6, *([2] * (len(places.regions) - 1))]
    callers = {
        account: [workload(account, name) for name in _ROLES]
        + [person(account, name) for name in PEOPLE[:3]]
        for account in accounts
    }
    for day in range(days):
        start_of_day = start + timedelta(days=day)
        for _ in range(per_day):
            hour = rng.triangular(0, 24, 13)
            at = start_of_day + timedelta(seconds=int(hour * 3600))
            account = rng.choices(accounts, weights)[0]
            region = rng.choices(places.regions, shares)[0]
            caller = rng.choice(callers[account])
            if account == places.data_account and rng.random() < 0.2:
                yield _data(recorder, caller, account, places.regions[0], at)
                continue
            action = rng.choices(_ACTIONS, _WEIGHTS)[0]
            # Records of the global STS endpoint name one region, wherever they are delivered.
            extra: dict[str, Any] = {}
            if action.startswith("sts:"):
                extra["awsRegion"] = recorder.global_region
            late = _lateness(recorder)
            yield recorder.event(
                caller, action, account, region, at, params=_PARAMS[action], late=late, **extra
            )
        yield from _routine(recorder, places, start_of_day)


def _lateness(recorder: Recorder) -> int:
    """Return the seconds of delay: one event in a thousand is delivered hours late."""
    return recorder.rng.randint(2 * 3600, 20 * 3600) if recorder.rng.random() < 0.001 else 0


def _data(recorder: Recorder, caller: Caller, account: str, region: str, at: datetime) -> Event:
    name = recorder.rng.choices(("GetItem", "Query", "PutItem"), (6, 3, 1))[0]
    table = recorder.rng.choices(("patients", "appointments", "sessions"), (3, 3, 4))[0]
    arn = f"arn:aws:dynamodb:{region}:{account}:table/{table}"
    return recorder.event(
        caller,
        f"dynamodb:{name}",
        account,
        region,
        at,
        params={"tableName": table, "key": {"id": "HIDDEN_DUE_TO_SECURITY_REASONS"}},
        resources=[{"accountId": account, "type": "AWS::DynamoDB::Table", "ARN": arn}],
    )


def _routine(recorder: Recorder, places: Places, start_of_day: datetime) -> Iterator[Event]:
    """Yield what happens each day: logins by single sign-on, and a role that EC2 assumes."""
    rng = recorder.rng
    for account in places.accounts:
        for name in rng.sample(PEOPLE[:3], 2):
            at = start_of_day + timedelta(hours=8, minutes=rng.randrange(90))
            # For single sign-on, MFAUsed is "No" whatever the person did.
            yield recorder.login(person(account, name), account, at, success=True, mfa="No")
        for hour in (6, 18):
            at = start_of_day + timedelta(hours=hour, minutes=rng.randrange(30))
            ec2 = service("ec2.amazonaws.com")
            yield from recorder.assume(
                ec2, account, "portal", "i-0abc", places.regions[0], at,
                key=unique("ASIA", account, stamp_of(at)),
            )  # fmt: skip


def stamp_of(at: datetime) -> str:
    """Format a time for use in made-up ids."""
    return at.isoformat()
