"""What Terraform does to a resource over its life: makes, reads, changes, tags and destroys it.

The end-to-end tests hold these against every call that the provider made.
"""

from __future__ import annotations

from orgtrail import naming
from orgtrail.settings.environment import Environment
from orgtrail.trail.policy import Statement, allow

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
NEW_KEY = (
    "DescribeKey", "EnableKeyRotation", "GetKeyPolicy", "GetKeyRotationStatus",
    "ListResourceTags", "TagResource", "UntagResource",
)  # fmt: skip
"""What a key needs before it has its alias. Its use is not among these: who deploys decrypts
nothing."""
NAMED_KEY = ("DeleteAlias", "PutKeyPolicy", "UpdateAlias", "UpdateKeyDescription")
"""What a key is asked for that has one of our aliases, and no other key."""
ALIAS = ("CreateAlias", "DeleteAlias", "UpdateAlias")
ROLE = (
    "DeleteRole", "GetRole", "GetRolePolicy", "ListAttachedRolePolicies",
    "ListInstanceProfilesForRole", "ListRolePolicies", "TagRole", "UntagRole",
    "UpdateAssumeRolePolicy", "UpdateRole", "UpdateRoleDescription",
)  # fmt: skip
BOUNDED_ROLE = ("CreateRole", "DeleteRolePolicy", "PutRolePolicy")
"""What decides how much a role may do: where the file names a boundary, within it alone."""
LOG_GROUP = (
    "AssociateKmsKey", "CreateLogGroup", "DeleteLogGroup", "DeleteRetentionPolicy",
    "DisassociateKmsKey", "ListTagsForResource", "PutRetentionPolicy", "TagResource",
    "UntagResource",
)  # fmt: skip
SCHEDULE = ("CreateSchedule", "DeleteSchedule", "GetSchedule", "UpdateSchedule")
TOPIC = (
    "CreateTopic", "DeleteTopic", "GetSubscriptionAttributes", "GetTopicAttributes",
    "ListTagsForResource", "SetSubscriptionAttributes", "SetTopicAttributes", "Subscribe",
    "TagResource", "Unsubscribe", "UntagResource",
)  # fmt: skip


def keys(sid: str, account_keys: str, aliases: dict[str, str]) -> list[Statement]:
    """Allow making keys, and managing those that have one of our aliases.

    AWS makes up a key's id, and a key has no alias yet when it is made. Once it has, it is known
    by that: no other key's policy can be changed, and our alias cannot be given to another key.
    Terraform takes the alias away before the key, so a key without any may be deleted too.
    https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html

    Args:
        sid: what the statements' names begin with.
        account_keys: the ARN of every key of the account.
        aliases: the ARN of each alias of ours by its name.

    """
    by_alias = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": list(aliases)}}
    return [
        allow(f"{sid}Make", "kms", ("CreateKey", "ListAliases"), "*"),
        allow(f"{sid}Begin", "kms", (*NEW_KEY, "CreateAlias"), account_keys),
        {**allow(f"{sid}Manage", "kms", NAMED_KEY, account_keys), "Condition": by_alias},
        {
            **allow(f"{sid}End", "kms", ("ScheduleKeyDeletion",), account_keys),
            "Condition": {"ForAllValues:StringEquals": {"kms:ResourceAliases": list(aliases)}},
        },
        allow(f"{sid}Alias", "kms", ALIAS, list(aliases.values())),
    ]


def roles(sid: str, arns: str | list[str], boundary: str | None) -> list[Statement]:
    """Allow making and changing roles; how much they may do is within the boundary.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html

    Args:
        sid: what the statements' names begin with.
        arns: the roles.
        boundary: ARN of their permissions boundary; None where the file names none.

    """
    if boundary is None:
        return [allow(f"{sid}Roles", "iam", (*BOUNDED_ROLE, *ROLE), arns)]
    bounded = (*BOUNDED_ROLE, "PutRolePermissionsBoundary")
    within = {"StringEquals": {"iam:PermissionsBoundary": boundary}}
    return [
        allow(f"{sid}Roles", "iam", ROLE, arns),
        {**allow(f"{sid}RolesWithin", "iam", bounded, arns), "Condition": within},
    ]


def pass_role(sid: str, role: str, service: str) -> Statement:
    """Allow handing a role to one service."""
    passed = {"StringEquals": {"iam:PassedToService": service}}
    return {**allow(sid, "iam", ("PassRole",), role), "Condition": passed}


def service_linked(sid: str, env: Environment, *services: str) -> Statement:
    """Allow making the roles that services act with, and looking whether they are there.

    Creating an organization trail asks for it:
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/creating-an-organizational-trail-prepare.html
    """
    roles = [naming.role_arn(env, "*", f"aws-service-role/{each}/*") for each in services]
    return allow(sid, "iam", ("CreateServiceLinkedRole", "GetRole"), roles)
