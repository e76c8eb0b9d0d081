"""Settings of the Athena catalog: database, table, workgroup, results and compaction."""

from __future__ import annotations

from typing import Annotated, Literal

from orgtrail.settings.types import (
    BucketName,
    CatalogName,
    Day,
    Days,
    Many,
    Region,
    RoleName,
    Section,
    WorkgroupName,
    matches,
    setting,
)

CompactedName = Annotated[
    str,
    # Its schedules' names add up to seven characters, and may have 64.
    matches(r"[a-z0-9_]{1,57}", "must be up to 57 lower-case letters, digits and _"),
]


class Compaction(Section):
    """A compacted copy of the log files in Parquet, which Athena brings up to date each day.

    The log files stay as they are: they are the evidence, the copy is an index to them.
    """

    table: CompactedName = setting("The compacted table.", "organization_trail_compacted")
    bucket: BucketName | None = setting(
        "Bucket of the table; by default the archive's name and `-compacted`.", None
    )
    role_name: RoleName = setting(
        "Role that the schedule asks Athena with.", "organization-trail-compaction"
    )
    hour: int = setting("Hour (UTC); runs at half past.", 1, ge=0, le=23)
    keep_days: Days | None = setting(
        "Days to keep its rows; null means as long as the archive keeps log files.", None
    )


class CatalogSettings(Section):
    """The table over the archive, and the workgroup that queries it, in the logging account.

    An account or region that the table does not project returns no rows and no error, so by
    default both lists are completed from AWS at every plan.
    """

    database: CatalogName = setting("Glue database.", "cloudtrail")
    table: CatalogName = setting("Glue table.", "organization_trail")
    workgroup: WorkgroupName = setting("Athena workgroup.", "organization-trail")
    accounts: Literal["organization", "file"] = setting(
        "Accounts that the table projects: those of this file, with `organization` also all "
        "others that the organization has when planned.",
        "organization",
    )
    regions: Many[Region] | None = setting(
        "Regions that the table projects; null means every region that AWS has when planned.",
        None,
    )
    first_day: Day | None = setting(
        "First day that the table projects; null means as far back as the archive keeps files.",
        None,
    )
    bytes_scanned_limit: int = setting(
        "Bytes that one query may scan before it is cancelled ($5 a terabyte).",
        1_000_000_000_000,
        ge=10_000_000,
    )
    queries: bool = setting(
        "Save the query pack in the workgroup: named queries for the console, prepared statements "
        "for programs.",
        default=True,
    )
    compaction: Compaction | None = setting(
        "A compacted table in addition to that over the log files; null makes none.", None
    )
    result_bucket: BucketName | None = setting(
        "Bucket for query results; by default the archive's name and `-athena-results`.", None
    )
    result_expire_after_days: Days = setting("Days to keep query results.", 30)
