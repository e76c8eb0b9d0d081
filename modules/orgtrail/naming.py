"""Names derived from settings: ARNs, key prefixes, S3 locations, alarm names.

All are literal text, so that policies can be read in a diff and checked without AWS.
"""

from __future__ import annotations

from datetime import datetime

from orgtrail.regions import partition, partition_of
from orgtrail.settings.access import SIEM_FEED_EVENTS, SIEM_FEED_SUFFIX, Siem
from orgtrail.settings.archive import Notification
from orgtrail.settings.detection import Verification
from orgtrail.settings.environment import Environment
from orgtrail.verify.names import VerifiedTrail
from orgtrail.verify.request import VerifyRequest

CLOUDTRAIL = "cloudtrail.amazonaws.com"
"""The service principal of CloudTrail."""

ACCESS_ANALYZER = "access-analyzer.amazonaws.com"
"""The service principal of IAM Access Analyzer."""

LOGS = "CloudTrail"
"""The folder of log files below an account's prefix."""

CHAT_GUARDRAIL = "policy/CloudWatchReadOnlyAccess"
"""The AWS managed policy that limits what chat channels may do."""

COMPACTED_PREFIX = "table"
"""The prefix of the compacted table in its bucket."""

DEAD_LETTER_SUFFIX = "-dead"
"""The suffix of a dead-letter queue's name."""

RESULT_PREFIX = "results/"
"""The prefix of query results in their bucket."""


def trusted_services(env: Environment) -> list[str]:
    """Return the services that need trusted access to the organization."""
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
    """Return the ARN of an account as a principal in policies."""
    return arn(env, "iam", account, "root")


def trail_arn(env: Environment) -> str:
    """Return the trail's ARN. It has the management account's id, whoever created the trail."""
    return arn(
        env, "cloudtrail", env.management.id, f"trail/{env.trail.name}", region=env.home_region
    )


def verified_trail(env: Environment) -> VerifiedTrail:
    """Return the trail in the form that the verification uses."""
    arn, organization = trail_arn(env), env.organization.id
    return VerifiedTrail.of(arn, env.archive.bucket, organization, env.organization_prefix)


def verify_request(env: Environment, since: datetime, until: datetime) -> VerifyRequest:
    """Return the request to verify an environment's trail: all its accounts and regions.

    Args:
        env: the settings.
        since: start of the window, with a time zone.
        until: end of the window, with a time zone.

    """
    return VerifyRequest(
        verified_trail(env),
        since,
        until,
        expected=dict.fromkeys(env.account_ids),
        known_regions=frozenset(env.catalog.regions or ()),
        multi_region=env.trail.multi_region,
    )


def any_trail_arn(env: Environment) -> str:
    """Return the ARN pattern of all trails of the management account, in any region."""
    return arn(env, "cloudtrail", env.management.id, "trail/*", region="*")


def bucket_arn(env: Environment, bucket: str, key: str = "") -> str:
    """Return the ARN of a bucket, or of the objects in it that `key` matches."""
    return arn(env, "s3", "", f"{bucket}/{key}" if key else bucket)


def trail_object_arns(env: Environment) -> list[str]:
    """Return the ARN patterns of the objects in the archive that only this trail writes.

    These are the organization's folder, and CloudTrail's folders of the management account.
    """
    account = f"{env.logs_prefix}{env.management.id}/{LOGS}*"
    prefixes = (f"{env.organization_prefix}*", account)
    return [bucket_arn(env, env.archive.bucket, each) for each in prefixes]


def log_group_arn(env: Environment, account: str) -> str:
    """Return the ARN of the log group in an account (`*` for any)."""
    return arn(env, "logs", account, f"log-group:{env.delivery.log_group}", region=env.home_region)


def log_stream_arns(env: Environment) -> list[str]:
    """Return the ARN patterns of the streams that an organization trail writes.

    These are the management account's stream and those of the members, from
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/creating-an-organizational-trail-prepare.html
    """
    group = log_group_arn(env, env.management.id)
    return [
        f"{group}:log-stream:{env.management.id}_CloudTrail_{env.home_region}*",
        f"{group}:log-stream:{env.organization.id}_*",
    ]


def delivery_role_arn(env: Environment) -> str:
    """Return the ARN of the role with which CloudTrail delivers to CloudWatch Logs."""
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
    """Return the ARNs of all roles of the stack in the logging account."""
    starters = [env.verification.schedule_role_name] if env.verification else []
    return [*reading_roles(env), *(role_arn(env, env.logging.id, each) for each in starters)]


def logging_arn(env: Environment, service: str, resource: str) -> str:
    """Return the ARN of a resource of the logging account in the home region."""
    return arn(env, service, env.logging.id, resource, region=env.home_region)


