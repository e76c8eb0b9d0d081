"""Everything that verification can find, what each means for the verdict, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from orgtrail.aws import Cause, step_for
from orgtrail.integrity.names import ChainId
from orgtrail.integrity.storage.store import UnreadableError


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
        account: the account of the chain; empty for all.
        region: its region; empty for all of the account.
        kind: one of `KINDS`.
        key: the object's key; empty where the finding is about a period.
        told: what was found.
        step: what to do, where the kind's own advice does not fit; empty where it does.

    """

    account: str
    region: str
    kind: str
    key: str
    told: str
    step: str = ""

    @property
    def effect(self) -> Effect:
        """What it makes of the verdict."""
        return KINDS[self.kind][0]

    @property
    def advice(self) -> str:
        """What to do."""
        return self.step or KINDS[self.kind][1]

    @property
    def detail(self) -> str:
        """What was found, then what to do."""
        return f"{self.told}; {self.advice}" if self.told else self.advice


def finding(chain: ChainId, kind: str, key: str, told: str, step: str = "") -> Finding:
    """Make a finding about a chain; keys of a copy may hold bytes that are no text."""
    return Finding(chain.account, chain.region, kind, _printable(key), _printable(told), step)


def advice_on(error: UnreadableError) -> str:
    """Return what to do about something that could not be read."""
    return error.step or KINDS[error.kind][1]


def unlisted(chain: ChainId, prefix: str, error: UnreadableError) -> Finding:
    """Make a finding about a folder that could not be listed, with what to do about its cause."""
    # Who may not list is told what listing takes, and not what reading does.
    step = error.step if error.kind == "denied" else advice_on(error)
    told = error.reason if error.kind == "unlisted" else f"{error.kind}: {error.reason}"
    return finding(chain, "unlisted", prefix, told, step)


def _printable(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()
