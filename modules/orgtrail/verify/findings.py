"""Every kind of finding: its effect on the verdict, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from orgtrail.aws import Cause, step_for
from orgtrail.verify.names import ChainId
from orgtrail.verify.storage.store import ObjectUnreadableError


class Effect(StrEnum):
    """The effect of a finding on the verdict."""

    INVALID = "invalid"
    UNREAD = "unread"
    UNPROVEN = "unproven"


_RESTORE = (
    "find who wrote it (S3 data events of the archive), and restore the signed version if there "
    "is one"
)
_MISSING = (
    "find who deleted it (S3 data events of the archive), and restore it if versions are kept"
)
_WRITER = "CloudTrail does not write such files: find who did (S3 data events of the archive)"
_LATER = "run again later"
_STOPPED = "find who stopped or changed the trail: orgtrail query run trail-history"
KINDS: dict[str, tuple[Effect, str]] = {
    "digest-missing": (Effect.INVALID, _MISSING),
    "digest-malformed": (Effect.INVALID, _RESTORE),
    "digest-truncated": (Effect.INVALID, _RESTORE),
    "digest-trailing-data": (Effect.INVALID, _RESTORE),
    "digest-too-large": (Effect.INVALID, _WRITER),
    "digest-moved": (Effect.INVALID, _WRITER),
    "digest-wrong-account": (Effect.INVALID, _WRITER),
    "digest-unsigned": (Effect.INVALID, _RESTORE),
    "digest-algorithm": (Effect.INVALID, _RESTORE),
    "digest-unknown-key": (Effect.INVALID, _WRITER),
    "digest-signature": (Effect.INVALID, _RESTORE),
    "digest-link": (Effect.INVALID, _RESTORE),
    "log-missing": (Effect.INVALID, _MISSING),
    "log-altered": (Effect.INVALID, _RESTORE),
    "log-malformed": (Effect.INVALID, _RESTORE),
    "log-truncated": (Effect.INVALID, _RESTORE),
    "log-trailing-data": (Effect.INVALID, _RESTORE),
    "log-too-large": (Effect.INVALID, _RESTORE),
    "log-conflict": (
        Effect.INVALID,
        "CloudTrail writes each log file once: ask AWS Support with the names of both digests, and "
        "find who wrote the file (S3 data events of the archive)",
    ),
    "log-algorithm": (
        Effect.UNREAD,
        "orgtrail knows SHA-256 alone: look for a newer version of it",
    ),
    "denied": (
        Effect.UNREAD,
        "allow s3:GetObject, s3:ListBucket and kms:Decrypt to whoever runs this",
    ),
    "credentials": (Effect.UNREAD, step_for(Cause.CREDENTIALS)),
    "clock-skew": (Effect.UNREAD, step_for(Cause.CLOCK)),
    "key-unusable": (Effect.UNREAD, step_for(Cause.KEY)),
    "no-bucket": (
        Effect.UNREAD,
        "see whether the bucket was deleted, or belongs to another partition or endpoint",
    ),
    "not-in-copy": (
        Effect.UNREAD,
        "copy that bucket too, each bucket into a folder of its name, and verify again",
    ),
    "archived": (Effect.UNREAD, "restore it from Glacier, then run again"),
    "throttled": (Effect.UNREAD, f"{_LATER}, with fewer --workers"),
    "unreachable": (Effect.UNREAD, _LATER),
    "keys-unavailable": (
        Effect.UNREAD,
        "allow cloudtrail:ListPublicKeys in that region, or give --public-keys",
    ),
    "metadata-unavailable": (
        Effect.UNREAD,
        "keep each digest's metadata in digest-metadata.json beside the copy",
    ),
    "unvouched-log": (Effect.UNPROVEN, f"no valid digest names it; {_WRITER}"),
    "gap": (Effect.UNPROVEN, _STOPPED),
    "starts-late": (Effect.UNPROVEN, f"if the account or region is not that new, {_STOPPED}"),
    "ends-early": (
        Effect.UNPROVEN,
        "digests may have been deleted, or the trail stopped: run orgtrail query run "
        "trail-history, and see LatestDigestDeliveryError of GetTrailStatus",
    ),
    "no-digests": (
        Effect.UNPROVEN,
        "turn log file validation on; if it is on, find who deleted the digests",
    ),
    "account-absent": (
        Effect.UNPROVEN,
        "see whether the account is in the organization, and the trail an organization trail; if "
        "so, find who deleted its files (S3 data events of the archive)",
    ),
    "region-absent": (
        Effect.UNPROVEN,
        "a multi-region trail writes digests of idle hours too: find who deleted them (S3 data "
        "events of the archive), or see that the region is not enabled in the account",
    ),
    "state-altered": (
        Effect.UNPROVEN,
        "find who wrote into the state file, then run again: what the bucket shows is known now",
    ),
    "not-due": (
        Effect.UNPROVEN,
        "verify again once the digests of that time have come, two hours after its end",
    ),
    "unlisted": (Effect.UNPROVEN, "allow s3:ListBucket to whoever runs this, or run again later"),
}
"""Effect and advice of each kind of finding."""


@dataclass(frozen=True, slots=True)
class VerifyFinding:
    """Something that is wrong or unknown.

    Attributes:
        account: the account ID; empty if it is about all accounts.
        region: the region; empty if it is about all regions of the account.
        kind: one of `KINDS`.
        key: the object's key; empty if it is about a period.
        reason: what was found.
        step: what to do, in place of the kind's advice; empty for the kind's advice.

    """

    account: str
    region: str
    kind: str
    key: str
    reason: str
    step: str = ""

    @property
    def effect(self) -> Effect:
        """The effect on the verdict."""
        return KINDS[self.kind][0]

    @property
    def advice(self) -> str:
        """What to do."""
        return self.step or KINDS[self.kind][1]

    @property
    def detail(self) -> str:
        """What was found, then what to do."""
        return f"{self.reason}; {self.advice}" if self.reason else self.advice


def finding(chain: ChainId, kind: str, key: str, reason: str, step: str = "") -> VerifyFinding:
    """Create a finding about a chain, escaping file names that are not valid text."""
    return VerifyFinding(
        chain.account, chain.region, kind, _printable(key), _printable(reason), step
    )


def advice_for(error: ObjectUnreadableError) -> str:
    """Return what to do about an object that could not be read."""
    return error.step or KINDS[error.kind][1]


def unlisted_finding(chain: ChainId, prefix: str, error: ObjectUnreadableError) -> VerifyFinding:
    """Create a finding about a folder that could not be listed, with advice for the cause."""
    # The advice for `denied` is about reading objects, which does not help with listing.
    step = error.step if error.kind == "denied" else advice_for(error)
    reason = error.reason if error.kind == "unlisted" else f"{error.kind}: {error.reason}"
    return finding(chain, "unlisted", prefix, reason, step)


def _printable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one object.

    Attributes:
        kind: one of `KINDS`.
        reason: what was found.
        step: what to do, in place of the kind's advice; empty for the kind's advice.

    """

    kind: str
    reason: str
    step: str = ""

    @property
    def unread(self) -> bool:
        """Whether the object could not be read, so that nothing is known about it."""
        return KINDS[self.kind][0] is Effect.UNREAD
