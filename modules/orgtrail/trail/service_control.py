"""The service control policies: in a member account only exempt roles may touch the audit trail.

Each SCP protects one thing, so that it stays within AWS's size limit and can be read alone.
No SCP binds the management account or a service-linked role.
https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from orgtrail import naming
from orgtrail.settings.environment import Environment
from orgtrail.trail.guardduty import FINDINGS_KEY
from orgtrail.trail.policy import (
    DELETION,
    HOLDING,
    REWRITING,
    Document,
    Statement,
    boundary_arn,
    document,
    except_roles,
)

KEY = (
    "CreateGrant", "DeleteAlias", "DeleteImportedKeyMaterial", "DisableKey", "DisableKeyRotation",
    "PutKeyPolicy", "ScheduleKeyDeletion", "UpdateAlias",
)  # fmt: skip
"""The actions that make a key useless, let others use it, or remove its alias."""
ROLE = (
    "AttachRolePolicy", "CreateRole", "DeleteRole", "DeleteRolePermissionsBoundary",
    "DeleteRolePolicy", "DetachRolePolicy", "PassRole", "PutRolePermissionsBoundary",
    "PutRolePolicy", "UpdateAssumeRolePolicy", "UpdateRole",
)  # fmt: skip
"""The IAM actions that give somebody a role's permissions, or make the role useless.

Passing a role to a service lets the service act with it."""
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
_FILES = (*DELETION, *HOLDING, *REWRITING)
_KEEPING = ("CreateGrant", "DisableKeyRotation")
_ENDING = tuple(action for action in KEY if action not in _KEEPING)
"""Actions that make every log file unreadable, or let others decide who reads."""
_LOG_GROUP = (
    "AssociateKmsKey", "DeleteDataProtectionPolicy", "DeleteLogGroup", "DeleteLogStream",
    "DeleteRetentionPolicy", "DisassociateKmsKey", "PutDataProtectionPolicy",
    "PutRetentionPolicy", "PutTransformer",
)  # fmt: skip
_SIGN_IN = (
    "AddClientIDToOpenIDConnectProvider", "DeleteOpenIDConnectProvider", "DeleteSAMLProvider",
    "RemoveClientIDFromOpenIDConnectProvider", "UpdateOpenIDConnectProviderThumbprint",
    "UpdateSAMLProvider",
)  # fmt: skip
"""Actions on identity providers, which roles for people or pipelines trust.

