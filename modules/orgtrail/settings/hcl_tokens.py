"""Splits an environment file into tokens as HashiCorp's HCL does, for python-hcl2's grammar.

python-hcl2's own lexer takes comments in few places, letters of ASCII alone, any escape and a lone
carriage return. Its grammar reads what the tokens say; but it also takes entries with nothing
between them, so that is refused here. The rules are those of `scan_tokens.rl` and `parser.go`
(https://github.com/hashicorp/hcl/tree/v2.24.0/hclsyntax).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

from lark import Token

from orgtrail.settings.hcl_strings import (
    TOKEN,
    MisplacedError,
    identifier,
    require_depth,
    string_end,
)

_CALL = re.compile(r"(?:[ \t]|(?>/\*.*?\*/))*(?:\(|::)", re.DOTALL)
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?")
_TYPES = dict(
    each.rsplit(" ", 1)
    for each in (
        *("( LPAR", ") RPAR", "[ LSQB", "] RSQB", "{ LBRACE", "} RBRACE", "= EQ", ": COLON"),
        *(", COMMA", ". DOT", "? QMARK", "! NOT", "- MINUS", "+ PLUS", "* ASTERISK", "/ SLASH"),
        *("% PERCENT", "== DOUBLE_EQ", "!= NEQ", "< LT", "> GT", "<= LEQ", ">= GEQ"),
        *("&& DOUBLE_AMP", "|| DOUBLE_PIPE", "=> FOR_OBJECT_ARROW", "... ELLIPSIS", ":: COLONS"),
    )
)
"""What python-hcl2's grammar calls brackets and operators."""
_WORDS = {"true": "TRUE", "false": "FALSE", "null": "NULL"}
_CLOSERS = {"(": ")", "[": "]", "{": "}", "for [": "]", "for {": "}"}
_OPERANDS = {"NAME", "TRUE", "FALSE", "NULL", "INT_LITERAL", "DBLQUOTE", "HEREDOC_TEMPLATE"}
_STARTS = _OPERANDS | {"LPAR", "LBRACE", "NOT"}
"""Types of tokens that begin a value, and do not go on with the value before."""
_ENDS = _OPERANDS | {"RPAR", "RSQB", "RBRACE"}
"""Types of tokens that end a value."""


def tokens(text: str) -> Iterator[Token]:
    """Yield the tokens of a file as python-hcl2's grammar names them.

    Newlines are tokens only where they end an entry. Every number is an `INT_LITERAL`, and every
    heredoc a `HEREDOC_TEMPLATE`. A chain of signs, a name with `::` and a splat are one token.

    Raises:
        MisplacedError: the text is not HCL, or nested too deeply.

    """
    held: Token | None = None
    joints = 0
    for token in _Scanner(text).tokens():
        if held is None:
            held = token
        elif joint := _joint(held, token):
            joints += 1
            require_depth(joints, token.start_pos or 0)
            held = _token(joint, f"{held}{token}", held.start_pos, held.line, held.column)
            held.end_pos = token.end_pos
        else:
            if held.type == "NAME" and "::" in held and token.type != "LPAR":
                raise MisplacedError(token.start_pos or 0)
            yield held
            held, joints = token, 0
    if held is not None:
        yield held


def _joint(first: Token, second: Token) -> str | None:
    """Return the type of two tokens that the grammar has as one; None if they stay two."""
    match first.type, second.type:
        case "MINUS" | "NOT", "MINUS" | "NOT":
            return first.type
        case "DOT", "ASTERISK":
            return "ATTR_SPLAT"
        case "LSQB", "ASTERISK":
            return "FULL_SPLAT_START"
        case "FULL_SPLAT_START", "RSQB" if first == "[*":
            return "FULL_SPLAT_START"
        case "NAME", "COLONS":
            return "NAME"
        case "NAME", "NAME" if first.endswith("::"):
            return "NAME"
    return None


def _token(kind: str, value: str, place: int | None, line: int | None, column: int | None) -> Token:
    return Token(kind, value, place, line, column, end_pos=(place or 0) + len(value))


