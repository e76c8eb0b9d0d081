"""The Athena catalog over the archive, in the logging account: table, workgroup and questions."""

from __future__ import annotations

import json
from collections.abc import Iterator

from orgtrail import naming, records
from orgtrail.query.questions import Question, pack, query_placeholders
from orgtrail.query.render import on_table, to_prepare, to_save
from orgtrail.settings.environment import Environment
from orgtrail.trail import compaction
from orgtrail.trail.archive import RESULTS_LOG_PREFIX
from orgtrail.trail.common import LogTarget, Retention, columns, private_bucket
from orgtrail.trail.organization import account_ids
from orgtrail.trail.part import Part
from orgtrail.trail.policy import Document, Statement, allow, document, transport
from orgtrail.trail.resource import Json, Resource, literal

_SERDE = "org.apache.hive.hcatalog.data.JsonSerDe"
_INPUT = "com.amazon.emr.cloudtrail.CloudTrailInputFormat"
_OUTPUT = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
_ACCOUNTS = "<the accounts of the table>"
_TABLE = (
    "CreateDatabase", "CreateTable", "DeleteDatabase", "DeleteTable", "GetDatabase",
    "GetPartitionIndexes", "GetTable", "GetTags", "TagResource", "UntagResource",
    "UpdateTable",
)  # fmt: skip
_WORKGROUP = (
    "CreateWorkGroup", "DeleteWorkGroup", "GetWorkGroup", "ListTagsForResource", "TagResource",
    "UntagResource", "UpdateWorkGroup",
)  # fmt: skip
_QUESTIONS = (
    "CreateNamedQuery", "CreatePreparedStatement", "DeleteNamedQuery", "DeletePreparedStatement",
    "GetNamedQuery", "GetPreparedStatement", "UpdatePreparedStatement",
)  # fmt: skip


def catalog(part: Part, *, organization: str, key_arn: str, access_logs: LogTarget) -> None:
    """Add database, table, result bucket and workgroup, the questions and the compacted table.

    The table projects account, region and day.

    Args:
        part: the part to add to, in the logging account.
        organization: address of the organization, whose accounts complete those of the file.
        key_arn: ARN of the key that encrypts query results.
        access_logs: the bucket for the result bucket's access logs.

    """
    env, settings = part.environment, part.environment.catalog
    database = part.add(
        "aws_glue_catalog_database",
        "database",
        name=settings.database,
        description="Audit trail of the organization",
    )
    accounts = _accounts(part, organization)
    _table(part, accounts, database)
    results = private_bucket(
        part.inside("results"),
        bucket=env.result_bucket,
        policy=results_policy(env),
        retention=Retention(settings.result_expire_after_days, 1),
        kms_key_arn=key_arn,
        logs_to=(access_logs, RESULTS_LOG_PREFIX),
        protect=False,
    )
    workgroup = part.add(
        "aws_athena_workgroup",
        "workgroup",
        name=settings.workgroup,
        description="Questions to the organization's audit trail",
        force_destroy=not env.archive.destroy_protection,
        depends_on=[results.policy],
        configuration=_workgroup(env, key_arn),
    )
    if settings.queries:
        _questions(part.inside("questions"), accounts, workgroup=workgroup, database=database)
    if settings.compaction:
        compaction.compaction(
            part.inside("compaction"),
            settings.compaction,
            key_arn=key_arn,
            access_logs=access_logs,
            workgroup=workgroup,
            database=database,
        )


def _table(part: Part, accounts: str, database: Resource) -> None:
    env = part.environment
    part.add(
        "aws_glue_catalog_table",
        "table",
        name=env.catalog.table,
        database_name=env.catalog.database,
        depends_on=[database],
        description=f"CloudTrail records up to eventVersion {records.VERSION}",
        table_type="EXTERNAL_TABLE",
        parameters={
            "EXTERNAL": "TRUE",
            "classification": "cloudtrail",
            "projection.enabled": "true",
            "projection.account.type": "enum",
            "projection.account.values": accounts,
            "projection.region.type": "enum",
            "projection.region.values": _regions(part),
            "projection.day.type": "date",
            "projection.day.format": "yyyy/MM/dd",
            "projection.day.range": f"{naming.first_day(env)},NOW",
            "projection.day.interval": "1",
            "projection.day.interval.unit": "DAYS",
            "storage.location.template": literal(naming.partition_template(env)),
        },
        partition_keys=columns(*records.PARTITIONS),
        storage_descriptor={
            "location": naming.table_location(env),
            "input_format": _INPUT,
            "output_format": _OUTPUT,
            "columns": columns(*records.FIELDS),
            "ser_de_info": {
                "name": "cloudtrail",
                "serialization_library": _SERDE,
                "parameters": {"serialization.format": "1"},
            },
        },
    )


