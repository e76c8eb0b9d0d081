"""Everything that verification can find, what each means for the verdict, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from orgtrail.integrity.names import ChainId


class Effect(StrEnum):
    """What a finding makes of the verdict."""

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
    "log-algorithm": (
        Effect.UNREAD,
        "orgtrail knows SHA-256 alone: look for a newer version of it",
    ),
    "denied": (
        Effect.UNREAD,
        "allow s3:GetObject, s3:ListBucket and kms:Decrypt to whoever runs this",
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
        "see whether the account is in the organization, and the trail an organization trail",
    ),
    "unlisted": (
        Effect.UNPROVEN,
        "allow s3:ListBucket to whoever runs this, or run again later",
    ),
}
"""Effect and advice by kind."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong or unknown.

    Attributes:
        account: the account of the chain.
        region: its region; empty for all of the account.
        kind: one of `KINDS`.
        key: the object's key; empty where the finding is about a period.
        detail: what was found, and what to do.

    """

    account: str
    region: str
    kind: str
    key: str
    detail: str

    @property
    def effect(self) -> Effect:
        """What it makes of the verdict."""
        return KINDS[self.kind][0]


def finding(chain: ChainId, kind: str, key: str, told: str) -> Finding:
    """Word a finding: what was found, then what to do."""
    advice = KINDS[kind][1]
    return Finding(chain.account, chain.region, kind, key, f"{told}; {advice}" if told else advice)
