"""Names that settings decide: ARNs, prefixes and keys of the archive, log-stream names.

All are literal text, so that a policy can be read in a diff and checked without AWS.
"""

from __future__ import annotations

from typing import TypedDict

from orgtrail.integrity.names import Trail
from orgtrail.regions import partition, partition_of
from orgtrail.settings.archive import Notification
from orgtrail.settings.environment import Environment
from orgtrail.settings.siem import FEED_EVENTS, FEED_SUFFIX, Siem
from orgtrail.settings.verification import Verification

CLOUDTRAIL = "cloudtrail.amazonaws.com"
"""The service principal that writes logs."""

ACCESS_ANALYZER = "access-analyzer.amazonaws.com"
"""The service principal of IAM Access Analyzer."""

LOGS = "CloudTrail"
"""Folder of log files under each account's prefix."""

CHAT_GUARDRAIL = "policy/CloudWatchReadOnlyAccess"
"""AWS's own policy, beyond which no chat channel goes."""

COMPACTED_PREFIX = "table"
"""Where in its bucket the compacted table lies."""

DEAD = "-dead"
"""What stands behind a queue's name in that of its dead-letter queue."""

RESULT_PREFIX = "results/"
"""Where in the result bucket the workgroup writes."""


def trusted_services(env: Environment) -> list[str]:
    """Return the services that the organization has to trust for what the file asks for."""
    services = [CLOUDTRAIL]
    if env.guardduty:
        services.append("guardduty.amazonaws.com")
        if "EBS_MALWARE_PROTECTION" in env.guardduty.features:
            services.append("malware-protection.guardduty.amazonaws.com")
    if env.security_hub:
        services.append("securityhub.amazonaws.com")
    if env.access_analyzer:
        services.append(ACCESS_ANALYZER)
    return services


def arn(env: Environment, service: str, account: str, resource: str, region: str = "") -> str:
    """Build an ARN in the environment's partition."""
    return f"arn:{partition(env.home_region)}:{service}:{region}:{account}:{resource}"


def account_root(env: Environment, account: str) -> str:
    """Return the ARN that stands for an account in a policy's principal."""
    return arn(env, "iam", account, "root")


def trail_arn(env: Environment) -> str:
    """Return the trail's ARN. It has the management account's id, whoever made the trail."""
    return arn(
        env, "cloudtrail", env.management.id, f"trail/{env.trail.name}", region=env.home_region
    )


def verified_trail(env: Environment) -> Trail:
    """Return the trail as its verification names it."""
    arn, organization = trail_arn(env), env.organization.id
    return Trail.of(arn, env.archive.bucket, organization, organization_prefix(env))


class VerifiedRegions(TypedDict):
    """Whether the trail records every region, and the regions that the file names."""

    multi_region: bool
    known_regions: frozenset[str]


def verified_regions(env: Environment) -> VerifiedRegions:
    """Return what the file says of the regions that its trail has digests of.

    They are arguments of `integrity.request.Request`.
    """
    return {
        "multi_region": env.trail.multi_region,
        "known_regions": frozenset(env.catalog.regions or ()),
    }


def any_trail_arn(env: Environment) -> str:
    """Return the pattern of all trails of the management account, in any region."""
    return arn(env, "cloudtrail", env.management.id, "trail/*", region="*")


def bucket_arn(env: Environment, bucket: str, key: str = "") -> str:
    """Return the ARN of a bucket, or of the objects in it that `key` matches."""
    return arn(env, "s3", "", f"{bucket}/{key}" if key else bucket)


def logs_prefix(env: Environment) -> str:
    """Return the key prefix of everything CloudTrail writes: `[prefix/]AWSLogs/`."""
    return env.logs_prefix


def organization_prefix(env: Environment) -> str:
    """Return the key prefix of the organization's accounts, all members' included."""
    return env.organization_prefix


