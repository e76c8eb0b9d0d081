"""Policies of the compacted table: its bucket, and the role that its schedule asks Athena with."""

from __future__ import annotations

from orgtrail import layout
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
    schedules = layout.in_logging(env, "scheduler", "schedule-group/default")
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
              layout.workgroup_arn(env)),
        allow("FindCatalog", "athena", ("GetDataCatalog",),
              layout.in_logging(env, "athena", "datacatalog/AwsDataCatalog")),
        allow("ReadSchema", "glue", ("GetDatabase", "GetPartition", "GetPartitions", "GetTable"),
              [layout.in_logging(env, "glue", "catalog"), *layout.catalog_arns(env)]),
        allow("CommitTable", "glue", ("UpdateTable",),
              [layout.in_logging(env, "glue", "catalog"),
               layout.in_logging(env, "glue", f"database/{env.catalog.database}"),
               layout.in_logging(env, "glue", name)]),
        readers.list_bucket(env, "FindLogFiles", env.archive.bucket),
        readers.read_objects(env, "ReadLogFiles", f"{layout.logs_prefix(env)}*"),
        readers.list_bucket(env, "FindTable", env.compacted_bucket, "ListBucketMultipartUploads"),
        allow("WriteTable", "s3", (*_WRITE, "DeleteObject"),
              layout.bucket_arn(env, env.compacted_bucket, "*")),
        readers.list_bucket(env, "FindResults", env.result_bucket, "ListBucketMultipartUploads"),
        allow("KeepResults", "s3", _WRITE,
              layout.bucket_arn(env, env.result_bucket, f"{layout.RESULT_PREFIX}*")),
        *readers.decrypt(env, "UseKey", ["s3"], [], "GenerateDataKey"),
    )  # fmt: skip


_WRITE = ("AbortMultipartUpload", "GetObject", "ListMultipartUploadParts", "PutObject")
