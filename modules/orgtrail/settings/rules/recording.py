"""Rules of what is recorded: the selectors' own, as the API has them, and no loop."""

from __future__ import annotations

from collections.abc import Iterator

from orgtrail.regions import partition
from orgtrail.settings import selectors
from orgtrail.settings.faults import Fault
from orgtrail.settings.rules.register import member, rule
from orgtrail.settings.shape import Shape
from orgtrail.settings.trail import AdvancedEventSelector, FieldSelector

_FIELDS = {
    "Management": {"eventCategory", "eventSource", "readOnly"},
    "Data": {
        "eventCategory", "eventName", "eventSource", "eventType", "readOnly", "resources.ARN",
        "resources.type", "sessionCredentialFromConsole", "userIdentity.arn",
    },
    "NetworkActivity": {
        "eventCategory", "errorCode", "eventName", "eventSource", "vpcEndpointId",
    },
}  # fmt: skip
"""Fields that a trail's selector may name, by category (API AdvancedFieldSelector)."""
_NEEDED = {"Data": "resources.type", "NetworkActivity": "eventSource"}
_EQUALS_ONLY = {"eventCategory", "readOnly", "resources.type", "errorCode"}
_NOISY = {"kms.amazonaws.com", "rdsdata.amazonaws.com"}
_KINDS = {"s3": ":s3:::", "dynamodb": ":table/", "lambda": ":function:"}


@rule("trail")
def _global_events(environment: Shape) -> Iterator[Fault]:
    """A multi-region trail records global events (API CreateTrail refuses any other)."""
    trail = environment.trail
    if trail.multi_region and not trail.global_events:
        yield Fault(
            ("trail", "global_events"), "must be true where trail.multi_region is true", False
        )


@rule("trail", "recording", "archive", "home_region", "catalog", "guardduty")
def _selectors(environment: Shape) -> Iterator[Fault]:
    """Either at most 5 basic selectors with 250 resources, or advanced ones with 500 values."""
    basic, here = environment.trail.event_selectors, ("trail", "event_selectors")
    given = environment.trail.advanced_event_selectors
    if basic and given:
        yield Fault(here, "must not stand beside trail.advanced_event_selectors")
    if environment.recording:
        for name in ("event_selectors", "advanced_event_selectors"):
            if getattr(environment.trail, name):
                yield Fault(("trail", name), "must not stand beside recording")
    if len(basic) > 5:
        yield Fault(here, "must be at most 5 selectors", len(basic))
    resources = sum(len(each.values) for one in basic for each in one.data_resources)
    if resources > 250:
        yield Fault(here, "must name at most 250 data resources in all", resources)
    values = sum(
        len(given)
        for one in selectors.advanced(environment)
        for each in one.fields
        for given in each.operators.values()
    )
    if values > 500:
        place = ("recording",) if environment.recording else ("trail", "advanced_event_selectors")
        yield Fault(place, "must have at most 500 values in all", values)


@rule("trail")
def _selector_fields(environment: Shape) -> Iterator[Fault]:
    """Advanced selectors name their category, and the fields and operators that it has."""
    for index, selector in enumerate(environment.trail.advanced_event_selectors):
        here = ("trail", "advanced_event_selectors", index, "fields")
        fields = {each.field: each for each in selector.fields}
        if len(fields) < len(selector.fields):
            yield Fault(here, "must name each field once")
        for place, each in enumerate(selector.fields):
            if not each.operators:
                yield Fault((*here, place), "needs an operator such as equals")
        category = fields["eventCategory"].equals if "eventCategory" in fields else ()
        if len(category) != 1 or category[0] not in _FIELDS:
            yield Fault(
                here, "must have eventCategory equal to Management, Data or NetworkActivity"
            )
            continue
        needed = _NEEDED.get(category[0])
        if needed and not (needed in fields and fields[needed].equals):
            yield Fault(here, f"must have {needed} equal to a value for {category[0]} events")
        for place, each in enumerate(selector.fields):
            if each.operators:
                yield from _condition((*here, place), each, category[0])


