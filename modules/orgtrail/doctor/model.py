"""What the doctor's checks are made of, what they are given, and what they answer."""

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
"""The next step where something does not exist."""
DEPLOY = "deploy again: the plan shows the change"
"""The next step where something is not as the file says."""

_UNKNOWN = object()
_NAMES = ("bucket", "role", "queue_url", "arn", "name")
"""Attributes that say what a resource is about, or refer to that resource."""


class CheckState(StrEnum):
    """How a check ended."""

    FINE = "fine"
    FAULT = "fault"
    UNCHECKED = "unchecked"
    """AWS did not say; this is never fine."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a check examines.

    Args:
        account: the account's name in the environment file.
        name: what AWS calls the thing; empty where the check is about the account.
        region: its region; empty for the home region.
        resource: what the stack sets up there, if there is one.

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
        diff: how what runs differs from what the file says, line by line; empty where the cause
            says it all.

    """

    cause: str
    step: str = DEPLOY
    diff: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer of one check about one subject.

    Args:
        check: the check's name.
        title: what should be so.
        subject: what was examined.
        state: how it ended.
        faults: what is wrong, if anything.
        reason: why it was not checked, if it was not.

    """

    check: str
    title: str
    subject: Subject
    state: CheckState
    faults: tuple[LiveFault, ...] = ()
    reason: str = ""

    def as_json(self) -> Json:
        """Return it for programs."""
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
    """Sum up: a fault outweighs what was not checked, and that outweighs what is fine."""
    states = {each.state for each in outcomes}
    for state in (CheckState.FAULT, CheckState.UNCHECKED):
        if state in states:
            return state
    return CheckState.FINE


@dataclass(frozen=True)
class Live:
    """What checks are given: the settings, the stack that they make, and AWS.

    Args:
        env: the settings.
        aws: reads the live accounts.
        now: the time that ages are counted from.

    """

    env: Environment
    aws: AwsReader
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    @cached_property
    def stack(self) -> Stack:
        """What the settings set up: the values that checks expect."""
        return build(self.env).expanded()

    def account(self, id: str) -> str:
        """Return the name of an account."""
        return next(name for name, each in self.env.accounts.items() if each.id == id)

    def key(self, account: str, alias: str) -> Any:
        """Return what AWS says of the key that has an alias, None where none has."""
        answer = self.aws.ask(
            account, "kms", "describe_key", absent=("NotFoundException",), KeyId=alias
        )
        return answer["KeyMetadata"] if answer else None

    def alias(self, reference: str) -> str:
        """Return the alias of the key that a value refers to; empty where it is not ours."""
        key = self.stack.find(reference)
        if key is None or not key.is_managed:
            return ""
        aliases = self.stack.of("aws_kms_alias")
        named = (a.text("name") for a in aliases if self.stack.find(a.text("target_key_id")) is key)
        return next(named, "")

    def name(self, resource: Resource) -> str:
        """Return the name of what a resource is about: of a bucket, for the policy of a bucket."""
        given = next(text for each in _NAMES if (text := resource.text(each)))
        return self.stack.said(given, "name")

    def resource(self, subject: Subject, kind: str) -> Resource:
        """Return the subject's resource of a kind, such as the policy of a bucket.

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
        title: what should be so.
        subjects: what it examines; nothing where the file does not ask for it.
        look: yields what is wrong.
        after: the check of the same subject that must be fine before; empty for none.

    """

    name: str
    title: str
    subjects: Subjects
    look: Look
    after: str = ""


def resources(kind: str, *, referred: bool = False) -> Subjects:
    """Return what yields the stack's resources of a kind.

    Args:
        kind: the kind.
        referred: whether to yield those too that the file only refers to.

    """

    def found(live: Live) -> Iterator[Subject]:
        for each in live.stack.of(kind):
            if each.is_managed or referred:
                account = live.account(each.provider.account)
                yield Subject(account, live.name(each), resource=each)

    return found


def value_at(given: Any, path: str) -> Any:
    """Return the value at a path such as `rule/default_retention/days`, None where there is none.

    Of a list it takes the first item, since Terraform writes one block either way, and it reads
    JSON that is text. Without a path it is all that is given.
    """
    for name in path.split("/") if path else ():
        found = json.loads(given) if isinstance(given, str) else given
        found = next(iter(found), None) if isinstance(found, list) else found
        given = found.get(name) if isinstance(found, Mapping) else None
    return given


def expected(live: Live, subject: Subject, place: str) -> Any:
    """Return what the stack sets at a place such as `aws_cloudtrail/kms_key_id`.

    The ARN of a key is what AWS says of its alias now; without such a key it is not known, which
    the check `key` reports. Neither is what the file only refers to.
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
    """One call to AWS about a subject, None where AWS says that there is no such thing.

    Args:
        service: as boto3 names it.
        operation: as boto3 names it.
        parameter: the parameter that takes the subject's name.
        absent: the error codes that say that there is no such thing.
        field: the field of the answer that is meant; empty for all of it.

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
    """A row of a comparison: a value of the answer that must equal what the stack sets.

    Args:
        path: where the value is in the answer, see `value_at`.
        place: the kind of the resource in the stack, and where it has the value.
        cause: what is wrong, with `{has}`, `{wanted}` and `{name}`.
        default: what AWS takes where the stack sets nothing.
        assumed: what it means where the answer has nothing.
        unset: words for a value of the answer, and of the stack, that is not set.
        words: words for other values of the answer.
        always: whether AWS gives it in every answer, so that nothing follows from its absence.

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
    """A row of a comparison: a value that must be there, such as a key.

    Args:
        path: where the value is in the answer.
        cause: what is wrong if it is not set.

    """

    path: str
    cause: str

    def faults(self, _: Live, _subject: Subject, answer: Any) -> Iterator[LiveFault]:
        """Yield a fault if it is not set."""
        if not value_at(answer, self.path):
            yield LiveFault(self.cause)


@dataclass(frozen=True)
class SamePolicy:
    """A row of a comparison: a policy that must say what the stack's says.

    Args:
        path: where the policy is in the answer.
        place: the kind of the resource in the stack, and its attribute.
        cause: what is wrong, or what says it: it gets the policy that runs and the differing lines.

    """

    path: str
    place: str
    cause: str | Callable[[Live, Subject, Any, str], str] = "its policy is not the file's"

    def faults(self, live: Live, subject: Subject, answer: Any) -> Iterator[LiveFault]:
        """Yield a fault with the lines that differ."""
        has = value_at(answer, self.path)
        if lines := difference(expected(live, subject, self.place), has):
            cause = self.cause
            said = cause if isinstance(cause, str) else cause(live, subject, has, lines)
            yield LiveFault(said, DEPLOY, lines)


Row = Equal | IsSet | SamePolicy


class Compare:
    """A check that compares an answer of AWS with the stack, row by row.

    Args:
        answer: what AWS is asked.
        rows: what must be so.
        missing: what is wrong where there is no such thing, with `{name}`; without it, an absent
            answer has no values.
        step: what to do then.
        stops: whether the first fault hides those of later rows.

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
