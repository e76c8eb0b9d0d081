"""The permissions boundary of the roles that the stack makes: the most that any of them may do.

Somebody other than the deployer creates it by hand before the first apply. A deploying role that
may only create and change roles within the boundary cannot give anybody more permissions than that.
https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
"""

from __future__ import annotations

from collections.abc import Iterator

from orgtrail import naming
from orgtrail.settings.environment import Environment
from orgtrail.trail import siem
from orgtrail.trail.policy import Document, Statement, allow, document

_ATHENA = (
    "BatchGet*", "Get*", "List*", "StartQueryExecution", "StopQueryExecution",
)  # fmt: skip
_OBJECTS = ("AbortMultipartUpload", "DeleteObject", "ListMultipartUploadParts", "PutObject")


def boundary(env: Environment, name: str) -> Document:
    """Return the boundary of an account's roles.

    It covers all options, so that enabling one later needs no new boundary. A change of the home
    region or the name of a bucket does.

    Args:
        env: the settings.
        name: the account, `management` or `logging`; the stack creates no roles in others.

    """
    return document(*(_management(env) if name == "management" else _logging(env)))


def _management(env: Environment) -> Iterator[Statement]:
    """Yield the statements for the roles of the CloudWatch Logs delivery and the chat channels."""
    yield allow("Deliver", "logs", ("CreateLogStream", "PutLogEvents"),
                naming.log_stream_arns(env))  # fmt: skip
    yield allow("Look", "cloudwatch", ("Describe*", "Get*"), "*")


def _logging(env: Environment) -> Iterator[Statement]:
    """Yield the statements for the roles of auditors, SIEM, compaction and verification."""
    archive = naming.bucket_arn(env, env.archive.bucket)
    compacted = env.compacted_bucket or f"{env.archive.bucket}-compacted"
    buckets = [naming.bucket_arn(env, each) for each in (env.result_bucket, compacted)]
    everything = [archive, *buckets]
    yield allow(
        "Read", "s3", ("Get*", "List*"), [*everything, *(f"{each}/*" for each in everything)]
    )
    # Never the archive: only CloudTrail writes there, and nobody deletes.
    yield allow("Write", "s3", _OBJECTS, [f"{each}/*" for each in buckets])
    yield allow("Ask", "athena", _ATHENA, "*")
    yield allow("ReadCatalog", "glue", ("BatchGet*", "Get*", "UpdateTable"),
                naming.logging_arn(env, "glue", "*"))  # fmt: skip
    services = [naming.via_service(env, each) for each in ("s3", "sns", "sqs")]
    yield {
        **allow("UseKeys", "kms", ("Decrypt", "GenerateDataKey"),
                naming.arn(env, "kms", "*", "key/*", region=env.home_region)),
        "Condition": {"StringEquals": {"kms:ViaService": services}},
    }  # fmt: skip
    yield allow("TakeMessages", "sqs", siem.TAKE, naming.logging_arn(env, "sqs", "*"))
    yield allow("Verify", "cloudtrail", ("ListPublicKeys",), "*")
    yield allow("StartVerification", "codebuild", ("StartBuild",),
                naming.logging_arn(env, "codebuild", "project/*"))  # fmt: skip
    yield allow("Report", "logs", ("CreateLogStream", "PutLogEvents"),
                naming.logging_arn(env, "logs", "log-group:*"))  # fmt: skip
    yield allow("Tell", "sns", ("Publish",), naming.management_topic_arn(env, "*"))
