"""Policies of the alarms' topic, of its key and of the chat service's role."""

from __future__ import annotations

from orgtrail import naming
from orgtrail.policies import verification
from orgtrail.policies.document import Document, allow, document, publish, secure_transport
from orgtrail.policies.key import administration, service
from orgtrail.settings.detection import AlarmSettings
from orgtrail.settings.environment import Environment

_CLOUDWATCH = "cloudwatch.amazonaws.com"


def topic(env: Environment, alarms: AlarmSettings) -> Document:
    """Return the topic's policy: alarms and the daily verification publish, over TLS.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
    """
    arn = naming.management_topic_arn(env, alarms.topic)
    return document(
        publish("AlarmsPublish", _CLOUDWATCH, arn, env.management.id, _our_alarms(env)),
        *(verification.publishes(env) if env.verification else []),
        secure_transport("sns:Publish", [arn]),
    )


def key(env: Environment) -> Document:
    """Return the key's policy. The service's own key would keep alarms from publishing.

    https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    """
    return document(
        administration([naming.account_root(env, env.management.id)]),
        service("AlarmsEncrypt", _CLOUDWATCH, env.management.id, _our_alarms(env)),
        *(verification.encrypts(env) if env.verification else []),
    )


def chat_trust() -> Document:
    """Return who may assume the chat role: the chat service.

    A channel of another account cannot be given it, since `iam:PassRole` ends at the account.
    """
    return document(
        {
            "Sid": "ChatService",
            "Effect": "Allow",
            "Principal": {"Service": "chatbot.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    )


def chat() -> Document:
    """Return what a channel may: look at alarms and draw their metrics."""
    actions = ("DescribeAlarms", "DescribeAlarmHistory", "GetMetricData", "GetMetricWidgetImage")
    return document(allow("LookAtAlarms", "cloudwatch", actions, "*"))


def _our_alarms(env: Environment) -> str:
    return naming.arn(env, "cloudwatch", env.management.id, "alarm:*", region=env.home_region)
