"""AWS partitions and regions: names, missing services and features, and opt-in regions."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Partition:
    """A separate part of AWS, with its own accounts, names and credentials.

    Args:
        name: the partition in an ARN, after `arn:`.
        pattern: a pattern that the names of its regions match, in Python and in RE2.
        suffix: the domain of its services, as in `kms:ViaService`.
        absent: services of the stack that none of its regions has, by botocore's names.
        regions: the number of regions that an account has by default (November 2026).
        further: the number of regions that an account can opt in to.

    """

    name: str
    pattern: str
    suffix: str
    absent: frozenset[str]
    regions: int = 2
    further: int = 0

    @property
    def prefix(self) -> str:
        """The common start of its regions' names; empty if they have none."""
        return self.pattern.partition("[")[0]


_CHAT = frozenset({"chatbot"})
_NO_ANALYZER = _CHAT | {"access-analyzer"}
PARTITIONS: tuple[Partition, ...] = (
    Partition("aws-cn", r"cn-[a-z]+-[0-9]{1,2}", "amazonaws.com.cn", _CHAT),
    Partition("aws-us-gov", r"us-gov-[a-z]+-[0-9]{1,2}", "amazonaws.com", _CHAT),
    Partition("aws-iso", r"us-iso-[a-z]+-[0-9]{1,2}", "c2s.ic.gov", _NO_ANALYZER),
    Partition("aws-iso-b", r"us-isob-[a-z]+-[0-9]{1,2}", "sc2s.sgov.gov", _NO_ANALYZER),
    Partition("aws-iso-e", r"eu-isoe-[a-z]+-[0-9]{1,2}", "cloud.adc-e.uk",
              _CHAT | {"codebuild"}, 1),
    Partition("aws-iso-f", r"us-isof-[a-z]+-[0-9]{1,2}", "csp.hci.ic.gov", _CHAT),
    Partition("aws-eusc", r"eusc-[a-z]{2}-[a-z]+-[0-9]{1,2}", "amazonaws.eu", _CHAT, 1),
    # Last, because its pattern also matches `cn-north-1`.
    Partition("aws", r"[a-z]{2}-[a-z]+-[0-9]{1,2}", "amazonaws.com", frozenset(), 17, 17),
)  # fmt: skip
"""All partitions.

Names, patterns and domains are from botocore's `partitions.json` (1.44.8, November 2026). Absent
services are from its `endpoints.json`, except `chatbot`, which is not in that file: AWS has chat
channels in commercial regions only
(https://docs.aws.amazon.com/chatbot/latest/adminguide/chatbot-regions.html, read in November 2026).
The numbers of regions are from
https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html.
A service that is not listed here may still be absent if AWS publishes nothing about it.

The service principals that the stack uses end in `amazonaws.com` in all partitions. The exceptions
(`logs`, `codedeploy`, `elasticmapreduce` in China and four in aws-iso and aws-iso-b) are in
https://github.com/aws/aws-cdk/blob/main/packages/aws-cdk-lib/region-info/lib/default.ts, which
Terraform's `aws_service_principal` follows. Neither names an exception for aws-eusc.
"""

_ABSENT_BY_REGION = {
    "us-iso-west-1": frozenset({"athena", "glue"}),
    "us-isob-west-1": frozenset({"athena", "codebuild", "glue", "guardduty"}),
}
"""Further services that a single region of a small partition lacks (`endpoints.json`)."""

_PARTITION_NAMES = "|".join(sorted(each.name for each in PARTITIONS))
REGION = "|".join(each.pattern for each in PARTITIONS)
"""A pattern for the name of any region."""
ARN = rf"arn:(?:{_PARTITION_NAMES}):"
"""A pattern for the start of every ARN."""

GUARDDUTY_FEATURES_AS_OF = "2026-11-27"
"""The day on which AWS's pages about GuardDuty's features were read."""

_MISSING_GUARDDUTY_FEATURES = {"aws-cn": frozenset({"RUNTIME_MONITORING"})}
"""Protection plans that no region of a partition has.

China: "Runtime Monitoring (including EKS Runtime Monitoring) is not supported in the China
Regions", https://docs.amazonaws.cn/en_us/aws/latest/userguide/guardduty.html
"""

_ALWAYS_ON = frozenset(
    f"{area}-{number}"
    for area, last in {
        "ap-northeast": 3, "ap-south": 1, "ap-southeast": 2, "ca-central": 1, "eu-central": 1,
        "eu-north": 1, "eu-west": 3, "sa-east": 1, "us-east": 2, "us-west": 2,
    }.items()
    for number in range(1, last + 1)
)  # fmt: skip


def partition_of(region: str) -> Partition:
    """Return the partition of a region; `aws` if the name matches none."""
    found = (each for each in PARTITIONS if re.fullmatch(each.pattern, region))
    return next(found, PARTITIONS[-1])


def partition(region: str) -> str:
    """Return the name of a region's partition, such as `aws`, `aws-us-gov` or `aws-cn`."""
    return partition_of(region).name


def has_service(region: str, service: str) -> bool:
    """Return whether a region has a service (by botocore's name), as far as `PARTITIONS` shows."""
    return service not in partition_of(region).absent | _ABSENT_BY_REGION.get(region, frozenset())


def is_opt_in(region: str) -> bool:
    """Return whether an account has to opt in to a region; some services treat it differently.

    Only the commercial partition has such regions.
    https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html
    """
    return partition(region) == "aws" and region not in _ALWAYS_ON


def missing_guardduty_features(region: str) -> frozenset[str]:
    """Return the GuardDuty protection plans that a region is known to lack.

    This covers the six plans that `guardduty.features` can name, in the regions of `aws` (the page
    names no missing plan; earlier versions did: RDS Protection in `ap-east-2`), of China, and of
    GovCloud (the page names none). The pages say nothing about the isolated partitions and the
    European Sovereign Cloud; no plan counts as missing there, and a first apply would show it.
    https://docs.aws.amazon.com/guardduty/latest/ug/guardduty_regions.html
    https://docs.aws.amazon.com/govcloud-us/latest/UserGuide/govcloud-guardduty.html

    Args:
        region: the region's code.

    """
    return _MISSING_GUARDDUTY_FEATURES.get(partition(region), frozenset())
