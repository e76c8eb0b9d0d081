"""Alarms: the exact patterns that Security Hub accepts, which account, who is told."""

from __future__ import annotations

import re
from typing import Any

import pytest
from orgtrail.alarms import ALARMS, BY_NAME, PATTERN_LIMIT, SILENCE, pattern

from tests.conftest import Json, environment, synthesized

SECURITY_HUB = {
    "CloudWatch.1": '{$.userIdentity.type="Root" && $.userIdentity.invokedBy NOT EXISTS && $.eventType !="AwsServiceEvent"}',
    "CloudWatch.2": '{($.errorCode="*UnauthorizedOperation") || ($.errorCode="AccessDenied*")}',
    "CloudWatch.3": '{ ($.eventName = "ConsoleLogin") && ($.additionalEventData.MFAUsed != "Yes") && ($.userIdentity.type = "IAMUser") && ($.responseElements.ConsoleLogin = "Success") }',
    "CloudWatch.4": "{($.eventSource=iam.amazonaws.com) && (($.eventName=DeleteGroupPolicy) || ($.eventName=DeleteRolePolicy) || ($.eventName=DeleteUserPolicy) || ($.eventName=PutGroupPolicy) || ($.eventName=PutRolePolicy) || ($.eventName=PutUserPolicy) || ($.eventName=CreatePolicy) || ($.eventName=DeletePolicy) || ($.eventName=CreatePolicyVersion) || ($.eventName=DeletePolicyVersion) || ($.eventName=AttachRolePolicy) || ($.eventName=DetachRolePolicy) || ($.eventName=AttachUserPolicy) || ($.eventName=DetachUserPolicy) || ($.eventName=AttachGroupPolicy) || ($.eventName=DetachGroupPolicy))}",
    "CloudWatch.5": "{($.eventName=CreateTrail) || ($.eventName=UpdateTrail) || ($.eventName=DeleteTrail) || ($.eventName=StartLogging) || ($.eventName=StopLogging)}",
    "CloudWatch.6": '{($.eventName=ConsoleLogin) && ($.errorMessage="Failed authentication")}',
    "CloudWatch.7": "{($.eventSource=kms.amazonaws.com) && (($.eventName=DisableKey) || ($.eventName=ScheduleKeyDeletion))}",
    "CloudWatch.8": "{($.eventSource=s3.amazonaws.com) && (($.eventName=PutBucketAcl) || ($.eventName=PutBucketPolicy) || ($.eventName=PutBucketCors) || ($.eventName=PutBucketLifecycle) || ($.eventName=PutBucketReplication) || ($.eventName=DeleteBucketPolicy) || ($.eventName=DeleteBucketCors) || ($.eventName=DeleteBucketLifecycle) || ($.eventName=DeleteBucketReplication))}",
    "CloudWatch.9": "{($.eventSource=config.amazonaws.com) && (($.eventName=StopConfigurationRecorder) || ($.eventName=DeleteDeliveryChannel) || ($.eventName=PutDeliveryChannel) || ($.eventName=PutConfigurationRecorder))}",
    "CloudWatch.10": "{($.eventName=AuthorizeSecurityGroupIngress) || ($.eventName=AuthorizeSecurityGroupEgress) || ($.eventName=RevokeSecurityGroupIngress) || ($.eventName=RevokeSecurityGroupEgress) || ($.eventName=CreateSecurityGroup) || ($.eventName=DeleteSecurityGroup)}",
    "CloudWatch.11": "{($.eventName=CreateNetworkAcl) || ($.eventName=CreateNetworkAclEntry) || ($.eventName=DeleteNetworkAcl) || ($.eventName=DeleteNetworkAclEntry) || ($.eventName=ReplaceNetworkAclEntry) || ($.eventName=ReplaceNetworkAclAssociation)}",
    "CloudWatch.12": "{($.eventName=CreateCustomerGateway) || ($.eventName=DeleteCustomerGateway) || ($.eventName=AttachInternetGateway) || ($.eventName=CreateInternetGateway) || ($.eventName=DeleteInternetGateway) || ($.eventName=DetachInternetGateway)}",
    "CloudWatch.13": "{($.eventSource=ec2.amazonaws.com) && (($.eventName=CreateRoute) || ($.eventName=CreateRouteTable) || ($.eventName=ReplaceRoute) || ($.eventName=ReplaceRouteTableAssociation) || ($.eventName=DeleteRouteTable) || ($.eventName=DeleteRoute) || ($.eventName=DisassociateRouteTable))}",
    "CloudWatch.14": "{($.eventName=CreateVpc) || ($.eventName=DeleteVpc) || ($.eventName=ModifyVpcAttribute) || ($.eventName=AcceptVpcPeeringConnection) || ($.eventName=CreateVpcPeeringConnection) || ($.eventName=DeleteVpcPeeringConnection) || ($.eventName=RejectVpcPeeringConnection) || ($.eventName=AttachClassicLinkVpc) || ($.eventName=DetachClassicLinkVpc) || ($.eventName=DisableVpcClassicLink) || ($.eventName=EnableVpcClassicLink)}",
}
"""As printed by the Security Hub guide, copied by hand and not made by our code."""

