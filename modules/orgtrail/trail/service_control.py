"""The service control policies: in a member account only exempt roles may touch the audit trail.

Each SCP holds what protects one thing, so that each stays within AWS's size and can be read alone.
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
"""The actions that make a key useless, let others use it, or take its name away."""
ROLE = (
    "AttachRolePolicy", "CreateRole", "DeleteRole", "DeleteRolePermissionsBoundary",
    "DeleteRolePolicy", "DetachRolePolicy", "PassRole", "PutRolePermissionsBoundary",
    "PutRolePolicy", "UpdateAssumeRolePolicy", "UpdateRole",
)  # fmt: skip
"""The IAM actions that make somebody as good as a role, or the role good for nothing.

Who hands a role to a service has the service act with it."""
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
"""What would make every log file unreadable, or let others decide who reads."""
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
"""What the trust of roles that people or pipelines sign in to rests on.

IAM Identity Center changes its own by a service-linked role, which no SCP binds."""
_GLUE = (
    "BatchDeleteTable", "BatchDeleteTableVersion", "DeleteDatabase", "DeleteTable",
    "DeleteTableVersion", "RenameTable", "UpdateDatabase", "UpdateTable",
)  # fmt: skip
_CATALOG = ("DeleteResourcePolicy", "PutDataCatalogEncryptionSettings", "PutResourcePolicy")
"""They decide who may read the whole catalog, and whether anybody can."""
_LAKE_FORMATION = (
    "BatchGrantPermissions", "BatchRevokePermissions", "CreateDataCellsFilter",
    "DeregisterResource", "GrantPermissions", "PutDataLakeSettings", "RegisterResource",
    "RevokePermissions", "UpdateDataCellsFilter", "UpdateResource",
)  # fmt: skip
"""They take tables out of IAM's hands, and can leave out rows of an answer.
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
"""Who takes messages from the queue takes them from the SIEM."""
_PROJECT = (
    "BatchDeleteBuilds", "CreateWebhook", "DeleteBuildBatch", "DeleteProject", "RetryBuild",
    "RetryBuildBatch", "StartBuild", "StartBuildBatch", "StartSandbox",
    "StopBuild", "StopBuildBatch", "UpdateProject", "UpdateProjectVisibility", "UpdateWebhook",
)  # fmt: skip
"""A build may be started with other commands than the project's, and runs with its role.
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
"""What switches a service off, and what has it pass over: trusted addresses and names, archived
findings, rules that close findings automatically, controls that are no longer evaluated."""
_SERVICES = {
    "guardduty": ("guardduty", "ProtectGuardDuty"),
    "security_hub": ("securityhub", "ProtectSecurityHub"),
    "access_analyzer": ("access-analyzer", "ProtectAccessAnalyzer"),
}


def service_control(env: Environment) -> dict[str, Document]:
    """Return the SCPs: in a member account only the exempt roles may touch the audit trail.

    Returns:
        each by what follows `guardrails.policy_name` in its name: nothing for trail and
        evidence, `readers` for what reads the evidence and tells of it, `detection` for the
        services that look for threats, where there are any.

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
    """Deny some actions of a service to everyone except the exempt roles, on conditions if any.

    Without a service, each action names its own.
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
    """Deny actions on the key that has an alias: AWS makes up a key's id."""
    named = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": alias}}
    return deny(sid, "kms", actions, naming.any_key_arn(env), exempt, **named)


def deny_by_alias(
    env: Environment, sid: str, actions: tuple[str, ...], alias: str, exempt: tuple[str, ...]
) -> list[Statement]:
    """Deny actions on the key that has an alias, and on the alias.

    A key that lost its alias would be known by nothing, so the alias is protected like its key.
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
    """Yield what protects trail and evidence in every member account."""
    exempt = env.exempt_roles
    yield _trails(env)
    yield from _buckets(env)
    yield from _files(env)
    yield from _key(env)
    # The group is in the management account; this binds where a delegated
    # administrator owns the trail, and so the group.
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
    """Deny stopping trails: the members' own too, unless old ones are being cleared away."""
    everywhere = "*" if env.guardrails.member_trails else naming.trail_arn(env)
    owners = env.owner_roles if env.adopt.is_referenced("trail") else ()
    return deny("ProtectTrails", "cloudtrail", _TRAIL, everywhere, (*env.exempt_roles, *owners))


