"""What the roles that Terraform deploys with may do: what the stack needs, and nothing beside it.

Each part says what it needs itself (`deploying`); what several parts share is here.
"""

from __future__ import annotations

from collections.abc import Iterator

from orgtrail import naming
from orgtrail.settings.environment import Environment
from orgtrail.trail import (
    alarms,
    catalog,
    delivery,
    detection,
    guardrails,
    siem,
    trail,
    verification,
)
from orgtrail.trail import deploying as of
from orgtrail.trail.guardduty import FINDINGS_KEY
from orgtrail.trail.policy import Document, Statement, allow, boundary_arn, document

_ORGANIZATION = (
    "DescribeOrganization", "ListAWSServiceAccessForOrganization", "ListAccounts", "ListRoots",
)  # fmt: skip


def deployer(env: Environment, name: str) -> Document:
    """Return the policy of the role that deploys to an account.

    Args:
        env: the settings.
        name: the account, by its name in `accounts`: one of `env.provider_accounts`.

    """
    statements = []
    if name == "management":
        statements += [*_in_management(env), *detection.delegating(env)]
    if name == "logging":
        statements += _in_logging(env)
    return document(*statements, *detection.administering(env, name))


def _in_management(env: Environment) -> Iterator[Statement]:
    """Yield what the role of the management account may do."""
    yield allow("ReadOrganization", "organizations", _ORGANIZATION, "*")
    yield from guardrails.deploying(env)
    yield from trail.deploying(env)
    if env.delivery.enabled:
        yield from delivery.deploying(env)
    if env.alarms:
        yield from alarms.deploying(env)
    yield from _topics(env)


def _in_logging(env: Environment) -> Iterator[Statement]:
    """Yield what the role of the logging account may do."""
    buckets = [name for name in env.own_buckets if name not in env.referenced_buckets]
    yield allow(
        "ManageBuckets", "s3", of.BUCKET, [naming.bucket_arn(env, each) for each in buckets]
    )
    yield from _keys(env)
    yield from catalog.deploying(env)
    if env.verification:
        yield from verification.deploying(env, env.verification)
    yield allow("FindRegions", "ec2", ("DescribeRegions",), "*")
    if roles := naming.logging_roles(env):
        yield from of.roles("Manage", roles, boundary_arn(env, "logging"))
    if env.sends_notifications:
        notices = ("GetBucketNotification", "PutBucketNotification")
        yield allow("Notify", "s3", notices, naming.bucket_arn(env, env.archive.bucket))
    if env.siem:
        yield from siem.deploying(env, env.siem)


def _keys(env: Environment) -> Iterator[Statement]:
    """Yield what the keys of the logging account need, where the stack makes any."""
    aliases = [] if env.adopt.is_referenced("key") else [env.key.alias]
    aliases += [naming.key_alias(env.siem.topic)] if env.siem else []
    aliases += [naming.key_alias(FINDINGS_KEY)] if env.findings_bucket else []
    if aliases:
        named = {alias: naming.logging_arn(env, "kms", alias) for alias in aliases}
        yield from of.keys("Keys", naming.any_key_arn(env), named)


def _topics(env: Environment) -> Iterator[Statement]:
    """Yield what the topics of the management account need: the alarms' and the trail's."""
    home, account = env.home_region, env.management.id
    names = [env.alarms.topic] if env.alarms else []
    if env.created_topic:
        names.append(env.created_topic)
    if not names:
        return
    keys = naming.arn(env, "kms", account, "key/*", region=home)
    aliases = [naming.key_alias(each) for each in names]
    arns = {each: naming.arn(env, "kms", account, each, region=home) for each in aliases}
    yield from of.keys("TopicKeys", keys, arns)
    topics = [naming.management_topic_arn(env, each) for each in names]
    both = [one for each in topics for one in (each, f"{each}:*")]
    yield allow("ManageTopic", "sns", of.TOPIC, both)
