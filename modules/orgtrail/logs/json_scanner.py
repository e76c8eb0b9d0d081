"""An incremental JSON scanner: extracts values from text that arrives in pieces.

A large value is never completely in memory. The regular expressions only find where a value ends;
validating it is left to the caller's parser. Nothing recurses, so any depth of nesting is fine.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from orgtrail.logs.decompression import UnreadableLogError

_SPACE = re.compile(r"[ \t\r\n]*+")
_BARE = re.compile(r"""[^ \t\r\n,:"{}\[\]]*+""")
_INSIDE = re.compile(r'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
"""The text between the quotes of a string."""
_FLAT = rf'[^"{{}}\[\]]++|"{_INSIDE.pattern}"'
"""A complete string, or text without brackets."""
_RUN = re.compile(rf"(?:{_FLAT}|[{{\[](?:{_FLAT})*+[}}\]])*+", re.DOTALL)
"""A run of those, including objects and lists without nested ones."""
_DROPPED = -1


class JsonScanner:
    """Reads a text from start to end, and returns the values that the caller wants.

    Args:
        pieces: the text.
        limit: the most characters of a value that are kept.

    """

    def __init__(self, pieces: Iterator[str], limit: int) -> None:
        """Start before the first character."""
        self._pieces, self._limit = pieces, limit
        self._text, self._at, self._before = "", 0, 0
        self._marks: list[int] = []

    def peek(self) -> str:
        """Return the next character that is not a space, without taking it; empty at the end."""
        while True:
            self._at = _end(_SPACE, self._text, self._at)
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def take(self, characters: str) -> str:
        """Take the next character, which must be one of these."""
        found = self.peek()
        if not found:
            raise _incomplete()
        if found not in characters:
            raise UnreadableLogError(
                f"broken JSON: {' or '.join(characters)} expected at character {self._position}"
            )
        self._at += 1
        return found

    def mark(self) -> None:
        """Keep the text from the next character that is not a space."""
        self.peek()
        self._marks.append(self._position)

    def cut(self) -> str | None:
        """Return the text since the last mark; None if it is too large."""
        start = self._marks.pop()
        if start == _DROPPED or self._position - start > self._limit:
            return None
        return self._text[start - self._before : self._at]

    def value(self) -> str | None:
        """Take the next value and return it; None if it is too large."""
        self.mark()
        self.skip()
        return self.cut()

    def skip(self) -> None:
        """Take the next value."""
        first = self.peek()
        if first in {"{", "["}:
            self._at += 1
            self.close()
        elif first == '"':
            self._at += 1
            self._string()
        elif first and first not in ",:]}":
            while (end := _end(_BARE, self._text, self._at)) == len(self._text):
                self._at = end
                if not self._more():
                    return
            self._at = end
        elif first:
            raise UnreadableLogError(f"broken JSON: value expected at character {self._position}")
        else:
            raise _incomplete()

    def key(self) -> str:
        """Take a member's name and its colon."""
        self.mark()
        self.take('"')
        self._string()
        name = self.cut() or '""'
        self.take(":")
        if "\\" not in name:
            return name[1:-1]
        try:
            return str(json.loads(name, strict=False))
        except ValueError:
            return name

    def close(self) -> None:
        """Take everything up to the bracket that closes the one taken last."""
        depth = 1
        while depth:
            self._at = _end(_RUN, self._text, self._at)
            if self._at == len(self._text):
                if not self._more():
                    raise _incomplete()
                continue
            character = self._text[self._at]
            self._at += 1
            if character == '"':
                # The string does not end in this piece.
                self._string()
            else:
                depth += 1 if character in "{[" else -1

    @property
    def _position(self) -> int:
        return self._before + self._at

    def _string(self) -> None:
        """Take a string up to its closing quote."""
        while True:
            self._at = _end(_INSIDE, self._text, self._at)
            if self._text.startswith('"', self._at):
                self._at += 1
                return
            if not self._more():
                raise _incomplete()

    def _more(self) -> bool:
        """Read another piece, and drop the text that no mark keeps."""
        piece = next(self._pieces, None)
        if piece is None:
            return False
        self._marks = [_DROPPED if self._position - n > self._limit else n for n in self._marks]
        kept = min((n for n in self._marks if n != _DROPPED), default=self._position)
        kept -= self._before
        self._text = self._text[kept:] + piece
        self._at -= kept
        self._before += kept
        return True


def member(text: str, name: str) -> str:
    """Return the text of an object's first member with a name; empty if there is none.

    Raises:
        UnreadableLogError: the text is not an object, or is broken.

    """
    scanner = JsonScanner(iter((text,)), len(text))
    scanner.take("{")
    while scanner.peek() == '"':
        if scanner.key() == name:
            return scanner.value() or ""
        scanner.skip()
        if scanner.take(",}") == "}":
            break
    return ""


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    assert found is not None  # each pattern also matches the empty text
    return found.end()


def _incomplete() -> UnreadableLogError:
    return UnreadableLogError("broken JSON: it ends before it is complete")
