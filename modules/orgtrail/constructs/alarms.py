"""Alarms over the events of all accounts, and the topic that they ring by."""

from __future__ import annotations

from typing import Any

from orgtrail import layout
from orgtrail.alarms import SILENCE, Alarm, pattern
from orgtrail.constructs import bindings as aws
from orgtrail.constructs.key import ServiceKey
from orgtrail.constructs.role import Role
from orgtrail.constructs.trail import LogDelivery
from orgtrail.policies import alarms as policies
from orgtrail.policies import boundary
from orgtrail.policies.document import text
from orgtrail.settings.alarms import Alarms as Settings
from orgtrail.settings.alarms import Tuning
from orgtrail.settings.environment import Environment

_AT_LEAST = "GreaterThanOrEqualToThreshold"
_KEY, _VALUE = "${each.key}", "${{each.value.{}}}"


class Alarms(aws.Part):
    """Metric filters on the trail's log group, alarms on their metrics, and who is told.

    Each alarm is there twice: over all accounts, as scanners look for it, and by account, where
    CloudWatch evaluates every account by itself and its notice names the one it is about.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Create_Metrics_Insights_Alarm.html

    Args:
        scope: the construct that it is part of.
        id: its name there.
        environment: the settings of the whole.
        settings: the alarms' own.
        provider: the management account, which owns the log group.
        delivery: the log group and what it needs.

    """

    def __init__(
        self,
        scope: aws.Construct,
        id: str,
        *,
        environment: Environment,
        settings: Settings,
        provider: aws.AwsProvider,
        delivery: LogDelivery,
    ) -> None:
        """Make the topic, then what rings it."""
        super().__init__(scope, id, provider=provider)
        self._environment, self._settings, self._delivery = environment, settings, delivery
        self.topic_arn = layout.management_topic_arn(environment, settings.topic)
        self.topic = self._topic(provider)
        self._subscribe(provider)
        watched = [each for each in settings.chosen if each.name != SILENCE]
        if watched and settings.totals:
            self._totals(watched)
        if watched and settings.by_account:
            self._by_account(watched)
        for alarm in settings.chosen:
            if alarm.name == SILENCE:
                self._silence(alarm)

    def _topic(self, provider: aws.AwsProvider) -> aws.Dependable:
        """Make the topic with its policy and its key, and return what stands last."""
        name = self._settings.topic
        key = ServiceKey(
            self,
            "key",
            environment=self._environment,
            provider=provider,
            alias=layout.alias(name),
            description=f"Messages of {name}",
            policy=policies.key(self._environment),
        )
        topic = self.add(aws.SnsTopic, "topic", name=name, kms_master_key_id=key.arn)
        return self.add(
            aws.SnsTopicPolicy,
            "topic_policy",
            arn=aws.attribute(topic, "arn"),
            policy=aws.literal(text(policies.topic(self._environment, self._settings))),
        )

    def _subscribe(self, provider: aws.AwsProvider) -> None:
        subscribers = self._settings.subscribers
        endpoints = {
            endpoint: protocol
            for protocol, given in (("email", subscribers.email), ("https", subscribers.https))
            for endpoint in given
        }
        if endpoints:
            aws.for_each(
                self.add(
                    aws.SnsTopicSubscription,
                    "subscribers",
                    topic_arn=self.topic_arn,
                    protocol="${each.value}",
                    endpoint=_KEY,
                    depends_on=[self.topic],
                ),
                endpoints,
            )
        if subscribers.slack or subscribers.teams:
            self._chat(provider)

    def _chat(self, provider: aws.AwsProvider) -> None:
        """Make the channels. Without a guardrail a channel could do all that administrators can."""
        name = self._settings.chat_role_name
        role = Role(
            self,
            "chat",
            provider=provider,
            name=name,
            description="What a chat channel may look at",
            trust=policies.chat_trust(),
            policy_name="chat",
            permissions=policies.chat(),
            boundary=boundary.arn(self._environment, "management"),
        )
        guardrail = layout.arn(self._environment, "iam", "aws", layout.CHAT_GUARDRAIL)
        common: dict[str, Any] = {
            "configuration_name": _KEY,
            "iam_role_arn": layout.role_arn(
                self._environment, self._environment.management.id, name
            ),
            "guardrail_policy_arns": [guardrail],
            "sns_topic_arns": [self.topic_arn],
            "logging_level": "ERROR",
            "depends_on": [role.policy, self.topic],
        }
        channels = self._settings.subscribers
        if channels.slack:
            slack = self.add(
                aws.ChatbotSlackChannelConfiguration,
                "slack",
                slack_team_id=_VALUE.format("team_id"),
                slack_channel_id=_VALUE.format("channel_id"),
                **common,
            )
            aws.for_each(slack, {name: each.model_dump() for name, each in channels.slack.items()})
        if channels.teams:
            teams = self.add(
                aws.ChatbotTeamsChannelConfiguration,
                "teams",
                tenant_id=_VALUE.format("tenant_id"),
                team_id=_VALUE.format("team_id"),
                channel_id=_VALUE.format("channel_id"),
                **common,
            )
            aws.for_each(teams, {name: each.model_dump() for name, each in channels.teams.items()})

    def _totals(self, alarms: list[Alarm]) -> None:
        """Make plain alarms: Security Hub wants a metric with no dimensions."""
        namespace = self._settings.namespace
        filters = self._filters("totals", alarms, namespace, {"default_value": "0"})
        alarm = self.add(
            aws.CloudwatchMetricAlarm,
            "totals",
            alarm_name=layout.alarm_title(namespace, _KEY),
            metric_name=_KEY,
            namespace=namespace,
            statistic="Sum",
            **self._common([self.topic, filters]),
        )
        aws.for_each(
            alarm,
            {each.name: self._entry(each) for each in alarms},
            period=_VALUE.format("period"),
            threshold=_VALUE.format("threshold"),
        )

    def _by_account(self, alarms: list[Alarm]) -> None:
        """Make alarms that ring for each account by itself."""
        namespace = f"{self._settings.namespace}/ByAccount"
        filters = self._filters(
            "by_account", alarms, namespace, {"dimensions": {"Account": "$.recipientAccountId"}}
        )
        alarm = self.add(
            aws.CloudwatchMetricAlarm,
            "by_account",
            alarm_name=layout.alarm_title(self._settings.namespace, _KEY, by_account=True),
            **self._common([self.topic, filters]),
        )
        query = (
            f'SELECT SUM("{_KEY}") FROM SCHEMA("{namespace}", Account) '  # noqa: S608
            "GROUP BY Account ORDER BY SUM() DESC"
        )
        series = {
            "id": "accounts",
            "expression": query,
            "period": _VALUE.format("period"),
            "return_data": True,
        }
        aws.for_each(
            alarm,
            {each.name: self._entry(each) for each in alarms},
            metric_query=[series],
            threshold=_VALUE.format("threshold"),
        )

    def _filters(
        self, name: str, alarms: list[Alarm], namespace: str, transformation: dict[str, Any]
    ) -> aws.Dependable:
        """Count the events of each pattern in a namespace."""
        env = self._environment
        filters = self.add(
            aws.CloudwatchLogMetricFilter,
            f"{name}_filter",
            name=layout.filter_name(_KEY, name),
            log_group_name=env.delivery.log_group,
            pattern="${each.value}",
            metric_transformation={
                "name": _KEY,
                "namespace": namespace,
                "value": "1",
                **transformation,
            },
            depends_on=self._delivery.group,
        )
        names = layout.alarm_names(env)
        wording = self._settings.patterns
        aws.for_each(
            filters, {each.name: aws.literal(pattern(each, wording, names)) for each in alarms}
        )
        return filters

    def _silence(self, alarm: Alarm) -> None:
        """Ring where nothing comes: the metric of the log group itself, missing or zero."""
        self.add(
            aws.CloudwatchMetricAlarm,
            "silence",
            alarm_name=layout.alarm_title(self._settings.namespace, alarm.name),
            metric_name="IncomingLogEvents",
            namespace="AWS/Logs",
            dimensions={"LogGroupName": self._environment.delivery.log_group},
            statistic="Sum",
            period=self._settings.silence_minutes * 60,
            threshold=1,
            **{
                **self._common([self.topic, *self._delivery.group]),
                "alarm_description": _description(alarm),
                "comparison_operator": "LessThanThreshold",
                "treat_missing_data": "breaching",
            },
        )

    def _common(self, after: aws.Dependables) -> dict[str, Any]:
        return {
            "alarm_description": _VALUE.format("description"),
            "comparison_operator": _AT_LEAST,
            "evaluation_periods": 1,
            "treat_missing_data": "notBreaching",
            "alarm_actions": [self.topic_arn],
            "depends_on": after,
        }

    def _entry(self, alarm: Alarm) -> dict[str, Any]:
        tuning = self._settings.tuning.get(alarm.name, Tuning())
        return {
            "description": _description(alarm),
            "period": tuning.period_minutes * 60,
            "threshold": tuning.threshold or alarm.threshold,
        }


def _description(alarm: Alarm) -> str:
    return f"{alarm.title} ({', '.join(alarm.controls)}). {alarm.response}"
