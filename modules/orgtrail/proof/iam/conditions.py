"""Conditions of policies: operators, their sets and `IfExists`, over the keys of a request.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from operator import eq, ge, gt, le, lt

from orgtrail.proof.iam.patterns import arn_like, like, resolved, same
from orgtrail.proof.iam.request import Request
from orgtrail.proof.iam.undecided import Undecided

Test = Callable[[str, str], bool]
"""Holds a value of the policy against one of the request."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One key of a `Condition` block."""

    operator: str
    key: str
    values: tuple[str, ...]

    def __str__(self) -> str:
        """Write it as a policy's reader would say it."""
        return f"{self.operator} {self.key}"


def holds(condition: Condition, request: Request, *, variables: bool) -> bool:
    """Tell whether a request meets a condition.

    Args:
        condition: the condition.
        request: the request.
        variables: whether the policy's version knows policy variables.

    Raises:
        Undecided: the operator, the key or a value is not known here.

    """
    quantifier, _, name = condition.operator.rpartition(":")
    operator = name.lower()
    given = request.value(condition.key)
    if operator == "null" and not quantifier:
        return _is_null(condition, given)
    operator, if_exists = operator.removesuffix("ifexists"), operator.endswith("ifexists")
    test, negated = _operator(operator, condition)
    if given is None:
        return _without_key(condition, quantifier.lower(), negated=negated, if_exists=if_exists)
    wanted = _wanted(condition, request, variables=variables, negated=negated)

    def passes(value: str) -> bool:
        return any(test(each, value) for each in wanted) != negated

    match quantifier.lower():
        case "forallvalues":
            return all(map(passes, given))
        case "foranyvalue":
            return any(map(passes, given))
        case "":
            if condition.key.lower() in request.several:
                raise Undecided(f"{condition} has no ForAnyValue or ForAllValues")
            return passes(given[0])
    raise Undecided(f"the set operator of {condition} is not known here")


def _is_null(condition: Condition, given: tuple[str, ...] | None) -> bool:
    wanted = {value.lower() for value in condition.values}
    if not wanted <= {"true", "false"}:
        raise Undecided(f"{condition} is neither true nor false")
    return ("true" if given is None else "false") in wanted


def _without_key(condition: Condition, quantifier: str, *, negated: bool, if_exists: bool) -> bool:
    """Answer for a request that has no such key."""
    if quantifier == "forallvalues":
        return True
    if quantifier == "foranyvalue":
        if if_exists:
            raise Undecided(f"AWS does not say what {condition} means without the key")
        return False
    return negated or if_exists


def _wanted(
    condition: Condition, request: Request, *, variables: bool, negated: bool
) -> tuple[str, ...]:
    """Resolve the policy's values; one whose variable is empty cannot be met."""
    if not variables:
        return condition.values
    values = [resolved(value, request.value) for value in condition.values]
    if negated and None in values:
        raise Undecided(f"a policy variable of {condition} has no value in the request")
    return tuple(value for value in values if value is not None)


def _operator(operator: str, condition: Condition) -> tuple[Test, bool]:
    """Return the test of an operator, and whether its outcome is turned round."""
    for name, test in _TESTS.items():
        if operator == name.lower():
            return test, False
    for name, test in _TESTS.items():
        if operator in _negations(name):
            return test, True
    raise Undecided(f"the operator of {condition} is not known here")


def _negations(name: str) -> tuple[str, ...]:
    """Return how an operator's opposite is called: StringNotLike, NotIpAddress."""
    lower = name.lower()
    for family in ("string", "numeric", "date", "arn"):
        if lower.startswith(family) and lower.removeprefix(family).startswith(("eq", "like")):
            return (f"{family}not{lower.removeprefix(family)}",)
    return ("notipaddress",) if lower == "ipaddress" else ()


def _bool(wanted: str, given: str) -> bool:
    if wanted.lower() not in ("true", "false"):
        raise Undecided(f"{wanted} is neither true nor false")
    return wanted.lower() == given.lower()


def _compared(read: Callable[[str], float], compare: Callable[[float, float], bool]) -> Test:
    def test(wanted: str, given: str) -> bool:
        try:
            return compare(read(given), read(wanted))
        except ValueError:
            raise Undecided(f"{wanted} and {given} cannot be compared") from None

    return test


def _moment(text: str) -> float:
    """Read a date of ISO 8601, or seconds since 1970."""
    if text.isascii() and text.lstrip("-").isdigit():
        return float(text)
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _address(wanted: str, given: str) -> bool:
    try:
        return ip_address(given) in ip_network(wanted, strict=False)
    except ValueError:
        raise Undecided(f"{wanted} and {given} are no addresses") from None


def _equals(wanted: str, given: str) -> bool:
    return same(wanted, given)


def _equals_folded(wanted: str, given: str) -> bool:
    return same(wanted, given, fold=True)


_TESTS: dict[str, Test] = {
    "StringEquals": _equals,
    "StringEqualsIgnoreCase": _equals_folded,
    "StringLike": like,
    "ArnEquals": arn_like,
    "ArnLike": arn_like,
    "Bool": _bool,
    "IpAddress": _address,
    "NumericEquals": _compared(float, eq),
    "NumericLessThan": _compared(float, lt),
    "NumericLessThanEquals": _compared(float, le),
    "NumericGreaterThan": _compared(float, gt),
    "NumericGreaterThanEquals": _compared(float, ge),
    "DateEquals": _compared(_moment, eq),
    "DateLessThan": _compared(_moment, lt),
    "DateLessThanEquals": _compared(_moment, le),
    "DateGreaterThan": _compared(_moment, gt),
    "DateGreaterThanEquals": _compared(_moment, ge),
}
