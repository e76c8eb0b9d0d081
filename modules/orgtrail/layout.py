"""Names that settings decide: ARNs, prefixes and keys of the archive, log-stream names.

All are literal text, so that a policy can be read in a diff and checked without AWS.
"""

from __future__ import annotations

from orgtrail.settings.environment import Environment

CLOUDTRAIL = "cloudtrail.amazonaws.com"
"""The service principal that writes logs."""

LOGS = "CloudTrail"
"""Folder of log files under each account's prefix."""

RESULT_PREFIX = "results/"
"""Where in the result bucket the workgroup writes."""


def partition(region: str) -> str:
    """Return the AWS partition of a region: `aws`, `aws-us-gov` or `aws-cn`."""
    for prefix in ("us-gov", "cn"):
        if region.startswith(f"{prefix}-"):
            return f"aws-{prefix}"
    return "aws"


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


def any_trail_arn(env: Environment) -> str:
    """Return the pattern of all trails of the management account, in any region."""
    return arn(env, "cloudtrail", env.management.id, "trail/*", region="*")


def bucket_arn(env: Environment, bucket: str, key: str = "") -> str:
    """Return the ARN of a bucket, or of the objects in it that `key` matches."""
    return arn(env, "s3", "", f"{bucket}/{key}" if key else bucket)


def logs_prefix(env: Environment) -> str:
    """Return the key prefix of everything CloudTrail writes: `[prefix/]AWSLogs/`."""
    prefix = env.trail.key_prefix
    return f"{prefix}/AWSLogs/" if prefix else "AWSLogs/"


def organization_prefix(env: Environment) -> str:
    """Return the key prefix of the organization's accounts, all members' included."""
    return f"{logs_prefix(env)}{env.organization.id}/"


def key_alias_arn(env: Environment) -> str:
    """Return the ARN of the key's alias."""
    return arn(env, "kms", env.logging.id, env.key.alias, region=env.home_region)


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
    return arn(env, "iam", env.management.id, f"role/{env.delivery.role_name}")


def result_location(env: Environment) -> str:
    """Return the S3 URI that the workgroup writes results to."""
    return f"s3://{env.result_bucket}/{RESULT_PREFIX}"


def table_location(env: Environment) -> str:
    """Return the S3 URI above all log files of the organization."""
    return f"s3://{env.archive.bucket}/{organization_prefix(env)}"