IAM Identity Center changes its own with a service-linked role, which no SCP binds."""
_GLUE = (
    "BatchDeleteTable", "BatchDeleteTableVersion", "DeleteDatabase", "DeleteTable",
    "DeleteTableVersion", "RenameTable", "UpdateDatabase", "UpdateTable",
)  # fmt: skip
_CATALOG = ("DeleteResourcePolicy", "PutDataCatalogEncryptionSettings", "PutResourcePolicy")
"""Actions that decide who may read the entire catalog, and whether anybody can."""
_LAKE_FORMATION = (
    "BatchGrantPermissions", "BatchRevokePermissions", "CreateDataCellsFilter",
    "DeregisterResource", "GrantPermissions", "PutDataLakeSettings", "RegisterResource",
    "RevokePermissions", "UpdateDataCellsFilter", "UpdateResource",
)  # fmt: skip
"""Actions that remove tables from IAM's control, and can hide rows of an answer.
https://docs.aws.amazon.com/lake-formation/latest/dg/access-control-underlying-data.html"""
_ATHENA = (
    "DeleteNamedQuery", "DeletePreparedStatement", "DeleteWorkGroup", "UpdateNamedQuery",
    "UpdatePreparedStatement", "UpdateWorkGroup",
)  # fmt: skip
_TOPIC = (
    "sns:AddPermission", "sns:DeleteTopic", "sns:Publish", "sns:PutDataProtectionPolicy",
    "sns:RemovePermission", "sns:SetSubscriptionAttributes", "sns:SetTopicAttributes",
    "sns:Unsubscribe",
)  # fmt: skip
_QUEUE = (
    "sqs:AddPermission", "sqs:DeleteQueue", "sqs:PurgeQueue", "sqs:RemovePermission",
    "sqs:SendMessage", "sqs:SetQueueAttributes", "sqs:StartMessageMoveTask",
)  # fmt: skip
_MESSAGES = ("ChangeMessageVisibility", "DeleteMessage", "ReceiveMessage")
"""Actions that take messages from the queue, and thus from the SIEM."""
_PROJECT = (
    "BatchDeleteBuilds", "CreateWebhook", "DeleteBuildBatch", "DeleteProject", "RetryBuild",
    "RetryBuildBatch", "StartBuild", "StartBuildBatch", "StartSandbox",
    "StopBuild", "StopBuildBatch", "UpdateProject", "UpdateProjectVisibility", "UpdateWebhook",
)  # fmt: skip
"""A build can be started with commands other than the project's, but with the project's role.
https://docs.aws.amazon.com/codebuild/latest/APIReference/API_StartBuild.html"""
_WRITING = ("CreateLogStream", "PutLogEvents")
_BOUNDARY = (
    "CreatePolicyVersion", "DeletePolicy", "DeletePolicyVersion", "SetDefaultPolicyVersion",
)  # fmt: skip
_SCHEDULE = ("DeleteSchedule", "UpdateSchedule")
_DETECTION = {
    "guardduty": (
        "ArchiveFindings", "CreateFilter", "CreateIPSet", "CreateTrustedEntitySet",
        "DeleteDetector", "DeleteMembers", "DeletePublishingDestination", "DeleteThreatEntitySet",
        "DeleteThreatIntelSet", "DisassociateFromAdministratorAccount",
        "DisassociateFromMasterAccount", "DisassociateMembers", "StopMonitoringMembers",
        "UpdateDetector", "UpdateFilter", "UpdateIPSet", "UpdateMalwareScanSettings",
        "UpdateMemberDetectors", "UpdateOrganizationConfiguration",
        "UpdatePublishingDestination", "UpdateThreatEntitySet", "UpdateThreatIntelSet",
        "UpdateTrustedEntitySet",
    ),
    "security_hub": (
        "BatchDisableStandards", "BatchUpdateAutomationRules",
        "BatchUpdateStandardsControlAssociations", "CreateAutomationRule",
        "CreateConfigurationPolicy", "DeleteConfigurationPolicy", "DeleteFindingAggregator",
        "DeleteMembers", "DisableImportFindingsForProduct", "DisableSecurityHub",
        "DisassociateFromAdministratorAccount", "DisassociateMembers",
        "StartConfigurationPolicyAssociation", "StartConfigurationPolicyDisassociation",
        "UpdateConfigurationPolicy", "UpdateFindingAggregator",
        "UpdateOrganizationConfiguration", "UpdateSecurityControl",
        "UpdateSecurityHubConfiguration", "UpdateStandardsControl",
    ),
    "access_analyzer": (
        "ApplyArchiveRule", "CreateArchiveRule", "DeleteAnalyzer", "UpdateAnalyzer",
        "UpdateArchiveRule", "UpdateFindings",
    ),
}  # fmt: skip
"""Actions that switch a service off or blind it: trusted addresses and names, archived findings,
rules that close findings automatically, controls that are no longer evaluated."""
_SERVICES = {
    "guardduty": ("guardduty", "ProtectGuardDuty"),
    "security_hub": ("securityhub", "ProtectSecurityHub"),
    "access_analyzer": ("access-analyzer", "ProtectAccessAnalyzer"),
}


def service_control(env: Environment) -> dict[str, Document]:
    """Return the SCPs: in a member account only the exempt roles may touch the audit trail.

    Returns:
        the SCPs by the suffix after `guardrails.policy_name` in their names: empty for trail and
        evidence, `readers` for the readers of the evidence and the notices of it, `detection` for
        the detection services, if there are any.

    """
    kinds = {
        "": _evidence(env),
        "readers": _readers(env),
        "detection": _detection(env),
    }
    documents = {name: document(*statements) for name, statements in kinds.items()}
    return {name: each for name, each in documents.items() if each["Statement"]}


