"""What a region's name tells: its partition, what that lacks, and who has it without asking."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Partition:
    """A part of AWS with accounts, names and credentials of its own.

    Args:
        name: what its ARNs have after `arn:`.
        pattern: what the names of its regions match, in Python and in RE2.
        suffix: the domain of its services, as in `kms:ViaService`.
        absent: the services of ours that none of its regions has, as botocore names them.
        regions: how many regions an account has there without asking (November 2026).
        further: how many more it can ask for.

    """

    name: str
    pattern: str
    suffix: str
    absent: frozenset[str]
    regions: int = 2
    further: int = 0

    @property
    def prefix(self) -> str:
        """What the names of its regions begin with, empty where that is no single thing."""
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
    # Last, since its regions may be in any area: `cn-north-1` would match too.
    Partition("aws", r"[a-z]{2}-[a-z]+-[0-9]{1,2}", "amazonaws.com", frozenset(), 17, 17),
)  # fmt: skip
"""Every partition, once.

Names, patterns and domains are those of botocore's `partitions.json` (1.44.8, November 2026). So is
what is absent, by its `endpoints.json`, but for `chatbot`, which that does not know: AWS has chat
channels in commercial regions alone
(https://docs.aws.amazon.com/chatbot/latest/adminguide/chatbot-regions.html, read in November 2026).
How many regions there are, is of
https://docs.aws.amazon.com/global-infrastructure/latest/regions/aws-regions.html.
A service that is not named here may be absent all the same: nothing says so that is public.

Services' principals end in `amazonaws.com` in all of them, as far as they are ours: those that do
not (`logs`, `codedeploy`, `elasticmapreduce` in China and four in aws-iso and aws-iso-b) are in
https://github.com/aws/aws-cdk/blob/main/packages/aws-cdk-lib/region-info/lib/default.ts, which
Terraform's `aws_service_principal` follows. Neither names an exception for aws-eusc.
"""

_ABSENT_IN = {
    "us-iso-west-1": frozenset({"athena", "glue"}),
    "us-isob-west-1": frozenset({"athena", "codebuild", "glue", "guardduty"}),
}
"""What one region of a small partition lacks beside, by the same `endpoints.json`."""

_OF_ANY = "|".join(sorted(each.name for each in PARTITIONS))
REGION = "|".join(each.pattern for each in PARTITIONS)
"""What the name of any region matches."""
ARN = rf"arn:(?:{_OF_ANY}):"
"""What every ARN begins with."""

_ALWAYS_ON = frozenset(
    f"{area}-{number}"
    for area, last in {
        "ap-northeast": 3, "ap-south": 1, "ap-southeast": 2, "ca-central": 1, "eu-central": 1,
        "eu-north": 1, "eu-west": 3, "sa-east": 1, "us-east": 2, "us-west": 2,
    }.items()
    for number in range(1, last + 1)
)  # fmt: skip


def partition_of(region: str) -> Partition:
    """Return the partition of a region; `aws` for what is no region's name."""
    found = (each for each in PARTITIONS if re.fullmatch(each.pattern, region))
    return next(found, PARTITIONS[-1])


def partition(region: str) -> str:
    """Return the name of a region's partition: `aws`, `aws-us-gov`, `aws-cn` and the like."""
    return partition_of(region).name


def has(region: str, service: str) -> bool:
    """Tell whether a region has a service, as far as `PARTITIONS` knows; botocore names it."""
    return service not in partition_of(region).absent | _ABSENT_IN.get(region, frozenset())


def is_opt_in(region: str) -> bool:
    """Tell whether an account has to ask for a region; services have other names in those.

    Only the commercial partition has such regions.
    https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html
    """
    return partition(region) == "aws" and region not in _ALWAYS_ON
