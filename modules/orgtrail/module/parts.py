"""The parts of a module: the file of each in HCL, and what its comments say to a reviewer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """A part of the trail.

    Attributes:
        name: its name, with which the names of its resources start.
        file: its file.
        meaning: what it is for.

    """

    name: str
    file: str
    meaning: str


PARTS = (
    Part("organization", "main.tf",
         "The organization as AWS knows it: a plan stops where it is another one, or is not "
         "ready."),
    Part("trail", "main.tf",
         "The organization trail: it records every account, and delivers to the archive."),
    Part("key", "key.tf",
         "The key that encrypts log files and query results. It is in the logging account: an\n"
         "administrator of the management account cannot take it away from the log files."),
    Part("archive", "archive.tf",
         "The log archive in the logging account: the bucket of the log files, and the one for "
         "its\naccess logs."),
    Part("delivery", "delivery.tf",
         "The delivery to CloudWatch Logs: the log group, and the role that CloudTrail writes "
         "with."),
    Part("guardrails", "guardrails.tf",
         "The organization policies that keep member accounts from changing the trail. No policy "
         "of\nthe organization binds the management account."),
    Part("catalog", "catalog.tf",
         "The Athena catalog over the archive, in the logging account: database, table, "
         "workgroup, and\nthe bucket for query results."),
    Part("catalog_questions", "queries.tf",
         "Questions to the trail, in Athena: each as a saved query for people, and as a prepared\n"
         "statement that takes its parameters. The SQL is in queries/."),
    Part("catalog_compaction", "compaction.tf",
         "The compacted table: Parquet beside the log files, which Athena keeps fresh on a "
         "schedule."),
    Part("alarms", "alarms.tf",
         "Alarms on the events of all accounts, in the management account, and who receives "
         "them."),
    Part("trail_topic", "notifications.tf",
         "The topic that CloudTrail tells of each new log file."),
    Part("verification", "verification.tf",
         "The daily verification in the logging account: a CodeBuild project, and what starts "
         "it."),
    Part("auditor", "auditor.tf",
         "The auditors' role, in the logging account."),
    Part("siem", "siem.tf",
         "The feed for a SIEM, in the logging account: from the archive to a topic to a queue."),
    Part("guardduty", "guardduty.tf",
         "GuardDuty for the organization: in each region, with findings exported to a bucket."),
    Part("security_hub", "security_hub.tf",
         "Security Hub for the organization, configured centrally from the home region."),
    Part("access_analyzer", "access_analyzer.tf",
         "IAM Access Analyzer with the organization as its zone of trust."),
)  # fmt: skip
"""In the order of a reader: a file's parts stand together."""

_BY_NAME = {
    "archive": "The log files. Only CloudTrail writes them.",
    "archive_access_logs": "The bucket for access logs of the other buckets.",
}
_BY_KIND = {
    "aws_s3_bucket_public_access_block": "Nothing in the bucket can become public.",
    "aws_s3_bucket_ownership_controls": "No ACLs: only policies grant access.",
    "aws_s3_bucket_versioning": "What is overwritten or deleted stays as an old version.",
}


def part_of(name: str, kind: str = "") -> Part:
    """Return the part of a resource.

    Args:
        name: the resource's name.
        kind: its kind.

    """
    if kind == "data.aws_caller_identity":
        return PARTS[0]
    return max(
        (each for each in PARTS if f"{name}_".startswith(f"{each.name}_")),
        key=lambda each: len(each.name),
    )


def meaning_of(kind: str, name: str) -> str:
    """Return what a reviewer has to know of a resource; empty if its arguments say it."""
    return _BY_NAME.get(name) or _BY_KIND.get(kind, "")