def deny(
    sid: str,
    service: str,
    actions: tuple[str, ...],
    resource: str | list[str],
    exempt: tuple[str, ...],
    **conditions: dict[str, Any],
) -> Statement:
    """Deny actions of a service to everyone except the exempt roles, under conditions if any.

    With an empty service, each action includes its own.
    """
    return {
        "Sid": sid,
        "Effect": "Deny",
        "Action": [f"{service}:{action}" if service else action for action in actions],
        "Resource": resource,
        **_on(except_roles(exempt), conditions),
    }


def deny_key(
    env: Environment, sid: str, actions: tuple[str, ...], alias: str, exempt: tuple[str, ...]
) -> Statement:
    """Deny actions on the key with an alias, since AWS generates a key's id."""
    named = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": alias}}
    return deny(sid, "kms", actions, naming.any_key_arn(env), exempt, **named)


def deny_by_alias(
    env: Environment, sid: str, actions: tuple[str, ...], alias: str, exempt: tuple[str, ...]
) -> list[Statement]:
    """Deny actions on the key with an alias, and on the alias.

    Without its alias, a key could not be identified, so that the alias is protected like the key.
    """
    arn = naming.logging_arn(env, "kms", alias)
    return [
        deny_key(env, sid, actions, alias, exempt),
        deny(f"{sid}Alias", "kms", ("DeleteAlias", "UpdateAlias"), arn, exempt),
    ]


def _on(exempt: dict[str, Any], conditions: dict[str, dict[str, Any]]) -> dict[str, Any]:
    joined = {**exempt.get("Condition", {}), **conditions}
    return {"Condition": joined} if joined else {}


def _evidence(env: Environment) -> Iterator[Statement]:
    """Yield the statements that protect trail and evidence in every member account."""
    exempt = env.exempt_roles
    yield _trails(env)
    yield from _buckets(env)
    yield from _files(env)
    yield from _key(env)
    # The group is in the management account, which no SCP binds. This statement is for a trail,
    # and so a group, that a delegated administrator owns.
    groups = [f"{naming.log_group_arn(env, '*')}*"]
    if env.verification:
        name = f"log-group:{env.verification.log_group}"
        groups.append(f"{naming.logging_arn(env, 'logs', name)}*")
    yield deny("ProtectLogGroup", "logs", _LOG_GROUP, groups, exempt)
    yield from _exempt_roles(env)
    # Accepting a handshake moves an account to another organization without leaving first:
    # https://docs.aws.amazon.com/organizations/latest/userguide/orgs_account_migration.html
    yield deny(
        "StayInOrganization", "organizations", ("AcceptHandshake", "LeaveOrganization"), "*", ()
    )
    # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsaccountmanagement.html
    yield deny("KeepAccountAndRegions", "account", ("CloseAccount", "DisableRegion"), "*", ())


def _trails(env: Environment) -> Statement:
    """Deny stopping trails, including members' own unless `guardrails.member_trails` is off."""
    everywhere = "*" if env.guardrails.member_trails else naming.trail_arn(env)
    owners = env.owner_roles if env.adopt.is_referenced("trail") else ()
    return deny("ProtectTrails", "cloudtrail", _TRAIL, everywhere, (*env.exempt_roles, *owners))


def _buckets(env: Environment) -> Iterator[Statement]:
    """Deny changing buckets; owners of buckets that are only referred to are exempt for those."""
    exempt = env.exempt_roles
    for sid, names, roles in (
        ("ProtectBuckets", [n for n in env.own_buckets if n not in env.referenced_buckets], exempt),
        ("ProtectOthersBuckets", sorted(env.referenced_buckets), (*exempt, *env.owner_roles)),
    ):
        if names:
            arns = [naming.bucket_arn(env, each) for each in names]
            yield deny(sid, "s3", _BUCKET, arns, roles)


