"""Which parts an environment asks for: their resources, outputs, and what deploying them takes."""

from __future__ import annotations

from collections.abc import Iterator

from orgtrail import naming
from orgtrail.settings.environment import Environment
from orgtrail.trail import deploying as of
from orgtrail.trail.access_analyzer import access_analyzer
from orgtrail.trail.alarms import alarms
from orgtrail.trail.alarms import deploying as deploying_alarms
from orgtrail.trail.archive import archive
from orgtrail.trail.auditors import auditor
from orgtrail.trail.catalog import catalog
from orgtrail.trail.catalog import deploying as deploying_catalog
from orgtrail.trail.delivery import Delivery, delivery
from orgtrail.trail.delivery import deploying as deploying_delivery
from orgtrail.trail.detection import administering, delegating
from orgtrail.trail.guardduty import FINDINGS_KEY, guardduty
from orgtrail.trail.guardrails import deploying as deploying_guardrails
from orgtrail.trail.guardrails import guardrails
from orgtrail.trail.key import TrailKey, key
from orgtrail.trail.members import member_policy
from orgtrail.trail.notices import bucket_notification, trail_topic
from orgtrail.trail.organization import organization
from orgtrail.trail.part import Before, Part, provider_of
from orgtrail.trail.policy import Document, Statement, allow, boundary_arn, document, text
from orgtrail.trail.resource import Output, Stack, literal
from orgtrail.trail.security_hub import security_hub
from orgtrail.trail.siem import deploying as deploying_siem
from orgtrail.trail.siem import siem
from orgtrail.trail.trail import deploying as deploying_trail
from orgtrail.trail.trail import trail
from orgtrail.trail.verification import deploying as deploying_verification
from orgtrail.trail.verification import verification

TERRAFORM_VERSIONS = ">= 1.10"
"""Since 1.10, the S3 backend can lock with a file."""
PROVIDER = "hashicorp/aws"
_LISTING = ("ListAWSServiceAccessForOrganization", "ListAccounts", "ListRoots")


def build(environment: Environment, path: tuple[str, ...] = ()) -> Stack:
    """Return the stack of an environment; resources that it only refers to are not managed.

    Args:
        environment: the settings.
        path: the ids of the enclosing constructs, with which every address starts.

    """
    root = Part(environment, path=path)
    ready = organization(root.inside("organization"))
    trail_key = key(root.inside("key", "logging"))
    log_archive = archive(root.inside("archive", "logging"), trail_key.arn)
    delivered = delivery(root.inside("delivery")) if environment.delivery.enabled else None
    topic = environment.created_topic
    told = [trail_topic(root.inside("trail_topic"), topic)] if topic else []
    made = trail(
        root.inside("trail"),
        key_arn=trail_key.arn,
        delivery=delivered.ready if delivered else None,
        # CloudTrail first writes a test file, which fails unless these exist.
        after=[*ready, *log_archive.ready, *trail_key.ready, *told],
    )
    # After the trail, so that a role forgotten in exempt_roles is not locked out half-way.
    guardrails(root.inside("guardrails"), after=[*ready, made])
    catalog(
        root.inside("catalog", "logging"),
        organization=ready[0].address,
        key_arn=trail_key.arn,
        access_logs=log_archive.access_logs,
    )
    _watch(root, delivered, after=log_archive.ready[:1])
    if environment.guardduty:
        part, access_logs = root.inside("guardduty", "logging"), log_archive.access_logs
        guardduty(part, environment.guardduty, access_logs=access_logs, after=ready)
    if environment.security_hub:
        security_hub(root.inside("security_hub"), environment.security_hub, after=ready)
    if environment.access_analyzer:
        part = root.inside("access_analyzer")
        access_analyzer(part, environment.access_analyzer, after=ready)
    return Stack(
        environment.name,
        tuple(root.resources),
        tuple(provider_of(environment, name) for name in environment.provider_accounts),
        tuple(root.checks),
        _outputs(environment, trail_key),
    )


def _watch(root: Part, delivered: Delivery | None, after: Before) -> None:
    """Add the options that notify people of events or read them."""
    env = root.environment
    if env.alarms and delivered:
        alarms(root.inside("alarms"), env.alarms, group=[delivered.group])
    if env.verification:
        verification(root.inside("verification", "logging"), env.verification)
    if env.access.auditor:
        auditor(root.inside("auditor", "logging"), env.access.auditor)
    if env.siem:
        siem(root.inside("siem", "logging"), env.siem, after)
    elif env.sends_notifications:
        # The same address as with a feed: S3 has one list for each bucket, so that its resource
        # must stay the same when a feed is added or removed.
        bucket_notification(root.inside("siem", "logging"), after)


def provider_versions(env: Environment) -> str:
    """Return the versions of the AWS provider that have all that the file asks for.

    Later 6.x releases accept the same resources. The changelog says what came when:
    https://github.com/hashicorp/terraform-provider-aws/blob/main/CHANGELOG.md
    """
    if env.organization.enable_trusted_access:
        return "~> 6.39"
    return "~> 6.25" if env.organization.list_accounts else "~> 6.29"


