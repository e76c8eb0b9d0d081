"""Valid settings of every shape, for properties that must hold for all of them."""

from __future__ import annotations

import json

from hypothesis import strategies as st
from orgtrail.settings.environment import Environment

from tests.conftest import MINIMAL, Json, merged

LOGGING = "222222222222"
PARTITIONS = {
    "us-east-1": "aws", "eu-west-1": "aws", "us-gov-west-1": "aws-us-gov", "cn-north-1": "aws-cn",
    "eusc-de-east-1": "aws-eusc",
}  # fmt: skip
NAMES = st.from_regex(r"[a-z][a-z0-9]{2,20}", fullmatch=True)
DAYS = st.integers(1, 4000)


@st.composite
def archives(draw: st.DrawFn, partition: str) -> Json:
    """Draw an archive whose storage classes, expiry and lock fit each other."""
    glacier = draw(st.none() | st.integers(1, 400))
    deep = draw(st.none() | st.integers((glacier or 0) + 90, 900))
    least = (deep + 180) if deep else (glacier + 90) if glacier else 1
    expire = draw(st.none() | st.integers(least, least + 3000))
    mode = draw(st.sampled_from([None, "GOVERNANCE", "COMPLIANCE"]))
    lock = {"mode": mode, "days": draw(st.integers(1, expire or 3000))} if mode else None
    return {
        "bucket": f"example-{draw(NAMES)}",
        "glacier_after_days": glacier,
        "deep_archive_after_days": deep,
        "expire_after_days": expire,
        "noncurrent_expire_after_days": draw(DAYS),
        "object_lock": lock,
        "break_glass_roles": draw(roles(partition)),
        "destroy_protection": mode == "COMPLIANCE" or draw(st.booleans()),
    }


def roles(partition: str) -> st.SearchStrategy[list[str]]:
    """Draw roles of the logging account."""
    arn = f"arn:{partition}:iam::{LOGGING}:role/"
    return st.lists(NAMES.map(lambda name: arn + name), max_size=3, unique=True)


@st.composite
def settings(draw: st.DrawFn) -> Json:
    """Draw the settings of an environment."""
    region = draw(st.sampled_from(sorted(PARTITIONS)))
    partition = PARTITIONS[region]
    deploy = f"arn:{partition}:iam::{LOGGING}:role/deploy"
    names = draw(st.lists(NAMES, unique=True, max_size=4))
    members = {name: {"id": f"4000000000{number:02}"} for number, name in enumerate(names)}
    multi_region = draw(st.booleans())
    trusting = draw(st.booleans())
    listing = not trusting or draw(st.booleans())
    return merged(
        MINIMAL,
        {
            "home_region": region,
            "accounts": {"logging": {"role_arn": deploy}, **members},
            "trail": {
                "name": draw(NAMES),
                "key_prefix": draw(st.just("") | NAMES),
                "multi_region": multi_region,
                "global_events": multi_region or draw(st.booleans()),
                "log_file_validation": draw(st.booleans()),
                "enabled": draw(st.booleans()),
                "insights": draw(
                    st.lists(
                        st.sampled_from(["ApiCallRateInsight", "ApiErrorRateInsight"]), unique=True
                    )
                ),
            },
            "archive": draw(archives(partition)),
            "key": {"administrators": draw(roles(partition))},
            "delivery": {"enabled": draw(st.booleans())},
            "guardrails": {
                "targets": draw(st.none() | st.just([]) | st.just(["ou-bank-abcdefgh"])),
                "exempt_roles": draw(
                    st.none() | roles(partition).map(lambda others: [deploy, *others])
                ),
                "resource_control_policy": draw(st.booleans()),
            },
            "organization": {"enable_trusted_access": trusting, "list_accounts": listing},
            "catalog": {
                "accounts": draw(st.sampled_from(["file", "organization"])) if listing else "file",
                "regions": draw(st.none() | st.just([region])),
                "first_day": draw(st.none() | st.dates().map(str)),
            },
            "backend": draw(backends()),
        },
    )


def backends() -> st.SearchStrategy[Json]:
    """Draw a place for the state."""
    return st.sampled_from(
        [
            {"type": "local"},
            {"type": "s3", "bucket": "example-state", "region": "us-east-1"},
            {"type": "cloud", "organization": "example", "workspace": "trail"},
        ]
    )


def environments() -> st.SearchStrategy[Environment]:
    """Draw a valid environment."""
    return settings().map(Environment.model_validate)


def extended() -> st.SearchStrategy[Environment]:
    """Draw a valid environment with some of the options."""
    return st.tuples(settings(), chosen()).map(
        lambda drawn: Environment.model_validate(with_options(*drawn))
    )


OPTIONS: dict[str, Json] = {
    "alarms": {"alarms": {}, "delivery": {"enabled": True}},
    "auditor": {
        "access": {
            "auditor": {"trusted": ["arn:aws:iam::999999999999:role/audit"], "external_id": "audit"}
        }
    },
    "member_readers": {"access": {"member_readers": {}}},
    "siem": {
        "siem": {
            "subscriber_accounts": ["888888888888"],
            "reader": {"trusted": ["arn:aws:iam::888888888888:root"], "external_id": "siem"},
        }
    },
    "guardduty": {"guardduty": {}},
    "security_hub": {"security_hub": {}},
    "access_analyzer": {"access_analyzer": {"unused_access_days": 90}},
    "recording": {"recording": {"data": [{"service": "s3"}], "archive_access": True}},
    "delegate": {"trail": {"delegated_administrator": "logging"}},
}
"""What can be turned on beside the core, each by itself."""


def chosen() -> st.SearchStrategy[list[str]]:
    """Draw some of the options."""
    return st.lists(st.sampled_from(sorted(OPTIONS)), unique=True)


def with_options(settings: Json, names: list[str]) -> Json:
    """Turn options on in settings that have none."""
    here = PARTITIONS[settings["home_region"]]
    for name in names:
        option = json.dumps(OPTIONS[name]).replace("arn:aws:", f"arn:{here}:")
        settings = merged(settings, json.loads(option))
    return settings
