"""The pySigma backend that writes a rule's condition as SQL of Athena over the table.

Every comparison is true or false and never null, so that `not` finds the records that lack a field.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import cast

from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionOR,
    ConditionValueExpression,
)
from sigma.conversion.base import TextQueryBackend
from sigma.conversion.state import ConversionState
from sigma.types import (
    CompareOperators,
    SigmaBool,
    SigmaCasedString,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExpansion,
    SigmaFieldReference,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaString,
    SigmaTimestampPart,
    SigmaType,
)

from orgtrail.sigma import networks
from orgtrail.sigma.fields import EVERYTHING, InexpressibleError, Place, literal, places
from orgtrail.sigma.patterns import shared

_ESCAPE = "!"
"""Before a `%` or `_` of a value; a backslash is doubled by some dialects and not by others."""
_OPERATORS = {
    CompareOperators.LT: "<",
    CompareOperators.LTE: "<=",
    CompareOperators.GT: ">",
    CompareOperators.GTE: ">=",
}
_Atom = ConditionFieldEqualsValueExpression


class Backend(TextQueryBackend):
    """Conditions over the columns of the table; only the connectives are pySigma's own."""

    name = "orgtrail"
    group_expression = "({expr})"
    token_separator = " "
    or_token = "OR"
    and_token = "AND"
    not_token = "NOT"
    convert_or_as_in = True

    def decide_convert_condition_as_in_expression(
        self, cond: ConditionOR | ConditionAND, state: ConversionState
    ) -> bool:
        """Tell whether all values are whole texts in which capitals do not matter."""
        return super().decide_convert_condition_as_in_expression(cond, state) and not any(
            isinstance(cast(_Atom, each).value, SigmaCasedString | SigmaTimestampPart)
            for each in cond.args
        )

    def convert_condition_as_in_expression(
        self, cond: ConditionOR | ConditionAND, _: ConversionState
    ) -> str:
        """Write one of several values."""
        atoms = [cast(_Atom, each) for each in cond.args]
        values = ", ".join(_lowered(_plain(each.value)) for each in atoms)
        return _test(atoms[0].field, lambda text: f"lower({text}) IN ({values})")

    def convert_condition_field_eq_val_str(self, cond: _Atom, _: ConversionState) -> str:
        """Write a text, in which capitals do not matter."""
        value = cast(SigmaString, cond.value)
        return _test(cond.field, lambda text: _like(text, value))

    def convert_condition_field_eq_val_str_case_sensitive(
        self, cond: _Atom, state: ConversionState
    ) -> str:
        """Write a text, in which capitals matter."""
        return self.convert_condition_field_eq_val_str(cond, state)

    def convert_condition_field_eq_val_num(self, cond: _Atom, _: ConversionState) -> str:
        """Write a number: records have it as text."""
        value = literal(_plain(cond.value))
        return _test(cond.field, lambda text: f"{text} = {value}")

    def convert_condition_field_eq_val_bool(self, cond: _Atom, _: ConversionState) -> str:
        """Write a truth value: records have it as text, in both ways."""
        value = literal(str(bool(cast(SigmaBool, cond.value))).lower())
        return _test(cond.field, lambda text: f"lower({text}) = {value}")

    def convert_condition_field_eq_val_re(self, cond: _Atom, _: ConversionState) -> str:
        """Write a regular expression, which may match anywhere in the text."""
        value = _expression(cond.value)
        return _test(cond.field, lambda text: f"regexp_like({text}, {value})")

    def convert_condition_field_eq_val_cidr(self, cond: _Atom, _: ConversionState) -> str:
        """Write the addresses of a network."""
        value = literal(networks.pattern(cast(SigmaCIDRExpression, cond.value).network))
        return _test(cond.field, lambda text: f"regexp_like(lower({text}), {value})")

    def convert_condition_field_compare_op_val(self, cond: _Atom, _: ConversionState) -> str:
        """Write a comparison of numbers; what is no number is neither less nor greater."""
        value = cast(SigmaCompareExpression, cond.value)
        if isinstance(value.number, SigmaTimestampPart) or value.op not in _OPERATORS:
            raise InexpressibleError(f"{cond.field}: parts of times are not supported")
        than = f"{_OPERATORS[value.op]} {value.number}"
        return _test(cond.field, lambda text: f"TRY_CAST({text} AS double) {than}")

    def convert_condition_field_eq_val_timestamp_part(self, cond: _Atom, _: ConversionState) -> str:
        """Refuse hours, weekdays and the like."""
        raise InexpressibleError(f"{cond.field}: parts of times are not supported")

    def convert_condition_field_eq_field(self, cond: _Atom, _: ConversionState) -> str:
        """Write a comparison of two fields."""
        value = cast(SigmaFieldReference, cond.value)
        other = places(value.field)[0]
        if other.of:
            raise InexpressibleError(f"{value.field}: it is a list, which no field is compared to")
        within = f"lower({other.text})"

        def compared(text: str) -> str:
            text = f"lower({text})"
            match value.starts_with, value.ends_with:
                case True, True:
                    return f"strpos({text}, {within}) > 0"
                case True, False:
                    return f"strpos({text}, {within}) = 1"
                case False, True:
                    return f"strpos(reverse({text}), reverse({within})) = 1"
            return f"{text} = {within}"

        return _test(cond.field, compared)

    def convert_condition_field_eq_val_null(self, cond: _Atom, _: ConversionState) -> str:
        """Write that a record does not have a field."""
        return f"(NOT {_test(cond.field, _is_there)})"

    def convert_condition_field_exists(self, cond: _Atom, _: ConversionState) -> str:
        """Write that a record has a field."""
        return _test(cond.field, _is_there)

    def convert_condition_field_eq_expansion(self, cond: _Atom, state: ConversionState) -> str:
        """Write the ways in which a value may be written; pySigma puts no brackets after `not`."""
        return f"({super().convert_condition_field_eq_expansion(cond, state)})"

    def convert_condition_val(self, cond: ConditionValueExpression, state: ConversionState) -> str:
        """Write what may stand anywhere in a record."""
        match cond.value:
            case SigmaExpansion(values):
                ways = map(ConditionValueExpression, values)
                return _any(self.convert_condition_val(each, state) for each in ways)
            case SigmaRegularExpression():
                return f"coalesce(regexp_like({EVERYTHING}, {_expression(cond.value)}), false)"
            case SigmaString():
                return f"coalesce({_like(EVERYTHING, cond.value, anywhere=True)}, false)"
            case SigmaNumber():
                text = SigmaString(_plain(cond.value))
                return f"coalesce({_like(EVERYTHING, text, anywhere=True)}, false)"
        raise InexpressibleError("a value without a field must be text, a number or an expression")


