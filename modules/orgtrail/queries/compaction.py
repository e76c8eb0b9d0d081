"""The statements that Athena itself keeps the compacted table fresh with."""

from __future__ import annotations

from orgtrail import records

LOOK_BACK = 7
"""Days in which a run that failed is made up for."""


def statements(table: str, compacted: str, keep_days: int | None) -> dict[str, str]:
    """Return what is to be run, by name: `take` each day, the others each week.

    Args:
        table: the table over the log files.
        compacted: the table to keep fresh.
        keep_days: days after which rows are forgotten; None keeps them.

    """
    found = {"take": take(table, compacted), "tidy": f"VACUUM {compacted}"}
    if keep_days is not None:
        found["forget"] = _forget(compacted, keep_days)
    return found


def take(table: str, compacted: str) -> str:
    """Return an INSERT of the last days that are over and not in the compacted table yet.

    A log file lies under the day that it was delivered, so a day that is over gets no more of
    them: what was delivered late lies under a later day.
    """
    since = _day(f"current_timestamp - interval '{LOOK_BACK}' day")
    names = ", ".join(each.name.lower() for each in (*records.FIELDS, *records.PARTITIONS))
    return f"""INSERT INTO {compacted} ({names})
SELECT {names}
FROM {table}
WHERE day >= {since}
  AND day < {_day("current_timestamp")}
  AND day NOT IN (SELECT day FROM {compacted} WHERE day >= {since})
ORDER BY day, account, region, eventtime"""


def _forget(compacted: str, keep_days: int) -> str:
    oldest = _day(f"current_timestamp - interval '{keep_days}' day")
    return f"DELETE FROM {compacted} WHERE day < {oldest}"


def _day(moment: str) -> str:
    return f"date_format({moment}, '%Y/%m/%d')"
