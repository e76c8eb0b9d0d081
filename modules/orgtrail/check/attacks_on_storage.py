"""The attacks on buckets and their files: the archive first, then what surrounds it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from orgtrail.check import actions
from orgtrail.check.attack import (
    DIGESTS,
    Attack,
    Context,
    PrincipalTest,
    is_made_for,
    nobody,
)
from orgtrail.check.principals import FOREIGN_ORGANIZATION, Principal, members
from orgtrail.iam.request import RequestContext
from orgtrail.naming import LOGS


def on_storage(context: Context) -> Iterator[Attack]:
    """Yield the attacks on every bucket, its configuration and what it keeps."""
    yield from _on_files(context)
    yield from _on_buckets(context)
    yield from _on_kept_files(context)


def _on_files(context: Context) -> Iterator[Attack]:
    """Yield the attacks on log files and digests."""
    model, readers = context.model, context.intent.reader_accounts
    member, other = members(model)
    if readers:
        member = readers[0]
        other = next(
            each for each in (*members(model), model.management) if each not in readers
        )  # fmt: skip
    log, digest = context.key_of(member, LOGS), context.key_of(member, DIGESTS)
    ours = context.is_cloudtrail
    root, home = model.logs_prefix, context.key_of(model.management, LOGS)
    own = f"{root}{home.removeprefix(f'{root}{model.organization}/')}"
    foreign = log.replace(model.organization, FOREIGN_ORGANIZATION)
    for title, key, algorithm, intended_for in (
        ("write or overwrite a log file", log, "aws:kms", ours),
        ("write or overwrite a digest", digest, "AES256", ours),
        ("write the management account's log file", home, "aws:kms", ours),
        ("write a log file for another organization", foreign, "aws:kms", context.breaks_glass),
        ("write a log file under the management account's own prefix", own, "aws:kms", ours),
    ):
        headers = {
            "s3:x-amz-acl": "bucket-owner-full-control",
            "s3:x-amz-server-side-encryption": algorithm,
        }
        yield _on_object(context, title, ("PutObject",), key, intended_for, headers)
    for title, action in actions.FORGING_ACTIONS.items():
        yield _on_object(context, title, (action,), log, nobody)
    for title, key, intended_for in (
        ("read a member's log file", log, context.reads_own),
        ("read a member's digest", digest, context.reads_own),
        ("read another account's log file", context.key_of(other, LOGS), context.reads),
    ):
        yield _on_object(context, title, ("GetObject",), key, intended_for)
    for title, account, intended_for in (
        ("list a member's log files", member, context.reads_own),
        ("list another account's log files", other, context.reads),
    ):
        yield Attack(
            title,
            (("s3:ListBucket", context.bucket_arn()),),
            context.archive.account,
            intended_for,
            context.archive.policy,
            {"s3:prefix": context.prefix_of(account)},
        )
    yield from _deletions(context, log, digest)


def _deletions(context: Context, log: str, digest: str) -> Iterator[Attack]:
    intended_for = context.breaks_glass
    mode = context.archive.lock_mode
    locked = f"the COMPLIANCE lock of {context.archive.lock_days} days: nobody, root included"
    impossible = locked if mode == "COMPLIANCE" else ""
    version = ("DeleteObjectVersion", *(["BypassGovernanceRetention"] if mode else []))
    for title, action in actions.DELETING_ACTIONS.items():
        yield _on_object(context, title, (action,), log, intended_for)
    yield _on_object(context, "delete a digest", ("DeleteObject",), digest, intended_for)
    for title, steps in (
        ("delete an old version of a log file", version),
        ("shorten the lock of a log file", ("PutObjectRetention", "BypassGovernanceRetention")),
    ):
        if mode or steps is version:
            who = nobody if impossible else intended_for
            yield _on_object(context, title, steps, log, who, impossible=impossible)
    if mode:
        for title, action in actions.HOLDING_ACTIONS.items():
            yield _on_object(context, title, (action,), log, intended_for)


def _on_object(
    context: Context,
    title: str,
    steps: tuple[str, ...],
    key: str,
    intended_for: PrincipalTest,
    request_context: RequestContext | None = None,
    impossible: str = "",
) -> Attack:
    arn = f"{context.bucket_arn()}/{key}"
    return Attack(
        title,
        tuple((f"s3:{action}", arn) for action in steps),
        context.archive.account,
        intended_for,
        context.archive.policy,
        request_context or {},
        impossible=impossible,
    )


def _on_buckets(context: Context) -> Iterator[Attack]:
    """Yield the attacks on every bucket's configuration, those on the archive first."""
    archive = context.archive
    for bucket in sorted(context.model.buckets, key=lambda each: each is not archive):
        if bucket.account not in (context.model.logging, context.model.management):
            continue
        arn = context.arn("s3", "", "", bucket.name)
        owner = context.owner(bucket.account)
        for title, action in actions.BUCKET_ACTIONS.items():
            named = title
            if bucket is not archive:
                named = title.replace("the archive", f"bucket {bucket.name}")
                named = named if named != title else f"{title}, of bucket {bucket.name}"
            steps = ((f"s3:{action}", arn),)
            yield Attack(named, steps, bucket.account, owner, bucket.policy)


def _on_kept_files(context: Context) -> Iterator[Attack]:
    """Yield the attacks on the files of the other buckets: access logs, findings, answers."""
    model = context.model
    evidence = model.evidence_buckets
    answers = {each.results.removeprefix("s3://").partition("/")[0]: each.results
               for each in model.workgroups if each.results}  # fmt: skip
    for bucket in model.buckets:
        if bucket is context.archive or bucket.account != model.logging:
            continue
        tables = {**actions.KEEPING_ACTIONS, **actions.EVIDENCE_ACTIONS}
        folder, intended_for = "", context.configures
        if bucket.name in evidence:
            intended_for = context.breaks_glass
        elif bucket.name in answers:
            tables = actions.KEEPING_ACTIONS
            folder = answers[bucket.name].removeprefix("s3://").partition("/")[2]
        elif not bucket.holds_iceberg_table:
            continue
        arn = context.arn("s3", "", "", f"{bucket.name}/{folder}any")
        encrypted = {"s3:x-amz-server-side-encryption": bucket.algorithm or "AES256"}
        for title, action in tables.items():
            who = intended_for
            if bucket.holds_iceberg_table and action in _REWRITING_TABLE:
                who = partial(_rewrites_table, context)
            named, steps = f"{title} bucket {bucket.name}", ((f"s3:{action}", arn),)
            yield Attack(named, steps, bucket.account, who, bucket.policy, encrypted)


_REWRITING_TABLE = ("DeleteObject", "PutObject")
"""How Athena changes the files of an Iceberg table."""


def _rewrites_table(context: Context, who: Principal) -> bool:
    """Return whether a principal is intended to change the files of an Iceberg table."""
    return context.configures(who) or is_made_for(context, who, "glue:UpdateTable")
