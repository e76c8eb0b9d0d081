"""Cutting JSON values out of a text that comes in pieces, so that a large one never stands whole.

The regular expressions find where a value ends and nothing else: whether it is sound JSON is for
whoever parses it. Nothing calls itself, so that no depth of nesting is too much.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from orgtrail.logs.unpacking import UnreadableError

_SPACE = re.compile(r"[ \t\r\n]*+")
_BARE = re.compile(r"""[^ \t\r\n,:"{}\[\]]*+""")
_INSIDE = re.compile(r'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
"""What stands between the quotes of a string."""
_FLAT = rf'[^"{{}}\[\]]++|"{_INSIDE.pattern}"'
"""A whole string, or what is no bracket."""
_RUN = re.compile(rf"(?:{_FLAT}|[{{\[](?:{_FLAT})*+[}}\]])*+", re.DOTALL)
"""As many of them as there are, with objects and lists that hold no further ones."""
_GONE = -1


class Cutter:
    """A text that is read from its start to its end, and of which values are cut.

    Args:
        pieces: the text.
        most: characters of a value that are kept.

    """

    def __init__(self, pieces: Iterator[str], most: int) -> None:
        """Begin before the first character."""
        self._pieces, self._most = pieces, most
        self._text, self._at, self._before = "", 0, 0
        self._marks: list[int] = []

    def peek(self) -> str:
        """Return the next character that is no space, without taking it; empty at the end."""
        while True:
            self._at = _end(_SPACE, self._text, self._at)
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def take(self, characters: str) -> str:
        """Take one of the characters, which has to come next."""
        found = self.peek()
        if not found:
            raise _ended()
        if found not in characters:
            raise UnreadableError(
                f"broken JSON: {' or '.join(characters)} expected at character {self._place}"
            )
        self._at += 1
        return found

    def mark(self) -> None:
        """Begin to keep the text, from the next character that is no space."""
        self.peek()
        self._marks.append(self._place)

    def cut(self) -> str | None:
        """Return the text since the last mark; None where it is too large."""
        start = self._marks.pop()
        if start == _GONE or self._place - start > self._most:
            return None
        return self._text[start - self._before : self._at]

    def value(self) -> str | None:
        """Take the next value and return it; None where it is too large."""
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
        else:
            raise (
                _ended()
                if not first
                else UnreadableError(f"broken JSON: value expected at character {self._place}")
            )

    def key(self) -> str:
        """Take the name of a member and its colon."""
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
        """Take all up to the bracket that closes the one taken last."""
        depth = 1
        while depth:
            self._at = _end(_RUN, self._text, self._at)
            if self._at == len(self._text):
                if not self._more():
                    raise _ended()
                continue
            character = self._text[self._at]
            if character == '"':
                # It does not end in this piece.
                self._at += 1
                self._string()
                continue
            self._at += 1
            depth += 1 if character in "{[" else -1

    @property
    def _place(self) -> int:
        return self._before + self._at

    def _string(self) -> None:
        """Take the rest of a string."""
        while True:
            self._at = _end(_INSIDE, self._text, self._at)
            if self._text.startswith('"', self._at):
                self._at += 1
                return
            if not self._more():
                raise _ended()

    def _more(self) -> bool:
        """Read a further piece, and let go of what no mark keeps."""
        piece = next(self._pieces, None)
        if piece is None:
            return False
        self._marks = [_GONE if self._place - n > self._most else n for n in self._marks]
        kept = min((n for n in self._marks if n != _GONE), default=self._place) - self._before
        self._text = self._text[kept:] + piece
        self._at -= kept
        self._before += kept
        return True


def member(text: str, name: str) -> str:
    """Return the value of an object's first member of that name, as it is written; empty if none.

    Raises:
        UnreadableError: the text is no object, or a broken one.

    """
    cutter = Cutter(iter((text,)), len(text))
    cutter.take("{")
    while cutter.peek() == '"':
        if cutter.key() == name:
            return cutter.value() or ""
        cutter.skip()
        if cutter.take(",}") == "}":
            break
    return ""


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    assert found is not None  # each of them matches nothing, too
    return found.end()


def _ended() -> UnreadableError:
    return UnreadableError("broken JSON: it ends before it is complete")
