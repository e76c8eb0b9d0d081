"""The check of the topic that CloudTrail tells of log files."""

from __future__ import annotations

from collections.abc import Iterator

from orgtrail import naming
from orgtrail.doctor.checks.alarms import topic_faults
from orgtrail.doctor.checks.trail import found, ours
from orgtrail.doctor.outcome import DEPLOY, Fault, Subject
from orgtrail.doctor.register import Live, check
from orgtrail.trail import notices
from orgtrail.trail.policy import text


@check("trail-topic", "It tells its topic of log files, and no other", ours, "trail")
def _topic(live: Live, _: Subject) -> Iterator[Fault]:
    env = live.env
    given = env.trail.sns_topic
    wanted = (given and given.arn) or ""
    if name := env.created_topic:
        wanted = naming.management_topic_arn(env, name)
        made = Subject("management", name)
        yield from topic_faults(live, made, wanted, text(notices.topic_policy(env, name)))
    has = found(live).get("SnsTopicARN", "")
    if has != wanted:
        yield Fault(f"the trail tells {has or 'no topic'}, not {wanted or 'none'}", DEPLOY)