def _files(env: Environment) -> Iterator[Statement]:
    """Deny deleting, locking and writing evidence, except to break-glass roles and services."""
    exempt = env.archive.break_glass_roles
    others = env.referenced_buckets
    for sid, names, roles in (
        ("ProtectLogFiles", [n for n in env.evidence_buckets if n not in others], exempt),
        ("ProtectOthersLogFiles", sorted(others), (*exempt, *env.owner_roles)),
    ):
        if names:
            arns = [naming.bucket_arn(env, each, "*") for each in names]
            yield deny(sid, "s3", _FILES, arns, roles)


def _key(env: Environment) -> Iterator[Statement]:
    """Deny destroying the key except to break-glass roles, and managing it except to exempt roles.

    Deleting the key makes every log file unreadable, even if it is locked.
    A key that is only referred to is identified by its ARN.
    """
    exempt, break_glass = env.exempt_roles, env.archive.break_glass_roles
    if arn := env.adopt.referenced_key:
        yield deny("ProtectKey", "kms", KEY, arn, (*exempt, *env.owner_roles))
        return
    yield deny_key(env, "ProtectKey", _KEEPING, env.key.alias, exempt)
    yield from deny_by_alias(env, "KeepKey", _ENDING, env.key.alias, break_glass)


def _exempt_roles(env: Environment) -> Iterator[Statement]:
    """Deny rewriting exempt roles: whoever can rewrite the trust of one is as good as exempt.

    Only break-glass roles may rewrite break-glass roles: roles that may change the archive's
    settings must not be able to delete evidence.
    """
    exempt, break_glass = env.exempt_roles, env.archive.break_glass_roles
    if exempt:
        yield deny("ProtectExemptRoles", "iam", ROLE, sorted(set(exempt)), exempt)
    if break_glass:
        roles = sorted(set(break_glass))
        yield deny("ProtectBreakGlassRoles", "iam", ROLE, roles, tuple(roles))
    if owners := env.owner_roles:
        # Only in the logging account: elsewhere their owner enrols accounts with them.
        there = sorted(each.replace("::*:", f"::{env.logging.id}:") for each in owners)
        yield deny("ProtectOwnerRoles", "iam", ROLE, there, (*exempt, *owners))
    providers = [
        naming.arn(env, "iam", env.logging.id, f"{kind}/*")
        for kind in ("saml-provider", "oidc-provider")
    ]
    yield deny("ProtectSignIn", "iam", _SIGN_IN, providers, exempt)


def _readers(env: Environment) -> Iterator[Statement]:
    """Yield the statements that protect the readers of the evidence, in the logging account."""
    exempt = env.exempt_roles
    compaction = _and_compaction(env)
    # The compaction's own policy lets it update only its own table.
    yield deny("ProtectTable", "glue", _GLUE, naming.catalog_arns(env), compaction)
    yield deny(
        "ProtectCatalog", "glue", _CATALOG, naming.logging_arn(env, "glue", "catalog"), exempt
    )
    yield deny(
        "ProtectFromLakeFormation", "lakeformation", _LAKE_FORMATION, "*", exempt,
        StringEquals={"aws:PrincipalAccount": env.logging.id},
    )  # fmt: skip
    yield deny("ProtectWorkgroup", "athena", _ATHENA, naming.workgroup_arn(env), exempt)
    # Athena writes results with the caller's permissions, so that direct writes can be denied.
    answers = naming.bucket_arn(env, env.result_bucket, f"{naming.RESULT_PREFIX}*")
    writing = ("DeleteObject", "DeleteObjectVersion", *REWRITING)
    directly = {"aws:ViaAWSService": "false"}
    yield deny("ProtectAnswers", "s3", writing, answers, exempt, Bool=directly)
    if env.compacted_bucket:
        files = naming.bucket_arn(env, env.compacted_bucket, "*")
        yield deny("ProtectCompacted", "s3", (*DELETION, *REWRITING), files, compaction)
    yield from _reading_roles(env)
    yield from _siem(env)
    yield from _runs(env)
    if env.siem:
        alias = naming.key_alias(env.siem.topic)
        yield from deny_by_alias(env, "ProtectFeedKey", KEY, alias, exempt)
    if env.findings_bucket:
        alias = naming.key_alias(FINDINGS_KEY)
        yield from deny_by_alias(env, "ProtectFindingsKey", KEY, alias, exempt)


