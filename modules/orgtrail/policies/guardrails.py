"""The service control policy and the resource control policy of the organization."""

from __future__ import annotations

from typing import Any

from orgtrail import layout
from orgtrail.policies.document import DELETION, Document, Statement, document, except_roles
from orgtrail.settings.environment import Environment

_TRAIL = (
    "DeleteTrail", "PutEventSelectors", "PutInsightSelectors", "StopLogging", "UpdateTrail",
)  # fmt: skip
_BUCKET = (
    "DeleteBucket", "DeleteBucketPolicy", "PutAccessPointPolicy", "PutBucketAcl",
    "PutBucketLogging", "PutBucketObjectLockConfiguration", "PutBucketOwnershipControls",
    "PutBucketPolicy", "PutBucketPublicAccessBlock", "PutBucketVersioning",
    "PutEncryptionConfiguration", "PutLifecycleConfiguration", "PutReplicationConfiguration",
)  # fmt: skip
_KEY = (
    "CreateGrant", "DeleteAlias", "DisableKey", "DisableKeyRotation", "PutKeyPolicy",
    "ScheduleKeyDeletion", "UpdateAlias",
)  # fmt: skip
_GLUE = (
    "BatchDeleteTable", "DeleteDatabase", "DeleteTable", "DeleteTableVersion", "UpdateDatabase",
    "UpdateTable",
)  # fmt: skip
_ATHENA = ("DeleteWorkGroup", "UpdateWorkGroup")
_LOG_GROUP = (
    "AssociateKmsKey", "DeleteLogGroup", "DeleteLogStream", "DeleteRetentionPolicy",
    "DisassociateKmsKey", "PutRetentionPolicy",
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
    return document(
        _deny("ProtectTrails", "cloudtrail", _TRAIL, "*", exempt),
        _deny("ProtectBuckets", "s3", _BUCKET, _buckets(env), exempt),
        _deny(
            "ProtectLogFiles",
            "s3",
            tuple(sorted(DELETION)),
            [f"{each}/*" for each in _buckets(env)[:2]],
            except_roles(env.archive.break_glass_roles),
        ),
        _key(env, exempt),
        _deny("ProtectAlias", "kms", _KEY, layout.key_alias_arn(env), exempt),
        _deny("ProtectTable", "glue", _GLUE, _catalog(env), exempt),
        _deny("ProtectWorkgroup", "athena", _ATHENA, _workgroup(env), exempt),
        # The group is in the management account; this binds where a delegated
        # administrator owns the trail, and so the group.
        _deny("ProtectLogGroup", "logs", _LOG_GROUP, f"{layout.log_group_arn(env, '*')}*", exempt),
        # Who can rewrite the trust of an exempt role is exempt himself.
        _deny("ProtectExemptRoles", "iam", _ROLE, privileged, exempt) if privileged else None,
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
    """Deny by alias: a key's id is not known before it exists, and policies are literal."""
    statement = _deny(
        "ProtectKey",
        "kms",
        _KEY,
        layout.arn(env, "kms", env.logging.id, "key/*", region=env.home_region),
        exempt,
    )
    by_alias = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": env.key.alias}}
    return {**statement, "Condition": {**statement.get("Condition", {}), **by_alias}}


def _buckets(env: Environment) -> list[str]:
    names = (env.archive.bucket, env.archive.access_log_bucket, env.result_bucket)
    return [layout.bucket_arn(env, name) for name in names]


def _catalog(env: Environment) -> list[str]:
    database = env.catalog.database
    return [
        layout.arn(env, "glue", env.logging.id, name, region=env.home_region)
        for name in (f"database/{database}", f"table/{database}/*")
    ]


def _workgroup(env: Environment) -> str:
    name = f"workgroup/{env.catalog.workgroup}"
    return layout.arn(env, "athena", env.logging.id, name, region=env.home_region)
