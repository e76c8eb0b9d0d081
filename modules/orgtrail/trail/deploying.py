"""What Terraform does to a resource over its life: makes, reads, changes, tags and destroys it.

The end-to-end tests compare these lists with every call that the provider made.
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
"""No actions on objects: the deploying role can neither read nor delete log files."""
NEW_KEY = (
    "DescribeKey", "EnableKeyRotation", "GetKeyPolicy", "GetKeyRotationStatus",
    "ListResourceTags", "TagResource", "UntagResource",
)  # fmt: skip
"""Actions on a key before it has its alias. None of them use the key: the deploying role cannot
decrypt."""
NAMED_KEY = ("DeleteAlias", "PutKeyPolicy", "UpdateAlias", "UpdateKeyDescription")
"""Actions on keys that have one of our aliases, and on no other key."""
ALIAS = ("CreateAlias", "DeleteAlias", "UpdateAlias")
ROLE = (
    "DeleteRole", "GetRole", "GetRolePolicy", "ListAttachedRolePolicies",
    "ListInstanceProfilesForRole", "ListRolePolicies", "TagRole", "UntagRole",
    "UpdateAssumeRolePolicy", "UpdateRole", "UpdateRoleDescription",
)  # fmt: skip
BOUNDED_ROLE = ("CreateRole", "DeleteRolePolicy", "PutRolePolicy")
"""Actions that decide a role's permissions: allowed only within the boundary, if there is one."""
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
    """Allow creating keys, and managing those that have one of our aliases.

    AWS generates a key's id, and a new key has no alias yet. Once it has one, the alias identifies
    it: policies of other keys cannot be changed, and our alias cannot move to another key.
    Terraform deletes the alias before the key, so that keys without an alias may be deleted too.
    https://docs.aws.amazon.com/kms/latest/developerguide/alias-authorization.html

    Args:
        sid: prefix of the statements' ids.
        account_keys: ARN pattern of all keys of the account.
        aliases: ARNs of our aliases, by name.

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
    """Allow creating and changing roles, with permissions only within the boundary.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html

    Args:
        sid: prefix of the statements' ids.
        arns: the roles.
        boundary: ARN of their permissions boundary; None if the file sets none.

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
    """Allow passing a role to one service."""
    passed = {"StringEquals": {"iam:PassedToService": service}}
    return {**allow(sid, "iam", ("PassRole",), role), "Condition": passed}


def service_linked(sid: str, env: Environment, *services: str) -> Statement:
    """Allow creating and reading the service-linked roles of services.

    Creating an organization trail requires it:
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/creating-an-organizational-trail-prepare.html
    """
    roles = [naming.role_arn(env, "*", f"aws-service-role/{each}/*") for each in services]
    return allow(sid, "iam", ("CreateServiceLinkedRole", "GetRole"), roles)
