"""The compacted table: Parquet beside the log files, which Athena keeps fresh on a schedule."""

from __future__ import annotations

import json
from collections.abc import Iterator

from orgtrail import naming, records
from orgtrail.query.render import compaction_statements
from orgtrail.settings.catalog import Compaction
from orgtrail.settings.environment import Environment
from orgtrail.trail.archive import COMPACTED_LOG_PREFIX
from orgtrail.trail.common import LogTarget, Retention, columns, private_bucket, role
from orgtrail.trail.deploying import SCHEDULE, pass_role
from orgtrail.trail.part import Before, Part
from orgtrail.trail.policy import (
    Document,
    Statement,
    acting_for,
    allow,
    decrypt,
    document,
    list_bucket,
    read_objects,
    transport,
)
from orgtrail.trail.resource import Json, Resource, literal

SCHEDULER = "scheduler.amazonaws.com"
CALL = "athena:startQueryExecution"
"""The API call of the schedule, in EventBridge Scheduler's notation."""
_WRITE = ("AbortMultipartUpload", "GetObject", "ListMultipartUploadParts", "PutObject")


def compaction(
    part: Part,
    settings: Compaction,
    *,
    key_arn: str,
    access_logs: LogTarget,
    workgroup: Resource,
    database: Resource,
) -> None:
    """Add bucket, Iceberg table, schedule and its role. The log files are kept as evidence.

    Args:
        part: the part to add to, in the logging account.
        settings: the table's settings.
        key_arn: ARN of the key that encrypts the table.
        access_logs: the bucket for the table bucket's access logs.
        workgroup: the workgroup that the schedule uses.
        database: the database.

    """
    env = part.environment
    assert env.compacted_bucket
    bucket = private_bucket(
        part.inside("bucket"),
        bucket=env.compacted_bucket,
        policy=bucket_policy(env),
        retention=Retention(None, 1),
        kms_key_arn=key_arn,
        logs_to=(access_logs, COMPACTED_LOG_PREFIX),
        protect=False,
    )
    table = part.add(
        "aws_glue_catalog_table",
        "table",
        name=settings.table,
        database_name=env.catalog.database,
        depends_on=[database, bucket.policy],
        description=f"CloudTrail records up to eventVersion {records.VERSION}, compacted",
        table_type="EXTERNAL_TABLE",
        open_table_format_input={"iceberg_input": {"metadata_operation": "CREATE", "version": "2"}},
        storage_descriptor={
            "location": naming.compacted_location(env),
            "columns": columns(*records.FIELDS, *records.PARTITIONS),
        },
        # Each commit updates the location of the newest metadata.
        lifecycle={"ignore_changes": ["parameters"]},
    )
    may_run = role(
        part.inside("role"),
        name=settings.role_name,
        description=f"A schedule keeps {settings.table} fresh with it",
        trust=role_trust(env),
        policy_name="compaction",
        permissions=role_permissions(env),
    )
    _schedule(part, settings, [table, may_run, workgroup])


def _schedule(part: Part, settings: Compaction, after: Before) -> None:
    env = part.environment
    keep = settings.keep_days or env.archive.expire_after_days
    daily, weekly = f"cron(30 {settings.hour} * * ? *)", f"cron(45 {settings.hour} ? * SUN *)"
    runs = {
        name: {
            "at": daily if name == "take" else weekly,
            "ask": literal(json.dumps(_query_input(part, sql))),
        }
        for name, sql in compaction_statements(env.catalog.table, settings.table, keep).items()
    }
    part.add(
        "aws_scheduler_schedule",
        "schedule",
        for_each=runs,
        name=f"{settings.table}-${{each.key}}",
        description=f"Athena keeps {settings.table} fresh",
        schedule_expression="${each.value.at}",
        schedule_expression_timezone="UTC",
        flexible_time_window={"mode": "OFF"},
        depends_on=after,
        target={
            "arn": naming.scheduler_target_arn(env, CALL),
            "role_arn": naming.role_arn(env, env.logging.id, settings.role_name),
            "input": "${each.value.ask}",
        },
    )


