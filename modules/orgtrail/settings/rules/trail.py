"""Rules of the trail: what it records, the limits of CloudTrail's API, and alarms on it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from orgtrail.alarms import SILENCE
from orgtrail.errors import Fault, SettingPath
from orgtrail.regions import partition
from orgtrail.settings import selectors
from orgtrail.settings.rules.accounts import require_member
from orgtrail.settings.trail import AdvancedEventSelector, FieldSelector

if TYPE_CHECKING:
    from orgtrail.settings.environment import Environment

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
"""Fields that a trail's selector may use, by category (API AdvancedFieldSelector)."""
_NEEDED = {"Data": "resources.type", "NetworkActivity": "eventSource"}
_EQUALS_ONLY = {"eventCategory", "readOnly", "resources.type", "errorCode"}
_NOISY = {"kms.amazonaws.com", "rdsdata.amazonaws.com"}
_ARN_PARTS = {"s3": ":s3:::", "dynamodb": ":table/", "lambda": ":function:"}
_ARN_EXAMPLES = {
    "s3": ":::bucket/prefix*",
    "dynamodb": ":us-east-1:111111111111:table/name",
    "lambda": ":us-east-1:111111111111:function:name",
}


def multi_region_needs_global_events(env: Environment) -> Iterator[Fault]:
    """A multi-region trail records global events (API CreateTrail refuses any other)."""
    trail = env.trail
    if trail.multi_region and not trail.global_events:
        yield Fault(
            ("trail", "global_events"), "must be true where trail.multi_region is true", False
        )


def selectors_are_within_limits(env: Environment) -> Iterator[Fault]:
    """Either at most 5 basic selectors with 250 resources, or advanced ones with 500 values."""
    basic, here = env.trail.event_selectors, ("trail", "event_selectors")
    given = env.trail.advanced_event_selectors
    if basic and given:
        yield Fault(here, "must not be set together with trail.advanced_event_selectors")
    if env.recording:
        for name in ("event_selectors", "advanced_event_selectors"):
            if getattr(env.trail, name):
                yield Fault(("trail", name), "must not be set together with recording")
    if len(basic) > 5:
        yield Fault(here, "must be at most 5 selectors", len(basic))
    resources = sum(len(each.values) for one in basic for each in one.data_resources)
    if resources > 250:
        yield Fault(here, "must name at most 250 data resources in all", resources)
    values = sum(
        len(given)
        for one in selectors.advanced(env)
        for each in one.fields
        for given in each.operators.values()
    )
    if values > 500:
        place = ("recording",) if env.recording else ("trail", "advanced_event_selectors")
        yield Fault(place, "must have at most 500 values in all", values)


def selector_fields_fit_category(env: Environment) -> Iterator[Fault]:
    """Advanced selectors name their category, and the fields and operators that it has."""
    for index, selector in enumerate(env.trail.advanced_event_selectors):
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


def _condition(here: SettingPath, condition: FieldSelector, category: str) -> Iterator[Fault]:
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


def selectors_leave_out_own_deliveries(env: Environment) -> Iterator[Fault]:
    """No selector takes writes to the archive's own buckets: each delivery would be an event."""
    if env.recording or "logging" not in env.accounts:
        return
    writes = list(selectors.delivery(env))
    trail = env.trail
    loops = {
        "event_selectors": [
            any(selectors.matches_basic(one, write) for write in writes)
            for one in trail.event_selectors
        ],
        "advanced_event_selectors": [
            _names_events(one) and any(selectors.matches(one, write) for write in writes)
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


def _names_events(selector: AdvancedEventSelector) -> bool:
    """Return whether a selector names its events; `selector_fields_fit_category` reports others."""
    return {"eventCategory", "resources.type"} <= {each.field for each in selector.fields}


def recording_is_not_empty(env: Environment) -> Iterator[Fault]:
    """A trail records something."""
    recording = env.recording
    if recording and recording.management == "none":
        if recording.leave_out:
            yield Fault(("recording", "leave_out"), 'must be empty where management is "none"')
        if not (recording.data or recording.network or recording.archive_access):
            yield Fault(("recording",), "must record something", None)


def data_event_arns_fit_service(env: Environment) -> Iterator[Fault]:
    """Data events name resources of their service, with a wildcard at the end alone."""
    if not env.recording:
        return
    start = f"arn:{partition(env.home_region)}:"
    for index, events in enumerate(env.recording.data):
        for place, arn in enumerate(events.arns):
            here = ("recording", "data", index, "arns", place)
            if (
                not arn.startswith(f"{start}{events.service}:")
                or _ARN_PARTS[events.service] not in arn
            ):
                example = f"{start}{events.service}{_ARN_EXAMPLES[events.service]}"
                yield Fault(here, f"must be like {example}", arn)
            elif "*" in arn[:-1] or "?" in arn:
                yield Fault(here, "must have * at its end alone: selectors know no wildcards", arn)


def insights_have_events(env: Environment) -> Iterator[Fault]:
    """CloudTrail Insights needs the events that it counts: writes for the rate of calls."""
    recorded = env.recording.management if env.recording else "all"
    for index, kind in enumerate(env.trail.insights):
        enough = {"all", "write"} if kind == "ApiCallRateInsight" else {"all", "write", "read"}
        if recorded not in enough:
            what = "writes" if kind == "ApiCallRateInsight" else "management events"
            yield Fault(
                ("trail", "insights", index), f"needs recording.management with {what}", kind
            )


def cloudtrail_administrator_is_member(env: Environment) -> Iterator[Fault]:
    """A delegated administrator of CloudTrail is a member account."""
    name = env.trail.delegated_administrator
    if name is not None:
        yield from require_member(env, ("trail", "delegated_administrator"), name)


def topic_is_named_once(env: Environment) -> Iterator[Fault]:
    """The trail's topic is made by name or referred to by ARN, and is not that of the alarms."""
    topic, here = env.trail.sns_topic, ("trail", "sns_topic")
    if not topic:
        return
    if (topic.name is None) == (topic.arn is None):
        yield Fault(
            here,
            "must have either name, of a topic to make, or arn, of one that exists",
            topic.model_dump(exclude_none=True),
        )
    if topic.name and env.alarms and topic.name == env.alarms.topic:
        yield Fault((*here, "name"), "must not be alarms.topic", topic.name)


def alarms_need_delivery(env: Environment) -> Iterator[Fault]:
    """Alarms need the log group that events are delivered to."""
    if env.alarms and not env.delivery.enabled:
        yield Fault(("delivery", "enabled"), "must be true where alarms is given", False)


def verification_needs_alarms(env: Environment) -> Iterator[Fault]:
    """The daily verification tells its findings to the alarms' topic."""
    if env.verification and not env.alarms:
        yield Fault(("alarms",), "must be given where verification is: it tells its findings there")


def alarms_and_tuning_fit(env: Environment) -> Iterator[Fault]:
    """An alarm is by account, over all of them, or both; tuning is of alarms that are made."""
    alarms = env.alarms
    if not alarms:
        return
    if not (alarms.by_account or alarms.totals):
        yield Fault(("alarms", "by_account"), "must be true where alarms.totals is false", False)
    for name in alarms.tuning:
        if name == SILENCE:
            yield Fault(("alarms", "tuning", name), "must be set by alarms.silence_minutes")
        elif alarms.names is not None and name not in alarms.names:
            yield Fault(("alarms", "tuning", name), "must be one of alarms.names")
