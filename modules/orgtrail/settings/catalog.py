"""Settings of the Athena catalog: database, table, workgroup and results."""

from __future__ import annotations

from typing import Literal

from orgtrail.settings.types import (
    BucketName,
    CatalogName,
    Day,
    Days,
    Many,
    Region,
    Section,
    WorkgroupName,
    setting,
)


class Catalog(Section):
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
    result_bucket: BucketName | None = setting(
        "Bucket for query results; by default the archive's name and `-athena-results`.", None
    )
    result_expire_after_days: Days = setting("Days to keep query results.", 30)