def _query_input(part: Part, sql: str) -> Json:
    catalog = part.environment.catalog
    return {
        "QueryString": sql,
        "QueryExecutionContext": {"Database": catalog.database},
        "WorkGroup": catalog.workgroup,
    }


def bucket_policy(env: Environment) -> Document:
    """Return the bucket's policy: TLS only; IAM decides who reads."""
    assert env.compacted_bucket
    return document(transport(env, env.compacted_bucket))


def role_trust(env: Environment) -> Document:
    """Return the role's trust policy: EventBridge Scheduler, for schedules of the account.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
    """
    schedules = naming.logging_arn(env, "scheduler", "schedule-group/default")
    return document(
        {
            "Sid": "ScheduleRuns",
            "Effect": "Allow",
            "Principal": {"Service": SCHEDULER},
            "Action": "sts:AssumeRole",
            "Condition": acting_for(env.logging.id, schedules),
        }
    )


def role_permissions(env: Environment) -> Document:
    """Return the role's permissions: to read the archive and write the table through Athena."""
    assert env.compacted_bucket
    compaction = env.catalog.compaction
    assert compaction
    name = f"table/{env.catalog.database}/{compaction.table}"
    return document(
        allow("AskAthena", "athena", ("GetWorkGroup", "StartQueryExecution"),
              naming.workgroup_arn(env)),
        allow("FindCatalog", "athena", ("GetDataCatalog",),
              naming.logging_arn(env, "athena", "datacatalog/AwsDataCatalog")),
        allow("ReadSchema", "glue", ("GetDatabase", "GetPartition", "GetPartitions", "GetTable"),
              [naming.logging_arn(env, "glue", "catalog"), *naming.catalog_arns(env)]),
        allow("CommitTable", "glue", ("UpdateTable",),
              [naming.logging_arn(env, "glue", "catalog"),
               naming.logging_arn(env, "glue", f"database/{env.catalog.database}"),
               naming.logging_arn(env, "glue", name)]),
        list_bucket(env, "FindLogFiles", env.archive.bucket),
        read_objects(env, "ReadLogFiles", f"{env.logs_prefix}*"),
        list_bucket(env, "FindTable", env.compacted_bucket, "ListBucketMultipartUploads"),
        allow("WriteTable", "s3", (*_WRITE, "DeleteObject"),
              naming.bucket_arn(env, env.compacted_bucket, "*")),
        list_bucket(env, "FindResults", env.result_bucket, "ListBucketMultipartUploads"),
        allow("KeepResults", "s3", _WRITE,
              naming.bucket_arn(env, env.result_bucket, f"{naming.RESULT_PREFIX}*")),
        *decrypt(env, "UseKey", ["s3"], [], "GenerateDataKey"),
    )  # fmt: skip


def deploying(env: Environment, settings: Compaction) -> Iterator[Statement]:
    """Yield the permissions to deploy the compaction, in the logging account."""
    assert env.compacted_bucket
    # Glue writes an Iceberg table's first metadata with the caller's permissions.
    objects = naming.bucket_arn(env, env.compacted_bucket, "*")
    yield allow("BeginTable", "s3", ("GetObject", "PutObject"), objects)
    yield _metadata_key(env, env.compacted_bucket)
    schedules = naming.logging_arn(env, "scheduler", f"schedule/default/{settings.table}-*")
    yield allow("ManageSchedule", "scheduler", SCHEDULE, schedules)
    yield pass_role("PassRole", naming.role_arn(env, env.logging.id, settings.role_name), SCHEDULER)


def _metadata_key(env: Environment, bucket: str) -> Statement:
    """Allow use of the key for the table's metadata: through S3, for objects of this bucket."""
    return {
        **allow("EncryptTable", "kms", ("Decrypt", "GenerateDataKey"), naming.any_key_arn(env)),
        "Condition": {
            "StringEquals": {"kms:ViaService": naming.via_service(env, "s3")},
            "StringLike": {
                "kms:EncryptionContext:aws:s3:arn": [
                    naming.bucket_arn(env, bucket, key) for key in ("", "*")
                ]
            },
        },
    }