def project_arn(env: Environment, settings: Verification) -> str:
    """Return the ARN of the CodeBuild project of the daily verification."""
    return logging_arn(env, "codebuild", f"project/{settings.project}")


def workgroup_arn(env: Environment) -> str:
    """Return the ARN of the workgroup."""
    return logging_arn(env, "athena", f"workgroup/{env.catalog.workgroup}")


def catalog_arns(env: Environment) -> list[str]:
    """Return the ARNs of the database and all of its tables."""
    database = env.catalog.database
    names = (f"database/{database}", f"table/{database}/*")
    return [logging_arn(env, "glue", name) for name in names]


def any_key_arn(env: Environment) -> str:
    """Return the ARN pattern of all keys of the logging account: AWS chooses a key's id."""
    return logging_arn(env, "kms", "key/*")


def management_topic_arn(env: Environment, topic: str) -> str:
    """Return the ARN of a topic of the management account."""
    return arn(env, "sns", env.management.id, topic, region=env.home_region)


def trail_topic(env: Environment) -> str | None:
    """Return the topic for the trail resource: the name, or the ARN if the topic is elsewhere.

    CloudTrail returns the name of a topic in its own account and region, so that an ARN would show
    a change in every plan. https://github.com/hashicorp/terraform-provider-aws/pull/41279
    """
    topic = env.trail.sns_topic
    if not topic or not topic.arn:
        return topic.name if topic else None
    name = topic.arn.rpartition(":")[2]
    return name if topic.arn == management_topic_arn(env, name) else topic.arn


def siem_notification(env: Environment, siem: Siem) -> Notification:
    """Return the bucket's notification to the SIEM feed's topic."""
    return Notification.model_construct(
        arn=siem_topic_arn(env, siem.topic),
        events=SIEM_FEED_EVENTS,
        prefix=env.organization_prefix,
        suffix=SIEM_FEED_SUFFIX,
    )


def notifications(env: Environment) -> list[Notification]:
    """Return all notifications of the bucket: those of the file, then the SIEM feed's."""
    own = [siem_notification(env, env.siem)] if env.siem else []
    return [*env.archive.notifications, *own]


def siem_topic_arn(env: Environment, topic: str) -> str:
    """Return the ARN of the SIEM feed's topic (its name may contain `*`)."""
    return logging_arn(env, "sns", topic)


def queue_arn(env: Environment, queue: str) -> str:
    """Return the ARN of a queue of the SIEM feed."""
    return logging_arn(env, "sqs", queue)


def dead_letter_queue(queue: str) -> str:
    """Return the name of a queue's dead-letter queue."""
    return f"{queue}{DEAD_LETTER_SUFFIX}"


def key_alias(name: str) -> str:
    """Return the alias of the key for a resource of this name."""
    return f"alias/{name}"


def via_service(env: Environment, service: str) -> str:
    """Return the value of `kms:ViaService` for a service."""
    return f"{service}.{env.home_region}.{partition_of(env.home_region).suffix}"


def scheduler_target_arn(env: Environment, call: str) -> str:
    """Return the ARN with which EventBridge Scheduler calls an API, such as `athena:stopQuery`.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-universal.html
    """
    return arn(env, "scheduler", "", f"aws-sdk:{call}")


def result_location(env: Environment) -> str:
    """Return the S3 URI of query results."""
    return f"s3://{env.result_bucket}/{RESULT_PREFIX}"


def table_location(env: Environment) -> str:
    """Return the S3 URI above all log files of the organization."""
    return f"s3://{env.archive.bucket}/{env.organization_prefix}"


def compacted_location(env: Environment) -> str:
    """Return the S3 URI of the compacted table."""
    return f"s3://{env.compacted_bucket}/{COMPACTED_PREFIX}"


def partition_template(env: Environment) -> str:
    """Return the S3 URI of one partition, with the table's partition variables."""
    return f"{table_location(env)}${{account}}/{LOGS}/${{region}}/${{day}}"


def first_day(env: Environment) -> str:
    """Return the first day of the projection: the set day, or the oldest kept file's."""
    if env.catalog.first_day:
        return env.catalog.first_day.replace("-", "/")
    keep = env.archive.expire_after_days
    return f"NOW-{keep}DAYS" if keep else "2013/11/13"


def alarm_title(namespace: str, alarm: str, *, by_account: bool = False) -> str:
    """Return the name of an alarm in CloudWatch."""
    return f"{namespace} {alarm}{' by account' if by_account else ''}"


def filter_name(alarm: str, form: str) -> str:
    """Return the name of an alarm's metric filter; the form is `totals` or `by_account`."""
    return f"{alarm}-{form.replace('_', '-')}"


def alarm_placeholders(env: Environment) -> dict[str, str]:
    """Return the values of `<archive>` and other placeholders in the patterns of alarms."""
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
