"""The service control policy and the resource control policy of the organization."""

from __future__ import annotations

from typing import Any

from orgtrail import layout
from orgtrail.policies.document import (
    DELETION,
    REWRITING,
    Document,
    Statement,
    document,
    except_roles,
)
from orgtrail.settings.environment import Environment

_TRAIL = (
    "DeleteTrail", "PutEventConfiguration", "PutEventSelectors", "PutInsightSelectors",
    "StopLogging", "UpdateTrail",
)  # fmt: skip
_BUCKET = (
    "DeleteBucket", "DeleteBucketPolicy", "PutBucketAcl", "PutBucketLogging",
    "PutBucketNotification", "PutBucketObjectLockConfiguration", "PutBucketOwnershipControls",
    "PutBucketPolicy", "PutBucketPublicAccessBlock", "PutBucketRequestPayment",
    "PutBucketVersioning", "PutEncryptionConfiguration", "PutLifecycleConfiguration",
    "PutReplicationConfiguration",
)  # fmt: skip
_KEY = (
    "CreateGrant", "DeleteAlias", "DisableKey", "DisableKeyRotation", "PutKeyPolicy",
    "ScheduleKeyDeletion", "UpdateAlias",
)  # fmt: skip
_ALIAS = ("DeleteAlias", "UpdateAlias")
"""The actions that ask for the alias too; all others ask for the key alone."""
_GLUE = (
    "BatchDeleteTable", "DeleteDatabase", "DeleteTable", "DeleteTableVersion", "RenameTable",
    "UpdateDatabase", "UpdateTable",
)  # fmt: skip
_ATHENA = ("DeleteWorkGroup", "UpdateWorkGroup")
_LOG_GROUP = (
    "AssociateKmsKey", "DeleteLogGroup", "DeleteLogStream", "DeleteRetentionPolicy",
    "DisassociateKmsKey", "PutRetentionPolicy",
)  # fmt: skip
_FEED = (
    "sns:DeleteTopic", "sns:RemovePermission", "sns:SetSubscriptionAttributes",
    "sns:SetTopicAttributes", "sns:Unsubscribe", "sqs:DeleteQueue", "sqs:PurgeQueue",
    "sqs:SetQueueAttributes",
)  # fmt: skip
_DETECTION = {
    "guardduty": (
        "CreateFilter", "DeleteDetector", "DeleteMembers", "DeletePublishingDestination",
        "DisassociateFromAdministratorAccount", "DisassociateFromMasterAccount",
        "DisassociateMembers", "StopMonitoringMembers", "UpdateDetector", "UpdateFilter",
        "UpdateMemberDetectors", "UpdateOrganizationConfiguration",
        "UpdatePublishingDestination",
    ),
    "security_hub": (
        "BatchDisableStandards", "DeleteConfigurationPolicy", "DeleteFindingAggregator",
        "DeleteMembers", "DisableSecurityHub", "DisassociateFromAdministratorAccount",
        "DisassociateMembers", "StartConfigurationPolicyDisassociation",
        "UpdateConfigurationPolicy", "UpdateOrganizationConfiguration",
    ),
    "access_analyzer": ("CreateArchiveRule", "DeleteAnalyzer", "UpdateArchiveRule"),
}  # fmt: skip
_SERVICES = {
    "guardduty": ("guardduty", "ProtectGuardDuty"),
    "security_hub": ("securityhub", "ProtectSecurityHub"),
    "access_analyzer": ("access-analyzer", "ProtectAccessAnalyzer"),
}
_VERIFICATION = (
    "codebuild:DeleteProject", "codebuild:UpdateProject", "scheduler:DeleteSchedule",
    "scheduler:UpdateSchedule",
)  # fmt: skip
_ROLE = (
    "AttachRolePolicy", "CreateRole", "DeleteRole", "DeleteRolePermissionsBoundary",
    "DeleteRolePolicy", "DetachRolePolicy", "PutRolePermissionsBoundary", "PutRolePolicy",
    "UpdateAssumeRolePolicy", "UpdateRole",
)  # fmt: skip


def service_control(env: Environment) -> Document:
    """Return the SCP: in a member account only the exempt roles may touch the audit trail.

    No SCP binds the management account or a service-linked role.
    https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html
    """
    exempt = except_roles(env.exempt_roles)
    privileged = sorted({*env.exempt_roles, *env.archive.break_glass_roles})
    reading = layout.reading_roles(env)
    if env.verification:
        name = env.verification.schedule_role_name
        reading.append(layout.role_arn(env, env.logging.id, name))
    return document(
        _deny("ProtectTrails", "cloudtrail", _TRAIL, "*", exempt),
        _deny("ProtectBuckets", "s3", _BUCKET, _buckets(env), exempt),
        _deny(
            "ProtectLogFiles",
            "s3",
            (*DELETION, *REWRITING),
            [f"{layout.bucket_arn(env, each)}/*" for each in _evidence(env)],
            except_roles(env.archive.break_glass_roles),
        ),
        _key(env, exempt),
        None
        if env.adopt.others_key
        else _deny("ProtectAlias", "kms", _ALIAS, layout.key_alias_arn(env), exempt),
        # The compaction's own policy lets it update its own table alone.
        _deny("ProtectTable", "glue", _GLUE, layout.catalog_arns(env), _and_compaction(env)),
        _compacted(env),
        _deny("ProtectWorkgroup", "athena", _ATHENA, layout.workgroup_arn(env), exempt),
        # The group is in the management account; this binds where a delegated
        # administrator owns the trail, and so the group.
        _deny("ProtectLogGroup", "logs", _LOG_GROUP, f"{layout.log_group_arn(env, '*')}*", exempt),
        # Who can rewrite the trust of an exempt role is exempt himself.
        _deny("ProtectExemptRoles", "iam", _ROLE, privileged, exempt) if privileged else None,
        # Who can rewrite the trust of a role that reads all logs reads them himself.
        _deny("ProtectReadingRoles", "iam", _ROLE, reading, exempt) if reading else None,
        _feed(env, exempt),
        _verification(env, exempt),
        *_detection(env),
        _deny("StayInOrganization", "organizations", ("LeaveOrganization",), "*", {}),
    )


