"""What Terraform does to a resource over its life: makes, reads, changes, tags and destroys it."""

from __future__ import annotations

from orgtrail.policies.document import Statement, allow

TAGS = ("ListTagsForResource", "TagResource", "UntagResource")
BUCKET = (
    "CreateBucket", "DeleteBucket", "DeleteBucketPolicy", "GetAccelerateConfiguration",
    "GetBucketAcl", "GetBucketCORS", "GetBucketLogging",
    "GetBucketObjectLockConfiguration", "GetBucketOwnershipControls", "GetBucketPolicy",
    "GetBucketPublicAccessBlock", "GetBucketRequestPayment", "GetBucketVersioning",
    "GetBucketWebsite", "GetEncryptionConfiguration",
    "GetLifecycleConfiguration", "GetReplicationConfiguration", "ListBucket",
    "ListTagsForResource", "PutBucketLogging", "PutBucketObjectLockConfiguration",
    "PutBucketOwnershipControls", "PutBucketPolicy", "PutBucketPublicAccessBlock",
    "PutBucketVersioning", "PutEncryptionConfiguration",
    "PutLifecycleConfiguration", "TagResource", "UntagResource",
)  # fmt: skip
"""No action on objects: who deploys reads no log file and deletes none."""
KEY = (
    "DescribeKey", "EnableKeyRotation", "GetKeyPolicy", "GetKeyRotationStatus",
    "ListResourceTags", "PutKeyPolicy", "ScheduleKeyDeletion", "TagResource", "UntagResource",
    "UpdateKeyDescription",
)  # fmt: skip
"""Its use is not among these: who deploys decrypts nothing."""
ALIAS = ("CreateAlias", "DeleteAlias", "UpdateAlias")
ROLE = (
    "CreateRole", "DeleteRole", "DeleteRolePolicy", "GetRole", "GetRolePolicy",
    "ListAttachedRolePolicies", "ListInstanceProfilesForRole", "ListRolePolicies",
    "PutRolePolicy", "TagRole", "UntagRole", "UpdateAssumeRolePolicy", "UpdateRole",
    "UpdateRoleDescription",
)  # fmt: skip
LOG_GROUP = (
    "AssociateKmsKey", "CreateLogGroup", "DeleteLogGroup", "DeleteRetentionPolicy",
    "DisassociateKmsKey", "ListTagsForResource", "PutRetentionPolicy", "TagResource",
    "UntagResource",
)  # fmt: skip
TRAIL = (
    "AddTags", "CreateTrail", "DeleteTrail", "GetEventSelectors", "GetInsightSelectors",
    "GetTrailStatus", "ListTags", "PutEventSelectors", "PutInsightSelectors",
    "RemoveTags", "StartLogging", "StopLogging", "UpdateTrail",
)  # fmt: skip
POLICY = (
    "AttachPolicy", "CreatePolicy", "DeletePolicy", "DescribePolicy", "DetachPolicy",
    "ListTargetsForPolicy", "UpdatePolicy",
)  # fmt: skip
TABLE = (
    "CreateDatabase", "CreateTable", "DeleteDatabase", "DeleteTable", "GetDatabase",
    "GetPartitionIndexes", "GetTable", "GetTags", "TagResource", "UntagResource",
    "UpdateTable",
)  # fmt: skip
WORKGROUP = (
    "CreateWorkGroup", "DeleteWorkGroup", "GetWorkGroup", "ListTagsForResource", "TagResource",
    "UntagResource", "UpdateWorkGroup",
)  # fmt: skip
SCHEDULE = ("CreateSchedule", "DeleteSchedule", "GetSchedule", "UpdateSchedule")
PROJECT = ("BatchGetProjects", "CreateProject", "DeleteProject", "UpdateProject")
QUESTIONS = (
    "CreateNamedQuery", "CreatePreparedStatement", "DeleteNamedQuery", "DeletePreparedStatement",
    "GetNamedQuery", "GetPreparedStatement", "UpdatePreparedStatement",
)  # fmt: skip
TOPIC = (
    "CreateTopic", "DeleteTopic", "GetSubscriptionAttributes", "GetTopicAttributes",
    "ListTagsForResource", "SetSubscriptionAttributes", "SetTopicAttributes", "Subscribe",
    "TagResource", "Unsubscribe", "UntagResource",
)  # fmt: skip
QUEUE = (
    "CreateQueue", "DeleteQueue", "GetQueueAttributes", "GetQueueUrl", "ListQueueTags",
    "SetQueueAttributes", "TagQueue", "UntagQueue",
)  # fmt: skip
ALARM = (
    "DeleteAlarms", "DescribeAlarms", "ListTagsForResource", "PutMetricAlarm", "TagResource",
    "UntagResource",
)  # fmt: skip


def keys(account_keys: str, aliases: list[str]) -> list[Statement]:
    """Allow making keys, and managing those of an account.

    AWS makes up a key's id, and a key has no alias yet when its policy is read for the first
    time; who may change ours is up to their own policies.
    """
    return [
        allow("MakeKeys", "kms", ("CreateKey", "ListAliases"), "*"),
        allow("ManageKeys", "kms", (*KEY, *ALIAS), [account_keys, *aliases]),
    ]


def pass_role(sid: str, role: str, service: str) -> Statement:
    """Allow handing a role to one service."""
    passed = {"StringEquals": {"iam:PassedToService": service}}
    return {**allow(sid, "iam", ("PassRole",), role), "Condition": passed}