def _reading_roles(env: Environment) -> Iterator[Statement]:
    """Deny rewriting and passing roles that read all logs: whoever can do so can read the logs.

    Also protect their boundary: a narrower one would disable the roles, a wider one free them.
    """
    exempt = env.exempt_roles
    if roles := naming.logging_roles(env):
        yield deny("ProtectReadingRoles", "iam", ROLE, roles, exempt)
        if limit := boundary_arn(env, "logging"):
            yield deny("ProtectBoundary", "iam", _BOUNDARY, limit, exempt)


def _siem(env: Environment) -> Iterator[Statement]:
    """Deny stopping, falsifying and draining the feed.

    If the SIEM has no role of ours, IAM decides who takes its messages.
    """
    if not (siem := env.siem):
        return
    exempt = env.exempt_roles
    queues = [
        naming.queue_arn(env, each) for each in (siem.queue, naming.dead_letter_queue(siem.queue))
    ]
    topic = naming.siem_topic_arn(env, f"{siem.topic}*")
    yield deny("ProtectFeed", "", (*_TOPIC, *_QUEUE), [topic, *queues], exempt)
    if siem.reader:
        reader = naming.role_arn(env, env.logging.id, siem.reader.role_name)
        yield deny("ProtectMessages", "sqs", _MESSAGES, queues, (*exempt, reader))


def _runs(env: Environment) -> Iterator[Statement]:
    """Deny control of jobs that run with our roles: the schedules and the verification's builds."""
    exempt, schedules = env.exempt_roles, []
    if compaction := env.catalog.compaction:
        schedules.append(f"schedule/*/{compaction.table}-*")
    if daily := env.verification:
        starter = naming.role_arn(env, env.logging.id, daily.schedule_role_name)
        project = naming.project_arn(env, daily)
        yield deny("ProtectVerification", "codebuild", _PROJECT, project, (*exempt, starter))
        verifier = naming.role_arn(env, env.logging.id, daily.role_name)
        reports = naming.logging_arn(env, "logs", f"log-group:{daily.log_group}*")
        yield deny("ProtectReports", "logs", _WRITING, reports, (*exempt, verifier))
        # An account policy can mask or rewrite events in every log group.
        here = {"aws:PrincipalAccount": env.logging.id}
        yield deny(
            "ProtectFromAccountPolicy", "logs", ("PutAccountPolicy",), "*", exempt,
            StringEquals=here,
        )  # fmt: skip
        schedules.append(f"schedule/*/{daily.project}")
    if schedules:
        arns = [naming.logging_arn(env, "scheduler", each) for each in schedules]
        yield deny("ProtectSchedules", "scheduler", _SCHEDULE, arns, exempt)


def _and_compaction(env: Environment) -> tuple[str, ...]:
    compaction = env.catalog.compaction
    if not compaction:
        return env.exempt_roles
    return (*env.exempt_roles, naming.role_arn(env, env.logging.id, compaction.role_name))


def _detection(env: Environment) -> Iterator[Statement]:
    """Yield a denial for each service; the roles that deploy to its administrator are exempt.

    A former administrator's role is also exempt, since it removes resources in the same apply.
    """
    for name, section in env.detection.items():
        deployed = (section.administrator, *env.retired.accounts)
        roles = filter(None, (env.accounts[each].role_arn for each in deployed))
        exempt = dict.fromkeys((*env.exempt_roles, *roles))
        service, sid = _SERVICES[name]
        yield deny(sid, service, _DETECTION[name], "*", tuple(exempt))
    yield from _detecting_roles(env)


def _detecting_roles(env: Environment) -> Iterator[Statement]:
    """Deny rewriting the roles that deploy detection: whoever can is as good as exempt."""
    administrators = dict.fromkeys(each.administrator for each in env.detection.values())
    roles = sorted({role for name in administrators if (role := env.accounts[name].role_arn)})
    if roles:
        exempt = tuple(dict.fromkeys((*env.exempt_roles, *roles)))
        yield deny("ProtectDetectingRoles", "iam", ROLE, roles, exempt)
