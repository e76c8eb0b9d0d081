"""Who is told of log files: the trail's topic, and the bucket's one list of notifications."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from orgtrail.cost.estimate import estimate_cost, estimate_volume
from orgtrail.environments import load_environment
from orgtrail.errors import SettingsError
from orgtrail.prices import load_prices
from orgtrail.trail import notices
from orgtrail.trail.reading import doctor_policy
from orgtrail.trail.stack import deployer

from tests.conftest import MINIMAL, Json, environment, merged, synthesized, tfvars

SNS = "arn:aws:sns:us-east-1:222222222222:told"
SQS = "arn:aws:sqs:us-east-1:222222222222:told"
NOTIFICATION = "aws_s3_bucket_notification"
CREATED = {"arn": SQS, "events": ["s3:ObjectCreated:*"]}
REMOVED = {"arn": SNS, "events": ["s3:ObjectRemoved:*"]}
OVERLAP = "S3 takes one destination for an event of a key; narrow its events, prefix or suffix"
EITHER = "trail.sns_topic must have either name, of a topic to make, or arn, of one that exists"
BELOW = "AWSLogs/o-examplebank/*.json.gz"

CASES: list[tuple[Json, list[str]]] = [
    ({"trail": {"sns_topic": {}}}, [f"{EITHER}; got {{}}"]),
    (
        {"trail": {"sns_topic": {"name": "one", "arn": SNS}}},
        [f'{EITHER}; got {{"name": "one", "arn": "{SNS}"}}'],
    ),
    (
        {"trail": {"sns_topic": {"arn": SQS}}},
        [
            "trail.sns_topic.arn must be a topic's ARN: arn:aws:sns:<region>:<account>:<name>; "
            f'got "{SQS}"'
        ],
    ),
    (
        {"trail": {"sns_topic": {"name": "organization-trail-alarms"}}, "alarms": {}},
        ['trail.sns_topic.name must not be alarms.topic; got "organization-trail-alarms"'],
    ),
    (
        {"archive": {"notifications": [{**CREATED, "arn": f"{SQS}.fifo"}]}},
        [
            "archive.notifications[0].arn must be the ARN of a topic, a queue or a function; S3 "
            f'tells no FIFO one; got "{SQS}.fifo"'
        ],
    ),
    (
        {"archive": {"notifications": [{"arn": SQS, "events": ["ObjectCreated"], "prefix": "*"}]}},
        [
            "archive.notifications[0].events[0] must be an event of S3 such as "
            's3:ObjectCreated:*; got "ObjectCreated"',
            "archive.notifications[0].prefix must be up to 1024 ASCII characters of a key, "
            'without *; got "*"',
        ],
    ),
    (
        {"archive": {"notifications": [{**CREATED, "arn": SQS.replace("us-east", "eu-west")}]}},
        [
            "archive.notifications[0].arn must be in home_region (us-east-1): S3 tells no other "
            f'region; got "{SQS.replace("us-east", "eu-west")}"'
        ],
    ),
    (
        {
            "archive": {
                "notifications": [
                    {**CREATED, "prefix": "AWSLogs/"},
                    {"arn": SNS, "events": ["s3:ObjectCreated:Put"], "prefix": "AWSLogs/o-1/"},
                ]
            }
        },
        [f"archive.notifications[1] must not overlap with archive.notifications[0]: {OVERLAP}"],
    ),
    (
        {"archive": {"notifications": [CREATED, REMOVED]}, "siem": {}},
        [
            "archive.notifications[0] must not overlap with the feed of siem (s3:ObjectCreated:* "
            f"of {BELOW}): {OVERLAP}, or subscribe it to siem.topic"
        ],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "expected"), CASES, ids=lambda case: str(case)[:60])
def test_a_fault_in_its_words(tmp_path: Path, changes: Json, expected: list[str]) -> None:
    path = tmp_path / "bank.tfvars"
    path.write_text(tfvars(merged(MINIMAL, changes)))
    with pytest.raises(SettingsError) as raised:
        load_environment(path)
    told = [line.partition(": ")[2] for line in str(raised.value).splitlines()]
    assert sorted(told) == sorted(expected)


def made(**changes: Any) -> Json:
    resources: Json = synthesized(environment(**changes))["resource"]
    return resources


def test_filters_that_share_no_key_stand_together() -> None:
    """Prefixes that overlap are fine where suffixes do not, and the other way round."""
    told = made(
        archive={
            "notifications": [
                {**CREATED, "prefix": "AWSLogs/", "suffix": ".txt"},
                {**CREATED, "arn": SNS, "prefix": "AWSLogs/o-1/", "suffix": ".json"},
                {**CREATED, "arn": SNS, "prefix": "config/"},
                REMOVED,
            ]
        },
        siem={},
    )[NOTIFICATION]["siem_notification"]
    assert [each["topic_arn"].rpartition(":")[2] for each in told["topic"]] == [
        "told", "told", "told", "organization-trail-log-files",
    ]  # fmt: skip
    assert told["queue"] == [
        {
            "queue_arn": SQS,
            "events": ["s3:ObjectCreated:*"],
            "filter_prefix": "AWSLogs/",
            "filter_suffix": ".txt",
        }
    ]


def test_the_bucket_has_one_list_whatever_is_told() -> None:
    """Two resources would take each other's notifications away, at every deploy."""
    feed = made(siem={})[NOTIFICATION]
    alone = made(archive={"notifications": [REMOVED], "eventbridge": True})[NOTIFICATION]
    assert list(feed) == list(alone) == ["siem_notification"]
    told = alone["siem_notification"]
    assert told["topic"] == [{"topic_arn": SNS, "events": ["s3:ObjectRemoved:*"]}]
    assert told["eventbridge"] is True
    assert told["provider"] == "aws.logging"
    assert NOTIFICATION not in made()


