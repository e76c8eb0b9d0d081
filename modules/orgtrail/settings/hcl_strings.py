"""Finds the end of HCL's strings, and reads those without a template, as HashiCorp's HCL does.

The rules are those of `scan_tokens.rl`, `scan_string_lit.rl` and `parser_template.go`
(https://github.com/hashicorp/hcl/tree/v2.24.0/hclsyntax).
"""

from __future__ import annotations

import re
import sys
from unicodedata import category, normalize

DEEPEST = 50
"""Most brackets, quotes and templates inside each other; the settings need fewer than ten."""

TOKEN = re.compile(
    r"""(?P<SPACE>(?:[ \t]|/\*.*?\*/)+)
    |(?P<NL_OR_COMMENT>(?:\#|//)[^\n]*\n?|\r?\n)
    |(?P<NAME>(?:[a-zA-Z_]|[^\x00-\x7f])(?:[a-zA-Z0-9_-]|[^\x00-\x7f])*)
    |(?P<INT_LITERAL>[0-9](?:(?:[0-9.]|[eE][+-]?[0-9])*(?:[0-9]|[eE][+-]?[0-9]))?)
    |(?P<QUOTE>")
    |(?P<HEREDOC><<)
    |(?P<OPEN>[(\[{])
    |(?P<CLOSE>[)\]}]|~\})
    |(?P<OPERATOR>\.\.\.|=>|==|!=|<=|>=|&&|\|\||::|/(?!\*)|[-=.,*%+<>!?:])""",
    re.VERBOSE | re.DOTALL,
)
"""A token outside of strings. Brackets around a template are `~}` too."""

_CLOSERS = {"(": {")"}, "[": {"]"}, "{": {"}"}, "${": {"}", "~}"}}
_TEMPLATE = re.compile(r"[$%]\{~?")
_QUOTED = re.compile(r'(?:[^"\\$%]+|\\.|\$\$\{|%%\{|[$%](?!\{))*', re.DOTALL)
_HEREDOC = re.compile(r"<<-?((?:[a-zA-Z_]|[^\x00-\x7f])(?:[a-zA-Z0-9_-]|[^\x00-\x7f])*)\r?\n")
_HEREDOC_PART = re.compile(r"(?:[^\r\n$%]+|[$%]\r(?=\r\n)|\$\$\{|%%\{|[$%](?!\{))*(?:\r?\n)?")
_HEREDOC_LINE = re.compile(r"([^\r\n$%]*)\r?\n")
_ESCAPE = re.compile(
    r'\\(?P<one>[nrt"\\])'
    r"|\\(?:u(?P<four>[0-9a-fA-F]{4})|U(?P<eight>[0-9a-fA-F]{8}))"
    r"|(?P<bad>\\.)|(?P<doubled>\$\$\{|%%\{)",
    re.DOTALL,
)
_DOUBLED = re.compile(r"(?P<doubled>\$\$\{|%%\{)")
_SIGNS = re.compile(r"(?P<doubled>\$\$\{|%%\{)|[$%]\{")
_LETTERS = {"Lu", "Ll", "Lt", "Lm", "Lo", "Nl"}
_CONTROL = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}
_SPACES = " \t\n\v\f\r\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
"""What Go's unicode.IsSpace takes for a space; Python takes four control characters more."""


class MisplacedError(Exception):
    """Text that HCL does not have in its place."""

    def __init__(self, place: int, rule: str = "is not valid HCL here") -> None:
        super().__init__(rule)
        self.place = place
        """The offset in the text."""
        self.rule = rule


def identifier(name: str, place: int) -> str:
    """Return the part of a name that is an identifier: a letter of any script, then also digits.

    HCL takes the letters of Unicode 9.0 (2016); this takes those of Python's Unicode.

    Raises:
        MisplacedError: the name begins with another character.

    """
    if name.isascii():
        return name
    if not (name[0] == "_" or _is_letter(name[0])):
        raise MisplacedError(place)
    return next((name[:end] for end, each in enumerate(name) if not _continues(each)), name)


def _is_letter(character: str) -> bool:
    """Return whether a character is ID_Start (https://www.unicode.org/reports/tr31/)."""
    return category(character) in _LETTERS or character in "\u1885\u1886\u2118\u212e\u309b\u309c"


def _continues(character: str) -> bool:
    """Return whether a character is ID_Continue or a hyphen."""
    return (
        character == "-"
        or _is_letter(character)
        or category(character) in {"Mn", "Mc", "Pc"}
        or character.isdecimal()
        or character in "\u00b7\u0387\u1369\u136a\u136b\u136c\u136d\u136e\u136f\u1370\u1371\u19da"
    )


def require_depth(depth: int, place: int) -> None:
    """Refuse what is nested too deeply for what reads it afterwards."""
    if depth > DEEPEST:
        raise MisplacedError(place, "must not be nested so deeply")


