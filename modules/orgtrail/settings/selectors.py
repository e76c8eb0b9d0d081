"""CloudTrail's event selectors: builds them from `recording`, and matches them with events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from orgtrail.regions import partition
from orgtrail.settings.trail import (
    AdvancedEventSelector,
    DataEvents,
    EventSelector,
    FieldSelector,
    NetworkEvents,
    Recording,
)

if TYPE_CHECKING:
    from orgtrail.settings.environment import Environment

_TYPES = {
    "s3": ("AWS::S3::Object", "objects"),
    "dynamodb": ("AWS::DynamoDB::Table", "DynamoDB tables"),
    "lambda": ("AWS::Lambda::Function", "Lambda functions"),
}
_READ_ONLY = {"read": "true", "write": "false"}
_DELETIONS = ("DeleteObject", "DeleteObjects")

Event = Mapping[str, str]
"""The fields of an event that selectors can test: `{"eventCategory": "Data", ...}`."""


def advanced(env: Environment) -> tuple[AdvancedEventSelector, ...]:
    """Return the trail's advanced selectors, built from `recording` if it is given."""
    if env.recording is None:
        return env.trail.advanced_event_selectors
    return tuple(_from_recording(env, env.recording))


def own_objects(env: Environment) -> tuple[str, ...]:
    """Return the ARN prefixes of all objects in the stack's own buckets."""
    prefix = f"arn:{partition(env.home_region)}:s3:::"
    return tuple(f"{prefix}{bucket}/" for bucket in env.own_buckets)


def delivery(env: Environment) -> Iterator[Event]:
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
    """Return whether a selector matches an event. Fields that the event lacks count as matching."""
    return all(
        each.field not in event or _field_matches(each, event[each.field])
        for each in selector.fields
    )


def matches_basic(selector: EventSelector, event: Event) -> bool:
    """Return whether a basic selector matches the data event of a write."""
    if selector.read_write_type == "ReadOnly":
        return False
    return any(
        each.type == event["resources.type"] and event["resources.ARN"].startswith(value)
        for each in selector.data_resources
        for value in each.values
    )


def _field_matches(condition: FieldSelector, value: str) -> bool:
    """Apply a field's operators as CloudTrail does: any positive and no negative one must match."""
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


def _from_recording(env: Environment, recording: Recording) -> Iterator[AdvancedEventSelector]:
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


def _data(env: Environment, events: DataEvents) -> Iterator[AdvancedEventSelector]:
    """Yield selectors of data events, except writes to the stack's own buckets."""
    kind, what = _TYPES[events.service]
    wanted, own = _arn_operators(events), own_objects(env)
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


def _arn_operators(events: DataEvents) -> dict[str, tuple[str, ...]]:
    """Split ARNs into exact ones and prefixes; a bucket stands for all of its objects."""
    prefixes, exact = [], []
    for arn in events.arns:
        if arn.endswith("*"):
            prefixes.append(arn.removesuffix("*"))
        elif events.service == "s3" and "/" not in arn:
            prefixes.append(f"{arn}/")
        else:
            exact.append(arn)
    found = {"equals": tuple(exact), "starts_with": tuple(prefixes)}
    return {operator: values for operator, values in found.items() if values}


def _reaches_own(wanted: Mapping[str, tuple[str, ...]], own: tuple[str, ...]) -> bool:
    """Return whether the wanted objects include any in the stack's own buckets."""
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


def _archive_access(env: Environment) -> Iterator[AdvancedEventSelector]:
    """Yield selectors of reads and deletions in the stack's own buckets, without deliveries."""
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