def resource_control(env: Environment) -> Document:
    """Return the RCP of the logging account: a perimeter around its buckets and keys.

    The second statement is for services: they carry the organization that they act for.
    https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps.html
    """
    organization = env.organization.id
    resources = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": ["s3:*", "kms:*"],
        "Resource": [
            *(arn for each in _buckets(env) for arn in (each, f"{each}/*")),
            layout.arn(env, "kms", env.logging.id, "key/*", region="*"),
        ],
    }
    return document(
        {
            "Sid": "OnlyThisOrganization",
            **resources,
            "Condition": {
                "StringNotEqualsIfExists": {"aws:PrincipalOrgID": organization},
                "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
            },
        },
        {
            "Sid": "ServicesForThisOrganization",
            **resources,
            "Condition": {
                "StringNotEqualsIfExists": {"aws:SourceOrgID": organization},
                "Null": {"aws:SourceAccount": "false"},
                "Bool": {"aws:PrincipalIsAWSService": "true"},
            },
        },
    )


def _deny(
    sid: str,
    service: str,
    actions: tuple[str, ...],
    resource: str | list[str],
    exempt: dict[str, Any],
) -> Statement:
    return {
        "Sid": sid,
        "Effect": "Deny",
        "Action": [f"{service}:{action}" for action in actions],
        "Resource": resource,
        **exempt,
    }


def _key(env: Environment, exempt: dict[str, Any]) -> Statement:
    """Deny by alias: a key's id is not known before it exists, and policies are literal.

    A key that is only referred to is known by its ARN.
    """
    if arn := env.adopt.others_key:
        return _deny("ProtectKey", "kms", _KEY, arn, exempt)
    statement = _deny(
        "ProtectKey",
        "kms",
        _KEY,
        layout.arn(env, "kms", env.logging.id, "key/*", region=env.home_region),
        exempt,
    )
    by_alias = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": env.key.alias}}
    return {**statement, "Condition": {**statement.get("Condition", {}), **by_alias}}


def _compacted(env: Environment) -> Statement | None:
    """Deny changing the compacted table's files to all but its schedule and those who deploy."""
    if not env.compacted_bucket:
        return None
    return _deny(
        "ProtectCompacted",
        "s3",
        (*DELETION, *REWRITING),
        layout.bucket_arn(env, env.compacted_bucket, "*"),
        _and_compaction(env),
    )


def _and_compaction(env: Environment) -> dict[str, Any]:
    compaction = env.catalog.compaction
    if not compaction:
        return except_roles(env.exempt_roles)
    role = layout.role_arn(env, env.logging.id, compaction.role_name)
    return except_roles((*env.exempt_roles, role))


def _feed(env: Environment, exempt: dict[str, Any]) -> Statement | None:
    if not env.siem:
        return None
    queues = (env.siem.queue, layout.dead_letter(env.siem.queue))
    return {
        "Sid": "ProtectFeed",
        "Effect": "Deny",
        "Action": list(_FEED),
        "Resource": [
            layout.feed_topic_arn(env, f"{env.siem.topic}*"),
            *(layout.queue_arn(env, queue) for queue in queues),
        ],
        **exempt,
    }


def _verification(env: Environment, exempt: dict[str, Any]) -> Statement | None:
    """Deny switching the daily verification off, or making it run something else."""
    if not (settings := env.verification):
        return None
    return {
        "Sid": "ProtectVerification",
        "Effect": "Deny",
        "Action": list(_VERIFICATION),
        "Resource": [
            layout.project_arn(env, settings),
            layout.in_logging(env, "scheduler", f"schedule/*/{settings.project}"),
        ],
        **exempt,
    }


def _detection(env: Environment) -> list[Statement]:
    """Deny switching detection off, to all but those who deploy it to its administrator.

    A former administrator's role removes what is there in the apply that changes this policy.
    """
    statements = []
    for name, section in env.detection.items():
        named = (section.administrator, *env.retired.accounts)
        roles = filter(None, (env.accounts[each].role_arn for each in named))
        exempt = dict.fromkeys((*env.exempt_roles, *roles))
        service, sid = _SERVICES[name]
        statements.append(_deny(sid, service, _DETECTION[name], "*", except_roles(tuple(exempt))))
    return statements


def _evidence(env: Environment) -> list[str]:
    """Return the buckets whose objects nobody deletes; others' content can be made again."""
    return [
        name for name in env.own_buckets if name not in {env.result_bucket, env.compacted_bucket}
    ]


def _buckets(env: Environment) -> list[str]:
    return [layout.bucket_arn(env, name) for name in env.own_buckets]
