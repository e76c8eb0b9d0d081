"""The compacted table: Parquet beside the log files, which Athena keeps fresh on a schedule."""

from __future__ import annotations

import json

from orgtrail import layout, records
from orgtrail.constructs import bindings as aws
from orgtrail.constructs.bucket import LogTarget, PrivateBucket, Retention
from orgtrail.constructs.columns import columns
from orgtrail.constructs.role import Role
from orgtrail.policies import archive, boundary, compaction
from orgtrail.queries.compaction import statements
from orgtrail.settings.catalog import Compaction as Settings
from orgtrail.settings.environment import Environment


class Compaction(aws.Part):
    """Bucket, Iceberg table, schedule and its role. The log files stay as they are: the evidence.

    Args:
        scope: the construct that it is part of.
        id: its name there.
        environment: the settings of the whole.
        settings: its own.
        provider: the logging account.
        kms_key_arn: ARN of the key that encrypts the table.
        access_logs: the bucket that logs who reaches for it.
        workgroup: the workgroup that the schedule asks.
        database: the database.

    """

    def __init__(
        self,
        scope: aws.Construct,
        id: str,
        *,
        environment: Environment,
        settings: Settings,
        provider: aws.AwsProvider,
        kms_key_arn: str,
        access_logs: LogTarget,
        workgroup: aws.AthenaWorkgroup,
        database: aws.GlueCatalogDatabase,
    ) -> None:
        """Make them."""
        super().__init__(scope, id, provider=provider)
        assert environment.compacted_bucket
        self.bucket = PrivateBucket(
            self,
            "bucket",
            provider=provider,
            bucket=environment.compacted_bucket,
            policy=compaction.bucket(environment),
            retention=Retention(None, 1),
            kms_key_arn=kms_key_arn,
            logs_to=(access_logs, archive.COMPACTED_LOG_PREFIX),
            protect=False,
        )
        self._table(environment, settings, database)
        self.role = Role(
            self,
            "role",
            provider=provider,
            name=settings.role_name,
            description=f"A schedule keeps {settings.table} fresh with it",
            trust=compaction.trust(environment),
            policy_name="compaction",
            permissions=compaction.permissions(environment),
            boundary=boundary.arn(environment, "logging"),
        )
        self._schedule(environment, settings, workgroup)

    def _table(
        self, environment: Environment, settings: Settings, database: aws.GlueCatalogDatabase
    ) -> None:
        self.table = self.add(
            aws.GlueCatalogTable,
            "table",
            name=settings.table,
            database_name=environment.catalog.database,
            depends_on=[database, self.bucket.policy],
            description=f"CloudTrail records up to eventVersion {records.VERSION}, compacted",
            table_type="EXTERNAL_TABLE",
            open_table_format_input=aws.OpenTableFormat(
                iceberg_input=aws.IcebergInput(metadata_operation="CREATE", version="2")
            ),
            storage_descriptor=aws.GlueCatalogTableStorageDescriptor(
                location=layout.compacted_location(environment),
                columns=columns(*records.FIELDS, *records.PARTITIONS),
            ),
        )
        # Each commit writes where the newest metadata lies.
        self.table.add_override("lifecycle.ignore_changes", ["parameters"])

    def _schedule(
        self, environment: Environment, settings: Settings, workgroup: aws.AthenaWorkgroup
    ) -> None:
        catalog = environment.catalog
        keep = settings.keep_days or environment.archive.expire_after_days
        daily, weekly = f"cron(30 {settings.hour} * * ? *)", f"cron(45 {settings.hour} ? * SUN *)"
        runs = {
            name: {
                "at": daily if name == "take" else weekly,
                "ask": aws.literal(
                    json.dumps(
                        {
                            "QueryString": sql,
                            "QueryExecutionContext": {"Database": catalog.database},
                            "WorkGroup": catalog.workgroup,
                        }
                    )
                ),
            }
            for name, sql in statements(catalog.table, settings.table, keep).items()
        }
        schedule = self.add(
            aws.SchedulerSchedule,
            "schedule",
            name=f"{settings.table}-${{each.key}}",
            description=f"Athena keeps {settings.table} fresh",
            schedule_expression="${each.value.at}",
            schedule_expression_timezone="UTC",
            flexible_time_window=aws.FlexibleTime(mode="OFF"),
            depends_on=[self.table, self.role.policy, workgroup],
            target=aws.SchedulerTarget(
                arn=layout.call_arn(environment, compaction.CALL),
                role_arn=layout.role_arn(environment, environment.logging.id, settings.role_name),
                input="${each.value.ask}",
            ),
        )
        aws.for_each(schedule, runs)
