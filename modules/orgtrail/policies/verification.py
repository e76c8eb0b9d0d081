"""Policies of the daily verification: what it may read, and whom it may tell."""

from __future__ import annotations

from orgtrail import naming
from orgtrail.policies import readers
from orgtrail.policies.compaction import SCHEDULER
from orgtrail.policies.document import Document, Statement, acting_for, allow, document
from orgtrail.settings.detection import Verification
from orgtrail.settings.environment import Environment

CODEBUILD = "codebuild.amazonaws.com"
CALL = "codebuild:startBuild"
"""What the schedule calls, as EventBridge Scheduler writes it."""


def trust(env: Environment, settings: Verification) -> Document:
    """Return who may assume the reading role: CodeBuild, for this project.

    https://docs.aws.amazon.com/codebuild/latest/userguide/cross-service-confused-deputy-prevention.html
    """
    return _service(env, CODEBUILD, naming.project_arn(env, settings))


def schedule_trust(env: Environment) -> Document:
    """Return who may assume the starting role: EventBridge Scheduler, for this account."""
    return _service(env, SCHEDULER, naming.logging_arn(env, "scheduler", "schedule-group/default"))


def start(env: Environment, settings: Verification) -> Document:
    """Return what the starting role may: start this project."""
    project = naming.project_arn(env, settings)
    return document(allow("StartVerification", "codebuild", ("StartBuild",), project))


def permissions(env: Environment, settings: Verification) -> Document:
    """Return what the reading role may: read the archive, write its report, ring the alarms."""
    group = naming.logging_arn(env, "logs", f"log-group:{settings.log_group}:*")
    writing = ("CreateLogStream", "PutLogEvents")
    return document(
        allow("WriteReport", "logs", writing, group),
        readers.list_bucket(env, "FindLogFiles", env.archive.bucket, "ListBucketVersions"),
        readers.read_objects(env, "ReadLogFiles", f"{env.logs_prefix}*"),
        *readers.decrypt(env, "DecryptLogFiles", ["s3"], []),
        allow("FindPublicKeys", "cloudtrail", ("ListPublicKeys",), "*"),
        *_tell(env),
    )


def publishes(env: Environment) -> list[Statement]:
    """Return the topic's share: the role of the logging account publishes."""
    return [_from_logging(env, "VerificationPublishes", ["sns:Publish"], _topic(env), {})]


def encrypts(env: Environment) -> list[Statement]:
    """Return the share of the topic's key: the role uses it through SNS."""
    via = {"StringEquals": {"kms:ViaService": naming.via_service(env, "sns")}}
    actions = ["kms:Decrypt", "kms:GenerateDataKey*"]
    return [_from_logging(env, "VerificationEncrypts", actions, "*", via)]


def _tell(env: Environment) -> list[Statement]:
    keys = naming.arn(env, "kms", env.management.id, "key/*", region=env.home_region)
    through = {"StringEquals": {"kms:ViaService": naming.via_service(env, "sns")}}
    return [
        allow("TellFindings", "sns", ("Publish",), _topic(env)),
        {
            **allow("EncryptFindings", "kms", ("Decrypt", "GenerateDataKey"), keys),
            "Condition": through,
        },
    ]


def _topic(env: Environment) -> str:
    assert env.alarms
    return naming.management_topic_arn(env, env.alarms.topic)


def _from_logging(
    env: Environment,
    sid: str,
    actions: list[str],
    resource: str,
    condition: dict[str, dict[str, str]],
) -> Statement:
    """Allow the role by its name: as a principal it would have to exist before the policy."""
    assert env.verification
    role = naming.role_arn(env, env.logging.id, env.verification.role_name)
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": {"AWS": naming.account_root(env, env.logging.id)},
        "Action": actions,
        "Resource": resource,
        "Condition": {**condition, "ArnEquals": {"aws:PrincipalArn": role}},
    }


def _service(env: Environment, service: str, source: str) -> Document:
    return document(
        {
            "Sid": "ServiceRuns",
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": "sts:AssumeRole",
            "Condition": acting_for(env.logging.id, source),
        }
    )
