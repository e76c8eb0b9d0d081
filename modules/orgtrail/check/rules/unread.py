"""Rules on what the check cannot read: kinds that it does not know, modules, programs, `count`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from orgtrail.check.classes import known_accounts
from orgtrail.check.findings import Violation, listed
from orgtrail.check.from_resource import policy_of
from orgtrail.check.model import Model
from orgtrail.check.unread_kinds import CONFIGURES_BUCKET, INLINE, opens
from orgtrail.trail.resource import Resource

_ACCOUNT = re.compile(r"(?<![\w.-])\d{12}(?![\w.-])", re.ASCII)
_PUBLIC = ("public-read", "public-read-write", "authenticated-read", "/AllUsers",
           "/AuthenticatedUsers")  # fmt: skip
"""Canned ACLs and groups of S3 that stand for everybody, or for every account.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html"""
_SENDS: dict[str, tuple[str, ...]] = {
    "aws_s3_bucket_notification": ("topic", "queue", "lambda_function"),
    "aws_sns_topic_subscription": ("endpoint",),
    "aws_cloudwatch_metric_alarm": ("alarm_actions", "ok_actions", "insufficient_data_actions"),
    "aws_cloudtrail": ("cloud_watch_logs_group_arn", "sns_topic_name", "kms_key_id"),
    "aws_scheduler_schedule": ("target",),
    "aws_cloudtrail_organization_delegated_admin_account": ("account_id",),
    "aws_organizations_delegated_administrator": ("account_id",),
    "aws_guardduty_organization_admin_account": ("admin_account_id",),
    "aws_securityhub_organization_admin_account": ("admin_account_id",),
    "aws_cloudwatch_log_group": ("kms_key_id",),
    "aws_guardduty_publishing_destination": ("kms_key_arn",),
    "aws_s3_bucket_server_side_encryption_configuration": ("rule",),
}
"""By kind that is read: the arguments that name whom something is sent or entrusted to."""
_LOOK = "Look at it yourself, and accept this finding by its address if it is meant, or take it out"


def unread(model: Model) -> Iterator[Violation]:
    """What can open or undo something is of a kind that the check reads; the rest needs a look."""
    for each, what in _not_read(model):
        if not _outsiders(model, each.values):
            yield Violation(
                "archive", each.address, f"is not read by the check, and {what}. {_LOOK}."
            )
    for each, argument, given in _sent(model) if _has_further_accounts(model) else ():
        for account in _unknown_accounts(model, given):
            yield Violation(
                "archive",
                each.address,
                f"names account {account} in {argument}, and whether that is of the organization "
                f"only a plan knows. {_LOOK}.",
            )
    for name, what in _inline(model):
        yield Violation(
            "archive", name.partition("/")[0],
            f"has {name.partition('/')[2]} inline, which the check does not read, and {what}. "
            "Write it as a resource beside the bucket.",
        )  # fmt: skip


def outsider(model: Model) -> Iterator[Violation]:
    """Nothing is sent, opened or entrusted to everybody or an account outside the organization."""
    for each, what in _not_read(model):
        for who in _outsiders(model, each.values):
            yield Violation("archive", each.address, f"is for {who}, and {what}. Take it out.")
    for each, argument, given in _sent(model):
        for who in _outsiders(model, given):
            yield Violation(
                "archive",
                each.address,
                f"names in {argument} {who}: what this sends or entrusts is theirs, and no policy "
                "here decides what they do with it. Name one of the organization.",
            )


def perhaps_absent(model: Model) -> Iterator[Violation]:
    """Whether a resource is there is known, so that what it guards is."""
    for each in _of_aws(model):
        if each.perhaps:
            yield Violation(
                "archive",
                each.address,
                f"may not be there: {each.perhaps} decides it, which only a plan knows. What it "
                "guards or sets up cannot be proven here. Check the plan, or take count or "
                "for_each out.",
            )


def dynamic_blocks(model: Model) -> Iterator[Violation]:
    """The blocks of a resource are written out, so that they can be read."""
    for each in _of_aws(model):
        if each.dynamic:
            yield Violation(
                "archive",
                each.address,
                f"has {listed(each.dynamic)} from a dynamic block, whose content only a plan "
                "knows: what it sets cannot be proven here. Check the plan, or write the blocks.",
            )


def computed_argument(model: Model) -> Iterator[Violation]:
    """The numbers and flags of a resource are written out, so that they can be read."""
    for each in _of_aws(model):
        if each.computed:
            yield Violation(
                "archive",
                each.address,
                f"has {listed(each.computed)} from an expression, which only a plan knows, and is "
                "read as if it were not set. Check the plan, or write the value.",
            )


def module_unread(model: Model) -> Iterator[Violation]:
    """What modules add is known: a plan has it, a configuration has not."""
    for name, source in model.stack.modules:
        yield Violation(
            "archive",
            f"module.{name}",
            f"comes from {source or 'somewhere'}, and what is in it only a plan knows: it may "
            "open or undo what is set up here. Check the plan, or accept this finding by its "
            "address.",
        )


def runs_program(model: Model) -> Iterator[Violation]:
    """A deploy runs no program of its own: nothing tells what that would do."""
    for each in model.stack.resources:
        if each.provisioners or each.kind == "data.external":
            what = listed(each.provisioners) or "a program"
            yield Violation(
                "accounts",
                each.address,
                f"runs {what} in a deploy, with the credentials of whoever deploys: no stack "
                f"tells what that does. {_LOOK}.",
            )


def wrong_type(model: Model) -> Iterator[Violation]:
    """An argument that is text in AWS is text, so that what it names is known."""
    for each in _of_aws(model):
        for name in ("bucket", "name", "policy", "content", "assume_role_policy", "arn",
                     "queue_url", "key_id", "target_id", "policy_id", "s3_bucket_name",
                     "target_bucket", "topic_arn", "kms_key_id"):  # fmt: skip
            given = each.values.get(name)
            if isinstance(given, list | dict):
                shape = "a list" if isinstance(given, list) else "an object"
                yield Violation(
                    "archive",
                    each.address,
                    f"has {shape} as {name}, where Terraform takes text alone: what follows from "
                    "it is not known. Correct it.",
                )


def _of_aws(model: Model) -> Iterator[Resource]:
    return (each for each in model.stack.resources if each.kind.startswith("aws_"))


def _not_read(model: Model) -> Iterator[tuple[Resource, str]]:
    """Yield each resource of a kind that is not read, with what it can open or undo."""
    made = {each.text("name") for each in model.stack.of("aws_iam_role")}
    for each in model.stack.resources:
        what = opens(each.kind) if each.is_managed else ""
        if what and _concerns(model, each):
            yield each, what
    for kind in ("aws_iam_role_policy", "aws_iam_role_policy_attachment"):
        for each in model.stack.of(kind):
            given = each.text("role")
            if given not in made and model.stack.find(given) is None:
                yield each, f"it gives permissions to role {given}, which this stack does not make"


def _concerns(model: Model, each: Resource) -> bool:
    """Return whether a resource may be about what the check is about."""
    if each.kind == "aws_guardduty_filter":
        return each.text("action") != "NOOP"
    if each.kind == "aws_s3_bucket_acl" and each.text("acl") in ("private", "log-delivery-write"):
        return False
    if each.kind.startswith(CONFIGURES_BUCKET):
        name = model.stack.said(each.text("bucket"), "bucket")
        known = {one.name for one in model.buckets} | {model.trail.bucket if model.trail else ""}
        return name in known or not name or "${" in name
    return True


def _sent(model: Model) -> Iterator[tuple[Resource, str, Any]]:
    """Yield each argument that names whom something is sent or entrusted to, and its value."""
    for kind, arguments in _SENDS.items() if model.is_known else ():
        for each in model.stack.of(kind):
            yield from ((each, name, each.values.get(name)) for name in arguments)


def _has_further_accounts(model: Model) -> bool:
    """Return whether the organization has accounts that are known only after the deploy."""
    return not model.tables or any(each.completes_accounts for each in model.tables)


def _unknown_accounts(model: Model, given: Any) -> list[str]:
    known = known_accounts(model)
    found = dict.fromkeys(one for text in _texts(given) for one in _ACCOUNT.findall(text))
    return [one for one in found if known and one not in known]


def _inline(model: Model) -> Iterator[tuple[str, str]]:
    """Yield address and argument of what a bucket has inline, with what it can open or undo."""
    if model.stack.is_plan:
        return  # which repeats what resources beside the bucket set
    for each in model.stack.of("aws_s3_bucket"):
        for name, what in INLINE.items():
            if each.values.get(name) not in (None, "private", [], {}):
                yield f"{each.address}/{name}", what


def _outsiders(model: Model, given: Any) -> list[str]:
    """Return who of another organization is named somewhere in a value, in words."""
    texts = [one for one in _texts(given) if one]
    found = [f"everybody ({one})" for one in texts if one.endswith(_PUBLIC)]
    if any(_is_open(one) for one in texts) or (
        isinstance(given, dict) and given.get("principal") == "*"
    ):
        found.append("everybody")
    if not _has_further_accounts(model):
        found += [
            f"account {one}, which is not of the organization"
            for one in _unknown_accounts(model, given)
        ]
    return list(dict.fromkeys(found))


def _is_open(text: str) -> bool:
    """Return whether a text is a policy that lets everybody in, under no condition."""
    if not text.lstrip().startswith("{"):
        return False
    return any(
        each.allows and not each.doubt and not each.conditions and "*" in each.principals_of("AWS")
        for each in policy_of("", text).statements
    )


def _texts(given: Any) -> Iterator[str]:
    if isinstance(given, str):
        yield given
    elif isinstance(given, dict):
        for name, each in given.items():
            if name != "//":
                yield from _texts(each)
    elif isinstance(given, list):
        for each in given:
            yield from _texts(each)
