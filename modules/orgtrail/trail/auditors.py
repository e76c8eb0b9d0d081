"""The auditors' role, in the logging account."""

from __future__ import annotations

from orgtrail import naming
from orgtrail.settings.access import AuditorSettings
from orgtrail.settings.environment import Environment
from orgtrail.trail.common import role
from orgtrail.trail.part import Part
from orgtrail.trail.policy import (
    Document,
    Statement,
    allow,
    decrypt,
    document,
    list_bucket,
    read_objects,
    trust,
)

_QUERY_ACTIONS = (
    "BatchGetNamedQuery", "BatchGetQueryExecution", "GetNamedQuery", "GetPreparedStatement",
    "GetQueryExecution", "GetQueryResults", "GetQueryResultsStream", "GetWorkGroup",
    "ListNamedQueries", "ListPreparedStatements", "ListQueryExecutions", "StartQueryExecution",
    "StopQueryExecution",
)  # fmt: skip
_BROWSE_ACTIONS = (
    "GetDataCatalog", "GetDatabase", "GetTableMetadata", "ListDatabases", "ListTableMetadata",
)  # fmt: skip
_CATALOG = "datacatalog/AwsDataCatalog"
_SCHEMA_ACTIONS = (
    "GetDatabase",
    "GetDatabases",
    "GetPartition",
    "GetPartitions",
    "GetTable",
    "GetTables",
)


def auditor(part: Part, settings: AuditorSettings) -> None:
    """Add the role.

    Args:
        part: the part to add to, in the logging account.
        settings: the role's settings.

    """
    env = part.environment
    role(
        part.inside("Default"),
        name=settings.role_name,
        description=f"Auditors ask {env.catalog.workgroup} and read the archive",
        trust=auditor_trust(settings),
        policy_name="auditor",
        permissions=auditor_permissions(env),
        session_seconds=settings.session_hours * 3600,
    )


def auditor_trust(auditor: AuditorSettings) -> Document:
    """Return the role's trust policy, with MFA, an external id and a source identity as set."""
    return trust(
        auditor.trusted,
        mfa=auditor.requires_mfa,
        external_id=auditor.external_id,
        source_identity=auditor.source_identity,
    )


def auditor_permissions(env: Environment) -> Document:
    """Return an auditor's permissions: to use the workgroup, and to read the archive and results.

    https://docs.aws.amazon.com/athena/latest/ug/workgroups-iam-policy.html
    """
    return document(
        allow("AskAthena", "athena", _QUERY_ACTIONS, naming.workgroup_arn(env)),
        allow(
            "BrowseCatalog", "athena", _BROWSE_ACTIONS, naming.logging_arn(env, "athena", _CATALOG)
        ),
        # The console needs these lists; they contain only names, and take no resource ARN.
        allow("OpenConsole", "athena", ("ListDataCatalogs", "ListWorkGroups"), "*"),
        allow(
            "ReadSchema",
            "glue",
            _SCHEMA_ACTIONS,
            [
                naming.logging_arn(env, "glue", "catalog"),
                *naming.catalog_arns(env),
            ],
        ),
        list_bucket(env, "FindLogFiles", env.archive.bucket, "ListBucketVersions"),
        read_objects(env, "ReadLogFiles", f"{env.logs_prefix}*"),
        list_bucket(env, "FindResults", env.result_bucket, "ListBucketMultipartUploads"),
        allow(
            "KeepResults",
            "s3",
            ("AbortMultipartUpload", "GetObject", "ListMultipartUploadParts", "PutObject"),
            naming.bucket_arn(env, env.result_bucket, f"{naming.RESULT_PREFIX}*"),
        ),
        *_compacted(env),
        *decrypt(env, "DecryptLogFilesAndResults", ["s3"], [], "GenerateDataKey"),
        # The public keys of digest signatures: verification needs them, and they are not secret.
        allow("VerifyDigests", "cloudtrail", ("ListPublicKeys",), "*"),
    )


def _compacted(env: Environment) -> list[Statement]:
    if not env.compacted_bucket:
        return []
    keys = naming.bucket_arn(env, env.compacted_bucket, "*")
    return [
        list_bucket(env, "FindCompacted", env.compacted_bucket),
        allow("ReadCompacted", "s3", ("GetObject",), keys),
    ]
