"""The feed for a SIEM, in the logging account: from the archive to a topic to a queue."""

from __future__ import annotations

from typing import Any

from orgtrail import layout
from orgtrail.constructs import bindings as aws
from orgtrail.constructs.key import ServiceKey
from orgtrail.constructs.notices import notify
from orgtrail.constructs.role import Role
from orgtrail.policies import boundary
from orgtrail.policies import siem as policies
from orgtrail.policies.document import Document, text
from orgtrail.settings.environment import Environment
from orgtrail.settings.siem import Siem, SiemReader

_DAY = 86_400
_DEAD_DAYS = 14


class SiemFeed(aws.Part):
    """Notices of new log files, as S3 words them: what Splunk, Elastic and others take.

    Args:
        scope: the construct that it is part of.
        id: its name there.
        environment: the settings of the whole.
        settings: the feed's own.
        provider: the logging account, in the archive's region.
        after: what must stand before the bucket is told to notify.

    """

    def __init__(
        self,
        scope: aws.Construct,
        id: str,
        *,
        environment: Environment,
        settings: Siem,
        provider: aws.AwsProvider,
        after: aws.Dependables,
    ) -> None:
        """Make key, topic, queues, the bucket's notification and the SIEM's role."""
        super().__init__(scope, id, provider=provider)
        self.topic_arn = layout.feed_topic_arn(environment, settings.topic)
        self.key = ServiceKey(
            self,
            "key",
            environment=environment,
            provider=provider,
            alias=layout.alias(settings.topic),
            description=f"Messages of {settings.topic}",
            policy=policies.key(environment, settings),
        )
        topic = self.add(aws.SnsTopic, "topic", name=settings.topic, kms_master_key_id=self.key.arn)
        may_publish = self.add(
            aws.SnsTopicPolicy,
            "topic_policy",
            arn=aws.attribute(topic, "arn"),
            policy=aws.literal(text(policies.topic(environment, settings))),
        )
        self._queues(environment, settings, topic)
        # S3 sends a test when it is told to notify.
        notify(self, environment, [*after, may_publish])
        if settings.reader:
            self._reader(environment, settings, settings.reader, provider)

    def _queues(self, environment: Environment, settings: Siem, topic: aws.Dependable) -> None:
        dead = self._queue(
            "dead_letters",
            layout.dead_letter(settings.queue),
            _DEAD_DAYS,
            policies.dead_letters(environment, settings),
        )
        dead_arn = layout.queue_arn(environment, layout.dead_letter(settings.queue))
        self.queue = self._queue(
            "queue",
            settings.queue,
            settings.retention_days,
            policies.queue(environment, settings),
            visibility_timeout_seconds=settings.visibility_seconds,
            redrive_policy=text(
                {"deadLetterTargetArn": dead_arn, "maxReceiveCount": settings.max_receives}
            ),
            depends_on=[dead],
        )
        self.add(
            aws.SnsTopicSubscription,
            "subscription",
            topic_arn=self.topic_arn,
            protocol="sqs",
            endpoint=layout.queue_arn(environment, settings.queue),
            # The message is then S3's own, without an envelope.
            raw_message_delivery=True,
            depends_on=[topic, self.queue],
        )

    def _queue(
        self, id: str, name: str, days: int, policy: Document, **settings: Any
    ) -> aws.Dependable:
        """Make an encrypted queue and its policy, and return the policy."""
        queue = self.add(
            aws.SqsQueue,
            id,
            name=name,
            kms_master_key_id=self.key.arn,
            message_retention_seconds=days * _DAY,
            receive_wait_time_seconds=20,
            **settings,
        )
        return self.add(
            aws.SqsQueuePolicy,
            f"{id}_policy",
            queue_url=aws.attribute(queue, "url"),
            policy=aws.literal(text(policy)),
        )

    def _reader(
        self,
        environment: Environment,
        settings: Siem,
        reader: SiemReader,
        provider: aws.AwsProvider,
    ) -> None:
        Role(
            self,
            "reader",
            provider=provider,
            name=reader.role_name,
            description="A SIEM takes notices and log files",
            trust=policies.reader_trust(reader),
            policy_name="reader",
            permissions=policies.reader(environment, settings),
            boundary=boundary.arn(environment, "logging"),
        )