LONGEST = {
    "access-logs": "b" * 63,
    "archive": "b" * 63,
    "log-group": "g" * 60,
    "logging": "1" * 12,
    "management": "1" * 12,
    "results": "b" * 63,
    "trail": "t" * 40,
    "trail-arn": "a" * 90,
}


def resources(**alarms: Any) -> Json:
    made: Json = synthesized(environment(alarms=alarms))["resource"]
    return made


@pytest.mark.parametrize("control", SECURITY_HUB)
def test_patterns_are_those_of_security_hub(control: str) -> None:
    (alarm,) = [each for each in ALARMS if control in each.controls]
    assert pattern(alarm, "security-hub", {}) == SECURITY_HUB[control]


def test_every_cis_item_from_4_1_to_4_15_has_its_alarm() -> None:
    controls = [each for alarm in ALARMS for each in alarm.controls if each.startswith("CIS")]
    assert controls == [f"CIS 4.{number}" for number in range(1, 16)]


@pytest.mark.parametrize("wording", ["security-hub", "cis"])
@pytest.mark.parametrize("alarm", [each for each in ALARMS if each.name != SILENCE], ids=str)
def test_patterns_fit_and_are_whole(alarm: Any, wording: str) -> None:
    text = pattern(alarm, wording, LONGEST)
    assert len(text) <= PATTERN_LIMIT
    assert "<" not in text
    assert text.startswith("{")
    assert text.endswith("}")
    assert text.count("(") == text.count(")")
    assert len(re.findall('"', text)) % 2 == 0
    assert alarm.response


def test_cis_has_its_own_words_where_they_differ() -> None:
    differing = {each.name for each in ALARMS if each.cis}
    assert differing == {
        "unauthorized-calls",
        "console-login-without-mfa",
        "security-group-changes",
    }
    filters = resources(patterns="cis")["aws_cloudwatch_log_metric_filter"]
    patterns = filters["alarms_totals_filter"]["for_each"]
    assert "ModifySecurityGroupRules" in patterns["security-group-changes"]
    assert "HeadBucket" in patterns["unauthorized-calls"]


def test_scanners_find_a_metric_without_dimensions_and_an_alarm_of_its_name() -> None:
    made = resources()
    filters = made["aws_cloudwatch_log_metric_filter"]["alarms_totals_filter"]
    alarm = made["aws_cloudwatch_metric_alarm"]["alarms_totals"]
    assert filters["metric_transformation"] == {
        "default_value": "0",
        "name": "${each.key}",
        "namespace": "OrganizationTrail",
        "value": "1",
    }
    assert (alarm["metric_name"], alarm["namespace"]) == ("${each.key}", "OrganizationTrail")
    assert set(filters["for_each"]) == set(alarm["for_each"]) == set(BY_NAME) - {SILENCE}
    assert alarm["alarm_actions"] == [
        "arn:aws:sns:us-east-1:111111111111:organization-trail-alarms"
    ]


