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
         "The key that encrypts log files and query results. It is in the logging account: an "
         "administrator of the management account cannot take it away from the log files."),
    Part("archive", "archive.tf",
         "The log archive in the logging account: the bucket of the log files, and the one for "
         "its access logs."),
    Part("delivery", "delivery.tf",
         "The delivery to CloudWatch Logs: the log group, and the role that CloudTrail writes "
         "with."),
    Part("guardrails", "guardrails.tf",
         "The organization policies that keep member accounts from changing the trail. No policy "
         "of the organization binds the management account."),
    Part("catalog", "catalog.tf",
         "The Athena catalog over the archive, in the logging account: database, table, "
         "workgroup, and the bucket for query results."),
    Part("catalog_questions", "queries.tf",
         "Questions to the trail, in Athena: each as a saved query for people, and as a prepared "
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

LOCALS = {
    "account_ids": "The accounts that the table projects.",
    "key_prefix": "The prefix as it stands in a key: with its slash.",
    "partitions": "The partition of AWS and the domain of its services, by the start of a region's "
    "name. Every other region is of the commercial partition.",
    "policy_targets": "What the service control policies are attached to.",
    "access_log_bucket": "The names of buckets that have no variable set.",
}
"""What a reviewer has to know of local values, before the first of those it is about."""
BY_NAME = {
    "organization": "Read on every plan: what is wrong with the organization stops the plan.",
    "organization_cloudtrail": "Trusted access: without it no trail records the organization. "
    "Destroying it ends that for every organization trail.",
    "trail": "The trail. Everything that CloudTrail writes to exists before it.",
    "trail_delegation": "The account that may administer trails beside the management account.",
    "archive": "The bucket of the log files: only CloudTrail writes there.",
    "archive_policy": "Who may write, read and delete log files.",
    "archive_lock": "S3 Object Lock: nobody deletes a log file before its time.",
    "archive_access_logs": "The bucket for access logs of the other buckets.",
    "archive_access_logs_policy": "S3 delivers access logs; nobody else writes.",
    "key": "Its policy lets CloudTrail encrypt, and readers decrypt through the services they use.",
    "delivery_role": "CloudTrail writes to the log group with it.",
    "guardrails_scp": "What nobody in a member account may do to the trail, except the roles that "
    "deploy it.",
    "guardrails_scp_readers": "The same for the table and the workgroup of the auditors.",
    "guardrails_scp_detection": "The same for the detection services.",
    "guardrails_rcp": "What no principal may do to the resources of the logging account, from "
    "outside the organization too.",
    "catalog_database": "The database in AWS Glue's Data Catalog.",
    "catalog_table": "The table over the log files. Partition projection finds every account, "
    "region and day, so that nobody has to add partitions.",
    "catalog_regions": "The regions that the table projects.",
    "catalog_results": "The bucket for query results.",
    "catalog_workgroup": "Its settings bind whoever asks: encryption, place of the results, and "
    "a limit of scanned bytes.",
    "catalog_questions_saved": "For the console: with the defaults of the parameters in the SQL.",
    "catalog_questions_prepared": "For programs: EXECUTE name USING values.",
    "catalog_compaction_bucket": "The bucket for the compacted table.",
    "catalog_compaction_table": "An Iceberg table with the columns of the table over the log "
    "files.",
    "catalog_compaction_role": "The schedule asks Athena with it.",
    "catalog_compaction_schedule": "Takes in yesterday each day, and tidies the table each week.",
    "alarms_key": "The key for messages of the topic.",
    "alarms_topic": "Every alarm rings here.",
    "alarms_chat": "What a chat channel may look at.",
    "alarms_by_account_filter": "Counts the events of each account on its own.",
    "alarms_totals_filter": "Counts the events of all accounts together.",
    "alarms_silence": "Rings if CloudTrail delivers no event at all.",
    "trail_topic": "CloudTrail publishes here for this trail only.",
    "trail_topic_key": "The key for messages of the topic.",
    "verification_role": "The project reads the archive with it, and tells what it finds.",
    "verification_project": "Runs `orgtrail verify`; a failed run rings the alarms' topic.",
    "verification_schedule": "Starts the project each day.",
    "verification_schedule_role": "The schedule starts the project with it.",
    "auditor": "Reads the archive and asks the table; changes nothing.",
    "siem_key": "The key for messages of the topic and the queues.",
    "siem_topic": "The archive tells of each new log file here.",
    "siem_queue": "The SIEM takes the notifications from here.",
    "siem_dead_letters": "Notifications that the SIEM failed to take again and again.",
    "siem_reader": "The SIEM reads the log files and the queue with it.",
    "siem_notification": "S3 has one list of notifications for each bucket: this is the archive's.",
    "guardduty_key": "The key for exported findings.",
    "guardduty_findings": "The bucket for exported findings.",
}
"""What a reviewer has to know of a resource, by its name."""
BY_KIND = {
    "data.aws_caller_identity": "A plan stops if the caller passes the provider of another "
    "account.",
    "aws_organizations_policy_attachment": "Whom the policy binds.",
    "aws_s3_bucket_public_access_block": "Nothing in the bucket can become public.",
    "aws_s3_bucket_ownership_controls": "No ACLs: only policies grant access.",
    "aws_s3_bucket_versioning": "What is overwritten or deleted stays as an old version.",
    "aws_s3_bucket_lifecycle_configuration": "When objects move to cheaper storage, and when they "
    "expire.",
    "aws_guardduty_organization_admin_account": "The account that administers GuardDuty in this "
    "region.",
    "aws_guardduty_organization_configuration": "Which accounts become members.",
    "aws_guardduty_publishing_destination": "Findings are kept longer than GuardDuty's 90 days.",
    "aws_securityhub_organization_admin_account": "The account that administers Security Hub in "
    "this region.",
    "aws_securityhub_finding_aggregator": "Findings of all regions come to the home region.",
    "aws_securityhub_configuration_policy": "The standards that every account is measured against.",
}
"""The same for resources of a kind."""


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
    return BY_KIND.get(kind) or BY_NAME.get(name, "")
