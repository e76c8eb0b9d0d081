"""Rules of who is told of log files: by the trail's topic, and by the archive's notifications."""

from __future__ import annotations

from collections.abc import Iterator

from orgtrail.settings.archive import Notification
from orgtrail.settings.faults import Fault
from orgtrail.settings.rules.register import rule
from orgtrail.settings.shape import Shape
from orgtrail.settings.siem import FEED_EVENTS, FEED_SUFFIX

_NARROW = "narrow its events, prefix or suffix"


@rule("trail", "alarms")
def _topic(environment: Shape) -> Iterator[Fault]:
    """The trail's topic is made by name or referred to by ARN, and is not that of the alarms."""
    topic, here = environment.trail.sns_topic, ("trail", "sns_topic")
    if not topic:
        return
    if (topic.name is None) == (topic.arn is None):
        yield Fault(
            here,
            "must have either name, of a topic to make, or arn, of one that exists",
            topic.model_dump(exclude_none=True),
        )
    if topic.name and environment.alarms and topic.name == environment.alarms.topic:
        yield Fault((*here, "name"), "must not be alarms.topic", topic.name)


@rule("archive", "home_region")
def _region(environment: Shape) -> Iterator[Fault]:
    """S3 tells destinations in the bucket's own region alone.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/how-to-enable-disable-notification-intro.html
    """
    home = environment.home_region
    for index, each in enumerate(environment.archive.notifications):
        if each.arn.split(":")[3] != home:
            yield Fault(
                ("archive", "notifications", index, "arn"),
                f"must be in home_region ({home}): S3 tells no other region",
                each.arn,
            )


@rule("archive", "siem", "trail", "organization")
def _overlap(environment: Shape) -> Iterator[Fault]:
    """No event of a key is for two destinations: S3 refuses filters that overlap."""
    given = environment.archive.notifications
    for index, each in enumerate(given):
        here = ("archive", "notifications", index)
        for before in range(index):
            if each.overlaps(given[before]):
                yield Fault(
                    here,
                    f"must not overlap with archive.notifications[{before}]: S3 takes one "
                    "destination for an event of a key",
                    hint=_NARROW,
                )
        if environment.siem and each.overlaps(_feed(environment, each.arn)):
            yield Fault(
                here,
                f"must not overlap with the feed of siem ({', '.join(FEED_EVENTS)} of "
                f"{environment.organization_prefix}*{FEED_SUFFIX}): S3 takes one destination for "
                "an event of a key",
                hint=f"{_NARROW}, or subscribe it to siem.topic",
            )


def _feed(environment: Shape, arn: str) -> Notification:
    return Notification.model_construct(
        arn=arn, events=FEED_EVENTS, prefix=environment.organization_prefix, suffix=FEED_SUFFIX
    )
