"""The Athena catalog over the archive, in the logging account: table, workgroup, results."""

from __future__ import annotations

import json

from orgtrail import layout, records
from orgtrail.constructs import bindings as aws
from orgtrail.constructs.bucket import LogTarget, PrivateBucket, Retention
from orgtrail.constructs.columns import columns
from orgtrail.constructs.compaction import Compaction
from orgtrail.constructs.organization import OrganizationCheck
from orgtrail.constructs.questions import Questions
from orgtrail.policies import archive as policies
from orgtrail.settings.environment import Environment

_SERDE = "org.apache.hive.hcatalog.data.JsonSerDe"
_INPUT = "com.amazon.emr.cloudtrail.CloudTrailInputFormat"
_OUTPUT = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"


class Catalog(aws.Part):
    """The table that projects account, region and day, and the workgroup that queries it.

    Args:
        scope: the construct that it is part of.
        id: its name there.
        environment: the settings.
        provider: the logging account.
        organization: the organization, whose accounts complete the file's.
        kms_key_arn: ARN of the key that encrypts query results.
        access_logs: the bucket that logs who reaches for results.

    """

    def __init__(
        self,
        scope: aws.Construct,
        id: str,
        *,
        environment: Environment,
        provider: aws.AwsProvider,
        organization: OrganizationCheck,
        kms_key_arn: str,
        access_logs: LogTarget,
    ) -> None:
        """Make database, table, result bucket and workgroup."""
        super().__init__(scope, id, provider=provider)
        settings = environment.catalog
        self.database = self.add(
            aws.GlueCatalogDatabase,
            "database",
            name=settings.database,
            description="Audit trail of the organization",
        )
        accounts = self._accounts(environment, organization)
        self._table(environment, accounts)
        self.results = PrivateBucket(
            self,
            "results",
            provider=provider,
            bucket=environment.result_bucket,
            policy=policies.results(environment),
            retention=Retention(settings.result_expire_after_days, 1),
            kms_key_arn=kms_key_arn,
            logs_to=(access_logs, policies.RESULTS_LOG_PREFIX),
            protect=False,
        )
        self._workgroup(environment, kms_key_arn)
        if settings.queries:
            self.questions = Questions(
                self,
                "questions",
                environment=environment,
                provider=provider,
                accounts=accounts,
                workgroup=self.workgroup,
                database=self.database,
            )
        if settings.compaction:
            self.compaction = Compaction(
                self,
                "compaction",
                environment=environment,
                settings=settings.compaction,
                provider=provider,
                kms_key_arn=kms_key_arn,
                access_logs=access_logs,
                workgroup=self.workgroup,
                database=self.database,
            )

    def _table(self, environment: Environment, accounts: str) -> None:
        location = layout.table_location(environment)
        self.table = self.add(
            aws.GlueCatalogTable,
            "table",
            name=environment.catalog.table,
            database_name=environment.catalog.database,
            depends_on=[self.database],
            description=f"CloudTrail records up to eventVersion {records.VERSION}",
            table_type="EXTERNAL_TABLE",
            parameters={
                "EXTERNAL": "TRUE",
                "classification": "cloudtrail",
                "projection.enabled": "true",
                "projection.account.type": "enum",
                "projection.account.values": accounts,
                "projection.region.type": "enum",
                "projection.region.values": self._regions(environment),
                "projection.day.type": "date",
                "projection.day.format": "yyyy/MM/dd",
                "projection.day.range": f"{layout.first_day(environment)},NOW",
                "projection.day.interval": "1",
                "projection.day.interval.unit": "DAYS",
                "storage.location.template": aws.literal(layout.partition_template(environment)),
            },
            partition_keys=columns(*records.PARTITIONS),
            storage_descriptor=aws.GlueCatalogTableStorageDescriptor(
                location=location,
                input_format=_INPUT,
                output_format=_OUTPUT,
                columns=columns(*records.FIELDS),
                ser_de_info=aws.GlueCatalogTableSerDe(
                    name="cloudtrail",
                    serialization_library=_SERDE,
                    parameters={"serialization.format": "1"},
                ),
            ),
        )

    def _accounts(self, environment: Environment, organization: OrganizationCheck) -> str:
        """Return the accounts to project. White space would become part of a value."""
        ids = environment.account_ids
        if environment.catalog.accounts == "file":
            aws.warn(
                self,
                "every_account_in_table",
                f"length(setsubtract({organization.account_ids}, {json.dumps(ids)})) == 0",
                "The organization has accounts that accounts in the environment file lacks. "
                "Athena would return no rows for them, and no error. Add them.",
            )
            return ",".join(ids)
        known = f"concat({json.dumps(ids)}, {organization.account_ids})"
        return f'${{join(",", sort(distinct({known})))}}'

    def _regions(self, environment: Environment) -> str:
        if environment.catalog.regions is not None:
            return ",".join(sorted(set(environment.catalog.regions)))
        regions = self.add(aws.DataAwsRegions, "regions", all_regions=True)
        return f'${{join(",", sort({aws.reference(regions)}.names))}}'

    def _workgroup(self, environment: Environment, kms_key_arn: str) -> None:
        settings = environment.catalog
        self.workgroup = self.add(
            aws.AthenaWorkgroup,
            "workgroup",
            name=settings.workgroup,
            description="Questions to the organization's audit trail",
            force_destroy=not environment.archive.destroy_protection,
            depends_on=[self.results.policy],
            configuration=aws.AthenaWorkgroupConfiguration(
                enforce_workgroup_configuration=True,
                publish_cloudwatch_metrics_enabled=True,
                requester_pays_enabled=False,
                bytes_scanned_cutoff_per_query=settings.bytes_scanned_limit,
                engine_version=aws.AthenaWorkgroupConfigurationEngineVersion(
                    selected_engine_version="Athena engine version 3"
                ),
                result_configuration=aws.WorkgroupResults(
                    output_location=layout.result_location(environment),
                    expected_bucket_owner=environment.logging.id,
                    encryption_configuration=aws.ResultEncryption(
                        encryption_option="SSE_KMS", kms_key_arn=kms_key_arn
                    ),
                ),
            ),
        )