def test_an_alarm_tells_which_account_it_is_about() -> None:
    made = resources()
    filters = made["aws_cloudwatch_log_metric_filter"]["alarms_by_account_filter"]
    alarm = made["aws_cloudwatch_metric_alarm"]["alarms_by_account"]
    assert filters["metric_transformation"]["dimensions"] == {"Account": "$.recipientAccountId"}
    # CloudWatch Logs refuses a default value beside dimensions.
    assert "default_value" not in filters["metric_transformation"]
    (query,) = alarm["metric_query"]
    assert query["expression"] == (
        'SELECT SUM("${each.key}") FROM SCHEMA("OrganizationTrail/ByAccount", Account) '
        "GROUP BY Account ORDER BY SUM() DESC"
    )
    assert "metric_name" not in alarm


def test_silence_rings_after_the_minutes_that_were_set() -> None:
    alarm = resources(silence_minutes=45)["aws_cloudwatch_metric_alarm"]["alarms_silence"]
    assert (alarm["period"], alarm["treat_missing_data"]) == (2700, "breaching")
    assert alarm["dimensions"] == {"LogGroupName": "/aws/cloudtrail/organization-trail"}
    assert (alarm["comparison_operator"], alarm["threshold"]) == ("LessThanThreshold", 1)


def test_the_archives_own_names_are_in_its_patterns() -> None:
    filters = resources()["aws_cloudwatch_log_metric_filter"]["alarms_totals_filter"]["for_each"]
    assert '"example-bank-archive"' in filters["archive-bucket-changes"]
    assert '"222222222222"' in filters["archive-key-changes"]
    assert '"organization-trail"' in filters["trail-tampering"]
    assert '"/aws/cloudtrail/organization-trail"' in filters["alarm-tampering"]


@pytest.mark.parametrize(
    ("alarms", "made"),
    [
        ({"names": []}, {}),
        ({"names": ["delivery-silence"]}, {"alarms_silence"}),
        ({"names": ["root-user"], "totals": False}, {"alarms_by_account"}),
        ({"names": ["root-user"], "by_account": False}, {"alarms_totals"}),
    ],
)
def test_all_a_list_or_none(alarms: Json, made: Any) -> None:
    assert set(resources(**alarms).get("aws_cloudwatch_metric_alarm", {})) == set(made)


def test_thresholds_and_periods_can_be_set() -> None:
    tuning = {"root-user": {"threshold": 9, "period_minutes": 60}}
    entries = resources(tuning=tuning)["aws_cloudwatch_metric_alarm"]["alarms_totals"]["for_each"]
    assert (entries["root-user"]["threshold"], entries["root-user"]["period"]) == (9, 3600)
    assert entries["unauthorized-calls"]["threshold"] == BY_NAME["unauthorized-calls"].threshold
    assert all(len(each["description"]) <= 1024 for each in entries.values())


def test_subscribers_of_every_kind_on_an_encrypted_topic() -> None:
    made = resources(
        subscribers={
            "email": ["audit@example.com"],
            "https": ["https://example.com/hook"],
            "slack": {"audit": {"team_id": "T1", "channel_id": "C1"}},
            "teams": {"night": {"tenant_id": "a", "team_id": "b", "channel_id": "c"}},
        }
    )
    assert made["aws_sns_topic"]["alarms_topic"]["kms_master_key_id"] == (
        "${aws_kms_key.alarms_key.arn}"
    )
    assert made["aws_sns_topic_subscription"]["alarms_subscribers"]["for_each"] == {
        "audit@example.com": "email",
        "https://example.com/hook": "https",
    }
    for kind in ("slack", "teams"):
        channel = made[f"aws_chatbot_{kind}_channel_configuration"][f"alarms_{kind}"]
        # Without a guardrail a channel may do all that its members can make the service do.
        assert channel["guardrail_policy_arns"] == [
            "arn:aws:iam::aws:policy/CloudWatchReadOnlyAccess"
        ]