def test_a_made_topic_lets_cloudtrail_in_for_this_trail_alone() -> None:
    env = environment(trail={"sns_topic": {"name": "notices"}})
    resources = made(trail={"sns_topic": {"name": "notices"}})
    trail = resources["aws_cloudtrail"]["trail"]
    assert trail["sns_topic_name"] == "notices"
    assert "aws_sns_topic_policy.trail_topic_policy" in trail["depends_on"]
    assert resources["aws_sns_topic"]["trail_topic"]["provider"] == "aws.management"
    for document in (notices.topic_policy(env, "notices"), notices.key_policy(env)):
        (one,) = [
            each
            for each in document["Statement"]
            if each["Principal"] == {"Service": "cloudtrail.amazonaws.com"}
        ]
        arn = "arn:aws:cloudtrail:us-east-1:111111111111:trail/organization-trail"
        assert one["Condition"] == {"StringEquals": {"aws:SourceArn": arn}}


@pytest.mark.parametrize(
    ("arn", "name"),
    [
        # CloudTrail answers with the name alone, and every plan would show a change of the ARN.
        ("arn:aws:sns:us-east-1:111111111111:old", "old"),
        ("arn:aws:sns:eu-west-1:111111111111:old", "arn:aws:sns:eu-west-1:111111111111:old"),
        ("arn:aws:sns:us-east-1:222222222222:old", "arn:aws:sns:us-east-1:222222222222:old"),
    ],
)
def test_a_topic_that_exists_is_kept_and_not_made(arn: str, name: str) -> None:
    resources = made(trail={"sns_topic": {"arn": arn}})
    assert resources["aws_cloudtrail"]["trail"]["sns_topic_name"] == name
    assert "aws_sns_topic" not in resources
    assert "sns_topic_name" not in made()["aws_cloudtrail"]["trail"]


def test_the_deploying_and_the_looking_role_may_what_it_takes() -> None:
    env = environment(
        trail={"sns_topic": {"name": "notices"}}, archive={"notifications": [REMOVED]}
    )
    by_sid = {
        each["Sid"]: each
        for name in ("management", "logging")
        for each in deployer(env, name)["Statement"]
    }
    topic = "arn:aws:sns:us-east-1:111111111111:notices"
    assert by_sid["ManageTopic"]["Resource"] == [topic, f"{topic}:*"]
    assert "s3:PutBucketNotification" in by_sid["Notify"]["Action"]
    looking = {each["Sid"] for each in doctor_policy(env, "management")["Statement"]}
    assert {"LookAtTopic", "LookAtKeys"} <= looking


def test_its_key_costs() -> None:
    paid = [
        estimate_cost(env, estimate_volume(env, 1000), load_prices()).months[0].parts["KMS keys"]
        for env in (environment(), environment(trail={"sns_topic": {"name": "notices"}}))
    ]
    assert paid == [1.0, 2.0]
