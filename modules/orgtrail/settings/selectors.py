"""From what an environment wants recorded to the selectors of CloudTrail, and what these match."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from orgtrail.regions import partition
from orgtrail.settings.recording import DataEvents, NetworkEvents, Recording
from orgtrail.settings.shape import Shape
from orgtrail.settings.trail import AdvancedEventSelector, EventSelector, FieldSelector

_TYPES = {
    "s3": ("AWS::S3::Object", "objects"),
    "dynamodb": ("AWS::DynamoDB::Table", "DynamoDB tables"),
    "lambda": ("AWS::Lambda::Function", "Lambda functions"),
}
_READ_ONLY = {"read": "true", "write": "false"}
_DELETIONS = ("DeleteObject", "DeleteObjects")

Event = Mapping[str, str]
"""An event as selectors see it, by field: `{"eventCategory": "Data", ...}`."""


def advanced(env: Shape) -> tuple[AdvancedEventSelector, ...]:
    """Return the advanced selectors of the trail: those that `recording` asks for, or its own."""
    if env.recording is None:
        return env.trail.advanced_event_selectors
    return tuple(_intended(env, env.recording))


def own_objects(env: Shape) -> tuple[str, ...]:
    """Return the beginnings of the ARNs of all objects in the stack's own buckets."""
    prefix = f"arn:{partition(env.home_region)}:s3:::"
    return tuple(f"{prefix}{bucket}/" for bucket in env.own_buckets)


def delivery(env: Shape) -> Iterator[Event]:
    """Yield the data event of a write to each of the stack's own buckets."""
    for arn in own_objects(env):
        key = f"AWSLogs/{env.organization.id}/{env.logging.id}/file.json.gz"
        yield {
            "eventCategory": "Data",
            "eventSource": "s3.amazonaws.com",
            "eventName": "PutObject",
            "readOnly": "false",
            "resources.type": "AWS::S3::Object",
            "resources.ARN": f"{arn}{key}",
        }


def matches(selector: AdvancedEventSelector, event: Event) -> bool:
    """Tell whether a selector takes an event. A field that the event does not name may match."""
    return all(
        each.field not in event or _takes(each, event[each.field]) for each in selector.fields
    )


def matches_basic(selector: EventSelector, event: Event) -> bool:
    """Tell whether a basic selector takes a data event."""
    if selector.read_write_type == "ReadOnly":
        return False
    return any(
        each.type == event["resources.type"] and event["resources.ARN"].startswith(value)
        for each in selector.data_resources
        for value in each.values
    )


def _takes(condition: FieldSelector, value: str) -> bool:
    """Apply the operators of one field, as CloudTrail does: any that selects, none that drops."""
    selects = (
        value in condition.equals,
        value.startswith(condition.starts_with),
        value.endswith(condition.ends_with),
    )
    drops = (
        value in condition.not_equals,
        value.startswith(condition.not_starts_with),
        value.endswith(condition.not_ends_with),
    )
    selecting = condition.equals or condition.starts_with or condition.ends_with
    return (any(selects) or not selecting) and not any(drops)


def _intended(env: Shape, recording: Recording) -> Iterator[AdvancedEventSelector]:
    if recording.management != "none":
        yield _selector(
            _management_name(recording),
            _equal("eventCategory", "Management"),
            *_access(recording.management),
            *(
                [FieldSelector(field="eventSource", not_equals=recording.leave_out)]
                if recording.leave_out
                else []
            ),
        )
    for events in recording.data:
        yield from _data(env, events)
    for calls in recording.network:
        yield _network(calls)
    if recording.archive_access:
        yield from _archive_access(env)


def _management_name(recording: Recording) -> str:
    which = {"all": "All management events", "read": "Reads", "write": "Writes"}
    without = " but those of " + " and ".join(recording.leave_out) if recording.leave_out else ""
    return f"{which[recording.management]}{without}"


def _data(env: Shape, events: DataEvents) -> Iterator[AdvancedEventSelector]:
    """Yield selectors of data events; those of S3 that write leave the own buckets out."""
    kind, what = _TYPES[events.service]
    wanted, own = _wanted(events), own_objects(env)
    writes_everywhere = events.service == "s3" and events.access != "read"
    if not (writes_everywhere and _reaches_own(wanted, own)):
        yield _selector(
            f"{_verb(events.access)} {what}",
            _equal("eventCategory", "Data"),
            _equal("resources.type", kind),
            *_access(events.access),
            *([FieldSelector(field="resources.ARN", **wanted)] if wanted else []),
        )
        return
    if events.access == "all":
        yield from _data(env, events.model_copy(update={"access": "read"}))
    yield _selector(
        "Writes of objects outside the audit trail's own buckets",
        _equal("eventCategory", "Data"),
        _equal("resources.type", kind),
        *_access("write"),
        FieldSelector(field="resources.ARN", **wanted, not_starts_with=own),
    )


def _wanted(events: DataEvents) -> dict[str, tuple[str, ...]]:
    """Sort ARNs into exact ones and beginnings; a bucket stands for all of its objects."""
    beginnings, exact = [], []
    for arn in events.arns:
        if arn.endswith("*"):
            beginnings.append(arn.removesuffix("*"))
        elif events.service == "s3" and "/" not in arn:
            beginnings.append(f"{arn}/")
        else:
            exact.append(arn)
    found = {"equals": tuple(exact), "starts_with": tuple(beginnings)}
    return {operator: values for operator, values in found.items() if values}


def _reaches_own(wanted: Mapping[str, tuple[str, ...]], own: tuple[str, ...]) -> bool:
    """Tell whether a choice of objects has some of the own buckets' among them."""
    return not wanted or any(
        mine.startswith(value) or value.startswith(mine)
        for values in wanted.values()
        for value in values
        for mine in own
    )


def _network(calls: NetworkEvents) -> AdvancedEventSelector:
    return _selector(
        f"{'Denied calls' if calls.denied_only else 'Calls'} of {calls.source} by endpoints",
        _equal("eventCategory", "NetworkActivity"),
        _equal("eventSource", calls.source),
        *([_equal("errorCode", "VpceAccessDenied")] if calls.denied_only else []),
        *([_equal("vpcEndpointId", *calls.endpoints)] if calls.endpoints else []),
    )


def _archive_access(env: Shape) -> Iterator[AdvancedEventSelector]:
    """Yield who reads or deletes in the own buckets. A delivery is neither, so no loop begins."""
    objects = [
        _equal("eventCategory", "Data"),
        _equal("resources.type", "AWS::S3::Object"),
        FieldSelector(field="resources.ARN", starts_with=own_objects(env)),
    ]
    yield _selector("Reads of the audit trail", *objects, *_access("read"))
    yield _selector("Deletions in the audit trail", *objects, _equal("eventName", *_DELETIONS))


def _selector(name: str, *fields: FieldSelector) -> AdvancedEventSelector:
    return AdvancedEventSelector(name=name, fields=fields)


def _equal(field: str, *values: str) -> FieldSelector:
    return FieldSelector(field=field, equals=values)


def _access(access: str) -> list[FieldSelector]:
    return [_equal("readOnly", _READ_ONLY[access])] if access in _READ_ONLY else []


def _verb(access: str) -> str:
    return {"all": "Use of", "read": "Reads of", "write": "Writes of"}[access]
