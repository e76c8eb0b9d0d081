"""Conditions of policies: operators, set operators and `IfExists`, for the keys of a request.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from ipaddress import ip_address, ip_network
from operator import eq, ge, gt, le, lt

from orgtrail.iam.patterns import Undecided, arn_like, equals, like, resolved
from orgtrail.iam.request import Request

Test = Callable[[str, str], bool]
"""Compares a value of the policy with a value of the request."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One key of a `Condition` block."""

    operator: str
    key: str
    values: tuple[str, ...]

    def __str__(self) -> str:
        """Return operator and key, for messages."""
        return f"{self.operator} {self.key}"


def holds(condition: Condition, request: Request, *, variables: bool) -> bool:
    """Return whether a request meets a condition.

    Args:
        condition: the condition.
        request: the request.
        variables: whether the policy's version supports policy variables.

    Raises:
        Undecided: the operator, the key or a value is unknown.

    """
    given = request.value(condition.key)
    if given is None:
        return holds_without_key(condition)
    quantifier, _, name = condition.operator.rpartition(":")
    operator = name.lower()
    if operator == "null" and not quantifier:
        return _is_null(condition, given)
    test, negated = _operator(operator.removesuffix("ifexists"), condition)
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


def holds_without_key(condition: Condition) -> bool:
    """Return whether a request that does not have the key of a condition meets it.

    Raises:
        Undecided: the operator is unknown, or AWS does not say.

    """
    quantifier, _, name = condition.operator.lower().rpartition(":")
    if name == "null" and not quantifier:
        return _is_null(condition, None)
    _, negated = _operator(name.removesuffix("ifexists"), condition)
    if_exists = name.endswith("ifexists")
    if quantifier == "forallvalues":
        return True
    if quantifier == "foranyvalue":
        if if_exists:
            raise Undecided(f"AWS does not say what {condition} means without the key")
        return False
    return negated or if_exists


def _is_null(condition: Condition, given: tuple[str, ...] | None) -> bool:
    wanted = {value.lower() for value in condition.values}
    if not wanted <= {"true", "false"}:
        raise Undecided(f"{condition} is neither true nor false")
    return ("true" if given is None else "false") in wanted


def _wanted(
    condition: Condition, request: Request, *, variables: bool, negated: bool
) -> tuple[str, ...]:
    """Resolve the policy's values; a value with an empty variable cannot match."""
    if not variables:
        return condition.values
    values = [resolved(value, request.value) for value in condition.values]
    if negated and None in values:
        raise Undecided(f"a policy variable of {condition} has no value in the request")
    return tuple(value for value in values if value is not None)


def _operator(operator: str, condition: Condition) -> tuple[Test, bool]:
    """Return the test of an operator, and whether the operator negates it."""
    test = _TESTS.get(_NEGATED.get(operator, operator))
    if test is None:
        raise Undecided(f"the operator of {condition} is not known here")
    return test, operator in _NEGATED


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
    """Parse an ISO 8601 date, or seconds since 1970."""
    if text.isascii() and text.lstrip("-").isdigit():
        return float(text)
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _address(wanted: str, given: str) -> bool:
    try:
        return ip_address(given) in ip_network(wanted, strict=False)
    except ValueError:
        raise Undecided(f"{wanted} and {given} are no addresses") from None


_TESTS: dict[str, Test] = {
    "stringequals": equals,
    "stringequalsignorecase": partial(equals, fold=True),
    "stringlike": like,
    "arnequals": arn_like,
    "arnlike": arn_like,
    "bool": _bool,
    "ipaddress": _address,
    "numericequals": _compared(float, eq),
    "numericlessthan": _compared(float, lt),
    "numericlessthanequals": _compared(float, le),
    "numericgreaterthan": _compared(float, gt),
    "numericgreaterthanequals": _compared(float, ge),
    "dateequals": _compared(_moment, eq),
    "datelessthan": _compared(_moment, lt),
    "datelessthanequals": _compared(_moment, le),
    "dategreaterthan": _compared(_moment, gt),
    "dategreaterthanequals": _compared(_moment, ge),
}
"""By operator in lower case."""
_NEGATED = {
    "stringnotequals": "stringequals",
    "stringnotequalsignorecase": "stringequalsignorecase",
    "stringnotlike": "stringlike",
    "arnnotequals": "arnequals",
    "arnnotlike": "arnlike",
    "notipaddress": "ipaddress",
    "numericnotequals": "numericequals",
    "datenotequals": "dateequals",
}
"""Operators that negate another one."""
