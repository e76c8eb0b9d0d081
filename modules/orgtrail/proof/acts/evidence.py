"""Acts on the evidence itself: log files and digests, the archive that keeps them, the key."""

from __future__ import annotations

from collections.abc import Iterator

from orgtrail.naming import LOGS
from orgtrail.proof.acts.act import DIGESTS, Act, Ground, May, nobody
from orgtrail.proof.estate import Key
from orgtrail.proof.iam.request import Context
from orgtrail.proof.principals import STRANGERS, members
from orgtrail.trail.policy import CONTEXT

FORGING_ACTS = {
    "write a log file by replication": "ReplicateObject",
    "encrypt a log file with another key": "UpdateObjectEncryption",
}
DELETING_ACTS = {
    "delete a log file": "DeleteObject",
    "delete a log file by replication": "ReplicateDelete",
}
HOLDING_ACTS = {
    "lock a log file for longer": "PutObjectRetention",
    "put a legal hold on a log file": "PutObjectLegalHold",
}
BUCKET_ACTS = {
    "change the archive's policy": "PutBucketPolicy",
    "delete the archive's policy": "DeleteBucketPolicy",
    "change the archive's lifecycle, and so shorten retention": "PutLifecycleConfiguration",
    "suspend the archive's versioning": "PutBucketVersioning",
    "change the archive's lock": "PutBucketObjectLockConfiguration",
    "change the archive's encryption": "PutEncryptionConfiguration",
    "open the archive to the public": "PutBucketPublicAccessBlock",
    "change the archive's ACL": "PutBucketAcl",
    "give objects of the archive another owner": "PutBucketOwnershipControls",
    "replicate the archive elsewhere": "PutReplicationConfiguration",
    "stop the archive's access log": "PutBucketLogging",
    "make the requester pay, which stops delivery": "PutBucketRequestPayment",
    "change whom the archive tells of new files": "PutBucketNotification",
    "delete the archive": "DeleteBucket",
}
DELETES_KEY = "schedule the key's deletion"
KEY_ACTS = {
    DELETES_KEY: "ScheduleKeyDeletion",
    "disable the key": "DisableKey",
    "change the key's policy": "PutKeyPolicy",
}
"""What makes every log file unreadable, locked or not, or decides who reads: for break-glass."""
ALIAS_ACTS = {
    "delete the key's alias": "DeleteAlias",
    "give the key's alias to another key": "UpdateAlias",
}
"""The acts that ask for the alias and the key alike; a policy knows the key by its alias."""


def of_files(ground: Ground) -> Iterator[Act]:
    """Yield the acts on log files and digests."""
    member, other = members(ground.estate)
    if ground.intent.reader_accounts:
        member = ground.intent.reader_accounts[0]
        other = next(each for each in (*members(ground.estate), ground.estate.management)
                     if each not in ground.intent.reader_accounts)  # fmt: skip
    log, digest = ground.key_of(member, LOGS), ground.key_of(member, DIGESTS)
    ours = ground.is_ours
    root, home = ground.estate.logs_prefix, ground.key_of(ground.estate.management, LOGS)
    own = f"{root}{home.removeprefix(f'{root}{ground.estate.organization}/')}"
    for title, key, algorithm, may in (
        ("write or overwrite a log file", log, "aws:kms", ours),
        ("write or overwrite a digest", digest, "AES256", ours),
        ("write the management account's log file",
         ground.key_of(ground.estate.management, LOGS), "aws:kms", ours),
        ("write a log file for another organization",
         log.replace(ground.estate.organization, STRANGERS), "aws:kms", ground.breaks_glass),
        ("write a log file under the management account's own prefix", own, "aws:kms", ours),
    ):  # fmt: skip
        headers = {
            "s3:x-amz-acl": "bucket-owner-full-control",
            "s3:x-amz-server-side-encryption": algorithm,
        }
        yield _on_object(ground, title, ("PutObject",), key, may, headers)
    for title, action in FORGING_ACTS.items():
        yield _on_object(ground, title, (action,), log, nobody)
    yield _on_object(ground, "read a member's log file", ("GetObject",), log, ground.reads_own)
    yield _on_object(ground, "read a member's digest", ("GetObject",), digest, ground.reads_own)
    yield _on_object(
    ground,
        "read another account's log file", ("GetObject",), ground.key_of(other, LOGS),
        ground.reads,
    )  # fmt: skip
    for title, account, may in (
        ("list a member's log files", member, ground.reads_own),
        ("list another account's log files", other, ground.reads),
    ):
        prefix = {"s3:prefix": ground.prefix_of(account)}
        yield _on_archive(ground, title, ("s3:ListBucket",), ground.bucket_arn(), may, prefix)
    yield from _deletions(ground, log, digest)