def _test(field: str, test: Callable[[str], str]) -> str:
    """Write a test of a field; of a list, that an element passes it."""
    return _any(_passes(each, test) for each in places(field))


def _passes(place: Place, test: Callable[[str], str]) -> str:
    if not place.of:
        return f"coalesce({test(place.text)}, false)"
    passing = f"filter({place.of}, one -> coalesce({test(place.text)}, false))"
    return f"coalesce(cardinality({passing}) > 0, false)"


def _any(tests: Iterable[str]) -> str:
    ways = [*tests]
    return ways[0] if len(ways) == 1 else f"({' OR '.join(ways)})"


def _is_there(text: str) -> str:
    return f"{text} IS NOT NULL"


def _like(text: str, value: SigmaString, *, anywhere: bool = False) -> str:
    cased = isinstance(value, SigmaCasedString)
    written, text = (literal, text) if cased else (_lowered, f"lower({text})")
    if not (anywhere or value.contains_special()):
        return f"{text} = {written(_plain(value))}"
    pattern = value.convert(_ESCAPE, "%", "_", _ESCAPE)
    if anywhere:
        pattern = f"%{pattern}%"
    escape = f" ESCAPE '{_ESCAPE}'" if _ESCAPE in pattern else ""
    return f"{text} LIKE {written(pattern)}{escape}"


def _plain(value: SigmaType) -> str:
    """Return a whole value as text; pySigma refuses one that has a placeholder."""
    return value.convert(None, None, None) if isinstance(value, SigmaString) else str(value)


def _lowered(text: str) -> str:
    """Write a text in small letters: those beyond ASCII as the engine itself makes them."""
    return literal(text.lower()) if text.isascii() else f"lower({literal(text)})"


def _expression(value: SigmaType) -> str:
    given = cast(SigmaRegularExpression, value)
    if given.contains_placeholder():
        raise InexpressibleError("placeholders (modifier expand) are not supported")
    return literal(shared(given.escape([], escape_escape_char=False)))
