"""Who is told of log files: the trail's own topic, and what the archive's bucket tells."""

from __future__ import annotations

from typing import Any

from orgtrail import layout
from orgtrail.constructs import bindings as aws
from orgtrail.constructs.key import ServiceKey
from orgtrail.policies import notices as policies
from orgtrail.policies.document import text
from orgtrail.settings.environment import Environment

_KINDS = {"sns": "topic", "sqs": "queue", "lambda": "lambda_function"}
"""Terraform's blocks, by the service of a destination's ARN."""


class TrailTopic(aws.Part):
    """The topic that CloudTrail tells of each log file, with a key and a policy of its own.

    Args:
        scope: the construct that it is part of.
        id: its name there.
        environment: the settings of the whole.
        name: the topic's name.
        provider: the management account, in the home region.

    """

    def __init__(
        self,
        scope: aws.Construct,
        id: str,
        *,
        environment: Environment,
        name: str,
        provider: aws.AwsProvider,
    ) -> None:
        """Make key, topic and policy; `ready` is what the trail waits for."""
        super().__init__(scope, id, provider=provider)
        key = ServiceKey(
            self,
            "key",
            environment=environment,
            provider=provider,
            alias=layout.alias(name),
            description=f"Messages of {name}",
            policy=policies.key(environment),
        )
        topic = self.add(aws.SnsTopic, "Default", name=name, kms_master_key_id=key.arn)
        # CloudTrail tries the topic when it is told of it.
        self.ready = self.add(
            aws.SnsTopicPolicy,
            "policy",
            arn=aws.attribute(topic, "arn"),
            policy=aws.literal(text(policies.topic(environment, name))),
        )


class ArchiveNotification(aws.Part):
    """What the bucket tells where there is no feed for a SIEM."""

    def __init__(
        self,
        scope: aws.Construct,
        id: str,
        *,
        environment: Environment,
        provider: aws.AwsProvider,
        after: aws.Dependables,
    ) -> None:
        """Set it on the bucket."""
        super().__init__(scope, id, provider=provider)
        notify(self, environment, after)


def notify(part: aws.Part, environment: Environment, after: aws.Dependables) -> None:
    """Tell the archive's bucket whom to tell: S3 has one list for a bucket, so it is whole here.

    Args:
        part: what it becomes part of.
        environment: the settings.
        after: what must stand before.

    """
    blocks: dict[str, list[dict[str, Any]]] = {}
    for each in layout.notifications(environment):
        kind = _KINDS[each.arn.split(":")[2]]
        # In a list, jsii takes the names that the bindings have in TypeScript.
        block = {f"{_camel(kind)}Arn": each.arn, "events": list(each.events)}
        filters = {"filterPrefix": each.prefix, "filterSuffix": each.suffix}
        kept = {name: value for name, value in filters.items() if value}
        blocks.setdefault(kind, []).append(block | kept)
    bucket = environment.archive.bucket
    made = part.add(
        aws.S3BucketNotification,
        "notification",
        bucket=bucket,
        eventbridge=environment.archive.eventbridge or None,
        depends_on=[*after],
        **blocks,  # type: ignore[arg-type]
    )
    existing = environment.adopt.bucket
    aws.imported(made, bucket, when=bool(existing and existing.has("notification")))


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))
