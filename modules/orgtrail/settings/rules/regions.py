"""Rules of partitions and regions, and of the detection services in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from orgtrail.errors import Fault, SettingPath
from orgtrail.regions import ARN, has_service, is_opt_in, partition, partition_of
from orgtrail.settings.rules.accounts import require_member

if TYPE_CHECKING:
    from orgtrail.settings.environment import Environment

SECTIONS_WITH_ARNS = (
    "accounts", "archive", "guardrails", "key", "delivery", "access", "siem", "trail", "adopt",
)  # fmt: skip
"""`recording` has its own rule, and `backend` may be in any partition."""
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
_DETECTION_SERVICES = {
    "guardduty": "guardduty",
    "security_hub": "securityhub",
    "access_analyzer": "access-analyzer",
}


def arns_are_in_home_partition(env: Environment) -> Iterator[Fault]:
    """ARNs are in the partition of the home region: one of another matches nobody."""
    home = partition(env.home_region)
    for section in SECTIONS_WITH_ARNS:
        for here, text in _texts((section,), getattr(env, section)):
            if re.match(ARN, text) and not text.startswith(f"arn:{home}:"):
                yield Fault(here, f"must be in the partition of home_region (arn:{home}:)", text)


def _texts(path: SettingPath, value: Any) -> Iterator[tuple[SettingPath, str]]:
    """Yield every text in settings, with its path."""
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


def catalog_regions_are_in_home_partition(env: Environment) -> Iterator[Fault]:
    """Projected regions are in the partition of the home region: no trail crosses it."""
    home = partition(env.home_region)
    for index, region in enumerate(env.catalog.regions or ()):
        if partition(region) != home:
            yield Fault(
                ("catalog", "regions", index), f"must be in the partition of home_region ({home})",
                region,
            )  # fmt: skip


def home_region_has_catalog_services(env: Environment) -> Iterator[Fault]:
    """The home region has Athena and Glue, which the catalog is made of."""
    home = env.home_region
    for service in ("athena", "glue"):
        if not has_service(home, service):
            yield Fault(
                ("home_region",),
                f"must be a region with {_SERVICES[service]}, which the catalog needs",
                home,
            )


def home_region_has_verification_services(env: Environment) -> Iterator[Fault]:
    """The home region has what runs a daily verification."""
    if env.verification:
        for service in ("codebuild", "scheduler"):
            yield from _require_service(
                env.home_region, service, ("verification",),
                "run orgtrail verify each day on a machine of your own",
            )  # fmt: skip


def home_region_has_scheduler(env: Environment) -> Iterator[Fault]:
    """The home region has what keeps a compacted table fresh."""
    if env.catalog.compaction:
        yield from _require_service(
            env.home_region, "scheduler", ("catalog", "compaction"),
            "questions are then answered from the log files",
        )  # fmt: skip


def home_region_has_chat(env: Environment) -> Iterator[Fault]:
    """Alarms go to a chat channel where AWS has any."""
    subscribers = env.alarms.subscribers if env.alarms else None
    for name in ("slack", "teams"):
        if subscribers and getattr(subscribers, name):
            yield from _require_service(
                env.home_region, "chatbot", ("alarms", "subscribers", name),
                "tell alarms.subscribers.email or https",
            )  # fmt: skip


def regions_have_detection_services(env: Environment) -> Iterator[Fault]:
    """Each region of GuardDuty, Security Hub and Access Analyzer has the service."""
    for name, section in env.detection.items():
        for index, region in enumerate(section.regions or (env.home_region,)):
            service = _DETECTION_SERVICES[name]
            is_absent_everywhere = service in partition_of(region).absent
            place: SettingPath = (name, "regions", index)
            yield from _require_service(
                region, service, (name,) if is_absent_everywhere or not section.regions else place,
                "leave it to tools of your own",
            )  # fmt: skip
            if is_absent_everywhere:
                break


def _require_service(
    region: str, service: str, setting: SettingPath, instead: str
) -> Iterator[Fault]:
    """Yield a fault if a region lacks a service, with what to do instead."""
    if has_service(region, service):
        return
    whole = partition_of(region)
    where = f"partition {whole.name}" if service in whole.absent else region
    rule = f"must be left out: {where} has no {_SERVICES[service]}"
    yield Fault(setting, rule, hint=instead)


def log_group_key_is_in_home_region(env: Environment) -> Iterator[Fault]:
    """The log group's key is in the home region."""
    arn = env.delivery.kms_key_arn
    if arn and arn.split(":")[3] != env.home_region:
        yield Fault(("delivery", "kms_key_arn"), f"must be a key in {env.home_region}", arn)


def catalog_has_home_region(env: Environment) -> Iterator[Fault]:
    """A fixed list of projected regions holds the home region."""
    regions = env.catalog.regions
    if regions is not None and env.home_region not in regions:
        yield Fault(
            ("catalog", "regions"),
            f"must include home_region ({env.home_region})",
            list(regions),
        )


def administrators_are_members(env: Environment) -> Iterator[Fault]:
    """A delegated administrator is a member account: AWS refuses the management account."""
    for name, section in env.detection.items():
        yield from require_member(env, (name, "administrator"), section.administrator)


def detection_covers_home_region(env: Environment) -> Iterator[Fault]:
    """Detection covers the home region, where its findings are gathered, in one partition."""
    home = env.home_region
    for name, section in env.detection.items():
        regions = section.regions or (home,)
        if home not in regions:
            yield Fault((name, "regions"), f"must include home_region ({home})", list(regions))
        for index, region in enumerate(regions):
            if partition(region) != partition(home):
                yield Fault((name, "regions", index), f"must be in the partition of {home}", region)


def security_hub_home_is_default_region(env: Environment) -> Iterator[Fault]:
    """Security Hub is configured centrally from a region that accounts have without asking."""
    # "You can't use an AWS Region that is disabled by default as your home Region":
    # https://docs.aws.amazon.com/securityhub/latest/userguide/finding-aggregation-enable.html
    home = env.home_region
    if env.security_hub and is_opt_in(home):
        yield Fault(
            ("security_hub",),
            f"must be null: Security Hub gathers no findings in {home}, a region that accounts opt "
            "in to, and central configuration needs that of the home region",
        )


def agents_need_runtime_monitoring(env: Environment) -> Iterator[Fault]:
    """GuardDuty keeps agents for RUNTIME_MONITORING."""
    settings = env.guardduty
    if settings and settings.runtime_agents and "RUNTIME_MONITORING" not in settings.features:
        yield Fault(
            ("guardduty", "runtime_agents"),
            "needs RUNTIME_MONITORING in guardduty.features",
            list(settings.runtime_agents),
        )


def findings_reach_home_region(env: Environment) -> Iterator[Fault]:
    """GuardDuty exports findings to any region that needs no asking for, or to its own."""
    settings, home = env.guardduty, env.home_region
    if not settings or not settings.export or not is_opt_in(home):
        return
    others = [each for each in settings.regions or () if each != home]
    if others:
        yield Fault(
            ("guardduty", "export"),
            f"must be null: GuardDuty does not export findings of {', '.join(others)} to {home}, "
            "a region that accounts opt in to",
        )