def _accounts(part: Part, organization: str) -> str:
    """Return the accounts to project, without white space, which would become part of a value."""
    ids, known = part.environment.account_ids, account_ids(organization)
    if part.environment.catalog.accounts == "file":
        if part.environment.organization.list_accounts:
            part.warn(
                "every_account_in_table",
                f"length(setsubtract({known}, {json.dumps(ids)})) == 0",
                "The organization has accounts that accounts in the environment file lacks. "
                "Athena would return no rows for them, and no error. Add them.",
            )
        return ",".join(ids)
    return f'${{join(",", sort(distinct(concat({json.dumps(ids)}, {known}))))}}'


def _regions(part: Part) -> str:
    chosen = part.environment.catalog.regions
    if chosen is not None:
        return ",".join(sorted(set(chosen)))
    regions = part.add("data.aws_regions", "regions", all_regions=True)
    return f'${{join(",", sort({regions.address}.names))}}'


def _workgroup(env: Environment, key_arn: str) -> Json:
    return {
        "enforce_workgroup_configuration": True,
        "publish_cloudwatch_metrics_enabled": True,
        "requester_pays_enabled": False,
        "bytes_scanned_cutoff_per_query": env.catalog.bytes_scanned_limit,
        "engine_version": {"selected_engine_version": "Athena engine version 3"},
        "result_configuration": {
            "output_location": naming.result_location(env),
            "expected_bucket_owner": env.logging.id,
            "encryption_configuration": {
                "encryption_option": "SSE_KMS",
                "kms_key_arn": key_arn,
            },
        },
    }


def _questions(part: Part, accounts: str, *, workgroup: Resource, database: Resource) -> None:
    """Add a named query and a prepared statement for each question of the pack.

    Args:
        part: the part to add to.
        accounts: the accounts that the table projects, as text or an expression.
        workgroup: the workgroup.
        database: the database.

    """
    env, settings = part.environment, part.environment.catalog
    facts = query_placeholders(env) | {"accounts": _ACCOUNTS}
    saved, prepared = {}, {}
    for query in pack().values():
        sql = literal(on_table(to_save(query, facts), settings.table))
        saved[query.name] = {"about": query.answers, "sql": sql.replace(_ACCOUNTS, accounts)}
        statement, order = to_prepare(query)
        prepared[query.name.replace("-", "_")] = {
            "about": _about(query, order),
            "sql": literal(on_table(statement, settings.table)),
        }
    part.add(
        "aws_athena_named_query",
        "saved",
        for_each=saved,
        name="${each.key}",
        database=settings.database,
        workgroup=settings.workgroup,
        description="${each.value.about}",
        query="${each.value.sql}",
        depends_on=[workgroup, database],
    )
    part.add(
        "aws_athena_prepared_statement",
        "prepared",
        for_each=prepared,
        name="${each.key}",
        workgroup=settings.workgroup,
        description="${each.value.about}",
        query_statement="${each.value.sql}",
        depends_on=[workgroup],
    )


def _about(query: Question, order: tuple[str, ...]) -> str:
    return f"{query.answers} USING {', '.join(order)}"


def results_policy(env: Environment) -> Document:
    """Return the result bucket's policy: TLS only; IAM decides who reads."""
    return document(transport(env, env.result_bucket))


def deploying(env: Environment) -> Iterator[Statement]:
    """Yield the permissions to deploy the catalog, in the logging account."""
    tables = [naming.logging_arn(env, "glue", "catalog"), *naming.catalog_arns(env)]
    yield allow("ManageTable", "glue", _TABLE, tables)
    yield allow("ManageWorkgroup", "athena", _WORKGROUP, naming.workgroup_arn(env))
    if env.catalog.queries:
        yield allow("ManageQuestions", "athena", _QUESTIONS, naming.workgroup_arn(env))
    if env.catalog.compaction:
        yield from compaction.deploying(env, env.catalog.compaction)
