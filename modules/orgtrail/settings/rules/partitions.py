"""Rules of partitions: every name is of the home region's, and what is asked for exists there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from orgtrail.regions import ARN, has, partition, partition_of
from orgtrail.settings.faults import NOTHING, Fault, Path
from orgtrail.settings.rules.register import rule
from orgtrail.settings.shape import Shape

_NAMING = (
    "accounts", "archive", "guardrails", "key", "delivery", "access", "siem", "trail", "adopt",
)  # fmt: skip
"""Sections with ARNs; `recording` has a rule of its own, and `backend` may be anywhere."""
_SERVICES = {
    "athena": "Amazon Athena",
    "glue": "AWS Glue",
    "codebuild": "AWS CodeBuild",
    "scheduler": "EventBridge Scheduler",
    "chatbot": "chat channels of AWS",
    "guardduty": "Amazon GuardDuty",
    "securityhub": "AWS Security Hub",
    "access-analyzer": "IAM Access Analyzer",
}
_DETECTING = {
    "guardduty": "guardduty",
    "security_hub": "securityhub",
    "access_analyzer": "access-analyzer",
}


@rule("home_region", *_NAMING)
def _names(environment: Shape) -> Iterator[Fault]:
    """ARNs are in the partition of the home region: one of another matches nobody."""
    home = partition(environment.home_region)
    for section in _NAMING:
        for here, text in _texts((section,), getattr(environment, section)):
            if re.match(ARN, text) and not text.startswith(f"arn:{home}:"):
                yield Fault(here, f"must be in the partition of home_region (arn:{home}:)", text)


@rule("home_region", "catalog")
def _projected(environment: Shape) -> Iterator[Fault]:
    """Projected regions are in the partition of the home region: no trail crosses it."""
    home = partition(environment.home_region)
    for index, region in enumerate(environment.catalog.regions or ()):
        if partition(region) != home:
            yield Fault(
                ("catalog", "regions", index), f"must be in the partition of home_region ({home})",
                region,
            )  # fmt: skip


@rule("home_region", "catalog")
def _can_be_asked(environment: Shape) -> Iterator[Fault]:
    """The home region has Athena and Glue, which the catalog is made of."""
    home = environment.home_region
    for service in ("athena", "glue"):
        if not has(home, service):
            yield Fault(
                ("home_region",),
                f"must be a region with {_SERVICES[service]}, which the catalog needs",
                home,
            )


@rule("home_region", "verification")
def _can_be_verified(environment: Shape) -> Iterator[Fault]:
    """The home region has what runs a daily verification."""
    if environment.verification:
        for service in ("codebuild", "scheduler"):
            yield from _absent(
                environment.home_region, service, ("verification",),
                "run orgtrail verify each day on a machine of your own",
            )  # fmt: skip


@rule("home_region", "catalog")
def _can_be_compacted(environment: Shape) -> Iterator[Fault]:
    """The home region has what keeps a compacted table fresh."""
    if environment.catalog.compaction:
        yield from _absent(
            environment.home_region, "scheduler", ("catalog", "compaction"),
            "questions are then answered from the log files",
        )  # fmt: skip


@rule("home_region", "alarms")
def _can_chat(environment: Shape) -> Iterator[Fault]:
    """Alarms go to a chat channel where AWS has any."""
    told = environment.alarms.subscribers if environment.alarms else None
    for name in ("slack", "teams"):
        if told and getattr(told, name):
            yield from _absent(
                environment.home_region, "chatbot", ("alarms", "subscribers", name),
                "tell alarms.subscribers.email or https",
            )  # fmt: skip


@rule("home_region", *_DETECTING)
def _can_detect(environment: Shape) -> Iterator[Fault]:
    """Each region of GuardDuty, Security Hub and Access Analyzer has the service."""
    for name, section in environment.detection.items():
        for index, region in enumerate(section.regions or (environment.home_region,)):
            service = _DETECTING[name]
            is_absent_everywhere = service in partition_of(region).absent
            place: Path = (name, "regions", index)
            yield from _absent(
                region, service, (name,) if is_absent_everywhere or not section.regions else place,
                "leave it to tools of your own",
            )  # fmt: skip
            if is_absent_everywhere:
                break


def _absent(region: str, service: str, setting: Path, instead: str) -> Iterator[Fault]:
    """Yield a fault where a region lacks a service: how wide that is, and what to do."""
    if has(region, service):
        return
    whole = partition_of(region)
    where = f"partition {whole.name}" if service in whole.absent else region
    rule = f"must be left out: {where} has no {_SERVICES[service]}"
    yield Fault(setting, rule, NOTHING, instead)


def _texts(path: Path, value: Any) -> Iterator[tuple[Path, str]]:
    """Yield every text in settings, with where it stands."""
    match value:
        case str():
            yield path, value
        case BaseModel():
            for name in type(value).model_fields:
                yield from _texts((*path, name), getattr(value, name))
        case dict():
            for name, each in value.items():
                yield from _texts((*path, name), each)
        case tuple() | list():
            for index, each in enumerate(value):
                yield from _texts((*path, index), each)
        case _:
            pass