def own_keys(env: Environment) -> list[str]:
    """Return the ARNs of the archive's keys that this trail writes, and no other service.

    The organization's folder, and CloudTrail's folders of the management account.
    """
    account = f"{logs_prefix(env)}{env.management.id}/{LOGS}*"
    prefixes = (f"{organization_prefix(env)}*", account)
    return [bucket_arn(env, env.archive.bucket, each) for each in prefixes]


def key_alias_arn(env: Environment) -> str:
    """Return the ARN of the key's alias."""
    return in_logging(env, "kms", env.key.alias)


def log_group_arn(env: Environment, account: str) -> str:
    """Return the ARN of the log group in an account (`*` for any)."""
    return arn(env, "logs", account, f"log-group:{env.delivery.log_group}", region=env.home_region)


def log_stream_arns(env: Environment) -> list[str]:
    """Return the two patterns of streams that an organization trail writes.

    The management account's stream and those of the members, from
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/creating-an-organizational-trail-prepare.html
    """
    group = log_group_arn(env, env.management.id)
    return [
        f"{group}:log-stream:{env.management.id}_CloudTrail_{env.home_region}*",
        f"{group}:log-stream:{env.organization.id}_*",
    ]


def delivery_role_arn(env: Environment) -> str:
    """Return the ARN of the role that CloudTrail delivers to CloudWatch Logs with."""
    return role_arn(env, env.management.id, env.delivery.role_name)


def role_arn(env: Environment, account: str, name: str) -> str:
    """Return the ARN of a role in an account (`*` for any)."""
    return arn(env, "iam", account, f"role/{name}")


def reading_roles(env: Environment) -> list[str]:
    """Return the ARNs of the roles that read all logs: auditors, SIEM, compaction, verification."""
    names = [env.access.auditor.role_name] if env.access.auditor else []
    if env.siem and env.siem.reader:
        names.append(env.siem.reader.role_name)
    if env.catalog.compaction:
        names.append(env.catalog.compaction.role_name)
    if env.verification:
        names.append(env.verification.role_name)
    return [role_arn(env, env.logging.id, name) for name in names]


def logging_roles(env: Environment) -> list[str]:
    """Return the ARNs of all roles that the stack makes in the logging account."""
    starters = [env.verification.schedule_role_name] if env.verification else []
    return [*reading_roles(env), *(role_arn(env, env.logging.id, each) for each in starters)]


def in_logging(env: Environment, service: str, resource: str) -> str:
    """Return the ARN of a resource of the logging account in the home region."""
    return arn(env, service, env.logging.id, resource, region=env.home_region)


def project_arn(env: Environment, settings: Verification) -> str:
    """Return the ARN of the CodeBuild project that verifies."""
    return in_logging(env, "codebuild", f"project/{settings.project}")


def workgroup_arn(env: Environment) -> str:
    """Return the ARN of the workgroup."""
    return in_logging(env, "athena", f"workgroup/{env.catalog.workgroup}")


def catalog_arns(env: Environment) -> list[str]:
    """Return the ARNs of the database and of all tables in it."""
    database = env.catalog.database
    names = (f"database/{database}", f"table/{database}/*")
    return [in_logging(env, "glue", name) for name in names]


def any_key_arn(env: Environment) -> str:
    """Return the pattern of all keys of the logging account: AWS makes up a key's id."""
    return in_logging(env, "kms", "key/*")


def management_topic_arn(env: Environment, topic: str) -> str:
    """Return the ARN of a topic of the management account: the alarms', or CloudTrail's notices."""
    return arn(env, "sns", env.management.id, topic, region=env.home_region)


def trail_topic(env: Environment) -> str | None:
    """Return what the trail calls its topic: CloudTrail answers with the name alone.

    The ARN stands where the name would not do, in another account or region; elsewhere every plan
    would show a change. https://github.com/hashicorp/terraform-provider-aws/pull/41279
    """
    topic = env.trail.sns_topic
    if not topic or not topic.arn:
        return topic.name if topic else None
    name = topic.arn.rpartition(":")[2]
    return name if topic.arn == management_topic_arn(env, name) else topic.arn