def deployer(env: Environment, name: str) -> Document:
    """Return the policy of the role that deploys to an account.

    Args:
        env: the settings.
        name: the account's name in `accounts`, one of `env.provider_accounts`.

    """
    statements = []
    if name == "management":
        statements += [*_in_management(env), *delegating(env)]
    if name == "logging":
        statements += _in_logging(env)
    return document(*statements, *administering(env, name))


def _in_management(env: Environment) -> Iterator[Statement]:
    """Yield the permissions of the management account's deploying role."""
    # Without a list of accounts the plan trusts the services, and reads that trust.
    reads = _LISTING if env.organization.list_accounts else _LISTING[:1]
    yield allow("ReadOrganization", "organizations", ("DescribeOrganization", *reads), "*")
    if env.organization.enable_trusted_access:
        yield _trusting(env)
    yield from deploying_guardrails(env)
    yield from deploying_trail(env)
    if env.delivery.enabled:
        yield from deploying_delivery(env)
    if env.alarms:
        yield from deploying_alarms(env)
    yield from _topics(env)


def _in_logging(env: Environment) -> Iterator[Statement]:
    """Yield the permissions of the logging account's deploying role."""
    buckets = [name for name in env.own_buckets if name not in env.referenced_buckets]
    yield allow(
        "ManageBuckets", "s3", of.BUCKET, [naming.bucket_arn(env, each) for each in buckets]
    )
    yield from _keys(env)
    yield from deploying_catalog(env)
    if env.verification:
        yield from deploying_verification(env, env.verification)
    yield allow("FindRegions", "ec2", ("DescribeRegions",), "*")
    if roles := naming.logging_roles(env):
        yield from of.roles("Manage", roles, boundary_arn(env, "logging"))
    if env.sends_notifications:
        notices = ("GetBucketNotification", "PutBucketNotification")
        yield allow("Notify", "s3", notices, naming.bucket_arn(env, env.archive.bucket))
    if env.siem:
        yield from deploying_siem(env, env.siem)


def _trusting(env: Environment) -> Statement:
    """Return the permission to let the services into the organization that the file needs there.

    To end that trust is to end the trail. Who deploys may do it only where the file lets the stack
    be destroyed.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsorganizations.html
    """
    actions: tuple[str, ...] = ("EnableAWSServiceAccess",)
    if not env.archive.destroy_protection:
        actions += ("DisableAWSServiceAccess",)
    named = {"organizations:ServicePrincipal": naming.trusted_services(env)}
    return {
        **allow("TrustServices", "organizations", actions, "*"),
        "Condition": {"StringEquals": named},
    }


def _keys(env: Environment) -> Iterator[Statement]:
    """Yield the permissions to deploy the logging account's keys, if there are any."""
    aliases = [] if env.adopt.is_referenced("key") else [env.key.alias]
    aliases += [naming.key_alias(env.siem.topic)] if env.siem else []
    aliases += [naming.key_alias(FINDINGS_KEY)] if env.findings_bucket else []
    if aliases:
        named = {alias: naming.logging_arn(env, "kms", alias) for alias in aliases}
        yield from of.keys("Keys", naming.any_key_arn(env), named)


def _topics(env: Environment) -> Iterator[Statement]:
    """Yield the permissions to deploy the management account's topics, of alarms and trail."""
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


def _outputs(env: Environment, trail_key: TrailKey) -> dict[str, Output]:
    """Return the outputs for other tools."""
    outputs = {
        "trail_arn": Output(naming.trail_arn(env), "ARN of the organization trail"),
        "archive_bucket": Output(env.archive.bucket, "Bucket that keeps log files and digests"),
        "log_prefix": Output(env.organization_prefix, "Key prefix of all log files"),
        "key_arn": Output(trail_key.arn, "ARN of the key that encrypts log files and results"),
        "database": Output(env.catalog.database, "Glue database"),
        "table": Output(env.catalog.table, "Glue table over the archive"),
        "workgroup": Output(env.catalog.workgroup, "Athena workgroup"),
        "result_location": Output(naming.result_location(env), "S3 URI of query results"),
        "home_region": Output(env.home_region, "Region of all of these"),
    }
    if env.delivery.enabled:
        meaning = "CloudWatch log group of the events"
        outputs["log_group"] = Output(env.delivery.log_group, meaning)
    if env.alarms:
        topic = naming.management_topic_arn(env, env.alarms.topic)
        outputs["alarm_topic_arn"] = Output(topic, "Topic that the alarms ring by")
    if env.created_topic:
        topic = naming.management_topic_arn(env, env.created_topic)
        outputs["trail_topic_arn"] = Output(topic, "Topic that CloudTrail tells of log files")
    if env.access.auditor:
        role = naming.role_arn(env, env.logging.id, env.access.auditor.role_name)
        outputs["auditor_role_arn"] = Output(role, "Role for auditors to assume")
    if env.access.member_readers:
        policy = literal(text(member_policy(env)))
        meaning = "Policy of the reader in a member account"
        outputs["member_reader_policy"] = Output(policy, meaning)
    if env.siem:
        queue = naming.queue_arn(env, env.siem.queue)
        outputs["siem_queue_arn"] = Output(queue, "Queue of notices of new log files")
    if env.findings_bucket:
        meaning = "Bucket of GuardDuty's findings"
        outputs["findings_bucket"] = Output(env.findings_bucket, meaning)
    return outputs
