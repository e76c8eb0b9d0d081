"""Which protection plans of GuardDuty a region lacks, as AWS's pages said on a day."""

from __future__ import annotations

from orgtrail.regions import partition

AS_OF = "2026-11-27"
"""The day on which the pages named here were read."""

_OF_PARTITIONS = {"aws-cn": frozenset({"RUNTIME_MONITORING"})}
"""Plans that no region of a partition has.

China: "Runtime Monitoring (including EKS Runtime Monitoring) is not supported in the China
Regions", https://docs.amazonaws.cn/en_us/aws/latest/userguide/guardduty.html
"""
_OF_REGIONS: dict[str, frozenset[str]] = {}
"""Plans that one region does not have: the page names none any more.

Until this year it said so of RDS Protection (`RDS_LOGIN_EVENTS`) in `ap-east-2`.
https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_regions.html
"""


def lacking(region: str) -> frozenset[str]:
    """Return the features of GuardDuty that a region is known to lack.

    It covers the six plans that `guardduty.features` can name, in the regions of `aws`, China and
    GovCloud, whose page names no plan that is missing
    (https://docs.aws.amazon.com/govcloud-us/latest/UserGuide/govcloud-guardduty.html). They
    say nothing of the isolated partitions and of the European Sovereign Cloud: nothing is held to
    lack there, and a first apply would tell.

    Args:
        region: the region's code.

    """
    none: frozenset[str] = frozenset()
    return _OF_PARTITIONS.get(partition(region), none) | _OF_REGIONS.get(region, none)
