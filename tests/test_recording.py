"""What is recorded: by intent, within the API's rules, and never the trail's own deliveries."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from orgtrail.settings import selectors
from orgtrail.settings.environment import Environment
from orgtrail.settings.rules import broken_rules
from orgtrail.settings.trail import AdvancedEventSelector

from tests.conftest import Json, environment

ARCHIVE = "arn:aws:s3:::example-bank-archive"
ARNS = {
    "s3": [
        "arn:aws:s3:::example-bank-archive",
        "arn:aws:s3:::example-bank-archive/AWSLogs/*",
        "arn:aws:s3:::example-*",
        "arn:aws:s3:::photos",
        "arn:aws:s3:::photos/2026/*",
    ],
    "dynamodb": ["arn:aws:dynamodb:us-east-1:333333333333:table/patients"],
    "lambda": ["arn:aws:lambda:us-east-1:333333333333:function:pay-*"],
}


@st.composite
def recordings(draw: st.DrawFn) -> Json:
    data = []
    for service in draw(st.lists(st.sampled_from(sorted(ARNS)), max_size=4)):
        arns = draw(st.lists(st.sampled_from(ARNS[service]), unique=True, max_size=3))
        access = draw(st.sampled_from(["all", "read", "write"]))
        data.append({"service": service, "arns": arns, "access": access})
    return {
        "management": draw(st.sampled_from(["all", "write", "read"])),
        "leave_out": draw(st.lists(st.just("kms.amazonaws.com"), max_size=1)),
        "data": data,
        "network": draw(st.lists(st.just({"source": "s3.amazonaws.com"}), max_size=1)),
        "archive_access": draw(st.booleans()),
    }


def recorded(env: Environment, event: selectors.Event) -> bool:
    return any(selectors.matches(each, event) for each in selectors.advanced(env))


def s3(name: str, arn: str, *, read: bool = False) -> Json:
    return {
        "eventCategory": "Data",
        "eventSource": "s3.amazonaws.com",
        "eventName": name,
        "readOnly": "true" if read else "false",
        "resources.type": "AWS::S3::Object",
        "resources.ARN": arn,
    }


@given(recordings())
def test_no_choice_records_the_trails_own_deliveries(recording: Json) -> None:
    env = environment(recording=recording, guardduty={})
    deliveries = list(selectors.delivery(env))
    assert len(deliveries) == 4
    for event in deliveries:
        assert not recorded(env, event)


@given(recordings())
def test_selectors_made_from_intent_keep_the_rules_of_the_api(recording: Json) -> None:
    env = environment(recording=recording)
    raw = [each.model_dump() for each in selectors.advanced(env)]
    again = environment(trail={"advanced_event_selectors": raw})
    assert not list(broken_rules(again, set(Environment.model_fields)))
    for selector in selectors.advanced(env):
        assert selector.name
        assert len(selector.name) <= 1000


def test_whatever_else_is_asked_for_is_recorded() -> None:
    env = environment(recording={"data": [{"service": "s3"}]})
    assert recorded(env, s3("PutObject", "arn:aws:s3:::photos/cat"))
    assert recorded(env, s3("GetObject", "arn:aws:s3:::photos/cat", read=True))
    assert recorded(env, s3("GetObject", f"{ARCHIVE}/AWSLogs/x", read=True))
    assert not recorded(env, s3("PutObject", f"{ARCHIVE}/AWSLogs/x"))
    assert recorded(env, {"eventCategory": "Management", "readOnly": "true"})


def test_a_bucket_is_all_of_its_objects_and_not_its_neighbours() -> None:
    env = environment(recording={"data": [{"service": "s3", "arns": ["arn:aws:s3:::photos"]}]})
    assert recorded(env, s3("PutObject", "arn:aws:s3:::photos/cat"))
    assert not recorded(env, s3("PutObject", "arn:aws:s3:::photos-old/cat"))


def test_who_reads_or_deletes_the_audit_trail_has_an_answer() -> None:
    env = environment(recording={"archive_access": True})
    assert recorded(env, s3("GetObject", f"{ARCHIVE}/AWSLogs/x", read=True))
    assert recorded(env, s3("DeleteObject", f"{ARCHIVE}/AWSLogs/x"))
    assert recorded(env, s3("GetObject", f"{ARCHIVE}-athena-results/results/x.csv", read=True))
    assert not recorded(env, s3("PutObject", f"{ARCHIVE}/AWSLogs/x"))
    assert not recorded(env, s3("GetObject", "arn:aws:s3:::photos/cat", read=True))


@pytest.mark.parametrize(
    ("operators", "taken", "left"),
    [
        ({"equals": ["a"], "starts_with": ["b"]}, "bc", "c"),
        ({"starts_with": ["b"], "not_ends_with": ["c"]}, "bd", "bc"),
        ({"not_equals": ["a"]}, "b", "a"),
        ({"not_starts_with": ["a", "b"]}, "c", "bc"),
        ({"ends_with": ["c"], "not_equals": ["bc"]}, "dc", "bc"),
    ],
)
def test_operators_join_as_cloudtrail_joins_them(operators: Json, taken: str, left: str) -> None:
    fields = [{"field": "eventName", **operators}]
    selector = AdvancedEventSelector.model_validate({"fields": fields})
    assert selectors.matches(selector, {"eventName": taken})
    assert not selectors.matches(selector, {"eventName": left})