def string_end(text: str, start: int, depth: int) -> int:
    """Return where the quoted string or heredoc that begins here ends, templates and all.

    Args:
        text: the file.
        start: the offset of the quote or of `<<`.
        depth: how many brackets are around it.

    Raises:
        MisplacedError: it has no end, has an escape that HCL does not know, or a bracket in a
            template of it closes another one.

    """
    inside: list[str] = []
    place = _in_template(text, start, inside)
    while inside:
        require_depth(depth + len(inside), place)
        if place >= len(text):
            raise MisplacedError(start)
        if inside[-1] == '"':
            place = _in_quotes(text, place, inside)
        elif inside[-1].startswith("<<"):
            place = _in_heredoc(text, place, inside)
        else:
            place = _in_template(text, place, inside)
    return place


def _in_quotes(text: str, place: int, inside: list[str]) -> int:
    found = _QUOTED.match(text, place)
    assert found, "the pattern matches nothing too"
    end = found.end()
    if "\\" in found[0]:
        for escape in _ESCAPE.finditer(text, place, end):
            code = int(escape["four"] or escape["eight"] or "0", 16)
            if escape["bad"] or code > sys.maxunicode or 0xD800 <= code <= 0xDFFF:
                raise MisplacedError(escape.start())
    if text.startswith('"', end):
        inside.pop()
        return end + 1
    return _begin_template(text, end, inside)


def _in_heredoc(text: str, place: int, inside: list[str]) -> int:
    line = _HEREDOC_LINE.match(text, place) if text[place - 1] == "\n" else None
    if line and line[0].strip(_SPACES) == inside[-1].removeprefix("<<"):
        inside.pop()
        return line.end(1)
    found = _HEREDOC_PART.match(text, place)
    if found and found[0]:
        return found.end()
    return _begin_template(text, place, inside)


def _begin_template(text: str, place: int, inside: list[str]) -> int:
    found = _TEMPLATE.match(text, place)
    if found:
        inside.append("${")
        return found.end()
    if place < len(text):
        raise MisplacedError(place)
    return place


def _in_template(text: str, place: int, inside: list[str]) -> int:
    """Pass over a token of a template, or over the beginning of a string."""
    found = TOKEN.match(text, place)
    if not found:
        raise MisplacedError(place)
    match found.lastgroup:
        case "OPEN" | "QUOTE":
            inside.append(found[0])
        case "CLOSE":
            if found[0] not in _CLOSERS[inside.pop()]:
                raise MisplacedError(place)
        case "HEREDOC":
            found = _HEREDOC.match(text, place)
            if not found or identifier(found[1], found.start(1)) != found[1]:
                raise MisplacedError(place)
            inside.append(f"<<{found[1]}")
    return found.end()


def literal_text(source: str) -> str | None:
    """Return what a quoted string or heredoc says, in Unicode's form NFC; None for a template.

    Args:
        source: the whole string, as the file has it. A heredoc keeps its last newline.

    """
    if source.startswith('"'):
        text, escape = source[1:-1], _ESCAPE
    else:
        first = source.index("\n") + 1
        text, escape = source[first : source.rindex("\n") + 1], _DOUBLED
        if source.startswith("<<-"):
            text = _flush(text)
    if _has_template(text):
        return None
    return normalize("NFC", escape.sub(_unescaped, text))


def _has_template(text: str) -> bool:
    """Return whether a text has `${` or `%{` that is not doubled, as in `$${`."""
    return any(not each["doubled"] for each in _SIGNS.finditer(text))


def _unescaped(found: re.Match[str]) -> str:
    if found["doubled"]:
        return found[0][1:]
    if code := found["four"] or found["eight"]:
        return chr(int(code, 16))
    return _CONTROL[found["one"]]


def _flush(text: str) -> str:
    """Take from each line the spaces that all lines have in front; blank lines stay and count not.

    https://github.com/hashicorp/hcl/blob/v2.24.0/hclsyntax/spec.md#template-expressions
    """
    lines = text.split("\n")
    blank = [not line.strip(_SPACES) for line in lines]
    spaces = [len(line) - len(line.lstrip(_SPACES)) for line in lines]
    least = min((count for count, skip in zip(spaces, blank, strict=True) if not skip), default=0)
    return "\n".join(
        line if skip else _shorter(line, least) for line, skip in zip(lines, blank, strict=True)
    )


def _shorter(line: str, spaces: int) -> str:
    """Take spaces from a line; marks that combine with the last one go with it, as in HCL."""
    rest = line[spaces:]
    if spaces and category(line[spaces - 1]) == "Zs":
        while rest and (category(rest[0]) in {"Mn", "Mc", "Me"} or rest[0] in "\u200c\u200d"):
            rest = rest[1:]
    return rest
