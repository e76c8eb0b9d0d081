"""The doctor's checks: their building blocks, inputs and outcomes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from typing import Any

from orgtrail.doctor.calls import AwsReader, UncheckedError
from orgtrail.doctor.policies import difference
from orgtrail.settings.environment import Environment
from orgtrail.trail import build
from orgtrail.trail.resource import Resource, Stack

Json = dict[str, Any]
MAKE = "deploy: the plan shows it"
"""The next step if something does not exist."""
DEPLOY = "deploy again: the plan shows the change"
"""The next step if something is not as the file says."""

_UNKNOWN = object()
_NAME_ATTRIBUTES = ("bucket", "role", "queue_url", "arn", "name")
"""Attributes that name a resource, or refer to the resource that it belongs to."""


class CheckState(StrEnum):
    """How a check ended."""

    FINE = "fine"
    FAULT = "fault"
    UNCHECKED = "unchecked"
    """AWS gave no usable answer; this never counts as fine."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a check examines.

    Args:
        account: the account's name in the environment file.
        name: the subject's name in AWS; empty if the check is about the account.
        region: its region; empty for the home region.
        resource: its resource in the stack, if there is one.

    """

    account: str
    name: str = ""
    region: str = ""
    resource: Resource | None = None


@dataclass(frozen=True, slots=True)
class LiveFault:
    """One thing that is not as the file says.

    Args:
        cause: what is wrong, in a sentence.
        step: what to do next.
        diff: how the live state differs from the file, line by line; empty if the cause is enough.

    """

    cause: str
    step: str = DEPLOY
    diff: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one check of one subject.

    Args:
        check: the check's name.
        title: what should be true.
        subject: what was examined.
        state: how the check ended.
        faults: what is wrong, if anything.
        reason: why the subject was not checked, if it was not.

    """

    check: str
    title: str
    subject: Subject
    state: CheckState
    faults: tuple[LiveFault, ...] = ()
    reason: str = ""

    def as_json(self) -> Json:
        """Return the outcome as JSON."""
        return {
            "check": self.check,
            "title": self.title,
            "account": self.subject.account,
            "subject": self.subject.name,
            "region": self.subject.region,
            "state": self.state,
            "faults": [
                {"cause": each.cause, "step": each.step, "diff": each.diff} for each in self.faults
            ],
            "reason": self.reason,
        }


def summed_up(outcomes: Iterable[Outcome]) -> CheckState:
    """Return the worst state: a fault outweighs unchecked, and that outweighs fine."""
    states = {each.state for each in outcomes}
    for state in (CheckState.FAULT, CheckState.UNCHECKED):
        if state in states:
            return state
    return CheckState.FINE


@dataclass(frozen=True)
class Live:
    """The input of checks: the settings, the stack built from them, and AWS.

    Args:
        env: the settings.
        aws: reads the live accounts.
        now: the time that ages are relative to.

    """

    env: Environment
    aws: AwsReader
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    @cached_property
    def stack(self) -> Stack:
        """The stack built from the settings: the values that checks expect."""
        return build(self.env).expanded()

    def account(self, id: str) -> str:
        """Return the name of an account."""
        return next(name for name, each in self.env.accounts.items() if each.id == id)

    def key(self, account: str, alias: str) -> Any:
        """Return the metadata of the key with an alias, None if there is no such key."""
        answer = self.aws.ask(
            account, "kms", "describe_key", absent=("NotFoundException",), KeyId=alias
        )
        return answer["KeyMetadata"] if answer else None

    def alias(self, reference: str) -> str:
        """Return the alias of the key that a value refers to; empty if it is not the stack's."""
        key = self.stack.find(reference)
        if key is None or not key.is_managed:
            return ""
        aliases = self.stack.of("aws_kms_alias")
        named = (a.text("name") for a in aliases if self.stack.find(a.text("target_key_id")) is key)
        return next(named, "")

    def name(self, resource: Resource) -> str:
        """Return the name of what a resource belongs to: a bucket policy has its bucket's name."""
        given = next(text for each in _NAME_ATTRIBUTES if (text := resource.text(each)))
        return self.stack.said(given, "name")

    def resource(self, subject: Subject, kind: str) -> Resource:
        """Return the subject's resource of a kind, such as a bucket's policy.

        Raises:
            LookupError: the stack has none.

        """
        if subject.resource and subject.resource.kind == kind:
            return subject.resource
        for each in self.stack.of(kind):
            if self.name(each) == subject.name:
                return each
        raise LookupError(f"the stack has no {kind} for {subject.name}")


Subjects = Callable[[Live], Iterable[Subject]]
Look = Callable[[Live, Subject], Iterator[LiveFault]]
"""Yields what is wrong with a subject."""


@dataclass(frozen=True, slots=True)
class LiveCheck:
    """One check.

    Args:
        name: its name.
        title: what should be true.
        subjects: what it examines; empty if the file does not enable it.
        look: yields what is wrong.
        after: the check of the same subject that must be fine first; empty for none.

    """

    name: str
    title: str
    subjects: Subjects
    look: Look
    after: str = ""


def resources(kind: str, *, referred: bool = False) -> Subjects:
    """Return a function that yields the stack's resources of a kind.

    Args:
        kind: the kind.
        referred: whether to include resources that the file only refers to.

    """

    def found(live: Live) -> Iterator[Subject]:
        for each in live.stack.of(kind):
            if each.is_managed or referred:
                account = live.account(each.provider.account)
                yield Subject(account, live.name(each), resource=each)

    return found


def value_at(given: Any, path: str) -> Any:
    """Return the value at a path such as `rule/default_retention/days`, None if there is none.

    A list stands for its first item, since Terraform may write a single block as a list. Text is
    parsed as JSON. An empty path returns the value itself.
    """
    for name in path.split("/") if path else ():
        found = json.loads(given) if isinstance(given, str) else given
        found = next(iter(found), None) if isinstance(found, list) else found
        given = found.get(name) if isinstance(found, Mapping) else None
    return given


