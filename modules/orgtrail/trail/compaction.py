"""The compacted table: Parquet beside the log files, which Athena keeps fresh on a schedule."""

from __future__ import annotations

import json

from orgtrail import naming, records
from orgtrail.policies import archive
from orgtrail.policies import compaction as policies
from orgtrail.queries.compaction import statements
from orgtrail.settings.catalog import Compaction
from orgtrail.trail.columns import columns
from orgtrail.trail.common import LogTarget, Retention, private_bucket, role
from orgtrail.trail.part import Before, Part
from orgtrail.trail.resource import Json, Resource, literal


def compaction(
    part: Part,
    settings: Compaction,
    *,
    key_arn: str,
    access_logs: LogTarget,
    workgroup: Resource,
    database: Resource,
) -> None:
    """Add bucket, Iceberg table, schedule and its role. The log files stay: they are the evidence.

    Args:
        part: the part that they become, in the logging account.
        settings: the table's own.
        key_arn: ARN of the key that encrypts the table.
        access_logs: the bucket that logs who reaches for it.
        workgroup: the workgroup that the schedule asks.
        database: the database.

    """
    env = part.environment
    assert env.compacted_bucket
    bucket = private_bucket(
        part.inside("bucket"),
        bucket=env.compacted_bucket,
        policy=policies.bucket(env),
        retention=Retention(None, 1),
        kms_key_arn=key_arn,
        logs_to=(access_logs, archive.COMPACTED_LOG_PREFIX),
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
        # Each commit writes where the newest metadata lies.
        lifecycle={"ignore_changes": ["parameters"]},
    )
    may_run = role(
        part.inside("role"),
        name=settings.role_name,
        description=f"A schedule keeps {settings.table} fresh with it",
        trust=policies.trust(env),
        policy_name="compaction",
        permissions=policies.permissions(env),
    )
    _schedule(part, settings, [table, may_run, workgroup])


def _schedule(part: Part, settings: Compaction, after: Before) -> None:
    env = part.environment
    keep = settings.keep_days or env.archive.expire_after_days
    daily, weekly = f"cron(30 {settings.hour} * * ? *)", f"cron(45 {settings.hour} ? * SUN *)"
    runs = {
        name: {
            "at": daily if name == "take" else weekly,
            "ask": literal(json.dumps(_ask(part, sql))),
        }
        for name, sql in statements(env.catalog.table, settings.table, keep).items()
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
            "arn": naming.scheduler_target_arn(env, policies.CALL),
            "role_arn": naming.role_arn(env, env.logging.id, settings.role_name),
            "input": "${each.value.ask}",
        },
    )


def _ask(part: Part, sql: str) -> Json:
    catalog = part.environment.catalog
    return {
        "QueryString": sql,
        "QueryExecutionContext": {"Database": catalog.database},
        "WorkGroup": catalog.workgroup,
    }