def feed(env: Environment, siem: Siem) -> Notification:
    """Return what the bucket tells the SIEM feed's topic."""
    return Notification.model_construct(
        arn=feed_topic_arn(env, siem.topic),
        events=FEED_EVENTS,
        prefix=organization_prefix(env),
        suffix=FEED_SUFFIX,
    )


def notifications(env: Environment) -> list[Notification]:
    """Return all that the bucket tells of: those of the file, then the feed."""
    own = [feed(env, env.siem)] if env.siem else []
    return [*env.archive.notifications, *own]


def feed_topic_arn(env: Environment, topic: str) -> str:
    """Return the ARN of the SIEM feed's topic (`*` may stand in its name)."""
    return in_logging(env, "sns", topic)


def queue_arn(env: Environment, queue: str) -> str:
    """Return the ARN of a queue of the SIEM feed."""
    return in_logging(env, "sqs", queue)


def dead_letter(queue: str) -> str:
    """Return the name of a queue's dead-letter queue."""
    return f"{queue}{DEAD}"


def alias(name: str) -> str:
    """Return the alias of the key that encrypts what has this name."""
    return f"alias/{name}"


def via(env: Environment, service: str) -> str:
    """Return how KMS calls a service that asks on someone's behalf (`kms:ViaService`)."""
    return f"{service}.{env.home_region}.{partition_of(env.home_region).suffix}"


def call_arn(env: Environment, call: str) -> str:
    """Return the ARN that EventBridge Scheduler makes a call of AWS by: `athena:stopQuery`.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-universal.html
    """
    return arn(env, "scheduler", "", f"aws-sdk:{call}")


def result_location(env: Environment) -> str:
    """Return the S3 URI that the workgroup writes results to."""
    return f"s3://{env.result_bucket}/{RESULT_PREFIX}"


def table_location(env: Environment) -> str:
    """Return the S3 URI above all log files of the organization."""
    return f"s3://{env.archive.bucket}/{organization_prefix(env)}"


def compacted_location(env: Environment) -> str:
    """Return the S3 URI of the compacted table."""
    return f"s3://{env.compacted_bucket}/{COMPACTED_PREFIX}"


def partition_template(env: Environment) -> str:
    """Return the S3 URI of one partition, with the table's own variables in it."""
    return f"{table_location(env)}${{account}}/{LOGS}/${{region}}/${{day}}"


def first_day(env: Environment) -> str:
    """Return where the projection begins: the day set, or as far back as files are kept."""
    if env.catalog.first_day:
        return env.catalog.first_day.replace("-", "/")
    keep = env.archive.expire_after_days
    return f"NOW-{keep}DAYS" if keep else "2013/11/13"


def alarm_title(namespace: str, alarm: str, *, by_account: bool = False) -> str:
    """Return what CloudWatch calls an alarm."""
    return f"{namespace} {alarm}{' by account' if by_account else ''}"


def filter_name(alarm: str, form: str) -> str:
    """Return the name of an alarm's metric filter; the form is `totals` or `by_account`."""
    return f"{alarm}-{form.replace('_', '-')}"


def alarm_names(env: Environment) -> dict[str, str]:
    """Return what stands for `<archive>` and the like in the patterns of alarms."""
    return {
        "access-logs": env.archive.access_log_bucket,
        "archive": env.archive.bucket,
        "log-group": env.delivery.log_group,
        "logging": env.logging.id,
        "management": env.management.id,
        "results": env.result_bucket,
        "trail": env.trail.name,
        "trail-arn": trail_arn(env),
    }


def query_facts(env: Environment) -> dict[str, str]:
    """Return what stands for `<archive>` and the like in the parameters of queries."""
    return {
        "accounts": ",".join(env.account_ids),
        "archive": env.archive.bucket,
        "database": env.catalog.database,
        "logging": env.logging.id,
        "regions": ",".join(dict.fromkeys(env.catalog.regions or ())),
    }
