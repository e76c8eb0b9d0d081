"""The SCP of what reads the evidence: table, workgroup, roles, feed and verification."""

from __future__ import annotations

from collections.abc import Iterator

from orgtrail import naming
from orgtrail.policies import boundary, findings
from orgtrail.policies.document import DELETION, REWRITING, Statement
from orgtrail.policies.guardrails.statement import KEY, ROLE, deny, deny_by_alias
from orgtrail.settings.environment import Environment

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
_POLICY = (
    "CreatePolicyVersion", "DeletePolicy", "DeletePolicyVersion", "SetDefaultPolicyVersion",
)  # fmt: skip
_SCHEDULE = ("DeleteSchedule", "UpdateSchedule")


def statements(env: Environment) -> Iterator[Statement]:
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
    # Athena writes an answer in the name of who asks: nobody puts one there himself.
    answers = naming.bucket_arn(env, env.result_bucket, f"{naming.RESULT_PREFIX}*")
    writing = ("DeleteObject", "DeleteObjectVersion", *REWRITING)
    directly = {"aws:ViaAWSService": "false"}
    yield deny("ProtectAnswers", "s3", writing, answers, exempt, Bool=directly)
    if env.compacted_bucket:
        files = naming.bucket_arn(env, env.compacted_bucket, "*")
        yield deny("ProtectCompacted", "s3", (*DELETION, *REWRITING), files, compaction)
    yield from _roles(env)
    yield from _feed(env)
    yield from _runs(env)
    if env.siem:
        alias = naming.key_alias(env.siem.topic)
        yield from deny_by_alias(env, "ProtectFeedKey", KEY, alias, exempt)
    if env.findings_bucket:
        alias = naming.key_alias(findings.KEY)
        yield from deny_by_alias(env, "ProtectFindingsKey", KEY, alias, exempt)


def _roles(env: Environment) -> Iterator[Statement]:
    """Deny rewriting and driving the roles that read all logs: who can, reads them himself.

    And the boundary of those roles: a narrower one would silence them, a wider one free them.
    """
    exempt = env.exempt_roles
    if roles := naming.logging_roles(env):
        yield deny("ProtectReadingRoles", "iam", ROLE, roles, exempt)
        if limit := boundary.arn(env, "logging"):
            yield deny("ProtectBoundary", "iam", _POLICY, limit, exempt)


def _feed(env: Environment) -> Iterator[Statement]:
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
