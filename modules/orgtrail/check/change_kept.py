"""What two stacks keep, record and guard, beside what their policies allow, and where it is less.

Retention, locks, what the trail records, guardrails and alarms decide no request, but less of them
is less evidence. What differs further (a name, a schedule, a tag) is listed and not judged.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from math import inf
from typing import Any

from orgtrail.check.intent import Intent
from orgtrail.check.model import Model, S3Bucket
from orgtrail.errors import dotted
from orgtrail.trail.resource import Json, Resource

_YEAR = 365
_LOCKS = {"": 0, "GOVERNANCE": 1, "COMPLIANCE": 2}
"""Modes of a lock, the weakest first: nobody can shorten the last one.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html"""
_JUDGED: dict[str, tuple[str, ...]] = {
    "aws_cloudtrail": (
        "advanced_event_selector", "event_selector", "include_global_service_events",
        "insight_selector", "is_multi_region_trail", "is_organization_trail",
    ),
    "aws_cloudwatch_log_group": ("retention_in_days",),
    "aws_kms_key": (
        "deletion_window_in_days", "enable_key_rotation", "rotation_period_in_days",
    ),
    "aws_s3_bucket_lifecycle_configuration": ("rule",),
    "aws_s3_bucket_object_lock_configuration": ("rule",),
    "aws_s3_bucket_versioning": ("versioning_configuration",),
}  # fmt: skip
"""By kind of resource: the arguments that are facts."""
_DECIDED = ("policy", "assume_role_policy", "content", "inline_policy")
"""The arguments with a policy: the requests that it decides are compared."""
_NEVER_TOLD = ("tags", "tags_all")
_ATTACHED = "is attached"
ALL_MANAGEMENT = "all management events"
"""What a trail without any selector records."""


class Amount(StrEnum):
    """How much of something there is, compared with before."""

    LESS = "less"
    MORE = "more"


@dataclass(frozen=True)
class Kept:
    """Something that is kept, recorded or guarded otherwise than before.

    Args:
        what: what it is, with the address or name that it belongs to.
        before: how much there was, in words; empty if there was none.
        after: how much there is, in words; empty if there is none.
        amount: whether it is less than before; if it is less in a part, it is less.

    """

    what: str
    before: str
    after: str
    amount: Amount


@dataclass(frozen=True)
class _Number:
    """A number of which more is better, and how people write it."""

    value: float
    text: str

    def compared(self, what: str, after: _Number) -> Iterator[Kept]:
        if after.value != self.value:
            amount = Amount.LESS if after.value < self.value else Amount.MORE
            yield Kept(what, self.text, after.text, amount)


_Fact = _Number | frozenset[str]


def kept(old: Model, new: Model, was_meant: Intent, is_meant: Intent) -> Iterator[Kept]:
    """Yield what two stacks keep, record or guard differently, less of it first.

    Args:
        old: the stack before.
        new: the stack after.
        was_meant: who was meant to be able to do what.
        is_meant: who is meant to be able to now.

    """
    before, after = dict(_facts(old)), dict(_facts(new))
    found = [
        *_spared("exempt from the guardrails", was_meant.exempt_roles, is_meant.exempt_roles),
        *_spared("meant to delete log files", was_meant.break_glass_roles,
                 is_meant.break_glass_roles),
    ]  # fmt: skip
    for what, was in before.items():
        now = after.get(what)
        if isinstance(was, _Number):
            found += was.compared(what, now) if isinstance(now, _Number) else ()
        else:
            found += _compared(what, was, now if isinstance(now, frozenset) else frozenset())
    for what, now in after.items():
        if what not in before and isinstance(now, frozenset):
            found += _compared(what, frozenset(), now)
    yield from sorted(found, key=lambda each: each.amount is Amount.MORE)


def _spared(what: str, before: tuple[str, ...], after: tuple[str, ...]) -> Iterator[Kept]:
    """Yield who is spared from now on, which guards less, and who no longer is."""
    if came := ", ".join(each for each in after if each not in before):
        yield Kept(what, "", came, Amount.LESS)
    if gone := ", ".join(each for each in before if each not in after):
        yield Kept(what, gone, "", Amount.MORE)


def _compared(what: str, before: frozenset[str], after: frozenset[str]) -> Iterator[Kept]:
    """Yield what a set has lost or gained."""
    lost = before - after
    if what.endswith(_ATTACHED) and any(each.startswith("r-") for each in after):
        lost = frozenset()  # a policy at the root binds every account
    if gone := ", ".join(sorted(lost)):
        yield Kept(what, gone, "", Amount.LESS)
    if came := ", ".join(sorted(after - before)):
        yield Kept(what, "", came, Amount.MORE)


def _facts(model: Model) -> Iterator[tuple[str, _Fact]]:
    # What a file only refers to is kept elsewhere.
    made = tuple(each for each in model.stack.resources if each.is_managed)
    stack = replace(model.stack, resources=made)
    managed = {each.address for each in made}
    for bucket in model.buckets:
        if bucket.address in managed:
            yield from _bucket(bucket)
    for each in stack.of("aws_cloudwatch_log_group"):
        yield (
            f"{each.address}: days that events are kept",
            _days(each.values.get("retention_in_days")),
        )
    for each in stack.of("aws_kms_key"):
        yield from _key(each)
    for each in stack.of("aws_cloudtrail"):
        yield f"{each.address}: what is recorded", frozenset(_recorded(each))
    for control in model.control_policies:
        kind = "service" if control.kind == "SCP" else "resource"
        name = f"{control.address}: "
        yield f"{name}where this {kind} control policy {_ATTACHED}", frozenset(control.targets)
        yield (
            f"{name}statements of this {kind} control policy",
            frozenset(each.label.rpartition(": ")[2] for each in control.policy.statements),
        )
    yield (
        "alarms",
        frozenset(each.text("alarm_name") for each in stack.of("aws_cloudwatch_metric_alarm")),
    )
    yield (
        "subscribers of topics",
        frozenset(
            f"{each.text('protocol')} {stack.said(each.text('endpoint'), 'name')}"
            for each in stack.of("aws_sns_topic_subscription")
        ),
    )
    for table in model.tables:
        yield f"{table.address}: accounts that it reads", frozenset(table.accounts)
        if table.regions is not None:
            yield f"{table.address}: regions that it reads", frozenset(table.regions)


def _bucket(bucket: S3Bucket) -> Iterator[tuple[str, _Fact]]:
    at = bucket.address
    yield f"{at}: days that files are kept", _days(bucket.expire_after_days)
    yield f"{at}: days that old versions are kept", _days(bucket.noncurrent_days)
    yield f"{at}: days that its lock holds", _Number(bucket.lock_days, f"{bucket.lock_days:,}")
    mode = bucket.lock_mode
    yield f"{at}: mode of its lock", _Number(_LOCKS.get(mode, 0), mode or "none")
    is_on = bucket.is_versioned
    yield f"{at}: versioning", _Number(is_on, "on" if is_on else "off")


def _days(given: Any) -> _Number:
    """Return days; without a number, or with 0, what it is about is kept for ever."""
    if isinstance(given, int | float) and given:
        return _Number(given, f"{given:,}")
    return _Number(inf, "for ever")


def _key(key: Resource) -> Iterator[tuple[str, _Fact]]:
    rotates = key.values.get("enable_key_rotation") is True
    period = key.values.get("rotation_period_in_days") or _YEAR
    yield (
        f"{key.address}: rotation",
        _Number(-period if rotates else -inf, f"every {period:,} days" if rotates else "never"),
    )
    window = key.values.get("deletion_window_in_days") or 30
    yield f"{key.address}: days before it can be deleted", _Number(window, f"{window:,}")


def _recorded(trail: Resource) -> Iterator[str]:
    """Yield what a trail records; a selector that is only written otherwise counts as another."""
    for name, default, words in (
        ("is_organization_trail", False, "every account"),
        ("is_multi_region_trail", False, "every region"),
        ("include_global_service_events", True, "events of global services"),
    ):
        given = trail.values.get(name)
        if default if given is None else given:
            yield words
    selectors = [*trail.many("event_selector"), *trail.many("advanced_event_selector")]
    if not selectors:
        yield ALL_MANAGEMENT
    yield from (_selector(each) for each in selectors)
    yield from (f"Insights of {each['insight_type']}" for each in trail.many("insight_selector"))


def _selector(given: Json) -> str:
    """Return a selector as text: its name, if it has one, and what it selects."""
    name = given.get("name")
    if fields := given.get("field_selector"):
        if fields == [{"field": "eventCategory", "equals": ["Management"]}]:
            return ALL_MANAGEMENT
        what = "; ".join(
            f"{each.get('field')} {operator} {', '.join(map(str, values))}"
            for each in fields
            for operator, values in sorted(each.items())
            if operator != "field" and values
        )
    else:
        what = json.dumps(given, sort_keys=True)
    return f"{name} ({what})" if name else what


def others(old: Model, new: Model) -> list[str]:
    """Return what differs further, and is not judged: addresses with the names of arguments.

    Args:
        old: the stack before.
        new: the stack after.

    """
    before = {each.address: each for each in old.stack.resources}
    after = {each.address: each for each in new.stack.resources}
    found = [
        f"{address} is {'gone' if address in before else 'new'}"
        for address in sorted(before.keys() ^ after.keys())
    ]
    for address in sorted(before.keys() & after.keys()):
        was, now = before[address], after[address]
        names = [
            name
            for name in sorted(was.values.keys() | now.values.keys())
            if name not in (*_DECIDED, *_NEVER_TOLD, *_JUDGED.get(was.kind, ()))
            and was.values.get(name) != now.values.get(name)
        ]
        if names:
            found.append(f"{address}: {', '.join(dotted((each,)) for each in names)}")
    return found
