"""Policies of the compacted table: its bucket, and the role that its schedule asks Athena with."""

from __future__ import annotations

from orgtrail import naming
from orgtrail.policies import readers
from orgtrail.policies.archive import transport
from orgtrail.policies.document import Document, acting_for, allow, document
from orgtrail.settings.environment import Environment

SCHEDULER = "scheduler.amazonaws.com"
CALL = "athena:startQueryExecution"
"""What the schedule calls, as EventBridge Scheduler writes it."""


def bucket(env: Environment) -> Document:
    """Return the bucket's policy: encrypted transport only; IAM decides who reads."""
    assert env.compacted_bucket
    return document(transport(env, env.compacted_bucket))


def trust(env: Environment) -> Document:
    """Return who may assume the role: EventBridge Scheduler, for schedules of the account.

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


def permissions(env: Environment) -> Document:
    """Return what the role may: read the archive, write the table, both through Athena."""
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
        readers.list_bucket(env, "FindLogFiles", env.archive.bucket),
        readers.read_objects(env, "ReadLogFiles", f"{env.logs_prefix}*"),
        readers.list_bucket(env, "FindTable", env.compacted_bucket, "ListBucketMultipartUploads"),
        allow("WriteTable", "s3", (*_WRITE, "DeleteObject"),
              naming.bucket_arn(env, env.compacted_bucket, "*")),
        readers.list_bucket(env, "FindResults", env.result_bucket, "ListBucketMultipartUploads"),
        allow("KeepResults", "s3", _WRITE,
              naming.bucket_arn(env, env.result_bucket, f"{naming.RESULT_PREFIX}*")),
        *readers.decrypt(env, "UseKey", ["s3"], [], "GenerateDataKey"),
    )  # fmt: skip


_WRITE = ("AbortMultipartUpload", "GetObject", "ListMultipartUploadParts", "PutObject")
