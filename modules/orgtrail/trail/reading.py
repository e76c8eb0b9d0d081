"""What `orgtrail doctor` asks of each account: reading, and one query of one partition."""

from __future__ import annotations

from collections.abc import Iterator

from orgtrail import naming
from orgtrail.settings.environment import Environment
from orgtrail.trail.policy import Document, Statement, allow, decrypt, document, read_objects

_ORGANIZATION = (
    "DescribeOrganization", "DescribePolicy", "ListAWSServiceAccessForOrganization",
    "ListAccounts", "ListParents", "ListPolicies", "ListPoliciesForTarget", "ListRoots",
    "ListTargetsForPolicy",
)  # fmt: skip
_TRAIL = (
    "GetEventConfiguration", "GetEventSelectors", "GetInsightSelectors", "GetTrail",
    "GetTrailStatus", "ListTrails",
)  # fmt: skip
_KEY = ("DescribeKey", "GetKeyPolicy", "GetKeyRotationStatus")
_ROLE = ("GetRole", "GetRolePolicy", "ListAttachedRolePolicies", "ListRolePolicies")
_TOPIC = ("GetTopicAttributes", "ListSubscriptionsByTopic")
_CHANNELS = ("DescribeSlackChannelConfigurations", "ListMicrosoftTeamsChannelConfigurations")
_BUCKET = (
    "GetBucketLocation", "GetBucketLogging", "GetBucketNotification",
    "GetBucketObjectLockConfiguration", "GetBucketOwnershipControls", "GetBucketPolicy",
    "GetBucketPublicAccessBlock", "GetBucketVersioning", "GetEncryptionConfiguration",
    "GetLifecycleConfiguration", "ListBucket",
)  # fmt: skip
_DETECTION = {
    "guardduty": (
        "guardduty",
        ("DescribePublishingDestination", "GetDetector", "ListDetectors",
         "ListPublishingDestinations"),
    ),
    "security_hub": ("securityhub", ("DescribeHub",)),
    "access_analyzer": ("access-analyzer", ("ListAnalyzers",)),
}  # fmt: skip


def doctor_policy(env: Environment, name: str) -> Document:
    """Return the policy of the role with which the doctor reads an account.

    Args:
        env: the settings.
        name: the account's name in `accounts`, one of `env.deployed_accounts`.

    """
    statements: list[Statement] = []
    if name == "management":
        statements += _of_management(env)
    if name == "logging":
        statements += _of_logging(env)
    return document(*statements, *_of_administrator(env, name))


def _of_management(env: Environment) -> Iterator[Statement]:
    yield allow("LookAtOrganization", "organizations", _ORGANIZATION, "*")
    yield allow("LookAtTrail", "cloudtrail", _TRAIL, "*")
    yield allow("LookAtRoles", "iam", _ROLE, "*")
    yield allow("LookAtLogGroup", "logs", ("DescribeLogGroups", "DescribeMetricFilters"), "*")
    if env.alarms or env.created_topic:
        yield allow("LookAtKeys", "kms", _KEY, "*")
        yield allow("LookAtTopic", "sns", _TOPIC, "*")
    if env.alarms:
        yield allow("LookAtAlarms", "cloudwatch", ("DescribeAlarms",), "*")
        if env.alarms.subscribers.slack or env.alarms.subscribers.teams:
            yield allow("LookAtChannels", "chatbot", _CHANNELS, "*")
    if env.guardduty:
        admins = ("ListOrganizationAdminAccounts",)
        yield allow("LookAtDelegation", "guardduty", admins, "*")


def _of_logging(env: Environment) -> Iterator[Statement]:
    yield allow("LookAtTrails", "cloudtrail", ("DescribeTrails", "ListTrails"), "*")
    buckets = [naming.bucket_arn(env, each) for each in env.own_buckets]
    yield allow("LookAtBuckets", "s3", _BUCKET, buckets)
    yield allow("LookAtKeys", "kms", _KEY, "*")
    yield allow("LookAtRoles", "iam", _ROLE, "*")
    yield from _query(env)
    if env.siem:
        yield allow("LookAtTopic", "sns", _TOPIC, "*")
        yield allow("LookAtQueues", "sqs", ("GetQueueAttributes", "GetQueueUrl"), "*")
    if env.verification or env.catalog.compaction:
        yield allow("LookAtSchedules", "scheduler", ("GetSchedule",), "*")
    if env.verification:
        project = ("BatchGetBuilds", "BatchGetProjects", "ListBuildsForProject")
        yield allow("LookAtVerification", "codebuild", project, "*")


def _query(env: Environment) -> Iterator[Statement]:
    """Allow a query of one partition: the management account's, in the home region."""
    catalog = [naming.logging_arn(env, "glue", "catalog"), *naming.catalog_arns(env)]
    yield allow("LookAtTable", "glue", ("GetDatabase", "GetPartitions", "GetTable"), catalog)
    yield allow(
        "AskAthena", "athena", ("GetQueryExecution", "GetWorkGroup", "StartQueryExecution"),
        naming.workgroup_arn(env),
    )  # fmt: skip
    folder = f"{env.organization_prefix}{env.management.id}/{naming.LOGS}/"
    yield read_objects(env, "ReadOnePartition", f"{folder}{env.home_region}/*")
    results = naming.bucket_arn(env, env.result_bucket, f"{naming.RESULT_PREFIX}*")
    yield allow("WriteItsResult", "s3", ("GetObject", "PutObject"), results)
    yield from decrypt(env, "DecryptIt", ["s3"], [], "GenerateDataKey")


def _of_administrator(env: Environment, name: str) -> Iterator[Statement]:
    for section, settings in env.detection.items():
        if settings.administrator == name:
            service, actions = _DETECTION[section]
            yield allow(f"LookAt{service.title().replace('-', '')}", service, actions, "*")