def of_archive(ground: Ground) -> Iterator[Act]:
    """Yield the acts on the archive."""
    arn = ground.bucket_arn()
    for title, action in BUCKET_ACTS.items():
        yield _on_archive(ground, title, (f"s3:{action}",), arn, ground.configures)


def of_key(ground: Ground) -> Iterator[Act]:
    """Yield the acts on the key."""
    key = ground.estate.key
    if not key:
        return
    for title, action in KEY_ACTS.items():
        yield _on_key(ground, title, key, ((action, False),), ground.breaks_glass)
    for title, action in ALIAS_ACTS.items():
        yield _on_key(ground, title, key, ((action, True), (action, False)), ground.breaks_glass)
    rotation = (("DisableKeyRotation", False),)
    yield _on_key(ground, "stop the key's rotation", key, rotation, ground.administers_key)
    yield _on_key(ground, "grant the use of the key", key, (("CreateGrant", False),), nobody)
    through_s3 = {"kms:ViaService": f"s3.{key.region}.{ground.domain()}"}
    yield _on_key(
    ground,
        "decrypt a log file", key, (("Decrypt", False),), ground.decrypts,
        {CONTEXT: ground.trail.arn, **through_s3},
    )  # fmt: skip
    yield _on_key(
        ground, "decrypt without CloudTrail's context", key, (("Decrypt", False),), nobody
    )
    yield _on_key(
    ground,
        "encrypt a log file", key, (("GenerateDataKey", False),), ground.is_ours,
        {CONTEXT: ground.trail.arn},
    )  # fmt: skip


def of_other_keys(ground: Ground) -> Iterator[Act]:
    """Yield the acts on the logging account's other keys: of the feed, and of findings."""
    for key in ground.estate.keys:
        if key is ground.estate.key or key.account != ground.estate.logging or not key.alias:
            continue
        name = key.alias.removeprefix("alias/")
        for title, action in KEY_ACTS.items():
            of_it = title.replace("the key", f"key {name}")
            yield _on_key(ground, of_it, key, ((action, False),), ground.administers_key)


def _deletions(ground: Ground, log: str, digest: str) -> Iterator[Act]:
    may = ground.breaks_glass
    mode = ground.archive.lock_mode
    locked = f"the COMPLIANCE lock of {ground.archive.lock_days} days: nobody, root included"
    impossible = locked if mode == "COMPLIANCE" else ""
    version = ("DeleteObjectVersion", *(["BypassGovernanceRetention"] if mode else []))
    for title, action in DELETING_ACTS.items():
        yield _on_object(ground, title, (action,), log, may)
    yield _on_object(ground, "delete a digest", ("DeleteObject",), digest, may)
    for title, steps in (
        ("delete an old version of a log file", version),
        ("shorten the lock of a log file", ("PutObjectRetention", "BypassGovernanceRetention")),
    ):
        if mode or "lock" not in title.split():
            who = nobody if impossible else may
            yield _on_object(ground, title, steps, log, who, impossible=impossible)
    if mode:
        for title, action in HOLDING_ACTS.items():
            yield _on_object(ground, title, (action,), log, may)


def _on_object(
    ground: Ground,
    title: str,
    actions: tuple[str, ...],
    key: str,
    may: May,
    context: Context | None = None,
    impossible: str = "",
) -> Act:
    arn = f"{ground.bucket_arn()}/{key}"
    return _on_archive(
        ground, title, tuple(f"s3:{each}" for each in actions), arn, may, context, impossible
    )


def _on_archive(
    ground: Ground,
    title: str,
    actions: tuple[str, ...],
    arn: str,
    may: May,
    context: Context | None = None,
    impossible: str = "",
) -> Act:
    return Act(
        title,
        tuple((action, arn) for action in actions),
        ground.archive.account,
        may,
        ground.archive.policy,
        context or {},
        impossible=impossible,
    )


def _on_key(
    ground: Ground,
    title: str,
    key: Key,
    steps: tuple[tuple[str, bool], ...],
    may: May,
    context: Context | None = None,
) -> Act:
    arn = ground.arn("kms", key.region, key.account, "key/00000000-0000-0000-0000-000000000000")
    alias = ground.arn("kms", key.region, key.account, key.alias)
    return Act(
        title,
        tuple((f"kms:{action}", alias if on_alias else arn) for action, on_alias in steps),
        key.account,
        may,
        key.policy,
        {"kms:ResourceAliases": (key.alias,), **(context or {})},
    )