class _Scanner:
    """Reads tokens one after the other, and knows the brackets around them."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.newlines = [found.end() for found in re.finditer("\n", text)]
        self.open: list[str] = []
        self.before = "NL_OR_COMMENT"
        """The type of the token before."""
        self.opened = False
        """Whether only newlines are between here and an opening bracket."""
        self.in_value = False
        """Whether this is after the = of a setting; what is not is a block."""
        self.in_intro = False
        """Whether this is between `for` and `in`."""

    def tokens(self) -> Iterator[Token]:
        place = 0
        while place < len(self.text):
            found = TOKEN.match(self.text, place)
            if not found:
                raise MisplacedError(place)
            group, value = str(found.lastgroup), found[0]
            if group == "NAME":
                value = identifier(value, place)
            elif group in {"QUOTE", "HEREDOC"}:
                value = self.text[place : string_end(self.text, place, len(self.open))]
            elif group == "INT_LITERAL" and not _NUMBER.fullmatch(value):
                raise MisplacedError(place)
            if group == "NL_OR_COMMENT" and self.open and self.open[-1] != "{":
                group = "SPACE"
            if group != "SPACE":
                kind = self._type(group, value, place)
                self._require_place(kind, place)
                yield from self._made(kind, value, place)
                self.before = kind
                self.opened = kind in {"LSQB", "LBRACE"} or (
                    self.opened and kind == "NL_OR_COMMENT"
                )
            place += len(value)
        if self.open:
            raise MisplacedError(place)

    def _made(self, kind: str, value: str, place: int) -> Iterator[Token]:
        line = bisect_right(self.newlines, place)
        column = place - (self.newlines[line - 1] if line else 0) + 1
        if kind != "DBLQUOTE":
            yield _token(kind, value, place, line + 1, column)
            return
        end = len(value) - 1
        yield _token(kind, '"', place, line + 1, column)
        if end > 1:
            yield _token("STRING_CHARS", value[1:-1], place + 1, line + 1, column + 1)
        yield _token(kind, '"', place + end, line + 1, column + end)

    def _type(self, group: str, value: str, place: int) -> str:
        """Return the grammar's type of a token, and note what the token opens or closes."""
        match group:
            case "NAME":
                return self._word(value, place)
            case "QUOTE":
                return "DBLQUOTE"
            case "HEREDOC":
                return "HEREDOC_TEMPLATE"
            case "OPEN":
                self.open.append(value)
                require_depth(len(self.open), place)
            case "CLOSE":
                if not self.open or _CLOSERS[self.open.pop()] != value:
                    raise MisplacedError(place)
            case "OPERATOR":
                self.in_value = self.in_value or (value == "=" and not self.open)
            case _:
                if group == "NL_OR_COMMENT" and not self.open:
                    self.in_value = False
                return group
        return _TYPES[value]

    def _word(self, value: str, place: int) -> str:
        """Return the type of a name, which may be a keyword in its place."""
        if self.in_intro:
            if value == "in" and self.before == "NAME":
                self.in_intro = False
                return "IN"
        elif value == "for" and self.in_value and self.opened:
            self.open[-1] = f"for {self.open[-1]}"
            self.in_intro = True
            return "FOR"
        elif value == "if" and self.open[-1:] in (["for ["], ["for {"]):
            # Elsewhere, it is the name of a variable.
            if self.before in _ENDS or self.before == "ELLIPSIS":
                return "IF"
        elif value in _WORDS and not _CALL.match(self.text, place + len(value)):
            return _WORDS[value]
        return "NAME"

    def _require_place(self, kind: str, place: int) -> None:
        """Refuse what HCL refuses in this place, and python-hcl2's grammar does not."""
        beside = kind in _STARTS and self.before in _ENDS
        call = kind == "LPAR" and self.before == "NAME"
        if (
            (self.in_value and beside and not call)
            or (kind == "COMMA" and self.before == "NL_OR_COMMENT")
            or (self.before == "FOR" and kind != "NAME")
        ):
            raise MisplacedError(place)
