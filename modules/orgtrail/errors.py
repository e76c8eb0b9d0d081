"""Errors as users see them: error classes, exit codes, and faults of settings."""

from __future__ import annotations

import json
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

SettingPath = tuple[str | int, ...]
"""The path of a setting in its file: `("guardrails", "exempt_roles", 0)`."""

NOT_GIVEN = object()
"""The value of a setting that the file does not have."""

EXIT_OK, EXIT_BAD, EXIT_FAILED = 0, 1, 2
"""Exit codes: the answer is good; it is bad; there is no answer, or only a partial one."""


class OrgtrailError(Exception):
    """Any error that orgtrail reports to its user in plain words, without a traceback."""


class StoppedError(OrgtrailError):
    """The user or a signal stopped the work; the message says what was kept."""


class SettingsWarning(UserWarning):
    """A valid setting has a consequence that the reader may not expect."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One setting, the rule that it breaks, the given value, and a hint."""

    setting: SettingPath
    rule: str
    given: object = NOT_GIVEN
    hint: str = ""

    def __str__(self) -> str:
        """Write setting, rule, value and hint in one line."""
        subject = f"{dotted(self.setting)} {self.rule}".lstrip()
        got = "" if self.given is NOT_GIVEN else f"; got {_as_hcl(self.given)}"
        return f"{subject}{got}{'; ' + self.hint if self.hint else ''}"


@dataclass(frozen=True, slots=True)
class SettingsSource:
    """The file that settings came from, and the line of each setting in it."""

    name: str
    lines: Mapping[SettingPath, int] = field(default_factory=dict)

    def line(self, setting: SettingPath) -> int:
        """Return the line of a setting, or of the nearest object around it; 0 if unknown."""
        around = (setting[:end] for end in range(len(setting), -1, -1))
        return next((self.lines[each] for each in around if each in self.lines), 0)

    def at(self, setting: SettingPath) -> str:
        """Return `file:line` of a setting, or the file alone if its line is unknown."""
        line = self.line(setting)
        return f"{self.name}:{line}" if line else self.name


class SettingsError(OrgtrailError):
    """Every fault of one environment file, one line each, in the order of the file.

    Attributes:
        faults: the faults.
        source: the file that they are in; None for settings built in Python.

    """

    def __init__(self, faults: Iterable[Fault], source: SettingsSource | None = None) -> None:
        """Sort the faults by line and format them."""
        self.source = source
        self.faults = tuple(
            sorted(faults, key=lambda fault: source.line(fault.setting) if source else 0)
        )
        super().__init__("\n".join(with_location(fault, source) for fault in self.faults))


def with_location(fault: Fault, source: SettingsSource | None) -> str:
    """Format a fault, with its file and line if the source is known."""
    return f"{source.at(fault.setting)}: {fault}" if source else str(fault)


def dotted(setting: SettingPath) -> str:
    """Write a path as a user would: `guardrails.exempt_roles[0]`."""
    text = ""
    for part in setting:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part.replace("_", "").replace("-", "").isalnum():
            text += f".{part}" if text else part
        else:
            text += f"[{json.dumps(part)}]"
    return text


def _as_hcl(value: object) -> str:
    """Write a value as HCL would, cut to 80 characters."""
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:79]}…"


def describe_internal_error(error: BaseException) -> str:
    """Describe a bug in orgtrail in one line: the error and its place in the code."""
    places = traceback.extract_tb(error.__traceback__)
    ours = [each for each in places if "orgtrail" in each.filename] or [*places]
    file = ours[-1].filename.replace("\\", "/").rpartition("/")[2] if ours else ""
    place = f" ({file}:{ours[-1].lineno})" if ours else ""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}{': ' * bool(text)}{text[:300]}{place}"


def reason(error: Exception) -> str:
    """Return why a file cannot be read or written, without the name that the message has."""
    return (isinstance(error, OSError) and error.strerror) or str(error)


def printable(text: str) -> str:
    """Escape the control characters of untrusted text, so that it cannot control the terminal.

    Anyone who names an object or calls the API controls such text.
    """
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )
