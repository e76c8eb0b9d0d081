"""The pySigma backend that translates a rule's condition to Athena SQL over the table.

Comparisons are true or false, never null, so that `not` also finds records without the field.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from ipaddress import IPv4Network, IPv6Network
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

from orgtrail.query.sigma.fields import (
    EVERYTHING,
    FieldSql,
    UnsupportedRuleError,
    field_sql,
    literal,
)

_ESCAPE = "!"
"""Escapes `%` and `_` in LIKE; a backslash would need doubling in some dialects only."""
_OPERATORS = {
    CompareOperators.LT: "<",
    CompareOperators.LTE: "<=",
    CompareOperators.GT: ">",
    CompareOperators.GTE: ">=",
}
_Atom = ConditionFieldEqualsValueExpression

_OCTETS, _GROUPS = 4, 8

_REGEX_TOKEN = re.compile(
    r"""
      \\(?P<escape>.)
    | \[(?P<class>\^?\]?(?:\\.|\[:\^?\w+:\]|[^\]\\])*)\]
    | (?P<group>\(\?(?:P|[a-zA-Z]*U))
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_NESTED_CLASS = re.compile(r"(?<!\\)\[|&&|^\^?\]")
"""Java reads these as a nested class, an intersection, and the end of the class."""


class Backend(TextQueryBackend):
    """Writes conditions over the table's columns; pySigma adds AND, OR and NOT."""

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
        """Use IN if all values are case-insensitive texts without wildcards."""
        return super().decide_convert_condition_as_in_expression(cond, state) and not any(
            isinstance(cast(_Atom, each).value, SigmaCasedString | SigmaTimestampPart)
            for each in cond.args
        )

    def convert_condition_as_in_expression(
        self, cond: ConditionOR | ConditionAND, _: ConversionState
    ) -> str:
        """Match one of several values."""
        atoms = [cast(_Atom, each) for each in cond.args]
        values = ", ".join(_lower_literal(_plain(each.value)) for each in atoms)
        return _test(atoms[0].field, lambda text: f"lower({text}) IN ({values})")

    def convert_condition_field_eq_val_str(self, cond: _Atom, _: ConversionState) -> str:
        """Match a text, ignoring case."""
        value = cast(SigmaString, cond.value)
        return _test(cond.field, lambda text: _like(text, value))

    def convert_condition_field_eq_val_str_case_sensitive(
        self, cond: _Atom, state: ConversionState
    ) -> str:
        """Match a text exactly."""
        return self.convert_condition_field_eq_val_str(cond, state)

    def convert_condition_field_eq_val_num(self, cond: _Atom, _: ConversionState) -> str:
        """Match a number; the table stores it as text."""
        value = literal(_plain(cond.value))
        return _test(cond.field, lambda text: f"{text} = {value}")

    def convert_condition_field_eq_val_bool(self, cond: _Atom, _: ConversionState) -> str:
        """Match a Boolean; the table stores it as text in either case."""
        value = literal(str(bool(cast(SigmaBool, cond.value))).lower())
        return _test(cond.field, lambda text: f"lower({text}) = {value}")

    def convert_condition_field_eq_val_re(self, cond: _Atom, _: ConversionState) -> str:
        """Match a regular expression anywhere in the text."""
        value = _regex_literal(cond.value)
        return _test(cond.field, lambda text: f"regexp_like({text}, {value})")

    def convert_condition_field_eq_val_cidr(self, cond: _Atom, _: ConversionState) -> str:
        """Match an address in a network."""
        value = literal(network_regex(cast(SigmaCIDRExpression, cond.value).network))
        return _test(cond.field, lambda text: f"regexp_like(lower({text}), {value})")

    def convert_condition_field_compare_op_val(self, cond: _Atom, _: ConversionState) -> str:
        """Compare numbers; text that is not a number is neither less nor greater."""
        value = cast(SigmaCompareExpression, cond.value)
        if isinstance(value.number, SigmaTimestampPart) or value.op not in _OPERATORS:
            raise UnsupportedRuleError(f"{cond.field}: parts of times are not supported")
        than = f"{_OPERATORS[value.op]} {value.number}"
        return _test(cond.field, lambda text: f"TRY_CAST({text} AS double) {than}")

    def convert_condition_field_eq_val_timestamp_part(self, cond: _Atom, _: ConversionState) -> str:
        """Reject hours, weekdays and other parts of times."""
        raise UnsupportedRuleError(f"{cond.field}: parts of times are not supported")

    def convert_condition_field_eq_field(self, cond: _Atom, _: ConversionState) -> str:
        """Compare two fields."""
        value = cast(SigmaFieldReference, cond.value)
        other = field_sql(value.field)[0]
        if other.of:
            raise UnsupportedRuleError(
                f"{value.field}: it is a list, which no field is compared to"
            )
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
        """Match records without a field."""
        return f"(NOT {_test(cond.field, _is_there)})"

    def convert_condition_field_exists(self, cond: _Atom, _: ConversionState) -> str:
        """Match records with a field."""
        return _test(cond.field, _is_there)

    def convert_condition_field_eq_expansion(self, cond: _Atom, state: ConversionState) -> str:
        """Match any expansion of a value; pySigma adds no brackets after `not`."""
        return f"({super().convert_condition_field_eq_expansion(cond, state)})"

    def convert_condition_val(self, cond: ConditionValueExpression, state: ConversionState) -> str:
        """Match a keyword anywhere in a record."""
        match cond.value:
            case SigmaExpansion(values):
                ways = map(ConditionValueExpression, values)
                return _any(self.convert_condition_val(each, state) for each in ways)
            case SigmaRegularExpression():
                return f"coalesce(regexp_like({EVERYTHING}, {_regex_literal(cond.value)}), false)"
            case SigmaString():
                return f"coalesce({_like(EVERYTHING, cond.value, anywhere=True)}, false)"
            case SigmaNumber():
                text = SigmaString(_plain(cond.value))
                return f"coalesce({_like(EVERYTHING, text, anywhere=True)}, false)"
        raise UnsupportedRuleError(
            "a value without a field must be text, a number or an expression"
        )


def _test(field: str, test: Callable[[str], str]) -> str:
    """Test a field; a list passes if one of its elements does."""
    return _any(_passes(each, test) for each in field_sql(field))


def _passes(place: FieldSql, test: Callable[[str], str]) -> str:
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
    written, text = (literal, text) if cased else (_lower_literal, f"lower({text})")
    if not (anywhere or value.contains_special()):
        return f"{text} = {written(_plain(value))}"
    pattern = value.convert(_ESCAPE, "%", "_", _ESCAPE)
    if anywhere:
        pattern = f"%{pattern}%"
    escape = f" ESCAPE '{_ESCAPE}'" if _ESCAPE in pattern else ""
    return f"{text} LIKE {written(pattern)}{escape}"


def _plain(value: SigmaType) -> str:
    """Return a value as plain text; pySigma refuses one with a placeholder."""
    return value.convert(None, None, None) if isinstance(value, SigmaString) else str(value)


def _lower_literal(text: str) -> str:
    """Return a lower-case literal; the engine lowers non-ASCII text, for consistent results."""
    return literal(text.lower()) if text.isascii() else f"lower({literal(text)})"


def _regex_literal(value: SigmaType) -> str:
    given = cast(SigmaRegularExpression, value)
    if given.contains_placeholder():
        raise UnsupportedRuleError("placeholders (modifier expand) are not supported")
    return literal(portable_regex(given.escape([], escape_escape_char=False)))


def network_regex(network: IPv4Network | IPv6Network) -> str:
    """Return a regular expression for a network's addresses that works in both engines.

    Raises:
        UnsupportedRuleError: the addresses have too many spellings.

    """
    return f"^{_ipv4_regex(network) if isinstance(network, IPv4Network) else _ipv6_regex(network)}$"


def _ipv4_regex(network: IPv4Network) -> str:
    whole, bits = divmod(network.prefixlen, 8)
    octets = [str(each) for each in network.network_address.packed]
    parts = octets[:whole]
    if bits:
        first = network.network_address.packed[whole]
        parts.append(f"(?:{'|'.join(map(str, range(first, first + 2 ** (8 - bits))))})")
    return "[.]".join(parts + ["[0-9]{1,3}"] * (_OCTETS - len(parts)))


def _ipv6_regex(network: IPv6Network) -> str:
    """Reject fixed parts with zeros that addresses may omit (RFC 5952)."""
    if network.prefixlen == network.max_prefixlen:
        return str(network)[: -len("/128")]
    whole, bits = divmod(network.prefixlen, 16)
    groups = network.network_address.exploded.split(":")
    fixed = [each.lstrip("0") for each in groups[:whole]]
    rest = "[0-9a-f:.]*"
    if not bits:
        if not all(fixed):
            raise _zeros(network)
        return ":".join(fixed) + f":{rest}" if fixed else f"[0-9a-f]*:{rest}"
    digits, odd = divmod(bits, 4)
    partial = groups[whole][:digits]
    if odd:
        first = int(groups[whole][digits], 16)
        partial += "[" + "".join(f"{each:x}" for each in range(first, first + 2 ** (4 - odd))) + "]"
    if partial.startswith("0") or "[0" in partial[:2] or not all(fixed):
        raise _zeros(network)
    free = _OCTETS - digits - bool(odd)
    tail = f"[0-9a-f]{{{free}}}" if free else ""
    end = f":{rest}" if whole < _GROUPS - 1 else ""
    return ":".join([*fixed, partial + tail]) + end


def _zeros(network: IPv6Network) -> UnsupportedRuleError:
    return UnsupportedRuleError(
        f"{network}: an IPv6 network with zeros at the start of a group is not supported"
    )


def portable_regex(pattern: str) -> str:
    """Return a regular expression unchanged if Athena and DuckDB interpret it the same way.

    pySigma accepts only RE2 syntax, which DuckDB uses; Athena uses Java's syntax.

    Raises:
        UnsupportedRuleError: the engines interpret it differently.

    """
    for found in _REGEX_TOKEN.finditer(pattern):
        within = found["class"]
        if (
            found["group"]
            or (found["escape"] or "") in {"C", "Q", "E"}
            or (within and _NESTED_CLASS.search(within))
        ):
            raise UnsupportedRuleError(
                f"the regular expression has {found[0][:20]!r}, which Athena reads otherwise "
                "than DuckDB"
            )
    return pattern
