"""Which protection plans of GuardDuty a region lacks, as AWS's pages said on a day."""

from __future__ import annotations

from orgtrail.regions import partition

AS_OF = "2026-11-27"
"""The day on which the pages named here were read."""

_LACKING = {"aws-cn": frozenset({"RUNTIME_MONITORING"})}
"""Plans that no region of a partition has.

China: "Runtime Monitoring (including EKS Runtime Monitoring) is not supported in the China
Regions", https://docs.amazonaws.cn/en_us/aws/latest/userguide/guardduty.html
"""


def lacking(region: str) -> frozenset[str]:
    """Return the features of GuardDuty that a region is known to lack.

    It covers the six plans that `guardduty.features` can name, in the regions of `aws`, where the
    page names none that is missing any more (earlier copies of it did: RDS Protection in
    `ap-east-2`), of China, and of GovCloud, whose page names none. They say nothing of the isolated
    partitions and of the European Sovereign Cloud: nothing is held to lack there, and a first apply
    would tell.
    https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_regions.html
    https://docs.aws.amazon.com/govcloud-us/latest/UserGuide/govcloud-guardduty.html

    Args:
        region: the region's code.

    """
    return _LACKING.get(partition(region), frozenset())
