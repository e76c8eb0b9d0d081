"""An act of the access matrix, and the ground that all of them stand on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from orgtrail.proof.estate import Bucket, Estate, Trail
from orgtrail.proof.iam.policy import Policy
from orgtrail.proof.iam.request import Context, Kind
from orgtrail.proof.intent import Intent
from orgtrail.proof.principals import Principal
from orgtrail.regions import partition_of

May = Callable[[Principal], bool]

DIGESTS = "CloudTrail-Digest"
"""Folder of digest files under each account's prefix.
https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html"""


ASKER = "<account>"
"""Stands in a resource for the account of who asks."""


@dataclass(frozen=True)
class Act:
    """One column of the matrix.

    Args:
        title: what is done, in words.
        steps: the actions that it takes, with the resource of each; all must be allowed.
        account: who owns the resources; None for the account of who asks.
        may: who is meant to do it.
        policy: the resources' own policy, if they can have one.
        context: condition keys of the request.
        of: whom it can be asked of at all.
        impossible: why nobody can, whatever policies say; empty where they decide.

    """

    title: str
    steps: tuple[tuple[str, str], ...]
    account: str | None
    may: May
    policy: Policy | None = None
    context: Context = field(default_factory=dict)
    of: May = lambda _: True
    impossible: str = ""


@dataclass(frozen=True)
class Ground:
    """What acts are about, and who is meant to do what on it."""

    estate: Estate
    intent: Intent
    trail: Trail
    archive: Bucket

    def arn(self, service: str, region: str, account: str, resource: str) -> str:
        """Return an ARN in the estate's partition."""
        return f"arn:{self.estate.partition}:{service}:{region}:{account}:{resource}"

    def bucket_arn(self) -> str:
        """Return the archive's ARN."""
        return self.arn("s3", "", "", self.archive.name)

    def domain(self) -> str:
        """Return the domain of AWS's services there."""
        return partition_of(self.trail.region).suffix

    def key_of(self, account: str, folder: str) -> str:
        """Return the key of a file that CloudTrail delivers."""
        region = self.trail.region
        name = f"{account}_{folder}_{region}_20260131T0000Z_0a1b2c3d4e5f6a7b.json.gz"
        if folder == DIGESTS:
            name = (
                f"{account}_{folder}_{region}_{self.trail.name}_{region}_20260131T000000Z.json.gz"
            )
        return f"{self.prefix_of(account)}{folder}/{region}/2026/01/31/{name}"

    def prefix_of(self, account: str) -> str:
        """Return the prefix of everything that CloudTrail delivers for an account."""
        return f"{self.estate.logs_prefix}{self.estate.organization}/{account}/"

    def manages(self, who: Principal) -> bool:
        """Tell who administers the management account."""
        return who.is_administrator and who.caller.account == self.estate.management

    def is_of_logging(self, who: Principal) -> bool:
        """Tell who administers the logging account, before any SCP."""
        return who.is_administrator and who.caller.account == self.estate.logging

    def configures(self, who: Principal) -> bool:
        """Tell who is meant to change what the SCP protects."""
        return self.is_of_logging(who) and who.is_exempt

    def breaks_glass(self, who: Principal) -> bool:
        """Tell who is meant to delete evidence, and to end the key that it is encrypted with."""
        return self.is_of_logging(who) and who.breaks_glass

    def administers_key(self, who: Principal) -> bool:
        """Tell who is meant to administer the key."""
        return self.configures(who) and who.administers_key

    def reads(self, who: Principal) -> bool:
        """Tell who is meant to read all log files."""
        return who.reads or self.is_of_logging(who)

    def reads_own(self, who: Principal) -> bool:
        """Tell who is meant to read the log files of one member."""
        return self.reads(who) or self._is_member_reader(who)

    def decrypts(self, who: Principal) -> bool:
        """Tell who is meant to decrypt log files."""
        return self.reads_own(who) or self.is_ours(who)

    def _is_member_reader(self, who: Principal) -> bool:
        return bool(self.intent.member_reader) and who.id == "member-reader"

    def is_ours(self, who: Principal) -> bool:
        """Tell whether it is CloudTrail, for this trail alone."""
        return (
            who.caller.kind is Kind.SERVICE and who.context.get("aws:SourceArn") == self.trail.arn
        )

    def is_member(self, who: Principal) -> bool:
        """Tell who is bound to the organization and could leave it."""
        return (
            who.caller.organization == self.estate.organization
            and who.caller.account != self.estate.management
        )


def nobody(_: Principal) -> bool:
    """Tell that an act is meant for nobody."""
    return False