def _buckets(env: Environment) -> Iterator[Statement]:
    """Deny changing a bucket; the owner of one that is only referred to is exempt from its own."""
    exempt = env.exempt_roles
    for sid, names, roles in (
        ("ProtectBuckets", [n for n in env.own_buckets if n not in env.referenced_buckets], exempt),
        ("ProtectOthersBuckets", sorted(env.referenced_buckets), (*exempt, *env.owner_roles)),
    ):
        if names:
            arns = [naming.bucket_arn(env, each) for each in names]
            yield deny(sid, "s3", _BUCKET, arns, roles)


def _files(env: Environment) -> Iterator[Statement]:
    """Deny deleting, holding and writing evidence, except to break-glass roles and services."""
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
    """Deny destroying the archive's key except to break-glass roles; managing it, to most others.

    Whoever deletes the key deletes every log file with it, however they are locked.
    A key that is only referred to is known by its ARN.
    """
    exempt, break_glass = env.exempt_roles, env.archive.break_glass_roles
    if arn := env.adopt.referenced_key:
        yield deny("ProtectKey", "kms", KEY, arn, (*exempt, *env.owner_roles))
        return
    yield deny_key(env, "ProtectKey", _KEEPING, env.key.alias, exempt)
    yield from deny_by_alias(env, "KeepKey", _ENDING, env.key.alias, break_glass)


def _exempt_roles(env: Environment) -> Iterator[Statement]:
    """Deny rewriting exempt roles: whoever can rewrite the trust of one is as good as exempt.

    A break-glass role is rewritten by its like alone: who may change the archive's settings is not
    meant to delete evidence.
    """
    exempt, break_glass = env.exempt_roles, env.archive.break_glass_roles
    if exempt:
        yield deny("ProtectExemptRoles", "iam", ROLE, sorted(set(exempt)), exempt)
    if break_glass:
        roles = sorted(set(break_glass))
        yield deny("ProtectBreakGlassRoles", "iam", ROLE, roles, tuple(roles))
    if owners := env.owner_roles:
        # In the logging account alone: elsewhere their owner enrols accounts with them.
        there = sorted(each.replace("::*:", f"::{env.logging.id}:") for each in owners)
        yield deny("ProtectOwnerRoles", "iam", ROLE, there, (*exempt, *owners))
    providers = [
        naming.arn(env, "iam", env.logging.id, f"{kind}/*")
        for kind in ("saml-provider", "oidc-provider")
    ]
    yield deny("ProtectSignIn", "iam", _SIGN_IN, providers, exempt)


def _readers(env: Environment) -> Iterator[Statement]:
    """Yield what protects the readers of the evidence, in the logging account."""
    exempt = env.exempt_roles
    compaction = _and_compaction(env)
    # The compaction's own policy lets it update its own table alone.
    yield deny("ProtectTable", "glue", _GLUE, naming.catalog_arns(env), compaction)
    yield deny(
        "ProtectCatalog", "glue", _CATALOG, naming.logging_arn(env, "glue", "catalog"), exempt
    )
    yield deny(
        "ProtectFromLakeFormation", "lakeformation", _LAKE_FORMATION, "*", exempt,
        StringEquals={"aws:PrincipalAccount": env.logging.id},
    )  # fmt: skip
    yield deny("ProtectWorkgroup", "athena", _ATHENA, naming.workgroup_arn(env), exempt)
    # Athena writes an answer with the permissions of whoever asks: nobody else writes there.
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
    """Deny rewriting and passing the roles that read all logs: whoever can, can read them.

    And the boundary of those roles: a narrower one would silence them, a wider one free them.
    """
    exempt = env.exempt_roles
    if roles := naming.logging_roles(env):
        yield deny("ProtectReadingRoles", "iam", ROLE, roles, exempt)
        if limit := boundary_arn(env, "logging"):
            yield deny("ProtectBoundary", "iam", _BOUNDARY, limit, exempt)


def _siem(env: Environment) -> Iterator[Statement]:
    """Deny stopping, falsifying and draining the feed.

    Where the SIEM has no role of ours, who takes its messages is for IAM to say.
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
    """Deny driving what runs with a role of ours: its schedules, and the verification's builds."""
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
        # What an account's policy masks or rewrites, it does in every group.
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
    """Yield a denial for each service, except to those who deploy it to its administrator.

    A former administrator's role removes what is there in the apply that changes this policy.
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