def expected(live: Live, subject: Subject, place: str) -> Any:
    """Return the value that the stack sets at a place such as `aws_cloudtrail/kms_key_id`.

    The ARN of a key is the one that its alias has in AWS now. It is unknown if there is no such
    key, which the check `key` reports, or if the file only refers to the resource.
    """
    kind, _, path = place.partition("/")
    resource = live.resource(subject, kind)
    value = value_at(resource.values, path)
    if not resource.is_managed:
        return _UNKNOWN
    if not isinstance(value, str):
        return value
    if alias := live.alias(value):
        about = live.key("logging", alias)
        return about["Arn"] if about else _UNKNOWN
    return value.replace("$${", "${").replace("%%{", "%{")


@dataclass(frozen=True)
class Ask:
    """One call to AWS about a subject; returns None if AWS answers with an `absent` code.

    Args:
        service: boto3's name of the service.
        operation: boto3's name of the operation.
        parameter: the parameter that takes the subject's name.
        absent: the error codes for something that does not exist.
        field: the field of the answer to return; empty for the entire answer.

    """

    service: str
    operation: str
    parameter: str
    absent: tuple[str, ...] = ()
    field: str = ""

    def __call__(self, live: Live, subject: Subject) -> Any:
        """Make the call in the subject's account and region."""
        answer = live.aws.ask(
            subject.account, self.service, self.operation,
            region=subject.region, absent=self.absent, **{self.parameter: subject.name},
        )  # fmt: skip
        return answer[self.field] if answer is not None and self.field else answer


@dataclass(frozen=True)
class Equal:
    """A row of a comparison: a value in AWS's answer that must equal the stack's.

    Args:
        path: the value's path in the answer, see `value_at`.
        place: the kind of the resource in the stack, and the value's path in it.
        cause: what is wrong, with `{has}`, `{wanted}` and `{name}`.
        default: AWS's default if the stack sets no value.
        assumed: the value to assume if the answer has none.
        unset: words for a missing value, in the answer and in the stack.
        words: words for other values in the answer.
        always: whether AWS returns it in every answer, so that its absence means nothing.

    """

    path: str
    place: str
    cause: str
    default: Any = None
    assumed: Any = None
    unset: tuple[Any, Any] = (None, None)
    words: Mapping[Any, str] = field(default_factory=dict)
    always: bool = False

    def faults(self, live: Live, subject: Subject, answer: Any) -> Iterator[LiveFault]:
        """Yield a fault if the values differ.

        Raises:
            UncheckedError: the answer lacks what AWS always gives.

        """
        wanted = expected(live, subject, self.place)
        if wanted is _UNKNOWN:
            return
        wanted = self.default if wanted is None else wanted
        has = value_at(answer, self.path)
        if has is None and self.always:
            raise UncheckedError(f"the answer of AWS has no {self.path.replace('/', '.')}")
        has = self.assumed if has is None else has
        has = bool(has) if isinstance(wanted, bool) else None if has == "" else has
        if has != wanted:
            said = self.words.get(has, self.unset[0] if has is None else has)
            instead = self.unset[1] if wanted is None else wanted
            yield LiveFault(self.cause.format(has=said, wanted=instead, name=subject.name))


@dataclass(frozen=True)
class IsSet:
    """A row of a comparison: a value that must be set, such as a key.

    Args:
        path: the value's path in the answer.
        cause: what is wrong if it is not set.

    """

    path: str
    cause: str

    def faults(self, _: Live, _subject: Subject, answer: Any) -> Iterator[LiveFault]:
        """Yield a fault if the value is not set."""
        if not value_at(answer, self.path):
            yield LiveFault(self.cause)


@dataclass(frozen=True)
class SamePolicy:
    """A row of a comparison: a policy that must be equivalent to the stack's.

    Args:
        path: the policy's path in the answer.
        place: the kind of the resource in the stack, and its attribute.
        cause: what is wrong, or a function that says so from the live policy and the diff.

    """

    path: str
    place: str
    cause: str | Callable[[Live, Subject, Any, str], str] = "its policy is not the file's"

    def faults(self, live: Live, subject: Subject, answer: Any) -> Iterator[LiveFault]:
        """Yield a fault with the differing lines."""
        has = value_at(answer, self.path)
        if lines := difference(expected(live, subject, self.place), has):
            cause = self.cause
            said = cause if isinstance(cause, str) else cause(live, subject, has, lines)
            yield LiveFault(said, DEPLOY, lines)


Row = Equal | IsSet | SamePolicy


class Compare:
    """A check that compares an answer from AWS with the stack, row by row.

    Args:
        answer: gets the answer from AWS.
        rows: the comparisons.
        missing: what is wrong if the answer is None, with `{name}`; empty to compare as if the
            answer had no values.
        step: what to do if the answer is None.
        stops: whether to stop at the first row with a fault.

    """

    def __init__(
        self,
        answer: Callable[[Live, Subject], Any],
        *rows: Row,
        missing: str = "",
        step: str = MAKE,
        stops: bool = False,
    ) -> None:  # fmt: skip
        self._answer = answer
        self._rows = rows
        self._missing = missing
        self._step = step
        self._stops = stops

    def __call__(self, live: Live, subject: Subject) -> Iterator[LiveFault]:
        """Yield what differs."""
        answer = self._answer(live, subject)
        if answer is None and self._missing:
            yield LiveFault(self._missing.format(name=subject.name), self._step)
            return
        for row in self._rows:
            faults = list(row.faults(live, subject, answer))
            yield from faults
            if faults and self._stops:
                return