def _condition(
    here: tuple[str | int, ...], condition: FieldSelector, category: str
) -> Iterator[Fault]:
    name, operators = condition.field, condition.operators
    if name not in _FIELDS[category]:
        known = ", ".join(sorted(_FIELDS[category]))
        yield Fault((*here, "field"), f"must be one of {known} for {category} events", name)
    elif name in _EQUALS_ONLY and set(operators) != {"equals"}:
        yield Fault(here, f"must use equals alone for {name}")
    elif name == "readOnly" and not set(condition.equals) <= {"true", "false"}:
        yield Fault((*here, "equals"), 'must be "true" or "false"', list(condition.equals))
    elif name == "errorCode" and condition.equals != ("VpceAccessDenied",):
        yield Fault((*here, "equals"), 'must be "VpceAccessDenied"', list(condition.equals))
    elif (
        category == "Management"
        and name == "eventSource"
        and (set(operators) != {"not_equals"} or not set(condition.not_equals) <= _NOISY)
    ):
        yield Fault(here, f"must use not_equals with {' or '.join(sorted(_NOISY))}")
    elif any("*" in value for values in operators.values() for value in values):
        yield Fault(here, "must have no *: selectors know no wildcards; use starts_with")


@rule(
    "trail", "recording", "archive", "catalog", "home_region", "organization", "accounts",
    "guardduty",
)  # fmt: skip
def _no_loop(environment: Shape) -> Iterator[Fault]:
    """No selector takes writes to the archive's own buckets: each delivery would be an event."""
    if environment.recording or "logging" not in environment.accounts:
        return
    writes = list(selectors.delivery(environment))
    trail = environment.trail
    loops = {
        "event_selectors": [
            any(selectors.matches_basic(one, write) for write in writes)
            for one in trail.event_selectors
        ],
        "advanced_event_selectors": [
            _is_whole(one) and any(selectors.matches(one, write) for write in writes)
            for one in trail.advanced_event_selectors
        ],
    }
    for name, found in loops.items():
        for index, loop in enumerate(found):
            if loop:
                yield Fault(
                    ("trail", name, index),
                    "must leave out writes to the archive's own buckets: the trail would record "
                    "its own deliveries without end",
                    hint="describe it in recording, which leaves them out",
                )


def _is_whole(selector: AdvancedEventSelector) -> bool:
    """Tell whether a selector says which events it is of; one that does not is at fault anyway."""
    return {"eventCategory", "resources.type"} <= {each.field for each in selector.fields}


@rule("recording")
def _something_recorded(environment: Shape) -> Iterator[Fault]:
    """A trail records something."""
    recording = environment.recording
    if recording and recording.management == "none":
        if recording.leave_out:
            yield Fault(("recording", "leave_out"), 'must be empty where management is "none"')
        if not (recording.data or recording.network or recording.archive_access):
            yield Fault(("recording",), "must record something", None)


@rule("recording", "home_region")
def _arns_fit(environment: Shape) -> Iterator[Fault]:
    """Data events name resources of their service, with a wildcard at the end alone."""
    if not environment.recording:
        return
    start = f"arn:{partition(environment.home_region)}:"
    for index, events in enumerate(environment.recording.data):
        for place, arn in enumerate(events.arns):
            here = ("recording", "data", index, "arns", place)
            if not arn.startswith(f"{start}{events.service}:") or _KINDS[events.service] not in arn:
                example = f"{start}{events.service}{_example(events.service)}"
                yield Fault(here, f"must be like {example}", arn)
            elif "*" in arn[:-1] or "?" in arn:
                yield Fault(here, "must have * at its end alone: selectors know no wildcards", arn)


def _example(service: str) -> str:
    return {
        "s3": ":::bucket/prefix*",
        "dynamodb": ":us-east-1:111111111111:table/name",
        "lambda": ":us-east-1:111111111111:function:name",
    }[service]


@rule("recording", "trail")
def _insights(environment: Shape) -> Iterator[Fault]:
    """CloudTrail Insights needs the events that it counts: writes for the rate of calls."""
    recorded = environment.recording.management if environment.recording else "all"
    for index, kind in enumerate(environment.trail.insights):
        enough = {"all", "write"} if kind == "ApiCallRateInsight" else {"all", "write", "read"}
        if recorded not in enough:
            what = "writes" if kind == "ApiCallRateInsight" else "management events"
            yield Fault(
                ("trail", "insights", index), f"needs recording.management with {what}", kind
            )


@rule("trail", "accounts")
def _delegate(environment: Shape) -> Iterator[Fault]:
    """A delegated administrator of CloudTrail is a member account."""
    name = environment.trail.delegated_administrator
    if name is not None:
        yield from member(environment, ("trail", "delegated_administrator"), name)
